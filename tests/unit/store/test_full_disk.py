"""A disk that fills up at any point: code 4, the table or path at fault is named, and the next run goes on."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

import lossledger.store.creation
import lossledger.store.warehouse
from lossledger.cli.main import main
from lossledger.engine.errors import ConfigError, ConflictError
from lossledger.schemas.attribution import ACCOUNT_DAILY
from lossledger.schemas.ledger import TYPED
from lossledger.schemas.ops import RUNS
from lossledger.schemas.registry import TABLES
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, small_landing

pytestmark = pytest.mark.usefixtures("unchecked_cli")

# As deltalake 1.6.6 says it: creating and writing differ.
CREATING = "Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)"
WRITING = f"Failed to parse parquet: External: {CREATING}"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def run(landing: Path, warehouse: Path) -> int:
    call = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]
    return main([*call, "--from", str(D9), "--to", str(D9)])


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1].removeprefix("lossledger: error: ")


def test_full_while_tables_are_created(
    landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What deltalake leaves then is a folder with an empty log."""
    full = list(TABLES.values())[7]

    def create(where: str, *rest: Any, **options: Any) -> DeltaTable:
        if Path(where).name == f".{full.name}.new":
            (Path(where) / "_delta_log").mkdir(parents=True)
            raise OSError(CREATING)
        return DeltaTable.create(where, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(lossledger.store.creation, "DeltaTable", SimpleNamespace(create=create))
        assert run(landing, warehouse) == 4
    path = warehouse / full.schema / full.name
    assert last_line(capsys).startswith(
        f"no space left on the disk: {full.full_name} in {path}; make room and"
    )
    assert not path.exists()
    assert main(["status", "--warehouse", str(warehouse)]) == 4
    assert "is not complete" in last_line(capsys)
    assert not path.exists()  # status makes nothing
    assert run(landing, warehouse) == 0
    assert not list(warehouse.glob("*/.*.new"))


def test_full_while_the_marker_is_written(landing: Path, warehouse: Path) -> None:
    """An empty marker is none: what an earlier version left is made whole."""
    warehouse.mkdir()
    (warehouse / "lossledger.json").touch()
    assert run(landing, warehouse) == 0


@pytest.mark.parametrize("left", ["", "_delta_log", "_delta_log/_commits", "empty commit"])
def test_half_made_table_is_made_anew(left: str, landing: Path, warehouse: Path) -> None:
    Warehouse.create(warehouse)
    path = warehouse / "ledger" / "fills"
    shutil.rmtree(path)
    if left == "empty commit":
        (path / "_delta_log").mkdir(parents=True)
        (path / "_delta_log" / f"{0:020}.json").touch()
    else:
        (path / left).mkdir(parents=True)
    assert run(landing, warehouse) == 0
    assert list(published_days(Warehouse(warehouse))) == [D9]


def test_data_without_a_log_are_not_thrown_away(landing: Path, warehouse: Path) -> None:
    assert run(landing, warehouse) == 0
    shutil.rmtree(warehouse / "ledger" / "fills" / "_delta_log")
    with pytest.raises(ConfigError, match=r"ledger/fills has data and no log: restore"):
        Warehouse.create(warehouse)
    assert list((warehouse / "ledger" / "fills").rglob("*.parquet"))


@pytest.mark.parametrize("error", [OSError(WRITING), DeltaError(WRITING)])
@pytest.mark.parametrize("table", [TYPED["fills"], ACCOUNT_DAILY, RUNS], ids=lambda t: t.full_name)
def test_full_while_a_table_is_written(
    table: Any,
    error: Exception,
    landing: Path,
    warehouse: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The disk stays full: ops.runs cannot be written either, and is not what is told."""
    full = False

    def filling(writer: Callable[..., None]) -> Callable[..., None]:
        def write(delta: DeltaTable, *rest: Any, **options: Any) -> None:
            nonlocal full
            full = full or delta.table_uri.rstrip("/").endswith(table.full_name.replace(".", "/"))
            if full:
                raise error
            writer(delta, *rest, **options)

        return write

    with monkeypatch.context() as patch:
        patch.setattr(lossledger.store.warehouse, "write_deltalake", filling(write_deltalake))
        patch.setattr(DeltaTable, "create_write_transaction", filling(DeltaTable.create_write_transaction))
        assert run(landing, warehouse) == 4
    assert last_line(capsys).startswith(f"no space left on the disk: {table.full_name} in {warehouse}")
    assert run(landing, warehouse) == 0
    assert list(published_days(Warehouse(warehouse))) == [D9]


def test_full_while_a_stage_leaves_its_note(
    landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A note that was cut off would be read by every later run of the date."""
    write = Path.write_text

    def cut_off(self: Path, text: str, *rest: Any, **options: Any) -> int:
        if "staging" in self.parts:
            write(self, text[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, text, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", cut_off)
        assert run(landing, warehouse) == 4
    note = warehouse / "staging" / str(D9) / "load.json"
    assert last_line(capsys).startswith(f"no space left on the disk: {note}; make room")
    assert not note.exists()
    assert run(landing, warehouse) == 0


def test_any_other_failure_to_write_is_for_a_person_to_mend(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Warehouse.create(warehouse)

    def write(*_: Any, **__: Any) -> None:
        raise DeltaError("Permission denied (os error 13)")

    monkeypatch.setattr(lossledger.store.warehouse, "write_deltalake", write)
    with pytest.raises(ConfigError, match=r"cannot write ops\.runs in .*Permission denied"):
        opened.append(RUNS, opened.read(RUNS))


def test_making_is_not_begun_twice(warehouse: Path) -> None:
    """Whoever comes while tables are being made tries again later."""
    with Warehouse.made(warehouse):
        shutil.rmtree(warehouse / "ops" / "runs")
        with pytest.raises(ConflictError, match="another run is writing to"):
            Warehouse.create(warehouse)
