"""One open position of a risk unit: its entry value, its mark, and its place in the market's time."""

from bisect import bisect_left
from typing import NamedTuple

from lossledger.engine.clock import NEVER
from lossledger.engine.events import NO_TICKS, Funding, Market
from lossledger.engine.numbers import E18, round_half_even_div
from lossledger.engine.rules.margin import MARGINAL, MarginRule, TierHistory


class FillEffect(NamedTuple):
    """What a fill did: realised PnL and the value V(n, p) of the whole fill, in ledger units."""

    realised: int
    value: int


class Position:
    """Signed quantity, entry value EV and the value V(|Q|, mark) of one instrument in one unit.

    Before the first tick the mark is None and the position counts with uPnL 0 and notional EV (section 6).
    """

    def __init__(self, market: Market, instrument_id: str, ts: int) -> None:
        self.instrument_id = instrument_id
        self.contract = market.contracts[instrument_id]
        self.quantity_e18 = 0
        self.entry_value = 0
        self.mark_e18 = market.mark_before(instrument_id, ts)
        self.value = 0
        self._tiers = market.tiers.get(instrument_id) or TierHistory(instrument_id, {})
        self._tiers.at(ts)  # held without a margin table is a data error, house accounts included
        self._table_until = -NEVER
        self._ticks = market.ticks.get(instrument_id, NO_TICKS)
        self._funding = market.funding.get(instrument_id, [])
        self._tick_index = bisect_left(self._ticks.ts, ts)
        self._funding_index = bisect_left(self._funding, ts, key=lambda event: event.ts)
        self._find_next()

    @property
    def side(self) -> int:
        return 1 if self.quantity_e18 > 0 else -1

    def resize(self, quantity_e18: int, entry_value: int) -> None:
        self.quantity_e18 = quantity_e18
        self.entry_value = entry_value
        self._revalue()

    def _revalue(self) -> None:
        if self.mark_e18 is None or not self.quantity_e18:
            self.value = self.entry_value
        else:
            self.value = self.contract.value_units(abs(self.quantity_e18), self.mark_e18)

    def unrealised(self) -> int:
        """uPnL at the mark in force, 0 before the first tick."""
        return self.contract.pnl_units(self.side, self.value, self.entry_value)

    def maintenance_margin(self, ts: int, rule: MarginRule = MARGINAL) -> int:
        if ts >= self._table_until:
            self._table, self._table_until = self._tiers.at(ts)
        return self._table.maintenance_margin_units(self.value, abs(self.quantity_e18), rule)

    def apply_fill(self, side: int, quantity_e18: int, price_e18: int) -> FillEffect:
        """Open, increase, reduce or turn the position (rules.md section 5, average entry value)."""
        value = self.contract.value_units(quantity_e18, price_e18)
        held = abs(self.quantity_e18)
        if not held or side == self.side:
            self.resize(self.quantity_e18 + side * quantity_e18, self.entry_value + value)
            return FillEffect(0, value)
        reduced = min(held, quantity_e18)
        closed_value = (
            value if reduced == quantity_e18 else round_half_even_div(value * reduced, quantity_e18)
        )
        entry_out = self.entry_value
        if reduced < held:
            entry_out = round_half_even_div(self.entry_value * reduced, held)
        realised = self.contract.pnl_units(self.side, closed_value, entry_out)
        if quantity_e18 > reduced:
            self.resize(side * (quantity_e18 - reduced), value - closed_value)
        else:
            self.resize(self.quantity_e18 + side * reduced, self.entry_value - entry_out)
        return FillEffect(realised, value)

    # the market's time -------------------------------------------------------------------------------

    def _find_next(self) -> None:
        ticks, funding = self._ticks.ts, self._funding
        self._tick_ts = ticks[self._tick_index] if self._tick_index < len(ticks) else NEVER
        self._funding_ts = funding[self._funding_index].ts if self._funding_index < len(funding) else NEVER
        self.next_ts = min(self._tick_ts, self._funding_ts)

    def funding_at(self, ts: int) -> int | None:
        """The amount received at a funding event of ts (negative = paid), None without one."""
        if self._funding_ts != ts:
            return None
        event: Funding = self._funding[self._funding_index]
        self._funding_index += 1
        self._find_next()
        value = self.contract.value_units(abs(self.quantity_e18), event.price_e18)
        return -self.side * round_half_even_div(value * event.rate_e18, E18)

    def tick_at(self, ts: int) -> int | None:
        """Apply the tick of ts, if there is one: the change of uPnL, else None."""
        if self._tick_ts != ts:
            return None
        before = self.unrealised()
        self.mark_e18 = self._ticks.mark[self._tick_index]
        self._revalue()
        self._tick_index += 1
        self._find_next()
        return self.unrealised() - before

    def closing_quote(self) -> tuple[int, int]:
        """(bid, ask) of the tick just applied, each replaced by the mark where it is missing."""
        index = self._tick_index - 1
        mark = self._ticks.mark[index]
        bid, ask = self._ticks.bid[index], self._ticks.ask[index]
        return (mark if bid is None else bid, mark if ask is None else ask)
