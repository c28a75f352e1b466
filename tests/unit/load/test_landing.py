"""Reading delivered files: the same rows in every format (inputs.md)."""

import gzip
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossledger.engine.errors import DataError
from lossledger.engine.intake.judge import InstrumentVersion, Reference, take_in
from lossledger.engine.numbers import E18
from lossledger.engine.versions import Versions
from lossledger.jobs.load.file_reader import read_file
from lossledger.jobs.load.landing_zone import dataset_days, files_hash, landed_files
from lossledger.jobs.load.parquet_columns import plain
from lossledger.jobs.load.parquet_rows import batch_rows
from lossledger.schemas.inputs import DATASETS

FILLS, TRANSFERS = DATASETS["fills"], DATASETS["transfers"]
DAY = date(2025, 10, 10)
TS = datetime(2025, 10, 10, 12, tzinfo=UTC)
MICROS = 1_760_097_600_000_000
KNOWN = Reference(
    {"USD": 2}, {"P": "USD"}, {"P": Versions([(0, InstrumentVersion(E18 // 2, E18 // 10))])}, {"a": 0}
)
TYPED = ("f1", "x1", MICROS, "a", "P", False, "buy", 100_500 * 10**15, 10**17, -(10**16), "normal")
ROW = {
    "fill_id": "f1",
    "trade_id": "x1",
    "ts": "2025-10-10T12:00:00Z",
    "account_id": "a",
    "instrument_id": "P",
    "side": "buy",
    "price": "100.50",
    "quantity": "0.1",
    "fee": "-0.01",
    "kind": "normal",
}
CSV = f"{','.join(ROW)}\n{','.join(ROW.values())}\n".encode()
JSON = json.dumps(ROW).encode()
NUMBERS = json.dumps(ROW | {"ts": MICROS}).replace('"100.50"', "100.50").encode()


def parquet(path: Path, **columns: pa.Array) -> None:
    data: dict[str, Any] = {name: pa.array([value]) for name, value in ROW.items()}
    pq.write_table(pa.table(data | columns), path)


def read(path: Path) -> list[tuple[Any, ...]]:
    """The typed rows of a file; none may be rejected."""
    taken = take_in(FILLS, read_file(path.parent, path.name, FILLS).rows, KNOWN, DAY)
    assert taken.rejected == []
    return taken.rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv", CSV),
        ("f.csv", CSV.replace(b"\n", b"\r\n")),
        ("f.csv", b"\xef\xbb\xbf" + CSV),
        ("f.csv", b"\n" + CSV.replace(b"\n", b"\n\n") + b"\n\n"),
        ("f.csv", CSV.rstrip()),
        ("f.csv", CSV.replace(b"f1,", b'"f1",')),
        ("f.csv", CSV.replace(b"2025-10-10T12:00:00Z", str(MICROS).encode())),
        ("f.csv.gz", gzip.compress(CSV)),
        ("f.jsonl", JSON),
        ("f.json", b"\n\n" + JSON + b"\n\n"),
        ("f.jsonl", b"\xef\xbb\xbf" + JSON),
        ("f.jsonl", NUMBERS),
        ("f.jsonl.gz", gzip.compress(JSON)),
        ("f.json.gz", gzip.compress(JSON)),
        ("a.b.csv", CSV),
        ("f.csv.jsonl.gz", gzip.compress(JSON)),
    ],
    ids=[
        *[
            "csv",
            "CRLF",
            "BOM",
            "blank lines",
            "no last newline",
            "quotes",
            "microseconds",
            "csv.gz",
            "jsonl",
        ],
        *[
            "json",
            "json with BOM",
            "numbers as numbers",
            "jsonl.gz",
            "json.gz",
            "dots in the name",
            "the last name counts",
        ],
    ],
)
def test_text_formats_say_the_same(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert read(tmp_path / name) == [TYPED]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"price": pa.array([Decimal("100.50")], pa.decimal128(20, 4))},
        {"price": pa.array([Decimal("100.50")], pa.decimal256(60, 30))},
        {"ts": pa.array([TS], pa.timestamp("us", tz="UTC"))},
        {"ts": pa.array([TS], pa.timestamp("ms", tz="UTC"))},
        {"ts": pa.array([TS], pa.timestamp("ns", tz="UTC"))},
        {"ts": pa.array([TS], pa.timestamp("us", tz="Asia/Tokyo"))},
        {"ts": pa.array([MICROS])},
        {"isolated": pa.array([False])},
        {"isolated": pa.array([None], pa.bool_())},
        {"side": pa.array(["buy"]).dictionary_encode()},
    ],
    ids=[
        "text",
        "decimal",
        "wide decimal",
        "us",
        "ms",
        "ns",
        "Tokyo",
        "integer",
        "bool",
        "null",
        "dictionary",
    ],
)
def test_parquet_says_the_same(columns: dict[str, pa.Array], tmp_path: Path) -> None:
    parquet(tmp_path / "f.parquet", **columns)
    assert read(tmp_path / "f.parquet") == [TYPED]


TEXTS = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]
TEXTS += [pa.dictionary(index, pa.string()) for index in (pa.int8(), pa.uint64())]
TEXTS += [pa.dictionary(pa.int16(), pa.binary()), pa.json_()]


@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_text_is_text_however_it_is_encoded(kind: pa.DataType, store_schema: bool, tmp_path: Path) -> None:
    """In every column, times, decimals and booleans among them; the file may keep the writer's Arrow schema."""
    row = ROW | {"isolated": "false"}
    columns = {name: encoded([value], kind) for name, value in row.items()}
    pq.write_table(pa.table(columns), tmp_path / "f.parquet", store_schema=store_schema)
    assert read(tmp_path / "f.parquet") == [TYPED]


def encoded(values: list[str | None], kind: pa.DataType) -> pa.Array:
    """Texts as an array of that type."""
    texts = pa.array(values, pa.string())
    if pa.types.is_dictionary(kind):
        coded = texts.cast(kind.value_type).dictionary_encode()
        return pa.DictionaryArray.from_arrays(coded.indices.cast(kind.index_type), coded.dictionary)
    if kind == pa.json_():
        return pa.ExtensionArray.from_storage(kind, texts)
    return texts.cast(kind)


def test_bytes_of_one_length_are_text(tmp_path: Path) -> None:
    parquet(tmp_path / "f.parquet", kind=pa.array([b"normal"], pa.binary(6)))
    assert read(tmp_path / "f.parquet") == [TYPED]


def test_run_end_encoded_columns_are_what_they_encode() -> None:
    """Arrow's own writer has none in Parquet, others may."""
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None]))
    assert plain(runs).to_pylist() == ["a", "a", None]
    assert [row.values["c"] for row in batch_rows(pa.record_batch([runs], ["c"]), ["c"])] == ["a", "a", None]


@pytest.mark.parametrize(
    "kind", [pa.decimal32(6, 2), pa.decimal64(10, 2), pa.decimal128(5, 2), pa.decimal256(60, 2)], ids=str
)
def test_decimals_of_every_width_are_decimals(kind: pa.DataType, tmp_path: Path) -> None:
    parquet(tmp_path / "f.parquet", price=pa.array([Decimal("100.50")], kind))
    assert read(tmp_path / "f.parquet") == [TYPED]


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("price", pa.array([100.5]), "column price is of the type double, which is not a decimal"),
        ("fee", pa.array([float("nan")], pa.float16()), "column fee is of the type halffloat, which is not a decimal"),
        ("fill_id", pa.array([Decimal(1)]), "column fill_id is of the type decimal128(1, 0), which is not text"),
        ("trade_id", pa.array([1.0]), "column trade_id is of the type double, which is not text"),
        ("ts", pa.array([True]), "column ts is of the type bool, which is not a time"),
        ("ts", pa.array([1.0]), "column ts is of the type double, which is not a time"),
        ("isolated", pa.array([1]), "column isolated is of the type int64, which is not true or false"),
        ("side", pa.array([["buy"]]), "column side is of the type list<element: string>, which is not text"),
        ("kind", pa.array([b"n" * 5000], pa.binary(5000)), "fixed_size_binary[5000], which is not text"),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_read_is_said_once(
    column: str, values: pa.Array, why: str, tmp_path: Path
) -> None:
    """Binary floats are no amounts: with the column and its type, and not row by row."""
    parquet(tmp_path / "f.parquet", **{column: values})
    with pytest.raises(DataError, match=f"^f.parquet: .*{re.escape(why)}"):
        list(read_file(tmp_path, "f.parquet", FILLS).rows)


def test_a_column_without_values_is_null_whatever_its_type(tmp_path: Path) -> None:
    """As pandas writes a column in which nothing is."""
    parquet(tmp_path / "f.parquet", isolated=pa.array([None], pa.float64()))
    assert read(tmp_path / "f.parquet") == [TYPED]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_json_constants_are_rejected_not_read(number: str, tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(JSON.replace(b'"100.50"', number.encode()))
    taken = take_in(FILLS, read_file(tmp_path, "f.jsonl", FILLS).rows, KNOWN, DAY)
    assert len(taken.rejected) == 1


def test_rows_are_numbered_without_header_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_bytes(CSV + b"\n" + CSV.splitlines()[1] + b"\n\n")
    assert [row.number for row in read_file(tmp_path, "f.csv", FILLS).rows] == [1, 2]


def test_short_and_long_lines(tmp_path: Path) -> None:
    """A field too few is missing; one too many makes the row doubtful as a whole."""
    (tmp_path / "f.csv").write_bytes(CSV + b"f2,x2\n" + CSV.splitlines()[1] + b",more\n")
    taken = take_in(FILLS, read_file(tmp_path, "f.csv", FILLS).rows, KNOWN, DAY)
    assert [r.row_number for r in taken.rejected] == [2, 3]
    assert taken.rejected[1].reasons == ("more fields than the header",)


def test_line_breaks_and_commas_inside_quotes(tmp_path: Path) -> None:
    header = "transfer_id,ts,account_id,currency,isolation,amount,kind\n"
    (tmp_path / "t.csv").write_text(header + 't,2025-10-10,a,USD,,1,"a, b\nc"\nu,2025-10-10,a,USD,,1,d\n')
    rows = read_file(tmp_path, "t.csv", TRANSFERS).rows
    assert [(row.number, row.values["kind"]) for row in rows] == [(1, "a, b\nc"), (2, "d")]


def test_empty_deliveries(tmp_path: Path) -> None:
    """A header alone, or no line of JSON: a file without rows, and no error."""
    (tmp_path / "f.csv").write_bytes(CSV.splitlines()[0])
    (tmp_path / "f.jsonl").write_bytes(b"")
    assert [list(read_file(tmp_path, name, FILLS).rows) for name in ("f.csv", "f.jsonl")] == [[], []]


def test_columns_are_needed_unless_optional(tmp_path: Path) -> None:
    """`isolated` may be missing as a column, `fee` not; one that is unknown is named."""
    (tmp_path / "f.csv").write_bytes(CSV.replace(b"fee", b"cost"))
    with pytest.raises(DataError, match=r"^f.csv: missing required column fee$"):
        list(read_file(tmp_path, "f.csv", FILLS).rows)
    (tmp_path / "f.csv").write_bytes(CSV.replace(b"kind", b"kind,venue"))
    content = read_file(tmp_path, "f.csv", FILLS)
    assert len(list(content.rows)) == 1
    assert content.extra_columns == ("venue",)


def test_files_of_a_delivery(tmp_path: Path) -> None:
    """In order of path by code points; what a writer leaves beside them is not data."""
    folder = tmp_path / "fills" / "date=2025-10-10"
    folder.mkdir(parents=True)
    for name in ("b.csv", "B.csv", "é.csv", "10.csv", "9.csv", "_SUCCESS", ".b.csv.crc"):
        (folder / name).write_bytes(b"")
    names = [Path(file.path).name for file in landed_files(tmp_path, FILLS, DAY)]
    assert names == ["10.csv", "9.csv", "B.csv", "b.csv", "é.csv"]
    assert dataset_days(tmp_path, FILLS) == [DAY]
    assert (landed_files(tmp_path, TRANSFERS, DAY), dataset_days(tmp_path, TRANSFERS)) == ([], [])


def test_a_delivery_is_known_by_its_paths_and_contents(tmp_path: Path) -> None:
    path = tmp_path / "fills" / "date=2025-10-10" / "f.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(CSV)
    before = files_hash(landed_files(tmp_path, FILLS, DAY))
    path.touch()
    assert files_hash(landed_files(tmp_path, FILLS, DAY)) == before
    path.write_bytes(CSV + b"\n")
    assert files_hash(landed_files(tmp_path, FILLS, DAY)) != before
    path.write_bytes(CSV)
    path.rename(path.with_name("g.csv"))
    assert files_hash(landed_files(tmp_path, FILLS, DAY)) != before
