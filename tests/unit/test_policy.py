"""The effective-dated policy (inputs.md)."""

from datetime import date

import pytest

from engine.clock import day_start_us
from engine.errors import ConfigError
from engine.parsing import parse_time_us
from engine.policy import Policy, parse_policy

D9, D10 = date(2025, 10, 9), date(2025, 10, 10)
HOUR = 3_600_000_000


def test_defaults_hold_without_a_policy() -> None:
    terms = parse_policy(None).at(0)
    assert (terms.trigger, terms.execution, terms.latency_us, terms.slippage_rate) == ("lt", "recorded", 0, 0)
    assert (terms.liquidation_fee_rate, terms.liquidation_fee_to, terms.residual) == (0, "fund", "to_account")
    assert (dict(terms.fund_floor), terms.sharing) == ({}, "session_profit_prorata")
    assert (terms.session_start, terms.profit_floor_rate, terms.quarantine_max_share) == (0, 10**16, 10**15)


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


@pytest.mark.parametrize(
    ("value", "expected"), [("0.0015", 15 * 10**14), (0, 0), ("1e-3", 10**15), ("-0.0001", None)]
)
def test_rates_are_exact_and_only_a_fee_may_be_a_rebate(value: object, expected: int | None) -> None:
    fee = parse_policy([{"valid_from": "2020-01-01", "liquidation_fee_rate": value}]).at(2**60)
    assert fee.liquidation_fee_rate == (-(10**14) if expected is None else expected)
    if expected is None:
        with pytest.raises(ConfigError, match=r"slippage_rate: '-0\.0001' is negative"):
            parse_policy([{"valid_from": "2020-01-01", "slippage_rate": value}])


@pytest.mark.parametrize("value", [36_000, "8:00", "24:00", "08:60", "08:00:00", "", None, True])
def test_session_start_is_text(value: object) -> None:
    """36000 is what YAML makes of 10:00 without quotes."""
    with pytest.raises(ConfigError, match="is not text HH:MM; write it in quotes"):
        parse_policy([{"valid_from": "2020-01-01", "session_start": value}])


@pytest.mark.parametrize("value", [0.5, True, "abc", "NaN", "1_000", " 1", None, [1]])
def test_no_binary_float_and_nothing_else_is_a_rate(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^policy entry 1: slippage_rate: "):
        parse_policy([{"valid_from": "2020-01-01", "slippage_rate": value}])


@pytest.mark.parametrize("latency", ["-1", "0.5", 1.5])
def test_latency_is_whole_microseconds(latency: object) -> None:
    with pytest.raises(ConfigError, match=r"^policy entry 1: latency_us: "):
        parse_policy([{"valid_from": "2020-01-01", "latency_us": latency}])


def test_floors_are_in_units_of_known_currencies() -> None:
    policy = parse_policy([{"valid_from": "2020-01-01", "fund_floor": {"USD": "0.010"}}])
    policy.check_currencies({"USD": 2})
    for scales, message in (
        ({"USD": 1}, "finer than its ledger unit, 10"),
        ({"BTC": 8}, "names USD, which is not in"),
    ):
        with pytest.raises(ConfigError, match=message):
            policy.check_currencies(scales)


def test_policy_without_versions_is_the_default() -> None:
    assert Policy().at(0) == parse_policy([]).at(0)
