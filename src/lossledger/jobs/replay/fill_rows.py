"""Parts of the fills that have been read, and their sums."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from lossledger.engine.errors import InvariantError
from lossledger.jobs.replay.events import FillRows
from lossledger.kernel.columns import Fills


def joined(parts: Sequence[FillRows]) -> FillRows:
    """All rows of at least one part, one part after the other, in arrays of their own."""
    starts = np.cumsum([0, *(len(part.fills.unit) for part in parts)])
    named = [part.named + start for part, start in zip(parts, starts.tolist(), strict=False)]
    return FillRows(
        Fills(*(np.concatenate(column) for column in zip(*(part.fills for part in parts), strict=True))),
        np.concatenate(named),
        pa.chunked_array([chunk for part in parts for chunk in part.fill_ids.chunks], pa.string()),
        pa.chunked_array([chunk for part in parts for chunk in part.trade_ids.chunks], pa.string()),
        np.unique(np.concatenate([part.refused for part in parts])),
    )


def some(rows: FillRows, chosen: np.ndarray) -> FillRows:
    """The rows for which `chosen` is true."""
    fills, named = Fills(*(column[chosen] for column in rows.fills)), pa.array(chosen[rows.named])
    number = np.cumsum(chosen)[rows.named[chosen[rows.named]]] - 1
    refused = rows.refused
    if len(refused):
        refused = refused[np.isin(refused, fills.unit)]
    return FillRows(fills, number, rows.fill_ids.filter(named), rows.trade_ids.filter(named), refused)


def parted(rows: FillRows, ts: int) -> tuple[FillRows, FillRows]:
    """An account's rows before a time, and the others in arrays of their own.

    InvariantError: they are not in the order of time.
    """
    times = rows.fills.ts
    if (times[1:] < times[:-1]).any():
        raise InvariantError("the fills of an account are not in the order of time")
    at, name = np.searchsorted(times, ts), np.searchsorted(rows.named, np.searchsorted(times, ts))
    before = FillRows(
        Fills(*(column[:at] for column in rows.fills)),
        rows.named[:name],
        rows.fill_ids[:name],
        rows.trade_ids[:name],
        rows.refused,
    )
    rest = FillRows(
        Fills(*(column[at:].copy() for column in rows.fills)),
        rows.named[name:] - at,
        rows.fill_ids[name:],
        rows.trade_ids[name:],
        rows.refused,
    )
    return before, rest
