"""What must be true between the published tables of a session: one function a property."""

from __future__ import annotations

from collections import defaultdict

from lossledger.engine.replayed import Row
from lossledger.engine.session import Outcome

_CAPPED = ("session_profit_prorata", "equity_prorata", "session_profit_floor")


def draws_at_the_end_are_all_that_the_fund_can_pay(outcome: Outcome) -> None:
    """Under `at_session_end`: all draws in the last microsecond, in the order of their events, each event served as
    far as there is money above the floor; so the order decides who is paid, and not how much. Where a deficit is
    paid whole or not at all, one is left out just when there is less than it at its turn."""
    session = outcome.session
    if session.terms.fund_draws != "at_session_end":
        return
    order = {
        n.event_id: (n.ts, n.account_id, n.isolation, n.place)
        for n in outcome.rows.negative_balances
        if n.protected
    }
    for day in outcome.tables["insurance_fund_daily"]:
        currency = day["currency"]
        entries = [e for e in outcome.tables["insurance_fund_ledger"] if e["currency"] == currency]
        draws = [e for e in entries if e["kind"] == "draw"]
        assert entries[len(entries) - len(draws) :] == draws
        assert all(e["ts"] == session.end - 1 for e in draws)
        assert [order[e["ref"]] for e in draws] == sorted(order[e["ref"]] for e in draws)
        there = day["closing"] - day["draws"] - session.terms.fund_floor.get(currency, 0)
        covered = [
            e for e in outcome.tables["negative_balances"] if e["protected"] and e["currency"] == currency
        ]
        if session.terms.fund_draw_rule == "all_or_nothing":
            for event in sorted(covered, key=lambda e: order[e["event_id"]]):
                assert event["fund_draw"] == (event["deficit"] if event["deficit"] <= there else 0)
                there -= event["fund_draw"]
        else:
            assert -day["draws"] == min(sum(e["deficit"] for e in covered), max(0, there))


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
        assert not causes & {"execution", "adl", "takeover"} or fills
        assert episode["execution"] == "recorded" or "adl" not in causes
    assert not positions


def protection_adds_up(outcome: Outcome) -> None:
    """Per currency the accounts' covered deficits and the losses of lots are the session's; no account covers more
    than it lost or has."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in outcome.tables["protection_daily"]:
        assert row["deficit"] == row["fund_draw"] + row["shortfall"]
        assert 0 <= row["within_account_equity"] <= min(row["deficit"], row["account_equity"])
        for name in ("deficit", "fund_draw", "shortfall"):
            sums[row["currency"], name] += row[name]
    of_lots: defaultdict[str, int] = defaultdict(int)
    for event in outcome.tables["negative_balances"]:
        if event["cause"] == "takeover":
            of_lots[event["currency"]] += event["deficit"]
            for name in ("deficit", "fund_draw", "shortfall"):
                sums[event["currency"], name] += event[name]
    for total in outcome.tables["session_losses"]:
        assert of_lots[total["currency"]] == total["takeover_deficit"]
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


def lots_are_the_funds(outcome: Outcome) -> None:
    """Every gain of a lot is a movement and every loss an event; what is handed on to the fund leaves the unit, and
    the open lots of a unit are its position."""
    closed, tables = outcome.tables["takeovers"], outcome.tables
    events = {e["event_id"]: e for e in tables["negative_balances"] if e["cause"] == "takeover"}
    gains = [e["amount"] for e in tables["insurance_fund_ledger"] if e["kind"] == "takeover_gain"]
    assert sorted(gains) == sorted(t["result"] for t in closed if t["result"] > 0)
    assert {t["event_id"]: -t["result"] for t in closed if t["result"] < 0} == {
        event_id: event["deficit"] for event_id, event in events.items()
    }
    made: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for lot in closed:
        if lot["close_fill_id"] is not None:
            made[lot["account_id"], lot["currency"], lot["isolation"]] += lot["result"]
        if lot["at_takeover"] is not None:
            causes = lot["at_takeover"] + lot["market_move"] + lot["execution"]
            assert causes - lot["fees"] == lot["result"]
    liquidators = set()
    for unit in tables["account_daily"]:
        key = unit["account_id"], unit["currency"], unit["isolation"]
        if unit["account_type"] == "liquidator":
            liquidators.add(unit["account_id"])
            assert unit["fund_settlement"] == -made.pop(key, 0) - unit["funding"]
        else:
            assert unit["fund_settlement"] == 0
    assert not made
    _open_lots_are_positions(outcome, liquidators)


def _open_lots_are_positions(outcome: Outcome, liquidators: set[str]) -> None:
    held: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for lot in outcome.tables["takeover_inventory"]:
        if not lot["lot_id"].startswith("lot-"):  # simulated lots have no unit
            unit = lot["account_id"], lot["currency"], lot["isolation"], lot["instrument_id"]
            held[unit] += lot["quantity"]
    assert held == {
        (p["account_id"], p["currency"], p["isolation"], p["instrument_id"]): p["quantity"]
        for p in outcome.tables["positions_daily"]
        if p["account_id"] in liquidators
    }
