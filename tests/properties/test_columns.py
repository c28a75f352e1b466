"""The load by columns takes no row that the reference judge would not take, and no other value than the judge's.

Every example is one file, once read as columns, and once with every row sent to the judge: what is accepted, with
every value and the hash of its key, what is rejected and why, and what is counted must be the same.
"""

import csv
import gzip
import io
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lossledger.jobs.load.columns.column_reader as pieces
import lossledger.jobs.load.columns.splits as splits
from lossledger.engine.clock import iso
from lossledger.engine.errors import DataError
from lossledger.engine.intake.judge import InstrumentVersion, Reference
from lossledger.engine.numbers import E18
from lossledger.engine.versions import Versions
from lossledger.jobs.load.columns.load_stages import IncomingDelivery
from lossledger.jobs.load.columns.pass1_partition import PartitionTask, partition, read_part
from lossledger.jobs.load.columns.rejects import quarantined, reject_tasks
from lossledger.jobs.load.columns.splits import SourceFile, pieces_of, task_pieces
from lossledger.jobs.load.columns.validation_context import ValidationContext, write_context
from lossledger.jobs.load.landing_zone import LandedFile
from lossledger.schemas.core import Dataset, Type
from lossledger.schemas.inputs import DATASETS, DATED
from lossledger.store.id_numbers import Numbers
from tests.unit.load.test_landing import encoded

DAY = date(2025, 10, 10)
NOON = 1_760_097_600_000_000
KNOWN = Reference(
    {"USD": 2, "BTC": 8, "WEI": 18, "YEN": 0},
    {"P": "USD", "Q": "BTC", "Ü": "YEN"},
    {
        "P": Versions(
            [(0, InstrumentVersion(E18 // 2, E18 // 10)), (NOON, InstrumentVersion(E18 // 4, E18))]
        ),
        "Q": Versions([(NOON, InstrumentVersion(3, 7 * 10**20))]),
        "Ü": Versions([(0, InstrumentVersion(10**20, 1))]),
    },
    {"a": 0, "b": NOON, "long account": 0, "é": 0},
)
NUMBERS = Numbers(
    {
        "account": pa.array(["é", "b", "long account", "a", "gone"]),
        "currency": pa.array(["USD", "YEN", "BTC", "WEI"]),
        "instrument": pa.array(["Q", "P", "Ü"]),
    }
)

decimals = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=2).map(
        str
    ),
    st.sampled_from(
        [
            "0",
            "-0",
            "+1",
            "1.",
            ".5",
            "00.50",
            "100.500000",
            "1e3",
            "1E-2",
            "1e0005",
            "1e00005",
            "-0.01",
            "0.010000000000000000000",
            "1e-18",
            "1e-19",
            "12.5",
            "7000",
            "7e2",
            "99999999999999999999",
            "100000000000000000000",
            "1234567890123456789",
            "0.123456789012345678",
            "NaN",
            "inf",
            "1_0",
            "0x1",
            "1,5",
            "5e",
            "e5",
            ".",
            "-",
            "1-",
            "",
            "1",
            "1.5.2",
            "١",
            "1e+4",
            "1e999",
            "3e-18",
            "170141183460469231731",
            "92233720368547758.08",
        ]
    ),
    st.from_regex(r"[+-]?[0-9]{0,22}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
times = st.one_of(
    st.integers(NOON - 5, NOON + 5).map(str),
    st.sampled_from(
        [
            "2025-10-10",
            "2025-10-10T12:00Z",
            "2025-10-10T12:00:00Z",
            "2025-10-10T12:00:00.5Z",
            "2025-10-10T12:00:00.123456Z",
            "2025-10-10T12:00:00.1234560Z",
            "2025-10-10T12:00:00.1234567Z",
            "2025-10-10T23:59:59.999999Z",
            "2025-10-10T24:00:00Z",
            "2025-10-11T00:00:00Z",
            "2025-10-09T23:59:59.999999Z",
            "2025-10-10T12:00:00+00:00",
            "2025-10-10T12:00+00:00",
            "2025-10-10T12:00:00.123456+00:00",
            "2025-10-10T12:00:00.1234567+00:00",
            "2025-10-10T12:00:00.+00:00",
            "2025-10-10T12:00:00+00:01",
            "2025-10-10T12:00:00+02:00",
            "2025-10-10T12:00:00-00:00",
            "2025-10-10T12:00:00Z+00:00",
            "2025-10-10T+00:00",
            "2025-10-10+00:00",
            "2025-10-10T12:00:00",
            "2025-10-10t12:00:00z",
            "2025-10-32",
            "2025-02-29T00:00:00Z",
            "2025-10-10T12:60:00Z",
            "2025-10-10T12:00:60Z",
            "2025-10-10T12:00.5Z",
            "20251010",
            "2025-10-10T12:00:00.Z",
            "+1760097600000000",
            "-1",
            "01760097600000000",
            "1760097600",
            "1760097600000",
            "-1760097600000000",
            "1760097600000000000",
            "2025-1-10",
            "2025-10-10T1:00:00Z",
        ]
    ),
    st.integers(-13 * 3600 * 10**6, 13 * 3600 * 10**6).map(lambda n: iso(NOON + n)),
)
odd_texts = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "a ",
            " a",
            'q"q',
            "x,y",
            "tab\t",
            "é",
            "\x7f",
            "nul\x01",
            "'",
            "\\",
            "x" * 300,
            "null",
            "true",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=4),
)
ids = st.one_of(st.integers(0, 20).map(lambda n: f"f{n:06d}"), odd_texts)
KINDS = {"account_id": list(KNOWN.accounts), "currency": list(KNOWN.scales), "instrument_id": ["P", "Q", "Ü"]}


def texts(dataset: Dataset) -> st.SearchStrategy[dict[str, str]]:
    """Rows of a dataset as texts, most of them nearly right."""

    def of(field: Any) -> st.SearchStrategy[str]:
        if field.type is Type.DECIMAL:
            return decimals | odd_texts if field.name == "fee" else decimals
        if field.type is Type.TIME:
            return times
        if field.type is Type.BOOLEAN:
            return st.sampled_from(["", "true", "false", "False", "1"])
        if field.values:
            return st.sampled_from(field.values) | odd_texts
        if field.name == "isolation":
            return st.sampled_from(["", "", "P", "Q", "Z"])
        return st.sampled_from(KINDS[field.name]) | odd_texts if field.name in KINDS else ids

    good = {
        "ts": times.filter(lambda t: "12:00" in t or t.isdigit()),
        "price": st.sampled_from(["100.5", "12.50", "3e20"]),
    }
    return st.fixed_dictionaries({f.name: st.one_of(good.get(f.name, of(f)), of(f)) for f in dataset.fields})


@st.composite
def tables(draw: st.DrawFn) -> tuple[Dataset, list[dict[str, str]]]:
    dataset = draw(st.sampled_from(DATED))
    return dataset, draw(st.lists(texts(dataset), min_size=1, max_size=8))


def results(dataset: Dataset, path: Path, columns: bool) -> Any:
    """Accepted rows in order, the quarantine, and the counts of a file; or what is wrong with it as a whole."""
    folder = path.parent / str(columns)
    write_context(ValidationContext(KNOWN, NUMBERS), folder / "context")
    name = f"{dataset.name}/date={DAY}/{path.name}"
    source = SourceFile(name, str(path), path.stat().st_size)
    item = IncomingDelivery(
        dataset,
        DAY,
        [LandedFile(name, dataset.name, DAY, "", source.size)],
        "",
        "",
        sources=[source],
        pieces=pieces_of([source]),
    )
    try:
        for n, some in enumerate(task_pieces(item.pieces)):
            task = PartitionTask(
                dataset.name, DAY, some, str(folder / "context"), str(folder), f"{n}", columns
            )
            item.partitions.append(partition(task))
    except DataError as error:
        return str(error)
    accepted = (
        pa.concat_tables([read_part(p)[0].replace_schema_metadata(None) for p in item.parts])
        if item.parts
        else None
    )
    rows = sorted(accepted.to_pylist(), key=lambda r: r["place"]) if accepted else []
    tasks = reject_tasks(item, repeat(""))
    rejected = sorted(str(row) for task in tasks for table in quarantined(task) for row in table.to_pylist())
    return rows, rejected, item.rows, item.extra_columns


def same(dataset: Dataset, name: str, content: bytes | pa.Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            pq.write_table(content, path)
        assert results(dataset, path, True) == results(dataset, path, False)


def as_csv(rows: Sequence[dict[str, str]], quoting: Any, end: str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), quoting=quoting, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


@given(
    tables(),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.booleans(),
)
def test_csv(table: tuple[Dataset, list[dict[str, str]]], quoting: Any, end: str, packed: bool) -> None:
    dataset, rows = table
    content = as_csv(rows, quoting, end)
    same(dataset, "f.csv.gz" if packed else "f.csv", gzip.compress(content) if packed else content)


def typed(field: Any, text: str) -> Any:
    """A value of the field's own type where the text has one."""
    try:
        if field.type is Type.DECIMAL:
            value = Decimal(text).quantize(Decimal(1).scaleb(-18))
            return value if abs(value) < 10**19 else None
        if field.type is Type.TIME:
            moment = (
                datetime.fromisoformat(text)
                if not text.isdigit()
                else datetime.fromtimestamp(int(text) / 10**6, UTC)
            )
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, ArithmeticError, OverflowError, OSError):
        return None
    return {"true": True, "false": False}.get(text) if field.type is Type.BOOLEAN else text or None


ARROW = {
    Type.DECIMAL: [pa.decimal128(38, 18), pa.decimal256(60, 18), pa.decimal64(18, 2), pa.decimal32(9, 1)],
    Type.TIME: [pa.timestamp("us", tz="UTC"), pa.timestamp("us"), pa.timestamp("ns", tz="UTC")],
    Type.BOOLEAN: [pa.bool_()],
    Type.TEXT: [],
}
TEXTS = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]
TEXTS += [pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.uint8(), pa.binary()), pa.json_()]


@given(tables(), st.data())
def test_parquet(table: tuple[Dataset, list[dict[str, str]]], data: st.DataObject) -> None:
    """Every column typed or as text, in every encoding: columns and rows are read alike, and text as plain text is."""
    dataset, rows = table
    columns, plain = {}, {}
    for field in dataset.fields:
        values: list[Any] = [row[field.name] for row in rows]
        kinds = ARROW[field.type]
        if kinds and data.draw(st.booleans()):
            kind = data.draw(st.sampled_from(kinds))
            values = [narrowed(typed(field, text), kind) for text in values]
            columns[field.name] = plain[field.name] = pa.array(values, kind)
        else:
            plain[field.name] = pa.array([text or None for text in values], pa.string())
            columns[field.name] = encoded(plain[field.name].to_pylist(), data.draw(st.sampled_from(TEXTS)))
    same(dataset, "f.parquet", pa.table(columns))
    if any(columns[name].type != plain[name].type for name in columns):
        assert in_rows(dataset, pa.table(columns)) == in_rows(dataset, pa.table(plain))


def narrowed(value: Any, kind: pa.DataType) -> Any:
    """Nothing where a decimal is too long for the type."""
    if not isinstance(value, Decimal) or kind.scale == 18:
        return value
    fits = value == round(value, kind.scale) and abs(value) < 10 ** (kind.precision - kind.scale)
    return round(value, kind.scale) if fits else None


def in_rows(dataset: Dataset, content: pa.Table) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.parquet"
        pq.write_table(content, path)
        return results(dataset, path, False)


ROW = {
    "fill_id": "f1",
    "trade_id": "t1",
    "ts": "2025-10-10T11:00:00Z",
    "account_id": "a",
    "instrument_id": "P",
    "isolated": "false",
    "side": "buy",
    "price": "100.500000",
    "quantity": "0.1",
    "fee": "-0.010",
    "kind": "normal",
}


@pytest.mark.parametrize(
    "content",
    [
        as_csv([ROW], csv.QUOTE_MINIMAL, "\n"),
        as_csv([ROW], csv.QUOTE_ALL, "\r\n"),
        as_csv([ROW | {"ts": "2025-10-10T11:00:00.123Z", "price": "1.005e2"}], csv.QUOTE_ALL, "\n"),
        as_csv([ROW | {"ts": "2025-10-10T11:00:00.123+00:00"}], csv.QUOTE_MINIMAL, "\n"),
        as_csv([ROW | {"ts": "1760094000000000", "isolated": ""}], csv.QUOTE_MINIMAL, "\n"),
        b"\xef\xbb\xbf" + as_csv([ROW | {"more": "x"}], csv.QUOTE_MINIMAL, "\n\n"),
    ],
    ids=["plain", "quoted", "fractions", "+00:00", "microseconds", "BOM, blank lines, another column"],
)
def test_what_venues_write_needs_no_judge(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    monkeypatch.setattr(
        "lossledger.jobs.load.columns.pass1_partition._Writer.judge",
        lambda *_: pytest.fail("went to the judge"),
    )
    rows, rejected, count, _ = results(DATASETS["fills"], path, True)
    assert (len(rows), rejected, count) == (1, [], 1)
    assert (rows[0]["price"], rows[0]["fee"]) == (Decimal("100.5"), Decimal("-0.01"))


@pytest.mark.parametrize(("unit", "a_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_times_of_every_unit(unit: str, a_second: int) -> None:
    """One nanosecond too fine, before 1970, at the ends of 64 bits: a matter of that row alone."""
    noon = NOON * a_second // 10**6
    times = [noon, noon + 1, noon + 1000, None, -1, 0, 2**63 - 1, -(2**63)]
    table = pa.Table.from_pylist([ROW | {"fill_id": f"f{n}"} for n in range(len(times))])
    column = pa.array(times, pa.timestamp(unit))
    same(DATASETS["fills"], "f.parquet", table.drop_columns(["ts"]).append_column("ts", column))


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.int32()], ids=str)
def test_times_as_whole_numbers(kind: pa.DataType) -> None:
    """Microseconds alone are times; those of another day are told apart from what is no time."""
    most = 2**31 if kind == pa.int32() else 2**63
    numbers = [n for n in (NOON, NOON // 10**3, NOON // 10**6, 10**14, 10**17, 10**18, 0, 1) if n < most]
    table = pa.Table.from_pylist([ROW | {"fill_id": f"f{n}"} for n in range(len(numbers))])
    column = pa.array(numbers, kind)
    same(DATASETS["fills"], "f.parquet", table.drop_columns(["ts"]).append_column("ts", column))


@pytest.mark.parametrize("weight", [64, 200, 1000])
@pytest.mark.parametrize("chunk", [50, 1 << 20])
def test_pieces_of_a_file_are_the_file(
    weight: int, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a file is cut, rows have the same numbers, and a bad one is quarantined as it stands."""
    rows = [ROW | {"fill_id": f"f{n}", "price": "1" if n % 7 else "0"} for n in range(40)]
    path = tmp_path / "f.csv"
    path.write_bytes(as_csv(rows, csv.QUOTE_MINIMAL, "\n"))
    whole = results(DATASETS["fills"], path, False)
    monkeypatch.setattr(splits, "TASK_BYTES", weight)
    monkeypatch.setattr(pieces, "_CHUNK", chunk)
    accepted, rejected, count, extra = results(DATASETS["fills"], path, True)
    assert (rejected, count, extra) == whole[1:]
    assert [r["fill_id"] for r in accepted] == [r["fill_id"] for r in whole[0]]
