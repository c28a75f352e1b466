"""Marks, index, bid and ask of all contracts, from whole arrays to files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lossledger.simulator.contracts import Contract
from lossledger.simulator.landing import LandingZone
from lossledger.simulator.tables import COMMON_SCALE, decimal_column, time_column, ts_text

if TYPE_CHECKING:
    import pyarrow as pa

    from lossledger.simulator.prices import Ints

TICK_COLUMNS = ("ts", "instrument_id", "mark_price", "index_price", "bid", "ask")


class TickRows:
    """Ticks of all contracts, written from whole arrays; spreads widen when a mark moves fast."""

    def __init__(self, landing: LandingZone, contracts: Sequence[Contract]) -> None:
        self._landing, self._contracts = landing, contracts
        self._last: Ints | None = None
        self._lines: list[str] = []
        self._tables: list[pa.Table] = []
        self._part = 0

    def add(self, day: str, stamps: "Ints", marks: "Ints") -> None:
        """One chunk: tick times (microseconds) and marks in ticks, (rows, contracts)."""
        import numpy as np

        before = marks[:1] if self._last is None else self._last
        moved = np.diff(marks, axis=0, prepend=before)
        self._last = marks[-1:]
        spread = 1 + marks // 8_000 + np.abs(moved) // 6
        prices = (marks, np.maximum(1, marks - moved // 8), np.maximum(1, marks - spread), marks + spread)
        if self._landing.format != "parquet":
            self._lines += self._csv(stamps, prices)
            full = len(self._lines) >= self._landing.rows_per_file
        else:
            self._tables.append(self._arrow(stamps, prices))
            full = sum(t.num_rows for t in self._tables) >= self._landing.rows_per_file
        if full:
            self._write(day)

    def end_day(self, day: str) -> None:
        """Write what is left of the day."""
        if self._lines or self._tables:
            self._write(day)
        self._part = 0

    def _write(self, day: str) -> None:
        import pyarrow as pa

        if self._lines:
            self._landing.write_csv("ticks", day, self._part, TICK_COLUMNS, self._lines)
        else:
            self._landing.write_table("ticks", day, self._part, pa.concat_tables(self._tables))
        self._lines, self._tables = [], []
        self._part += 1

    def _csv(self, stamps: "Ints", prices: Sequence["Ints"]) -> list[str]:
        texts = [c.price_text for c in self._contracts]
        names = [c.instrument_id for c in self._contracts]
        mark, index, bid, ask = (p.tolist() for p in prices)
        lines = []
        for i, ts in enumerate(stamps.tolist()):
            when, m, x, b, a = ts_text(ts), mark[i], index[i], bid[i], ask[i]
            for j, text in enumerate(texts):
                lines.append(f"{when},{names[j]},{text(m[j])},{text(x[j])},{text(b[j])},{text(a[j])}")
        return lines

    def _arrow(self, stamps: "Ints", prices: Sequence["Ints"]) -> "pa.Table":
        import numpy as np
        import pyarrow as pa

        count = len(self._contracts)
        factor = np.array(
            [c.tick_mantissa * 10 ** (COMMON_SCALE - c.price_scale) for c in self._contracts], dtype=np.int64
        )
        names = pa.array([c.instrument_id for c in self._contracts])
        which = pa.array(np.tile(np.arange(count, dtype=np.int32), len(stamps)))
        columns = {
            "ts": time_column(np.repeat(stamps, count)),
            "instrument_id": pa.DictionaryArray.from_arrays(which, names).cast(pa.string()),
        }
        for name, price in zip(TICK_COLUMNS[2:], prices, strict=True):
            columns[name] = decimal_column((price * factor).ravel())
        return pa.table(columns)
