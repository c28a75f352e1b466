"""Trades netted by tasks, as on a large date: what a small one says by a query."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lossledger.jobs.attribute import netting, shares, sides, trades
from lossledger.schemas.attribution import RECONCILIATION
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, add_rows, run_dates, small_landing

# On the second date, of P: x1 has a side of the first date, z1 has one side, y1 and the long one do not net, w1 does.
# Of I they are other trades: x1 and y1 have one side, w1 does not net.
FILLS = """
    g1|x1|2025-10-10T01:00:00Z|b|P|buy|1000|0.5|0|normal
    g2|z1|2025-10-10T01:00:00Z|b|P|buy|1000|0.1|0|normal
    g3|y1|2025-10-10T02:00:00Z|b|P|buy|1000|0.2|0|normal
    g4|y1|2025-10-10T02:00:00Z|a|P|sell|1000|0.3|0|normal
    g5|w1|2025-10-10T02:00:00Z|b|P|buy|1000|0.4|0|normal
    g6|w1|2025-10-10T02:00:00Z|a|P|sell|1000|0.3|0|normal
    g7|w1|2025-10-10T02:00:00Z|a|P|sell|1000|0.1|0|normal
    g8|a-long-trade-id|2025-10-10T03:00:00Z|a|P|buy|1000|1|0|normal
    g9|a-long-trade-id|2025-10-10T03:00:00Z|b|P|buy|1000|1|0|normal
    h1|x1|2025-10-10T01:00:00Z|b|I|buy|1000|1|0|normal
    h2|y1|2025-10-10T02:00:00Z|a|I|buy|1000|1|0|normal
    h3|w1|2025-10-10T02:00:00Z|b|I|buy|1000|1|0|normal
    h4|w1|2025-10-10T02:00:00Z|a|I|sell|1000|2|0|normal
"""
HASHES = sides.hashes_of
Hashes = Callable[[pa.RecordBatch], tuple[np.ndarray, np.ndarray]]


def reconciled(root: Path) -> dict[str, tuple[Any, Any]]:
    """What both dates say of trades, by key."""
    landing = small_landing(root / "landing")
    add_rows(landing, "fills", FILLS, D10)
    add_rows(landing, "margin_tiers", "I|2020-01-01|0|0.005")
    run_dates(landing, root / "warehouse", D9, D10)
    rows = Warehouse(root / "warehouse").read(RECONCILIATION, D10).to_pylist()
    return {row["key"]: (row["expected"], row["actual"]) for row in rows if row["rule"] == "trade_zero_sum"}


@pytest.fixture(scope="module")
def by_query(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    return reconciled(tmp_path_factory.mktemp("query"))


def test_the_query_knows_what_nets(by_query: dict[str, tuple[Any, Any]]) -> None:
    """Of five trades with more than one side two net: x2 and w1 of P. Of its x1 nothing is told again."""
    told = {key: (f"{expected:.1f}", f"{actual:.1f}") for key, (expected, actual) in by_query.items()}
    assert told == {
        "all": ("5.0", "2.0"),
        "one_sided": ("3.0", "3.0"),
        "P|y1": ("0.0", "-0.1"),
        "P|a-long-trade-id": ("0.0", "2.0"),
        "I|w1": ("0.0", "-1.0"),
    }


def one_first_hash(fills: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """As if all trades had the same first hash."""
    first, second = HASHES(fills)
    return np.zeros_like(first), second


@pytest.mark.parametrize("hashes", [HASHES, one_first_hash], ids=["hashes", "first hashes that collide"])
@pytest.mark.parametrize("share", [1 << 21, 2])
def test_tasks_say_the_same(
    share: int,
    hashes: Hashes,
    by_query: dict[str, tuple[Any, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trades, "NET_IN_TASKS_FROM_ROWS", 0)
    monkeypatch.setattr(netting, "SHARE", share)
    monkeypatch.setattr(shares, "_PART", share)
    for room in (shares, sides):
        monkeypatch.setattr(room, "hashes_of", hashes)
    assert reconciled(tmp_path) == by_query
    assert not list((tmp_path / "warehouse" / "staging").rglob("netting*"))


def test_quantities_of_many_digits_are_left_to_the_database() -> None:
    """Their sum may not fit into 128 bits, in which it would look like zero."""
    large = np.array([1 << 58, -(1 << 58), 3, -3])
    made = sides.Sides(
        np.array([1, 1, 2, 2], np.uint64), np.zeros(4, np.uint64), np.zeros(4, np.uint64), large
    )
    order, starts = sides.by_trade(made.first, made.second)
    assert sides.may_not_net(made, order, starts).tolist() == [True, False]


def test_a_sum_is_exact_over_all_its_words() -> None:
    """Low words whose sum carries into the high ones, and one that differs in its highest word alone."""
    amounts = [(1 << 64) - 1, 1, -(1 << 64), 5, -5 - (1 << 70), 1 << 70, 7 << 64, -(6 << 64)]
    words = [((amount % (1 << 128)) & ((1 << 64) - 1), amount >> 64) for amount in amounts]
    low, high = np.array([w[0] for w in words], np.uint64), np.array([w[1] for w in words], np.int64)
    first = np.array([1, 1, 1, 2, 2, 2, 3, 3], np.uint64)
    made = sides.Sides(first, first, low, high)
    assert sides.may_not_net(made, *sides.by_trade(first, first)).tolist() == [False, False, True]
