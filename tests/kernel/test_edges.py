"""Corners of the compiled replay: exact ticks, head-room, room for rows, what is left to the reference."""

from dataclasses import replace
from typing import Any

import pytest

import lossledger.kernel.session
from lossledger.engine.events import (
    Account,
    AccountVersion,
    Fill,
    Funding,
    Market,
    TickSeries,
    Transfer,
    UnitKey,
)
from lossledger.engine.intake.policy import Policy, Terms
from lossledger.engine.numbers import E18
from lossledger.engine.rows import EndedEpisode
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.versions import Versions
from lossledger.kernel.words import NARROW, WIDE, Width
from tests.kernel.object_replay import replay_what_fits
from tests.kernel.worlds import canonical

START = 1_760_054_400_000_000
CLIENT = Versions([(0, AccountVersion("retail", True))])


def market(
    marks: list[int], kind: str = "linear", scale: int = 0, rates: dict[int, int] | None = None
) -> Market:
    """One instrument P, a tick a microsecond; margin rates in thousandths by the time they are valid from."""
    tables = {t: TierTable([(0, rate * 10**15)], scale) for t, rate in (rates or {0: 100}).items()}
    ticks = TickSeries([START + k for k in range(len(marks))], [m * E18 for m in marks])
    ticks.bid = ticks.ask = [None] * len(marks)
    contract = Contract("P", kind, "USD", scale, E18)
    return Market(
        {"P": contract}, {"P": Versions([(0, E18)])}, {"P": TierHistory("P", tables)}, {}, {"P": ticks}
    )


def buy(ts: int, quantity: int, price: int, kind: str = "normal") -> Fill:
    """A fill in P without a fee; a negative quantity sells."""
    side = 1 if quantity > 0 else -1
    return Fill(ts, f"f{ts}{kind}", f"t{ts}", "P", side, price * E18, abs(quantity) * E18, 0, kind)


def unit(wallet: int, *fills: Fill, kind: str = "client") -> UnitInput:
    account = Account("a", kind, CLIENT)
    return UnitInput(UnitKey("a", "USD", ""), account, wallet=wallet, fills=list(fills))


def replayed(given: UnitInput, where: Market, **terms: Any) -> list[EndedEpisode]:
    """The episodes, the same from both replays, the unit taken by the kernel."""
    policy = Policy([(0, Terms(**terms))])
    rows, left = replay_what_fits([given], where, policy, START)
    assert not left
    assert canonical(rows) == canonical(replay_units([given], where, policy, START))
    return rows.episodes


@pytest.mark.parametrize("place", [0, 1, 7, 8, 63, 64, 4095, 9998])
def test_one_breaching_tick_among_ten_thousand_is_found(place: int) -> None:
    """Long 10 at 100 with 100: at 94 equity is 40 and margin 94, at 100 both are 100 and that is no breach."""
    marks = [100] * 10_000
    marks[place] = 94
    (episode,) = replayed(unit(100, buy(START, 10, 100)), market(marks))
    assert (episode.triggered_at, episode.equity_at_trigger) == (START + place, 40)
    assert (episode.ended_at, episode.end_reason) == (START + place + 1, "recovered")


def test_equality_triggers_only_under_lte() -> None:
    given, where = unit(100, buy(START, 10, 100)), market([100] * 300)
    assert replayed(given, where) == []
    assert replayed(replace(given, wallet=101), where, trigger="lte") == []
    policy = Policy([(0, Terms()), (START + 200, Terms(trigger="lte"))])
    rows, left = replay_what_fits([given], where, policy, START)
    assert not left
    assert canonical(rows) == canonical(replay_units([given], where, policy, START))
    assert '"triggered_at": 1760054400000200' in str(rows.unit_sessions[0].open_episode)


def test_a_margin_table_that_begins_between_ticks_and_fills_triggers_at_the_next_tick() -> None:
    where = market([100] * 5000, rates={0: 50, START + 3001: 200})
    (episode,) = replayed(unit(100, buy(START, 10, 100), buy(START + 4000, -10, 100)), where)
    assert (episode.triggered_at, episode.maintenance_margin_at_trigger) == (START + 3001, 200)
    assert episode.end_reason == "self_closed"


def test_the_bound_of_a_day_is_refreshed_when_its_lowest_mark_is_past() -> None:
    """Bought after the crash: the low of the morning does not count, and nothing has to be searched wrongly."""
    marks = [100] * 100 + [10] * 100 + [100] * 800
    assert replayed(unit(200, buy(START + 1, 1, 100), buy(START + 500, 10, 100)), market(marks)) == []


def test_an_inverse_short_is_triggered_at_the_highest_mark() -> None:
    """Short 100,000 dollars at 100 is worth 1,000 coins; at 125 it is 800, the loss 200."""
    marks = [100] * 1000 + [125] + [100] * 1000
    fill = Fill(START, "f", "t", "P", -1, 100 * E18, 100_000 * E18, 0, "normal")
    (episode,) = replayed(unit(250, fill), market(marks, kind="inverse"))
    assert (episode.triggered_at, episode.equity_at_trigger) == (START + 1000, 50)


def test_latency_counts_from_the_trigger_in_microseconds() -> None:
    marks = [100] * 100 + [91] * 900
    (episode,) = replayed(
        unit(100, buy(START, 10, 100)), market(marks), execution="simulated", latency_us=321
    )
    assert (episode.triggered_at, episode.first_execution_at) == (START + 100, START + 421)


@pytest.mark.parametrize(
    ("quantity", "takes"),
    [(10**9, [NARROW, WIDE]), (5 * 10**16, [NARROW, WIDE]), (10**18, [WIDE]), (10**33, [WIDE]), (10**36, [])],
)
def test_a_unit_that_does_not_provably_fit_is_left(quantity: int, takes: list[Width]) -> None:
    """To amounts of 128 bits, then to the reference. The largest of a client are 2^58 and 2^116."""
    where, given = market([1] * 10), unit(0, buy(START, quantity, 1), buy(START + 5, -quantity, 1))
    for width in (NARROW, WIDE):
        rows, left = replay_what_fits([given], where, Policy(), START, [width])
        assert bool(rows.unit_sessions) == (not left) == (width in takes)
        assert left or canonical(rows) == canonical(replay_units([given], where, Policy(), START))


def test_a_market_maker_who_trades_to_and_fro_stays_small() -> None:
    """Half a billion billions are turned over, but never more than 10^16 are held or owed."""
    fills = [buy(START + k, 10**16 if k % 2 else -(10**16), 1) for k in range(1000)]
    house = unit(0, *fills, kind="house")
    rows, left = replay_what_fits([house], market([1] * 10), Policy(), START)
    assert not left
    assert canonical(rows) == canonical(replay_units([house], market([1] * 10), Policy(), START))


def test_a_client_who_trades_to_and_fro_stays_small_though_liquidations_are_simulated() -> None:
    """Long 10^15 and flat by turns, until the price halves; from then on the same fills lead from flat to short."""
    fills = [buy(START + k, -(10**15) if k % 2 else 10**15, 10 if k < 301 else 5) for k in range(1000)]
    given = unit(10**15, *fills)
    (episode, *_) = replayed(given, market([10] * 300 + [5] * 800), execution="simulated", latency_us=0)
    assert (episode.triggered_at, episode.deficit) == (START + 300, 4 * 10**15)


@pytest.mark.parametrize(
    ("kind", "coins", "width"),
    [("house", 100_000, NARROW), ("client", 100_000, WIDE), ("house", 10_000_000, WIDE)],
)
def test_a_market_maker_may_hold_ten_billions_in_units_of_a_hundred_millionth(
    kind: str, coins: int, width: Width
) -> None:
    """100,000 coins at 100,000 are 10^18 ledger units; 10^20 are more than 64 bits hold, and have two words."""
    step = coins // 10
    sides = [1] * 10 + [-1] * 20 + [1] * 15  # to +coins, to -coins, and to half of it
    fills = [
        buy(START + k, side * step, 100_000 + 7 * k)._replace(fee=k - 10**13) for k, side in enumerate(sides)
    ]
    fills.append(buy(START + 50, 1, 100_003, "adl")._replace(fee=3))
    given = replace(unit(10**18, *fills, kind=kind), snapshots=[START + 9, START + 30])
    given.transfers = [Transfer(START + 12, "t", -(10**17))]
    where = market([100_000 + k % 100 for k in range(60)], scale=8)
    where.funding["P"] = [Funding(START + 20, 10**14, 100_000 * E18)]
    _, left = replay_what_fits([given], where, Policy(), START, [NARROW])
    assert bool(left) == (width == WIDE)
    rows, left = replay_what_fits([given], where, Policy(), START, [width])
    assert not left
    assert canonical(rows) == canonical(replay_units([given], where, Policy(), START))


@pytest.mark.parametrize(("width", "scale"), [(NARROW, 0), (WIDE, 18)])
def test_a_market_maker_whose_earnings_grow_out_of_the_amounts_is_left(width: Width, scale: int) -> None:
    """Each round earns 10^17 and holds no more than before: 2^61 are reached after 23, and 2^121 of 10^-18 after 26."""
    fills = [buy(START + k, 10**17 if k % 2 else -(10**17), 1 if k % 2 else 2) for k in range(60)]
    for count, taken in ((40, True), (60, False)):
        given = unit(0, *fills[:count], kind="house")
        rows, left = replay_what_fits([given], market([1] * 10, scale=scale), Policy(), START, [width])
        assert bool(left) != taken
        if taken:
            where = market([1] * 10, scale=scale)
            assert canonical(rows) == canonical(replay_units([given], where, Policy(), START))


def test_a_market_maker_is_walked_through_though_the_policy_changes() -> None:
    fills = [buy(START + k, 10**16 if k % 2 else -(10**16), 1) for k in range(1000)]
    fills += [buy(START + k, 10**16, 1, "adl") for k in (100, 900)]
    policy = Policy([(0, Terms()), (START + 500, Terms(execution="simulated"))])
    house = unit(0, *fills, kind="house")
    rows, left = replay_what_fits([house], market([1] * 10), policy, START)
    assert not left
    assert canonical(rows) == canonical(replay_units([house], market([1] * 10), policy, START))


def test_an_episode_open_from_the_day_before_goes_on() -> None:
    """Its causes, and what has been liquidated of it, are those of both sessions."""
    where, policy = market([94] * 10), Policy()
    given = unit(100, buy(START, 10, 100), buy(START + 500, -4, 93, "liquidation"))
    (session,) = replay_what_fits([given], where, policy, START)[0].unit_sessions
    (position,) = replay_units([given], where, policy, START).unit_positions
    later, second = START + 86_400_000_000, market([90] * 10)
    second.ticks["P"].ts = [later + k for k in range(10)]
    second.opening_marks["P"] = 94 * E18
    held = (position.instrument_id, position.quantity_e18, position.entry_value)
    carried = replace(
        given,
        wallet=session.closing_wallet,
        positions=[held],
        open_episode=session.open_episode,
        fills=[buy(later + 500, -6, 88, "liquidation")],
    )
    rows, left = replay_what_fits([carried], second, policy, later)
    assert not left
    assert [(e.triggered_at, e.end_reason) for e in rows.episodes] == [(START, "flat")]
    (closed,) = rows.liquidation_positions
    assert (closed.mark_e18, closed.liquidation_fills, closed.filled_quantity_e18) == (94 * E18, 2, 10 * E18)
    assert canonical(rows) == canonical(replay_units([carried], second, policy, later))


def test_a_bucket_with_more_rows_than_room_is_done_in_several_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of a unit that does not fit into what is left are written anew."""
    marks = [100, 80] * 200
    given = [replace(unit(100, buy(START, 10, 100)), key=UnitKey(f"a{k}", "USD", "")) for k in range(20)]
    for each in given:
        each.snapshots = [START + k for k in range(5)]
        each.transfers = [Transfer(START + 3, "t", 5)]
    roomy = lossledger.kernel.session._first_sizes
    monkeypatch.setattr(
        lossledger.kernel.session, "_first_sizes", lambda bucket: dict.fromkeys(roomy(bucket), 7)
    )
    rows, left = replay_what_fits(given, market(marks), Policy(), START)
    assert not left
    assert canonical(rows) == canonical(replay_units(given, market(marks), Policy(), START))
