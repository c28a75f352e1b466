"""Arithmetic: rounding, shares, values, margins, prices and delivered decimals against exact fractions."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation, Overflow
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from random import Random

from hypothesis import assume, example, given
from hypothesis import strategies as st

from lossledger.engine.events import Market
from lossledger.engine.intake.parsing import MAX_DIGITS, Unparsable, parse_decimal_e18
from lossledger.engine.numbers import E18, ceil_div, e18_to_units, round_half_even_div, units_to_e18
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.rules.position import Position
from lossledger.engine.rules.sharing import largest_remainder
from lossledger.engine.rules.simulation import closing_price

integers = st.integers(-(10**40), 10**40)
positive = st.integers(1, 10**30)
amounts = st.integers(0, 10**24)
kinds = st.sampled_from(("linear", "inverse", "quanto"))
sides = st.sampled_from((1, -1))
tables = st.lists(
    st.tuples(st.integers(1, 10**24), st.integers(0, 10**17)), max_size=5, unique_by=lambda tier: tier[0]
)


@given(integers, positive)
def test_division_rounds_half_to_even_and_up(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    assert round_half_even_div(numerator, denominator) == round(exact)
    assert ceil_div(numerator, denominator) == ceil(exact)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**6))
def test_a_half_goes_to_the_even_neighbour(whole: int, half: int) -> None:
    assert round_half_even_div((2 * whole + 1) * half, 2 * half) == whole + whole % 2


@given(integers, st.integers(0, 18))
def test_ledger_units_and_decimals_convert_both_ways(units: int, scale: int) -> None:
    assert Fraction(units_to_e18(units, scale), E18) == Fraction(units, 10**scale)
    assert e18_to_units(units_to_e18(units, scale), scale) == units


@given(amounts, st.dictionaries(st.text(max_size=3), amounts, min_size=1, max_size=12), st.randoms())
def test_largest_remainder_leaves_nothing_and_favours_nobody(
    total: int, weights: dict[str, int], random: Random
) -> None:
    """Shares sum to the total, each is the floor or the ceiling of its exact share, larger parts come first, ties
    to the smaller id; so the shares do not depend on the order in which participants were found."""
    whole = sum(weights.values())
    assume(whole > 0)
    shares = largest_remainder(total, sorted(weights.items()))
    exact = {key: Fraction(total * weight, whole) for key, weight in weights.items()}
    assert sum(shares.values()) == total
    assert all(floor(exact[key]) <= share <= ceil(exact[key]) for key, share in shares.items())
    raised = [key for key in shares if shares[key] > floor(exact[key])]
    order = sorted(exact, key=lambda key: (floor(exact[key]) - exact[key], key))
    assert sorted(raised) == sorted(order[: len(raised)])
    found = list(weights.items())
    random.shuffle(found)
    assert largest_remainder(total, sorted(found)) == shares


@given(kinds, st.integers(0, 18), positive, positive, positive)
def test_contract_value_is_the_rounded_exact_value(
    kind: str, scale: int, multiplier: int, quantity: int, price: int
) -> None:
    contract = Contract("I", kind, "C", scale, multiplier)
    size = Fraction(quantity, E18) * Fraction(multiplier, E18)
    exact = size / Fraction(price, E18) if kind == "inverse" else size * Fraction(price, E18)
    assert contract.value_units(quantity, price) == round(exact * 10**scale)


@given(tables, st.integers(0, 10**16), st.integers(0, 18), st.integers(0, 10**26))
def test_maintenance_margin_is_the_sum_over_brackets(
    tiers: list[tuple[int, int]], rate: int, scale: int, notional: int
) -> None:
    """Every bracket of the notional at its own rate, together rounded up: what the deductions stand for."""
    floors, rates = [0, *sorted(f for f, _ in tiers)], sorted([rate, *(r for _, r in tiers)])
    table = TierTable(zip(floors, rates, strict=True), scale)
    edges = [Fraction(edge * 10**scale, E18) for edge in floors] + [Fraction(10**60)]
    exact = sum(
        (
            max(Fraction(0), min(Fraction(notional), high) - low) * r
            for (low, high), r in zip(pairwise(edges), rates, strict=True)
        ),
        Fraction(0),
    )
    assert table.maintenance_margin_units(notional) == ceil(exact / E18)


@given(sides, positive, positive, st.integers(0, 2 * E18), st.integers(1, 10**20))
def test_closing_price_is_the_worst_tick_after_slippage(
    side: int, bid: int, ask: int, slip: int, tick: int
) -> None:
    price = closing_price(side, bid, ask, slip, tick)
    exact = bid * (1 - Fraction(slip, E18)) if side > 0 else ask * (1 + Fraction(slip, E18))
    ticks = floor(exact / tick) if side > 0 else ceil(exact / tick)
    assert price == max(1, ticks) * tick


# Few sizes, so that positions are turned; odd ones, so that values have to be rounded.
quantities = st.integers(1, 40).map(lambda lots: lots * 37 * 10**15)
prices = st.integers(1, 10**6).map(lambda ticks: ticks * 7919 * 10**11)
fills = st.lists(st.tuples(sides, quantities, prices), min_size=1, max_size=8)


def position(kind: str, scale: int) -> Position:
    market = Market({"I": Contract("I", kind, "C", scale, E18)}, {}, {})
    market.tiers = {"I": TierHistory("I", {0: TierTable([(0, 0)], scale)})}
    return Position(market, "I", 0)


@given(kinds, st.integers(0, 8), fills)
def test_entry_value_is_realised_in_full_however_a_position_is_closed(
    kind: str, scale: int, trades: list[tuple[int, int, int]]
) -> None:
    """After any fills Σ realised = d·(s·EV − Σ side·V(fill)) to the ledger unit: nothing is lost in rounding. Flat
    means EV = 0, so that all that was paid in and out has been realised."""
    held = position(kind, scale)
    realised = spent = quantity = 0
    for side, size, price in trades:
        effect = held.apply_fill(side, size, price)
        realised += effect.realised
        spent += side * effect.value
        quantity += side * size
        assert held.quantity_e18 == quantity
        assert held.entry_value >= 0
        assert bool(held.quantity_e18) or held.entry_value == 0
        direction = held.contract.direction
        assert realised == direction * (held.side * held.entry_value * bool(quantity) - spent)


@given(kinds, st.integers(0, 8), sides, quantities, quantities, prices, prices)
def test_a_flip_is_a_close_and_an_opening(
    kind: str, scale: int, side: int, size: int, more: int, price: int, turn: int
) -> None:
    """Turning a position with one fill leaves what remains of the fill's own value as the new entry value."""
    held = position(kind, scale)
    opened = held.apply_fill(side, size, price).value
    effect = held.apply_fill(-side, size + more, turn)
    closed = effect.value - held.entry_value
    assert held.quantity_e18 == -side * more
    assert closed == round(Fraction(effect.value * size, size + more))
    assert effect.realised == side * held.contract.direction * (closed - opened)


decimal_text = st.from_regex(r"[+-]?[0-9]{0,22}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
EXACT = Context(prec=6000, Emax=10**6, Emin=-(10**6), traps=[InvalidOperation, Overflow])


@given(st.one_of(decimal_text, st.text(max_size=12), st.text("0123456789+-.eE_ ", max_size=14)))
@example("1e-18")
@example("1_000")
@example("١٢")
@example("-.5e1")
@example("1e")
@example("0e9999")
@example("0e00000")
def test_a_delivered_decimal_is_read_exactly_or_not_at_all(text: str) -> None:
    """What is read equals what decimal.Decimal reads; refused is only what is no plain decimal, finer than 10^-18 or
    longer than 20 integer digits. Decimal also reads underscores, spaces, NaN, digits of other scripts, and
    exponents written with more than four digits."""
    try:
        ours = Fraction(parse_decimal_e18(text), E18)
    except Unparsable:
        ours = None
    try:
        theirs = Decimal(text, EXACT)
    except InvalidOperation:
        assert ours is None
        return
    exponent = text.lower().partition("e")[2].lstrip("+-")
    plain = (
        text.isascii()
        and "_" not in text
        and text.strip() == text
        and theirs.is_finite()
        and len(exponent) < 5
    )
    fits = plain and abs(theirs) < 10**MAX_DIGITS and (Fraction(theirs) * E18).denominator == 1
    assert ours == (Fraction(theirs) if fits else None)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_decimal_value_is_read_like_its_text(value: Decimal) -> None:
    def read(given: object) -> int | None:
        try:
            return parse_decimal_e18(given)
        except Unparsable:
            return None

    assert read(value) == read(str(value))
