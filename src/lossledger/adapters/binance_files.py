"""Binance's files by what is in them: its own archive as it is downloaded, and re-exports named by dataset."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lossledger.adapters.binance_symbols import Symbol
from lossledger.adapters.delivered import csv_rows, decimal, utc_text, utc_text_of_epoch
from lossledger.engine.errors import DataError

MARK, LAST, FUNDING, TRADES, TIERS = "mark", "futures", "funding", "trades", "tiers"
FOLDERS = {"markPriceKlines": MARK, "klines": LAST}  # the archive's; its klines have the same name in each
UNUSED_FOLDERS = frozenset({"indexPriceKlines", "premiumIndexKlines", "spot"})
KINDS = {"fundingRate": FUNDING, "trades": TRADES, "aggTrades": TRADES}
# The columns of files without a header, which early ones have not, and the column of the time.
KLINE = ("open_time", "open", "high", "low", "close", "volume")
ORDER = {
    MARK: KLINE,
    LAST: KLINE,
    FUNDING: ("calc_time", "funding_interval_hours", "last_funding_rate"),
    TRADES: ("id", "price", "quantity"),
}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_678_400}
_ARCHIVED = re.compile(r"([^-]+)-([^-]+)-\d{4}-\d{2}(?:-\d{2})?\.(?:zip|csv|csv\.gz)")
_EXPORTED = re.compile(r"(mark|futures|funding|tiers)_.*\.csv(?:\.gz)?")
_INTERVAL = re.compile(r"(\d+)(mo|[smhdw])")


class File(NamedTuple):
    """A delivered file. `symbol` is None where each row names its own; `bar_us` is the length of a bar."""

    path: Path
    symbol: str | None = None
    bar_us: int = 0


@dataclass
class Delivery:
    """The files below a folder by kind, and how many of them are not used, by name of what they are."""

    files: dict[str, list[File]] = field(default_factory=lambda: defaultdict(list))
    unused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    taken_by_volume: int = 0  # klines in no folder of the archive's: mark prices have no volume


class Row(NamedTuple):
    """A row of a file: its instrument, time (empty for trades), cells by column, and place for messages."""

    symbol: Symbol
    ts: str
    cells: dict[str, str]
    where: str


class Symbols:
    """Every spelling of a symbol in any file of the delivery as one instrument."""

    def __init__(self, read: Callable[[str, str], Symbol]) -> None:
        self._read = read
        self._texts: dict[str, Symbol] = {}
        self._by_id: dict[str, Symbol] = {}

    def __call__(self, text: str, where: str) -> Symbol:
        """DataError: not a symbol of this market; an id that has other currencies in another file."""
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = self._read(text, where)
            if self._by_id.setdefault(known.id, known) != known:
                raise DataError(f"{where}: {known.id} has other currencies than in an earlier file")
        return known


def delivery(source: Path) -> Delivery:
    """What lies in `source` and below. DataError: a file that is not what its .CHECKSUM says."""
    found = Delivery()
    for path in sorted(p for p in source.rglob("*") if p.is_file() and p.name[0] not in "._"):
        if path.suffix == ".CHECKSUM":
            continue
        _check_sum(path)
        kind, file = _recognise(path, source, found)
        if kind in ORDER or kind == TIERS:
            found.files[kind].append(file)
        else:
            found.unused[kind] += 1
    return found


def rows(kind: str, file: File, columns: tuple[str, ...], symbols: Symbols) -> Iterator[Row]:
    """The rows of one file of klines or funding, in the order of the file."""
    if file.symbol is None:
        for number, cells in csv_rows(file.path, ("symbol", "date", *columns)):
            where = f"{file.path} row {number}"
            yield Row(symbols(cells["symbol"], where), utc_text(cells["date"], where), cells, where)
        return
    symbol, time = symbols(file.symbol, str(file.path)), ORDER[kind][0]
    for number, cells in csv_rows(file.path, (time, *columns), ORDER[kind]):
        where = f"{file.path} row {number}"
        yield Row(symbol, utc_text_of_epoch(cells[time], where), cells, where)


def _recognise(path: Path, source: Path, found: Delivery) -> tuple[str, File]:
    """The kind of a file and the file; what is not used has a kind of another name."""
    if exported := _EXPORTED.fullmatch(path.name):
        return exported[1], File(path, None, _bar_us(path.name.split(".")[0].split("_")[1]))
    archived = _ARCHIVED.fullmatch(path.name)
    folders = path.relative_to(source.parent).parts[:-1]
    if not archived:
        return "of no known name", File(path)
    symbol, what = archived.groups()
    if unused := UNUSED_FOLDERS.intersection(folders):
        return min(unused), File(path)
    if not _INTERVAL.fullmatch(what):
        return KINDS.get(what, what), File(path, symbol)
    file = File(path, symbol, _bar_us(what))
    for folder in reversed(folders):
        if folder in FOLDERS:
            return FOLDERS[folder], file
    found.taken_by_volume += 1
    return (LAST if _has_volume(path) else MARK), file


def _bar_us(interval: str) -> int:
    """The longest that a bar of that name lasts; 0 when it names no length."""
    match = _INTERVAL.fullmatch(interval)
    return int(match[1]) * SECONDS[match[2]] * 1_000_000 if match else 0


def _has_volume(path: Path) -> bool:
    rows = csv_rows(path, ("open_time", "volume"), KLINE)
    return any(decimal(cells["volume"], f"{path} row {number}") for number, cells in rows)


def _check_sum(path: Path) -> None:
    beside = path.with_name(path.name + ".CHECKSUM")
    if beside.is_file():
        expected = beside.read_text(encoding="utf-8", errors="replace").split()[:1]
        with path.open("rb") as file:
            if expected != [hashlib.file_digest(file, "sha256").hexdigest()]:
                raise DataError(f"{path} is not what its CHECKSUM says; fetch both again")
