"""G: who was charged, by class and how concentrated; the house's own result beside it; auto-deleveraging; fees."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from readers.asides import asides
from readers.report.facts import Facts
from readers.report.model import Block, Cell, Column, Paragraph, Section, Share, Table, Time
from readers.rows import accounts, of, total
from readers.session_figures import fees_below_zero
from schemas import attribution

_CHARGES = ("attribution.socialised_losses",)
_DAILY = ("attribution.account_daily",)
_MONEY = ("realised_pnl", "fees", "funding")


def sharing(facts: Facts) -> Section:
    blocks: list[Block] = [_by_class(facts), _concentration(facts), _result_by_type(facts), _charged(facts)]
    blocks += [_adl(facts), _fees(facts), _receivables(facts)]
    for title, told in asides(facts.rows):
        blocks.append(Paragraph(f"{title}. " + " ".join(told)))
    return Section("sharing", "G", "Loss sharing, deleveraging and debts", tuple(blocks))


def _by_class(facts: Facts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        charged = of(facts.rows.rows(attribution.SOCIALISED_LOSSES), **facts.same(day, currency))
        for name in sorted({row["client_class"] for row in charged}):
            mine = of(charged, client_class=name)
            charge, basis = total(mine, "charge"), total(mine, "basis")
            rows.append(
                (day, currency, name, len(mine), facts.amount(charge, currency), Share(charge, losses["socialised"]),
                 facts.amount(basis, currency), Share(charge, basis))
            )  # fmt: skip
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("client_class", "client class", "Just before the end of the session."),
        Column("payers", "payers", "Accounts with a charge.", True),
        Column("charge", "charged", "", True),
        Column("of_all", "of all charges", "Rounded to a tenth.", True),
        Column("basis", "basis of the payers", "What their charges are in proportion to.", True),
        Column("rate", "charge / basis", "Rounded to a tenth.", True),
    )
    return Table("charges_by_class", "Charges by client class", columns, tuple(rows), _CHARGES, 3)


def _concentration(facts: Facts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        charged = of(facts.rows.rows(attribution.SOCIALISED_LOSSES), **facts.same(day, currency))
        if not charged:
            continue
        amounts = sorted((row["charge"] for row in charged), reverse=True)
        whole, count = sum(amounts), len(amounts)
        shares = [Share(sum(amounts[:n]), whole) for n in (1, 5, 10)]
        squares = Share(sum(a * a for a in amounts), whole * whole)
        quantiles = [facts.amount(amounts[::-1][(count - 1) * q // 100], currency) for q in (50, 90)]
        basis = facts.amount(losses["basis_total"], currency)
        rows.append(
            (day, currency, count, basis, *shares, squares, *quantiles, facts.amount(amounts[0], currency))
        )
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("payers", "payers", "", True),
        Column("basis_total", "eligible base", "Sum of all bases.", True),
        Column("top_1", "largest payer", "Share of all charges, rounded to a tenth.", True),
        Column("top_5", "largest 5", "", True),
        Column("top_10", "largest 10", "", True),
        Column("hhi", "HHI", "Sum of squared shares: 100 % when one account pays all.", True),
        Column("median", "median charge", "The lower one of two.", True),
        Column("p90", "90th percentile", "", True),
        Column("most", "largest charge", "", True),
    )
    return Table("concentration", "How concentrated the charges are", columns, tuple(rows), _CHARGES, 2)


def _result_by_type(facts: Facts) -> Table:
    """Session profit (outputs.md, account_daily) summed over accounts of a type, beside what clients were charged."""
    sums: dict[tuple[Any, str, str], int] = defaultdict(int)
    for row in facts.rows.rows(attribution.ACCOUNT_DAILY):
        profit = row["realised_pnl"] - row["fees"] + row["funding"]
        profit += row["unrealised_pnl"] - row["opening_unrealised_pnl"]
        sums[row["business_date"], row["currency"], row["account_type"]] += profit
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        house, clients = (sums[day, currency, kind] for kind in ("house", "client"))
        amounts = (house, clients, losses["socialised"], losses["adl_loss"])
        rows.append((day, currency, *(facts.amount(amount, currency) for amount in amounts)))
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column(
            "house",
            "house result",
            "Session profit of house accounts: market makers, liquidation engine.",
            True,
        ),
        Column(
            "clients",
            "clients' result",
            "Session profit of client accounts, before charges and resets.",
            True,
        ),
        Column("socialised", "clients charged", "", True),
        Column("adl_loss", "ADL, in kind", "", True),
    )
    title = "The house's own result beside what clients paid"
    return Table("house", title, columns, tuple(rows), (*_DAILY, "attribution.session_losses"), 2)


def _charged(facts: Facts) -> Table:
    found = sorted(
        facts.rows.rows(attribution.SOCIALISED_LOSSES),
        key=lambda row: (row["currency"], -row["charge"], row["business_date"], row["account_id"]),
    )
    rows = tuple(
        (row["business_date"], row["account_id"], row["currency"], row["client_class"], row["method"],
         facts.amount(row["basis"], row["currency"]), facts.amount(row["charge"], row["currency"]),
         Share(row["charge"], row["basis"]))
        for row in found
    )  # fmt: skip
    columns = (
        Column("business_date", "session"),
        Column("account_id", "account"),
        Column("currency", "currency"),
        Column("client_class", "class"),
        Column("method", "sharing"),
        Column("basis", "basis", "", True),
        Column("charge", "charge", "", True),
        Column("rate", "charge / basis", "Rounded to a tenth.", True),
    )
    return Table("charges", "Every charge, the largest first", columns, rows, _CHARGES, 3, shown=20)


def _adl(facts: Facts) -> Table:
    rows = tuple(
        (row["fill_id"], Time(row["ts"]), row["account_id"], row["currency"], row["instrument_id"], row["side"],
         facts.amount(row["amount"], row["currency"]), row["against_account_id"] or "several or none")
        for row in sorted(
            facts.rows.rows(attribution.ADL_LOSSES), key=lambda r: (r["currency"], -r["amount"], r["fill_id"])
        )
    )  # fmt: skip
    columns = (
        Column("fill_id", "fill"),
        Column("ts", "time, UTC"),
        Column("account_id", "account"),
        Column("currency", "currency"),
        Column("instrument_id", "instrument"),
        Column("side", "side"),
        Column("amount", "lost", "Against the mark then in force, fee excluded.", True),
        Column("against", "relieved account"),
    )
    note = "The order in which the venue chose whom to deleverage is not in the data: not available."
    return Table("adl", "Auto-deleveraging, the largest losses first", columns, rows,
                 ("attribution.adl_losses",), 1, note, 20)  # fmt: skip


def _fees(facts: Facts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for day in facts.rows.days:
        for currency in facts.currencies:
            covered, uncovered = fees_below_zero(facts.rows, day, currency)
            rows.append(
                (day.day, currency, facts.amount(covered, currency), facts.amount(uncovered, currency))
            )
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("covered", "of covered deficits", "The part that the liquidations' own fees are.", True),
        Column("uncovered", "of receivables", "The part that the liquidations' own fees are.", True),
    )
    source = ("attribution.liquidations", "attribution.negative_balances")
    return Table("fees", "Liquidation fees that nobody could pay", columns, tuple(rows), source, 2)


def _receivables(facts: Facts) -> Table:
    names = ("opening_debt", "new_debt", "recovered", "closing_debt")
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        mine = of(facts.rows.rows(attribution.RECEIVABLES_DAILY), **facts.same(day, currency))
        rows.append(
            (day, currency, accounts(mine), *(facts.amount(total(mine, name), currency) for name in names))
        )
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("accounts", "accounts", "", True),
        Column("opening_debt", "opening", "", True),
        Column("new_debt", "+ new", "", True),
        Column("recovered", "− recovered", "", True),
        Column("closing_debt", "= closing", "", True),
    )
    source = ("attribution.receivables_daily",)
    return Table(
        "receivables", "Receivables: debts that protection does not cover", columns, tuple(rows), source, 2
    )


def largest_of(rows: Sequence[Any], column: str) -> int:
    """The largest value, 0 where there is none."""
    return max((row[column] for row in rows), default=0)
