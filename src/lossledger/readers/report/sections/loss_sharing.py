"""G: charges by class and concentration, the house's own result, auto-deleveraging, fees."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lossledger.readers.document.model import Block, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Share
from lossledger.readers.footnotes import write_footnotes
from lossledger.readers.published_rows import rows_where, session_profit, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections.other_losses import adl, adl_daily, fees, receivables
from lossledger.schemas import attribution

_CHARGES = ("attribution.socialised_losses",)
_DAILY = ("attribution.account_daily",)
_MONEY = ("realised_pnl", "fees", "funding")


def sharing(facts: Facts) -> Section:
    blocks: list[Block] = [_by_class(facts), _concentration(facts), _result_by_type(facts), _charged(facts)]
    blocks += [adl_daily(facts), adl(facts), fees(facts), receivables(facts)]
    for title, sentences in write_footnotes(facts.rows):
        blocks.append(Paragraph(f"{title}. " + " ".join(sentences)))
    return Section("Loss sharing, deleveraging and debts", blocks, "sharing", "G")


def _by_class(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        charged = rows_where(facts.rows.rows(attribution.SOCIALISED_LOSSES), **facts.same(day, currency))
        for name in sorted({row["client_class"] for row in charged}):
            mine = rows_where(charged, client_class=name)
            charge, basis = sum_column(mine, "charge"), sum_column(mine, "basis")
            rows.append(
                (day, currency, name, len(mine), facts.amount(charge, currency), Share(charge, losses["socialised"]),
                 facts.amount(basis, currency), Share(charge, basis))
            )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("client_class", "client class", "Just before the end of the session."),
        TableColumn("payers", "payers", "Accounts with a charge.", True),
        TableColumn("charge", "charged", "", True),
        TableColumn("of_all", "of all charges", "Rounded to a tenth.", True),
        TableColumn("basis", "basis of the payers", "What their charges are in proportion to.", True),
        TableColumn("rate", "charge / basis", "Rounded to a tenth.", True),
    )
    return TableBlock("charges_by_class", "Charges by client class", columns, tuple(rows), _CHARGES, 3)


def _concentration(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        charged = rows_where(facts.rows.rows(attribution.SOCIALISED_LOSSES), **facts.same(day, currency))
        if not charged:
            continue
        amounts = sorted((row["charge"] for row in charged), reverse=True)
        whole, count = sum(amounts), len(amounts)
        shares = [Share(sum(amounts[:n]), whole) for n in (1, 5, 10)]
        squares = Share(sum(a * a for a in amounts), whole * whole)
        quantiles = [facts.amount(amounts[::-1][(count - 1) * q // 100], currency) for q in (50, 90)]
        basis = facts.amount(losses["basis_total"], currency)
        rows.append(
            (
                day,
                currency,
                count,
                basis,
                Share(whole, losses["basis_total"]),
                *shares,
                squares,
                *quantiles,
                facts.amount(amounts[0], currency),
            )
        )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("payers", "payers", "", True),
        TableColumn("basis_total", "eligible base", "Sum of all bases.", True),
        TableColumn("rate", "rate", "All charges / all bases, rounded to a tenth.", True),
        TableColumn("top_1", "largest payer", "Share of all charges, rounded to a tenth.", True),
        TableColumn("top_5", "largest 5", "", True),
        TableColumn("top_10", "largest 10", "", True),
        TableColumn("hhi", "HHI", "Sum of squared shares: 100 % when one account pays all.", True),
        TableColumn("median", "median charge", "The lower one of two.", True),
        TableColumn("p90", "90th percentile", "", True),
        TableColumn("most", "largest charge", "", True),
    )
    return TableBlock("concentration", "How concentrated the charges are", columns, tuple(rows), _CHARGES, 2)


def _result_by_type(facts: Facts) -> TableBlock:
    """Session profit (outputs.md, account_daily) of house and client accounts, and the clients' charges."""
    sums: dict[tuple[Any, str, str], int] = defaultdict(int)
    for row in facts.rows.rows(attribution.ACCOUNT_DAILY):
        sums[row["business_date"], row["currency"], row["account_type"]] += session_profit(row)
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        house, clients = (sums[day, currency, kind] for kind in ("house", "client"))
        amounts = (house, clients, losses["socialised"], losses["adl_loss"])
        rows.append((day, currency, *(facts.amount(amount, currency) for amount in amounts)))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn(
            "house",
            "house result",
            "Session profit of house accounts: market makers, liquidation engine.",
            True,
        ),
        TableColumn(
            "clients",
            "clients' result",
            "Session profit of client accounts, before charges and resets.",
            True,
        ),
        TableColumn("socialised", "clients charged", "", True),
        TableColumn("adl_loss", "ADL, in kind", "", True),
    )
    title = "The house's own result beside what clients paid"
    return TableBlock("house", title, columns, tuple(rows), (*_DAILY, "attribution.session_losses"), 2)


def _charged(facts: Facts) -> TableBlock:
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
        TableColumn("business_date", "session"),
        TableColumn("account_id", "account"),
        TableColumn("currency", "currency"),
        TableColumn("client_class", "class"),
        TableColumn("method", "sharing"),
        TableColumn("basis", "basis", "", True),
        TableColumn("charge", "charge", "", True),
        TableColumn("rate", "charge / basis", "Rounded to a tenth.", True),
    )
    return TableBlock("charges", "Every charge, the largest first", columns, rows, _CHARGES, 3, shown=20)


def largest_of(rows: Sequence[Any], column: str) -> int:
    """The largest value, 0 without rows."""
    return max((row[column] for row in rows), default=0)
