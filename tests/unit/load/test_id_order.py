"""The order of ids (rules.md section 4): of the reference, of the load's columns and of queries."""

from itertools import product

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lossledger.engine.ids import order_key
from lossledger.jobs.attribute.id_order import order_key_sql
from lossledger.jobs.load.columns.pass2_sort import _sorted, id_order
from lossledger.schemas.inputs import DATASETS

LONG = "123456789012345678901234567890"
IN_ORDER = [
    *("0", "00", "1", "007", "07", "7", "9", "10", "0123", "123"),
    *(LONG[:18], "0" + LONG[:19], LONG[:19], LONG, "9" + LONG[1:], "1" + LONG),
    *(" 7", "+7", "-1", "0x1", "1.0", "10a", "A", "a", "a10", "a9", "é", "\u0663", "\uffee", "\U0001f600"),
]


def test_the_key() -> None:
    """No id first; digits as numbers, equal ones as text; then texts by code points."""
    shuffled = sorted(["", *IN_ORDER], key=lambda text: (text[::-1], text))
    assert sorted(shuffled, key=order_key) == ["", *IN_ORDER]


@pytest.mark.parametrize(
    "ids",
    [
        IN_ORDER,
        [text for text in IN_ORDER if text.isascii() and text.isdigit()],
        [text for text in IN_ORDER if not text[0].isascii() or not text.isdigit()],
        ["7", "9", "10", "123", LONG[:18]],
        ["007", "010", "100"],
    ],
    ids=["all", "numbers of any length", "texts", "short numbers", "numbers of one length"],
)
def test_columns_and_queries_have_the_order_of_the_key(ids: list[str]) -> None:
    rows = [(group, text) for text, group in product(reversed(ids), (3, 1, 2))]
    groups, texts = np.array([group for group, _ in rows]), pa.array([text for _, text in rows])
    wanted = [(group, text) for group in (1, 2, 3) for text in ids]
    by = pa.table({"group": groups, **id_order(texts)})
    order = pc.sort_indices(by, [(name, "ascending") for name in by.column_names]).to_pylist()
    assert [rows[at] for at in order] == wanted
    table = pa.table({"number": groups, "id": texts})
    with duckdb.connect() as database:
        database.register("events", table)
        found = database.sql(
            f"select number, id from events order by number, {order_key_sql('id')}"
        ).fetchall()
    assert found == wanted


def test_rows_of_one_time_are_sorted_by_ids_that_are_compact() -> None:
    """In a part whose ids have one length, the column of ids is fixed-size binary."""
    ids = pa.array([b"f3", b"10", b"f1"], pa.binary(2))
    part = pa.table({"sort_key": pa.array([5, 5, 5]), "place": pa.array([0, 1, 2]), "fill_id": ids})
    assert _sorted(part, DATASETS["fills"]).column("place").to_pylist() == [1, 2, 0]


def test_a_query_puts_no_id_first() -> None:
    with duckdb.connect() as database:
        order = order_key_sql("id")
        found = database.sql(
            f"select id from (values ('a'), ('7'), ('')) ids(id) order by {order}"
        ).fetchall()
    assert found == [("",), ("7",), ("a",)]
