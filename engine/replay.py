"""The replay of one risk unit over one session (rules.md sections 3 to 9 and 12).

Units do not influence each other within a session, so a session is replayed unit by unit, in any order and
anywhere. This is the reference; a faster one has to give the same `SessionRows`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from engine.clock import iso
from engine.episode import FLAT, MARGIN, RECORDED_FILL, RECOVERED, SELF_CLOSED, Episode, stable_id
from engine.events import Account, Fill, Market, Transfer, UnitKey
from engine.execution import closing_price
from engine.numbers import E18, round_half_even_div
from engine.policy import Policy, Terms
from engine.position import NEVER, Position
from engine.rows import (
    AdlLoss,
    FundingTotal,
    FundMovement,
    NegativeBalance,
    SessionRows,
    Snapshot,
    UnitPosition,
    UnitSession,
)

_CHARGE, _TRANSFER, _FILL, _SNAPSHOT = range(4)


@dataclass
class UnitInput:
    """One unit's state at the start of a session and what happens to it; `charge` is booked at `charge_at`.

    `positions`: (instrument_id, signed quantity_e18, entry_value). `snapshots`: instants to report on.
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


@dataclass
class _Flows:
    """What was booked on the wallet in the session, each in the sign of its column in account_daily."""

    transfers: int = 0
    realised_pnl: int = 0
    fees: int = 0
    funding: int = 0
    negative_balance_reset: int = 0
    surplus_forfeited: int = 0
    socialised_charge: int = 0


class UnitReplay:
    """Applies a unit's events in the order of section 4 and writes what they mean into `rows`."""

    def __init__(self, unit: UnitInput, market: Market, policy: Policy, rows: SessionRows) -> None:
        self.unit, self.market, self.policy, self.rows = unit, market, policy, rows
        self.key, self.account = unit.key, unit.account
        self.wallet, self.debt = unit.wallet, unit.debt
        self.new_debt = self.recovered = 0
        self.flows = _Flows()
        self.active = False
        self.episode = Episode.from_json(unit.open_episode) if unit.open_episode else None
        self.positions: dict[str, Position] = {}
        self.funding: dict[str, tuple[int, int]] = {}

    # the session --------------------------------------------------------------------------------------

    def run(self, start: int) -> None:
        """Replay all events; `start` is a time not later than the first one, when stored marks hold."""
        for instrument_id, quantity_e18, entry_value in sorted(self.unit.positions):
            position = self.positions[instrument_id] = Position(self.market, instrument_id, start)
            position.resize(quantity_e18, entry_value)
        own = groupby(self._own_events(), key=lambda event: event[0])
        next_own = next(own, None)
        while True:
            own_ts = next_own[0] if next_own else NEVER
            ts = min([own_ts, *(position.next_ts for position in self.positions.values())])
            if ts == NEVER:
                break
            events: Iterable[tuple[int, int, str, object]] = ()
            if next_own and own_ts == ts:
                events = list(next_own[1])
                next_own = next(own, None)
            self._step(ts, events)
        self._close()

    def _own_events(self) -> list[tuple[int, int, str, object]]:
        unit = self.unit
        events: list[tuple[int, int, str, object]] = [
            *((t.ts, _TRANSFER, t.transfer_id, t) for t in unit.transfers),
            *((f.ts, _FILL, f.fill_id, f) for f in unit.fills),
            *((ts, _SNAPSHOT, "", None) for ts in unit.snapshots),
        ]
        if unit.charge:
            events.append((unit.charge_at, _CHARGE, "", None))
        return sorted(events, key=lambda event: event[:3])

    def _step(self, ts: int, events: Iterable[tuple[int, int, str, object]]) -> None:
        """All events of one timestamp, in the order of section 4, and what follows from them."""
        terms = self.policy.at(ts)
        touched = filled = snapshot = False
        for _, event_class, _, event in events:
            if event_class == _CHARGE:
                self._book_flow("socialised_charge", self.unit.charge, -1)
            elif isinstance(event, Transfer):
                self._book_flow("transfers", event.amount, 1)
            elif isinstance(event, Fill):
                if terms.execution == "simulated" and event.kind in ("liquidation", "adl"):
                    continue
                self._recorded_fill(event, terms)
                filled = True
            else:
                snapshot = True
                continue
            touched = True
        touched |= self._fund(ts)
        ticked = self._tick(ts)
        if ticked and not self.account.is_house:
            self._evaluate(ts, terms)
            if terms.execution == "simulated" and self._liquidate(ts, ticked, terms):
                touched = filled = True
        self._settle(ts, terms, touched, filled)
        if snapshot:
            self._snapshot(ts)

    # effects of events --------------------------------------------------------------------------------

    def _book_flow(self, name: str, amount: int, sign: int) -> None:
        setattr(self.flows, name, getattr(self.flows, name) + amount)
        self.wallet += sign * amount
        self.active = True
        if self.episode:
            self.episode.add("other_flows", "", -sign * amount)

    def _recorded_fill(self, fill: Fill, terms: Terms) -> None:
        liquidation = fill.kind == "liquidation" and not self.account.is_house
        if liquidation and self.episode is None:
            margin = sum(p.maintenance_margin(fill.ts) for p in self.positions.values())
            self.episode = Episode.opened(fill.ts, RECORDED_FILL, terms.execution, self.equity(), margin)
        self._apply_fill(fill, terms, liquidation)

    def _apply_fill(self, fill: Fill, terms: Terms, liquidation: bool) -> None:
        position = self.positions.get(fill.instrument_id)
        if position is None:
            position = self.positions[fill.instrument_id] = Position(self.market, fill.instrument_id, fill.ts)
        before = position.unrealised()
        effect = position.apply_fill(fill.side, fill.quantity_e18, fill.price_e18)
        change = effect.realised + position.unrealised() - before
        if not position.quantity_e18:
            del self.positions[fill.instrument_id]
        self.wallet += effect.realised - fill.fee
        self.flows.realised_pnl += effect.realised
        self.flows.fees += fill.fee
        self.active = True
        if self.episode:
            self.episode.add_fill(fill, change, effect.value, liquidation)
        if liquidation and terms.liquidation_fee_to == "fund" and fill.fee:
            self._move_to_fund(
                fill.ts, "liquidation_fee", fill.fee, fill.fill_id, fill.instrument_id, fill.fill_id
            )
        if fill.kind == "adl":
            self.rows.adl_losses.append(
                AdlLoss(
                    fill.fill_id,
                    fill.trade_id,
                    fill.ts,
                    *self.key,
                    fill.instrument_id,
                    fill.side,
                    fill.price_e18,
                    fill.quantity_e18,
                    position.mark_e18,
                    -change,
                )
            )

    def _fund(self, ts: int) -> bool:
        touched = False
        for instrument_id in sorted(self.positions):
            received = self.positions[instrument_id].funding_at(ts)
            if received is None:
                continue
            touched = self.active = True
            self.wallet += received
            self.flows.funding += received
            total, count = self.funding.get(instrument_id, (0, 0))
            self.funding[instrument_id] = (total + received, count + 1)
            if self.episode:
                self.episode.add("funding", instrument_id, -received)
        return touched

    def _tick(self, ts: int) -> list[str]:
        """Apply the ticks of ts to what is held: the instruments that had one."""
        ticked = []
        for instrument_id in sorted(self.positions):
            change = self.positions[instrument_id].tick_at(ts)
            if change is None:
                continue
            ticked.append(instrument_id)
            if self.episode:
                self.episode.add_tick(instrument_id, change)
        return ticked

    # liquidation --------------------------------------------------------------------------------------

    def equity(self) -> int:
        return self.wallet + sum(p.unrealised() for p in self.positions.values())

    def _evaluate(self, ts: int, terms: Terms) -> None:
        """The trigger of section 7, and the recovery of section 8."""
        held = self.positions.values()
        if any(p.mark_e18 is None for p in held):
            return
        if self.episode and (terms.execution == "simulated" or ts == self.episode.triggered_at):
            return
        equity, margin = self.equity(), sum(p.maintenance_margin(ts) for p in held)
        breach = terms.breaches(equity, margin)
        if self.episode is None and breach:
            self.episode = Episode.opened(ts, MARGIN, terms.execution, equity, margin)
        elif self.episode and not breach:
            self._end_episode(ts, RECOVERED, equity, 0)

    def _liquidate(self, ts: int, ticked: list[str], terms: Terms) -> bool:
        """Simulated execution (section 8): once the latency has passed, close in full what has a tick here."""
        if self.episode is None or ts < self.episode.triggered_at + terms.latency_us:
            return False
        for instrument_id in ticked:
            position = self.positions[instrument_id]
            bid, ask = position.closing_quote()
            tick_size = self.market.tick_size(instrument_id, ts)
            price = closing_price(position.side, bid, ask, terms.slippage_rate, tick_size)
            quantity = abs(position.quantity_e18)
            value = position.contract.value_units(quantity, price)
            fee = round_half_even_div(value * terms.liquidation_fee_rate, E18)
            fill = Fill(ts, "", "", instrument_id, -position.side, price, quantity, fee, "liquidation")
            self._apply_fill(fill, terms, liquidation=True)
        return True

    def _end_episode(self, ts: int, reason: str, equity: int, surplus: int) -> None:
        assert self.episode is not None
        self.rows.episodes.append(self.episode.ended(self.key, ts, reason, equity, surplus))
        self.rows.components.extend(self.episode.components(self.key))
        self.episode = None

    def _settle(self, ts: int, terms: Terms, touched: bool, filled: bool) -> None:
        """After all events of a timestamp: a flat unit ends its episode and may be below zero (section 9)."""
        if self.positions:
            return
        ended = self.episode
        reason = ""
        if ended:
            reason = FLAT if ended.first_execution_at is not None else SELF_CLOSED
            equity, surplus = self.wallet, 0
            if reason == FLAT and terms.residual == "to_fund" and equity > 0:
                surplus = equity
                self.wallet = 0
                self.flows.surplus_forfeited += surplus
                self._move_to_fund(ts, "surplus", surplus, ended.episode_id(self.key))
            self._end_episode(ts, reason, equity, surplus)
        if touched and not self.account.is_house:
            cause = "liquidation" if reason == FLAT else "trading" if filled else "transfer"
            self._check_negative_balance(ts, cause, ended)

    def _check_negative_balance(self, ts: int, cause: str, ended: Episode | None) -> None:
        loss = max(0, -self.wallet) - self.debt
        if loss < 0:
            self.debt += loss
            self.recovered -= loss
        if loss <= 0:
            return
        account = self.account.at(ts)
        covered = account.protected and cause != "transfer"
        if covered:
            self.wallet += loss
            self.flows.negative_balance_reset += loss
        else:
            self.debt += loss
            self.new_debt += loss
        episode = ended if cause == "liquidation" else None
        liquidated = episode.liquidated_json() if episode else "{}"
        episode_id = episode.episode_id(self.key) if episode else None
        event_id = stable_id("nb", *self.key, iso(ts))
        self.rows.negative_balances.append(
            NegativeBalance(
                event_id, ts, *self.key, account.client_class, cause, episode_id, covered, loss, liquidated
            )
        )

    def _move_to_fund(
        self, ts: int, kind: str, amount: int, ref: str, instrument_id: str = "", fill_id: str = ""
    ) -> None:
        self.rows.fund_movements.append(
            FundMovement(
                ts, kind, *self.key, instrument_id, fill_id, amount, ref or f"{iso(ts)} {instrument_id}"
            )
        )

    # the end ------------------------------------------------------------------------------------------

    def _snapshot(self, ts: int) -> None:
        unit = (ts, *self.key, self.wallet, self.equity())
        if not self.positions:
            self.rows.snapshots.append(Snapshot(*unit, None, 0, 0, 0, 0, None))
        for i, p in sorted(self.positions.items()):
            row = Snapshot(*unit, i, p.quantity_e18, p.entry_value, p.value, p.unrealised(), p.mark_e18)
            self.rows.snapshots.append(row)

    def _close(self) -> None:
        unrealised = sum(p.unrealised() for p in self.positions.values())
        debts = (self.unit.debt, self.new_debt, self.recovered, self.debt)
        for instrument_id, (amount, count) in sorted(self.funding.items()):
            self.rows.funding_totals.append(FundingTotal(instrument_id, self.key.currency, amount, count))
        if not (self.active or self.positions or self.wallet or any(debts)):
            return
        flows = self.flows
        self.rows.unit_sessions.append(
            UnitSession(
                *self.key,
                self.active,
                self.unit.wallet,
                flows.transfers,
                flows.realised_pnl,
                flows.fees,
                flows.funding,
                flows.negative_balance_reset,
                flows.surplus_forfeited,
                flows.socialised_charge,
                self.wallet,
                self.unit.unrealised,
                unrealised,
                *debts,
                self.episode.to_json() if self.episode else None,
            )
        )
        for i, p in sorted(self.positions.items()):
            self.rows.unit_positions.append(
                UnitPosition(*self.key, i, p.quantity_e18, p.entry_value, p.mark_e18)
            )


def replay_units(units: Iterable[UnitInput], market: Market, policy: Policy, start: int) -> SessionRows:
    """Replay a session for any set of units; `start` = S, or a time before all events on the first date.

    DataError when a held instrument has no effective margin table.
    """
    rows = SessionRows()
    for unit in sorted(units, key=lambda u: u.key):
        UnitReplay(unit, market, policy, rows).run(start)
    return rows
