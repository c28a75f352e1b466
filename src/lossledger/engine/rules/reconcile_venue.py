"""Reconciliations with what the venue states of balances and liquidations (rules.md section 13)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lossledger.engine.clock import iso
from lossledger.engine.events import Fill, Market
from lossledger.engine.numbers import units_to_e18
from lossledger.engine.rules.reconcile import Check


class VenueLiquidation(NamedTuple):
    """What the venue published about a liquidation, and the account's liquidation fills of that instant."""

    ts: int
    account_id: str
    currency: str
    notional: int
    account_value: int
    fills: tuple[Fill, ...]


class VenueBalance(NamedTuple):
    """A balance delivered by the venue and the recomputed one, in ledger units; account '' for the fund's."""

    ts: int
    account_id: str
    currency: str
    delivered: int
    recomputed: int


def balance_checks(scales: Mapping[str, int], balances: Iterable[VenueBalance]) -> list[Check]:
    checks = []
    for b in sorted(balances):
        rule = "venue_account_balance" if b.account_id else "venue_fund_balance"
        key = "|".join([*([b.account_id] if b.account_id else []), b.currency, iso(b.ts)])
        left, right = (units_to_e18(amount, scales[b.currency]) for amount in (b.delivered, b.recomputed))
        recomputed = "recomputed wallets" if b.account_id else "recomputed fund"
        checks.append(Check(rule, key, f"ledger.{rule}s", recomputed, left, right, 0, True))
    return checks


def liquidation_value_checks(
    scales: Mapping[str, int], market: Market, liquidations: Iterable[VenueLiquidation]
) -> list[Check]:
    """An account closed at its bankruptcy price loses just its account value (section 13)."""
    checks = []
    for item in sorted(liquidations):
        scale = scales[item.currency]
        tolerance, total, signs = 0, 0, set()
        for fill in item.fills:
            contract = market.contracts[fill.instrument_id]
            tick_size = market.tick_size(fill.instrument_id, fill.ts)
            value = contract.value_units(fill.quantity_e18, fill.price_e18)
            moved = contract.value_units(fill.quantity_e18, fill.price_e18 + tick_size)
            tolerance += abs(value - moved)
            total += value
            signs.add((fill.side, contract.direction))
        actual = None
        if len(signs) == 1:
            side, direction = signs.pop()
            actual = units_to_e18(-side * direction * (item.notional - total), scale)
        checks.append(
            Check(
                "venue_liquidation_value",
                f"{item.account_id}|{item.currency}|{iso(item.ts)}",
                "ledger.venue_liquidations",
                "ledger.fills of kind liquidation",
                units_to_e18(item.account_value, scale),
                actual,
                units_to_e18(tolerance, scale),
                True,
            )
        )
    return checks
