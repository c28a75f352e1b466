"""Compares two sides (published tables, scenarios, past runs): whether they are identical, then the differences."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice

from lossledger.engine.errors import ConfigError
from lossledger.engine.figures import exact, text_table
from lossledger.readers.compare.comparison_side import ComparisonSide, open_side
from lossledger.readers.compare.row_differences import (
    AccountTotal,
    TableDiff,
    Total,
    account_totals,
    diff_table,
    money_totals,
)
from lossledger.store.places import Place

_ACCOUNTS = 20


def compare_lines(root: Place, left: str, right: str) -> Iterator[str]:
    """Differences over the dates that both sides have. ConfigError: a side does not exist."""
    sides = open_side(root, left), open_side(root, right)
    days = sorted(set(sides[0].days) & set(sides[1].days))
    for side in sides:
        if not side.days:
            raise ConfigError(f"{side.name} has no published date yet: run it first, lossledger run …")
    if not days:
        raise ConfigError(
            f"{left} and {right} have no date in common: {_range(sides[0])}; {_range(sides[1])}"
        )
    diffs = [diff_table(table, *(side.rows(table, days) for side in sides)) for table in sides[0].tables]
    yield from _identity_lines(sides, diffs, days)
    for word, side in zip(("left", "right"), sides, strict=True):
        yield f"{word:<7}{_range(side)}"
        yield from (f"       {line}" for line in side.about)
    yield from _row_lines(diffs)
    yield from _total_lines(diffs, days)
    yield from _account_lines(diffs)


def _identity_lines(
    sides: tuple[ComparisonSide, ComparisonSide], diffs: Sequence[TableDiff], days: Sequence[date]
) -> Iterator[str]:
    """The statement that comes before anything else."""
    left, right = sides
    changed = [d for d in diffs if not d.is_identical]
    span = f"{days[0]} to {days[-1]} ({len(days)} {'date' if len(days) == 1 else 'dates'})"
    unchanged_rules = [side.name for side in sides if side.overrides_nothing]
    published = any(side.name == "published" for side in sides)
    if not changed:
        rows = sum(d.identical for d in diffs)
        if unchanged_rules and published:
            yield f"identity check holds: {unchanged_rules[0]} overrides nothing, and nothing differs"
        yield f"identical: every row of all {len(diffs)} tables, {rows:,} rows, {span}"
        return
    if unchanged_rules and published:
        yield f"IDENTITY CHECK FAILS: {unchanged_rules[0]} overrides nothing, and yet rows differ. Has the input"
        yield "or the policy changed since the dates were published? Run both again over the same dates."
    yield f"not identical: {len(changed)} of {len(diffs)} tables differ between {left.name} and {right.name}, {span}"


def _range(side: ComparisonSide) -> str:
    days = sorted(side.days)
    return f"{side.name}, {days[0]} to {days[-1]}"


def _row_lines(diffs: Sequence[TableDiff]) -> Iterator[str]:
    yield ""
    yield "rows by key: new are on the right alone, gone on the left alone"
    rows = [["table", "identical", "different", "new", "gone"]]
    rows += [
        [d.table.name, f"{d.identical:,}", *(f"{n:,}" if n else "-" for n in (d.different, d.new, d.gone))]
        for d in diffs
    ]
    yield from (f"  {line}" for line in text_table(rows))


def _total_lines(diffs: Sequence[TableDiff], days: Sequence[date]) -> Iterator[str]:
    totals = [t for diff in diffs for t in money_totals(diff, days) if t.shown]
    if not totals:
        return
    yield ""
    yield f"totals over the dates (opening: {days[0]}; closing, equity: {days[-1]}); others do not differ"
    rows = [["table", "column", "currency", "left", "right", "right − left"]]
    places = _places(totals)
    rows += [[t.table, t.column, t.currency, *_amounts(t, places[t.currency])] for t in totals]
    yield from (f"  {line}" for line in text_table(rows, left=3))


def _account_lines(diffs: Sequence[TableDiff]) -> Iterator[str]:
    """Who pays more or less, the largest difference of each currency first."""
    accounts = account_totals({d.table.name: d for d in diffs})
    if not accounts:
        return
    yield ""
    yield "socialised charges by account, the largest difference first"
    rows = [["account", "currency", "charged left", "charged right", "pays more (+) or less (−)"]]
    places = _places(accounts)
    rows += [
        [a.account_id, a.currency, *_amounts(a, places[a.currency])] for a in islice(accounts, _ACCOUNTS)
    ]
    yield from (f"  {line}" for line in text_table(rows, left=2))
    if len(accounts) > _ACCOUNTS:
        yield f"  and {len(accounts) - _ACCOUNTS:,} accounts with smaller differences"


def _places(totals: Sequence[Total | AccountTotal]) -> dict[str, int]:
    """Decimals per currency, so that amounts line up: as many as the finest amount has."""
    places: dict[str, int] = {}
    for total in totals:
        decimals = (len(exact(value).partition(".")[2]) for value in (total.left, total.right))
        places[total.currency] = max(places.get(total.currency, 0), *decimals)
    return places


def _amounts(total: Total | AccountTotal, places: int) -> list[str]:
    change = total.right - total.left
    sign = "+" if change > 0 else ""
    return [
        exact(total.left, places),
        exact(total.right, places),
        sign + exact(change, places) if change else "-",
    ]
