"""Auto-deleveraging, and how the session closed (rules.md sections 5 and 8)."""

from collections.abc import Sequence

from lossledger.readers.document.model import CitedRow, Formula, RowComparison, Section, cited_table
from lossledger.readers.document.values import Amount
from lossledger.readers.explain.narrative import Narrative, unit_name, when
from lossledger.readers.explain.published_comparison import TABLES
from lossledger.schemas import attribution

_FLOWS = (
    ("opening_wallet", "opening"),
    ("transfers", "+ transfers"),
    ("realised_pnl", "+ realised PnL"),
    ("fees", "− fees"),
    ("funding", "+ funding"),
    ("negative_balance_reset", "+ reset"),
    ("surplus_forfeited", "− surplus"),
    ("socialised_charge", "− charge"),
)
_SETTLED = ("fund_settlement", "+ settled with the fund")  # of a liquidator


def adl_section(narrative: Narrative) -> Section | None:
    """The account's losses by auto-deleveraging; None if it had none."""
    keys = {unit.key for unit in narrative.units}
    losses = [a for a in narrative.session.rows.adl_losses if (a.account_id, a.currency, a.isolation) in keys]
    if not losses:
        return None
    section = Section("Auto-deleveraging", rule="8")
    section.write(
        "The account's position was reduced to take over a liquidated one. Each such fill is applied like any other; "
        "what the account would have had at the mark, less what it got, is its loss in kind, fee excluded. It is no "
        "part of the waterfall: neither the fund nor anybody else pays for it."
    )
    others = {
        row["fill_id"]: row["against_account_id"]
        for row in narrative.comparison.published[attribution.ADL_LOSSES.full_name]
    }
    rows = []
    for loss in losses:
        side = "buys" if loss.side > 0 else "sells"
        cells = (
            *(when(loss.ts), f"{loss.fill_id}: {side} {loss.instrument_id}", others.get(loss.fill_id) or ""),
            *(Amount(loss.quantity_e18), Amount(loss.price_e18), Amount(loss.mark_e18)),
            narrative.money(loss.currency, loss.amount),
        )
        mark = narrative.origins.tick(loss.instrument_id, loss.ts)
        rows.append(CitedRow(cells, (narrative.origins.fill(loss.fill_id), *mark)))
    head = (
        "time (UTC)",
        "fill",
        "against (read)",
        "quantity",
        "price",
        "mark in force",
        "lost: −equity change",
    )
    section.add(cited_table("ADL fills", head, rows, left=3))
    for loss in losses:
        section.add(*narrative.comparison.compare_rows(attribution.ADL_LOSSES, fill_id=loss.fill_id))
    return section


def close_section(narrative: Narrative, before: Sequence[Section]) -> Section:
    """The roll-forward of every unit's wallet, and all of the account's rows that no section before has compared."""
    section = Section("How the session closed", rule="5, 9")
    keys = [unit.key for unit in narrative.units]
    for unit in narrative.session.rows.unit_sessions:
        key = next((k for k in keys if k[:] == unit[:3]), None)
        if key is None:
            continue
        flows = [*_FLOWS, _SETTLED] if narrative.session.account.is_liquidator else _FLOWS
        formula = " ".join(label for _, label in flows)
        amounts = [str(narrative.money(key.currency, getattr(unit, name))) for name, _ in flows]
        signs = ["", *(label[0] + " " for _, label in flows[1:])]
        numbers = " ".join(
            f"{sign}({amount})" if amount.startswith("-") else f"{sign}{amount}"
            for sign, amount in zip(signs, amounts, strict=True)
        )
        closing = narrative.money(key.currency, unit.closing_wallet)
        section.add(Formula(f"{unit_name(key)}: closing wallet = {formula}", numbers, closing))
        worth = (unit.closing_wallet, unit.closing_unrealised, unit.closing_wallet + unit.closing_unrealised)
        wallet, unrealised, equity = (narrative.money(key.currency, amount) for amount in worth)
        section.add(Formula("equity = closing wallet + unrealised PnL", f"{wallet} + {unrealised}", equity))
    if not section.blocks:
        section.write(
            "The account had no activity, no position, no debt and an empty wallet: it has no row of the date."
        )
    done = {
        block.citation for section in before for block in section.blocks if isinstance(block, RowComparison)
    }
    for table in TABLES:
        section.add(*(row for row in narrative.comparison.compare_rows(table) if row.citation not in done))
    return section
