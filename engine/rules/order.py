"""The replay of one risk unit over one session: order, liquidation, negative balance (rules.md sections 3 to 9).

Units do not influence each other within a session, so a session is replayed unit by unit, in any order and
anywhere. This is the reference; a faster one has to give the same `SessionRows`.
"""

from collections.abc import Iterable
from itertools import groupby

from engine.clock import NEVER, iso
from engine.events import Fill, Market, Transfer
from engine.intake.policy import Policy, Terms
from engine.numbers import E18, round_half_even_div
from engine.rows import AdlLoss, FundMovement, NegativeBalance, SessionRows, UnitSession
from engine.rules.causes import FLAT, MARGIN, RECORDED_FILL, RECOVERED, SELF_CLOSED, Episode, stable_id
from engine.rules.liquidation import closing_price
from engine.rules.units import Unit, UnitInput

_CHARGE, _TRANSFER, _FILL, _SNAPSHOT = range(4)
_Event = tuple[int, int, str, object]  # timestamp, class, id, the event


def replay_units(units: Iterable[UnitInput], market: Market, policy: Policy, start: int) -> SessionRows:
    """Replay a session for any set of units; `start` = S, or a time before all events on the first date.

    An episode that is open at the end is carried on only after `remember_marks`. DataError when a held
    instrument has no effective margin table.
    """
    rows = SessionRows()
    for unit in sorted(units, key=lambda u: u.key):
        UnitReplay(Unit(unit, market, start), policy, rows).run()
    return rows


def remember_marks(unit: UnitSession, market: Market, start: int) -> UnitSession:
    """A session's row of a unit, an open episode that began in it complete for being carried on.

    The marks at its start are noted of what the unit did not hold then; `market` has the ticks of every
    instrument, not only of those that were held where the unit was replayed.
    """
    episode = Episode.from_json(unit.open_episode) if unit.open_episode else None
    if episode is None or episode.triggered_at < start:
        return unit
    for instrument_id, contract in sorted(market.contracts.items()):
        mark_e18 = market.mark_before(instrument_id, episode.starts_before)
        elsewhere = contract.currency != unit.currency or unit.isolation not in ("", instrument_id)
        if mark_e18 is not None and instrument_id not in episode.held and not elsewhere:
            episode.marks[instrument_id] = mark_e18
    return unit._replace(open_episode=episode.to_json())


def _own_events(unit: UnitInput) -> list[_Event]:
    """What is the unit's own, in the order of section 4: a charge comes before any other event of its time."""
    events: list[_Event] = [
        *((t.ts, _TRANSFER, t.transfer_id, t) for t in unit.transfers),
        *((f.ts, _FILL, f.fill_id, f) for f in unit.fills),
        *((ts, _SNAPSHOT, "", None) for ts in unit.snapshots),
    ]
    if unit.charge:
        events.append((unit.charge_at, _CHARGE, "", None))
    return sorted(events, key=lambda event: event[:3])


class UnitReplay:
    """Takes a unit through the session's timestamps and writes what happens into `rows`."""

    def __init__(self, unit: Unit, policy: Policy, rows: SessionRows) -> None:
        self.unit, self.policy, self.rows = unit, policy, rows
        self.is_house = unit.account.is_house

    def run(self) -> None:
        own = groupby(_own_events(self.unit.given), key=lambda event: event[0])
        next_own = next(own, None)
        while True:
            own_ts = next_own[0] if next_own else NEVER
            ts = min(own_ts, self.unit.next_market_event())
            if ts == NEVER:
                break
            events: list[_Event] = []
            if next_own and own_ts == ts:
                events = list(next_own[1])
                next_own = next(own, None)
            self._step(ts, events)
        self.unit.close(self.rows)

    def _step(self, ts: int, events: Iterable[_Event]) -> None:
        """All events of one timestamp, in the order of section 4, and what follows from them."""
        terms = self.policy.at(ts)
        touched = filled = snapshot = False
        for _, event_class, _, event in events:
            if event_class == _CHARGE:
                self.unit.charge()
            elif isinstance(event, Transfer):
                self.unit.transfer(event.amount)
            elif isinstance(event, Fill):
                if terms.execution == "simulated" and event.kind in ("liquidation", "adl"):
                    continue
                self._recorded_fill(event, terms)
                filled = True
            else:
                snapshot = True
                continue
            touched = True
        touched |= self.unit.fund(ts)
        ticked = self.unit.tick(ts)
        if ticked and not self.is_house:
            self._evaluate(ts, terms)
            if terms.execution == "simulated" and self._liquidate(ts, ticked, terms):
                touched = filled = True
        self._settle(ts, terms, touched, filled)
        if snapshot:
            self.unit.snapshot(ts, self.rows)

    # liquidation --------------------------------------------------------------------------------------

    def _recorded_fill(self, fill: Fill, terms: Terms) -> None:
        unit = self.unit
        liquidation = fill.kind == "liquidation" and not self.is_house
        if liquidation and unit.episode is None:
            start = (fill.ts, RECORDED_FILL, terms.execution, unit.equity())
            unit.episode = Episode.opened(*start, unit.held(fill.ts))
        change, mark_e18 = self._apply_fill(fill, terms, liquidation)
        if fill.kind == "adl":
            place = (fill.fill_id, fill.trade_id, fill.ts, *unit.key, fill.instrument_id)
            terms_of_fill = (fill.side, fill.price_e18, fill.quantity_e18)
            self.rows.adl_losses.append(AdlLoss(*place, *terms_of_fill, mark_e18, -change))

    def _apply_fill(self, fill: Fill, terms: Terms, liquidation: bool) -> tuple[int, int | None]:
        applied = self.unit.fill(fill, liquidation)
        if liquidation and terms.liquidation_fee_to == "fund" and fill.fee:
            ref = fill.fill_id or f"{iso(fill.ts)} {fill.instrument_id}"
            self._move_to_fund(fill.ts, "liquidation_fee", fill.fee, ref, fill.instrument_id, fill.fill_id)
        return applied

    def _evaluate(self, ts: int, terms: Terms) -> None:
        """The trigger of section 7, and the recovery of section 8."""
        unit, episode = self.unit, self.unit.episode
        if not unit.all_marked():
            return
        if episode and (terms.execution == "simulated" or ts == episode.triggered_at):
            return
        equity, margin = unit.equity(), unit.maintenance_margin(ts)
        breach = terms.breaches(equity, margin)
        if episode is None and breach:
            unit.episode = Episode.opened(ts, MARGIN, terms.execution, equity, unit.held(ts))
        elif episode and not breach:
            self._end_episode(episode, ts, RECOVERED, equity, 0)

    def _liquidate(self, ts: int, ticked: list[str], terms: Terms) -> bool:
        """Simulated execution (section 8): once the latency has passed, close in full what has a tick here."""
        unit = self.unit
        if unit.episode is None or ts < unit.episode.triggered_at + terms.latency_us:
            return False
        for instrument_id in ticked:
            position = unit.positions[instrument_id]
            bid, ask = position.closing_quote()
            tick_size = unit.market.tick_size(instrument_id, ts)
            price = closing_price(position.side, bid, ask, terms.slippage_rate, tick_size)
            quantity = abs(position.quantity_e18)
            value = position.contract.value_units(quantity, price)
            fee = round_half_even_div(value * terms.liquidation_fee_rate, E18)
            fill = Fill(ts, "", "", instrument_id, -position.side, price, quantity, fee, "liquidation")
            self._apply_fill(fill, terms, liquidation=True)
        return True

    def _end_episode(self, episode: Episode, ts: int, reason: str, equity: int, surplus: int) -> None:
        unit, rows = self.unit, self.rows
        rows.episodes.append(episode.ended(unit.key, ts, reason, equity, surplus))
        rows.components.extend(episode.components(unit.key))
        rows.liquidation_positions.extend(
            episode.positions(unit.key, lambda instrument_id: unit.mark_at_start(episode, instrument_id))
        )
        unit.episode = None

    # flat ---------------------------------------------------------------------------------------------

    def _settle(self, ts: int, terms: Terms, touched: bool, filled: bool) -> None:
        """After all events of a timestamp: a flat unit ends its episode and may be below zero (section 9)."""
        unit = self.unit
        if unit.positions:
            return
        ended, reason = unit.episode, ""
        if ended:
            reason = FLAT if ended.first_execution_at is not None else SELF_CLOSED
            equity = unit.wallet
            surplus = max(0, equity) if reason == FLAT and terms.residual == "to_fund" else 0
            if surplus:
                unit.wallet = 0
                unit.flows.surplus_forfeited += surplus
                self._move_to_fund(ts, "surplus", surplus, ended.episode_id(unit.key))
            self._end_episode(ended, ts, reason, equity, surplus)
        if touched and not self.is_house:
            cause = "liquidation" if reason == FLAT else "trading" if filled else "transfer"
            self._check_negative_balance(ts, cause, ended)

    def _check_negative_balance(self, ts: int, cause: str, ended: Episode | None) -> None:
        unit = self.unit
        loss = max(0, -unit.wallet) - unit.debt
        if loss < 0:
            unit.owe(loss)
        if loss <= 0:
            return
        account = unit.account.at(ts)
        covered = account.protected and cause != "transfer"
        if covered:
            unit.wallet += loss
            unit.flows.negative_balance_reset += loss
        else:
            unit.owe(loss)
        episode = ended if cause == "liquidation" else None
        liquidated = episode.liquidated_json() if episode else "{}"
        episode_id = episode.episode_id(unit.key) if episode else None
        event_id = stable_id("nb", *unit.key, iso(ts))
        event = (event_id, ts, *unit.key, account.client_class, cause, episode_id, covered)
        self.rows.negative_balances.append(NegativeBalance(*event, unit.flows.transfers, loss, liquidated))

    def _move_to_fund(
        self, ts: int, kind: str, amount: int, ref: str, instrument_id: str = "", fill_id: str = ""
    ) -> None:
        movement = FundMovement(ts, kind, *self.unit.key, instrument_id, fill_id, amount, ref)
        self.rows.fund_movements.append(movement)
