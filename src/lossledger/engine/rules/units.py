"""A risk unit in a session: its wallet, debt and positions, and what events do to them (rules.md sections 3, 5)."""

from copy import copy
from dataclasses import dataclass, field

from lossledger.engine.clock import NEVER
from lossledger.engine.events import Account, Fill, Market, Transfer, UnitKey
from lossledger.engine.rows import OpenLot
from lossledger.engine.rules.episode import Episode, Held
from lossledger.engine.rules.lots import lot_order
from lossledger.engine.rules.margin import MARGINAL, MarginRule
from lossledger.engine.rules.position import FillEffect, Position


@dataclass
class UnitInput:
    """One unit's state at the start of a session and what happens to it; `charge` is booked at `charge_at`.

    `positions`: (instrument_id, signed quantity_e18, entry_value). `snapshots`: instants to report on. `lots`: the open
    ones of a liquidator's unit.
    """

    key: UnitKey
    account: Account
    wallet: int = 0
    debt: int = 0
    unrealised: int = 0
    positions: list[tuple[str, int, int]] = field(default_factory=list)
    open_episode: str | None = None
    charge: int = 0
    charge_at: int = 0
    transfers: list[Transfer] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    snapshots: list[int] = field(default_factory=list)
    lots: list[OpenLot] = field(default_factory=list)


@dataclass
class Flows:
    """What was booked on the wallet in the session, each in the sign of its column in account_daily."""

    transfers: int = 0
    realised_pnl: int = 0
    fees: int = 0
    funding: int = 0
    negative_balance_reset: int = 0
    surplus_forfeited: int = 0
    socialised_charge: int = 0
    fund_settlement: int = 0


class Unit:
    """The state that events change. Whatever changes equity while an episode is open is noted as a cause.

    `margin_rule`: what the policy in force says of maintenance margin. `lots`: those of a liquidator, by instrument.
    """

    def __init__(self, given: UnitInput, market: Market, start: int) -> None:
        self.given, self.market, self.start = given, market, start
        self.key, self.account = given.key, given.account
        self.wallet, self.debt = given.wallet, given.debt
        self.new_debt = self.recovered = 0
        self.flows = Flows()
        self.active = False
        self.episode = Episode.from_json(given.open_episode) if given.open_episode else None
        self.margin_rule: MarginRule = MARGINAL
        self.lots: dict[str, list[OpenLot]] = {}
        self.positions: dict[str, Position] = {}
        self.funding: dict[str, tuple[int, int]] = {}
        for instrument_id, quantity_e18, entry_value in sorted(given.positions):
            position = self.positions[instrument_id] = Position(market, instrument_id, start)
            position.resize(quantity_e18, entry_value)
        for lot in sorted(given.lots, key=lot_order):
            self.lots.setdefault(lot.instrument_id, []).append(lot)

    def next_market_event(self) -> int:
        """When the next tick or funding of a held instrument is."""
        return min((position.next_ts for position in self.positions.values()), default=NEVER)

    def equity(self) -> int:
        return self.wallet + sum(p.unrealised() for p in self.positions.values())

    def maintenance_margin(self, ts: int) -> int:
        return sum(p.maintenance_margin(ts, self.margin_rule) for p in self.positions.values())

    def held(self, ts: int) -> dict[str, Held]:
        """The positions and their margin now, by instrument."""
        return {
            i: Held(p.quantity_e18, p.entry_value, p.maintenance_margin(ts, self.margin_rule), p.mark_e18)
            for i, p in self.positions.items()
        }

    def mark_at_start(self, episode: Episode, instrument_id: str) -> int | None:
        """The mark that was in force when the episode started, maybe in an earlier session."""
        if episode.triggered_at < self.start:
            return episode.marks.get(instrument_id)
        return self.market.mark_before(instrument_id, episode.starts_before)

    def all_marked(self) -> bool:
        """Whether every held instrument has had a tick."""
        return all(p.mark_e18 is not None for p in self.positions.values())

    # effects ------------------------------------------------------------------------------------------

    def transfer(self, amount: int) -> None:
        self.flows.transfers += amount
        self._move(amount)

    def charge(self) -> None:
        """The socialised loss of the session before."""
        self.flows.socialised_charge += self.given.charge
        self._move(-self.given.charge)

    def _move(self, amount: int) -> None:
        self.wallet += amount
        self.active = True
        if self.episode:
            self.episode.add("other_flows", "", -amount)

    def fill(self, fill: Fill, liquidation: bool) -> tuple[int, int | None]:
        """Apply a fill: the change of equity at the mark in force, fee excluded, and that mark."""
        position = self.positions.get(fill.instrument_id)
        if position is None:
            position = self.positions[fill.instrument_id] = Position(self.market, fill.instrument_id, fill.ts)
        before = position.unrealised()
        effect: FillEffect = position.apply_fill(fill.side, fill.quantity_e18, fill.price_e18)
        change = effect.realised + position.unrealised() - before
        if not position.quantity_e18:
            del self.positions[fill.instrument_id]
        self.wallet += effect.realised - fill.fee
        self.flows.realised_pnl += effect.realised
        self.flows.fees += fill.fee
        self.active = True
        if self.episode:
            self.episode.add_fill(fill, change, effect.value, liquidation)
        return change, position.mark_e18

    def equity_after(self, fill: Fill) -> int:
        """What the unit would be worth at the mark in force after a fill of what it holds, before the fill's fee."""
        position = copy(self.positions[fill.instrument_id])
        before = position.unrealised()
        effect = position.apply_fill(fill.side, fill.quantity_e18, fill.price_e18)
        return self.equity() + effect.realised + position.unrealised() - before

    def give_up(self, instrument_id: str, ts: int, value: int) -> None:
        """A position goes to the fund at a value; it counts as a liquidation fill, of cause takeover."""
        position = self.positions.pop(instrument_id)
        realised = position.contract.pnl_units(position.side, value, position.entry_value)
        change = realised - position.unrealised()
        self.wallet += realised
        self.flows.realised_pnl += realised
        self.active = True
        if self.episode:
            self.episode.add("takeover", instrument_id, -change)
            self.episode.add_execution(instrument_id, ts, -position.quantity_e18, value)

    def fund(self, ts: int) -> dict[str, int]:
        """Funding of ts on what is held: by instrument what was received."""
        found = {}
        for instrument_id in sorted(self.positions):
            received = self.positions[instrument_id].funding_at(ts)
            if received is None:
                continue
            found[instrument_id] = received
            self.active = True
            self.wallet += received
            self.flows.funding += received
            total, count = self.funding.get(instrument_id, (0, 0))
            self.funding[instrument_id] = (total + received, count + 1)
            if self.episode:
                self.episode.add("funding", instrument_id, -received)
        return found

    def tick(self, ts: int) -> list[str]:
        """Ticks of ts on what is held: the instruments that had one."""
        ticked = []
        for instrument_id in sorted(self.positions):
            change = self.positions[instrument_id].tick_at(ts)
            if change is None:
                continue
            ticked.append(instrument_id)
            if self.episode:
                self.episode.add_tick(instrument_id, change)
        return ticked

    def forfeit(self, surplus: int) -> None:
        """What a liquidation left goes to the insurance fund."""
        self.wallet -= surplus
        self.flows.surplus_forfeited += surplus

    def reset(self, deficit: int) -> None:
        """A covered deficit: the wallet is zero again, as far as the account does not owe."""
        self.wallet += deficit
        self.flows.negative_balance_reset += deficit

    def settle_with_fund(self, amount: int) -> None:
        """A liquidator's result of a lot, or its funding, is the fund's: the wallet gets the opposite of it."""
        self.wallet += amount
        self.flows.fund_settlement += amount

    def owe(self, loss: int) -> None:
        """A change of debt: new debt when positive, a recovery when negative."""
        self.debt += loss
        if loss > 0:
            self.new_debt += loss
        else:
            self.recovered -= loss
