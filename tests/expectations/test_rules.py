"""Every rule holds on a good day and is broken by each of its spoiled ones: a rule never seen red is no rule."""

from __future__ import annotations

import json
from functools import cache

import pytest

from lossledger.expectations.check import FAIL, CheckResult
from lossledger.expectations.rules import FOLDER, Rule, all_rules, parse_rule
from lossledger.expectations.run import Checker, checker
from lossledger.schemas.registry import PUBLISHED
from tests.expectations import red_accounts, red_losses, red_recomputed, red_takeover
from tests.expectations.day import DAY, Spoil, add, at, change, drop, good_day, to_tables

BELOW_ZERO = "unprotected_retail_below_zero"
RED = red_losses.RED | red_accounts.RED | red_recomputed.RED | red_takeover.RED


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


def test_draws_at_the_end_of_the_session_are_no_violation() -> None:
    """The policy's `fund_draws: at_session_end`: events at 01:00 and 03:00, draws and their floor at 23:00."""
    rows = good_day()
    for spoil in (
        change("session", {}, drawn_at=at(23)),
        change("insurance_fund_ledger", "f1", seq=4, balance=10),
        change("insurance_fund_ledger", "L-eve", seq=5, balance=14),
        change("insurance_fund_ledger", "N-lq", seq=6, ts=at(23), balance=12),
        change("insurance_fund_ledger", "N-alice", ts=at(23)),
        change("fund_floors", {"ts": at(3)}, ts=at(23)),
    ):
        spoil(rows)
    results = checker().run(to_tables(rows), DAY)
    assert [(r.check.name, r.examples) for r in results if not r.success] == []


def test_a_fund_that_pays_all_or_nothing_is_no_violation() -> None:
    """The policy's `fund_draw_rule: all_or_nothing`: 10 above the floor are not enough for Alice's 30."""
    rows = good_day()
    for spoil in (
        change("fund_floors", {}, draw_rule="all_or_nothing"),
        change("negative_balances", "N-alice", fund_draw=0, shortfall=30),
        drop("insurance_fund_ledger", "N-alice"),
    ):
        spoil(rows)
    rule = next(rule for rule in all_rules() if rule.name == "shortfall_needs_empty_fund")
    named = {name: found for name, found in rows.items() if name in rule.table + rule.sql}
    assert _checker(rule).run(to_tables(named), DAY)[0].success


def test_a_rule_that_is_not_compared_is_no_violation() -> None:
    """Not even that of the policy: then there is nothing to agree with."""
    rows, rule = good_day(), "session_profit_prorata"
    for table in ("compared_rules", "rule_totals", "rule_comparison"):
        drop(table, rule)(rows)
    results = checker().run(to_tables(rows), DAY)
    assert [(r.check.name, r.examples) for r in results if not r.success] == []


def test_a_fill_taken_over_by_deleveraging_is_no_violation() -> None:
    """Alice's, at the hour of Bob's; and one of Eve's that may have been met in the session before."""
    rows = good_day()
    change("loss_components", {"episode_id": "L-alice", "component": "market_move"}, component="adl")(rows)
    change("loss_components", {"episode_id": "L-eve", "component": "market_move"}, component="adl")(rows)
    change("liquidations", "L-eve", triggered_at=at(23, 9), first_execution_at=at(23, 9))(rows)
    results = checker().run(to_tables(rows), DAY)
    assert [(r.check.name, r.examples) for r in results if not r.success] == []


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
    result = check_one(rule, change("insurance_fund_daily", "USD", closing=large))
    assert json.loads(result.examples)[0]["closing"] == large


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    assert (FOLDER / f"{rule.name}.sql").is_file()
    assert rule.table in PUBLISHED
    assert rule.why.endswith(".")
    assert rule.source


def test_only_what_is_to_be_asked_of_the_venue_is_a_warning() -> None:
    warnings = {rule.name for rule in all_rules() if rule.severity != FAIL}
    assert warnings == {
        "reconciliation_breaks",
        "reconciliation_undetermined",
        "unprotected_retail_below_zero",
    }


def sum_row(rule: str, key: str) -> Spoil:
    return add("reconciliation", rule=rule, key=key, expected=1, actual=0, independent=True)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("reconciliation_breaks", sum_row("liquidation_match", "matched")),
        ("reconciliation_breaks", sum_row("trade_zero_sum", "all")),
        (BELOW_ZERO, change("negative_balances", "N-dave", client_class="institutional")),
        (BELOW_ZERO, change("negative_balances", "N-dave", client_class="retail", cause="transfer")),
        (BELOW_ZERO, change("negative_balances", "N-alice", client_class="retail")),
    ],
)
def test_what_no_warning_is_about(name: str, spoil: Spoil) -> None:
    """A break that other rows tell; debts of professionals and of withdrawals, and protected retail clients."""
    assert check_one(next(rule for rule in all_rules() if rule.name == name), spoil).success


def test_a_header_with_a_line_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="a rule starts with the comments name, table, severity"):
        parse_rule("-- name: x\n-- table: t\n-- severity: fail\n-- source: s\nselect 1\nselect 2")
