"""Lots close first in, first out, and no value is lost, however a closing is cut (rules.md section 15)."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.events import Fill, UnitKey
from lossledger.engine.numbers import E18, round_half_even_div
from lossledger.engine.rows import OpenLot, Takeover
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.lots import fill_lots, spread

KEY = UnitKey("l", "USD", "")
CONTRACTS = [Contract("P", kind, "USD", 2, E18) for kind in ("linear", "quanto", "inverse")]
FILLS = st.lists(
    st.tuples(
        st.sampled_from([1, -1]),
        st.integers(1, 50),
        st.integers(1, 200),
        st.integers(-30, 30),
        st.integers(1, 200),
    ),
    min_size=1,
    max_size=12,
)
Given = tuple[int, int, int, int, int]  # side, quantity, price, fee and the mark in force


def trade(contract: Contract, fills: Sequence[Given]) -> tuple[list[OpenLot], list[Takeover], int]:
    """What a liquidator's fills leave open and close, and the sum of s·d·V − fee of all of them."""
    lots: list[OpenLot] = []
    closed: list[Takeover] = []
    cash = 0
    for n, (side, quantity, price, fee, mark) in enumerate(fills):
        fill = Fill(n, str(n), str(n), "P", side, price * E18, quantity * E18, fee, "normal")
        value = contract.value_units(fill.quantity_e18, fill.price_e18)
        lots, now = fill_lots(lots, fill, value, mark * E18, KEY, contract)
        closed += now
        cash -= contract.direction * side * value + fee
    return lots, closed, cash


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_what_is_spread_adds_up(amount: int, parts: list[int]) -> None:
    shares = spread(amount, parts)
    assert sum(shares) == amount
    whole = sum(parts)
    assert all(
        abs(s - round_half_even_div(amount * p, whole)) <= 1 for s, p in zip(shares, parts, strict=True)
    )


@given(st.sampled_from(CONTRACTS), FILLS)
def test_open_lots_are_the_position_and_value_is_conserved(contract: Contract, fills: list[Given]) -> None:
    """Money in and out is the results of what is closed, and the open values and fees of what is not."""
    lots, closed, cash = trade(contract, fills)
    assert sum(lot.quantity_e18 for lot in lots) == sum(side * quantity * E18 for side, quantity, *_ in fills)
    assert len({lot.quantity_e18 > 0 for lot in lots}) <= 1
    open_value = sum(
        -contract.direction * (1 if lot.quantity_e18 > 0 else -1) * lot.open_value - lot.open_fee
        for lot in lots
    )
    assert sum(t.result for t in closed) + open_value == cash


@given(st.sampled_from(CONTRACTS), FILLS)
def test_the_oldest_lot_is_closed_first_and_its_causes_add_up(contract: Contract, fills: list[Given]) -> None:
    lots, closed, _ = trade(contract, fills)
    assert [t.opened_at for t in closed] == sorted(t.opened_at for t in closed)
    assert not lots or not closed or lots[0].opened_at >= closed[-1].opened_at
    for t in closed:
        assert None not in (t.at_takeover, t.market_move, t.execution)
        assert (t.at_takeover or 0) + (t.market_move or 0) + (t.execution or 0) - t.fees == t.result


@given(st.integers(1, 50), st.integers(1, 200), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_how_a_closing_is_cut_into_fills_changes_results_by_rounding_alone(
    price: int, exit_price: int, parts: list[int]
) -> None:
    """Each fill rounds its value, and what goes out of the lot, by half a unit at most."""
    contract, size = CONTRACTS[2], sum(parts)
    opening = (1, size, price, 0, price)
    whole = trade(contract, [opening, (-1, size, exit_price, 0, price)])[1]
    cut = trade(contract, [opening, *((-1, part, exit_price, 0, price) for part in parts)])[1]
    assert abs(sum(t.result for t in cut) - sum(t.result for t in whole)) <= len(parts)
    assert sum(t.open_value for t in cut) == sum(t.open_value for t in whole)
