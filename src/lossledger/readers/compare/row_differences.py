"""Compares the rows of two tables and their totals. Amounts are integers of 10^-18."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from lossledger.schemas.attribution import RULE_COMPARISON
from lossledger.schemas.core import Table

Row = Mapping[str, Any]
# A state is not summed over dates: the first or the last date's rows have the value.
_AT_START = ("opening_wallet", "opening_unrealised_pnl", "opening", "opening_debt")
_AT_END = (
    "closing_wallet",
    "unrealised_pnl",
    "equity",
    "account_equity",
    "entry_value",
    "closing",
    "closing_debt",
)
_NO_TOTAL = ("balance", "lowest", "terminal_equity", "equity_at_trigger", "maintenance_margin_at_trigger")
_ALWAYS = ("deficit", "fund_draw", "shortfall", "socialised", "uncovered")


@dataclass
class TableDiff:
    """Two sides of a table, compared by its key. new: on the right alone; gone: on the left alone."""

    table: Table
    left: Sequence[Row]
    right: Sequence[Row]
    identical: int = 0
    different: int = 0
    new: int = 0
    gone: int = 0

    @property
    def is_identical(self) -> bool:
        return not (self.different or self.new or self.gone)


class Total(NamedTuple):
    """A money column over the dates, in one currency; `table` with the rule where there are several."""

    table: str
    column: str
    currency: str
    left: int
    right: int

    @property
    def shown(self) -> bool:
        """Whether to show the total: it differs, or belongs to the waterfall and is not zero."""
        waterfall = (
            self.table == "session_losses" and self.column in _ALWAYS and bool(self.left or self.right)
        )
        return self.left != self.right or waterfall


class AccountTotal(NamedTuple):
    """Charges of one account on the two sides."""

    account_id: str
    currency: str
    left: int
    right: int


def diff_table(table: Table, left: Sequence[Row], right: Sequence[Row]) -> TableDiff:
    """Compare by the table's key; a row is identical when every column is."""
    result = TableDiff(table, left, right)
    others = {_key(table, row): row for row in right}
    for row in left:
        other = others.pop(_key(table, row), None)
        if other is None:
            result.gone += 1
        elif other == row:
            result.identical += 1
        else:
            result.different += 1
    result.new = len(others)
    return result


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in table.key)


def money_totals(diff: TableDiff, days: Sequence[date]) -> Iterator[Total]:
    """Every money column per currency: summed over the dates, a state at the first or last of them."""
    names = [c.name for c in diff.table.columns]
    # loss_components have their episode's currency, and sum to −terminal_equity; rule_comparison to rule_totals
    if "currency" not in names or diff.table is RULE_COMPARISON:
        return
    for column in diff.table.columns:
        if column.unit != "currency" or column.name in _NO_TOTAL:
            continue
        sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for side, rows in enumerate((diff.left, diff.right)):
            for row in rows:
                if _counts(column.name, row["business_date"], days):
                    sums[row.get("rule", ""), row["currency"]][side] += row[column.name]
        for (rule, currency), (left, right) in sorted(sums.items()):
            yield Total(f"{diff.table.name} {rule}".strip(), column.name, currency, left, right)


def _counts(column: str, day: date, days: Sequence[date]) -> bool:
    if column in _AT_START:
        return day == days[0]
    return column not in _AT_END or day == days[-1]


def account_totals(diffs: Mapping[str, TableDiff]) -> list[AccountTotal]:
    """Charges per account and currency that differ: by currency, the largest difference first."""
    diff = diffs["socialised_losses"]
    charges: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for side, rows in enumerate((diff.left, diff.right)):
        for row in rows:
            charges[row["account_id"], row["currency"]][side] += row["charge"]
    totals = [AccountTotal(*key, *sides) for key, sides in charges.items() if sides[0] != sides[1]]
    return sorted(totals, key=lambda t: (t.currency, -abs(t.right - t.left), t.account_id))
