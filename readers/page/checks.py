"""The page's evidence: reconciliation, and what it was made from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from engine.figures import clock, exact
from engine.rules.breaks import is_break, is_counted
from readers.page.data import PublishedRows, Row
from readers.page.html import Cell, facts, heading, paragraph, section, table
from schemas import attribution

_RECEIVABLE = (
    "1: the venue states nothing where the account's published debt is exactly the break. Whether a "
    "statement should show the debt is a question to the venue; the break stands."
)
_BREAKS = 200


def reconciliation(rows: PublishedRows) -> str:
    checks = rows.rows(attribution.RECONCILIATION)
    found = [row for row in checks if is_break(row)]
    parts = [
        paragraph(
            "A check is evidence only when its two sides come from independent sources. The others hold by "
            "construction and are listed for completeness. A break is listed whatever its size."
        ),
        table(
            ("rule", "two sources", "#checks", "#within tolerance", "#breaks", "#not determinable"),
            _by_rule(checks),
        ),
    ]
    if found:
        parts += [heading("Breaks beyond tolerance"), _breaks(rows, found)]
    if len(found) > _BREAKS:
        parts.append(
            paragraph(f"{len(found) - _BREAKS:,} more breaks stand in the table attribution.reconciliation.")
        )
    return section("checks", "Reconciliation", *parts)


def _by_rule(checks: Sequence[Row]) -> list[list[Cell]]:
    groups: defaultdict[tuple[bool, str], list[Row]] = defaultdict(list)
    for row in checks:
        groups[not row["independent"], row["rule"]].append(row)
    lines: list[list[Cell]] = []
    for (derived, rule), group in sorted(groups.items()):
        breaks, unknown = sum(is_counted(row) for row in group), sum(row["break"] is None for row in group)
        within = len(group) - unknown - sum(is_break(row) for row in group)
        kind = "bad" if breaks else ("" if derived else "good")
        lines.append(
            [
                rule,
                "by construction" if derived else "independent",
                f"{len(group):,}",
                (f"{within:,}", "" if breaks else kind),
                (f"{breaks:,}", kind if breaks else ""),
                f"{unknown:,}",
            ]
        )
    return lines


def _breaks(rows: PublishedRows, found: Sequence[Row]) -> str:
    """A statement that shows nothing where the book has a debt is told as such: the debt is published too."""
    debts: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in rows.rows(attribution.RECEIVABLES_DAILY):
        debts[str(row["business_date"]), f"{row['account_id']}|{row['currency']}"] += row["closing_debt"]
    lines: list[list[Cell]] = []
    for row in found[:_BREAKS]:
        debt = debts.get((str(row["business_date"]), "|".join(row["key"].split("|")[:2])), 0)
        is_debt = row["rule"] == "venue_account_balance" and debt and row["break"] == -debt
        lines.append(
            [
                row["business_date"].isoformat(),
                row["rule"],
                row["key"],
                exact(row["expected"]),
                exact(row["actual"]),
                (exact(row["break"]), "bad"),
                exact(row["tolerance"]),
                "1" if is_debt else "",
            ]
        )
    head = ("session", "rule", "key", "#expected", "#actual", "#break", "#tolerance", "note")
    return table(head, lines) + paragraph(_RECEIVABLE if any(line[-1] for line in lines) else "", "soft")


def made_from(rows: PublishedRows) -> str:
    """What proves which tables the page was made from."""
    parts = [
        paragraph(
            "Every figure was read from the published tables at the versions below, and is exact unless it says "
            "that it is rounded. The output hash is a SHA-256 over all rows published for the date, the input "
            "hash over all that they were computed from. The same tables give the same page, byte for byte."
        )
    ]
    for day in rows.days:
        known = (
            ("session, UTC", f"{clock(day.start)} to {clock(day.end)}"),
            ("published, UTC", clock(day.published_at)),
            ("run", day.run_id),
            ("output hash", day.output_sha256),
            ("input hash", day.input_sha256),
            ("table versions", _versions(day.table_versions)),
        )
        parts += [heading(day.day.isoformat()), facts(known)]
    parts += [heading("Reference"), facts([("table versions", _versions(rows.reference_versions()))])]
    return section("source", "What this page was made from", *parts)


def _versions(versions: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
