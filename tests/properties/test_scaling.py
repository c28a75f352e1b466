"""Money has no natural size: everything in a currency times a power of ten, with a coarser ledger unit to match,
is the same number of ledger units everywhere.

For a currency of scale s and a power k: its scale becomes s − k; transfers, fees, fund movements, amounts of the
policy and notional floors of margin tiers become × 10^k; and so does the value of every contract that settles in it,
by one of three levers: its multiplier × 10^k; its quantities and lot size × 10^k; its prices and tick size × 10^k (×
10^−k when inverse). Rates stay as they are. Where a policy reads the floors of margin tiers as quantities
(`tier_floor`), the lever is the quantity everywhere, so that both readings of a floor grow alike.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.numbers import e18_to_units
from lossledger.engine.rules.episode import Episode
from lossledger.engine.session import Outcome
from tests.properties.delivered import Delivered, Row, delivered
from tests.properties.examples import Market, history_of_good, ledger_of, markets, replays
from tests.properties.history import run_history
from tests.properties.ledger import read_ledger

LEVERS = ("multiplier", "quantity", "price")
_PRICES = ("price", "mark_price", "index_price", "bid", "ask", "tick_size")
_SIZED = (
    "price_e18",
    "quantity_e18",
    "filled_quantity_e18",
    "mark_e18",
    "opening_mark_e18",
    "liquidated",
)  # in other units than money


def scaled(market: Delivered, powers: dict[str, int], levers: list[str]) -> Delivered:
    """The market with each currency times 10^power; instruments take the levers in turn, in order of their ids."""
    if any(entry.get("tier_floor") == "quantity" for entry in market.policy):
        levers = ["quantity"]
    terms: dict[str, tuple[int, str, int]] = {}
    instruments = {row["instrument_id"]: row for row in market.rows["instruments", None]}
    for number, (name, row) in enumerate(sorted(instruments.items())):
        k = powers[row["settlement_currency"]]
        terms[name] = (k, levers[number % len(levers)], -k if row["kind"] == "inverse" else k)

    def change(dataset: str, row: Row) -> Row:
        new = dict(row)
        instrument = terms.get(row.get("instrument_id", ""))
        if instrument:
            k, lever, price_power = instrument
            by = {"fee": k, "notional_floor": k}
            by |= {"multiplier": k} if lever == "multiplier" else {}
            by |= {"quantity": k, "lot_size": k} if lever == "quantity" else {}
            by |= dict.fromkeys(_PRICES, price_power) if lever == "price" else {}
        else:
            by = {"amount": powers.get(row.get("currency", ""), 0)}
        for name, power in by.items():
            if row.get(name) not in (None, ""):
                new[name] = Decimal(row[name]).scaleb(power)
        if dataset == "currencies":
            new["scale"] = str(int(row["scale"]) - powers[row["currency"]])
        return new

    changed = market.changed(change)
    policy = [
        entry
        | {
            key: {c: str(Decimal(v).scaleb(powers[c])) for c, v in entry[key].items()}
            for key in ("fund_floor", "liquidation_partial_above")
            if key in entry
        }
        for entry in market.policy
    ]
    return Delivered(changed.rows, policy, market.first, market.last)


@replays
@given(markets, st.lists(st.integers(-3, 3), min_size=5, max_size=5), st.permutations(LEVERS))
def test_results_in_ledger_units_do_not_know_how_large_money_is(
    market: Market, drawn: list[int], levers: list[str]
) -> None:
    scales = ledger_of(market).scales
    powers = {c: min(k, scale) for k, (c, scale) in zip(drawn, sorted(scales.items()), strict=False)}
    history = run_history(read_ledger(scaled(delivered(*market).good(), powers, levers)))
    for other, outcome in zip(history, history_of_good(market), strict=True):
        assert units_of(other) == units_of(outcome)


def units_of(outcome: Outcome) -> dict[str, Any]:
    """Everything a session says in ledger units, without prices and sizes."""
    seen: dict[str, Any] = {}
    for name, rows in vars(outcome.rows).items():
        seen[name] = [{f: v for f, v in r._asdict().items() if f not in _SIZED} for r in rows]
    for unit in seen["unit_sessions"]:
        if unit["open_episode"]:
            unit["open_episode"] = _without_sizes(Episode.from_json(unit["open_episode"]))
    seen["fund"] = (outcome.session.waterfall.entries, outcome.session.waterfall.days)
    seen["charges"], seen["losses"] = outcome.charges, outcome.losses
    scales = outcome.session.scales
    for name in ("rule_comparison", "rule_totals"):
        money = ("charge", "chargeable", "shortfall", "charged", "to_fund", "uncovered", "beyond_chargeable")
        seen[name] = [
            {c: e18_to_units(v, scales[row["currency"]]) if c in money else v for c, v in row.items()}
            for row in outcome.tables[name]
        ]
    return seen


def _without_sizes(episode: Episode) -> Episode:
    held = {i: p._replace(quantity_e18=0, mark_e18=None) for i, p in episode.held.items()}
    fills = {i: f._replace(net_quantity_e18=0, quantity_e18=0) for i, f in episode.liquidated.items()}
    return replace(episode, held=held, liquidated=fills, marks=dict.fromkeys(episode.marks, 0))
