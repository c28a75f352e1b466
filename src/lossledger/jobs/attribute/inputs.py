"""The session's rows of the inputs that follow events, as the engine wants them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.events import Fill
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.rules.fund import ExternalMovement
from lossledger.engine.rules.reconcile_venue import VenueLiquidation
from lossledger.jobs.attribute.fund_opening import replace_openings
from lossledger.jobs.day import Day
from lossledger.jobs.replay.recompute import bucket_tasks
from lossledger.schemas.ledger import TYPED
from lossledger.store.arrow import to_rows
from lossledger.store.reference_data import ReferenceData


class Inputs:
    """`task` knows where the session's rows are."""

    def __init__(self, day: Day, reference: ReferenceData, folders: Sequence[date]) -> None:
        self.day, self.reference, self.folders = day, reference, folders
        self.task = bucket_tasks(day, reference, folders)[0]

    def rows(self, name: str, columns: Sequence[str], *conditions: Any) -> list[tuple[Any, ...]]:
        return sorted(to_rows(TYPED[name], self.task.events(name, *conditions), columns))

    def units(self, currency: str, amount_e18: int) -> int:
        return e18_to_units(amount_e18, self.reference.scales[currency])

    def external_movements(self) -> list[ExternalMovement]:
        """The venue's own movements; a scenario's `fund_opening` takes the place of kind opening."""
        columns = ("ts", "movement_id", "currency", "kind", "amount")
        rows = [
            ExternalMovement(ts, movement_id, currency, kind, self.units(currency, amount))
            for ts, movement_id, currency, kind, amount in self.rows("fund_movements", columns)
        ]
        return replace_openings(rows, self.day, self.reference)

    def venue_liquidations(self) -> list[VenueLiquidation]:
        columns = ("ts", "account_id", "currency", "notional", "account_value")
        delivered = self.rows("venue_liquidations", columns)
        fills = self._liquidation_fills(delivered)
        return [
            VenueLiquidation(
                ts,
                account_id,
                currency,
                self.units(currency, notional),
                self.units(currency, value),
                tuple(fills[ts, account_id, currency]),
            )
            for ts, account_id, currency, notional, value in delivered
        ]

    def _liquidation_fills(
        self, delivered: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[int, str, str], list[Fill]]:
        fills: defaultdict[tuple[int, str, str], list[Fill]] = defaultdict(list)
        if not delivered:
            return fills
        columns = ("ts", "fill_id", "trade_id", "instrument_id", "side", "price", "quantity", "account_id")
        wanted = (pc.field("kind") == "liquidation") & pc.field("account_id").isin(
            pa.array(sorted({row[1] for row in delivered}), pa.string())
        )
        for ts, fill_id, trade_id, instrument_id, side, price, quantity, account_id in self.rows(
            "fills", columns, wanted
        ):
            sign = 1 if side == "buy" else -1
            fill = Fill(ts, fill_id, trade_id, instrument_id, sign, price, quantity, 0, "liquidation")
            fills[ts, account_id, self.reference.contracts[instrument_id].currency].append(fill)
        return fills
