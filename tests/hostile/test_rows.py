"""Hostile cells and rows: each is quarantined with its file, row and reason, and no other row is lost with it.

Every file holds one row to be rejected, after a good one of its own.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossledger.schemas.ledger import QUARANTINE, TYPED
from lossledger.store.arrow import to_rows
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, small_landing
from tests.hostile.commands import DAY, TRANSFER, file, policy, run, transfer_csv, transfer_json

GOOD_JSON = transfer_json({"transfer_id": "GOOD"})
LONG = "longer than 4,096 characters"
VERY_LONG = "longer than 1,048,576 characters"


def cell(**change: str) -> bytes:
    return transfer_csv({"transfer_id": "GOOD"}, {"transfer_id": "bad", **change})


def json_cell(**change: object) -> bytes:
    return GOOD_JSON + transfer_json({"transfer_id": "bad", **change})


def json_line(field: str, text: str) -> bytes:
    """A line with a value as no encoder would write it."""
    line = transfer_json({"transfer_id": "bad", field: "HERE"})
    return GOOD_JSON + line.replace(b'"HERE"', text.encode())


TEXT_ROWS: dict[str, tuple[str, bytes, str]] = {
    "5,000 digits": ("csv", cell(amount="9" * 5000), f"amount is {LONG}"),
    "4,000 digits": ("csv", cell(amount="9" * 4000), "has more than 20 integer digits"),
    "beyond DECIMAL(38,18)": ("csv", cell(amount="1" + "0" * 20), "has more than 20 integer digits"),
    "an endless fraction": ("csv", cell(amount="0." + "3" * 4000), "has more than 18 decimals"),
    "a vast exponent": ("csv", cell(amount="1e9999"), "has more than 20 integer digits"),
    "a long field": ("csv", cell(kind="a" * 4097), f"kind is {LONG}"),
    "a field of 200,000": ("csv.gz", cell(kind="a" * 200_000), f"kind is {LONG}"),
    "a field of 3 million": ("csv.gz", cell(kind="a" * 3_000_000), VERY_LONG),
    "NUL in an id": ("csv", cell(transfer_id="a\0b"), "transfer_id has a control character"),
    "escape in an id": ("csv", cell(account_id="\x1b[31m"), "account_id has a control character"),
    "line break in an id": ("csv", cell(transfer_id="a\nb"), "transfer_id has a control character"),
    "year 0": ("csv", cell(ts="0000-01-01T00:00:00Z"), "is not a time"),
    "year 9999": ("csv", cell(ts="9999-12-31T23:59:59.999999Z"), "timestamp outside its folder's date"),
    "the end of time": ("csv", cell(ts="9" * 18), "unparsable ts"),
    "more fields": ("csv", cell() + (",".join(TRANSFER.values()) + ",x\n").encode(), "more fields than the header"),
    "JSON number of 5,000 digits": ("jsonl", json_line("amount", "9" * 5000), f"amount is {LONG}"),
    "JSON float of 5,000 digits": ("jsonl", json_line("amount", "0." + "9" * 5000), f"amount is {LONG}"),
    "nested 100,000 deep": ("jsonl", json_line("note", "[" * 10**5 + "]" * 10**5), "nested deeper than 64"),
    "nested 100 deep": ("jsonl", json_line("note", "[" * 100 + "]" * 100), "nested deeper than 64 levels"),
    "nested objects": ("jsonl", json_line("note", '{"a":' * 500 + "1" + "}" * 500), "nested deeper than 64"),
    "an id that is an object": ("jsonl", json_cell(account_id={"a": 1}), "unparsable account_id"),
    "lone surrogate in an id": ("jsonl", json_cell(account_id="\ud800"), r"'\ud800' is not text: half a surrogate"),
    "lone surrogate in free text": ("jsonl", json_cell(kind="a\udfff"), "unparsable kind"),
    "NUL in an id of JSON": ("jsonl", json_cell(transfer_id="a\0b"), "transfer_id has a control character"),
    "raw NUL in an id of JSON": ("jsonl", json_line("account_id", '"\0"'), "account_id has a control character"),
    "a key twice": ("jsonl", json_line("amount", '"1", "amount": "2"'), "'amount' stands twice"),
    "an unknown key twice": ("jsonl", json_line("x", '"1", "x": "1"'), "'x' stands twice"),
    "a line of 3 million": ("jsonl.gz", json_cell(note="a" * 3_000_000), VERY_LONG),
    "a list of a million": ("jsonl.gz", json_cell(amount=[[]] * 400_000), VERY_LONG),
    "a list of 100,000": ("jsonl.gz", json_cell(amount=[1] * 100_000), "unparsable amount"),
}  # fmt: skip
NOON = 1_760_011_200  # 2025-10-09, in seconds
PARQUET_ROWS: dict[str, tuple[str, pa.Array, str]] = {
    "date of year 99999": ("ts", pa.array([20_370, 35_000_000], pa.date32()), "the day 35000000 after 1970-01-01"),
    "date64 of year 99999": ("ts", pa.array([20_370, 35_000_000], pa.date32()).cast(pa.date64()), "is not a time"),
    "time of year 290000": ("ts", pa.array([NOON, 2**43], pa.timestamp("s", "UTC")), "is not a time"),
    "the last second of all": ("ts", pa.array([NOON * 10**6, 2**63 - 1], pa.timestamp("us", "UTC")), "is not a time"),
    "one nanosecond": ("ts", pa.array([NOON * 10**9, NOON * 10**9 + 1], pa.timestamp("ns")), "finer than a micro"),
    "plain bytes that are no UTF-8": ("account_id", pa.array([b"b", b"\xff\xfe"]), "is not text"),
    "bytes that are no UTF-8": ("account_id", pa.array([b"b", b"\xff\xfe"]).view(pa.string()), "is not text"),
    "NUL in an id of Parquet": ("account_id", pa.array(["b", "a\0"]), "account_id has a control character"),
    "long text of Parquet": ("kind", pa.array(["deposit", "é" * 10**6]), f"kind is {LONG}"),
    "wide decimal": ("amount", pa.array(["1", "9" * 70]).cast(pa.decimal256(76, 0)), "has more than 20 integer digits"),
}  # fmt: skip
# What is unknown is kept out, whatever it holds.
UNKNOWN: dict[str, pa.Array] = {
    "date": pa.array([35_000_000], pa.date32()),
    "time": pa.array([2**63 - 1], pa.timestamp("s")),
    "duration": pa.array([2**63 - 1], pa.duration("s")),
    "list": pa.array([[35_000_000]], pa.list_(pa.int32())).cast(pa.list_(pa.date32())),
    "bytes": pa.array([b"\xff"]),
    "text": pa.array([b"\xff"]).view(pa.string()),
}


def file_of(name: str) -> str:
    return f"{DAY}/{name.replace(' ', '-')}"


def spoil(landing: Path) -> None:
    """All of them in one delivery. Each good row has an id of its own."""
    for name, (ending, content, _) in TEXT_ROWS.items():
        file(f"{file_of(name)}.{ending}", content.replace(b"GOOD", name.replace(",", "").encode()))(landing)
    for name, (column, values, _) in PARQUET_ROWS.items():
        rows = {c: [v, v] for c, v in TRANSFER.items()} | {"transfer_id": [name, "bad"], column: values}
        pq.write_table(pa.table(rows), landing / f"{file_of(name)}.parquet")
    for name, values in UNKNOWN.items():
        rows = {c: [v] for c, v in TRANSFER.items()} | {"transfer_id": [name], f"my {name}": values}
        pq.write_table(pa.table(rows), landing / f"{file_of(name)}.parquet")
    unknown = transfer_json({"transfer_id": "surrogate", "\ud800": "\ud800", "long": "a" * 10**5})
    file(f"{DAY}/unknown.jsonl", unknown + transfer_json({"transfer_id": "4,096", "kind": "a" * 4096}))(
        landing
    )


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The delivery, run through the command line, quality checks included."""
    folder = tmp_path_factory.mktemp("rows")
    landing = small_landing(folder / "landing")
    policy("- valid_from: 2020-01-01\n  quarantine_max_share: '1'\n")(landing)
    spoil(landing)
    assert run(landing, folder / "warehouse", last=D9) == 0
    yield Warehouse(folder / "warehouse")


@pytest.fixture(scope="module")
def quarantined(loaded: Warehouse) -> dict[str, list[tuple[int, str]]]:
    """By file: row numbers and reasons."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name, number, why in to_rows(
        QUARANTINE, loaded.read(QUARANTINE, D9), ("file", "row_number", "reasons")
    ):
        found.setdefault(name.split(".")[0], []).append((number, why))
    return found


@pytest.fixture(scope="module")
def accepted(loaded: Warehouse) -> set[str]:
    return {row[0] for row in to_rows(TYPED["transfers"], loaded.read(TYPED["transfers"]), ["transfer_id"])}


CASES = {name: why for name, (_, _, why) in (TEXT_ROWS | PARQUET_ROWS).items()}


@pytest.mark.parametrize("name", CASES)
def test_the_row_is_quarantined_alone(
    name: str, quarantined: dict[str, list[tuple[int, str]]], accepted: set[str]
) -> None:
    rejected = quarantined[file_of(name)]
    assert any(number >= 2 and CASES[name] in why for number, why in rejected), rejected
    assert len(rejected) == 1
    assert name.replace(",", "") in accepted


@pytest.mark.parametrize("name", [*UNKNOWN, "surrogate", "4,096"])
def test_what_is_unknown_costs_no_row(name: str, accepted: set[str]) -> None:
    assert name in accepted


def test_nothing_that_is_kept_is_long(loaded: Warehouse) -> None:
    """Of a row of three million characters the beginning is kept, and a reason is a line."""
    rows = to_rows(QUARANTINE, loaded.read(QUARANTINE, D9), ("row", "reasons"))
    assert max(len(text) for text, _ in rows) < 2100
    assert max(len(why) for _, why in rows) < 500
