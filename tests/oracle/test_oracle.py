"""The oracle's own tools: a comparison that sees differences, and markets that reach what they promise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.oracle.compare import diff_tables
from tests.oracle.coverage import reached
from tests.oracle.markets import write_market


def test_rows_are_compared_as_multisets_by_value() -> None:
    expected = [
        {"account_id": "1", "amount": "1.50", "ts": "2025-10-09T00:00:00Z"},
        {"account_id": "2", "amount": "0", "ts": ""},
    ]
    same: list[dict[str, object]] = [
        {"account_id": "2", "amount": "0.00", "ts": None, "event_id": "x"},
        {"account_id": "1", "amount": "1.5", "ts": "2025-10-09 00:00:00+00:00", "event_id": "y"},
    ]
    assert diff_tables(expected, same) == []
    assert diff_tables(expected, same[:1]) == ["- account_id=1, amount=1.5, ts=2025-10-09T00:00:00.000000Z"]
    assert diff_tables(expected, [*same, same[0]]) == ["+ account_id=2, amount=0, ts="]
    assert diff_tables([], same[:1]) == ["+ account_id=2, amount=0, ts=, event_id=x"]
    assert diff_tables([{"account_id": "1"}], [{"account_id": "1.0"}]) != []


@pytest.mark.parametrize("execution", ["recorded", "simulated"])
def test_a_seed_is_one_market_to_the_byte(tmp_path: Path, execution: str) -> None:
    for name in ("one", "two"):
        write_market(tmp_path / name, 7, execution)
    files = [
        {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()}
        for name in ("one", "two")
    ]
    assert files[0] == files[1]


def test_a_few_markets_reach_the_corners(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for seed in range(1, 9):
        for execution in ("recorded", "simulated"):
            landing = tmp_path / f"{seed}{execution}"
            first, last = write_market(landing, seed, execution)
            seen += reached(landing, first, last)
    wanted = {
        "episode recorded flat by recorded_fill", "episode recorded recovered by margin",
        "episode recorded self_closed by margin", "episode simulated flat by margin", "episode over midnight",
        "episode with surplus", "episode with a rebate", "negative liquidation protected=false",
        "negative trading protected=true", "negative transfer protected=false", "negative partly drawn",
        "session uncovered in part", "session charged in full", "fund below zero", "adl loss", "recovery",
        "charge booked on an isolated unit", "rule to_fund", "rule adl_queue uncovered",
        "unit unmarked position", "quarantined",
        "component adl", "episode with adl and execution", "adl gain", "adl quarantined, another accepted",
        "adl quarantined, none accepted", "liquidation taken by adl and others",
        "liquidation taken by several adl", "liquidation with adl at another time only",
        "market with draws of both kinds", "shortfall left by draws at the session's end",
        "venue's fund balance at late draws", "covered after money in", "covered after money out",
        "class changed after the loss", "protected account with several events", "deficit within it in part",
        "protected account with nothing left", "position opened after the start", "position without a mark",
        "position turned by its liquidation", "position without liquidation fills", "some rules compared",
        "no rule compared", "house charged under a compared rule", "rule adl_queue beyond chargeable",
        "rule open_interest_prorata beyond chargeable", "opening unrealised profit",
    }  # fmt: skip
    assert wanted - set(+seen) == set()
