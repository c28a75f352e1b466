"""Sections on a negative balance and the fund's draw for it (rules.md sections 9 and 10)."""

from collections.abc import Collection, Iterator

from lossledger.engine.rows import NegativeBalance
from lossledger.engine.rules.lot_results import CAUSE
from lossledger.readers.document.model import Formula, Section
from lossledger.readers.explain.narrative import Narrative, count_text, sum_text, unit_name, when
from lossledger.readers.explain.session_waterfall import Draw, SessionWaterfall
from lossledger.readers.explain.takeover_closings import loss_section
from lossledger.schemas import attribution


def loss_sections(narrative: Narrative, only: Collection[str] | None = None) -> Iterator[Section]:
    """For every negative-balance event of the units, or some: the deficit, then the fund."""
    keys = {unit.key for unit in narrative.units}
    for event in narrative.session.rows.negative_balances:
        mine = (event.account_id, event.currency, event.isolation) in keys or event.cause == CAUSE
        if mine and (only is None or event.event_id in only):
            yield (
                loss_section(narrative, event.event_id)
                if event.cause == CAUSE
                else _deficit(narrative, event)
            )
            if event.protected:
                yield _fund(narrative, event)


def _deficit(narrative: Narrative, event: NegativeBalance) -> Section:
    unit = next(u for u in narrative.units if u.key == (event.account_id, event.currency, event.isolation))
    section = Section(f"Below zero: {event.event_id} ({unit_name(unit.key)})", rule="9")
    section.write(
        f"At {when(event.ts)} UTC, after all events of that time, the unit was flat and its wallet below zero. Of what "
        "is below zero only what goes beyond the account's earlier debt is new."
    )
    wallet, debt = _before(narrative, event)
    deficit, at, owed = (narrative.money(event.currency, amount) for amount in (event.deficit, wallet, debt))
    section.add(
        Formula("deficit = max(0, −wallet) − debt", f"max(0, −({at})) − {owed}", deficit),
    )
    causes = {
        "liquidation": f"the liquidation {event.episode_id} ended flat at that time",
        "trading": "the unit had a fill at that time and no liquidation ended flat",
        "transfer": "neither a liquidation ended flat nor was there a fill at that time",
    }
    section.write(f"The cause is {event.cause}: {causes[event.cause]}.")
    accounts = narrative.origins.reference("accounts", f"account_id {event.account_id}")
    if event.protected:
        section.write(
            f"The deficit is covered: the account ({event.client_class}) has negative balance protection then, and the "
            "cause is no transfer. The wallet is reset to what the account owed before, and the deficit goes to the "
            "waterfall: the insurance fund first, then the session's payers.",
            accounts,
        )
    else:
        why = "the cause is a transfer" if event.cause == "transfer" else "the account is not protected then"
        section.write(
            f"The deficit is not covered ({why}): it becomes a debt of the account, a receivable outside the "
            "waterfall. The fund pays nothing of it and nobody else is charged for it.",
            accounts,
        )
    transfers = narrative.money(event.currency, event.session_transfers)
    section.write(f"Transfers of the unit in the session until then, in sum: {transfers}.")
    section.add(*narrative.comparison.compare_rows(attribution.NEGATIVE_BALANCES, event_id=event.event_id))
    return section


def _before(narrative: Narrative, event: NegativeBalance) -> tuple[int, int]:
    """Wallet and debt of the unit when it was looked at: before the reset or the new debt."""
    key = (event.account_id, event.currency, event.isolation)
    unit = next(u for u in narrative.units if u.key == key)
    wallet, debt = unit.given.wallet, unit.given.debt
    for entry in unit.entries:
        if entry.ts == event.ts and entry.kind in ("reset", "debt"):
            break
        wallet = entry.wallet
        debt += entry.amount if entry.kind == "debt" else 0
    return wallet, debt


def _fund(narrative: Narrative, event: NegativeBalance) -> Section:
    losses = narrative.comparison.losses[event.currency]
    draw = losses.draw(event)
    section = Section(f"What the insurance fund paid of {event.event_id}", rule="10")
    _add_place(narrative, losses, draw, section)
    names = ("deficit", "balance", "floor")
    deficit, balance, floor = (
        narrative.money(event.currency, amount) for amount in (event.deficit, draw.balance, draw.floor)
    )
    section.add(
        Formula(
            f"draw = min({names[0]}, max(0, {names[1]} − {names[2]}))",
            f"min({deficit}, max(0, {balance} − {floor}))",
            narrative.money(event.currency, draw.available),
            (narrative.policy_source("fund_floor"),),
        )
    )
    if draw.amount != draw.available:
        section.write(
            "That is less than the deficit, and by policy fund_draw_rule: all_or_nothing the fund then pays nothing.",
            narrative.policy_source("fund_draw_rule"),
        )
    section.add(
        Formula(
            "shortfall = deficit − draw",
            f"{deficit} − {narrative.money(event.currency, draw.amount)}",
            narrative.money(event.currency, event.deficit - draw.amount),
        ),
    )
    _add_after(narrative, losses, draw, section)
    return section


def _add_place(narrative: Narrative, losses: SessionWaterfall, draw: Draw, section: Section) -> None:
    currency = losses.currency
    covered = count_text(draw.places, "covered deficit")
    drew = f"In the session {covered} drew on it, in order of time, account and isolation"
    section.write(f"There is one fund for {currency}. {drew}; this one is number {draw.place}.")
    if draw.at_session_end:
        section.write(
            f"By policy fund_draws: at_session_end no draw is made at the event; all are made at {when(draw.ts)} UTC, "
            "after every other movement of the session, in the order of their events.",
            narrative.policy_source("fund_draws"),
        )
    balance = narrative.money(currency, draw.balance)
    day = narrative.origins.published(attribution.INSURANCE_FUND_DAILY, losses.fund)
    if draw.after is None:
        text = f"No movement came before it in the session: the balance is the opening, {balance}."
        section.write(text, day, read=True)
        return
    left = narrative.money(currency, losses.units(draw.after, "balance"))
    section.write(
        f"The last movement before it is number {draw.after['seq']} ({draw.after['kind']}, {draw.after['ref']}, at "
        f"{when(draw.after['ts'])} UTC), which left a balance of {left}.",
        narrative.origins.published(attribution.INSURANCE_FUND_LEDGER, draw.after),
        read=True,
    )
    opening = losses.units(losses.fund, "opening")
    parts = sum_text([narrative.money(currency, amount) for amount in (opening, draw.balance - opening)])
    section.add(Formula("balance = opening + Σ movements until then", parts, balance, (day,)))
    section.add(*narrative.comparison.compare_balance(draw))


def _add_after(narrative: Narrative, losses: SessionWaterfall, draw: Draw, section: Section) -> None:
    currency = losses.currency
    after = narrative.money(currency, draw.balance - draw.amount)
    if not draw.amount:
        section.write(
            f"The fund pays nothing of it, and its balance stays {after}; a draw of zero is no movement."
        )
    else:
        section.write(f"The draw leaves a balance of {after}.")
    section.add(*narrative.comparison.compare_draw(draw))
    if draw.event.deficit > draw.amount:
        short = narrative.money(currency, draw.event.deficit - draw.amount)
        section.write(f"The shortfall of {short} is shared at the end of the session.")
