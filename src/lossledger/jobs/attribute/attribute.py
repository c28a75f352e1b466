"""Attribute: the fund, the sharing, the reconciliations and the rule comparison of a replayed date.

What grows with accounts, units, positions or fills is columns, in tasks or in a database that works out of core;
what follows events is streamed. What a session is says engine.session, whose tables these equal.
"""

from collections.abc import Sequence
from datetime import date

from lossledger.engine.numbers import e18_to_units
from lossledger.jobs.attribute.accounts import write_accounts
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.comparison import compare_rules
from lossledger.jobs.attribute.findings import write_findings
from lossledger.jobs.attribute.fund import run_fund
from lossledger.jobs.attribute.inputs import Inputs
from lossledger.jobs.attribute.liquidations import write_liquidations
from lossledger.jobs.attribute.reconciliation import asked_balances, write_reconciliation
from lossledger.jobs.attribute.sharing import share_losses
from lossledger.jobs.attribute.takeovers import book_takeovers
from lossledger.jobs.attribute.trades import count_trades, write_adl_losses
from lossledger.jobs.day import Day
from lossledger.jobs.replay.recompute import session_rows
from lossledger.schemas.attribution import INSURANCE_FUND_DAILY
from lossledger.schemas.ledger import ACCOUNT_RESULTS, HOLDERS, REPLAYED
from lossledger.store.arrow import to_rows
from lossledger.store.reference_data import ReferenceData


def attribute_day(day: Day, reference: ReferenceData, folders: Sequence[date]) -> None:
    """Stage the date's published tables."""
    inputs = Inputs(day, reference, folders)
    with Books(day.staging, reference.scales, session_rows(day, folders)) as books:
        book_takeovers(books, inputs)
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
