"""What the kernel found of liquidations, as columns: a night after a crash has hundreds of thousands.

Python runs for an id, and for the text of what an event closed. An episode that is still open, or that began in an
earlier session, goes by way of engine rows (`kernel.rows`): it needs more than the session's own rows.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.ids import stable_id
from lossledger.engine.rules.episode import liquidated_text
from lossledger.jobs.replay.results import Numbered, in_columns
from lossledger.jobs.replay.tables import Tables
from lossledger.kernel.layout import NONE, OPEN, Ints, Rows
from lossledger.kernel.rows import CAUSES, COMPONENTS, END_REASONS, EXECUTIONS, MOVEMENTS, TRIGGERS
from lossledger.kernel.session import Replayed
from lossledger.kernel.words import integers
from lossledger.schemas import ledger
from lossledger.store.amount_arrays import to_decimals

_OF_EPISODES = ("components", "episode_positions", "deficits", "movements")


def split(replayed: Replayed) -> tuple[Replayed, Replayed]:
    """Episodes that began and ended in the session, with what belongs to them or to none; and all others."""
    episodes = replayed.episodes
    whole = (episodes["end_reason"] != OPEN) & (episodes["carried"] == 0)
    return _some(replayed, whole, True), _some(replayed, ~whole, False)


def _some(replayed: Replayed, chosen: np.ndarray, others: bool) -> Replayed:
    """Some episodes, numbered anew, and what belongs to them; `others`: also what belongs to none."""
    tables = {"episodes": replayed.episodes[chosen]}
    mine, number = np.r_[chosen, others], np.r_[np.cumsum(chosen) - 1, -1]  # -1, no episode, is the last
    for name in _OF_EPISODES:
        rows = getattr(replayed, name)
        tables[name] = rows[mine[rows["episode"]]]
        tables[name]["episode"] = number[tables[name]["episode"]]
    return replayed._replace(**tables)


def liquidation_tables(replayed: Replayed, numbered: Numbered) -> Tables:
    """Tables of the first part of `split`."""
    episodes, positions = replayed.episodes, replayed.episode_positions
    keys = numbered.keys(episodes)
    ids = pa.array(_ids("ep", keys, episodes["triggered_at"]), pa.string())
    return {
        "episodes": in_columns(ledger.EPISODES, _episodes(episodes, keys, ids)),
        "components": in_columns(
            ledger.COMPONENTS, _components(replayed.components, keys["currency"], ids, numbered)
        ),
        "liquidation_positions": in_columns(
            ledger.LIQUIDATION_POSITIONS, _positions(positions, keys["currency"], ids, numbered)
        ),
        "negative_balances": in_columns(
            ledger.NEGATIVE_BALANCES, _deficits(replayed.deficits, positions, ids, numbered)
        ),
        "fund_movements": in_columns(ledger.FUND_MOVEMENTS, _movements(replayed.movements, ids, numbered)),
    }


def _ids(prefix: str, keys: dict[str, pa.Array], times: Ints) -> Iterator[str]:
    """Ids of rows about a unit and a time."""
    columns = (column.to_pylist() for column in keys.values())
    return (stable_id(prefix, *parts) for parts in zip(*columns, movement_times(times), strict=True))


def movement_times(times: Ints) -> list[str]:
    """As `engine.clock.iso`."""
    return [f"{text}Z" for text in np.datetime_as_string(times.astype("datetime64[us]"), unit="us").tolist()]


def _times(times: Ints) -> pa.Array:
    return pa.array(times, mask=times == NONE).cast(pa.timestamp("us", tz="UTC"))


def _words(numbers: Ints, names: Sequence[str]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(numbers))


def _of_episode(column: pa.Array, rows: Rows) -> pa.Array:
    """What an episode has, for the rows that belong to it; null for those of none."""
    return column.take(pa.array(rows["episode"], mask=rows["episode"] < 0))


def _episodes(rows: Rows, keys: dict[str, pa.Array], ids: pa.Array) -> dict[str, pa.Array]:
    reasons = [END_REASONS.get(number, "") for number in range(max(END_REASONS) + 1)]
    amounts = ("terminal_equity", "liquidation_fees", "surplus", "deficit")
    return {
        "episode_id": ids,
        **keys,
        **{name: _times(rows[name]) for name in ("triggered_at", "first_execution_at", "ended_at")},
        "end_reason": _words(rows["end_reason"], reasons),
        "trigger": _words(rows["trigger"], [TRIGGERS[number] for number in range(len(TRIGGERS))]),
        "execution": _words(rows["simulated"], EXECUTIONS),
        "equity_at_trigger": to_decimals(rows["equity"]),
        "maintenance_margin_at_trigger": to_decimals(rows["margin"]),
        **{name: to_decimals(rows[name]) for name in amounts},
    }


def _components(rows: Rows, currency: pa.Array, ids: pa.Array, numbered: Numbered) -> dict[str, pa.Array]:
    return {
        "episode_id": _of_episode(ids, rows),
        "currency": _of_episode(currency, rows),
        "component": _words(rows["component"], COMPONENTS),
        "instrument_id": numbered.instruments(rows),
        "amount": to_decimals(rows["amount"]),
    }


def _positions(rows: Rows, currency: pa.Array, ids: pa.Array, numbered: Numbered) -> dict[str, pa.Array]:
    return {
        "episode_id": _of_episode(ids, rows),
        "currency": _of_episode(currency, rows),
        "instrument_id": numbered.instruments(rows),
        "quantity": numbered.quantities(rows),
        "entry_value": to_decimals(rows["entry_value"]),
        "mark": numbered.marks(rows),
        "maintenance_margin": to_decimals(rows["margin"]),
        "liquidation_fills": pa.array(rows["liquidation_fills"]),
        "filled_quantity": numbered.quantities(rows, "filled"),
        "filled_value": to_decimals(rows["filled_value"]),
    }


def _deficits(rows: Rows, positions: Rows, ids: pa.Array, numbered: Numbered) -> dict[str, pa.Array]:
    keys = numbered.keys(rows)
    return {
        "event_id": pa.array(_ids("nb", keys, rows["ts"]), pa.string()),
        "ts": _times(rows["ts"]),
        **keys,
        "client_class": _words(rows["client_class"], numbered.directory.accounts.classes),
        "cause": _words(rows["cause"], CAUSES),
        "episode_id": _of_episode(ids, rows),
        "protected": pa.array(rows["protected"] != 0),
        "session_transfers": to_decimals(rows["session_transfers"]),
        "deficit": to_decimals(rows["deficit"]),
        "liquidated": pa.array(_liquidated(rows["episode"], positions, numbered), pa.string()),
        "from_account_id": pa.nulls(len(rows), pa.string()),
        "place": pa.array(np.zeros(len(rows), np.int64)),
    }


def _liquidated(episodes: Ints, positions: Rows, numbered: Numbered) -> Iterator[str]:
    """What was closed in the episodes of some events, as text."""
    closed = positions[positions["liquidation_fills"] > 0]  # in the order of episodes
    names, grids = numbered.directory.instruments, numbered.prices.grids
    columns = (integers(closed[name]) for name in ("instrument", "liquidated", "filled_value"))
    told = [(names[i], lots * grids[i].lot_e18, value) for i, lots, value in zip(*columns, strict=True)]
    firsts, afters = (np.searchsorted(closed["episode"], episodes, side) for side in ("left", "right"))
    for first, after in zip(firsts.tolist(), afters.tolist(), strict=True):
        yield liquidated_text(told[first:after])


def _movements(rows: Rows, ids: pa.Array, numbered: Numbered) -> dict[str, pa.Array]:
    """What a fee refers to is its fill, or the time and the instrument of a simulated one; a surplus, its episode."""
    fills, instruments = numbered.fill_ids(rows["fill"]), numbered.instruments(rows).fill_null("")
    simulated = pc.binary_join_element_wise(
        pa.array(movement_times(rows["ts"]), pa.string()), instruments, " "
    )
    return {
        "ts": _times(rows["ts"]),
        "kind": _words(rows["kind"], MOVEMENTS),
        **numbered.keys(rows),
        "instrument_id": instruments,
        "fill_id": fills.fill_null(""),
        "amount": to_decimals(rows["amount"]),
        "ref": pc.coalesce(_of_episode(ids, rows), fills, simulated),
        "place": pa.array(np.zeros(len(rows), np.int64)),
    }
