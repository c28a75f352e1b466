"""Lots and their closings as staged tables; simulated lots are unwound here."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import iso
from lossledger.engine.events import UnitKey
from lossledger.engine.ids import stable_id
from lossledger.engine.rows import OpenLot, SessionRows
from lossledger.engine.rules.lots import BY_ADL, BY_MARKET, SIMULATED, is_recorded
from lossledger.engine.rules.unwinding import unwind as unwind_by_reference
from lossledger.jobs.replay.events import FillRows
from lossledger.jobs.replay.liquidations import movement_times
from lossledger.jobs.replay.lots import ORIGIN, LotFold, Lots, fold_lots_of, no_lots
from lossledger.jobs.replay.names import Group
from lossledger.jobs.replay.prices import Prices
from lossledger.jobs.replay.results import Numbered, in_columns
from lossledger.jobs.replay.setting import Setting
from lossledger.jobs.replay.tables import Tables, row_tables
from lossledger.kernel.columns import Positions, Transfers
from lossledger.kernel.layout import LOT, Ints, Rows
from lossledger.kernel.lots import CLOSED, OPEN, UNFIT, unwind
from lossledger.kernel.session import Replayed
from lossledger.schemas.ledger import FUND_MOVEMENTS, LOT_CLOSINGS, UNIT_LOTS
from lossledger.store.amount_arrays import scaled_decimals, to_decimals
from lossledger.store.arrow import to_objects
from lossledger.store.staging import Part
from lossledger.store.thresholds import LOT_CLOSINGS_AT_ONCE


class LotRows:
    """Lots, closings and funding of some liquidators, stretch by stretch.

    Closings are staged as they come, so that memory follows the lots that are open; where the task stages nothing, they
    are left out.
    """

    def __init__(self, setting: Setting, group: Group, opened: Lots) -> None:
        self._setting, self._group, self._lots = setting, group, opened
        self._prices = setting.prices(group.width)
        self._staged: list[Part | None] = []
        self._funding: list[tuple[Ints, pa.Table]] = []  # with the unit of every row
        self._settled: list[Transfers] = []

    def fold(self, fills: FillRows, held: Positions, start: int, end: int) -> tuple[Transfers, Ints]:
        """Up to a time: what units settle with the fund, and those whose lots do not fit."""
        group = self._group
        fold = fold_lots_of(group, self._prices, fills, held, self._lots, start, end)
        self._lots = fold.open_lots(group)
        if self._setting.written is not None:
            funding = fold.folded.funding
            self._funding.append((funding["unit"], funding_table(group, funding)))
            for first in range(0, len(fold.folded.closings), LOT_CLOSINGS_AT_ONCE):
                self._stage(fold, fold.folded.closings[first : first + LOT_CLOSINGS_AT_ONCE])
        self._settled.append(fold.settlement(group))
        return self._settled[-1], fold.folded.unfit

    def settled(self) -> list[Transfers]:
        return self._settled

    def _stage(self, fold: LotFold, rows: Rows) -> None:
        ids = fold.fills.ids(np.maximum(rows["fill"], 0), rows["fill"] < 0)
        origins = fold.origins_of(self._group, rows, "opened_by")
        table = closing_table(self._group, self._prices, rows, origins, ids)
        self._staged.append(self._setting.stage(LOT_CLOSINGS, table))

    def tables(self, left: Ints) -> list[Tables]:
        """The rows that are not staged, without those of units that are left to the reference."""
        rows, origins = self._lots.rows, self._lots.origins
        mine = pa.array(~np.isin(rows["unit"], left))
        lots = lot_table(self._group, self._prices, rows, origins).filter(mine)
        funding = [table.filter(pa.array(~np.isin(units, left))) for units, table in self._funding]
        self._keep(left)
        return [{"lots": lots}, *({"fund_movements": table} for table in funding)]

    def _keep(self, left: Ints) -> None:
        """Keep what was staged; where the reference replays a unit, without its rows."""
        written = self._setting.written
        assert written is not None
        staged = [part for part in self._staged if part]
        if staged and len(left):
            keys = {self._group.directory.key(unit) for unit in left.tolist()}
            tables = (without_units(self._setting.read(LOT_CLOSINGS, part), keys) for part in staged)
            staged = [part for part in [self._setting.stage(LOT_CLOSINGS, table) for table in tables] if part]
        written["takeovers"] += staged


def without_units(rows: pa.Table, keys: Collection[UnitKey]) -> pa.Table:
    """Rows but those of some units; of a date on which the kernel leaves a liquidator's unit."""
    columns = (rows.column(name).to_pylist() for name in UnitKey._fields)
    kept = [UnitKey(*key) not in keys for key in zip(*columns, strict=True)]
    return rows.filter(pa.array(kept, pa.bool_()))


def lot_table(group: Group, prices: Prices, rows: Rows, origins: pa.Table) -> pa.Table:
    columns = _columns(group, prices, rows, origins) | {
        "open_value": to_decimals(rows["value"]),
        "open_fee": to_decimals(rows["fee"]),
        "opening_mark": _marks(group, prices, rows, "mark"),
    }
    return in_columns(UNIT_LOTS, columns)


def closing_table(
    group: Group, prices: Prices, rows: Rows, origins: pa.Table, fill_ids: pa.Array
) -> pa.Table:
    """`fill_ids`: of the fills that closed lots, null for simulated ones."""
    columns = _columns(group, prices, rows, origins)
    known = (rows["opening_mark"] != 0) & (rows["mark"] != 0)
    causes = ("at_takeover", "market_move", "execution")
    more = {
        "lot_execution": columns.pop("execution"),
        "closed_at": _times(rows["closed_at"]),
        "close_fill_id": fill_ids,
        "closed_by": pa.array([BY_MARKET, BY_ADL], pa.string()).take(pa.array(rows["by_adl"])),
        **{name: to_decimals(rows[name]) for name in ("open_value", "close_value", "fees", "result")},
        **{name: pc.if_else(pa.array(known), to_decimals(rows[name]), None) for name in causes},
    }
    return in_columns(LOT_CLOSINGS, columns | more)


def funding_table(group: Group, rows: Rows) -> pa.Table:
    """Movements of the fund for funding on liquidators' positions."""
    instruments = pa.array(group.directory.instruments, pa.string()).take(pa.array(rows["instrument"]))
    ref = pc.binary_join_element_wise(pa.array(movement_times(rows["ts"]), pa.string()), instruments, " ")
    columns = {
        "ts": _times(rows["ts"]),
        "kind": pa.repeat(pa.scalar("takeover_funding", pa.string()), len(rows)),
        **group.directory.key_columns(rows["unit"]),
        "instrument_id": instruments,
        "fill_id": pa.repeat(pa.scalar("", pa.string()), len(rows)),
        "amount": to_decimals(rows["amount"]),
        "ref": ref,
        "place": pa.array(np.zeros(len(rows), np.int64)),
    }
    return in_columns(FUND_MOVEMENTS, columns)


def _columns(group: Group, prices: Prices, rows: Rows, origins: pa.Table) -> dict[str, pa.Array]:
    """What lots and closings share."""
    directory, numbers = group.directory, rows["instrument"]
    currencies = pa.array(directory.currencies, pa.string()).take(pa.array(directory.settlement[numbers]))
    steps = prices.lot_steps[numbers]
    return {
        **{name: origins.column(name).combine_chunks() for name in ORIGIN},
        "currency": currencies,
        "instrument_id": pa.array(directory.instruments, pa.string()).take(pa.array(numbers)),
        "quantity": scaled_decimals(rows["lots"], steps),
        "opened_at": _times(rows["opened_at"]),
    }


def _marks(group: Group, prices: Prices, rows: Rows, name: str) -> pa.Array:
    steps = prices.price_steps[rows["instrument"]]
    return scaled_decimals(rows[name], steps, rows[name] != 0)


def _times(times: np.ndarray) -> pa.Array:
    return pa.array(times).cast(pa.timestamp("us", tz="UTC"))


def taken_lots(setting: Setting, replayed: Replayed, numbered: Numbered, group: Group) -> Lots:
    """What was taken over from units, as lots of the account that the policy names."""
    taken, episodes = replayed.taken, replayed.episodes
    rows = np.zeros(len(taken), group.width.row(LOT))
    for name in ("unit", "instrument", "lots", "value", "mark"):
        rows[name] = taken[name]
    rows["opened_at"], rows["fill"], rows["known"] = taken["ts"], -1, np.arange(len(taken))
    accounts = [terms.liquidator_account for _, terms in setting.task.policy.items()]
    keys = numbered.keys(taken)
    columns = [column.to_pylist() for column in keys.values()]
    began = episodes["triggered_at"][taken["episode"]].tolist()
    names = [setting.directory.instruments[n] for n in taken["instrument"].tolist()]
    units = list(zip(*columns, strict=True))
    times = taken["ts"].tolist()
    origins = {
        "lot_id": [stable_id("lot", *u, i, iso(ts)) for u, i, ts in zip(units, names, times, strict=True)],
        "execution": [SIMULATED] * len(taken),
        "episode_id": [stable_id("ep", *u, iso(ts)) for u, ts in zip(units, began, strict=True)],
        "from_account_id": columns[0],
        "from_isolation": columns[2],
        "account_id": [accounts[n] for n in taken["terms"].tolist()],
        "isolation": [""] * len(taken),
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in origins.items()})
    return no_lots(group)._replace(rows=rows, origins=table)


def unwound_tables(setting: Setting, group: Group, lots: Lots) -> list[Tables]:
    """Simulated lots after the session: closed where they are due, else open; the reference has what does not fit."""
    prices = setting.prices(group.width)
    done = unwind(prices.market, lots.rows)
    closings, still_open = done.closings[done.ends == CLOSED], lots.rows[done.ends == OPEN]
    origins = [lots.origins.take(pa.array(rows["known"])) for rows in (closings, still_open)]
    tables: list[Tables] = [
        {
            "lots": lot_table(group, prices, still_open, origins[1]),
            "takeovers": closing_table(
                group, prices, closings, origins[0], pa.nulls(len(closings), pa.string())
            ),
        }
    ]
    left = lots.rows[done.ends == UNFIT]
    table = lot_table(group, prices, left, lots.origins.take(pa.array(left["known"])))
    rest = to_objects(UNIT_LOTS, pa.concat_tables([table, lots.unread]), OpenLot)
    return [*tables, row_tables(unwound_rows(setting, rest))] if rest else tables


def unwound_rows(setting: Setting, lots: Sequence[OpenLot]) -> SessionRows:
    """As `unwound_tables`, of lots that are the reference's; recorded ones among them stay as they are."""
    simulated = [lot for lot in lots if not is_recorded(lot)]
    market = setting.reference_market(sorted({lot.instrument_id for lot in simulated}))
    still_open, closed = unwind_by_reference(simulated, market, setting.task.policy)
    recorded = [lot for lot in lots if is_recorded(lot)]
    return SessionRows(lots=[*recorded, *still_open], takeovers=closed)
