"""Attribute: the fund, the sharing, the reconciliations and the rule comparison of a replayed date.

What grows with accounts, units, positions or fills is columns, in tasks or in a database that works out of core;
what follows events is streamed. What a session is says engine.session, whose tables these equal.
"""

from collections.abc import Sequence
from datetime import date

from engine.numbers import e18_to_units
from jobs.attribute.accounts import write_accounts
from jobs.attribute.books import Books
from jobs.attribute.comparison import compare_rules
from jobs.attribute.findings import write_findings
from jobs.attribute.fund import run_fund
from jobs.attribute.inputs import Inputs
from jobs.attribute.liquidations import write_liquidations
from jobs.attribute.reconciliation import asked_balances, write_reconciliation
from jobs.attribute.sharing import share_losses
from jobs.attribute.trades import count_trades, write_adl_losses
from jobs.day import Day
from jobs.replay.recompute import session_rows
from schemas.attribution import INSURANCE_FUND_DAILY
from schemas.ledger import ACCOUNT_RESULTS, HOLDERS, REPLAYED
from store.arrow import to_rows
from store.reference import ReferenceData


def attribute_day(day: Day, reference: ReferenceData, folders: Sequence[date]) -> None:
    """Stage the date's published tables."""
    inputs = Inputs(day, reference, folders)
    with Books(day.staging, reference.scales, session_rows(day, folders)) as books:
        write_accounts(day, books)
        for table in (*REPLAYED.values(), HOLDERS, ACCOUNT_RESULTS):
            books.view(table)
        openings = None if day.first else _fund_openings(day, reference)
        fund = run_fund(day, books, openings, inputs.external_movements(), asked_balances(inputs))
        losses = share_losses(day, books)
        write_liquidations(books)
        write_adl_losses(day, books)
        trades = count_trades(day, books, inputs.task)
        write_reconciliation(books, inputs, trades, fund, losses)
        compare_rules(books, inputs)
        write_findings(books, inputs)


def _fund_openings(day: Day, reference: ReferenceData) -> dict[str, int]:
    rows = to_rows(INSURANCE_FUND_DAILY, day.before(INSURANCE_FUND_DAILY), ("currency", "closing"))
    return {currency: e18_to_units(closing, reference.scales[currency]) for currency, closing in rows}
