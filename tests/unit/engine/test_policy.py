"""The effective-dated policy (inputs.md)."""

from datetime import date
from fractions import Fraction

import pytest

from lossledger.engine.clock import day_start_us
from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.parsing import parse_time_us
from lossledger.engine.intake.policy import Policy, parse_policy
from lossledger.engine.intake.policy_text import policy_of, policy_rows
from lossledger.engine.numbers import E18
from lossledger.schemas.attribution import COMPARED_RULES

D9, D10 = date(2025, 10, 9), date(2025, 10, 10)
HOUR = 3_600_000_000


def test_defaults_hold_without_a_policy() -> None:
    terms = parse_policy(None).at(0)
    assert (terms.trigger, terms.execution, terms.latency_us, terms.slippage_rate) == ("lt", "recorded", 0, 0)
    assert (terms.liquidation_fee_rate, terms.liquidation_fee_to, terms.residual) == (0, "fund", "to_account")
    assert (dict(terms.fund_floor), terms.sharing) == ({}, "session_profit_prorata")
    assert (terms.session_start, terms.profit_floor_rate, terms.quarantine_max_share) == (0, 10**16, 10**15)
    assert (terms.fund_draws, terms.required_datasets, terms.fail_on_breaks) == ("at_event", ("ticks",), ())
    assert (terms.compared_rules, terms.small_cell) == (COMPARED_RULES, 5)
    assert (terms.max_mark_gap_us, terms.dominance_share) == (900_000_000, 15 * 10**16)


def test_defaults_of_liquidation_and_takeover() -> None:
    terms = parse_policy(None).at(0)
    assert (terms.margin_on, terms.tier_floor, terms.fund_draw_rule) == ("marginal", "notional", "partial")
    assert (terms.liquidation_style, terms.liquidation_steps) == ("market", (E18,))
    assert (dict(terms.liquidation_partial_above), terms.liquidation_cooldown_us) == ({}, 0)
    assert (terms.liquidation_until, terms.liquidation_fee_cap) == ("flat", "none")
    assert (terms.backstop_below, terms.liquidator_account) == (Fraction(2, 3), "liquidator")
    assert (terms.unwind_us, terms.unwind_fee_rate) == (0, 0)


def test_entry_overrides_key_by_key_from_its_time_on() -> None:
    """Whatever their order in the file; a map is replaced whole."""
    policy = parse_policy(
        [
            {"valid_from": "2025-10-10T12:00:00Z", "fund_floor": {"BTC": "1"}},
            {"valid_from": "2025-01-01", "trigger": "lte", "fund_floor": {"USD": "5"}},
        ]
    )
    noon = parse_time_us("2025-10-10T12:00:00Z")
    assert policy.at(parse_time_us("2024-12-31T23:59:59.999999Z")).trigger == "lt"
    assert (policy.at(noon - 1).trigger, dict(policy.at(noon - 1).fund_floor)) == ("lte", {"USD": 5 * 10**18})
    assert (policy.at(noon).trigger, dict(policy.at(noon).fund_floor)) == ("lte", {"BTC": 10**18})


def test_scenario_overrides_the_whole_range() -> None:
    policy = parse_policy(
        [{"valid_from": "2025-01-01", "trigger": "lte"}], {"trigger": "lt", "latency_us": 5}
    )
    for ts in (0, day_start_us(D10)):
        assert (policy.at(ts).trigger, policy.at(ts).latency_us) == ("lt", 5)


def test_session_starts_when_the_policy_at_midnight_says() -> None:
    """08:00 from the 10th on: the session of the 9th is 32 hours long, and no event is in two sessions."""
    policy = parse_policy([{"valid_from": "2025-10-10", "session_start": "08:00"}])
    assert policy.session_bounds(D9) == (day_start_us(D9), day_start_us(D10) + 8 * HOUR)
    assert policy.session_bounds(D10)[0] == policy.session_bounds(D9)[1]


def test_session_start_within_a_day_counts_from_the_next() -> None:
    policy = parse_policy([{"valid_from": "2025-10-09T00:00:01Z", "session_start": "08:00"}])
    assert policy.session_bounds(D9)[0] == day_start_us(D9)


@pytest.mark.parametrize(("value", "expected"), [("0.0015", 15 * 10**14), (0, 0), (1, E18), ("1e-3", 10**15)])
def test_rates_are_exact(value: object, expected: int) -> None:
    terms = parse_policy([{"valid_from": "2020-01-01", "liquidation_fee_rate": value}]).at(2**60)
    assert terms.liquidation_fee_rate == expected


@pytest.mark.parametrize(
    "key",
    [
        "slippage_rate",
        "liquidation_fee_rate",
        "profit_floor_rate",
        "quarantine_max_share",
        "dominance_share",
    ],
)
@pytest.mark.parametrize("value", [5, "1.000000000000000001", "-0.0001"])
def test_rates_and_shares_lie_between_0_and_1(key: str, value: object) -> None:
    """5 for five percent would let everything pass."""
    with pytest.raises(ConfigError, match=f"^policy entry 1: {key}: {value!r} is not between 0 and 1$"):
        parse_policy([{"valid_from": "2020-01-01", key: value}])


def test_lists_of_names_replace_what_was_listed() -> None:
    policy = parse_policy(
        [
            {"valid_from": "2020-01-01", "required_datasets": ["ticks", "fills"], "small_cell": 10},
            {"valid_from": "2021-01-01", "required_datasets": [], "fail_on_breaks": ["trade_zero_sum"]},
        ]
    )
    first, second = (policy.at(parse_time_us(f"{year}-06-01")) for year in (2020, 2021))
    assert (first.required_datasets, first.fail_on_breaks, first.small_cell) == (("ticks", "fills"), (), 10)
    assert (second.required_datasets, second.fail_on_breaks, second.small_cell) == (
        (), ("trade_zero_sum",), 10,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("required_datasets", ["accounts"], "'accounts' is none of transfers, "),
        ("required_datasets", "ticks", "'ticks' is not a list of names, such as"),
        ("fail_on_breaks", ["cash"], "'cash' is none of trade_zero_sum, "),
        ("fail_on_breaks", None, "None is not a list of names"),
        ("compared_rules", ["none"], "'none' is none of session_profit_prorata, "),
        ("compared_rules", ["adl_queue", "adl_queue"], "'adl_queue' stands twice"),
        ("compared_rules", [["adl_queue"]], "is none of session_profit_prorata, "),
        ("small_cell", "2.5", "'2.5' is not a whole number of accounts"),
        ("small_cell", -1, "-1 is not a whole number of accounts"),
        ("max_mark_gap_us", "0.5", "'0.5' is not a whole number of microseconds"),
        ("dominance_share", "1.5", "'1.5' is not between 0 and 1"),
        ("fund_draws", "never", "'never' is none of at_event, at_session_end"),
    ],
)
def test_names_that_there_are_not(key: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^policy entry 1: {key}: .*{message}"):
        parse_policy([{"valid_from": "2020-01-01", key: value}])


@pytest.mark.parametrize("value", [36_000, "8:00", "24:00", "08:60", "08:00:00", "", None, True])
def test_session_start_is_text(value: object) -> None:
    """36000 is what YAML makes of 10:00 without quotes."""
    with pytest.raises(ConfigError, match="is not text HH:MM; write it in quotes"):
        parse_policy([{"valid_from": "2020-01-01", "session_start": value}])


@pytest.mark.parametrize("value", [0.5, True, "abc", "NaN", "1_000", " 1", None, [1]])
def test_no_binary_float_and_nothing_else_is_a_rate(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^policy entry 1: slippage_rate: "):
        parse_policy([{"valid_from": "2020-01-01", "slippage_rate": value}])


@pytest.mark.parametrize(("key", "default"), [("correction_days", 7), ("retention_years", 10)])
@pytest.mark.parametrize("scenario", [False, True])
def test_a_key_of_rules_that_are_not_built_is_refused(key: str, default: object, scenario: bool) -> None:
    """With its default too: a policy that names it counts on it."""
    entries = [] if scenario else [{"valid_from": "2020-01-01", key: default}]
    overrides = {key: default} if scenario else None
    with pytest.raises(
        ConfigError, match=f"^(policy entry 1|scenario policy): {key}: not yet; .*leave the key out$"
    ):
        parse_policy(entries, overrides)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("margin_on", "half", "'half' is none of marginal, whole"),
        ("liquidation_style", "auction", "'auction' is none of market, takeover, backstop"),
        ("liquidation_steps", [], r"\[\] is not a list of shares"),
        ("liquidation_steps", "1", "'1' is not a list of shares"),
        ("liquidation_steps", ["0.5", "0"], "'0' is not above 0 and at most 1"),
        ("liquidation_steps", ["1.1"], "'1.1' is not above 0 and at most 1"),
        ("liquidation_steps", ["1/3"], "'1/3' is not a decimal"),
        ("liquidation_partial_above", {"USD": "-1"}, "the amount of USD is below 0"),
        ("liquidation_partial_above", "5", "expected a map of currency to amount"),
        ("liquidation_cooldown_us", "-1", "'-1' is not a whole number of microseconds"),
        ("unwind_us", "0.5", "'0.5' is not a whole number of microseconds"),
        ("unwind_fee_rate", "1.5", "'1.5' is not between 0 and 1"),
        ("backstop_below", "0", "'0' is not above 0 and at most 1"),
        ("backstop_below", "3/2", "'3/2' is not above 0 and at most 1"),
        ("backstop_below", "1/0", "'1/0' is not a quotient of two whole numbers"),
        ("backstop_below", "0.5/1", "'0.5/1' is not a quotient of two whole numbers"),
        ("liquidator_account", "", "'' is not an account_id"),
        ("liquidator_account", "a\tb", "is not an account_id"),
        ("tier_floor", "quantity", None),
    ],
)
def test_what_liquidation_and_takeover_may_not_be(key: str, value: object, message: str | None) -> None:
    found = f"{key}: .*{message}" if message else "tier_floor quantity needs margin_on whole"
    with pytest.raises(ConfigError, match=f"^policy entry 1: {found}"):
        parse_policy([{"valid_from": "2020-01-01", key: value}])


@pytest.mark.parametrize(
    ("value", "share"), [("2/3", Fraction(2, 3)), ("0.25", Fraction(1, 4)), (1, Fraction(1))]
)
def test_a_share_is_exact(value: object, share: Fraction) -> None:
    assert (
        parse_policy([{"valid_from": "2020-01-01", "backstop_below": value}]).at(2**60).backstop_below
        == share
    )


def test_tiers_by_quantity_need_margin_on_the_whole_position_at_every_time() -> None:
    """The second entry takes away what the first one needs."""
    first = {"valid_from": "2020-01-01", "margin_on": "whole", "tier_floor": "quantity"}
    assert parse_policy([first]).at(2**60).tier_floor == "quantity"
    with pytest.raises(ConfigError, match=r"^policy entry 2: tier_floor quantity needs margin_on whole"):
        parse_policy([first, {"valid_from": "2021-01-01", "margin_on": "marginal"}])


@pytest.mark.parametrize(
    ("entry", "refused"),
    [
        ({}, False),
        ({"unwind_us": "5"}, False),
        ({"liquidation_style": "market"}, False),
        ({"liquidation_style": "takeover"}, True),
        ({"liquidation_style": "backstop"}, True),
        ({"liquidator_account": "liquidator"}, True),
        ({"liquidation_style": "takeover", "liquidator_account": "new"}, False),
    ],
)
@pytest.mark.parametrize("scenario", [False, True])
def test_a_liquidator_account_is_nobody_elses(entry: dict[str, str], refused: bool, scenario: bool) -> None:
    entries = [] if scenario else [{"valid_from": "2020-01-01", **entry}]
    policy = parse_policy(entries, entry if scenario else None)
    policy.check_accounts({"liquidator": "liquidator", "other": "house"})
    for kind in ("client", "house"):
        if refused:
            with pytest.raises(ConfigError, match=f"liquidator_account 'liquidator' is a {kind} account"):
                policy.check_accounts({"liquidator": kind})
        else:
            policy.check_accounts({"liquidator": kind})


@pytest.mark.parametrize("latency", ["-1", "0.5", 1.5])
def test_latency_is_whole_microseconds(latency: object) -> None:
    with pytest.raises(ConfigError, match=r"^policy entry 1: latency_us: "):
        parse_policy([{"valid_from": "2020-01-01", "latency_us": latency}])


@pytest.mark.parametrize("key", ["fund_floor", "liquidation_partial_above"])
def test_amounts_are_in_units_of_known_currencies(key: str) -> None:
    policy = parse_policy([{"valid_from": "2020-01-01", key: {"USD": "0.010"}}])
    policy.check_currencies({"USD": 2})
    for scales, message in (
        ({"USD": 1}, "finer than its ledger unit, 10"),
        ({"BTC": 8}, "names USD, which is not in"),
    ):
        with pytest.raises(ConfigError, match=message):
            policy.check_currencies(scales)


def test_policy_without_versions_is_the_default() -> None:
    assert Policy().at(0) == parse_policy([]).at(0)


def test_policy_comes_back_from_the_rows_that_are_kept_with_a_date() -> None:
    """As far as it had come: what is valid later changed nothing in the session."""
    entries = [
        {"valid_from": "2025-01-01", "fund_floor": {"USD": "5.25", "BTC": "1"}, "session_start": "08:30"},
        {"valid_from": "2025-10-10T12:00:00Z", "slippage_rate": "0.0005", "compared_rules": ["adl_queue"]},
        {
            "valid_from": "2025-10-10T13:00:00Z",
            "liquidation_steps": ["0.2", "1"],
            "liquidation_partial_above": {"USD": "90.5"},
            "backstop_below": "2/3",
            "liquidator_account": "the, liquidator",
        },
        {"valid_from": "2025-10-11", "trigger": "lte"},
    ]
    start, end = day_start_us(D10), day_start_us(date(2025, 10, 11))
    for overrides in (None, {"sharing": "none", "required_datasets": [], "fund_floor": {}}):
        policy = parse_policy(entries, overrides)
        for since in (0, start):
            rows = [(row["valid_from"], row["key"], row["value"]) for row in policy_rows(policy, since, end)]
            again = policy_of(rows)
            assert [again.at(ts) for ts in (since, start, end - 1)] == [
                policy.at(ts) for ts in (since, start, end - 1)
            ]
            assert again.at(end).trigger == "lt"
