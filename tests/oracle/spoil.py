"""Rows that must be quarantined, each breaking a copy of a good one."""

from __future__ import annotations

from typing import Any

from tests.oracle.scenery import Scenery


def add_bad_rows(market: Scenery) -> None:
    """Rows that must be quarantined, each breaking a copy of a good one."""
    breaks: list[tuple[str, dict[str, Any]]] = [
        ("fills", {"fill_id": "q1", "price": "abc"}),
        ("fills", {"fill_id": "q2", "fee": "NaN"}),
        ("fills", {"fill_id": None}),
        ("fills", {"fill_id": "q3", "account_id": "ghost"}),
        ("fills", {"fill_id": "q4", "instrument_id": "NOPE"}),
        ("fills", {"fill_id": "q5", "kind": "odd"}),
        ("fills", {"fill_id": "q6", "quantity": "0"}),
        ("fills", {"fill_id": "q7", "ts": "yesterday"}),
        ("fills", {"fill_id": "q8", "price": "0.000000001", "kind": "normal"}),
        ("fills", {"fill_id": "q9", "side": "hold"}),
        ("fills", {"fee": "77.77777777777"}),
        ("fills", {"fee": "1234567"}),
        ("fills", {"fill_id": "q10", "ts": 0}),
        ("fills", {"fill_id": "q11", "trade_id": "x" * 4097}),
        ("fills", {"fill_id": "q\x0012"}),
        ("fills", {"fill_id": "q13", "trade_id": "x\t13"}),
        ("fills", {"fill_id": "q14", "kind": "odd", "twice": {"kind": "normal"}}),
        ("transfers", {"transfer_id": "q1", "amount": None}),
        ("transfers", {"amount": "4321"}),
        ("transfers", {"transfer_id": "q2", "isolation": "NOPE"}),
        ("transfers", {"transfer_id": "q3", "currency": "DOGE"}),
        ("transfers", {"transfer_id": "q4", "amount": "Infinity"}),
        ("transfers", {"transfer_id": "q5", "kind": "k" * 4097}),
        ("transfers", {"transfer_id": "q\n6"}),
        ("transfers", {"transfer_id": "q7", "amount": "0." + "1" * 5000}),
        ("ticks", {"mark_price": "0"}),
        ("ticks", {"bid": "-1"}),
        ("ticks", {"mark_price": "987654.3"}),
        ("ticks", {"mark_price": None}),
        ("funding", {"price": "-3"}),
        ("funding", {"rate": "1e"}),
        ("fund_movements", {"movement_id": "q1", "kind": "gift"}),
        ("fund_movements", {"movement_id": "q2", "amount": "0.0000000001"}),
        ("fund_movements", {"movement_id": "q\x853"}),
        ("fund_movements", {"movement_id": "q4", "amount": "x", "twice": {"amount": "1"}}),
    ]
    for dataset, change in market.rng.sample(breaks, market.rng.randrange(1, 9)):
        days = [d for name, d in sorted(market.out.rows) if name == dataset]
        days = [d for d in days if not d or market.first.isoformat() <= d <= market.last.isoformat()]
        if not days:
            continue
        day = market.rng.choice(days)
        good = [r for r in market.out.rows[dataset, day] if not r.get("bad")]
        market.out.add(dataset, day, {**market.rng.choice(good), **change, "bad": True})
