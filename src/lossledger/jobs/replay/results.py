"""What the kernel found, as tables: columns where rows are many, by way of engine rows where they are few."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import FundingTotal, SessionRows, UnitSession
from lossledger.engine.rules.episode import Episode
from lossledger.jobs.replay.directory import Directory
from lossledger.jobs.replay.events import FillRows
from lossledger.jobs.replay.prices import Prices
from lossledger.jobs.replay.tables import Tables
from lossledger.kernel.columns import Assembled
from lossledger.kernel.layout import OPEN, Ints, Rows
from lossledger.kernel.rows import Names, session_rows
from lossledger.kernel.session import Replayed
from lossledger.schemas.core import Table
from lossledger.schemas.ledger import SNAPSHOTS, UNIT_POSITIONS, UNIT_SESSIONS
from lossledger.store.amount_arrays import exact_sum, scaled_decimals, to_decimals
from lossledger.store.staging import part_schema

_COLUMNS = ("unit_sessions", "unit_positions", "snapshots")


class Numbered:
    """What the numbers of a replayed group stand for."""

    def __init__(
        self,
        directory: Directory,
        prices: Prices,
        assembled: Assembled,
        fills: FillRows,
        episodes: Mapping[int, Episode],
    ) -> None:
        self.directory, self.prices, self._assembled, self._fills = directory, prices, assembled, fills
        self._episodes = episodes
        self._instruments = pa.array(directory.instruments, pa.string())

    def keys(self, rows: Rows) -> dict[str, pa.Array]:
        return self.directory.key_columns(self._assembled.unit_numbers[rows["unit"]])

    def instruments(self, rows: Rows) -> pa.Array:
        numbers = rows["instrument"]
        return self._instruments.take(pa.array(numbers, mask=numbers < 0))

    def quantities(self, rows: Rows, name: str = "lots") -> pa.Array:
        return scaled_decimals(rows[name], self._steps(self.prices.lot_steps, rows))

    def fill_ids(self, fills: Ints) -> pa.Array:
        """Null for what is no fill of the venue's: -1."""
        return self._fills.ids(self._assembled.rows_of(np.maximum(fills, 0)), fills < 0)

    def marks(self, rows: Rows) -> pa.Array:
        """Null before the first tick."""
        return scaled_decimals(rows["mark"], self._steps(self.prices.price_steps, rows), rows["mark"] != 0)

    def _steps(self, steps: Ints, rows: Rows) -> Ints:
        return np.r_[steps, 1][rows["instrument"]]

    def few(self, replayed: Replayed) -> SessionRows:
        """Engine rows of liquidations and of fills of kind adl, and the sessions of units with one that is open."""
        opened = replayed.episodes["unit"][replayed.episodes["end_reason"] == OPEN]
        units = replayed.units[np.isin(replayed.units["unit"], opened)]
        nothing = {
            name: getattr(replayed, name)[:0] for name in ("positions", "funding", "snapshots", "taken")
        }
        replayed = replayed._replace(units=units, **nothing)
        named = (units, replayed.episodes, replayed.deficits, replayed.movements, replayed.adl_losses)
        numbers = np.unique(np.concatenate([rows["unit"] for rows in named])).tolist()
        keys = {n: self.directory.key(self._assembled.unit_numbers[n]) for n in numbers}
        wanted = np.union1d(replayed.movements["fill"], replayed.adl_losses["fill"])
        wanted = wanted[wanted >= 0]
        found = zip(wanted.tolist(), self._assembled.rows_of(wanted).tolist(), strict=True)
        fills = {n: self._fills.fill(row, self.directory, self.prices) for n, row in found}
        carried = replayed.episodes["unit"][replayed.episodes["carried"] != 0].tolist()
        names = Names(
            keys,
            self.directory.instruments,
            self.prices.grids,
            self.directory.accounts.classes,
            fills,
            {n: self._episodes[int(self._assembled.unit_numbers[n])] for n in carried},
        )
        return session_rows(replayed, names)

    def funding(self, rows: Rows) -> list[FundingTotal]:
        """Per instrument what all units received."""
        rows = rows[np.argsort(rows["instrument"], kind="stable")]
        directory, totals = self.directory, []
        for number in np.unique(rows["instrument"]).tolist():
            mine = slice(*np.searchsorted(rows["instrument"], [number, number + 1]))
            amount, events = Ledger(exact_sum(rows["amount"][mine])), exact_sum(rows["events"][mine])
            currency, _ = directory.places[directory.isolated[number]]
            totals.append(FundingTotal(directory.instruments[number], currency, amount, events))
        return totals


def many_tables(replayed: Replayed, numbered: Numbered, opened: Sequence[UnitSession]) -> Tables:
    """Sessions, positions and snapshots of units; `opened`: the sessions with an open episode, by engine rows."""
    units, positions = replayed.units, replayed.positions
    still_open = np.isin(units["unit"], replayed.episodes["unit"][replayed.episodes["end_reason"] == OPEN])
    episodes = np.full(len(units), None, object)
    episodes[still_open] = [unit.open_episode for unit in opened]
    amounts = UnitSession._fields[4:-1]
    sessions = {
        **numbered.keys(units),
        "active": pa.array(units["active"] != 0),
        **{name: to_decimals(units[name]) for name in amounts},
        "open_episode": pa.array(episodes, pa.string()),
    }
    held = {
        **numbered.keys(positions),
        "instrument_id": numbered.instruments(positions),
        "quantity": numbered.quantities(positions),
        "entry_value": to_decimals(positions["entry_value"]),
        "mark": numbered.marks(positions),
    }
    made = (
        in_columns(UNIT_SESSIONS, sessions),
        in_columns(UNIT_POSITIONS, held),
        snapshot_table(replayed.snapshots, numbered),
    )
    return dict(zip(_COLUMNS, made, strict=True))


def snapshot_table(rows: Rows, numbered: Numbered) -> pa.Table:
    """What units held at instants."""
    columns = {
        "ts": pa.array(rows["ts"]).cast(pa.timestamp("us", tz="UTC")),
        **numbered.keys(rows),
        "instrument_id": numbered.instruments(rows),
        "quantity": numbered.quantities(rows),
        "mark": numbered.marks(rows),
        **{n: to_decimals(rows[n]) for n in ("wallet", "equity", "entry_value", "value", "unrealised")},
    }
    return in_columns(SNAPSHOTS, columns)


def in_columns(table: Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Rows of a part."""
    schema = part_schema(table)
    return pa.table([columns[name] for name in schema.names], schema=schema)
