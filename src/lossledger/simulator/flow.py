"""What clients do: deposit, open, add, reduce, close, turn round, withdraw. Floats steer sizes only."""

from collections.abc import Sequence

from lossledger.simulator.contracts import Contract
from lossledger.simulator.ledger import Unit
from lossledger.simulator.market import SCALES, Trader, units_per_usd
from lossledger.simulator.venue import LIQUIDATOR, MAKER, Venue, trade_fees

CLIENT_MAKER_SHARE = 0.15


class Flow:
    """Draws a client and an action at a time from the venue's one random source."""

    def __init__(self, venue: Venue, traders: Sequence[Trader]) -> None:
        self._venue, self._traders, self._rng = venue, traders, venue.rng
        currencies = sorted({c.settlement for c in venue.contracts})
        self._per_usd = {currency: units_per_usd(venue.contracts, currency) for currency in currencies}

    def fund_accounts(self, ts: int) -> None:
        """First deposits: the house's, many times the clients' together, then each client's."""
        total = sum(t.wealth_usd for t in self._traders)
        for account_id in (MAKER, LIQUIDATOR):
            for currency, per_usd in self._per_usd.items():
                units = int(max(10**6, 20 * total) * per_usd)
                self._venue.transfer(ts, self._venue.house(account_id, currency), units, "deposit")
        for trader in self._traders:
            settlements = sorted({c.settlement for c in trader.contracts})
            for currency in settlements:
                amount = int(trader.wealth_usd * self._per_usd[currency] / len(settlements))
                cross = self._venue.ledger.unit(trader.account_id, currency)
                self._venue.transfer(ts, cross, amount, "deposit")

    def act(self, ts: int) -> None:
        """One action of one client; active clients come up more often."""
        rng = self._rng
        trader = self._traders[int(len(self._traders) * rng.random() ** 1.5)]
        contract = rng.choice(trader.contracts)
        cross = self._venue.ledger.unit(trader.account_id, contract.settlement)
        unit = cross
        if trader.isolated:
            unit = self._venue.ledger.unit(trader.account_id, contract.settlement, contract.instrument_id)
        if unit.liquidating or cross.liquidating:
            return
        roll, position = rng.random(), unit.positions.get(contract.index)
        if roll < 0.04:
            self._cash(ts, trader, cross)
        elif position is None:
            self._open(ts, trader, contract, unit, cross)
        elif roll < 0.35:
            self._order(ts, trader, contract, unit, position.side, self._room(trader, contract, unit))
        elif roll < 0.60:
            part = 1 + int(position.lots * rng.random() * 0.7)
            self._order(ts, trader, contract, unit, -position.side, min(part, position.lots))
        elif roll < 0.75:
            self._order(ts, trader, contract, unit, -position.side, position.lots)
        elif roll < 0.80:
            more = self._room(trader, contract, unit)
            self._order(ts, trader, contract, unit, -position.side, position.lots + more)
        if unit is not cross and not unit.positions and unit.wallet > 0:
            self._move(ts, unit, cross, unit.wallet)

    def _open(self, ts: int, trader: Trader, contract: Contract, unit: Unit, cross: Unit) -> None:
        rng, venue = self._rng, self._venue
        if cross.equity(venue.marks) < 20 * self._per_usd[contract.settlement]:
            if rng.random() < 0.2:  # some come back after a loss
                share = 0.2 + 0.3 * rng.random()
                amount = int(trader.wealth_usd * self._per_usd[contract.settlement] * share)
                venue.transfer(ts, cross, max(1, amount), "deposit")
            return
        if unit is not cross:
            margin = int(self._free(cross) * (0.2 + 0.5 * rng.random()))
            if margin <= 0:
                return
            self._move(ts, cross, unit, margin)
        side = 1 if rng.random() < trader.long_bias else -1
        self._order(ts, trader, contract, unit, side, self._room(trader, contract, unit))

    def _room(self, trader: Trader, contract: Contract, unit: Unit) -> int:
        """Lots that the unit's equity still carries at the client's leverage, some of it used."""
        venue = self._venue
        equity = unit.equity(venue.marks)
        used = sum(p.contract.value(p.lots, venue.marks[i]) for i, p in unit.positions.items())
        share = (0.4 + 0.6 * self._rng.random()) / (1 if unit.isolation else len(trader.contracts))
        target = int((equity * trader.leverage - used) * share)
        carried = 0.6 * equity - unit.maintenance(venue.marks, venue.tables)
        while target > 0 and venue.tables[contract.index].maintenance(target) > carried:
            target //= 2
        return contract.lots_for(target, venue.marks[contract.index]) if target > 0 else 0

    def _order(self, ts: int, trader: Trader, contract: Contract, unit: Unit, side: int, lots: int) -> None:
        """Trade at a price a little worse than the mark, with the market maker or another client."""
        if lots <= 0:
            return
        venue, mark = self._venue, self._venue.marks[contract.index]
        ticks = max(1, mark + side * (1 + int(mark * 0.0004 * self._rng.random())))
        maker = venue.house(MAKER, contract.settlement)
        if self._rng.random() < CLIENT_MAKER_SHARE:
            maker = self._client_maker(trader, contract, lots) or maker
        value = contract.value(lots, ticks)
        venue.trade(ts, contract, lots, ticks, side, unit, maker, trade_fees(value))

    def _client_maker(self, taker: Trader, contract: Contract, lots: int) -> Unit | None:
        """Another client whose cross unit can carry the other side, if the one drawn can."""
        venue = self._venue
        other = self._traders[int(len(self._traders) * self._rng.random())]
        key = (other.account_id, contract.settlement, "")
        if other is taker or other.isolated or key not in venue.ledger.units:
            return None
        unit = venue.ledger.units[key]
        value = contract.value(lots, venue.marks[contract.index])
        used = sum(p.contract.value(p.lots, venue.marks[i]) for i, p in unit.positions.items())
        carries = unit.equity(venue.marks) * min(other.leverage, 10.0) > used + value
        return unit if carries and not unit.liquidating else None

    def _cash(self, ts: int, trader: Trader, cross: Unit) -> None:
        """A deposit, or a withdrawal of what no position needs."""
        venue = self._venue
        free = self._free(cross)
        if self._rng.random() < 0.5:
            amount = int(trader.wealth_usd * self._per_usd[cross.currency] * 0.2 * self._rng.random())
            venue.transfer(ts, cross, max(1, amount), "deposit")
        elif free > 10 ** (SCALES[cross.currency] // 2):
            venue.transfer(ts, cross, -int(free * 0.5 * self._rng.random()) or -1, "withdrawal")

    def _free(self, cross: Unit) -> int:
        """What may leave a cross unit: no unrealised profit, and three times its margin stays."""
        marks, tables = self._venue.marks, self._venue.tables
        return min(cross.wallet, cross.equity(marks) - 3 * cross.maintenance(marks, tables))

    def _move(self, ts: int, source: Unit, target: Unit, amount: int) -> None:
        """Margin from one unit of an account to another."""
        self._venue.transfer(ts, source, -amount, "margin_transfer")
        self._venue.transfer(ts, target, amount, "margin_transfer")
