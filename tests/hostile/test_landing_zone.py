"""Files and folders that are refused: exit code 3, with the name of the file and the row where there is one."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import D9, D10, published_rows
from tests.hostile.commands import (
    CONFIG,
    DATA,
    DAY,
    HEADER,
    TRANSFER,
    Spoil,
    error_line,
    file,
    run,
    transfer_csv,
    transfer_json,
)

pytestmark = pytest.mark.usefixtures("no_checks")
GOOD = transfer_csv({})


def parquet(**columns: object) -> Spoil:
    """A file with one transfer, or columns in place of its own."""

    def spoil(landing: Path) -> None:
        pq.write_table(pa.table({k: [v] for k, v in TRANSFER.items()} | columns), landing / DAY / "x.parquet")

    return spoil


def parquet_column_twice(landing: Path) -> None:
    names = [*TRANSFER, "amount"]
    table = pa.Table.from_arrays([pa.array([TRANSFER[name]]) for name in names], names=names)
    pq.write_table(table, landing / DAY / "x.parquet")


def out(path: str, name: str = "") -> Spoil:
    """Move a file or folder out of the landing zone and leave a link to it."""

    def spoil(landing: Path) -> None:
        outside = landing.parent / "outside"
        (landing / path).rename(outside)
        (landing / (name or path)).symlink_to(outside)

    return spoil


def link_to_nothing(landing: Path) -> None:
    (landing / DAY / "x.csv").symlink_to("nowhere.csv")


def link_to_itself(landing: Path) -> None:
    (landing / DAY / "x.csv").symlink_to("x.csv")


def no_utf8(landing: Path) -> None:
    (Path(os.fsdecode(os.fsencode(landing / DAY) + b"/\xff.csv"))).write_bytes(GOOD)


def huge_price(landing: Path) -> None:
    for path in landing.glob("*/date=*/data.csv"):
        path.write_text(path.read_text().replace("1000,1,0", "99999999999999999999,99999999999,0"))


AGAIN = "damaged file, deliver it again"
SPOILED: list[tuple[str, Spoil, str]] = [
    ("file name that is no UTF-8", no_utf8, rf"{DAY}/\udcff.csv: the file's name is not UTF-8"),
    ("named pipe", lambda p: os.mkfifo(p / DAY / "x.csv"), f"{DAY}/x.csv: not a regular file"),
    ("folder named like a file", lambda p: (p / DAY / "x.csv").mkdir(), "x.csv: not one of the file types"),
    ("file linked from outside", out(f"{DAY}/data.csv"), f"{DAY}/data.csv: a link that leads out"),
    ("date linked from outside", out(DAY), f"{DAY}: a link that leads out of the landing zone"),
    ("dataset linked from outside", out("transfers"), "transfers: a link that leads out"),
    ("reference linked from outside", out("accounts"), "accounts: a link that leads out"),
    ("link to a device", lambda p: (p / DAY / "x.csv").symlink_to("/dev/zero"), "x.csv: a link that leads out"),
    ("link to nothing", link_to_nothing, f"{DAY}/x.csv: a link to nothing"),
    ("link to itself", link_to_itself, f"{DAY}/x.csv cannot be read"),
    ("year 1", file("fills/date=0001-01-01/x.csv", GOOD), "fills/date=0001-01-01: dates from 1970-01-02 to"),
    ("year 9999", file("fills/date=9999-12-31/x.csv", GOOD), "fills/date=9999-12-31: dates from 1970-01-02 to"),
    ("header with a column twice", file(f"{DAY}/x.csv", GOOD.replace(b"kind", b"amount")), "'amount' stands twice"),
    ("Parquet with a column twice", parquet_column_twice, f"{DAY}/x.parquet: damaged file, deliver it again (the"),
    ("known Parquet column is a list", parquet(amount=[[1]]), "x.parquet: column amount is of the type list"),
    ("quotes that never end", file(f"{DAY}/x.csv", GOOD + b'"' + b"a\n" * 2**20), f"x.csv: {AGAIN} (row 2: "),
    ("long quotes", file(f"{DAY}/x.csv", GOOD + b'"' + b"a" * 2**21 + b'"\n'), "row 2: longer than 1,048,576"),
    ("row that is no UTF-8", file(f"{DAY}/x.csv", GOOD + b"\xff\n"), f"x.csv: {AGAIN} (row 2: not UTF-8)"),
    ("JSON cut off", file(f"{DAY}/x.jsonl", transfer_json({}, {})[:-9]), f"x.jsonl: {AGAIN} (row 2: "),
    ("JSON that is a list", file(f"{DAY}/x.jsonl", b"[" * 5 + b"]" * 5), f"x.jsonl: {AGAIN} (row 1: a line is not"),
    ("JSON without a column", file(f"{DAY}/x.jsonl", b"{}\n"), "x.jsonl: missing required column transfer_id, ts"),
    ("gzip cut off", file(f"{DAY}/x.csv.gz", gzip.compress(GOOD)[:-4]), f"{DAY}/x.csv.gz: damaged file"),
    ("garbage after gzip", file(f"{DAY}/x.csv.gz", gzip.compress(GOOD) + b"garbage"), "x.csv.gz: damaged file"),
    ("no Parquet", file(f"{DAY}/x.parquet", b"PAR1" * 9), f"{DAY}/x.parquet: damaged file"),
    ("results beyond DECIMAL(38,18)", huge_price, "account_daily: unrealised_pnl of account_id a, "),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), [c[1:] for c in SPOILED], ids=[c[0] for c in SPOILED])
def test_what_is_refused(
    landing: Path, tmp_path: Path, spoil: Spoil, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(landing)
    assert run(landing, tmp_path / "warehouse") == DATA
    assert message in error_line(capsys)
    assert published_rows(tmp_path / "warehouse") == 0


def test_a_link_within_the_landing_zone_is_followed(landing: Path, tmp_path: Path) -> None:
    (landing / DAY / "data.csv").rename(landing / "_store.csv")
    (landing / DAY / "data.csv").symlink_to(landing / "_store.csv")
    assert run(landing, tmp_path / "warehouse") == 0


@pytest.mark.parametrize("warehouse", ["landing/warehouse", "landing/_warehouse", "landing", ".", "link/w"])
def test_landing_and_warehouse_are_kept_apart(
    landing: Path, tmp_path: Path, warehouse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused at the first run, before anything is written."""
    (tmp_path / "link").symlink_to(landing)
    before = sorted(tmp_path.rglob("*"))
    assert run(landing, tmp_path / warehouse) == CONFIG
    assert "lie in one another: keep them apart" in error_line(capsys)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["a%20b", "a[1]", "a\nb", "a\\b", "a\x1b[31mb", "b\udcff"])
def test_a_warehouse_in_which_no_table_can_be_kept(
    landing: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(landing, tmp_path / name) == CONFIG
    assert "tables cannot be kept below a folder with" in (told := error_line(capsys))
    assert told.isprintable()
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["a b", "100%", "é#?&"])
def test_a_warehouse_with_an_odd_name(landing: Path, tmp_path: Path, name: str) -> None:
    assert run(landing, tmp_path / name, last=D9) == 0
    assert published_rows(tmp_path / name) > 0


@pytest.mark.parametrize(("first", "last"), [("0001-01-01", D9), (D10, "9999-12-31")])
def test_dates_that_no_tool_has_times_for(
    landing: Path, tmp_path: Path, first: object, last: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(landing, tmp_path / "warehouse", first=first, last=last) == CONFIG
    assert "is not a date from 1970-01-02 to 2199-12-31" in error_line(capsys)


def test_header_alone(landing: Path, tmp_path: Path) -> None:
    file(f"{DAY}/x.csv", HEADER)(landing)
    assert run(landing, tmp_path / "warehouse", last=D9) == 0
