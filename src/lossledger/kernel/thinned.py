"""The reference on the ticks that matter: for units whose numbers do not fit into 63 bits.

Between two events of a unit its positions stand still. Where a bound on equity − margin over such a stretch says that
no tick of it can breach, only its first and its last tick of each instrument are kept: nothing happens at the others,
and the marks at the unit's own events are the same. So the reference's rows are the same too, in Python's integers, at
a cost that follows the unit's events. A stretch that the bound does not clear is halved.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lossledger.engine.clock import NEVER
from lossledger.engine.errors import DataError
from lossledger.engine.events import NO_TICKS, Market, TickSeries
from lossledger.engine.intake.policy import Policy
from lossledger.engine.numbers import E18, round_half_even_div
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput

FEW = 32  # ticks of one instrument that are kept rather than looked at any closer
_BLOCK = 64
Kept = dict[str, list[tuple[int, int]]]  # by instrument, ranges of ticks, rising


@dataclass
class _Extremes:
    """The lowest and the highest mark of any stretch of an instrument's ticks."""

    marks: list[int]

    def __post_init__(self) -> None:
        blocks = [self.marks[k : k + _BLOCK] for k in range(0, len(self.marks), _BLOCK)]
        self._low, self._high = [min(b) for b in blocks], [max(b) for b in blocks]

    def of(self, first: int, after: int) -> tuple[int, int]:
        """Of a stretch that is not empty."""
        a, b = -(-first // _BLOCK), after // _BLOCK
        if a >= b:
            some = self.marks[first:after]
            return min(some), max(some)
        edges = self.marks[first : a * _BLOCK] + self.marks[b * _BLOCK : after]
        return min([*edges, *self._low[a:b]]), max([*edges, *self._high[a:b]])


@dataclass
class Thinned:
    """What all units of a session share."""

    market: Market
    policy: Policy
    start: int
    _extremes: dict[str, _Extremes] = field(default_factory=dict)

    def replay(self, units: Iterable[UnitInput]) -> SessionRows:
        """As `engine.rules.order.replay_units`."""
        rows = SessionRows()
        for unit in sorted(units, key=lambda u: u.key):
            rows.extend(replay_units([unit], self.for_unit(unit), self.policy, self.start))
        return rows

    def for_unit(self, unit: UnitInput) -> Market:
        """The market with those ticks that matter to the unit."""
        path = _Path(self, unit)
        ticks = {name: self.market.ticks.get(name, NO_TICKS) for name in path.names}
        most = max((len(series.ts) for series in ticks.values()), default=0)
        if most <= 3 * len(path.times) + FEW or not path.can_be_followed():
            return self.market
        kept: Kept = {name: [] for name in path.names}
        try:
            for stretch in path.stretches():
                path.keep(kept, *stretch)
        except DataError:
            return self.market  # the reference says it
        return replace(self.market, ticks={name: _some(ticks[name], kept[name]) for name in path.names})

    def extremes(self, name: str) -> _Extremes:
        if name not in self._extremes:
            self._extremes[name] = _Extremes(self.market.ticks[name].mark)
        return self._extremes[name]


def _some(series: TickSeries, kept: list[tuple[int, int]]) -> TickSeries:
    places = sorted({place for first, after in kept for place in range(first, after)})
    ts, mark = ([column[place] for place in places] for column in (series.ts, series.mark))
    bid, ask = ([column[place] for place in places] for column in (series.bid, series.ask))
    return TickSeries(ts, mark, bid, ask)


class _Path:
    """A unit's positions and cash from event to event.

    `cash`: equity without the value of what is held. No entry value is in it: what a fill takes out of one it puts into
    the wallet, or the other way round. It leaves out resets, which only add to it.
    """

    def __init__(self, session: Thinned, unit: UnitInput) -> None:
        self.session, self.unit, self.market = session, unit, session.market
        fills = {fill.instrument_id for fill in unit.fills}
        self.names = sorted(fills | {position[0] for position in unit.positions})
        self.positions = {name: quantity_e18 for name, quantity_e18, _ in unit.positions}
        self.cash = unit.wallet
        for name, quantity_e18, entry_value in unit.positions:
            self.cash -= self._sense(name, quantity_e18) * entry_value
        terms = [terms for _, terms in session.policy.items()]
        # These change wallets or positions by more than what was delivered, once there is an episode.
        self._changes_more = any(t.execution == "simulated" or t.residual == "to_fund" for t in terms)
        self._everything = False  # whether all ticks are kept from here on
        self.times = self._times()

    def _times(self) -> list[int]:
        """When something other than a tick happens to the unit, or to its margin."""
        unit = self.unit
        times = {t.ts for t in unit.transfers} | {f.ts for f in unit.fills} | set(unit.snapshots)
        if unit.charge:
            times.add(unit.charge_at)
        for name in self.names:
            times |= {event.ts for event in self.market.funding.get(name, [])}
            history = self.market.tiers.get(name)
            times |= {valid_from for valid_from, _ in history.items()} if history else set()
        return sorted(ts for ts in times if ts >= self.session.start)

    def can_be_followed(self) -> bool:
        """Whether the path is known before the unit is replayed."""
        begun = self.unit.open_episode is not None or any(f.kind == "liquidation" for f in self.unit.fills)
        return self.unit.account.is_house or (not (begun and self._changes_more) and self._margins_rise())

    def _margins_rise(self) -> bool:
        """Whether no margin falls when the value rises."""
        histories = [self.market.tiers[name] for name in self.names if name in self.market.tiers]
        tables = [table for history in histories for _, table in history.items()]
        return all(rate_e18 >= 0 for table in tables for _, rate_e18, _ in table.steps())

    def _sense(self, name: str, quantity_e18: int) -> int:
        direction = self.market.contracts[name].direction
        return direction if quantity_e18 > 0 else -direction

    def stretches(self) -> Iterator[tuple[int, int]]:
        """The times between events, while the path stands there."""
        fills, transfers = sorted(self.unit.fills), sorted(self.unit.transfers)
        f = t = 0
        yield self.session.start - 1, self.times[0] if self.times else NEVER
        for ts, until in pairwise([*self.times, NEVER]):
            if self.unit.charge and self.unit.charge_at == ts:
                self.cash -= self.unit.charge
            while t < len(transfers) and transfers[t].ts == ts:
                self.cash += transfers[t].amount
                t += 1
            simulated = self.session.policy.at(ts).execution == "simulated"
            while f < len(fills) and fills[f].ts == ts:
                fill = fills[f]
                f += 1
                if simulated and fill.kind in ("liquidation", "adl"):
                    continue
                signed = fill.side * fill.quantity_e18
                value = self.market.contracts[fill.instrument_id].value_units(
                    fill.quantity_e18, fill.price_e18
                )
                self.cash -= self._sense(fill.instrument_id, signed) * value + fill.fee
                self.positions[fill.instrument_id] = self.positions.get(fill.instrument_id, 0) + signed
            self._fund(ts)
            yield ts, until

    def _fund(self, ts: int) -> None:
        for name, quantity_e18 in self.positions.items():
            events = self.market.funding.get(name, [])
            place = bisect_left(events, ts, key=lambda event: event.ts)
            if quantity_e18 and place < len(events) and events[place].ts == ts:
                value = self.market.contracts[name].value_units(abs(quantity_e18), events[place].price_e18)
                paid = round_half_even_div(value * events[place].rate_e18, E18)
                self.cash -= paid if quantity_e18 > 0 else -paid

    def keep(self, kept: Kept, after: int, before: int) -> None:
        """Keep what matters of the ticks between two times, and those at the second one."""
        rest = [(after, before)]
        while rest:
            start, end = rest.pop()
            ranges = {name: self._range(name, start, end) for name in self.names}
            safe = not self._everything and (self.unit.account.is_house or self._is_safe(ranges, start))
            longest = max(self.names, key=lambda name: ranges[name][1] - ranges[name][0])
            first, last = ranges[longest]
            if safe or self._everything or last - first <= FEW:
                for name, (a, b) in ranges.items():
                    ticks = self.market.ticks.get(name, NO_TICKS).ts
                    at_end = b + (b < len(ticks) and ticks[b] == end)
                    if safe:
                        kept[name] += [(max(0, a - 1), min(a + 1, b)), (max(a, b - 1), at_end)]
                    else:
                        kept[name].append((max(0, a - 1), at_end))
                self._everything |= self._changes_more and not safe and last > first
                continue
            middle = self.market.ticks[longest].ts[(first + last) // 2]
            rest += [(middle, end), (start, middle)]

    def _range(self, name: str, after: int, before: int) -> tuple[int, int]:
        ticks = self.market.ticks.get(name, NO_TICKS).ts
        return bisect_right(ticks, after), bisect_left(ticks, before)

    def _is_safe(self, ranges: dict[str, tuple[int, int]], start: int) -> bool:
        """Whether equity is above the margin whatever marks of the stretch are in force together."""
        least = self.cash
        for name, quantity_e18 in self.positions.items():
            if not quantity_e18:
                continue
            marks = self._marks(name, *ranges[name])
            if not marks:
                return False
            contract, sense = self.market.contracts[name], self._sense(name, quantity_e18)
            values = [contract.value_units(abs(quantity_e18), mark_e18) for mark_e18 in marks]
            least += min(sense * value for value in values)
            history = self.market.tiers.get(name)
            if history is None:
                return False
            table, _ = history.at(start)
            least -= table.maintenance_margin_units(max(values))
        return least > 0

    def _marks(self, name: str, first: int, after: int) -> list[int]:
        """The lowest and the highest mark in force; none where there may be none yet."""
        ticks = self.market.ticks.get(name, NO_TICKS).mark
        opening = self.market.opening_marks.get(name) if not first else ticks[first - 1]
        if opening is None:
            return []
        if first == after:
            return [opening]
        return [*self.session.extremes(name).of(first, after), opening]
