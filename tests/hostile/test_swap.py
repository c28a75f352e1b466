"""What is judged is what was hashed: a file that is swapped in between fails the date with code 4."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossledger.engine.errors import ConflictError
from lossledger.jobs.load import loader, reference_loader
from lossledger.jobs.load.file_reader import read_file
from lossledger.jobs.load.hashed_streams import HashedBlocks
from lossledger.jobs.load.landing_zone import LandedFile
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import TYPED
from lossledger.store.arrow import to_rows
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, published_rows
from tests.hostile.commands import CONFLICT, DAY, TRANSFER, error_line, run, transfer_csv, transfer_json

TRANSFERS = DATASETS["transfers"]


def parquet(path: Path, **change: str) -> None:
    pq.write_table(pa.table({name: [value] for name, value in (TRANSFER | change).items()}), path)


def write(path: Path, amount: str) -> None:
    """The same transfer in any format, and in as many bytes whatever its amount."""
    data = (transfer_json if ".json" in path.name else transfer_csv)({"amount": amount})
    if path.suffix == ".parquet":
        parquet(path, amount=amount)
    else:
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.jsonl", "x.jsonl.gz", "x.parquet"])
@pytest.mark.parametrize("how", ["other content", "damaged", "gone", "longer"])
def test_a_file_swapped_between_its_hash_and_its_reading(
    landing: Path,
    tmp_path: Path,
    name: str,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    no_checks: None,
) -> None:
    path, listed = landing / DAY / name, loader.landed_files

    def swapped(*args: Any) -> list[LandedFile]:
        files = listed(*args)
        if any(file.path.endswith(name) for file in files):
            swap(path, how)
        return files

    write(path, "1")
    with monkeypatch.context() as patched:
        patched.setattr(loader, "landed_files", swapped)
        assert run(landing, tmp_path / "warehouse", last=D9) == CONFLICT
    assert f"{DAY}/{name} changed while it was read: try again" in error_line(capsys)
    assert published_rows(tmp_path / "warehouse") == 0
    write(path, "2")
    assert run(landing, tmp_path / "warehouse", last=D9) == 0
    table = TYPED["transfers"]
    rows = dict(to_rows(table, Warehouse(tmp_path / "warehouse").read(table), ["transfer_id", "amount"]))
    assert rows["t0"] == 2 * 10**18


def swap(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    elif how == "other content":
        write(path, "9")
    elif how == "longer":
        path.write_bytes(path.read_bytes() * 2)
    else:
        path.write_bytes(b"\xff" * path.stat().st_size)


def test_reference_data_too(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = reference_loader.landed_files

    def swapped(*args: Any) -> list[LandedFile]:
        files = listed(*args)
        path = landing / "accounts" / "data.csv"
        if files[0].dataset == "accounts":
            path.write_text(path.read_text().replace("retail", "professional"))
        return files

    monkeypatch.setattr(reference_loader, "landed_files", swapped)
    assert run(landing, tmp_path / "warehouse", last=D9) == CONFLICT
    assert "accounts/data.csv changed while it was read" in error_line(capsys)


def test_a_file_swapped_in_the_middle_of_its_reading(tmp_path: Path) -> None:
    """Every block of a Parquet file is compared when it is read, however late that is."""
    rows = [f"{n:064x}" for n in range(50_000)]
    columns = {name: pa.array([value] * len(rows)) for name, value in TRANSFER.items()} | {"note": rows}
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=1000, compression="none", use_dictionary=False)
    with path.open("rb") as file:
        sha256 = HashedBlocks(file, "x").sha256()
    content = read_file(tmp_path, "x.parquet", TRANSFERS, sha256)
    next(content.rows)
    data = path.read_bytes()
    path.write_bytes(data.replace(rows[-1].encode(), b"f" * 64))
    with pytest.raises(ConflictError, match=r"^x\.parquet changed while it was read"):
        list(content.rows)
