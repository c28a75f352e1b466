"""The cells of the public edition: totals with the number of accounts behind each, and the sums a reader knows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from readers.report.facts import Facts
from readers.report.model import Cell, Hidden
from readers.report.sections import causes
from readers.report.suppress import Count, Equation, suppressed
from readers.rows import accounts, of, total
from schemas import attribution

Name = tuple[str, str, str]  # measure, date or class or 'all', currency
PAID = ("deficit", "fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss")
FUND = ("opening", "external", "liquidation_fees", "surplus", "closing")
ALL = "all"


@dataclass
class Totals:
    """Every cell that is told anywhere in the public edition, once."""

    facts: Facts
    amounts: dict[Name, int] = field(default_factory=dict)
    counts: dict[Name, Count] = field(default_factory=dict)
    numbers: set[Name] = field(default_factory=set)  # cells that are counts of accounts themselves
    equations: list[Equation] = field(default_factory=list)
    hidden: set[Any] = field(default_factory=set)

    def put(self, name: Name, amount: int, of_accounts: int | None) -> None:
        self.amounts[name] = amount
        self.counts[name] = Count(of_accounts, amount == 0)

    def put_number(self, name: Name, number: int) -> None:
        self.put(name, number, number)
        self.numbers.add(name)

    def told(self, measure: str, where: date | str, currency: str) -> Cell:
        """The cell as the public edition has it."""
        name = (measure, str(where), currency)
        if name in self.hidden:
            return Hidden(self.facts.small_cell)
        if name in self.numbers:
            return self.amounts[name]
        return self.facts.amount(self.amounts[name], currency)


def totals(facts: Facts) -> Totals:
    made = Totals(facts)
    for currency in facts.currencies:
        for day in facts.days:
            _session(made, day, currency)
            _fund(made, day, currency)
            _rules(made, day, currency)
        _range(made, currency)
        _classes(made, currency)
        for covered, words, _ in causes.KINDS:
            _causes(made, currency, covered, words)
    made.hidden = suppressed(made.counts, made.equations, facts.small_cell)
    return made


def _behind(facts: Facts, where: dict[str, Any]) -> dict[str, int]:
    """How many accounts each total of the waterfall is of."""
    events = of(facts.rows.rows(attribution.NEGATIVE_BALANCES), **where)
    covered = of(events, protected=True)
    short = accounts(row for row in covered if row["shortfall"])
    payers = accounts(of(facts.rows.rows(attribution.SOCIALISED_LOSSES), **where))
    return {
        "deficit": accounts(covered),
        "fund_draw": accounts(row for row in covered if row["fund_draw"]),
        "socialised": min(short, payers) if payers else 0,
        "uncovered": short,
        "unprotected_deficit": accounts(of(events, protected=False)),
        "adl_loss": accounts(of(facts.rows.rows(attribution.ADL_LOSSES), **where)),
    }


def _session(made: Totals, day: date, currency: str) -> None:
    (row,) = of(made.facts.rows.rows(attribution.SESSION_LOSSES), **made.facts.same(day, currency))
    behind = _behind(made.facts, made.facts.same(day, currency))
    for measure in PAID:
        made.put((measure, str(day), currency), row[measure], behind[measure] if row[measure] else 0)
    made.put_number(("payers", str(day), currency), row["payers"])
    parts = {(measure, str(day), currency): -1 for measure in ("fund_draw", "socialised", "uncovered")}
    made.equations.append({("deficit", str(day), currency): 1, **parts})


def _fund(made: Totals, day: date, currency: str) -> None:
    same = made.facts.same(day, currency)
    (row,) = of(made.facts.rows.rows(attribution.INSURANCE_FUND_DAILY), **same)
    ended = of(made.facts.rows.rows(attribution.LIQUIDATIONS), **same)
    behind = {
        "liquidation_fees": accounts(e for e in ended if e["liquidation_fees"]),
        "surplus": accounts(e for e in ended if e["surplus"]),
    }
    for measure in FUND:
        made.put((measure, str(day), currency), row[measure], behind.get(measure) if row[measure] else None)
    income = {(measure, str(day), currency): 1 for measure in FUND[:-1]}
    out = {("fund_draw", str(day), currency): -1, ("closing", str(day), currency): -1}
    made.equations.append(income | out)
    before = ("closing", str(date.fromordinal(day.toordinal() - 1)), currency)
    if before in made.amounts:
        made.equations.append({before: 1, ("opening", str(day), currency): -1})


def _rules(made: Totals, day: date, currency: str) -> None:
    for row in of(made.facts.rows.rows(attribution.RULE_TOTALS), **made.facts.same(day, currency)):
        where = f"{day} {row['rule']}"
        charged, uncovered, fund = (
            (f"rule_{part}", where, currency) for part in ("charged", "uncovered", "to_fund")
        )
        short = _behind(made.facts, made.facts.same(day, currency))["uncovered"]
        made.put(charged, row["charged"], min(row["payers"], short) if row["payers"] else 0)
        made.put(uncovered, row["uncovered"], short if row["uncovered"] else 0)
        made.put(fund, row["to_fund"], row["payers"] if row["to_fund"] else 0)
        made.put_number(("rule_payers", where, currency), row["payers"])
        session = {(measure, str(day), currency): -1 for measure in ("socialised", "uncovered")}
        made.equations.append({charged: 1, uncovered: 1, fund: -1, **session})
        (losses,) = of(made.facts.rows.rows(attribution.SESSION_LOSSES), **made.facts.same(day, currency))
        if losses["method"] == row["rule"]:
            made.equations.append({charged: 1, ("socialised", str(day), currency): -1})
            made.equations.append({("rule_payers", where, currency): 1, ("payers", str(day), currency): -1})


def _range(made: Totals, currency: str) -> None:
    behind = _behind(made.facts, {"currency": currency})
    for measure in PAID:
        days = [(measure, str(day), currency) for day in made.facts.days]
        amount = sum(made.amounts[name] for name in days)
        made.put((measure, ALL, currency), amount, behind[measure] if amount else 0)
        made.equations.append({(measure, ALL, currency): 1, **dict.fromkeys(days, -1)})


def _classes(made: Totals, currency: str) -> None:
    events = of(made.facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency)
    charges = of(made.facts.rows.rows(attribution.SOCIALISED_LOSSES), currency=currency)
    sources: tuple[tuple[str, list[Any], str], ...] = (
        ("deficit", of(events, protected=True), "deficit"),
        ("unprotected_deficit", of(events, protected=False), "deficit"),
        ("socialised", charges, "charge"),
    )
    names = classes(made.facts, currency)
    for measure, rows, column in sources:
        for name in names:
            mine = of(rows, client_class=name)
            made.put((measure, name, currency), total(mine, column), accounts(mine))
            made.put_number((f"{measure}_accounts", name, currency), accounts(mine))
        parts = {(measure, name, currency): -1 for name in names}
        made.equations.append({(measure, ALL, currency): 1, **parts})
    # Where one session alone had payers, and each had one class, these are the same accounts.
    payers = [
        ("payers", str(day), currency)
        for day in made.facts.days
        if made.amounts["payers", str(day), currency]
    ]
    made.equations.append(
        {("socialised_accounts", n, currency): 1 for n in names} | dict.fromkeys(payers, -1)
    )


def _causes(made: Totals, currency: str, covered: bool, words: str) -> None:
    """What the causes of a kind add up to is taken as known."""
    mine = causes.episodes(made.facts, currency, covered)
    owners = {(row["business_date"], row["episode_id"]): row["account_id"] for row in mine}
    behind: defaultdict[str, set[str]] = defaultdict(set)
    for row in made.facts.rows.rows(attribution.LOSS_COMPONENTS_TABLE):
        if (row["business_date"], row["episode_id"]) in owners:
            behind[row["component"]].add(owners[row["business_date"], row["episode_id"]])
    names: list[Name] = []
    for component, amount in causes.sums(made.facts, mine).items():
        names.append((f"cause_{component}", words, currency))
        made.put(names[-1], amount, len(behind[component]))
    made.equations.append(dict.fromkeys(names, 1))


def classes(facts: Facts, currency: str) -> list[str]:
    """Client classes of which an account fell below zero or was charged."""
    tables = (attribution.NEGATIVE_BALANCES, attribution.SOCIALISED_LOSSES)
    rows: Iterable[Any] = (row for table in tables for row in of(facts.rows.rows(table), currency=currency))
    return sorted({row["client_class"] for row in rows})
