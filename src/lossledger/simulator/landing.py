"""Writes a landing zone: reference files, and dated datasets in files of a bounded number of rows.

Amounts arrive as whole mantissas with the scale of their column (or as text in the small datasets), so
no number passes through binary floating point on its way out.
"""

import gzip
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossledger.engine.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Any, ...]
HOUSE_PREFIX = "house-"
REQUIRED = ("ticks", "fills", "transfers")  # by the policy that is written: every date has a file
COPY_MARK = "\0"  # in a CSV line: where the ids of a copy differ
COPIED = {
    "fills": ("fill_id", "trade_id", "account_id"),
    "transfers": ("transfer_id", "account_id"),
    "fund_movements": ("movement_id",),
}


def time_text(ts: int) -> str:
    """Microseconds since the epoch as ISO-8601 with Z and six decimals."""
    from datetime import UTC, datetime

    seconds, micros = divmod(ts, 10**6)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"


def copy_suffix(number: int) -> str:
    """What tells the ids of a copy apart; nothing for the first."""
    return f"-c{number:05d}" if number else ""


def _copy(table: "pa.Table", dataset: str, suffix: str) -> "pa.Table":
    """The same events of other clients with the same house."""
    import pyarrow.compute as pc

    for name in COPIED.get(dataset, ()) if suffix else ():
        column = table[name]
        renamed = pc.binary_join_element_wise(column, suffix, "")
        if name == "account_id":
            renamed = pc.if_else(pc.starts_with(column, HOUSE_PREFIX), column, renamed)
        table = table.set_column(table.schema.get_field_index(name), name, renamed)
    return table


def owned(account_id: str) -> str:
    """An account in a CSV line: every copy has clients of its own, and the same house."""
    return account_id if account_id.startswith(HOUSE_PREFIX) else account_id + COPY_MARK


def untidy(text: str) -> str:
    """CSV as some venues write it: two more zeros after every decimal, every field in quotes."""
    padded = re.sub(r"(\.\d+)(?=[,\n])", r"\g<1>00", text)
    return '"' + padded[:-1].replace(",", '","').replace("\n", '"\n"') + '"\n'


class LandingZone:
    """A new landing zone in an empty (or missing) folder; refuses any other."""

    def __init__(
        self,
        root: Path,
        file_format: str,
        rows_per_file: int,
        copies: int = 1,
        untidy: bool = False,
        whole_seconds: bool = False,
    ) -> None:
        if root.exists() and any(root.iterdir()):
            raise ConfigError(f"{root} is not empty: choose a new folder for --landing, or empty it first")
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.format = root, file_format
        self.rows_per_file, self.copies = rows_per_file, copies
        self.untidy, self.whole_seconds = untidy, whole_seconds
        self.rows = 0

    def text(self, name: str, content: str) -> None:
        """A file beside the datasets, such as policy.yaml."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")

    def reference(self, dataset: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """A small undated dataset, always CSV."""
        lines = [",".join(columns)] + [",".join(row) for row in rows]
        self.text(f"{dataset}/{dataset}.csv", "\n".join(lines) + "\n")
        self.rows += len(rows)

    def write_csv(
        self, dataset: str, day: str, part: int, columns: Sequence[str], lines: Sequence[str]
    ) -> None:
        """One CSV file of finished lines, and one more for every further copy of the clients."""
        text = "\n".join((",".join(columns), *lines)) + "\n"
        if self.whole_seconds:
            text = re.sub(r"\.\d{6}Z", "Z", text)
        if self.untidy:
            text = untidy(text)
        for number in range(self.copies if dataset in COPIED else 1):
            suffix = copy_suffix(number)
            content = text.replace(COPY_MARK, suffix).encode("ascii")
            if self.format == "csv.gz":
                content = gzip.compress(content, compresslevel=6, mtime=0)  # without a time: same bytes
            self._path(dataset, day, part, suffix).write_bytes(content)
            self.rows += len(lines)

    def write_table(self, dataset: str, day: str, part: int, table: "pa.Table") -> None:
        """One Parquet file, and one more for every further copy of the clients."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        if self.whole_seconds:
            at = table.schema.get_field_index("ts")
            table = table.set_column(at, "ts", pc.floor_temporal(table["ts"], unit="second"))
        for number in range(self.copies if dataset in COPIED else 1):
            suffix = copy_suffix(number)
            path = self._path(dataset, day, part, suffix)
            pq.write_table(_copy(table, dataset, suffix), path, compression="zstd", store_schema=False)
            self.rows += table.num_rows

    def _path(self, dataset: str, day: str, part: int, suffix: str) -> Path:
        folder = self.root / dataset / f"date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        copy = f".{suffix[1:]}" if suffix else ""
        return folder / f"part-{part:05d}{copy}.{self.format}"


class Rows:
    """Buffers rows of one dated dataset and writes a file whenever enough are there."""

    def __init__(
        self, landing: LandingZone, dataset: str, columns: Sequence[str],
        line: Callable[[Row], str], table: Callable[[list[Row]], "pa.Table"],
    ) -> None:  # fmt: skip
        self._landing, self._dataset, self._columns = landing, dataset, columns
        self._line, self._table = line, table
        self._buffer: list[Row] = []
        self._part = 0
        self.add = self._buffer.append

    def flush(self, day: str, all_rows: bool = False) -> None:
        """Write full files of the day; with all_rows (the day ends) also what is left.

        A day without rows of a required dataset has a file without rows: that nothing happened is not the same
        as that nothing was delivered.
        """
        size = self._landing.rows_per_file
        empty = self._dataset in REQUIRED and self._part == 0 and not self._buffer
        while len(self._buffer) >= size or (all_rows and (self._buffer or empty)):
            empty = False
            rows = self._buffer[:size]
            del self._buffer[:size]
            if self._landing.format != "parquet":
                lines = [self._line(row) for row in rows]
                self._landing.write_csv(self._dataset, day, self._part, self._columns, lines)
            else:
                self._landing.write_table(self._dataset, day, self._part, self._table(rows))
            self._part += 1
        if all_rows:
            self._part = 0
