"""Hyperliquid's archived fills, as `node_fills_by_block` and as the older `node_fills`; see docs/adapters."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lossledger.adapters.delivered import reading
from lossledger.engine.errors import DataError

FIELDS = ("coin", "px", "sz", "side", "time", "startPosition", "dir", "fee", "feeToken", "tid")
ENDINGS = (".lz4", ".json", ".json.gz", ".jsonl", ".jsonl.gz")
HOUR = re.compile(r"\d{1,2}")  # what `lz4 -d 21.lz4` leaves
OTHER_SHAPES = {
    "side_info": "a line of node_trades, which has no fees",
    "fills": "the API's userFills, which has one account's side of each trade",
}


class Event(NamedTuple):
    """One side of a trade. Text order of `id` is the order of execution; `where` is for messages."""

    id: str
    where: str
    user: str
    fill: dict[str, Any]


class Delivery:
    """What was delivered so far, so that no fill counts twice: blocks by number, lines by their millisecond."""

    def __init__(self) -> None:
        self.blocks: set[int] = set()
        self.lines = 0
        self._block_times: set[int] = set()
        self._line_times: set[int] = set()
        self._last = 0

    def take_block(self, number: int, times: set[int], where: str) -> None:
        """DataError: the block came before, or its fills did as lines of `node_fills`."""
        if number in self.blocks or times & self._line_times:
            raise DataError(f"{where}: block {number} was already delivered")
        self.blocks.add(number)
        self._block_times |= times

    def take_line(self, time: int, where: str) -> None:
        """A millisecond is one block, so its lines stand together. DataError: it comes back after others."""
        if time != self._last and (time in self._line_times or time in self._block_times):
            raise DataError(f"{where}: the fills of {time} ms were already delivered")
        self._line_times.add(time)
        self._last = time


def events(source: Path, delivery: Delivery) -> Iterator[Event]:
    """Every fill below `source`, file by file in the order of dates and hours.

    DataError: no file; a damaged file; a line of another shape; a block or millisecond that comes twice.
    """
    for path in _files(source):
        places = Counter[int]()  # lines of `node_fills` so far, by millisecond
        with reading(path) as file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    delivery.lines += 1
                    yield from _line(line, f"{path} line {number}", places, delivery)


def _files(source: Path) -> list[Path]:
    paths = [p for p in source.rglob("*") if p.is_file() and not any(q[0] in "._" for q in _below(p, source))]
    found = [p for p in paths if p.name.endswith(ENDINGS) or HOUR.fullmatch(p.name)]
    if not found:
        raise DataError(f"{source} has no file that ends in {', '.join(ENDINGS)}")
    return sorted(found, key=lambda path: _by_number("/".join(_below(path, source))))


def _below(path: Path, source: Path) -> tuple[str, ...]:
    return path.relative_to(source).parts


def _by_number(name: str) -> list[str | int]:
    """A key that puts hour 9 before hour 10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _line(line: str, where: str, places: Counter[int], delivery: Delivery) -> Iterator[Event]:
    match _record(line, where):
        case {"block_number": int(block), "events": list(sides)}:
            fills = list(_sides(sides, where))
            delivery.take_block(block, {fill["time"] for _, fill in fills}, where)
            for index, (user, fill) in enumerate(fills):
                yield Event(f"{block:012d}-{index:06d}", where, user, fill)
        case [str(), dict()] as side:
            ((user, fill),) = _sides([side], where)
            time = fill["time"]
            delivery.take_line(time, where)
            yield Event(f"{time:013d}-{places[time]:06d}", where, user, fill)
            places[time] += 1
        case dict(record) if shapes := OTHER_SHAPES.keys() & record.keys():
            raise DataError(f"{where} is {OTHER_SHAPES[min(shapes)]}; give node_fills_by_block or node_fills")
        case [dict(), *_]:
            raise DataError(f"{where} is {OTHER_SHAPES['fills']}; give node_fills_by_block or node_fills")
        case _:
            raise _misshapen(where)


def _record(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise _misshapen(where) from None


def _sides(sides: list[Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for side in sides:
        match side:
            case [str(user), dict(fill)]:
                missing = [name for name in FIELDS if name not in fill]
                if missing:
                    raise DataError(f"{where}: a fill lacks the field {missing[0]}")
                if type(fill["time"]) is not int or len(str(fill["time"])) != 13:
                    raise DataError(f"{where}: the time {fill['time']!r} is not in milliseconds")
                types = (type(fill["coin"]), type(fill["tid"]), type(fill.get("liquidation") or {}))
                if types != (str, int, dict):
                    raise _misshapen(where)
                yield user, fill
            case _:
                raise _misshapen(where)


def _misshapen(where: str) -> DataError:
    return DataError(f"{where} is not a block of fills, nor a line [user, fill]; fetch the file again")
