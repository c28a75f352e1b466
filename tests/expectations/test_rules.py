"""Every rule holds on a good day and is broken by each of its spoiled ones: a rule never seen red is no rule."""

from __future__ import annotations

import json
from functools import cache

import pytest

from expectations.check import FAIL, CheckResult
from expectations.rules import FOLDER, Rule, all_rules, parse_rule
from expectations.run import Checker, checker
from schemas.registry import PUBLISHED
from tests.expectations.day import (
    DAY,
    TINY,
    Spoil,
    add,
    at,
    both,
    change,
    drop,
    good_day,
    less,
    more,
    to_tables,
)

FUND, LEDGER, EVENTS = "insurance_fund_daily", "insurance_fund_ledger", "negative_balances"
LOSSES, CHARGES, EPISODES = "session_losses", "socialised_losses", "liquidations"
CAUSES, ACCOUNTS, DEBTS = "loss_components", "account_daily", "receivables_daily"
CHECKS, COMPARED, TOTALS = "reconciliation", "rule_comparison", "rule_totals"

# Rule to ways of breaking it, most of them by the last digit that the tables can hold.
RED: dict[str, list[Spoil]] = {
    "fund_bridge": [change(FUND, "USD", closing=more), change(FUND, "USD", external=less)],
    "fund_opening": [
        change(FUND, "USD", opening=more),
        drop(FUND, "USD"),
        change("previous_insurance_fund_daily", "USD", closing=less),
    ],
    "fund_movement_signs": [
        change(LEDGER, "m1", amount=0),
        change(LEDGER, "N-alice", amount=10),
        change(LEDGER, "L-eve", amount=-4),
    ],
    "fund_running_balance": [
        change(LEDGER, "f1", balance=more),
        change(LEDGER, "m1", amount=less),
        change(FUND, "USD", opening=more),
    ],
    "fund_sequence": [
        drop(LEDGER, "f1"),
        change(LEDGER, "N-alice", seq=5),
        change(LEDGER, "f1", ts=at(0)),
    ],
    "fund_ledger_totals": [
        change(FUND, "USD", external=more),
        change(FUND, "USD", liquidation_fees=more),
        change(FUND, "USD", surplus=less),
        change(FUND, "USD", draws=less),
        change(FUND, "USD", draw_count=2),
        change(LEDGER, "m1", currency="CHF"),
    ],
    "fund_ledger_closing": [change(FUND, "USD", closing=less), change(FUND, "EUR", closing=TINY)],
    "fund_lowest": [
        change(FUND, "USD", lowest=more),
        change(FUND, "USD", lowest=5),
        both(change("session", {}, first_date=True), change(FUND, "EUR", lowest=TINY)),
        both(change("session", {}, first_date=True), change(FUND, "USD", lowest=more)),
    ],
    "fund_draw_keeps_floor": [
        change(LEDGER, "N-alice", balance=less),
        change("fund_floors", {"ts": at(3)}, fund_floor=more),
    ],
    "shortfall_needs_empty_fund": [
        change(LEDGER, "N-alice", balance=more),
        change("fund_floors", {"ts": at(3)}, fund_floor=less),
        both(change(EVENTS, "N-alice", ts=at(4)), change("fund_floors", {}, fund_floor=0)),
    ],
    "fund_draws_match_events": [
        change(EVENTS, "N-alice", fund_draw=more),
        change(LEDGER, "N-alice", ref="N-other"),
        change(LEDGER, "N-alice", ts=at(4)),
        change(EVENTS, "N-alice", fund_draw=0),
    ],
    "fund_surplus_matches_episodes": [
        change(EPISODES, "L-eve", surplus=more),
        drop(LEDGER, "L-eve"),
        drop(EPISODES, "L-eve"),
    ],
    "every_currency_has_a_row": [drop(FUND, "EUR"), drop(LOSSES, "EUR"), drop("currencies", "EUR")],
    "event_waterfall": [
        change(EVENTS, "N-alice", shortfall=more),
        change(EVENTS, "N-alice", deficit=less),
        change(EVENTS, "N-dave", shortfall=TINY),
        change(EVENTS, "N-dave", deficit=0),
        change(EVENTS, "N-alice", fund_draw=-1, shortfall=31),
    ],
    "transfers_are_not_covered": [change(EVENTS, "N-alice", cause="transfer")],
    "house_accounts_stay_out": [
        change(EVENTS, "N-dave", account_id="maker"),
        change(EPISODES, "L-eve", account_id="maker"),
        change(CHARGES, "carol", account_id="maker"),
        change(DEBTS, "dave", account_id="maker"),
        change(CHARGES, "carol", account_id="unknown"),
    ],
    "session_waterfall": [
        change(LOSSES, "USD", uncovered=more),
        change(LOSSES, "USD", socialised=less),
        change(LOSSES, "USD", shortfall=more),
        change(LOSSES, "USD", socialised=21, uncovered=-1),
    ],
    "session_sums_events": [
        change(LOSSES, "USD", deficit=more),
        change(LOSSES, "USD", unprotected_deficit=less),
        change(LOSSES, "USD", fund_draw=more),
        change(EVENTS, "N-alice", shortfall=more),
        drop(EVENTS, "N-dave"),
        drop(LOSSES, "USD"),
    ],
    "session_draw_is_the_funds": [change(LOSSES, "USD", fund_draw=more), change(FUND, "USD", draws=0)],
    "charges_sum_to_socialised": [
        change(CHARGES, "carol", charge=more),
        drop(CHARGES, "carol"),
        change(LOSSES, "USD", payers=3),
    ],
    "shortfall_is_shared_up_to_the_bases": [
        change(LOSSES, "USD", socialised=less, uncovered=more),
        change(LOSSES, "USD", basis_total=19),
        change(LOSSES, "EUR", method="none", basis_total=1),
    ],
    "charge_within_basis": [change(CHARGES, "bob", basis=less(15)), change(CHARGES, "carol", charge=0)],
    "basis_within_equity": [
        change(CHARGES, "bob", basis=more),
        change(CHARGES, "carol", method="equity_prorata"),
        change(ACCOUNTS, "carol", equity=-1),
    ],
    "bases_within_total": [
        change(LOSSES, "USD", basis_total=less),
        change(CHARGES, "carol", method="equity_prorata"),
        change(LOSSES, "USD", method="none"),
    ],
    "charges_follow_bases": [
        change(CHARGES, "carol", basis=more(60)),
        change(CHARGES, "carol", basis=60, charge=more(more(15))),
    ],
    "adl_losses_sum": [change(LOSSES, "USD", adl_loss=more), drop("adl_losses", "f9")],
    "liquidation_deficit": [
        change(EPISODES, "L-alice", deficit=less),
        change(EPISODES, "L-eve", deficit=TINY),
        change(EPISODES, "L-alice", end_reason="recovered"),
    ],
    "liquidation_surplus": [
        change(EPISODES, "L-eve", surplus=less),
        change(EPISODES, "L-eve", end_reason="self_closed"),
        change(EPISODES, "L-alice", surplus=1),
        change(EPISODES, "L-alice", surplus=-1),
    ],
    "liquidation_order_of_times": [
        change(EPISODES, "L-alice", triggered_at=at(4)),
        change(EPISODES, "L-alice", first_execution_at=at(1)),
        change(EPISODES, "L-alice", first_execution_at=at(4)),
        change(EPISODES, "L-alice", first_execution_at=None),
        change(EPISODES, "L-alice", end_reason="self_closed"),
    ],
    "margin_trigger_is_a_breach": [
        change(EPISODES, "L-alice", equity_at_trigger=more(10)),
        change(EPISODES, "L-alice", maintenance_margin_at_trigger=-1, trigger="recorded_fill"),
    ],
    "components_sum_to_terminal_equity": [
        change(CAUSES, {"component": "fees"}, amount=more),
        drop(CAUSES, "L-eve"),
        drop(EPISODES, "L-eve"),
    ],
    "components_start_at_the_trigger": [
        change(CAUSES, {"episode_id": "L-alice", "component": "cushion"}, amount=less),
        change(EPISODES, "L-alice", equity_at_trigger=more),
    ],
    "component_signs": [
        change(CAUSES, {"component": "fees"}, amount=0),
        change(CAUSES, {"component": "cushion"}, amount=1),
        change(CAUSES, {"component": "gap_in_cushion"}, amount=-1),
    ],
    "liquidation_event_has_its_episode": [
        change(EVENTS, "N-alice", deficit=more),
        change(EVENTS, "N-alice", episode_id="L-other"),
        change(EVENTS, "N-alice", ts=at(4)),
        change(EVENTS, "N-alice", cause="trading"),
        change(EPISODES, "L-alice", end_reason="recovered"),
        drop(EPISODES, "L-alice"),
    ],
    "episode_deficit_has_its_event": [
        drop(EVENTS, "N-alice"),
        change(EVENTS, "N-alice", ts=at(4)),
        change(EVENTS, "N-alice", deficit=less),
    ],
    "account_roll_forward": [
        change(ACCOUNTS, "bob", closing_wallet=more),
        change(ACCOUNTS, "bob", fees=less),
        change(ACCOUNTS, "eve", surplus_forfeited=0),
    ],
    "account_equity": [change(ACCOUNTS, "bob", equity=less)],
    "account_opening": [
        change(ACCOUNTS, "bob", opening_wallet=more),
        drop(ACCOUNTS, "maker"),
        drop("previous_account_daily", "maker"),
    ],
    "account_reset_is_a_covered_deficit": [
        change(ACCOUNTS, "alice", negative_balance_reset=more),
        drop(EVENTS, "N-alice"),
        drop(ACCOUNTS, "alice"),
        change(EVENTS, "N-dave", protected=True),
    ],
    "account_surplus_is_an_episodes": [
        change(ACCOUNTS, "eve", surplus_forfeited=less),
        drop(ACCOUNTS, "eve"),
        drop(EPISODES, "L-eve"),
    ],
    "charge_is_booked_the_next_day": [
        change(ACCOUNTS, "bob", socialised_charge=less),
        drop(ACCOUNTS, "bob"),
        drop("previous_socialised_losses", "bob"),
        change(ACCOUNTS, "carol", socialised_charge=-1),
    ],
    "flat_below_zero_is_a_receivable": [
        change(ACCOUNTS, "alice", closing_wallet=-TINY),
        change(ACCOUNTS, "dave", closing_wallet=less),
        drop(DEBTS, "dave"),
        change(DEBTS, "dave", closing_debt=more),
        change(ACCOUNTS, "dave", closing_wallet=1),
    ],
    "position_has_its_account": [
        drop("positions_daily", "bob"),
        drop(ACCOUNTS, "bob"),
        change("positions_daily", "bob", quantity=0),
        change("positions_daily", "bob", entry_value=-1),
    ],
    "receivable_roll_forward": [
        change(DEBTS, "dave", closing_debt=more),
        change(DEBTS, "dave", recovered=-1, closing_debt=11),
    ],
    "receivable_opening": [
        change(DEBTS, "dave", opening_debt=more),
        drop(DEBTS, "dave"),
        drop("previous_receivables_daily", "dave"),
    ],
    "new_debt_is_an_uncovered_deficit": [
        change(DEBTS, "dave", new_debt=less),
        drop(EVENTS, "N-dave"),
        drop(DEBTS, "dave"),
        change(EVENTS, "N-alice", protected=False),
    ],
    "reconciliation_arithmetic": [
        add(CHECKS, rule="r", key="k", expected=1, actual=3, **{"break": less(2)}),
        add(CHECKS, rule="r", key="k", expected=1, actual=None, **{"break": 0}),
        add(CHECKS, rule="r", key="k", expected=1, actual=1, **{"break": None}),
        add(CHECKS, rule="r", key="k", expected=0, actual=0, tolerance=-1),
    ],
    "reconciliation_identities": [
        change(CHECKS, {"rule": "waterfall", "key": "USD"}, actual=more),
        change(CHECKS, {"rule": "waterfall", "key": "USD"}, actual=None),
    ],
    "reconciliation_breaks": [
        add(CHECKS, rule="r", key="k", expected=0, actual=TINY, independent=True),
        add(CHECKS, rule="r", key="k", expected=more(5), actual=0, tolerance=5, independent=True),
    ],
    "reconciliation_undetermined": [
        add(CHECKS, rule="venue_liquidation_value", key="k", expected=0, actual=None, independent=True)
    ],
    "reconciliation_is_of_these_tables": [
        change(CHECKS, {"rule": "fund_roll_forward", "key": "USD"}, actual=more),
        change(CHECKS, {"rule": "account_roll_forward", "key": "USD"}, actual=more),
        change(CHECKS, {"rule": "components", "key": "USD"}, actual=more),
        drop(CHECKS, {"rule": "waterfall", "key": "EUR"}),
        change("positions_daily", "bob", quantity=more),
    ],
    "rule_totals_balance": [
        change(TOTALS, "adl_queue", uncovered=more),
        change(TOTALS, "adl_queue", charged=13, to_fund=1),
        change(TOTALS, "adl_queue", charged=-1, uncovered=21),
    ],
    "rule_totals_of_every_rule": [
        drop(TOTALS, "adl_queue"),
        change(TOTALS, "adl_queue", shortfall=more),
        change(LOSSES, "USD", shortfall=less),
        change(LOSSES, "EUR", shortfall=TINY),
        add(TOTALS, rule="adl_queue", currency="EUR"),
    ],
    "rule_charges_sum": [
        change(COMPARED, "carol", charge=more),
        drop(COMPARED, "carol"),
        drop(TOTALS, "adl_queue"),
        change(TOTALS, "adl_queue", payers=2),
        add(COMPARED, rule="adl_queue", account_id="bob", currency="USD", charge=0),
    ],
    "applied_rule_agrees": [
        change(COMPARED, "carol", charge=more),
        change(CHARGES, "carol", charge=less),
        drop(COMPARED, "carol"),
    ],
    "events_inside_the_session": [
        change(EVENTS, "N-dave", ts=at(0, 11)),
        change(EPISODES, "L-eve", ended_at=at(23, 9)),
        change(LEDGER, "m1", ts=at(23, 9)),
        change("adl_losses", "f9", ts=at(0, 11)),
    ],
}  # fmt: skip


@cache
def _checker(rule: Rule) -> Checker:
    return Checker({rule.table: [rule.check]})


def check_one(rule: Rule, spoil: Spoil) -> CheckResult:
    rows = good_day()
    spoil(rows)
    named = {name: found for name, found in rows.items() if name in rule.table + rule.sql}
    return _checker(rule).run(to_tables(named), DAY)[0]


def test_every_check_holds_on_a_good_day() -> None:
    results = checker().run(to_tables(good_day()), DAY)
    assert [(r.check.name, r.examples) for r in results if not r.success] == []
    assert {r.check.name for r in results} > {rule.name for rule in all_rules()}


def test_every_rule_has_been_seen_red() -> None:
    assert set(RED) == {rule.name for rule in all_rules()}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_a_rule_fails_when_it_is_broken(rule: Rule) -> None:
    for number, spoil in enumerate(RED[rule.name]):
        result = check_one(rule, spoil)
        assert not result.success, f"spoiled day {number} passes"
        assert result.unexpected_count > 0, result.examples
        assert len(json.loads(result.examples)) == min(result.unexpected_count, 5)


def test_examples_show_amounts_to_the_last_digit() -> None:
    large = "12345678901234567890.000000000000000001"
    rule = next(rule for rule in all_rules() if rule.name == "fund_bridge")
    result = check_one(rule, change(FUND, "USD", closing=large))
    assert json.loads(result.examples)[0]["closing"] == large


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    assert (FOLDER / f"{rule.name}.sql").is_file()
    assert rule.table in PUBLISHED
    assert rule.why.endswith(".")
    assert rule.source


def test_only_disagreements_with_the_venue_are_warnings() -> None:
    warnings = {rule.name for rule in all_rules() if rule.severity != FAIL}
    assert warnings == {"reconciliation_breaks", "reconciliation_undetermined"}


def test_a_header_with_a_line_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="a rule starts with the comments name, table, severity"):
        parse_rule("-- name: x\n-- table: t\n-- severity: fail\n-- source: s\nselect 1\nselect 2")
