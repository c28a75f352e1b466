"""Reconciliations with what the venue states (rules.md section 13); breaks are published, never hidden."""

import pytest

from lossledger.engine.events import Fill, Market
from lossledger.engine.intake.parsing import parse_decimal_e18, parse_time_us
from lossledger.engine.numbers import E18
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.reconcile import TradeTotals, trade_checks
from lossledger.engine.rules.reconcile_venue import (
    VenueBalance,
    VenueLiquidation,
    balance_checks,
    liquidation_value_checks,
)
from lossledger.engine.versions import Versions
from tests.spec.tables import parse

TS = parse_time_us("2025-10-10T09:00:00Z")
MARKET = Market(
    contracts={
        "P": Contract("P", "linear", "USD", 2, E18),
        "I": Contract("I", "inverse", "USD", 2, E18),
    },
    tick_sizes={"P": Versions([(0, E18 // 2)]), "I": Versions([(0, E18)])},
    tiers={},
)


def decimal(text: str) -> int:
    return parse_decimal_e18(text)


def test_trades_that_do_not_net_are_named() -> None:
    """Ten trades, seven with two or more sides, of which one leaves 0.1 open."""
    checks = trade_checks(TradeTotals(one_sided=3, many_sided=7, broken={"x7": decimal("0.1")}))
    shown = [(c.key, c.expected_e18, c.actual_e18, c.independent) for c in checks]
    assert shown == [
        ("all", 7 * E18, 6 * E18, True),
        ("one_sided", 3 * E18, 3 * E18, False),
        ("x7", 0, decimal("0.1"), True),
    ]


def test_balances_of_accounts_and_of_the_fund() -> None:
    """What the venue says is the expected side, whichever of the two is wrong."""
    balances = [
        VenueBalance(TS, "a", "USD", 10_000, 10_001),
        VenueBalance(TS, "", "USD", -500, -500),
    ]
    fund, account = balance_checks({"USD": 2}, balances)
    assert (account.rule, account.key) == ("venue_account_balance", "a|USD|2025-10-10T09:00:00.000000Z")
    assert (account.expected_e18, account.actual_e18, account.tolerance_e18) == (
        100 * E18,
        decimal("100.01"),
        0,
    )
    assert (account.source_actual, fund.source_actual) == ("recomputed wallets", "recomputed fund")
    assert (fund.rule, fund.key, fund.actual_e18) == (
        "venue_fund_balance",
        "USD|2025-10-10T09:00:00.000000Z",
        -5 * E18,
    )


@pytest.mark.parametrize(
    "row",
    parse("""
        fills                        | actual | tolerance | why
        P sell 2 900                 | 20     | 1         | a long: notional − Σ V, a tick of 0.5 on 2 contracts
        P sell 1 900, P sell 1 920   | 0      | 1         | two fills add up
        P buy 2 900                  | -20    | 1         | a short: the other way round
        I sell 100000 500            | -1620  | 0.4       | an inverse long: the other way round
                                     |        | 0         | no fill: not determinable
        P sell 2 900, P buy 1 900    |        | 1.5       | both directions: not determinable
        P sell 2 900, I sell 1000 10 |        | 10.09     | both kinds: not determinable
    """),
    ids=lambda row: row["why"],
)
def test_account_value_at_a_liquidation(row: dict[str, str]) -> None:
    """The venue states a notional of 1,820; the tolerance is what one tick makes of the fills' value."""
    fills = tuple(fill(number, text) for number, text in enumerate(row["fills"].split(","), 1) if text)
    liquidation = VenueLiquidation(TS, "a", "USD", 182_000, 2_000, fills)
    [check] = liquidation_value_checks({"USD": 2}, MARKET, [liquidation])
    assert check.expected_e18 == 20 * E18
    assert check.actual_e18 == (decimal(row["actual"]) if row["actual"] else None)
    assert check.tolerance_e18 == decimal(row["tolerance"])


def fill(number: int, text: str) -> Fill:
    instrument_id, side, quantity, price = text.split()
    sign = 1 if side == "buy" else -1
    return Fill(
        TS, f"f{number}", "x", instrument_id, sign, decimal(price), decimal(quantity), 0, "liquidation"
    )
