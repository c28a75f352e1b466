"""What may not matter: the order of rows, partitions, where a run is cut, names, and the future."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import Any
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.intake.parsing import parse_time_us
from lossledger.engine.intake.policy import parse_policy
from lossledger.engine.replayed import Tables
from lossledger.engine.rows import OpenLot, SessionRows, Takeover, UnitSession
from lossledger.engine.rules.lots import is_recorded
from lossledger.engine.session import Carried, Outcome
from tests.properties.delivered import Delivered, Row, delivered
from tests.properties.examples import Market, history_of, ledger_of, markets, replays
from tests.properties.history import canonical, replay_part, run_day, run_history, stored
from tests.properties.ledger import read_ledger

LISTS = (
    "episodes",
    "components",
    "liquidation_positions",
    "negative_balances",
    "fund_movements",
    "adl_losses",
    "takeovers",
)
FLOWS = UnitSession._fields[5:13]  # transfers to fund_settlement
CLOSING = ("closing_wallet", "closing_unrealised", "closing_debt", "open_episode")
seeds = st.integers(0, 2**32)
places = st.integers(0, 10**6)


def tables_of(history: list[Outcome]) -> list[dict[str, list[str]]]:
    return [canonical(outcome.tables) for outcome in history]


@replays
@given(markets, seeds, st.integers(1, 9))
def test_neither_the_order_of_rows_nor_partitions_matter(market: Market, seed: int, partitions: int) -> None:
    """Rows in any order of rows and files, accounts in any partitions. Rows broken on purpose stay behind the
    good ones: of two in conflict the first counts."""
    history = run_history(
        read_ledger(shuffled(delivered(*market), seed)), lambda a: crc32(f"{seed}{a}".encode()) % partitions
    )
    assert tables_of(history) == tables_of(history_of(market))


def shuffled(market: Delivered, seed: int) -> Delivered:
    random, rows = Random(seed), {}
    for key, there in market.rows.items():
        good = [row for row in there if not row.get("bad")]
        random.shuffle(good)
        rows[key] = good + [row for row in there if row.get("bad")]
    return replace(market, rows=rows)


@replays
@given(markets, places, places)
def test_a_run_may_stop_anywhere_and_go_on_from_what_it_stored(market: Market, day: int, place: int) -> None:
    """Any session cut in two at any event, the state in between going through its stored form."""
    history, ledger = history_of(market), ledger_of(market)
    whole = history[day % len(history)]
    start, end = whole.session.start, whole.session.end
    before = Carried() if day % len(history) == 0 else history[day % len(history) - 1].carried
    times = [t for t in ledger.times() if start < t < end] or [end - 1]
    cut = times[place % len(times)]
    first, carried = replay_part(ledger, stored(before), start, cut)
    second, _ = replay_part(ledger, stored(carried), cut, end)
    moved = {u[:3]: u.transfers for u in first.unit_sessions}
    second.negative_balances = [
        n
        if n.cause == "takeover"
        else n._replace(session_transfers=n.session_transfers + moved.get(n[2:5], 0))
        for n in second.negative_balances
    ]
    for name in LISTS:
        parts = getattr(first, name) + getattr(second, name)
        assert without_places(parts) == without_places(getattr(whole.rows, name)), name
    assert second.unit_positions == whole.rows.unit_positions
    assert without_places(second.lots) == without_places(whole.rows.lots)
    assert units_of(first, second) == units_of(whole.rows)


def without_places(rows: list[Any]) -> list[str]:
    """As text, in one order. The place of a closing counts from the start of what is replayed."""
    return sorted(repr(row._replace(place=0) if hasattr(row, "place") else row) for row in rows)


def units_of(*parts: SessionRows) -> dict[tuple[Any, ...], list[Any]]:
    """Per unit the sums of flows over the parts of a session, and the state at the end of the last."""
    result: dict[tuple[Any, ...], list[Any]] = {}
    for part in parts:
        present = {unit[:3]: unit for unit in part.unit_sessions}
        for key in present.keys() | result.keys():
            flows = result.get(key, [0] * len(FLOWS))[: len(FLOWS)]
            unit = present.get(key)
            added = [sum(pair) for pair in zip(flows, [getattr(unit, f, 0) for f in FLOWS], strict=True)]
            result[key] = added + [getattr(unit, name, 0) or 0 for name in CLOSING]
    return result


@replays
@given(
    markets,
    st.text(
        st.characters(min_codepoint=32, max_codepoint=0x3000, exclude_categories=["Cc", "Cs"]), max_size=3
    ),
)
def test_names_of_accounts_matter_by_their_order_alone(market: Market, tail: str) -> None:
    original = delivered(*market)
    holders = ledger_of(market).policy.liquidators  # of simulated lots; no row need declare them
    declared = {r["account_id"] for k, rows in original.rows.items() if k[0] == "accounts" for r in rows}
    new = {name: f"{number:03d}|{tail}" for number, name in enumerate(sorted(declared | holders))}

    def rename(dataset: str, row: Row) -> Row:
        account_id = row.get("account_id")
        return row | {"account_id": new.get(account_id, account_id)} if account_id else row

    changed = replace(original.changed(rename), policy=holders_renamed(original.policy, new))
    history = run_history(read_ledger(changed))
    back = old = {name: before for before, name in new.items()}
    for renamed, outcome in zip(history, history_of(market), strict=True):
        back = back | new_ids(renamed, outcome, old)
        tables: Tables = {
            name: [{c: back.get(v, v) if isinstance(v, str) else v for c, v in row.items()} for row in rows]
            for name, rows in renamed.tables.items()
        }
        assert canonical(tables) == canonical(outcome.tables)


def holders_renamed(entries: list[dict[str, Any]], new: dict[str, str]) -> list[dict[str, Any]]:
    """The policy with new names of `liquidator_account`, its default's too where that is asked for."""
    first, *later = sorted(entries, key=lambda entry: parse_time_us(entry["valid_from"]))
    name = first.get("liquidator_account", "liquidator")
    first = first | ({"liquidator_account": new[name]} if name in new else {})
    return [
        first,
        *(
            e | {"liquidator_account": new[e["liquidator_account"]]} if "liquidator_account" in e else e
            for e in later
        ),
    ]


def new_ids(renamed: Outcome, outcome: Outcome, old: dict[str, str]) -> dict[str, str]:
    """Ids are made of the unit and the time: the new to the old ones."""
    episodes = {(e[1:4], e.triggered_at): e.episode_id for e in outcome.rows.episodes}
    events = {(n[2:5], n.ts, n.place): n.event_id for n in outcome.rows.negative_balances}
    lots = {lot_key(lot, {}): lot for lot in [*outcome.rows.lots, *outcome.rows.takeovers]}
    result = {}
    for lot in [*renamed.rows.lots, *renamed.rows.takeovers]:
        before = lots[lot_key(lot, old)]
        result[lot.lot_id] = before.lot_id
        if (
            lot.episode_id and before.episode_id
        ):  # perhaps of an episode that ended in an earlier session, or is open
            result[lot.episode_id] = before.episode_id
    for e in renamed.rows.episodes:
        result[e.episode_id] = episodes[(old[e.account_id], *e[2:4]), e.triggered_at]
    for n in renamed.rows.negative_balances:
        result[n.event_id] = events[(old[n.account_id], *n[3:5]), n.ts, n.place]
    return result


def lot_key(lot: OpenLot | Takeover, old: dict[str, str]) -> tuple[Any, ...]:
    """What a lot is known by: the fill that opened it, or where it came from and when."""
    if is_recorded(lot):
        return (lot.lot_id,)
    account_id = old.get(lot.from_account_id or "", lot.from_account_id)
    return (lot.opened_at, account_id, lot.from_isolation, lot.instrument_id)


@replays
@given(markets, places, st.sampled_from((-1, 0, 1)))
def test_nothing_depends_on_the_future(market: Market, place: int, offset: int) -> None:
    """Without anything later than t (events, versions, policy entries) all up to t is the same.

    But for draws where the policy makes them at the end of the session: they and their time, which is read just
    before the end, are known then.
    """
    ledger, history = ledger_of(market), history_of(market)
    times = ledger.times()
    t = times[place % len(times)] + offset
    entries = [e for e in delivered(*market).policy if parse_time_us(e["valid_from"]) <= t]
    known = replace(ledger.until(t), policy=parse_policy(entries))
    before: Carried | None = None
    for whole in history:
        if before and whole.session.start > t:
            break
        cut = run_day(known, whole.session.day, before)
        if whole.session.end <= t:
            assert canonical(cut.tables) == canonical(whole.tables)
        at_events = {o.session.terms.fund_draws for o in (cut, whole)} == {"at_event"}
        drawn = at_events or t >= whole.session.end - 1
        assert seen_by(cut, t, drawn) == seen_by(whole, t, drawn)
        before = cut.carried


def seen_by(outcome: Outcome, t: int, drawn: bool) -> dict[str, list[str]]:
    """What a session says of the time up to t; without draws, and balances after them, unless these are known."""
    rows, tables = outcome.rows, outcome.tables
    ended = {e.episode_id for e in rows.episodes if e.ended_at <= t}
    seen: dict[str, list[Any]] = defaultdict(list)
    seen["liquidations"] = [e for e in rows.episodes if e.episode_id in ended]
    seen["components"] = [c for c in rows.components if c.episode_id in ended]
    seen["positions"] = [p for p in rows.liquidation_positions if p.episode_id in ended]
    seen["adl"] = [a for a in rows.adl_losses if a.ts <= t]
    unknown = () if drawn else ("fund_draw", "shortfall")
    seen["negative"] = [
        sorted(((c, v) for c, v in n.items() if c not in unknown), key=str)
        for n in tables["negative_balances"]
        if n["ts"] <= t
    ]
    seen["fund"] = [
        e if drawn else e._replace(seq=0, balance=0)
        for e in outcome.session.waterfall.entries
        if e.ts <= t and (drawn or e.kind != "draw")
    ]
    return {name: sorted(map(repr, found)) for name, found in seen.items()}
