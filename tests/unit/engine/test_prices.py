"""Liquidation and bankruptcy prices: the worked examples, and equity = margin at the price that comes out."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.errors import DataError
from lossledger.engine.prices import (
    OpenPosition,
    Tier,
    bankruptcy_price,
    liquidation_price,
    maintenance_margin,
    position_at,
    takeover_price,
    tier_deductions,
)

VECTORS = Path(__file__).parents[2] / "data" / "protocol_vectors"
EXAMPLES: dict[str, Any] = json.loads((VECTORS / "worked_examples.json").read_text(), parse_float=str)
FIVE_BP = Fraction(5, 10_000)
BTC_TIERS: list[Tier] = [(0, Fraction("0.004")), (50_000, Fraction("0.005")), (600_000, Fraction("0.0065"))]


def printed(price: Fraction | None, example: str) -> str:
    """The price with as many decimals as the example has."""
    assert price is not None
    places = len(example.partition(".")[2])
    digits = round(price * 10**places)
    return f"{digits // 10**places}.{digits % 10**places:0{places}d}" if places else str(digits)


def linear(side: int, fee_rate: Fraction = Fraction(0)) -> Fraction | None:
    return bankruptcy_price(position_at("linear", side, 1, 50_000), 1_000, fee_rate=fee_rate)


def inverse(
    contracts: int, entry: Fraction, margin: Fraction, fee_rate: Fraction = Fraction(0)
) -> Fraction | None:
    return bankruptcy_price(position_at("inverse", 1, contracts, entry), margin, fee_rate=fee_rate)


BYBIT_ENTRY = Fraction("7890.08")

BANKRUPTCY = [
    ("linear_bankruptcy", "long_nofee", linear(1)),
    ("linear_bankruptcy", "long_fee5bp", linear(1, FIVE_BP)),
    ("linear_bankruptcy", "short_fee5bp", linear(-1, FIVE_BP)),
    ("inverse_bankruptcy", "nofee", inverse(10_000, Fraction(50_000), Fraction("0.01"))),
    ("inverse_bankruptcy", "fee5bp", inverse(10_000, Fraction(50_000), Fraction("0.01"), FIVE_BP)),
    ("kraken", "bankruptcy", inverse(1_000, Fraction(8_000), Fraction("0.01"))),
    ("bybit_bankruptcy_50x", "", inverse(1, BYBIT_ENTRY, 1 / BYBIT_ENTRY / 50)),
    ("attribution", "p_bk", bankruptcy_price(position_at("linear", 1, 10, 50_000), 20_000)),
]


@pytest.mark.parametrize(("group", "key", "price"), BANKRUPTCY, ids=[f"{g}-{k}" for g, k, _ in BANKRUPTCY])
def test_bankruptcy_price_of_the_worked_examples(group: str, key: str, price: Fraction | None) -> None:
    example = EXAMPLES[group][key] if key else EXAMPLES[group]
    assert printed(price, example) == example


def test_liquidation_price_takes_the_tier_at_the_price_itself() -> None:
    position = position_at("linear", 1, 1, 50_000)
    price = liquidation_price(position, 1_000, BTC_TIERS)
    assert printed(price, EXAMPLES["linear_liq_price"]["tier1_selfconsistent"]) == "49196.78714859"
    # the tier of the entry notional (the second) would give another price, at which equity is not the margin
    second_tier = (50_000 - 1_000 - 50) / (1 - Fraction("0.005"))
    inconsistent = EXAMPLES["linear_liq_price"]["tier2_by_entry_notional_inconsistent"]
    assert printed(second_tier, inconsistent) == inconsistent


def test_liquidation_price_with_maintenance_on_mark_value() -> None:
    price = liquidation_price(
        position_at("inverse", 1, 1_000, 8_000), Fraction("0.01"), [(0, Fraction("0.01"))]
    )
    example = EXAMPLES["kraken"]["liquidation_mm_1pct_of_mark_value"]
    assert printed(price, example) == example


def test_maintenance_margin_of_the_worked_example() -> None:
    assert tier_deductions(BTC_TIERS) == [0, 50, 950]
    assert maintenance_margin(EXAMPLES["tier_mm"]["notional"], BTC_TIERS) == Fraction(
        EXAMPLES["tier_mm"]["mm"]
    )
    assert [maintenance_margin(n, BTC_TIERS) for n in (0, 50_000, 600_000)] == [0, 200, 2950]


def test_quanto_is_linear_with_a_multiplier_in_the_settlement_currency() -> None:
    # 100 contracts of 0.0001 BTC per USD of price, entered at 2000: value 20 BTC, 1 BTC of margin
    position = position_at("quanto", -1, 100, 2_000, Fraction("0.0001"))
    assert position.entry_value == 20
    assert bankruptcy_price(position, 1) == 2_100


@pytest.mark.parametrize(
    ("position", "wallet", "meaning"),
    [
        (position_at("linear", 1, 1, 100), 100, "a long without leverage"),
        (position_at("linear", 1, 1, 100), 150, "a long with more than its value"),
        (position_at("linear", -1, 1, 100), -100, "a short that is bankrupt at every price"),
        (position_at("inverse", -1, 100, 100), 1, "an inverse short without leverage"),
    ],
)
def test_no_price_above_zero(position: OpenPosition, wallet: int, meaning: str) -> None:
    assert bankruptcy_price(position, wallet) is None, meaning


def test_a_tier_that_takes_all_the_value_gained_holds_no_liquidation_price() -> None:
    tiers: list[Tier] = [(0, Fraction(1, 10)), (100, 1)]
    position = position_at("linear", 1, 1, 95)
    assert liquidation_price(position, 50, tiers) == 50
    assert liquidation_price(position, 4, tiers) is None, "below its margin at every price"


def test_a_price_below_the_floor_of_its_tier_is_none() -> None:
    tiers: list[Tier] = [(0, Fraction(1, 10)), (100, Fraction(1, 2))]
    assert liquidation_price(position_at("linear", -1, 1, 100), -105, tiers) is None


@pytest.mark.parametrize(
    ("tiers", "reason"),
    [
        ([], "starts at notional_floor 0"),
        ([(1, 0)], "starts at notional_floor 0"),
        ([(0, Fraction(1, 10)), (5, Fraction(1, 20))], "out of order at notional_floor 5"),
        ([(0, 0), (5, 1), (5, 1)], "out of order at notional_floor 5"),
    ],
)
def test_a_bad_margin_table_is_refused(tiers: list[Tier], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        tier_deductions(tiers)


def test_a_bad_position_is_refused() -> None:
    with pytest.raises(DataError, match="contract kind"):
        OpenPosition("option", 1, 1, 1)
    with pytest.raises(DataError, match="quantity"):
        OpenPosition("linear", 1, 0, 1)


small_rates = st.lists(st.integers(1, 400), min_size=1, max_size=4).map(sorted)
amounts = st.fractions(min_value=-500, max_value=5_000, max_denominator=100)


@pytest.mark.parametrize("kind", ["linear", "quanto", "inverse"])
@pytest.mark.parametrize("side", [1, -1])
def test_a_unit_is_taken_over_at_its_bankruptcy_price(kind: str, side: int) -> None:
    """With one position, worth something or less than nothing at a mark of 95, and before values are rounded."""
    for wallet in (Fraction(1), Fraction(2), Fraction(1, 3)):
        position = position_at(kind, side, 4, 100)
        mark = position.value(95)
        equity = wallet + position.value_side * (mark - position.entry_value)
        value = mark - position.value_side * equity
        expected = bankruptcy_price(position, wallet)
        assert takeover_price(kind, 4, value) == expected


def test_a_value_of_nothing_is_no_price() -> None:
    assert takeover_price("linear", 1, 0) is None
    assert takeover_price("inverse", 1, -5) is None


@given(
    kind=st.sampled_from(["linear", "quanto", "inverse"]),
    side=st.sampled_from([1, -1]),
    quantity=st.integers(1, 1_000),
    entry=st.fractions(min_value=1, max_value=1_000, max_denominator=100),
    wallet=amounts,
    others=amounts,
    fee=st.integers(0, 50),
    rates=small_rates,
)
def test_at_the_price_equity_is_the_margin_and_just_beyond_it_is_less(
    kind: str,
    side: int,
    quantity: int,
    entry: Fraction,
    wallet: Fraction,
    others: Fraction,
    fee: int,
    rates: list[int],
) -> None:
    position = position_at(kind, side, quantity, entry)
    tiers = [(1_000 * k, Fraction(rate, 1_000)) for k, rate in enumerate(rates)]
    fee_rate = Fraction(fee, 10_000)

    def surplus(price: Fraction) -> Fraction:
        value = position.value(price)
        profit = position.value_side * (value - position.entry_value)
        return wallet + others + profit - fee_rate * value - maintenance_margin(value, tiers)

    price = liquidation_price(position, wallet, tiers, fee_rate=fee_rate, others=others)
    if price is None:
        far = [Fraction(1, 10**9), Fraction(10**9)]
        signs = {surplus(p) > 0 for p in far}
        assert len(signs) == 1, "equity crosses the margin, so there is a price"
        return
    assert surplus(price) == 0
    assert (
        surplus(price * (1 - side * Fraction(1, 1_000)))
        < 0
        < surplus(price * (1 + side * Fraction(1, 1_000)))
    )
