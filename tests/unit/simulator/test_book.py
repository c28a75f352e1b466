"""The simulator's book: integers only, nothing lost, and a check that notices when something is."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lossledger.simulator.closing import market_price
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.contracts import Contract, MarginTable, decimal_text, div_half_even
from lossledger.simulator.landing import LandingZone
from lossledger.simulator.ledger import Ledger, MoneyNotConserved
from lossledger.simulator.liquidator import Liquidator
from lossledger.simulator.lots import LotBook
from lossledger.simulator.market import build_contracts, build_traders
from lossledger.simulator.prices import epoch_seconds
from lossledger.simulator.simulate import _Market
from lossledger.simulator.takeover import Takeover
from lossledger.simulator.venue import Venue
from lossledger.simulator.waterfall import Waterfall, largest_remainder


def contract(kind: str, multiplier: str, tick: str, lot: str, scale: int) -> Contract:
    sizes = (Decimal(multiplier), Decimal(tick), Decimal(lot))
    return Contract(0, "C", kind, "B", "USD", "S", *sizes, scale, Decimal(100))


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (8, 3, 3), (7, 3, 2), (-8, 3, -3), (0, 9, 0)],
)
def test_division_rounds_half_to_even(numerator: int, denominator: int, expected: int) -> None:
    assert div_half_even(numerator, denominator) == expected


@pytest.mark.parametrize(
    ("kind", "multiplier", "quantity", "price", "units"),
    [
        ("linear", "1", 3, "101.5", 30_450),  # 3 x 101.5 = 304.50 in cents
        ("linear", "0.001", 5, "1.0", 0),  # half a cent goes to the even cent
        ("linear", "0.001", 15, "1.0", 2),  # and a cent and a half up to two
        ("quanto", "0.1", 7, "33.5", 2_345),
        ("inverse", "100", 3, "40.0", 750),  # 3 x 100 / 40
        ("inverse", "1", 1, "3.0", 33),
    ],
)
def test_contract_values(kind: str, multiplier: str, quantity: int, price: str, units: int) -> None:
    made = contract(kind, multiplier, "0.5", "1", 2)
    assert made.value(quantity, int(Decimal(price) / Decimal("0.5"))) == units


def test_decimal_text_is_exact() -> None:
    assert [decimal_text(*pair) for pair in ((12, 0), (12, 1), (-5, 3), (10**20, 2), (0, 2))] == [
        "12", "1.2", "-0.005", "1000000000000000000.00", "0.00",
    ]  # fmt: skip


def test_margin_is_the_tiers_integral_rounded_up() -> None:
    tiers = [(0, 5_000), (1_000, 12_500), (50_001, 40_000)]
    table = MarginTable(tiers)
    for notional in (1, 999, 1_000, 1_001, 50_000, 50_001, 987_654_321):
        exact = Fraction(0)
        for k, (floor, rate) in enumerate(tiers):
            top = min(notional, tiers[k + 1][0]) if k + 1 < len(tiers) else notional
            exact += max(0, top - floor) * Fraction(rate, 10**6)
        assert table.maintenance(notional) == -(-exact.numerator // exact.denominator)


def test_a_flip_closes_and_opens_at_one_value() -> None:
    book, made = Ledger(), contract("linear", "1", "1", "1", 0)
    long, short = book.unit("a", "S"), book.unit("b", "S")
    for unit, side in ((long, 1), (short, -1)):
        book.fill(unit, made, side, 10, 100, fee=1)
        book.fill(unit, made, -side, 15, 90, fee=1)
    assert (long.wallet, long.positions[0].side, long.positions[0].lots) == (-102, -1, 5)
    assert (short.wallet, short.positions[0].entry_value) == (98, 450)
    book.check([90])


def test_largest_remainder_gives_ties_to_the_smaller_key() -> None:
    assert largest_remainder(4, {"b": 1, "a": 1, "c": 1}) == {"a": 2, "b": 1, "c": 1}
    assert largest_remainder(10, {"a": 999, "b": 1}) == {"a": 10, "b": 0}


@pytest.mark.parametrize(("protected", "wallet", "debt", "balance"), [(True, 0, 0, 0), (False, -70, 70, 50)])
def test_a_deficit_is_covered_or_becomes_a_receivable(
    protected: bool, wallet: int, debt: int, balance: int
) -> None:
    book, waterfall = Ledger(), Waterfall({})
    waterfall.external("S", 50)
    unit = book.unit("a", "S")
    unit.wallet = -70
    assert waterfall.settle(book, unit, protected) == 70
    assert (unit.wallet, unit.debt, waterfall.pools["S"].balance) == (wallet, debt, balance)
    assert waterfall.pools["S"].shortfall == (20 if protected else 0)


def test_lots_close_first_in_first_out_and_their_parts_add_up() -> None:
    """Two longs of 2 for 21 and 3 for 30; 4 sold for 43 close 2 for 22 (half of 43, to even) and 2 for 21."""
    book = LotBook(1)
    assert book.fill(1, 2, 21, 0) == book.fill(1, 3, 30, 0) == []
    assert book.fill(-1, 4, 43, 3) == [22 - 21 - 2, 21 - 20 - 1]
    assert (book.position, book.open[0].value) == (1, 10)
    assert book.fill(-1, 3, 27, 0) == [9 - 10]  # turns round: the rest is a new lot
    assert (book.position, book.open[0].value) == (-2, 18)


def test_an_inverse_lot_gains_when_its_value_falls() -> None:
    book = LotBook(-1)
    book.fill(1, 5, 100, 0)
    assert book.fill(-1, 5, 90, 0) == [10]


def test_what_a_lot_makes_is_the_funds() -> None:
    ledger, waterfall = Ledger(), Waterfall({})
    unit = ledger.unit("house-liq", "S", house=True)
    waterfall.external("S", 50)
    for result in (30, -70, -25):
        waterfall.lot_result(ledger, unit, result)
    waterfall.lot_funding(ledger, unit, -4)
    pool = waterfall.pools["S"]
    assert (unit.wallet, pool.gains, pool.draws, pool.shortfall, pool.balance) == (69, 30, 80, 15, -4)
    waterfall.check(ledger)


def small_market(root: Path, liquidations: str = "market") -> _Market:
    config = MarketConfig(seed=3, accounts=30, days=2, instruments=5, tick_seconds=600, prices="jumps",
                          liquidations=liquidations)  # fmt: skip
    contracts = build_contracts(config)
    traders = build_traders(config, contracts, epoch_seconds(config.start) * 10**6)
    return _Market(config, contracts, traders, LandingZone(root, "csv", 10**6))


def lose_a_unit(venue: Venue) -> None:
    next(u for u in venue.ledger.units.values() if u.wallet > 0).wallet -= 1


def lose_a_lot(venue: Venue) -> None:
    next(p for u in venue.ledger.units.values() for p in u.positions.values()).lots += 1


def lose_entry_value(venue: Venue) -> None:
    next(p for u in venue.ledger.units.values() for p in u.positions.values()).entry_value += 1


def pay_from_nowhere(venue: Venue) -> None:
    venue.waterfall.pools["USDT"].balance += 1


def forget_a_shortfall(venue: Venue) -> None:
    venue.waterfall.pools["USDT"].shortfall += 1


@pytest.mark.parametrize(
    "damage", [lose_a_unit, lose_a_lot, lose_entry_value, pay_from_nowhere, forget_a_shortfall]
)
def test_one_ledger_unit_out_of_place_stops_the_market(
    tmp_path: Path, damage: Callable[[Venue], None]
) -> None:
    market = small_market(tmp_path / "landing")
    market.run_day(0)
    market.venue.check()
    damage(market.venue)
    with pytest.raises(MoneyNotConserved):
        market.run_day(1)


def lose_a_taken_lot(venue: Venue) -> None:
    next(book for book in venue.lots if book.open).open.popleft()


def misprice_a_lot(venue: Venue) -> None:
    next(book for book in venue.lots if book.open).open[0].value += 1


def keep_a_gain(venue: Venue) -> None:
    venue.waterfall.pools["USDT"].gains -= 1


@pytest.mark.parametrize("damage", [lose_a_taken_lot, misprice_a_lot, keep_a_gain])
def test_one_ledger_unit_of_a_lot_out_of_place_is_noticed(
    tmp_path: Path, damage: Callable[[Venue], None]
) -> None:
    market = small_market(tmp_path / "landing", "takeover")
    market.run_day(0)
    venue = market.venue
    unit = next(u for u in venue.ledger.units.values() if u.positions and not u.house)
    Takeover(venue).take(venue.last_us + 1, unit)
    assert (
        not unit.positions and 0 <= unit.wallet < 10**6
    )  # flat at zero, or a little above: a tick is not exact
    venue.check()
    damage(venue)
    with pytest.raises(MoneyNotConserved):
        venue.check()


def test_a_booking_that_rounds_money_away_stops_the_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = Ledger.transfer

    def short_changing(self: Ledger, unit: Any, amount: int) -> None:
        transfer(self, unit, amount)
        unit.wallet -= amount % 2

    monkeypatch.setattr(Ledger, "transfer", short_changing)
    with pytest.raises(MoneyNotConserved, match="wallets hold"):
        small_market(tmp_path / "landing").run_day(0)


def test_no_unit_below_its_margin_is_overlooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wake-up marks are only a short cut: at every tick, looking at everybody finds no one else."""
    looked, below = 0, 0
    trigger = _Market._trigger

    def looking_at_everybody(self: _Market, ts: int, row: Any) -> None:
        nonlocal looked, below
        trigger(self, ts, row)
        venue = self.venue
        for unit in venue.ledger.units.values():
            if unit.positions and not unit.house:
                looked += 1
                is_below = unit.equity(venue.marks) < unit.maintenance(venue.marks, venue.tables)
                below += is_below
                assert unit.liquidating or not is_below

    monkeypatch.setattr(_Market, "_trigger", looking_at_everybody)
    market = small_market(tmp_path / "landing")
    market.run_day(0)
    market.run_day(1)
    assert looked > 5_000 and below > 10


def test_a_liquidation_comes_late_and_at_a_worse_price(tmp_path: Path) -> None:
    market = small_market(tmp_path / "landing")
    market.run_day(0)
    liquidator: Liquidator = market.liquidator
    venue, made = market.venue, market.contracts[0]
    mark = venue.marks[0]
    assert all(market_price(venue, made, 1) < mark < market_price(venue, made, -1) for _ in range(50))
    unit = next(
        u for u in market.venue.ledger.units.values() if u.positions and not u.house and not u.liquidating
    )
    liquidator.trigger(unit, 10**15)
    assert [u for ts, u in liquidator.due(2 * 10**15) if ts > 10**15] == [unit]


def test_a_recovered_unit_is_free_only_from_the_next_tick_on(tmp_path: Path) -> None:
    """The replay ends an episode as recovered at a tick, so its owner must not close it before."""
    market = small_market(tmp_path / "landing")
    market.run_day(0)
    liquidator = market.liquidator
    liquidator._rng = Random(2)  # draws above the share of liquidations that go on regardless
    unit = next(u for u in market.venue.ledger.units.values() if u.positions and not u.house)
    unit.wallet += 10**15
    unit.liquidating = True
    liquidator.act(market.venue.last_us + 1, unit)
    assert unit.liquidating
    assert liquidator.released() == [unit]
    assert not unit.liquidating
