"""Sections 3 to 10 in one time-stepped loop over everything: slow, literal, nothing kept between runs."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from tests.oracle.book import Book, Episode, LiquidationFill, Unit, UnitKey
from tests.oracle.closing import closing_price, liquidate
from tests.oracle.fields import DATED, Row, parse_decimal
from tests.oracle.landing import Landing
from tests.oracle.lots import Closing
from tests.oracle.order import in_order, trade_of
from tests.oracle.policy import Policy, read_policy
from tests.oracle.sharing import adl_queues, open_interest_weights
from tests.oracle.takeover import Takeovers

FUND_ORDER = {
    "external": 0,
    "liquidation_fee": 1,
    "takeover_funding": 1,
    "surplus": 2,
    "takeover_gain": 2,
    "draw": 3,
}


def moment(t: int) -> dt.datetime:
    """Microseconds since the epoch as a UTC time."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=t)


class Fill(NamedTuple):
    """A fill of a unit: signed quantity, fee in ledger units, and the cause that its slippage has."""

    instrument: str
    quantity: Fraction
    price: Fraction
    fee: int
    cause: str  # execution, adl and takeover: a liquidation fill; account_trading: any other
    fill_id: str
    capped: bool = False  # the fee, by what the unit has


class Session:
    """What happened in one session; amounts in ledger units."""

    def __init__(self, day: dt.date, start: int | None, end: int) -> None:
        self.day, self.start, self.end = day, start, end
        self.ended: list[Episode] = []
        self.negative: list[Row] = []
        self.fund_rows: list[Row] = []
        self.adl: list[Row] = []
        self.closings: list[Closing] = []
        self.funding_received: Counter[str] = Counter()
        self.funding_positions: Counter[str] = Counter()
        self.owed: list[Row] = []  # draws that wait for the end of the session, in order of their events
        self.charges: dict[str, dict[str, int]] = {}


class Replay:
    """One replay of all dates from the first to the last."""

    def __init__(
        self, root: Path, first: dt.date, last: dt.date, policy: Path | None, scenario: Row | None
    ) -> None:
        scenario = scenario or {}
        self.landing = Landing(root, first)
        self.policy: Policy = read_policy(
            policy or root / "policy.yaml", scenario.get("policy") or {}, self.landing.currencies
        )
        self.policy.check_liquidators(
            {account: self.landing.account_type(account) for account in self.landing.accounts.rows}
        )
        days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        bounds = [self.policy.session_start_us(d) for d in [*days, last + dt.timedelta(days=1)]]
        self.sessions = [Session(d, bounds[n] if n else None, bounds[n + 1]) for n, d in enumerate(days)]
        self.first_start = bounds[0]
        self.end = bounds[-1]
        last_folder = moment(self.end - 1).date()
        events = {name: self.landing.events(name, last_folder) for name in DATED}
        self.landing.check_shares(self.policy)
        for session in self.sessions:
            folders = (
                (None if session.start is None else moment(session.start).date()),
                moment(session.end - 1).date(),
            )
            self.landing.check_required(folders, self.policy.at(session.end - 1, "required_datasets"))
        for fill in events["fills"]:
            if self.landing.is_liquidator(fill["account_id"]):
                fill["kind"] = "normal"  # section 3: what kind it has means nothing
        fills = [f for f in events["fills"] if f["ts"] < self.end]
        events["fund_movements"] = self._with_fund_opening(
            events["fund_movements"], scenario.get("fund_opening")
        )
        self.at: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for name in DATED:
            for row in events[name]:
                if row["ts"] < self.end:
                    self.at[row["ts"]][name].append(row)
        self.trades: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for fill in fills:
            self.trades[trade_of(fill)].append(fill)
        self.deleveraging = {(*trade_of(f), f["ts"]) for f in fills if f["kind"] == "adl"}
        self.taken_over = {
            (*trade_of(f), f["ts"]) for f in fills if self.landing.is_liquidator(f["account_id"])
        }
        self.book = Book(self.landing, self.policy)
        self.takeovers = Takeovers(self)
        self.fund: Counter[str] = Counter()
        self.fund_opening: Counter[str] = Counter()

        self.session = self.sessions[0]
        self.pending: list[Row] = []  # fund movements of the present timestamp
        self.touched: set[UnitKey] = set()
        self.filled: set[UnitKey] = set()
        self.ended_flat: dict[UnitKey, Episode] = {}

    def _with_fund_opening(self, movements: list[Row], opening: Row | None) -> list[Row]:
        """A scenario's fund opening in place of the movements of kind `opening` in its currencies."""
        for currency, amount in (opening or {}).items():
            replaced = [m for m in movements if m["kind"] == "opening" and m["currency"] == currency]
            movements = [m for m in movements if m not in replaced]
            ts = min((m["ts"] for m in replaced), default=self.first_start)
            movements.append(
                {
                    "movement_id": min((m["movement_id"] for m in replaced), key=in_order, default=""),
                    "ts": ts,
                    "currency": currency,
                    "amount": parse_decimal(amount),
                    "kind": "opening",
                }
            )
        return movements

    def replay(self) -> None:
        """All sessions in order."""
        for n, session in enumerate(self.sessions):
            self.session = session
            stop = session.end
            # A session's end is the next one's first instant: its charges come before any event there.
            if n:
                self.book_charges(self.sessions[n - 1])
            start = self.sessions[n - 1].end if n else None
            edges = {stop - 1} if start is None else {start, stop - 1}
            for t in sorted(self.at.keys() | edges):
                if t < stop and (start is None or t >= start):
                    self.step(t)
            self.close_session()

    def step(self, t: int) -> None:
        """Everything at one timestamp; charges, if any, are booked already."""
        now = self.at.get(t, {})
        self.pending = []
        self.filled = set()
        self.ended_flat = {}
        execution = self.policy.at(t, "execution")
        for row in sorted(now.get("transfers", ()), key=lambda r: in_order(r["transfer_id"])):
            self.transfer(row)
        for row in sorted(now.get("fills", ()), key=lambda r: in_order(r["fill_id"])):
            ignored = row["kind"] in ("liquidation", "adl") or self.landing.is_liquidator(row["account_id"])
            if execution == "recorded" or not ignored:
                self.recorded_fill(row, t, execution)
        self.takeovers.find_sources(now.get("fills", []))
        for row in sorted(now.get("funding", ()), key=lambda r: r["instrument_id"]):
            self.fund_positions(row)
        ticks = {row["instrument_id"]: row for row in now.get("ticks", ())}
        if ticks:
            self.tick(ticks)
            for key in sorted(self.book.units):
                self.evaluate(self.book.units[key], t, execution, ticks)
            self.takeovers.unwind(t, ticks)
        for key in sorted(self.touched):
            unit = self.book.units[key]
            if not unit.positions:
                if unit.episode:
                    self.end_episode(unit, t)
                if self.book.is_client(unit.account):
                    self.negative_balance(unit, t)
        self.touched = set()
        self.move_fund(t, now)
        self.look_at_takers(t)
        self.venue_rows(t, now)

    def ledger(self, amount: Fraction, currency: str) -> int:
        """An amount of a currency in ledger units."""
        return int(amount * self.book.scale(currency))

    def transfer(self, row: Row) -> None:
        """W += amount."""
        unit = self.book.unit((row["account_id"], row["currency"], row["isolation"] or ""))
        amount = self.ledger(row["amount"], row["currency"])
        unit.wallet += amount
        unit.flows["transfers"] += amount
        unit.active = True
        self.touched.add(unit.key)
        if unit.episode:
            unit.episode.add("other_flows", "", -amount)

    def unit_of(self, fill: Row) -> Unit:
        """The unit of a delivered fill."""
        currency = self.book.spec(fill["instrument_id"])["settlement_currency"]
        isolation = fill["instrument_id"] if fill["isolated"] else ""
        return self.book.unit((fill["account_id"], currency, isolation))

    def cause_of(self, fill: Row) -> str:
        """The cause that the slippage of a client's liquidation fill has: who stood against it."""
        trade = (*trade_of(fill), fill["ts"])
        if trade in self.deleveraging:
            return "adl"
        return "takeover" if trade in self.taken_over else "execution"

    def recorded_fill(self, row: Row, t: int, execution: str) -> None:
        """A delivered fill, with its part in a recorded liquidation or in a takeover."""
        unit = self.unit_of(row)
        currency, isolation = unit.currency, unit.isolation
        liquidator = self.landing.is_liquidator(unit.account)
        liquidation = row["kind"] == "liquidation" and self.book.is_client(unit.account)
        if liquidation and unit.episode is None:
            unit.episode = Episode(unit, t, "recorded_fill", execution, self.book)
        cause = self.cause_of(row) if liquidation else "account_trading"
        signed = row["quantity"] if row["side"] == "buy" else -row["quantity"]
        fee = self.ledger(row["fee"], currency)
        held, _ = unit.positions.get(row["instrument_id"], (Fraction(0), 0))
        delta = self.fill(
            unit, t, Fill(row["instrument_id"], signed, row["price"], fee, cause, row["fill_id"])
        )
        if liquidator:
            total = self.book.value(row["instrument_id"], row["quantity"], row["price"])
            self.takeovers.recorded_fill(unit, row, held, total, fee)
        elif row["kind"] == "adl":
            others = [f for f in self.trades[trade_of(row)] if f is not row and f["ts"] < self.session.end]
            mark = self.book.marks.get(row["instrument_id"])
            scale = self.book.scale(currency)
            self.session.adl.append(
                {
                    "fill_id": row["fill_id"],
                    "trade_id": row["trade_id"],
                    "ts": t,
                    "account_id": unit.account,
                    "currency": currency,
                    "isolation": isolation,
                    "instrument_id": row["instrument_id"],
                    "side": row["side"],
                    "price": row["price"],
                    "quantity": row["quantity"],
                    "mark_price": mark,
                    "amount": Fraction(-delta, scale),
                    "units": -delta,
                    "against_account_id": others[0]["account_id"] if len(others) == 1 else None,
                }
            )

    def fill(self, unit: Unit, t: int, fill: Fill) -> int:
        """Section 5 for one fill; gives the change of equity at the mark in force, fee excluded."""
        instrument, signed, fee = fill.instrument, fill.quantity, fill.fee
        before = self.book.equity(unit)
        quantity, entry = unit.positions.get(instrument, (Fraction(0), 0))
        size, n = abs(quantity), abs(signed)
        total = self.book.value(instrument, n, fill.price)
        if quantity == 0 or quantity * signed > 0:
            unit.positions[instrument] = (quantity + signed, entry + total)
        else:
            r = min(n, size)
            closed = total if r == n else round(Fraction(total) * r / n)
            out = entry if r == size else round(Fraction(entry) * r / size)
            realised = (1 if quantity > 0 else -1) * self.book.direction(instrument) * (closed - out)
            unit.wallet += realised
            unit.flows["realised"] += realised
            if n > size:
                unit.positions[instrument] = (quantity + signed, total - closed)
            elif n == size:
                del unit.positions[instrument]
            else:
                unit.positions[instrument] = (quantity + signed, entry - out)
        delta = self.book.equity(unit) - before
        if fill.capped:
            fee = min(fee, max(0, before + delta))
        unit.wallet -= fee
        unit.flows["fees"] += fee
        unit.active = True
        self.touched.add(unit.key)
        self.filled.add(unit.key)
        if unit.episode:
            unit.episode.add(fill.cause, instrument, -delta)
            unit.episode.add("fees", instrument, fee)
        if fill.cause != "account_trading":
            self.liquidation_fill(unit, t, fill._replace(fee=fee), total)
        return delta

    def liquidation_fill(self, unit: Unit, t: int, fill: Fill, value: int) -> None:
        """What a liquidation fill means to its episode and to the fund."""
        episode = unit.episode
        assert episode is not None
        episode.fills.append(LiquidationFill(fill.instrument, fill.quantity, value, fill.fee))
        if episode.first_execution is None:
            episode.first_execution = t
        if self.policy.at(t, "liquidation_fee_to") == "fund":
            self.pending.append(
                {
                    "class": "liquidation_fee",
                    "unit": unit,
                    "amount": fill.fee,
                    "instrument_id": fill.instrument,
                    "fill_id": fill.fill_id,
                }
            )

    def fund_positions(self, row: Row) -> None:
        """Funding of every position in the instrument."""
        instrument = row["instrument_id"]
        for unit in self.book.units.values():
            if instrument not in unit.positions:
                continue
            quantity, _ = unit.positions[instrument]
            value = self.book.value(instrument, abs(quantity), row["price"])
            received = -(1 if quantity > 0 else -1) * round(value * row["rate"])
            unit.wallet += received
            unit.flows["funding"] += received
            unit.active = True
            self.touched.add(unit.key)
            self.session.funding_received[instrument] += received
            self.session.funding_positions[instrument] += 1
            if self.landing.is_liquidator(unit.account):
                self.takeovers.funding(unit, instrument, received)
            if unit.episode:
                unit.episode.add("funding", instrument, -received)

    def tick(self, ticks: dict[str, Row]) -> None:
        """New marks, all at once."""
        affected = [
            (unit, i, self.book.upnl_of(unit, i))
            for unit in self.book.units.values()
            if unit.episode
            for i in ticks
            if i in unit.positions
        ]
        for instrument, row in ticks.items():
            self.book.marks[instrument] = row["mark_price"]
        for unit, instrument, before in affected:
            episode = unit.episode
            assert episode is not None
            cause = "latency" if episode.first_execution is None else "market_move"
            episode.add(cause, instrument, before - self.book.upnl_of(unit, instrument))

    def evaluate(self, unit: Unit, t: int, execution: str, ticks: dict[str, Row]) -> None:
        """Sections 7 and 8 at a tick timestamp."""
        held = [i for i in sorted(unit.positions) if i in ticks]
        if not held or not self.book.is_client(unit.account):
            return
        may_recover = execution == "recorded" or self.policy.at(t, "liquidation_until") == "recovered"
        if self.book.all_marked(unit):
            breached = self.book.breached(unit, t, self.policy.at(t, "trigger"))
            if unit.episode is None and breached:
                unit.episode = Episode(unit, t, "margin", execution, self.book)
            elif unit.episode and may_recover and t > unit.episode.t0 and not breached:
                self.finish(unit, t, "recovered")
        if (
            unit.episode
            and execution == "simulated"
            and t >= unit.episode.t0 + self.policy.at(t, "latency_us")
        ):
            liquidate(self, unit, t, ticks)

    def simulated_fill(self, unit: Unit, t: int, tick: Row, quantity: Fraction) -> None:
        """Closes a quantity of one position at the slipped quote."""
        instrument = tick["instrument_id"]
        side = 1 if unit.positions[instrument][0] > 0 else -1
        price = closing_price(self, tick, side, t)
        fee = round(self.book.value(instrument, quantity, price) * self.policy.at(t, "liquidation_fee_rate"))
        capped = self.policy.at(t, "liquidation_fee_cap") == "equity"
        self.fill(unit, t, Fill(instrument, -side * quantity, price, fee, "execution", "", capped))

    def finish(self, unit: Unit, t: int, reason: str) -> Episode:
        """Ends the unit's episode with its equity as it is."""
        episode = unit.episode
        assert episode is not None
        episode.ended_at, episode.end_reason = t, reason
        episode.terminal_equity = self.book.equity(unit)
        episode.deficit = 0 if reason == "recovered" else max(0, -episode.terminal_equity)
        assert sum(episode.components.values()) == -episode.terminal_equity
        unit.episode = None
        self.session.ended.append(episode)
        return episode

    def end_episode(self, unit: Unit, t: int) -> None:
        """The unit is flat after all events of t."""
        assert unit.episode is not None
        episode = self.finish(unit, t, "flat" if unit.episode.fills else "self_closed")
        if episode.end_reason != "flat":
            return
        self.ended_flat[unit.key] = episode
        if episode.terminal_equity > 0 and self.policy.at(t, "residual") == "to_fund":
            episode.surplus = episode.terminal_equity
            unit.wallet -= episode.surplus
            unit.flows["surplus"] += episode.surplus
            self.pending.append({"class": "surplus", "unit": unit, "amount": episode.surplus})

    def negative_balance(self, unit: Unit, t: int) -> None:
        """Section 9 for a flat unit that was touched at t."""
        loss = max(0, -unit.wallet) - unit.debt
        if loss < 0:
            unit.debt += loss
            unit.flows["recovered"] -= loss
        if loss <= 0:
            return
        episode = self.ended_flat.get(unit.key)
        cause = "liquidation" if episode else "trading" if unit.key in self.filled else "transfer"
        account = self.landing.accounts.at(unit.account, t)
        assert account is not None
        protected = account["negative_balance_protected"] and cause != "transfer"
        event = {
            "ts": t,
            "unit": unit,
            "client_class": account["client_class"],
            "cause": cause,
            "episode": episode,
            "protected": protected,
            "session_transfers": unit.flows["transfers"],
            "deficit": loss,
            "fund_draw": 0,
            "shortfall": 0,
        }
        self.session.negative.append(event)
        if protected:
            unit.wallet += loss
            unit.flows["reset"] += loss
            unit.active = True
            self.pending.append({"class": "draw", "unit": unit, "amount": loss, "event": event})
        else:
            unit.debt += loss
            unit.flows["new_debt"] += loss

    def move_fund(self, t: int, now: dict[str, list[Row]]) -> None:
        """Section 10: the movements of one timestamp in their order."""
        for row in now.get("fund_movements", ()):
            self.pending.append(
                {
                    "class": "external",
                    "currency": row["currency"],
                    "kind": row["kind"],
                    "amount": self.ledger(row["amount"], row["currency"]),
                    "id": row["movement_id"],
                }
            )

        def order(m: Row) -> tuple[Any, ...]:
            unit = m["unit"].key if "unit" in m else ("", "", "")
            return (
                FUND_ORDER[m["class"]],
                unit[0],
                unit[2],
                m.get("instrument_id", ""),
                in_order(m.get("fill_id", "")),
                m.get("lot", ()),
                in_order(m.get("id", "")),
            )

        moves = sorted(self.pending, key=order)
        last = self.session.end - 1
        if self.policy.at(last, "fund_draws") == "at_session_end":
            self.session.owed += [m for m in moves if m["class"] == "draw"]
            moves = [m for m in moves if m["class"] != "draw"]
        if t == last:
            moves += self.session.owed
        for move in moves:
            self.move(t, move)

    def move(self, t: int, move: Row) -> None:
        """One movement; a draw is no more than there is above the floor."""
        currency = move["unit"].currency if "unit" in move else move["currency"]
        amount = move["amount"]
        if move["class"] == "draw":
            floor = self.policy.at(t, "fund_floor").get(currency, Fraction(0))
            draw = min(amount, max(0, self.fund[currency] - self.ledger(floor, currency)))
            if draw < amount and self.policy.at(t, "fund_draw_rule") == "all_or_nothing":
                draw = 0
            move["event"]["fund_draw"], move["event"]["shortfall"] = draw, amount - draw
            amount = -draw
        if amount == 0:
            return
        self.fund[currency] += amount
        self.session.fund_rows.append(
            {
                "currency": currency,
                "ts": t,
                "class": move["class"],
                "kind": move.get("kind", move["class"]),
                "amount": amount,
                "balance": self.fund[currency],
            }
        )

    def look_at_takers(self, t: int) -> None:
        """Section 14: what two rules see after all events of t, whenever the fund pays for the event."""
        for event in self.session.negative:
            if event["ts"] == t and event["protected"]:
                if event["cause"] == "takeover":
                    lot = event["closing"].lot
                    own = lot.source.unit.account if lot.source else None
                    fills = [event["closing"].as_fill()]
                else:
                    own = event["unit"].account
                    fills = event["episode"].fills if event["episode"] else []
                event["weights"] = open_interest_weights(self.book, own, fills)
                event["queues"] = adl_queues(self.book, own, fills)

    def venue_rows(self, t: int, now: dict[str, list[Row]]) -> None:
        """What the venue published for t, seen after all events of t."""
        raise NotImplementedError

    def close_session(self) -> None:
        """Decides the charges of the session that ends now."""
        raise NotImplementedError

    def book_charges(self, session: Session) -> None:
        """Charges of the session that ended, before any other event at its end."""
        for currency, charges in session.charges.items():
            for account, charge in charges.items():
                left = charge
                for key in sorted(k for k in self.book.units if k[0] == account and k[1] == currency):
                    unit = self.book.units[key]
                    part = min(left, max(0, self.book.equity(unit)))
                    left -= part
                    if part == 0:
                        continue
                    unit.wallet -= part
                    unit.flows["charge"] += part
                    unit.active = True
                    self.touched.add(key)
                    if unit.episode:
                        unit.episode.add("other_flows", "", part)
                assert left == 0
