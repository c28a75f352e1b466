"""Where recorded lots came from: the unit and the episode of which a liquidator took over (rules.md section 15)."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeVar

from lossledger.engine.clock import NEVER
from lossledger.engine.events import UnitKey
from lossledger.engine.rows import OpenLot, SessionRows, Takeover
from lossledger.engine.rules.episode import Episode
from lossledger.engine.rules.lots import is_recorded

Origins = Mapping[str, UnitKey]  # a liquidator's fill to the unit of which it took a position over
_Row = TypeVar("_Row", OpenLot, Takeover)


def name_origins(rows: SessionRows, origins: Origins) -> None:
    """Say of the recorded lots that a session opened, and of their closings, which unit and episode they came from.

    The episode is the one that was open on the unit when the lot was opened: at one time there is at most one.
    """
    episodes = _episodes(rows)

    def named(row: _Row) -> _Row:
        key = origins.get(row.lot_id) if is_recorded(row) else None
        if key is None:
            return row
        open_then = (name for begin, end, name in episodes[key] if begin <= row.opened_at <= end)
        return row._replace(
            episode_id=next(open_then, None), from_account_id=key.account_id, from_isolation=key.isolation
        )

    rows.lots = [named(lot) for lot in rows.lots]
    rows.takeovers = [named(takeover) for takeover in rows.takeovers]


def _episodes(rows: SessionRows) -> dict[UnitKey, list[tuple[int, int, str]]]:
    """Begin, end and id of the episodes of each unit."""
    episodes: defaultdict[UnitKey, list[tuple[int, int, str]]] = defaultdict(list)
    for e in rows.episodes:
        key = UnitKey(e.account_id, e.currency, e.isolation)
        episodes[key].append((e.triggered_at, e.ended_at, e.episode_id))
    for unit in rows.unit_sessions:
        if unit.open_episode:
            key = UnitKey(unit.account_id, unit.currency, unit.isolation)
            episode = Episode.from_json(unit.open_episode)
            episodes[key].append((episode.triggered_at, NEVER, episode.episode_id(key)))
    return episodes
