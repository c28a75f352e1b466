"""The night's columns say what the engine's rules say of lists: every published table, to the last digit.

The rows of reconciliation are held against the oracle in the cases.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lossledger.jobs.attribute.by_event.states
import lossledger.jobs.replay.event_states
from lossledger.jobs.attribute.by_event.columns import ColumnStates, Unfit
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.schemas.attribution import RECONCILIATION, TABLES
from lossledger.store.arrow import to_rows
from lossledger.store.warehouse import Warehouse
from tests.properties.delivered import KINDS, TAKEOVER, write_small_market
from tests.properties.examples import history_of
from tests.properties.history import canonical
from tests.unchecked import unchecked

MARKETS = [(kind, seed) for seed in (1, 2, 3) for kind in KINDS if seed > 1 or kind not in TAKEOVER]


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: f"{market[0]}-{market[1]}")
def test_published_tables_are_those_of_the_rules(
    market: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, seed = market
    monkeypatch.setattr(
        lossledger.jobs.replay.event_states, "REFERENCE_STATES", 7
    )  # the tasks take a few units at a time
    monkeypatch.setattr(lossledger.jobs.attribute.by_event.states, "EVENT_WINDOW_ROWS", 5)
    if seed > 2:  # the states of units do not fit in the middle of the events
        monkeypatch.setattr(ColumnStates, "window", _unfit_at_the_third(ColumnStates.window))
    first, last = write_small_market(tmp_path / "landing", kind, seed)
    mapper = InProcess(1 + seed * 2)
    list(run(Request(tmp_path / "landing", tmp_path / "warehouse", first, last, mapper, check=unchecked)))
    warehouse = Warehouse(tmp_path / "warehouse")
    for outcome in history_of(market):
        found = {}
        for table in TABLES:
            if table is not RECONCILIATION:
                rows = to_rows(table, warehouse.read(table, outcome.session.day))
                found[table.name] = [
                    dict(zip([c.name for c in table.columns], row, strict=True)) for row in rows
                ]
        assert canonical(found) == canonical(outcome.tables)


def _unfit_at_the_third(window: Callable[..., Any]) -> Callable[..., Any]:
    calls = 0

    def unfit(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise Unfit
        return window(*args)

    return unfit
