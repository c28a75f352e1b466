"""The insurance fund as a fold over a stream: engine.rules.fund without holding what it folds (rules.md 10)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from engine.intake.policy import Policy
from engine.numbers import Ledger, e18_to_units, units_to_e18
from engine.rules.fund import ExternalMovement, FundDay, FundEntry
from jobs.attribute.books import BATCH, Books
from jobs.day import Day
from schemas.attribution import INSURANCE_FUND_DAILY, INSURANCE_FUND_LEDGER
from store.amounts import to_decimals
from store.arrow import plain_rows, to_arrow, tuples_to_arrow

# What touches the fund, in the order of rules.md section 10. A draw is made at its event, or at `?` if that is given.
_STEPS = """
    with given as (select make_timestamp(?::bigint)::timestamptz as drawn_at)
    select currency, ts, kind, amount, ref from (
        select currency, ts, 0 as class, ts as event_ts, '' as account_id, '' as isolation, '' as instrument_id,
            '' as fill_id, movement_id, kind, amount, movement_id as ref
        from external_movements
        union all
        select currency, ts, if(kind = 'liquidation_fee', 1, 2), ts, account_id, isolation, instrument_id,
            fill_id, '', kind, amount, ref
        from unit_fund_movements
        union all
        select currency, coalesce(drawn_at, ts), 3, ts, account_id, isolation, '', '', '', 'draw', deficit, event_id
        from deficits, given where protected
    ) order by currency, ts, class, event_ts, account_id, isolation, instrument_id, fill_id, movement_id
"""
_DRAWS = pa.schema([("event_id", pa.string()), ("draw", pa.decimal128(38, 0))])


class Step(NamedTuple):
    """A movement, or a covered deficit that asks for a draw: then `amount` is the deficit."""

    currency: str
    ts: int
    kind: str
    amount: int
    ref: str


@dataclass
class Fund:
    """One currency's fund while the steps of a session go by.

    `asked`: times, in order, at which its balance is wanted; `told` the balances after all movements up to them.
    """

    currency: str
    scale: int
    opening: int | None
    policy: Policy
    asked: Sequence[int] = ()
    told: list[int] = field(default_factory=list)
    draws: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.balance = self.opening or 0
        self.lowest = self.opening
        self.totals = {"external": 0, "liquidation_fee": 0, "surplus": 0, "draw": 0}
        self.seq = self.draw_count = 0

    def entries(self, steps: Iterator[Step]) -> Iterator[FundEntry]:
        """The rows of the fund's ledger; what is left of the fund is told by `day` when all have been taken."""
        for step in steps:
            self._tell(step.ts)
            amount = step.amount
            if step.kind == "draw":
                amount = -self._drawn(step)
                self.draws.append((step.ref, -amount))
                self.draw_count += amount < 0
            if amount == 0:
                continue
            self.seq += 1
            self.balance += amount
            self.lowest = self.balance if self.lowest is None else min(self.lowest, self.balance)
            self.totals[step.kind if step.kind in self.totals else "external"] += amount
            after = (Ledger(amount), Ledger(self.balance))
            yield FundEntry(self.currency, self.seq, step.ts, step.kind, *after, step.ref)

    def _drawn(self, step: Step) -> int:
        floor = e18_to_units(self.policy.at(step.ts).fund_floor.get(self.currency, 0), self.scale)
        return min(step.amount, max(0, self.balance - floor))

    def _tell(self, before: int | None) -> None:
        """Note the balance for what is asked before a time, or for all that is left."""
        while len(self.told) < len(self.asked) and (before is None or self.asked[len(self.told)] < before):
            self.told.append(self.balance)

    def day(self) -> FundDay:
        self._tell(None)
        t = self.totals
        return FundDay(
            self.currency,
            opening=Ledger(self.opening or 0),
            external=Ledger(t["external"]),
            liquidation_fees=Ledger(t["liquidation_fee"]),
            surplus=Ledger(t["surplus"]),
            draws=Ledger(t["draw"]),
            closing=Ledger(self.balance),
            lowest=Ledger(self.lowest or 0),
            draw_count=self.draw_count,
        )


class FundResult(NamedTuple):
    """`days` per currency; `told`: the balance of (currency, time) that was asked for."""

    days: list[FundDay]
    told: dict[tuple[str, int], int]


def run_fund(
    day: Day,
    books: Books,
    openings: Mapping[str, int] | None,
    external: Sequence[ExternalMovement],
    asked: Sequence[tuple[str, int]],
) -> FundResult:
    """Stage the fund's tables and add `draws` (event_id, draw) to the books.

    `openings` per currency in ledger units, None on a warehouse's first date; `asked`: (currency, time).
    """
    funds = [
        Fund(
            currency,
            scale,
            None if openings is None else openings.get(currency, 0),
            day.policy,
            sorted(ts for c, ts in asked if c == currency),
        )
        for currency, scale in sorted(books.scales.items())
    ]
    _add_external(books, external)
    drawn_at = day.end - 1 if day.policy.at(day.end - 1).fund_draws == "at_session_end" else None
    entries = _all_entries(funds, _steps(books, drawn_at))
    part = day.staging.write_batches(INSURANCE_FUND_LEDGER, 0, _batches(books, entries))
    day.staging.commit(INSURANCE_FUND_LEDGER, [part])
    days = [fund.day() for fund in funds]
    day.staging.write(INSURANCE_FUND_DAILY, _daily(day, books, days))
    draws = [draw for fund in funds for draw in fund.draws]
    books.add("draws", pa.table([[e for e, _ in draws], _units([d for _, d in draws])], schema=_DRAWS))
    told = {(f.currency, ts): b for f in funds for ts, b in zip(f.asked, f.told, strict=True)}
    return FundResult(days, told)


def _add_external(books: Books, external: Sequence[ExternalMovement]) -> None:
    books.add(
        "external_movements",
        pa.table(
            {
                "ts": pa.array([m.ts for m in external], pa.timestamp("us", tz="UTC")),
                "movement_id": pa.array([m.movement_id for m in external], pa.string()),
                "currency": pa.array([m.currency for m in external], pa.string()),
                "kind": pa.array([m.kind for m in external], pa.string()),
                "amount": _units([m.amount for m in external]),
            }
        ),
    )


def _units(amounts: Sequence[int]) -> pa.Array:
    return to_decimals(np.array(amounts, object))


def _steps(books: Books, drawn_at: int | None) -> Iterator[Step]:
    for batch in books.stream(_STEPS, drawn_at):
        for row in plain_rows(pa.Table.from_batches([batch])):
            yield Step(*row)


def _all_entries(funds: Sequence[Fund], steps: Iterator[Step]) -> Iterator[FundEntry]:
    by_currency = {fund.currency: fund for fund in funds}
    for currency, own in groupby(steps, key=lambda step: step.currency):
        yield from by_currency[currency].entries(own)


def _batches(books: Books, entries: Iterator[FundEntry]) -> Iterator[pa.RecordBatch]:
    """The fund's ledger in pieces, as it is published."""
    while piece := [
        (
            e.currency,
            e.seq,
            e.ts,
            e.kind,
            units_to_e18(e.amount, scale),
            units_to_e18(e.balance, scale),
            e.ref,
        )
        for e in islice(entries, BATCH)
        for scale in (books.scales[e.currency],)
    ]:
        data = tuples_to_arrow(
            INSURANCE_FUND_LEDGER, FundEntry._fields, piece, business_date=books.staging.day
        )
        yield from data.to_batches()


def _daily(day: Day, books: Books, days: Sequence[FundDay]) -> pa.Table:
    counted = ("currency", "draw_count")
    rows = [
        {
            name: value if name in counted else units_to_e18(value, books.scales[d.currency])
            for name, value in d._asdict().items()
        }
        for d in days
    ]
    return to_arrow(INSURANCE_FUND_DAILY, rows, business_date=day.day)
