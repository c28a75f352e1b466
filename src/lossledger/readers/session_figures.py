"""Figures for the footnotes of a session, computed from its published rows.

The time of the fund's draws and the shortfall under the other policy; the accounts relieved by deleveraging;
liquidation fees of accounts without equity.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lossledger.readers.published_rows import PublishedRows, Row, rows_where, sum_column
from lossledger.schemas import attribution
from lossledger.store.published_dates import PublishedDate

_UNIT = ("account_id", "currency", "isolation")


@dataclass(frozen=True)
class Draws:
    """When the fund paid in a session, and the shortfall had it been done the other way, in 10^-18.

    `floor` is that to which it was drawn, None where no draw shows one: then `other_shortfall` is None too.
    """

    at_session_end: bool
    floor: int | None
    other_shortfall: int | None


@dataclass(frozen=True)
class Relief:
    """The relief of liquidated accounts by fills against deleveraged ones, at the mark, in 10^-18 (cause `adl`)."""

    covered: int
    uncovered: int
    without_deficit: int


def draws(rows: PublishedRows, day: PublishedDate, currency: str) -> Draws | None:
    """None when the fund paid nothing in the session.

    For one session only: effects on the next session's fund are not followed. All movements of the fund but
    its draws are the same either way, so this is exact for one session and one floor (rules.md section 10).
    """
    ledger, events, fund = _fund(rows, day, currency)
    by_id = {event["event_id"]: event for event in events}
    made = rows_where(ledger, kind="draw")
    if not made:
        return None
    at_end = any(draw["ts"] != by_id[draw["ref"]]["ts"] for draw in made)
    floors = {draw["balance"] for draw in made if by_id[draw["ref"]]["shortfall"]}
    if len(floors) != 1:
        return Draws(at_end, None, None)
    (floor,) = floors
    due = [(event["ts"] if at_end else day.end - 1, event["deficit"]) for event in events]
    others = [(row["ts"], row["amount"]) for row in ledger if row["kind"] != "draw"]
    return Draws(at_end, floor, sum_column(events, "deficit") - paid(fund["opening"], others, due, floor))


def paid(
    opening: int, movements: Iterable[tuple[int, int]], due: Iterable[tuple[int, int]], floor: int
) -> int:
    """What a fund pays for deficits at their times, in their order, after the movements up to each time."""
    coming, balance, spent = list(movements), opening, 0
    for ts, deficit in due:
        while coming and coming[0][0] <= ts:
            balance += coming.pop(0)[1]
        draw = min(deficit, max(0, balance - floor))
        balance, spent = balance - draw, spent + draw
    return spent


def _fund(rows: PublishedRows, day: PublishedDate, currency: str) -> tuple[list[Row], list[Row], Row]:
    """Movements and covered events of a session, each in its order, and the fund's day."""
    same = {"business_date": day.day, "currency": currency}
    ledger = sorted(
        rows_where(rows.rows(attribution.INSURANCE_FUND_LEDGER), **same), key=lambda row: row["seq"]
    )
    events = rows_where(rows.rows(attribution.NEGATIVE_BALANCES), protected=True, **same)
    events.sort(key=lambda row: (row["ts"], row["account_id"], row["isolation"]))
    (fund,) = rows_where(rows.rows(attribution.INSURANCE_FUND_DAILY), **same)
    return ledger, events, fund


def relief(rows: PublishedRows, day: PublishedDate, currency: str) -> Relief:
    """Of the episodes that ended in the session."""
    spared: dict[str, int] = defaultdict(int)
    for row in rows_where(
        rows.rows(attribution.LOSS_COMPONENTS_TABLE), business_date=day.day, component="adl"
    ):
        spared[row["episode_id"]] -= row["amount"]
    sums: dict[bool | None, int] = defaultdict(int)
    for episode, event in _ended(rows, day, currency):
        sums[event["protected"] if event else None] += spared[episode["episode_id"]]
    return Relief(sums[True], sums[False], sums[None])


def fees_below_zero(rows: PublishedRows, day: PublishedDate, currency: str) -> tuple[int, int]:
    """The liquidation fees contained in covered and in uncovered deficits, in 10^-18.

    Without its fees an episode's deficit would be smaller by the fees, at most by the whole deficit.
    """
    parts = {True: 0, False: 0}
    for episode, event in _ended(rows, day, currency):
        if event:
            parts[event["protected"]] += min(event["deficit"], max(0, episode["liquidation_fees"]))
    return parts[True], parts[False]


def _ended(rows: PublishedRows, day: PublishedDate, currency: str) -> Iterator[tuple[Row, Row | None]]:
    """Episodes with the negative-balance event of their unit at their end."""
    same = {"business_date": day.day, "currency": currency}
    events = {
        (*(row[name] for name in _UNIT), row["ts"]): row
        for row in rows_where(rows.rows(attribution.NEGATIVE_BALANCES), **same)
    }
    for episode in rows_where(rows.rows(attribution.LIQUIDATIONS), **same):
        yield episode, events.get((*(episode[name] for name in _UNIT), episode["ended_at"]))
