"""J: reconciliations, by rule and every break with its age."""

from collections import defaultdict
from typing import Any

from lossledger.engine.rules.breaks import is_break, is_counted
from lossledger.readers.document.model import Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Amount, Cell
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution

_RECONCILIATION = ("attribution.reconciliation",)


def reconciliations(facts: Facts) -> Section:
    words = (
        "A check is evidence only when its two sides come from independent sources; the others hold by construction. A "
        "break is published whatever its size, never netted. Its age is the number of reported sessions in a row, up "
        "to its own, in which the same subject broke."
    )
    return Section(
        "Reconciliations", [Paragraph(words), _by_rule(facts), _sums(facts), _breaks(facts)], "checks", "J"
    )


def _by_rule(facts: Facts) -> TableBlock:
    groups: defaultdict[tuple[bool, str], list[Any]] = defaultdict(list)
    for row in facts.rows.rows(attribution.RECONCILIATION):
        groups[not row["independent"], row["rule"]].append(row)
    rows: list[tuple[Cell, ...]] = []
    for (derived, rule), group in sorted(groups.items()):
        unknown = sum(row["break"] is None for row in group)
        breaks = sum(is_counted(row) for row in group)
        within = len(group) - unknown - sum(is_break(row) for row in group)
        sources = "by construction" if derived else "independent"
        rows.append((rule, sources, len(group), within, breaks, unknown))
    columns = (
        TableColumn("rule", "rule"),
        TableColumn("sources", "two sources"),
        TableColumn("checks", "checks", "", True),
        TableColumn("within", "within tolerance", "", True),
        TableColumn("breaks", "breaks", "Each fact once.", True),
        TableColumn("unknown", "not determinable", "", True),
    )
    return TableBlock("reconciliation", "Checks by rule", columns, tuple(rows), _RECONCILIATION, 2)


def _subject(row: Any) -> tuple[str, str]:
    """The identity of a break across days; the time of a stated balance is not part of it."""
    parts = row["key"].split("|")
    return row["rule"], "|".join(parts[:-1] if len(parts) > 1 else parts)


def _found(facts: Facts) -> list[tuple[Any, int]]:
    """Every break beyond tolerance, with its age."""
    found = [row for row in facts.rows.rows(attribution.RECONCILIATION) if is_break(row)]
    broken: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for row in found:
        broken[_subject(row)].add(row["business_date"])
    ages = []
    for row in found:
        days = [day for day in facts.days if day <= row["business_date"]]
        age = 0
        while age < len(days) and days[-1 - age] in broken[_subject(row)]:
            age += 1
        ages.append(age)
    return list(zip(found, ages, strict=True))


def _sums(facts: Facts) -> TableBlock:
    """Sums breaks with the same unit: a currency, or the quantity of one instrument."""
    groups: defaultdict[tuple[str, str], list[tuple[Any, int]]] = defaultdict(list)
    for row, age in _found(facts):
        parts = row["key"].split("|")
        unit = next((part for part in parts if part in facts.rows.scales()), parts[0])
        groups[row["rule"], unit].append((row, age))
    rows: list[tuple[Cell, ...]] = []
    for (rule, unit), mine in sorted(groups.items()):
        breaks = [row["break"] for row, _ in mine]
        sums = (Amount(sum(breaks)), Amount(sum(map(abs, breaks))))
        rows.append((rule, unit, len(mine), *sums, max(age for _, age in mine)))
    columns = (
        TableColumn("rule", "rule"),
        TableColumn("unit", "in, or of", "The currency; or the instrument or thing that is counted."),
        TableColumn("breaks", "breaks", "Beyond tolerance.", True),
        TableColumn("sum", "sum", "Of actual − expected.", True),
        TableColumn("absolute", "absolute sum", "Nothing of it netted.", True),
        TableColumn(
            "oldest",
            "oldest, sessions",
            "For how many reported sessions in a row the oldest has been open.",
            True,
        ),
    )
    return TableBlock(
        "breaks_sums", "Breaks beyond tolerance, added up", columns, tuple(rows), _RECONCILIATION, 2
    )


def _breaks(facts: Facts) -> TableBlock:
    debts: defaultdict[tuple[Any, str], int] = defaultdict(int)
    for row in facts.rows.rows(attribution.RECEIVABLES_DAILY):
        debts[row["business_date"], f"{row['account_id']}|{row['currency']}"] += row["closing_debt"]
    rows: list[tuple[Cell, ...]] = []
    for row, age in _found(facts):
        debt = debts.get((row["business_date"], "|".join(row["key"].split("|")[:2])), 0)
        is_debt = row["rule"] == "venue_account_balance" and debt and row["break"] == -debt
        amounts = [Amount(row[name]) for name in ("expected", "actual", "break", "tolerance")]
        equals = "the account's published debt" if is_debt else ""
        rows.append((row["business_date"], row["rule"], row["key"], *amounts, age, equals))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("rule", "rule"),
        TableColumn("key", "key"),
        TableColumn("expected", "expected", "", True),
        TableColumn("actual", "actual", "", True),
        TableColumn("break", "break", "actual − expected.", True),
        TableColumn("tolerance", "tolerance", "", True),
        TableColumn("age", "sessions", "In how many reported sessions in a row it has broken.", True),
        TableColumn("told", "equals"),
    )
    return TableBlock(
        "breaks", "Every break beyond tolerance", columns, tuple(rows), _RECONCILIATION, 3, shown=60
    )
