"""I: negative balance protection per client, independent of who paid for it."""

from datetime import date
from fractions import Fraction

from lossledger.readers.document.model import Block, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing, Share
from lossledger.readers.published_rows import count_accounts, rows_where
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections.client_losses import principal, unprotected
from lossledger.readers.report.sections.loss_sharing import largest_of
from lossledger.schemas import attribution

_PROTECTION = ("attribution.protection_daily",)
_EVENTS = ("attribution.negative_balances",)


def protection(facts: Facts) -> Section:
    blocks: list[Block] = [
        Paragraph(
            "A protected client must not owe more than what is in the account. Protection is booked per risk unit (an "
            "isolated position is one of its own); beside it stands the same per account and currency, as "
            "supervisors read it. Equity across currencies is not added up: there is no exchange rate in the data."
        ),
        _tests(facts),
        _per_account(facts),
        principal(facts),
        unprotected(facts),
        _unknown(),
    ]
    return Section("Negative balance protection", blocks, "protection", "I")


def _tests(facts: Facts) -> TableBlock:
    debts: dict[tuple[object, ...], int] = {}
    for row in facts.rows.rows(attribution.RECEIVABLES_DAILY):
        debts[row["business_date"], row["account_id"], row["currency"], row["isolation"]] = row[
            "closing_debt"
        ]
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        same = facts.same(day, currency)
        clients = rows_where(facts.rows.rows(attribution.ACCOUNT_DAILY), account_type="client", **same)
        covered = rows_where(facts.rows.rows(attribution.NEGATIVE_BALANCES), protected=True, **same)
        resets = {(row["account_id"], row["isolation"]) for row in covered}
        # covered units without position whose equity is below zero at the end and that have no debt
        held = {
            (r["account_id"], r["isolation"])
            for r in rows_where(facts.rows.rows(attribution.POSITIONS_DAILY), **same)
        }
        below = [
            row
            for row in clients
            if (row["account_id"], row["isolation"]) in resets - held
            and row["equity"] < 0
            and not debts.get((day, row["account_id"], currency, row["isolation"]))
        ]
        rows.append(
            (day, currency, count_accounts(clients), count_accounts(covered), len(covered), count_accounts(below),
             facts.amount(largest_of(covered, "deficit"), currency), _liability(facts, day, currency))
        )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn(
            "tested", "clients tested", "Client accounts with activity, a position or a balance.", True
        ),
        TableColumn("protected", "protected below zero", "Accounts whose deficit was covered.", True),
        TableColumn("events", "covered events", "", True),
        TableColumn(
            "breaches",
            "below zero after processing",
            "Protected accounts; 0 is what protection promises.",
            True,
        ),
        TableColumn("largest", "largest covered deficit", "", True),
        TableColumn(
            "liability", "largest liability / funds", "Of an account with any; the others are below.", True
        ),
    )
    source = (
        *_EVENTS,
        *_PROTECTION,
        "attribution.account_daily",
        "attribution.positions_daily",
        "attribution.receivables_daily",
    )
    return TableBlock("protection", "The test, day by day", columns, tuple(rows), source, 2)


def _liability(facts: Facts, day: date, currency: str) -> Cell:
    """The largest ratio of deficit to equity. Accounts without equity have none; the table below shows a dash."""
    mine = rows_where(facts.rows.rows(attribution.PROTECTION_DAILY), **facts.same(day, currency))
    held = [row for row in mine if row["account_equity"]]
    if not held:
        return Missing("no account that was covered held anything" if mine else "nobody was covered")
    most = max(held, key=lambda row: Fraction(row["deficit"], row["account_equity"]))
    return Share(most["deficit"], most["account_equity"])


def _per_account(facts: Facts) -> TableBlock:
    names = ("deficit", "fund_draw", "shortfall", "account_equity", "within_account_equity")
    found = sorted(
        facts.rows.rows(attribution.PROTECTION_DAILY),
        key=lambda row: (row["currency"], -row["deficit"], row["business_date"], row["account_id"]),
    )
    rows = tuple(
        (row["business_date"], row["account_id"], row["currency"], row["client_class"], row["events"],
         *(facts.amount(row[name], row["currency"]) for name in names), Share(row["deficit"], row["account_equity"]))
        for row in found
    )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("account_id", "account"),
        TableColumn("currency", "currency"),
        TableColumn("client_class", "class"),
        TableColumn("events", "events", "", True),
        TableColumn("deficit", "covered deficit", "", True),
        TableColumn("fund_draw", "fund draw", "", True),
        TableColumn("shortfall", "shortfall", "", True),
        TableColumn(
            "account_equity", "held in all units", "At the end of the session, later deposits included.", True
        ),
        TableColumn(
            "within", "within what it held", "min(deficit, held): what the account could have paid.", True
        ),
        TableColumn(
            "liability", "deficit / held", "Rounded to a tenth; a dash where nothing was held.", True
        ),
    )
    title = "Protection per client, the largest covered deficit first"
    return TableBlock("protection_accounts", title, columns, rows, _PROTECTION, 3, shown=20)


def _unknown() -> TableBlock:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (what, Missing(why))
        for what, why in (
            (
                "Close-out at 50 % of initial margin",
                "initial margin is not delivered, only maintenance margin is",
            ),
            ("Equity across currencies", "no exchange rate is delivered"),
            ("Several accounts of one client", "no delivery says which accounts are one client's"),
            ("Time below zero, in seconds", "a balance is reset at the instant at which it falls below zero"),
        )
    )
    columns = (TableColumn("what", "what"), TableColumn("value", "value"))
    return TableBlock("protection_unknown", "What the data cannot tell of protection", columns, rows, _EVENTS)
