"""Where a column's meaning comes from, since when there is such a column, and an example of it."""

from decimal import Decimal
from functools import cache

from lossledger.schemas.core import Column, Dataset, Table, Type
from lossledger.schemas.examples import EXAMPLES

RULES, INPUTS, OUTPUTS = "rules.md", "inputs.md", "outputs.md"
TABLE_SECTIONS = {
    "attribution.liquidations": 8,
    "attribution.liquidation_positions": 8,
    "attribution.loss_components": 12,
    "attribution.negative_balances": 9,
    "attribution.insurance_fund_ledger": 10,
    "attribution.insurance_fund_daily": 10,
    "attribution.session_losses": 11,
    "attribution.socialised_losses": 11,
    "attribution.protection_daily": 9,
    "attribution.adl_losses": 8,
    "attribution.account_daily": 5,
    "attribution.positions_daily": 5,
    "attribution.receivables_daily": 9,
    "attribution.reconciliation": 13,
    "attribution.rule_comparison": 14,
    "attribution.rule_totals": 14,
    "attribution.takeovers": 15,
    "attribution.takeover_inventory": 15,
    "ledger.open_lots": 15,
    "ledger.unit_sessions": 5,
    "ledger.unit_positions": 5,
    "ledger.unit_charges": 11,
    "ledger.marks": 5,
}
# A column of this name is of another section than its table.
COLUMN_SECTIONS = {
    "business_date": 11,
    "account_id": 3,
    "account_type": 3,
    "currency": 3,
    "isolation": 3,
    "entry_value": 5,
    "filled_value": 2,
    "unrealised_pnl": 2,
    "opening_unrealised": 2,
    "closing_unrealised": 2,
    "equity": 6,
    "equity_at_trigger": 6,
    "maintenance_margin": 6,
    "maintenance_margin_at_trigger": 6,
    "triggered_at": 7,
    "mark_price": 5,
    "fund_draw": 10,
    "shortfall": 10,
    "deficit": 9,
    "unprotected_deficit": 9,
    "negative_balance_reset": 9,
    "opening_debt": 9,
    "new_debt": 9,
    "recovered": 9,
    "closing_debt": 9,
    "open_episode": 8,
    "surplus_forfeited": 8,
    "adl_loss": 8,
    "socialised_charge": 11,
    "opening_unrealised_pnl": 11,
    "account_equity": 11,
    "chargeable": 11,
    "takeover_gains": 15,
    "takeover_funding": 15,
    "takeover_deficit": 15,
    "fund_settlement": 15,
}
# Where the column of that name is what its table is about.
ITS_TABLES_OWN = {
    ("attribution.liquidations", "deficit"),
    ("attribution.insurance_fund_ledger", "currency"),
    ("attribution.insurance_fund_daily", "currency"),
    ("attribution.rule_totals", "shortfall"),
}
FIRST_FORMAT = 1
OLDEST_FORMAT = 4  # the oldest one that a run goes on with: what came later is added to it
TABLE_FORMATS = {
    "attribution.liquidation_positions": 2,
    "attribution.protection_daily": 2,
    "ledger.numbers": 4,
    "raw.files": 4,
    "ops.restatement_reasons": 4,
    "ops.policies": 4,
    "ops.published_from": 4,
    "attribution.takeovers": 5,
    "attribution.takeover_inventory": 5,
    "ledger.open_lots": 5,
}
COLUMN_FORMATS = {
    ("attribution.negative_balances", "session_transfers"): 2,
    ("attribution.account_daily", "account_type"): 2,
    ("attribution.account_daily", "client_class"): 2,
    ("attribution.account_daily", "opening_unrealised_pnl"): 2,
    ("attribution.rule_comparison", "account_type"): 2,
    ("attribution.rule_comparison", "client_class"): 2,
    ("attribution.rule_comparison", "chargeable"): 2,
    ("attribution.rule_totals", "beyond_chargeable"): 2,
    ("ops.published_days", "table_sha256"): 2,
    ("ledger.venue_account_balances", "account_bucket"): 4,
    ("ledger.venue_liquidations", "account_bucket"): 4,
    ("ledger.deliveries", "superseded"): 5,
    ("ledger.deliveries", "content_sha256"): 5,
    ("ledger.deliveries", "table_version"): 5,
    ("ops.published_days", "table_columns"): 5,
    ("attribution.account_daily", "fund_settlement"): 5,
    ("attribution.insurance_fund_daily", "takeover_gains"): 5,
    ("attribution.insurance_fund_daily", "takeover_funding"): 5,
    ("attribution.session_losses", "takeover_deficit"): 5,
    ("ledger.unit_sessions", "fund_settlement"): 5,
}
# What a row has in a column that it was written before; null where the column may be null.
_ZERO: dict[Type, object] = {
    Type.TEXT: "",
    Type.DECIMAL: Decimal(0),
    Type.UNITS: Decimal(0),
    Type.INTEGER: 0,
    Type.BOOLEAN: False,
}
_NUMBERS = ("account_number", "instrument_number", "file_number", "row_number")


def source(table: Table, column: Column) -> tuple[str, int]:
    """The page of the contract that the column follows from, and the section of it (0: the whole page)."""
    section = TABLE_SECTIONS.get(table.full_name, 0)
    if not section:
        return (OUTPUTS if table.schema == "ops" else INPUTS), 0
    if (table.full_name, column.name) in ITS_TABLES_OWN:
        return RULES, section
    return RULES, COLUMN_SECTIONS.get(column.name, section)


def since(table: Table, column: Column) -> int:
    """The first warehouse format that has the column."""
    numbered = table.schema == "ledger" and column.name in _NUMBERS and table.name != "quarantine"
    first = TABLE_FORMATS.get(table.full_name, FIRST_FORMAT)
    return max(first, 4 if numbered else COLUMN_FORMATS.get((table.full_name, column.name), first))


def is_late(table: Table) -> bool:
    """Whether there are warehouses without the table that a run goes on with."""
    return TABLE_FORMATS.get(table.full_name, FIRST_FORMAT) > OLDEST_FORMAT


@cache
def late_columns(table: Table) -> tuple[Column, ...]:
    """Columns that came after their table, to warehouses that may have it without them.

    In a Delta table they are nullable, whatever the declaration says of them: rows of before have nothing there.
    """
    first = max(OLDEST_FORMAT, TABLE_FORMATS.get(table.full_name, FIRST_FORMAT))
    return tuple(column for column in table.columns if since(table, column) > first)


def before(column: Column) -> object:
    """What a row that was written before there was the column has in it, for every reader: zero, empty or null.

    KeyError: a date or a time has no such value, so a late one of these has to be nullable.
    """
    return None if column.nullable else _ZERO[column.type]


def columns_in(table: Table, number: int) -> tuple[str, ...]:
    """The names of the columns that a warehouse format has; none where it has no such table."""
    return tuple(column.name for column in table.columns if since(table, column) <= number)


def example(table: Table, column: Column) -> str:
    """A value as text. KeyError: a new column, that needs one in examples.py."""
    return EXAMPLES[table.full_name][column.name]


def example_of_input(dataset: Dataset, name: str) -> str:
    """A field as it is delivered; the typed ledger has the same."""
    return EXAMPLES[f"ledger.{dataset.name}"][name]


def comment(table: Table, column: Column) -> str:
    """All of it in a line, as the Delta table says it of its column."""
    page, section = source(table, column)
    where = f"{page} section {section}" if section else page
    unit = f" [{column.unit}]" if column.unit else ""
    known = EXAMPLES.get(table.full_name, {}).get(column.name)
    shown = f" Example: {known}" if known else ""
    return f"{column.doc}{unit} Source: {where}, since warehouse format {since(table, column)}.{shown}"
