"""What every account and unit has at the end of a session: in tasks, one for each task of the replay."""

from collections.abc import Mapping
from dataclasses import dataclass

from lossledger.engine.errors import DataError
from lossledger.jobs.attribute.books import Books, in_money
from lossledger.jobs.day import Day
from lossledger.schemas.attribution import ACCOUNT_DAILY, POSITIONS_DAILY, RECEIVABLES_DAILY
from lossledger.schemas.core import Table, Type
from lossledger.schemas.ledger import ACCOUNT_RESULTS, HOLDERS, TYPED, UNIT_POSITIONS, UNIT_SESSIONS
from lossledger.store.data_files import files_of
from lossledger.store.places import Place, open_parquet
from lossledger.store.staging import Part, Staging

_WRITTEN = (ACCOUNT_DAILY, RECEIVABLES_DAILY, POSITIONS_DAILY, ACCOUNT_RESULTS)
_FLOWS = (
    "transfers",
    "realised_pnl",
    "fees",
    "funding",
    "negative_balance_reset",
    "surplus_forfeited",
    "socialised_charge",
    "fund_settlement",
    "closing_wallet",
)
_DEBTS = ("opening_debt", "new_debt", "recovered", "closing_debt")
_UNIT = "account_id, currency, isolation"
_HOLDERS = """
    select account_id, arg_max(account_type, valid_from) as account_type,
        arg_max(client_class, valid_from) as client_class
    from accounts where valid_from < make_timestamp(?)::timestamptz group by account_id
"""
_DAILY = f"""
    select {_UNIT}, account_type, client_class, {in_money("opening_wallet")},
        opening_unrealised * unit as opening_unrealised_pnl, {in_money(*_FLOWS)},
        closing_unrealised * unit as unrealised_pnl, (closing_wallet + closing_unrealised) * unit as equity
    from unit_sessions join currencies using (currency) left join holders using (account_id)
    where active or closing_wallet <> 0 or ({_UNIT}) in (select ({_UNIT}) from unit_positions)
"""
_RECEIVABLES = f"""
    select {_UNIT}, {in_money(*_DEBTS)} from unit_sessions join currencies using (currency)
    where {" or ".join(f"{name} <> 0" for name in _DEBTS)}
"""
_POSITIONS = f"""
    select {_UNIT}, instrument_id, quantity, {in_money("entry_value")}, mark as mark_price
    from unit_positions join currencies using (currency)
"""
_RESULTS = """
    select account_id, currency, account_type <> 'client' as house,
        sum(realised_pnl - fees + funding + closing_unrealised - opening_unrealised) as profit,
        sum(closing_wallet + closing_unrealised) as equity,
        sum(greatest(0, closing_wallet + closing_unrealised)) as chargeable
    from unit_sessions left join holders using (account_id) group by all
"""


@dataclass
class AccountsTask:
    """A part of the replayed units; `holders`: the files that say what accounts are; `size`: as in Books."""

    staging: Staging
    number: int
    scales: Mapping[str, int]
    holders: list[Place]
    size: int


def write_accounts(day: Day, books: Books) -> None:
    """Stage account_daily, receivables_daily, positions_daily, what accounts are, and their results."""
    books.files("accounts", TYPED["accounts"], files_of(day.warehouse, TYPED["accounts"], None))
    books.write(HOLDERS, _HOLDERS, day.end)
    numbers = sorted({part.number for part in day.staging.parts(UNIT_SESSIONS)})
    holders = day.staging.paths(HOLDERS)
    tasks = [AccountsTask(day.staging, number, books.scales, holders, books.size) for number in numbers]
    written = day.mapper.map(account_parts, tasks, day.staging.rows(UNIT_SESSIONS))
    for table in _WRITTEN:
        day.staging.commit(table, [parts[table.name] for parts in written])


def account_parts(task: AccountsTask) -> dict[str, Part | None]:
    """Write a part of each table (in a worker). DataError, that names the account, for an amount that does not fit."""
    try:
        return _account_parts(task)
    except DataError as error:
        raise DataError(_too_large(task) or str(error)) from error


_PUBLISHED_AS = {"closing_unrealised": "unrealised_pnl", "opening_unrealised": "opening_unrealised_pnl"}


def _too_large(task: AccountsTask) -> str | None:
    """The first amount of the part that DECIMAL(38,18) cannot hold, as a person is told of it."""
    mine = [part for part in task.staging.parts(UNIT_SESSIONS) if part.number == task.number]
    amounts = [column.name for column in UNIT_SESSIONS.columns if column.type is Type.UNITS]
    for path in task.staging.files(UNIT_SESSIONS, mine):
        for row in open_parquet(path).read().to_pylist():
            limit = 10 ** (20 + task.scales[row["currency"]])
            for name in amounts:
                if abs(row[name]) >= limit:
                    column, whose = _PUBLISHED_AS.get(name, name), f"account_id {row['account_id']}"
                    return (
                        f"{ACCOUNT_DAILY.full_name}: {column} of {whose}, "
                        f"currency {row['currency']} needs more than the 38 digits of DECIMAL(38,18): "
                        "look for an amount, price or quantity out of all proportion"
                    )
    return None


def _account_parts(task: AccountsTask) -> dict[str, Part | None]:
    with Books(task.staging, task.scales, task.size) as books:
        for table in (UNIT_SESSIONS, UNIT_POSITIONS):
            mine = [part for part in task.staging.parts(table) if part.number == task.number]
            books.view(table, mine)
        books.files(HOLDERS.name, HOLDERS, task.holders)
        queries: list[tuple[Table, str]] = [
            (ACCOUNT_DAILY, _DAILY),
            (RECEIVABLES_DAILY, _RECEIVABLES),
            (POSITIONS_DAILY, _POSITIONS),
            (ACCOUNT_RESULTS, _RESULTS),
        ]
        return {table.name: books.part(table, task.number, query) for table, query in queries}
