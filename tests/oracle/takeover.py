"""Section 15: positions taken over on the fund's account, by a venue's liquidators or by the recomputation."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tests.oracle.book import LiquidationFill, Unit
from tests.oracle.closing import closing_price
from tests.oracle.fields import Row
from tests.oracle.lots import Closing, Lot, Source, spread
from tests.oracle.order import in_order, trade_of
from tests.oracle.sharing import largest_remainder

if TYPE_CHECKING:
    from tests.oracle.replay import Replay


class Takeovers:
    """All open lots, and what opens and closes them in a replay."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.open: list[Lot] = []
        self.opened: list[tuple[Lot, Row]] = []  # by a fill of the present timestamp

    # What a venue's liquidators do.

    def recorded_fill(self, unit: Unit, row: Row, held: Fraction, total: int, fee: int) -> None:
        """A fill of a liquidator's unit that held a signed quantity: closes its lots first in, first out."""
        instrument, n, t = row["instrument_id"], row["quantity"], row["ts"]
        side = 1 if row["side"] == "buy" else -1
        lots = [lot for lot in self.open if lot.holder is unit and lot.instrument == instrument]
        left: Fraction = n if held * side < 0 else Fraction(0)
        closed: list[tuple[Lot, Fraction]] = []
        for lot in sorted(lots, key=lambda lot: lot.order):
            if left > 0:
                closed.append((lot, min(left, lot.quantity)))
                left -= closed[-1][1]
        parts = [quantity for _, quantity in closed]
        opened = n - sum(parts, Fraction(0))
        values, fees = (spread(amount, [*parts, opened], n) for amount in (total, fee))
        by = "adl" if (*trade_of(row), t) in self.replay.deleveraging else "market"
        mark = self.replay.book.marks.get(instrument)
        for (lot, quantity), value, part in zip(closed, values, fees, strict=False):
            open_value, open_fee = lot.take_out(quantity)
            self.close(
                Closing(lot, quantity, t, row["fill_id"], by, open_value, value, part + open_fee, mark)
            )
        if opened > 0:
            rank = in_order(row["fill_id"])
            fill_id = row["fill_id"]
            new = Lot(fill_id, unit, instrument, side, opened, values[-1], fees[-1], t, mark, rank)
            self.open.append(new)
            self.opened.append((new, row))
        assert sum((lot.side * lot.quantity for lot in lots), Fraction(0)) + side * opened == (
            held + side * n
        )

    def find_sources(self, fills: list[Row]) -> None:
        """After all fills of an instant: whom the lots opened by them came from."""
        book = self.replay.book
        of_clients = [f for f in fills if f["kind"] == "liquidation" and book.is_client(f["account_id"])]
        for lot, fill in self.opened:
            same = [f for f in of_clients if trade_of(f) == trade_of(fill)]
            if same:
                unit = self.replay.unit_of(min(same, key=lambda f: in_order(f["fill_id"])))
                assert unit.episode is not None
                lot.source = Source(unit, unit.episode)
        self.opened = []

    # What the recomputation does.

    def take_over(self, unit: Unit, t: int) -> None:
        """The whole unit goes to the fund: what it is worth is split over its positions."""
        replay, book, episode = self.replay, self.replay.book, unit.episode
        assert episode is not None
        account = replay.landing.accounts.at(unit.account, t)
        assert account is not None
        amount = book.equity(unit) + unit.debt
        if not account["negative_balance_protected"]:
            amount = max(0, amount)
        names = sorted(unit.positions)
        sizes = {i: book.value(i, abs(unit.positions[i][0]), book.marks[i]) for i in names}
        weights = {i: book.margin_of(unit, i, t) for i in names}
        if not any(weights.values()):
            weights = sizes if any(sizes.values()) else {i: int(i == names[0]) for i in names}
        parts = largest_remainder(abs(amount), weights, names)
        holder = Unit((replay.policy.at(t, "liquidator_account"), unit.currency, ""))
        for i in names:
            part = parts[i] if amount > 0 else -parts[i]
            quantity, entry = unit.positions.pop(i)
            side = 1 if quantity > 0 else -1
            value = sizes[i] - side * book.direction(i) * part
            realised = side * book.direction(i) * (value - entry)
            unit.wallet += realised
            unit.flows["realised"] += realised
            episode.add("takeover", i, part)
            episode.fills.append(LiquidationFill(i, -quantity, value, 0))
            rank = (unit.account, unit.isolation, i)
            source = Source(unit, episode)
            self.open.append(
                Lot("", holder, i, side, abs(quantity), value, 0, t, book.marks[i], rank, source)
            )
        if episode.first_execution is None:
            episode.first_execution = t
        unit.active = True
        replay.touched.add(unit.key)

    def unwind(self, t: int, ticks: dict[str, Row]) -> None:
        """Simulated lots whose time has come, at a tick of their instrument."""
        replay, book = self.replay, self.replay.book
        for lot in sorted((lot for lot in self.open if lot.simulated), key=lambda lot: lot.order):
            if lot.instrument not in ticks or t < lot.opened_at + replay.policy.at(t, "unwind_us"):
                continue
            price = closing_price(replay, ticks[lot.instrument], lot.side, t)
            value = book.value(lot.instrument, lot.quantity, price)
            fee = round(value * replay.policy.at(t, "unwind_fee_rate"))
            quantity = lot.quantity
            open_value, _ = lot.take_out(quantity)
            mark = book.marks[lot.instrument]
            self.close(Closing(lot, quantity, t, "", "market", open_value, value, fee, mark))

    # What both lead to.

    def close(self, closing: Closing) -> None:
        """The money changes hands: a gain goes to the fund, a loss is an event of the liquidator."""
        replay, lot = self.replay, closing.lot
        if lot.quantity == 0:
            self.open = [other for other in self.open if other is not lot]
        replay.session.closings.append(closing)
        result = closing.result(replay.book)
        self.settle(lot.holder, result)
        move = {
            "unit": lot.holder,
            "amount": abs(result),
            "instrument_id": lot.instrument,
            "fill_id": closing.fill_id,
            "lot": lot.order,
        }
        if result > 0:
            replay.pending.append({"class": "takeover_gain", **move})
        elif result < 0:
            event = self.loss_of(closing, -result)
            replay.session.negative.append(event)
            replay.pending.append({"class": "draw", "event": event, **move})

    def settle(self, unit: Unit, amount: int) -> None:
        """A liquidator's unit hands its gain to the fund, or its loss."""
        unit.wallet -= amount
        unit.flows["settlement"] -= amount

    def loss_of(self, closing: Closing, deficit: int) -> Row:
        """The event of a loss, always covered."""
        lot = closing.lot
        account = None if lot.simulated else self.replay.landing.accounts.at(lot.holder.account, closing.ts)
        return {
            "ts": closing.ts,
            "unit": lot.holder,
            "client_class": account["client_class"] if account else "institutional",
            "cause": "takeover",
            "closing": closing,
            "protected": True,
            "session_transfers": 0,
            "deficit": deficit,
            "fund_draw": 0,
            "shortfall": 0,
        }

    def funding(self, unit: Unit, instrument: str, received: int) -> None:
        """Funding of a liquidator's position is the fund's."""
        self.settle(unit, received)
        self.replay.pending.append(
            {"class": "takeover_funding", "unit": unit, "amount": received, "instrument_id": instrument}
        )
