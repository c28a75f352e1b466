"""The two tables of section 15: what was closed of lots, and which are open at the end of a session."""

from __future__ import annotations

from tests.oracle.fields import Row
from tests.oracle.losses import Sharer
from tests.oracle.lots import Lot
from tests.oracle.replay import moment


class LotTables(Sharer):
    """A replay that publishes its lots."""

    def lot_columns(self, lot: Lot) -> Row:
        """Which lot it is, and whom it came from."""
        return {
            "lot_id": lot.lot_id,
            "from_account_id": lot.source.unit.account if lot.source else None,
            "from_isolation": lot.source.unit.isolation if lot.source else None,
            "account_id": lot.holder.account,
            "isolation": lot.holder.isolation,
            "currency": lot.holder.currency,
            "instrument_id": lot.instrument,
        }

    def publish_closings(self) -> None:
        """What was closed of lots in the session, and what it brought."""
        for c in self.session.closings:
            self.row(
                "takeovers",
                c.lot.holder.currency,
                **self.lot_columns(c.lot),
                quantity=c.lot.side * c.quantity,
                opened_at=moment(c.lot.opened_at).isoformat(),
                closed_at=moment(c.ts).isoformat(),
                close_fill_id=c.fill_id,
                closed_by=c.by,
                open_value=c.open_value,
                close_value=c.close_value,
                fees=c.fees,
                result=c.result(self.book),
                **c.causes(self.book),
            )

    def publish_inventory(self) -> None:
        """Lots that are open at the end of the session."""
        for lot in self.takeovers.open:
            mark = self.book.marks.get(lot.instrument)
            worth = None
            if mark is not None:
                rise = self.book.value(lot.instrument, lot.quantity, mark) - lot.value
                worth = lot.side * self.book.direction(lot.instrument) * rise
            self.row(
                "takeover_inventory",
                lot.holder.currency,
                **self.lot_columns(lot),
                quantity=lot.side * lot.quantity,
                opened_at=moment(lot.opened_at).isoformat(),
                open_value=lot.value,
                open_fee=lot.fee,
                mark_price=mark,
                unrealised_result=worth,
            )
