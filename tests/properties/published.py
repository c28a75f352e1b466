"""What must be true between the published tables of a session: one function a property."""

from __future__ import annotations

from collections import defaultdict

from lossledger.engine.replayed import Row
from lossledger.engine.session import Outcome

_CAPPED = ("session_profit_prorata", "equity_prorata", "session_profit_floor")


def draws_at_the_end_are_all_that_the_fund_can_pay(outcome: Outcome) -> None:
    """Under `at_session_end`: all draws in the last microsecond, in the order of their events, each event served as
    far as there is money above the floor; so the order decides who is paid, and not how much."""
    session = outcome.session
    if session.terms.fund_draws != "at_session_end":
        return
    order = {
        n.event_id: (n.ts, n.account_id, n.isolation) for n in outcome.rows.negative_balances if n.protected
    }
    for day in outcome.tables["insurance_fund_daily"]:
        currency = day["currency"]
        entries = [e for e in outcome.tables["insurance_fund_ledger"] if e["currency"] == currency]
        draws = [e for e in entries if e["kind"] == "draw"]
        assert entries[len(entries) - len(draws) :] == draws
        assert all(e["ts"] == session.end - 1 for e in draws)
        assert [order[e["ref"]] for e in draws] == sorted(order[e["ref"]] for e in draws)
        there = day["closing"] - day["draws"] - session.terms.fund_floor.get(currency, 0)
        deficit = sum(
            e["deficit"]
            for e in outcome.tables["negative_balances"]
            if e["protected"] and e["currency"] == currency
        )
        assert -day["draws"] == min(deficit, max(0, there))


def episodes_start_with_their_positions(outcome: Outcome) -> None:
    """Σ margin of the positions = margin at the trigger, also of an episode that began in an earlier session; and
    there is a liquidation fill just where there was a first one. Never an adl cause under simulated execution."""
    positions: defaultdict[str, list[Row]] = defaultdict(list)
    for row in outcome.tables["liquidation_positions"]:
        positions[row["episode_id"]].append(row)
    for episode in outcome.tables["liquidations"]:
        mine = positions.pop(episode["episode_id"])
        assert sum(p["maintenance_margin"] for p in mine) == episode["maintenance_margin_at_trigger"]
        assert any(p["quantity"] for p in mine) or episode["trigger"] == "recorded_fill"
        fills = sum(p["liquidation_fills"] for p in mine)
        assert bool(fills) == (episode["first_execution_at"] is not None)
        causes = {
            c["component"]
            for c in outcome.tables["loss_components"]
            if c["episode_id"] == episode["episode_id"]
        }
        assert not causes & {"execution", "adl"} or fills
        assert episode["execution"] == "recorded" or "adl" not in causes
    assert not positions


def protection_adds_up(outcome: Outcome) -> None:
    """Per currency the accounts' covered deficits are the session's; no account covers more than it lost or has."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in outcome.tables["protection_daily"]:
        assert row["deficit"] == row["fund_draw"] + row["shortfall"]
        assert 0 <= row["within_account_equity"] <= min(row["deficit"], row["account_equity"])
        for name in ("deficit", "fund_draw", "shortfall"):
            sums[row["currency"], name] += row[name]
    for total in outcome.tables["session_losses"]:
        for name in ("deficit", "fund_draw", "shortfall"):
            assert sums[total["currency"], name] == total[name]


def bases_can_be_computed_from_the_tables(outcome: Outcome) -> None:
    """The profit and κ of a payer, from account_daily alone."""
    profit, there = defaultdict[tuple[str, str], int](int), defaultdict[tuple[str, str], int](int)
    for row in outcome.tables["account_daily"]:
        key = row["account_id"], row["currency"]
        profit[key] += row["realised_pnl"] - row["fees"] + row["funding"]
        profit[key] += row["unrealised_pnl"] - row["opening_unrealised_pnl"]
        there[key] += max(0, row["equity"])
    for payer in outcome.tables["socialised_losses"]:
        key = payer["account_id"], payer["currency"]
        if payer["method"] == "session_profit_prorata":
            assert payer["basis"] == min(max(0, profit[key]), there[key])
    for row in outcome.tables["rule_comparison"]:
        assert row["chargeable"] == there[row["account_id"], row["currency"]]
        assert row["account_type"] == "client" or row["rule"] not in _CAPPED
    for total in outcome.tables["rule_totals"]:
        beyond = sum(
            max(0, r["charge"] - r["chargeable"])
            for r in outcome.tables["rule_comparison"]
            if (r["rule"], r["currency"]) == (total["rule"], total["currency"])
        )
        assert total["beyond_chargeable"] == beyond
        assert beyond == 0 or total["rule"] not in _CAPPED
