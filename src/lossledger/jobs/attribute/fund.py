"""The insurance fund as a fold over a stream: engine.rules.fund without holding what it folds (rules.md 10)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.errors import DataError
from lossledger.engine.numbers import units_to_e18
from lossledger.engine.rules.fund import ExternalMovement, FundDay
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.fund_fold import Entries, Fund
from lossledger.jobs.attribute.id_order import order_key_sql
from lossledger.jobs.day import Day
from lossledger.schemas.attribution import INSURANCE_FUND_DAILY, INSURANCE_FUND_LEDGER
from lossledger.store.amount_arrays import Amounts, e18_decimals, scaled_decimals, to_decimals
from lossledger.store.arrow import to_arrow

# What touches the fund, in the order of rules.md section 10. A draw is made at its event, or at `?` if that is given.
_STEPS = f"""
    with given as (select make_timestamp(?::bigint)::timestamptz as drawn_at)
    select currency, ts, kind, amount, ref from (
        select currency, ts, 0 as class, ts as event_ts, '' as account_id, '' as isolation, '' as instrument_id,
            '' as fill_id, 0 as place, movement_id, kind, amount, movement_id as ref
        from external_movements
        union all
        select currency, ts, if(kind in ('liquidation_fee', 'takeover_funding'), 1, 2), ts, account_id, isolation,
            instrument_id, fill_id, place, '', kind, amount, ref
        from unit_fund_movements
        union all
        select currency, coalesce(drawn_at, ts), 3, ts, account_id, isolation, '', '', place, '', 'draw', deficit,
            event_id
        from deficits, given where protected
    ) order by currency, ts, class, event_ts, account_id, isolation, instrument_id,
        {order_key_sql("fill_id")}, place, {order_key_sql("movement_id")}
"""


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
    batches = _ledger(funds, books.stream(_STEPS, drawn_at))
    day.staging.commit(INSURANCE_FUND_LEDGER, [day.staging.write_batches(INSURANCE_FUND_LEDGER, 0, batches)])
    days = [fund.day() for fund in funds]
    day.staging.write(INSURANCE_FUND_DAILY, _daily(day, books, days))
    books.add("draws", pa.concat_tables([fund.drawn() for fund in funds]))
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


def _ledger(funds: Sequence[Fund], steps: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of the fund's ledger for steps in order of currency and time."""
    by_currency = {fund.currency: fund for fund in funds}
    for batch in steps:
        data = pa.Table.from_batches([batch])
        for currency in data.column("currency").unique().to_pylist():
            fund = by_currency[currency]
            entries = fund.take(data.filter(pc.equal(data.column("currency"), currency)))
            yield from _rows(fund, entries).to_batches()


def _rows(fund: Fund, entries: Entries) -> pa.Table:
    amounts, balances = (_money(fund, column) for column in (entries.amounts, entries.balances))
    steps = entries.steps
    return pa.table(
        {
            "currency": steps.column("currency"),
            "seq": pa.array(entries.seq, pa.int64()),
            "ts": steps.column("ts"),
            "kind": steps.column("kind"),
            "amount": amounts,
            "balance": balances,
            "ref": steps.column("ref"),
        }
    )


def _money(fund: Fund, amounts: Amounts) -> pa.Array:
    """Ledger units as DECIMAL(38,18). DataError for more than its digits."""
    unit = 10 ** (18 - fund.scale)
    if amounts.dtype != object:
        return scaled_decimals(amounts, np.full(len(amounts), unit))
    try:
        return e18_decimals(amounts * unit)
    except DataError as error:
        raise DataError(f"{INSURANCE_FUND_LEDGER.full_name}: {fund.currency}: {error}") from error


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
