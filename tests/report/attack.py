"""What a reader of the public edition can find out: the sums that its tables are known to obey, and their solution.

Written from the report alone, without the product's own list of sums, so that one missing there is noticed.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

PAID = ("deficit", "fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss")
INCOME = ("opening", "external", "liquidation_fees", "surplus")
IN_FORCE = "session_profit_prorata"  # the sharing rule of the market that is reported
PRIME = 2**61 - 1


def known_sums(tables: dict[str, list[dict[str, Any]]]) -> Iterator[dict[Any, int]]:
    """What a reader of the public edition knows to be 0: cells by table, row and column, with their signs."""
    days = sorted({row["business_date"] for row in tables["fund_daily"]})

    def paid(day: Any, currency: str, column: str) -> tuple[Any, ...]:
        return ("waterfall", str(day), currency, column)

    for row in tables["waterfall"]:
        day, currency = row["business_date"], row["currency"]
        parts = {paid(day, currency, column): -1 for column in ("fund_draw", "socialised", "uncovered")}
        yield {paid(day, currency, "deficit"): 1, **parts}
    currencies = {row["currency"] for row in tables["waterfall"]}
    for currency in currencies:
        for column in PAID:
            yield {paid("all", currency, column): 1, **{paid(day, currency, column): -1 for day in days}}
        classes = [row["client_class"] for row in tables["classes"] if row["currency"] == currency]
        for column in ("deficit", "unprotected_deficit", "socialised"):
            parts = {("classes", currency, name, column): -1 for name in classes}
            yield {paid("all", currency, column): 1, **parts}
        yield {("causes", currency, "covered", row["component"]): 1 for row in tables["causes"]
               if (row["currency"], row["kind"]) == (currency, "covered")}  # fmt: skip
    for row in tables["fund_daily"]:
        day, currency = row["business_date"], row["currency"]
        cells = {("fund_daily", str(day), currency, name): 1 for name in INCOME}
        closing = ("fund_daily", str(day), currency, "closing")
        yield {**cells, paid(day, currency, "fund_draw"): -1, closing: -1}
        if (following := day + timedelta(days=1)) in days:
            yield {closing: 1, ("fund_daily", str(following), currency, "opening"): -1}
    for row in tables["rules"]:
        day, currency, rule = row["business_date"], row["currency"], row["rule"]
        charged, uncovered, fund = (
            ("rules", str(day), currency, rule, name) for name in ("charged", "uncovered", "to_fund")
        )
        shared, left = (paid(day, currency, name) for name in ("socialised", "uncovered"))
        yield {charged: 1, uncovered: 1, fund: -1, shared: -1, left: -1}
        if rule == IN_FORCE:
            yield {charged: 1, shared: -1}
    # Where one session alone had payers, its payers are those of all client classes.
    for currency in currencies:
        mine = [r for r in tables["rules"] if (r["currency"], r["rule"]) == (currency, IN_FORCE)]
        if len(mine) == 1:
            counts = {("classes", currency, row["client_class"], "socialised_accounts"): 1
                      for row in tables["classes"] if row["currency"] == currency}  # fmt: skip
            yield {**counts, ("rules", str(mine[0]["business_date"]), currency, IN_FORCE, "payers"): -1}


def found_out(hidden: set[Any], sums: Iterable[dict[Any, int]]) -> set[Any]:
    """The hidden cells that have one value in all solutions, by elimination modulo a large prime."""
    solved: dict[Any, dict[Any, int]] = {}
    for one in sums:
        row = {key: value for key, value in one.items() if key in hidden}
        for lead in [key for key in row if key in solved]:
            row = minus(row, solved[lead], row.get(lead, 0))
        if row:
            lead = next(iter(row))
            row = minus({}, row, -pow(row[lead], -1, PRIME))
            solved = {at: minus(other, row, other.get(lead, 0)) for at, other in solved.items()} | {lead: row}
    return {lead for lead, row in solved.items() if len(row) == 1}


def minus(row: dict[Any, int], other: dict[Any, int], times: int) -> dict[Any, int]:
    left = {key: (row.get(key, 0) - times * other.get(key, 0)) % PRIME for key in {**row, **other}}
    return {key: value for key, value in left.items() if value}
