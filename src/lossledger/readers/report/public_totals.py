"""The cells of the public edition: totals with the number of accounts behind each, and the sums a reader knows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lossledger.readers.document.values import Cell, Hidden
from lossledger.readers.published_rows import Row, count_accounts, rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections import deficit_causes
from lossledger.readers.report.suppression import Count, Equation, Parts, find_suppressed
from lossledger.schemas import attribution

Name = tuple[str, str, str]  # measure, date or class or 'all', currency
PAID = ("deficit", "fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss")
TAKEN_OVER = ("takeover_gains", "takeover_funding")
FUND = ("opening", "external", "liquidation_fees", "surplus", *TAKEN_OVER, "closing")
ALL = "all"
PAYERS, LOSERS = (
    "payers",
    "losers",
)  # the accounts behind a charge: those that pay it, and those that caused it


@dataclass
class PublicTotals:
    """All cells of the public edition, with the accounts behind them."""

    facts: Facts
    amounts: dict[Name, int] = field(default_factory=dict)
    counts: dict[Name, Count] = field(default_factory=dict)
    numbers: set[Name] = field(default_factory=set)  # cells that are counts of accounts themselves
    equations: list[Equation] = field(default_factory=list)
    hidden: set[Any] = field(default_factory=set)

    def put(self, name: Name, amount: int, **ways: Parts) -> None:
        """`ways`: each account's part of the amount, by role (payers, losers); empty: the amount is the venue's own.

        A charge of zero is not of those who fell short; a gain and a loss that add up to zero are of two accounts.
        """
        real = {way: parts for way, parts in ways.items() if amount or not sum(parts.values())}
        heads = [sum(part != 0 for part in parts.values()) for parts in real.values()]
        self.amounts[name] = amount
        self.counts[name] = Count(min(heads) if heads else None, amount == 0, real)

    def put_number(self, name: Name, number: int) -> None:
        self.amounts[name] = number
        self.counts[name] = Count(number, number == 0)
        self.numbers.add(name)

    def cell(self, measure: str, where: date | str, currency: str) -> Cell:
        """The cell's value, suppressed if necessary."""
        name = (measure, str(where), currency)
        if name in self.hidden:
            few = self.counts[name].few(self.facts.small_cell)
            return Hidden(self.facts.small_cell if few else 0)
        if name in self.numbers:
            return self.amounts[name]
        return self.facts.amount(self.amounts[name], currency)


def totals(facts: Facts) -> PublicTotals:
    made = PublicTotals(facts)
    for currency in facts.currencies:
        for day in facts.days:
            _session(made, day, currency)
            _fund(made, day, currency)
            _rules(made, day, currency)
        _range(made, currency)
        _classes(made, currency)
        for covered, words, _ in deficit_causes.KINDS:
            _causes(made, currency, covered, words)
    made.hidden = find_suppressed(made.counts, made.equations, facts.small_cell, facts.dominance_share)
    return made


def by_account(rows: Iterable[Row], column: str) -> Parts:
    """Each account's sum of a column."""
    found: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        found[row["account_id"]] += row[column]
    return found


def _behind(facts: Facts, where: dict[str, Any]) -> dict[str, dict[str, Parts]]:
    """Each account's part of each total of the waterfall."""
    events = rows_where(facts.events_by_client, **where)
    covered = rows_where(events, protected=True)
    short = by_account(covered, "shortfall")
    charges = by_account(rows_where(facts.rows.rows(attribution.SOCIALISED_LOSSES), **where), "charge")
    return {
        "deficit": {LOSERS: by_account(covered, "deficit")},
        "fund_draw": {LOSERS: by_account(covered, "fund_draw")},
        "socialised": {PAYERS: charges, LOSERS: short},
        "uncovered": {LOSERS: short},
        "unprotected_deficit": {LOSERS: by_account(rows_where(events, protected=False), "deficit")},
        "adl_loss": {
            LOSERS: by_account(rows_where(facts.rows.rows(attribution.ADL_LOSSES), **where), "amount")
        },
    }


def _with_rest(amount: int, found: Parts) -> Parts:
    """Adds the unexplained rest of an amount to its largest part: an episode may end in the next session."""
    rest = amount - sum(found.values())
    if not rest:
        return found
    largest = max(found, key=lambda account: abs(found[account]), default="")
    return {**found, largest: abs(found.get(largest, 0)) + abs(rest)}


def _session(made: PublicTotals, day: date, currency: str) -> None:
    (row,) = rows_where(made.facts.rows.rows(attribution.SESSION_LOSSES), **made.facts.same(day, currency))
    behind = _behind(made.facts, made.facts.same(day, currency))
    for measure in PAID:
        made.put((measure, str(day), currency), row[measure], **behind[measure])
    made.put_number(("payers", str(day), currency), row["payers"])
    parts = {(measure, str(day), currency): -1 for measure in ("fund_draw", "socialised", "uncovered")}
    made.equations.append({("deficit", str(day), currency): 1, **parts})


def _fund(made: PublicTotals, day: date, currency: str) -> None:
    same = made.facts.same(day, currency)
    (row,) = rows_where(made.facts.rows.rows(attribution.INSURANCE_FUND_DAILY), **same)
    ended = rows_where(made.facts.rows.rows(attribution.LIQUIDATIONS), **same)
    for measure in FUND:
        shared = measure in ("liquidation_fees", "surplus")
        ways = {LOSERS: _with_rest(row[measure], by_account(ended, measure))} if shared else {}
        if measure == "takeover_gains":
            ways = {LOSERS: _gains(made.facts, same)}
        if measure == "takeover_funding":  # of whose positions it was, no table says
            ways = {LOSERS: {"": row[measure]}}
        made.put((measure, str(day), currency), row[measure], **ways)
    income = {(measure, str(day), currency): 1 for measure in FUND[:-1]}
    out = {("fund_draw", str(day), currency): -1, ("closing", str(day), currency): -1}
    made.equations.append(income | out)
    before = ("closing", str(date.fromordinal(day.toordinal() - 1)), currency)
    if before in made.amounts:
        made.equations.append({before: 1, ("opening", str(day), currency): -1})


def _gains(facts: Facts, where: dict[str, Any]) -> Parts:
    """Gains of lots by the client that they were taken from, or else the liquidator."""
    found: defaultdict[str, int] = defaultdict(int)
    for row in rows_where(facts.rows.rows(attribution.TAKEOVERS), **where):
        found[row["from_account_id"] or row["account_id"]] += max(0, row["result"])
    return found


def _rules(made: PublicTotals, day: date, currency: str) -> None:
    compared = made.facts.rows.rows(attribution.RULE_COMPARISON)
    for row in rows_where(made.facts.rows.rows(attribution.RULE_TOTALS), **made.facts.same(day, currency)):
        where = f"{day} {row['rule']}"
        charged, uncovered, fund = (
            (f"rule_{part}", where, currency) for part in ("charged", "uncovered", "to_fund")
        )
        short = _behind(made.facts, made.facts.same(day, currency))["uncovered"]
        charges = by_account(
            rows_where(compared, **made.facts.same(day, currency), rule=row["rule"]), "charge"
        )
        made.put(charged, row["charged"], payers=charges, **short)
        made.put(uncovered, row["uncovered"], **short)
        made.put(fund, row["to_fund"], payers=charges)
        made.put_number(("rule_payers", where, currency), row["payers"])
        session = {(measure, str(day), currency): -1 for measure in ("socialised", "uncovered")}
        made.equations.append({charged: 1, uncovered: 1, fund: -1, **session})
        (losses,) = rows_where(
            made.facts.rows.rows(attribution.SESSION_LOSSES), **made.facts.same(day, currency)
        )
        if losses["method"] == row["rule"]:
            made.equations.append({charged: 1, ("socialised", str(day), currency): -1})
            made.equations.append({("rule_payers", where, currency): 1, ("payers", str(day), currency): -1})


def _range(made: PublicTotals, currency: str) -> None:
    behind = _behind(made.facts, {"currency": currency})
    for measure in PAID:
        days = [(measure, str(day), currency) for day in made.facts.days]
        amount = sum(made.amounts[name] for name in days)
        made.put((measure, ALL, currency), amount, **behind[measure])
        made.equations.append({(measure, ALL, currency): 1, **dict.fromkeys(days, -1)})


def _classes(made: PublicTotals, currency: str) -> None:
    events = rows_where(made.facts.events_by_client, currency=currency)
    charges = rows_where(made.facts.rows.rows(attribution.SOCIALISED_LOSSES), currency=currency)
    sources: tuple[tuple[str, list[Any], str], ...] = (
        ("deficit", rows_where(events, protected=True), "deficit"),
        ("unprotected_deficit", rows_where(events, protected=False), "deficit"),
        ("socialised", charges, "charge"),
    )
    names = classes(made.facts, currency)
    for measure, rows, column in sources:
        for name in names:
            mine = rows_where(rows, client_class=name)
            way = PAYERS if measure == "socialised" else LOSERS
            made.put((measure, name, currency), sum_column(mine, column), **{way: by_account(mine, column)})
            made.put_number((f"{measure}_accounts", name, currency), count_accounts(mine))
        parts = {(measure, name, currency): -1 for name in names}
        made.equations.append({(measure, ALL, currency): 1, **parts})
    # If only one session had payers and each payer has one class, both counts are of the same accounts.
    payers = [
        ("payers", str(day), currency)
        for day in made.facts.days
        if made.amounts["payers", str(day), currency]
    ]
    made.equations.append(
        {("socialised_accounts", n, currency): 1 for n in names} | dict.fromkeys(payers, -1)
    )


def _causes(made: PublicTotals, currency: str, covered: bool, words: str) -> None:
    """The sum of the causes of a kind is assumed to be known to readers."""
    mine = deficit_causes.episodes(made.facts, currency, covered)
    owners = {(row["business_date"], row["episode_id"]): row["account_id"] for row in mine}
    behind: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in made.facts.rows.rows(attribution.LOSS_COMPONENTS_TABLE):
        owner = owners.get((row["business_date"], row["episode_id"]))
        if owner is not None:
            behind[row["component"]][owner] += row["amount"]
    names: list[Name] = []
    for component, amount in deficit_causes.sums(made.facts, mine).items():
        names.append((f"cause_{component}", words, currency))
        made.put(names[-1], amount, losers=behind[component])
    made.equations.append(dict.fromkeys(names, 1))


def classes(facts: Facts, currency: str) -> list[str]:
    """Client classes with an account that fell below zero or was charged."""
    tables = (attribution.NEGATIVE_BALANCES, attribution.SOCIALISED_LOSSES)
    rows: Iterable[Any] = (
        row for table in tables for row in rows_where(facts.rows.rows(table), currency=currency)
    )
    return sorted({row["client_class"] for row in rows})
