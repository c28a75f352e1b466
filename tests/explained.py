"""What explain finds different, of accounts to which something happened."""

from collections.abc import Iterator
from pathlib import Path

from lossledger.readers.explain.account_session import PublishedDates
from lossledger.readers.explain.explanation import explain_account
from lossledger.schemas.attribution import ADL_LOSSES, LIQUIDATIONS, NEGATIVE_BALANCES, SOCIALISED_LOSSES

_EACH = 2  # accounts of a date and table


def differing(warehouse: Path) -> Iterator[str]:
    """A line for each row of some accounts of each date that is not as the reference has it."""
    dates = PublishedDates.open(warehouse)
    for day in dates.tables.days:
        accounts: set[str] = set()
        for table in (NEGATIVE_BALANCES, SOCIALISED_LOSSES, ADL_LOSSES, LIQUIDATIONS):
            found = dates.tables.rows(table.full_name, [day], ["account_id"]).column("account_id")
            accounts.update(sorted(set(found.to_pylist()) - accounts)[:_EACH])
        for account_id in sorted(accounts):
            for row in explain_account(dates, account_id, day).differing:
                yield f"{day} {account_id}: {row.citation.table} {row.citation.key} {row.problem} {row.differing}"
