"""A warehouse is verified: what is not as it was published is named by table and date."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossledger.cli.main import main
from lossledger.readers.table_verification import TABLES
from lossledger.schemas.attribution import SESSION_LOSSES
from lossledger.schemas.ledger import UNIT_SESSIONS
from lossledger.schemas.ops import PUBLISHED_DAYS
from lossledger.store.data_files import files_of
from lossledger.store.warehouse import Warehouse
from tests.report.conftest import DAYS, Made


@pytest.fixture
def root(made: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.root, tmp_path / "warehouse"))


def file_of(root: Path, table: Any) -> Path:
    """The first one with the table's rows of the first date, under no other name."""
    path, *_ = files_of(Warehouse(root), table, DAYS[0])
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    return Path(str(path))


def test_a_warehouse_that_nobody_touched_holds(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--warehouse", str(made.root)]) == 0
    assert capsys.readouterr().out.endswith(": all rows are those published\n")


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return f"{value}x" if isinstance(value, str) else value + type(value)(1)


def test_one_value_changed_is_found_in_every_table(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In its last column that has a value: the carried state is published too."""
    changed = []
    for table in TABLES:
        files = files_of(Warehouse(root), table, DAYS[0])
        rows = pq.ParquetFile(files[0]).read() if files else pa.table({})
        if not rows.num_rows:
            continue
        path = file_of(root, table)
        kinds = {n: rows[n].type for n in reversed(rows.column_names) if rows[n].null_count < rows.num_rows}
        name = next(n for n, kind in kinds.items() if pa.types.is_decimal(kind) or pa.types.is_string(kind))
        values = rows[name].to_pylist()
        at = next(n for n, value in enumerate(values) if value is not None)
        values[at] = another(values[at])
        column = rows.schema.get_field_index(name)
        pq.write_table(rows.set_column(column, rows.field(name), pa.array(values, rows[name].type)), path)
        changed.append(table.full_name)
    assert {SESSION_LOSSES.full_name, UNIT_SESSIONS.full_name} <= {*changed}
    assert main(["verify", "--warehouse", str(root)]) == 3
    told = capsys.readouterr()
    words = "the rows of version 1 are not those that were published"
    lines = [line for line in told.out.splitlines() if words in line]
    assert [line.split(":")[0] for line in lines] == [f"{DAYS[0]} {name}" for name in changed]
    assert f"{len(changed)} findings, above" in told.err


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (Path.unlink, " is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), " cannot be read: "),
        (lambda path: path.write_bytes(b""), " cannot be read: "),
    ],
)
def test_a_missing_or_damaged_file_is_named(
    root: Path, harm: Callable[[Path], object], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(root, SESSION_LOSSES)
    harm(path)
    assert main(["verify", "--warehouse", str(root)]) == 3
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"2025-10-10 attribution.session_losses: version 1: {path.name}{words}")


def test_what_was_written_past_the_night_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = Warehouse(root)
    warehouse.replace_day(SESSION_LOSSES, warehouse.read(SESSION_LOSSES, DAYS[0]).slice(0, 1), DAYS[0])
    assert main(["verify", "--warehouse", str(root)]) == 3
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("2025-10-10 attribution.session_losses: the newest version, ")


def test_a_date_whose_hash_is_not_that_of_its_tables_is_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reports and dates after it go by the hash of the date."""
    path = file_of(root, PUBLISHED_DAYS)
    rows = pq.ParquetFile(path).read()
    column = rows.schema.get_field_index("output_sha256")
    pq.write_table(rows.set_column(column, rows.field(column), pa.array(["0" * 64])), path)
    assert main(["verify", "--warehouse", str(root)]) == 3
    (line,) = capsys.readouterr().out.splitlines()
    assert line == "2025-10-10 ops.published_days: output_sha256 is not the hash of the date's table_sha256"


def test_a_table_or_the_list_of_dates_that_is_gone_is_one_line(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(root / "attribution" / "adl_losses")
    assert main(["verify", "--warehouse", str(root)]) == 3
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == [f"{day} attribution.adl_losses" for day in DAYS]
    (path,) = files_of(Warehouse(root), PUBLISHED_DAYS, DAYS[1])
    Path(str(path)).unlink()
    assert main(["verify", "--warehouse", str(root)]) == 3
    assert "ops.published_days of " in capsys.readouterr().err
