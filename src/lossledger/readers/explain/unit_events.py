"""Sections on a unit's opening state and its events (rules.md sections 3 to 5)."""

from collections.abc import Iterator
from itertools import groupby

from lossledger.readers.document.model import Citation, CitedRow, Section, cited_table
from lossledger.readers.document.values import Amount
from lossledger.readers.explain import unit_trace as trace
from lossledger.readers.explain.narrative import Narrative, unit_name, when, when_of_day
from lossledger.schemas.ledger import UNIT_CHARGES, UNIT_POSITIONS, UNIT_SESSIONS


def start_section(narrative: Narrative) -> Section:
    """The published closing state of the day before."""
    section = Section("How the session began", rule="3, 11")
    previous = narrative.session.inputs.previous
    if previous is None:
        section.write(
            "This is the warehouse's first date: every wallet starts at 0, and everything before the session's start "
            "that was delivered belongs to it."
        )
        return section
    section.write(
        f"The session starts from the close of {previous}, as published. Wallets, debts, positions and charges below "
        "are read from there; what they come from, explain of that date tells.",
        read=True,
    )
    rows = [_opening(narrative, unit) for unit in narrative.units]
    head = ("unit", "wallet", "debt", "charge to be booked at the start", "unrealised PnL", "equity")
    section.add(cited_table("Units at the start", head, rows, read=True))
    positions = [row for unit in narrative.units for row in _positions(narrative, unit)]
    if positions:
        of_position = ("unit", "instrument", "quantity", "entry value", "mark")
        section.add(cited_table("Positions at the start", of_position, tuple(positions), left=2, read=True))
    return section


def _opening(narrative: Narrative, unit: trace.TracedUnit) -> CitedRow:
    given, currency = unit.given, unit.key.currency
    amounts = (given.wallet, given.debt, given.charge, given.unrealised, given.wallet + given.unrealised)
    place = {"business_date": narrative.session.inputs.previous, **unit.key._asdict()}
    sources = [narrative.origins.before(UNIT_SESSIONS, place)]
    if given.charge:
        sources.append(narrative.origins.before(UNIT_CHARGES, place))
    return CitedRow(
        (unit_name(unit.key), *(narrative.money(currency, amount) for amount in amounts)), tuple(sources)
    )


def _positions(narrative: Narrative, unit: trace.TracedUnit) -> Iterator[CitedRow]:
    for instrument_id, quantity_e18, entry_value in sorted(unit.given.positions):
        mark = narrative.session.market.opening_marks.get(instrument_id)
        place = {"business_date": narrative.session.inputs.previous, **unit.key._asdict()}
        source = narrative.origins.before(UNIT_POSITIONS, place | {"instrument_id": instrument_id})
        amounts = (Amount(quantity_e18), narrative.money(unit.key.currency, entry_value), Amount(mark))
        yield CitedRow((unit_name(unit.key), instrument_id, *amounts), (source,))


def events_section(narrative: Narrative) -> Section:
    """All events of the units in the order of rules.md section 4, with the wallet, equity and margin after each."""
    section = Section("What happened", rule="4, 5, 6")
    for unit in narrative.units:
        rows = [row for _, together in _runs(unit) for row in _event_rows(narrative, unit, together)]
        if not rows:
            section.write(f"{unit_name(unit.key)}: nothing was booked on this unit in the session.")
            continue
        head = ("time (UTC)", "event", "booked on wallet", "wallet", "equity", "maintenance margin")
        section.add(
            cited_table(f"{unit_name(unit.key)}: events, with the unit after each", head, rows, left=2)
        )
    section.write(
        "Equity is the wallet plus the unrealised PnL of every position at the mark in force; maintenance margin is "
        "the sum over the positions. Ticks are listed only while a liquidation is open, since a tick books nothing."
    )
    return section


def _runs(unit: trace.TracedUnit) -> Iterator[tuple[str, list[trace.TraceEntry]]]:
    """Groups consecutive ticks of a liquidation; every other entry is a group of its own."""
    for number, together in groupby(
        enumerate(unit.entries), key=lambda item: -1 if item[1].kind == trace.TICK else item[0]
    ):
        yield str(number), [entry for _, entry in together]


def _event_rows(
    narrative: Narrative, unit: trace.TracedUnit, together: list[trace.TraceEntry]
) -> Iterator[CitedRow]:
    last, currency = together[-1], unit.key.currency
    state = tuple(narrative.money(currency, amount) for amount in (last.wallet, last.equity, last.margin))
    booked = (
        "" if last.kind in (trace.TICK, trace.TRIGGER, trace.DEBT) else narrative.money(currency, last.amount)
    )
    sources = [source for entry in (together[0], last) for source in _sources(narrative, entry)]
    text = _describe(narrative, unit, together)
    yield CitedRow((_times(together), text, booked, *state), tuple(dict.fromkeys(sources)))


def _times(together: list[trace.TraceEntry]) -> str:
    first, last = when(together[0].ts), when_of_day(together[-1].ts)
    return first if len(together) == 1 or together[0].ts == together[-1].ts else f"{first} to {last}"


def _describe(narrative: Narrative, unit: trace.TracedUnit, together: list[trace.TraceEntry]) -> str:
    entry = together[-1]
    if entry.kind == trace.TICK:
        change = narrative.money(unit.key.currency, sum(h.change for h in together))
        what = "tick" if len(together) == 1 else f"{len(together)} ticks"
        names = ", ".join(sorted({h.instrument_id for h in together}))
        return f"{what} of {names}: equity changes by {change}"
    if entry.kind == trace.TRANSFER:
        return f"transfer {entry.ref}"
    if entry.kind == trace.FUNDING:
        return f"funding of {entry.instrument_id}"
    if entry.kind == trace.TAKEN:
        return f"{entry.instrument_id} is taken over on the insurance fund's account"
    if entry.kind == trace.DEBT:
        amount = narrative.money(unit.key.currency, abs(entry.amount))
        return f"debt {'grows' if entry.amount > 0 else 'falls'} by {amount}"
    if entry.kind != trace.FILL:
        return trace.KIND_TEXTS[entry.kind]
    return _describe_fill(entry)


def _describe_fill(entry: trace.TraceEntry) -> str:
    fill = entry.fill
    if fill is None:
        return "fill"
    what = {"normal": "fill", "liquidation": "liquidation fill", "adl": "ADL fill"}.get(fill.kind, fill.kind)
    side = "buys" if fill.side > 0 else "sells"
    name = f"{what} {fill.fill_id}" if fill.fill_id else f"simulated {what}"
    return (
        f"{name}: {side} {Amount(fill.quantity_e18)} {fill.instrument_id} at {Amount(fill.price_e18)}, "
        f"holds {Amount(entry.quantity_e18)}"
    )


def _sources(narrative: Narrative, entry: trace.TraceEntry) -> tuple[Citation, ...]:
    origins = narrative.origins
    if entry.kind == trace.TRANSFER:
        return (origins.transfer(entry.ref),)
    if entry.kind == trace.FILL and entry.ref:
        return (origins.fill(entry.ref),)
    if entry.kind == trace.FUNDING:
        return origins.funding(entry.instrument_id, entry.ts)
    if entry.kind in (trace.TICK, trace.FILL, trace.TAKEN):  # of what is simulated: the tick it is made at
        return origins.tick(entry.instrument_id, entry.ts + 1)
    return ()
