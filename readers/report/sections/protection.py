"""I: negative balance protection per client, independent of who paid for it."""

from collections import defaultdict

from readers.report.facts import Facts
from readers.report.model import Block, Cell, Column, Missing, Paragraph, Section, Share, Table
from readers.report.sections.sharing import largest_of
from readers.rows import accounts, of, total
from schemas import attribution

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
        _principal(facts),
        _unprotected(facts),
        _unknown(),
    ]
    return Section("protection", "I", "Negative balance protection", tuple(blocks))


def _tests(facts: Facts) -> Table:
    debts: dict[tuple[object, ...], int] = {}
    for row in facts.rows.rows(attribution.RECEIVABLES_DAILY):
        debts[row["business_date"], row["account_id"], row["currency"], row["isolation"]] = row[
            "closing_debt"
        ]
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        same = facts.same(day, currency)
        clients = of(facts.rows.rows(attribution.ACCOUNT_DAILY), account_type="client", **same)
        covered = of(facts.rows.rows(attribution.NEGATIVE_BALANCES), protected=True, **same)
        resets = {(row["account_id"], row["isolation"]) for row in covered}
        # after processing: covered units, flat at the end, that stand below zero and carry no debt for it
        held = {
            (r["account_id"], r["isolation"])
            for r in of(facts.rows.rows(attribution.POSITIONS_DAILY), **same)
        }
        below = [
            row
            for row in clients
            if (row["account_id"], row["isolation"]) in resets - held
            and row["equity"] < 0
            and not debts.get((day, row["account_id"], currency, row["isolation"]))
        ]
        rows.append(
            (day, currency, accounts(clients), accounts(covered), len(covered), accounts(below),
             facts.amount(largest_of(covered, "deficit"), currency))
        )  # fmt: skip
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("tested", "clients tested", "Client accounts with activity, a position or a balance.", True),
        Column("protected", "protected below zero", "Accounts whose deficit was covered.", True),
        Column("events", "covered events", "", True),
        Column(
            "breaches",
            "below zero after processing",
            "Protected accounts; 0 is what protection promises.",
            True,
        ),
        Column("largest", "largest covered deficit", "", True),
    )
    source = (
        *_EVENTS,
        "attribution.account_daily",
        "attribution.positions_daily",
        "attribution.receivables_daily",
    )
    return Table("protection", "The test, day by day", columns, tuple(rows), source, 2)


def _per_account(facts: Facts) -> Table:
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
        Column("business_date", "session"),
        Column("account_id", "account"),
        Column("currency", "currency"),
        Column("client_class", "class"),
        Column("events", "events", "", True),
        Column("deficit", "covered deficit", "", True),
        Column("fund_draw", "fund draw", "", True),
        Column("shortfall", "shortfall", "", True),
        Column(
            "account_equity", "held in all units", "At the end of the session, later deposits included.", True
        ),
        Column(
            "within", "within what it held", "min(deficit, held): what the account could have paid.", True
        ),
        Column("liability", "deficit / held", "Rounded to a tenth; a dash where nothing was held.", True),
    )
    title = "Protection per client, the largest covered deficit first"
    return Table("protection_accounts", title, columns, rows, _PROTECTION, 3, shown=20)


def _principal(facts: Facts) -> Table:
    """Charges beyond the session's profit: what is above it is paid from what the client had before."""
    profits: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for row in facts.rows.rows(attribution.ACCOUNT_DAILY):
        gain = row["realised_pnl"] - row["fees"] + row["funding"]
        gain += row["unrealised_pnl"] - row["opening_unrealised_pnl"]
        profits[row["business_date"], row["account_id"], row["currency"]] += gain
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        charged = of(facts.rows.rows(attribution.SOCIALISED_LOSSES), **facts.same(day, currency))
        beyond = [(row, row["charge"] - max(0, profits[day, row["account_id"], currency])) for row in charged]
        touched = [(row, amount) for row, amount in beyond if amount > 0]
        amounts = (sum(amount for _, amount in touched), max((amount for _, amount in touched), default=0))
        rows.append(
            (
                day,
                currency,
                len(charged),
                len(touched),
                *(facts.amount(amount, currency) for amount in amounts),
            )
        )
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("charges", "charges", "", True),
        Column("touching", "touch principal", "Charges above the account's profit of the session.", True),
        Column("amount", "from principal", "The part above the profit.", True),
        Column("largest", "largest such part", "", True),
    )
    source = ("attribution.socialised_losses", "attribution.account_daily")
    return Table("principal", "Charges that touch principal", columns, tuple(rows), source, 2)


def _unprotected(facts: Facts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        mine = of(
            facts.rows.rows(attribution.NEGATIVE_BALANCES), protected=False, **facts.same(day, currency)
        )
        retail = [row for row in mine if row["client_class"] == "retail" and row["cause"] != "transfer"]
        finding = "finding" if retail else "none"
        rows.append(
            (
                day,
                currency,
                len(retail),
                accounts(retail),
                facts.amount(total(retail, "deficit"), currency),
                finding,
            )
        )
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("events", "events", "Retail, not covered, not by a withdrawal.", True),
        Column("accounts", "accounts", "", True),
        Column("deficit", "deficit", "A debt of the clients.", True),
        Column("finding", "finding"),
    )
    return Table(
        "unprotected_retail", "Retail clients below zero without protection", columns, tuple(rows), _EVENTS, 2
    )


def _unknown() -> Table:
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
    columns = (Column("what", "what"), Column("value", "value"))
    return Table("protection_unknown", "What the data cannot tell of protection", columns, rows, _EVENTS)
