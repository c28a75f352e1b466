"""The session's shortfall on its payers, and this account's share (rules.md section 11)."""

from collections.abc import Iterator

from lossledger.readers.document.model import Citation, CitedRow, Formula, Section, cited_table
from lossledger.readers.explain.narrative import Narrative, count_text, sum_text, unit_name, when
from lossledger.readers.explain.session_waterfall import AccountShare, SessionWaterfall
from lossledger.schemas import attribution
from lossledger.schemas.ledger import UNIT_CHARGES


def sharing_sections(narrative: Narrative, currencies: list[str]) -> Iterator[Section]:
    for currency in currencies:
        losses = narrative.comparison.losses[currency]
        section = session_section(narrative, losses)
        _add_account(narrative, losses, section)
        section.add(*narrative.comparison.compare_rows(attribution.SOCIALISED_LOSSES, currency=currency))
        section.add(*narrative.comparison.compare_rows(UNIT_CHARGES, currency=currency))
        yield section


def session_section(narrative: Narrative, losses: SessionWaterfall) -> Section:
    """How the session's shortfall in a currency was shared, over all accounts."""
    section = Section(f"Sharing the session's shortfall in {losses.currency}", rule="11")
    _add_session(narrative, losses, section)
    section.add(*narrative.comparison.compare_session_losses(losses))
    return section


def losses_source(narrative: Narrative, losses: SessionWaterfall) -> Citation:
    return narrative.origins.published(attribution.SESSION_LOSSES, losses.totals)


def _add_session(narrative: Narrative, losses: SessionWaterfall, section: Section) -> None:
    """Adds the shortfall L over all accounts and the part that was charged."""
    currency, totals = losses.currency, losses.totals
    names = ("deficit", "fund_draw", "shortfall", "socialised", "uncovered", "basis_total")
    deficit, draw, short, charged, uncovered, basis = (
        narrative.money(currency, losses.units(totals, name)) for name in names
    )
    covered = [row for row in losses.events if row["protected"]]
    section.write(
        f"Of all accounts, {count_text(len(covered), 'covered deficit')}, {deficit} in sum, arose in the session; the "
        f"fund paid {draw}. The shortfall is L = {short}; {charged} of it was charged and {uncovered} stays uncovered.",
        losses_source(narrative, losses),
        read=True,
    )
    section.add(
        Formula(
            "L = Σ shortfalls of the session's covered deficits",
            f"the sum of {count_text(len(covered), 'row')} of attribution.negative_balances",
            narrative.money(currency, losses.shortfall),
            (losses_source(narrative, losses),),
        )
    )
    section.write(
        f"The method in force just before the end ({when(narrative.session.inputs.end)} UTC) is {losses.method}; the "
        f"bases of all payers sum to {basis}.",
        narrative.policy_source("sharing"),
        losses_source(narrative, losses),
        read=True,
    )


def _add_account(narrative: Narrative, losses: SessionWaterfall, section: Section) -> None:
    if narrative.session.account.is_house:
        section.write("This is a house account: it never pays a charge.")
        return
    if losses.method == "none":
        section.write("By policy sharing: none nobody is charged; the whole shortfall stays uncovered.")
        return
    _add_basis(narrative, losses, section)
    share = losses.share
    if not share.basis:
        section.write("The account has no basis, so it is no payer and is charged nothing.")
    elif not share.shortfall:
        section.write("There is no shortfall, so nobody is charged.")
    else:
        _add_share(narrative, losses, share, section)


def _add_basis(narrative: Narrative, losses: SessionWaterfall, section: Section) -> None:
    """Π, equity and κ over the account's units, and the basis."""
    currency, rows = losses.currency, []
    for unit in narrative.session.rows.unit_sessions:
        if unit.currency != currency:
            continue
        equity = unit.closing_wallet + unit.closing_unrealised
        amounts = (
            *(unit.realised_pnl, unit.fees, unit.funding, unit.closing_unrealised, unit.opening_unrealised),
            *(equity, max(0, equity)),
        )
        key = next(u.key for u in narrative.session.traced if u.key[:] == unit[:3])
        place = {"business_date": narrative.session.day.day, **key._asdict()}
        source = narrative.origins.published(attribution.ACCOUNT_DAILY, place)
        rows.append(
            CitedRow((unit_name(key), *(narrative.money(currency, amount) for amount in amounts)), (source,))
        )
    head = (
        *("unit", "realised PnL", "fees", "funding received", "uPnL just before E", "uPnL just before S"),
        *("equity just before E", "max(0, equity)"),
    )
    section.add(cited_table("The account's units at the end of the session", head, rows))
    profit, held, chargeable = (narrative.money(currency, amount) for amount in losses.result)
    basis = narrative.money(currency, losses.share.basis)
    if losses.method == "equity_prorata":
        section.add(Formula("basis = max(0, Σ equity just before E)", f"max(0, {held})", basis))
        return
    section.add(
        Formula(
            "Π = Σ (realised − fees + funding + uPnL just before E − uPnL just before S)",
            _profit(narrative, losses),
            profit,
        ),
        Formula("κ = Σ max(0, equity just before E)", sum_text([row.cells[-1] for row in rows]), chargeable),
        Formula("basis = min(max(0, Π), κ)", f"min(max(0, {profit}), {chargeable})", basis),
    )


def _profit(narrative: Narrative, losses: SessionWaterfall) -> str:
    """The terms of Π with their sums over the account's units."""
    units = [unit for unit in narrative.session.rows.unit_sessions if unit.currency == losses.currency]
    terms = (
        sum(unit.realised_pnl for unit in units),
        -sum(unit.fees for unit in units),
        sum(unit.funding for unit in units),
        sum(unit.closing_unrealised for unit in units),
        -sum(unit.opening_unrealised for unit in units),
    )
    return sum_text([narrative.money(losses.currency, amount) for amount in terms])


def _add_share(narrative: Narrative, losses: SessionWaterfall, share: AccountShare, section: Section) -> None:
    currency = losses.currency
    lost, basis, total, charge = (
        narrative.money(currency, amount)
        for amount in (share.shortfall, share.basis, share.total, share.charge)
    )
    if share.whole:
        section.write(
            f"L = {lost} is not less than Σ basis = {total}: every payer is charged its whole basis."
        )
        section.add(Formula("charge = basis", str(basis), charge))
    else:
        _add_remainder(narrative, losses, share, section)
    _add_booking(narrative, losses, section)


def _add_remainder(
    narrative: Narrative, losses: SessionWaterfall, share: AccountShare, section: Section
) -> None:
    """Whole ledger units by largest remainder."""
    currency = losses.currency
    lost, basis, total, quota, charge = (
        narrative.money(currency, amount)
        for amount in (share.shortfall, share.basis, share.total, share.quota, share.charge)
    )
    unit = narrative.money(currency, 1)
    section.add(
        Formula("quota = L × basis / Σ basis, whole ledger units", f"{lost} × {basis} / {total}", quota),
        Formula(
            "remainder = L × basis − quota × Σ basis, in ledger units squared",
            f"(L × basis) mod Σ basis, of Σ basis = {share.total:,}",
            share.rest,
        ),
    )
    more = share.rank <= share.left_over
    gets = f"gets one unit ({unit}) more" if more else "gets none of them"
    section.write(
        f"The whole units of all payers leave {share.left_over} ledger units of {unit} over, which go one each to the "
        f"largest remainders, ties to the smaller account_id. Among those who were charged this account's remainder is "
        f"number {share.rank}: it {gets}. The others' bases are read from attribution.socialised_losses.",
        read=True,
    )
    section.add(Formula("charge = quota + unit left over", f"{quota} + {unit if more else 0}", charge))


def _add_booking(narrative: Narrative, losses: SessionWaterfall, section: Section) -> None:
    booked = [
        f"{narrative.money(losses.currency, amount)} on {unit_name(key)}"
        for key, amount in sorted(narrative.comparison.unit_charges().items())
        if key.currency == losses.currency
    ]
    if booked:
        section.write(
            f"It is booked at {when(narrative.session.inputs.end)} UTC, before any other event of that time, on the "
            f"account's units in order of isolation, each giving at most its equity: {'; '.join(booked)}. So it lowers "
            "the wallet of the next date."
        )
