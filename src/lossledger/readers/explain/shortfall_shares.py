"""The session's shortfall on its payers, and this account's share (rules.md section 11)."""

from collections.abc import Iterator

from lossledger.readers.explain.document import Formula, Grid, Row, Section, Source
from lossledger.readers.explain.narrative import Teller, added, counted, unit_name, when
from lossledger.readers.explain.session_waterfall import Losses, Share
from lossledger.schemas import attribution
from lossledger.schemas.ledger import UNIT_CHARGES


def sharing_sections(teller: Teller, currencies: list[str]) -> Iterator[Section]:
    for currency in currencies:
        losses = teller.comparison.losses[currency]
        section = session_section(teller, losses)
        _tell_account(teller, losses, section)
        section.add(*teller.comparison.compared(attribution.SOCIALISED_LOSSES, currency=currency))
        section.add(*teller.comparison.compared(UNIT_CHARGES, currency=currency))
        yield section


def session_section(teller: Teller, losses: Losses) -> Section:
    """What became of the session's shortfall in a currency, whoever pays."""
    section = Section(f"Sharing the session's shortfall in {losses.currency}", "11")
    _tell_session(teller, losses, section)
    section.add(*teller.comparison.session_losses(losses))
    return section


def losses_source(teller: Teller, losses: Losses) -> Source:
    return teller.origins.published(attribution.SESSION_LOSSES, losses.totals)


def _tell_session(teller: Teller, losses: Losses, section: Section) -> None:
    """The shortfall L, over all accounts, and what of it was charged."""
    currency, totals = losses.currency, losses.totals
    names = ("deficit", "fund_draw", "shortfall", "socialised", "uncovered", "basis_total")
    deficit, draw, short, charged, uncovered, basis = (
        teller.money(currency, losses.units(totals, name)) for name in names
    )
    covered = [row for row in losses.events if row["protected"]]
    section.say(
        f"Of all accounts, {counted(len(covered), 'covered deficit')}, {deficit} in sum, arose in the session; the "
        f"fund paid {draw}. The shortfall is L = {short}; {charged} of it was charged and {uncovered} stays uncovered.",
        losses_source(teller, losses),
        read=True,
    )
    section.add(
        Formula(
            "L = Σ shortfalls of the session's covered deficits",
            f"the sum of {counted(len(covered), 'row')} of attribution.negative_balances",
            teller.money(currency, losses.shortfall),
            (losses_source(teller, losses),),
        )
    )
    section.say(
        f"The method in force just before the end ({when(teller.session.inputs.end)} UTC) is {losses.method}; the "
        f"bases of all payers sum to {basis}.",
        teller.policy_source("sharing"),
        losses_source(teller, losses),
        read=True,
    )


def _tell_account(teller: Teller, losses: Losses, section: Section) -> None:
    if teller.session.account.is_house:
        section.say("This is a house account: it never pays a charge.")
        return
    if losses.method == "none":
        section.say("By policy sharing: none nobody is charged; the whole shortfall stays uncovered.")
        return
    _tell_basis(teller, losses, section)
    share = losses.share
    if not share.basis:
        section.say("The account has no basis, so it is no payer and is charged nothing.")
    elif not share.shortfall:
        section.say("There is no shortfall, so nobody is charged.")
    else:
        _tell_share(teller, losses, share, section)


def _tell_basis(teller: Teller, losses: Losses, section: Section) -> None:
    """Π, equity and κ over the account's units, and the basis."""
    currency, rows = losses.currency, []
    for unit in teller.session.rows.unit_sessions:
        if unit.currency != currency:
            continue
        equity = unit.closing_wallet + unit.closing_unrealised
        amounts = (
            *(unit.realised_pnl, unit.fees, unit.funding, unit.closing_unrealised, unit.opening_unrealised),
            *(equity, max(0, equity)),
        )
        key = next(u.key for u in teller.session.traced if u.key[:] == unit[:3])
        place = {"business_date": teller.session.day.day, **key._asdict()}
        source = teller.origins.published(attribution.ACCOUNT_DAILY, place)
        rows.append(Row((unit_name(key), *(teller.money(currency, amount) for amount in amounts)), (source,)))
    head = (
        *("unit", "realised PnL", "fees", "funding received", "uPnL just before E", "uPnL just before S"),
        *("equity just before E", "max(0, equity)"),
    )
    section.add(Grid("The account's units at the end of the session", head, tuple(rows)))
    profit, held, chargeable = (teller.money(currency, amount) for amount in losses.result)
    basis = teller.money(currency, losses.share.basis)
    if losses.method == "equity_prorata":
        section.add(Formula("basis = max(0, Σ equity just before E)", f"max(0, {held})", basis))
        return
    section.add(
        Formula(
            "Π = Σ (realised − fees + funding + uPnL just before E − uPnL just before S)",
            _profit(teller, losses),
            profit,
        ),
        Formula("κ = Σ max(0, equity just before E)", added([row.cells[-1] for row in rows]), chargeable),
        Formula("basis = min(max(0, Π), κ)", f"min(max(0, {profit}), {chargeable})", basis),
    )


def _profit(teller: Teller, losses: Losses) -> str:
    """The terms of Π with their sums over the account's units."""
    units = [unit for unit in teller.session.rows.unit_sessions if unit.currency == losses.currency]
    terms = (
        sum(unit.realised_pnl for unit in units),
        -sum(unit.fees for unit in units),
        sum(unit.funding for unit in units),
        sum(unit.closing_unrealised for unit in units),
        -sum(unit.opening_unrealised for unit in units),
    )
    return added([teller.money(losses.currency, amount) for amount in terms])


def _tell_share(teller: Teller, losses: Losses, share: Share, section: Section) -> None:
    currency = losses.currency
    lost, basis, total, charge = (
        teller.money(currency, amount) for amount in (share.shortfall, share.basis, share.total, share.charge)
    )
    if share.whole:
        section.say(f"L = {lost} is not less than Σ basis = {total}: every payer is charged its whole basis.")
        section.add(Formula("charge = basis", str(basis), charge))
    else:
        _tell_remainder(teller, losses, share, section)
    _tell_booking(teller, losses, section)


def _tell_remainder(teller: Teller, losses: Losses, share: Share, section: Section) -> None:
    """Whole ledger units by largest remainder."""
    currency = losses.currency
    lost, basis, total, quota, charge = (
        teller.money(currency, amount)
        for amount in (share.shortfall, share.basis, share.total, share.quota, share.charge)
    )
    unit = teller.money(currency, 1)
    section.add(
        Formula("quota = L × basis / Σ basis, whole ledger units", f"{lost} × {basis} / {total}", quota),
        Formula(
            "remainder = L × basis − quota × Σ basis, in ledger units squared",
            f"(L × basis) mod Σ basis, of Σ basis = {share.total}",
            share.rest,
        ),
    )
    more = share.rank <= share.left_over
    gets = f"gets one unit ({unit}) more" if more else "gets none of them"
    section.say(
        f"The whole units of all payers leave {share.left_over} ledger units of {unit} over, which go one each to the "
        f"largest remainders, ties to the smaller account_id. Among those who were charged this account's remainder is "
        f"number {share.rank}: it {gets}. The others' bases are read from attribution.socialised_losses.",
        read=True,
    )
    section.add(Formula("charge = quota + unit left over", f"{quota} + {unit if more else 0}", charge))


def _tell_booking(teller: Teller, losses: Losses, section: Section) -> None:
    booked = [
        f"{teller.money(losses.currency, amount)} on {unit_name(key)}"
        for key, amount in sorted(teller.comparison.unit_charges().items())
        if key.currency == losses.currency
    ]
    if booked:
        section.say(
            f"It is booked at {when(teller.session.inputs.end)} UTC, before any other event of that time, on the "
            f"account's units in order of isolation, each giving at most its equity: {'; '.join(booked)}. So it lowers "
            "the wallet of the next date."
        )
