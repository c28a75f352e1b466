"""From a lot back to the client's liquidation, and from a client on to what its lots became (rules.md section 15)."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow.compute as pc

from lossledger.engine.clock import NEVER
from lossledger.engine.events import UnitKey
from lossledger.engine.numbers import units_to_e18
from lossledger.engine.rows import OpenLot, Takeover
from lossledger.readers.document.model import CitedRow, Formula, Section, cited_table
from lossledger.readers.document.values import Amount, Cell
from lossledger.readers.explain.account_session import PublishedDates, open_session
from lossledger.readers.explain.liquidation_story import episode_sections
from lossledger.readers.explain.narrative import Narrative, sum_text, when
from lossledger.readers.explain.takeover_closings import RESULT_HEAD
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import Row, read_rows
from lossledger.schemas.attribution import TAKEOVER_INVENTORY, TAKEOVERS
from lossledger.schemas.core import Table

_AMOUNTS = ("open_value", "close_value", "fees", "at_takeover", "market_move", "execution", "result")


def origin_sections(dates: PublishedDates, closing: Takeover) -> Iterator[Section]:
    """The client's liquidation that a lot was taken over in, recomputed in the session in which the lot was opened."""
    if closing.from_account_id is None:
        return
    found = _session_at(dates, closing.opened_at)
    if found is None:
        section = Section(f"Where lot {closing.lot_id} came from", rule="15")
        section.write(f"It was taken over at {when(closing.opened_at)} UTC, on a date that is not published.")
        yield section
        return
    key = UnitKey(closing.from_account_id, closing.currency, closing.from_isolation or "")
    published, day = found
    narrative = Narrative(open_session(published, key.account_id, day), (key,))
    if closing.episode_id:
        yield from episode_sections(narrative, closing.episode_id)
    taken = taken_section(narrative, closing.lot_id)
    if taken:
        yield taken


def _session_at(dates: PublishedDates, ts: int) -> tuple[PublishedDates, date] | None:
    """The published session that a time is in; of a scenario's earlier times, one of what it is compared with."""
    for each in (dates, *([PublishedDates(dates.base)] if dates.base else [])):
        for day, row in sorted(each.tables.pins.days.items()):
            if ts < row.end and (row.first_date or row.start <= ts):
                return each, day
    return None


def taken_section(narrative: Narrative, only: str | None = None) -> Section | None:
    """What became of the positions that were taken from the narrative's units in the session; `only`: one lot."""
    session = narrative.session
    begin = -NEVER if session.day.first_date else session.day.start
    keys = {unit.key for unit in narrative.units}

    def mine(row: Row) -> bool:
        key = UnitKey(row["from_account_id"], row["currency"], row["from_isolation"] or "")
        opened_here = begin <= row["opened_at"] < session.day.end
        return opened_here and key in keys and only in (None, row["lot_id"])

    tables = session.dates.tables
    closings = [row for row in _of_account(narrative, TAKEOVERS) if mine(row)]
    still_open = [
        row
        for row in _of_account(narrative, TAKEOVER_INVENTORY)
        if mine(row) and row["business_date"] == tables.days[-1]
    ]
    account_id = session.account.account_id
    opened = [
        lot for lot in session.rows.lots if lot.from_account_id == account_id and only in (None, lot.lot_id)
    ]
    if not closings and not still_open and not opened:
        return None
    which = f"lot {only}" if only else "the positions that were taken over"
    section = Section(f"What became of {which}", rule="15")
    section.write(
        "What was taken over from the account is held on the insurance fund's account, as lots, and no part of the "
        "account's session any more. The closings below are read as published, up to the last published date; an "
        "explanation of the liquidator's session recomputes them.",
        read=True,
    )
    _add_closings(narrative, closings, section)
    _add_open(narrative, still_open, tables, section)
    for lot in opened:
        section.add(*narrative.comparison.compare_opened_lot(opened_columns(narrative, lot)))
    return section


def opened_columns(narrative: Narrative, lot: OpenLot) -> Mapping[str, Any]:
    """What a client's replay knows of a simulated lot that it opened, as it is published."""
    names = ("lot_id", "episode_id", "from_account_id", "from_isolation", "account_id", "isolation")
    known: dict[str, Any] = {
        name: getattr(lot, name) for name in (*names, "currency", "instrument_id", "opened_at")
    }
    value = units_to_e18(lot.open_value, narrative.session.scale(lot.currency))
    return known | {"quantity": lot.quantity_e18, "open_value": value}


def _of_account(narrative: Narrative, table: Table) -> list[Row]:
    """Published rows of lots that came from the account, of this date and all later ones."""
    session = narrative.session
    days = [day for day in session.dates.tables.days if day >= session.day.day]
    condition = pc.field("from_account_id") == session.account.account_id
    return read_rows(session.dates.tables, table, days, condition)


def _add_closings(narrative: Narrative, closings: list[Row], section: Section) -> None:
    if not closings:
        section.write("Nothing of it has been closed.", read=True)
        return
    closings.sort(key=lambda row: (row["closed_at"], row["lot_id"], row["close_fill_id"] or ""))
    rows = [
        CitedRow(
            (
                *(when(row["closed_at"]), f"{row['lot_id']} {row['instrument_id']}", row["account_id"]),
                *(f"{row['closed_by']} {row['close_fill_id'] or ''}".strip(), row["event_id"] or ""),
                *(Amount(row["quantity"]), *(_money(narrative, row, name) for name in _AMOUNTS)),
            )
        )
        for row in closings
    ]
    head = ("closed (UTC)", "lot", "liquidator", "closed by", "event of the loss", "quantity", *RESULT_HEAD)
    section.add(cited_table("Closings", head, rows, left=5, read=True))
    for currency in sorted({row["currency"] for row in closings}):
        results = [row["result"] for row in closings if row["currency"] == currency]
        scale = narrative.session.scale(currency)
        amounts = [Amount(result, scale, currency) for result in results]
        total = Amount(sum(results), scale, currency)
        section.add(Formula("Σ results: what the insurance fund made of it", sum_text(amounts), total))


def _add_open(narrative: Narrative, lots: list[Row], tables: PublishedTables, section: Section) -> None:
    if not lots:
        section.write(f"Nothing of it is open at the end of {tables.days[-1]}.", read=True)
        return
    rows = [
        CitedRow(
            (
                *(
                    row["business_date"].isoformat(),
                    f"{row['lot_id']} {row['instrument_id']}",
                    row["account_id"],
                ),
                *(Amount(row["quantity"]), _money(narrative, row, "open_value")),
                "" if row["mark_price"] is None else Amount(row["mark_price"]),
                _money(narrative, row, "unrealised_result"),
            )
        )
        for row in lots
    ]
    head = ("at the end of", "lot", "liquidator", "quantity", "open value", "mark", "unrealised result")
    section.add(cited_table("Still open", head, rows, left=3, read=True))


def _money(narrative: Narrative, row: Row, name: str) -> Cell:
    if row[name] is None:
        return ""
    return Amount(row[name], narrative.session.scale(row["currency"]), row["currency"])
