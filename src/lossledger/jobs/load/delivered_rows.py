"""A row as a file delivers it, and which columns a file has."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from lossledger.schemas.core import Dataset

MAX_TEXT = 2048  # characters of a row that are kept as delivered
_OTHER_DELIMITERS = ";\t|"
MAX_EXTRA = 50  # names of unknown columns that are kept, of a file


class DeliveredRow(NamedTuple):
    """`text`: the row as JSON; `faults`: errors of the row as a whole."""

    values: Mapping[str, object]
    text: str
    faults: tuple[str, ...] = ()


class MissingColumn(Exception):
    """A file lacks required columns; the message names them."""


class UnfitColumn(Exception):
    """No value of a column can be read as its field's type; the message names both."""


@dataclass
class FileColumns:
    """The columns of a file, complete when its last row has been read."""

    dataset: Dataset
    in_rows: bool = False  # the header, where there is one, has been read
    _found: set[str] = field(default_factory=set)
    _extra: set[str] = field(default_factory=set)

    def set_header(self, names: list[str]) -> None:
        """ValueError: a repeated name. MissingColumn."""
        if len(set(names)) < len(names):
            twice = shortened(standing_twice(names)[0], 100)
            raise ValueError(f"the column name {twice!r} stands twice in the header")
        self.add(names)
        try:
            self.require()
        except MissingColumn as error:
            if len(names) == 1 and any(mark in names[0] for mark in _OTHER_DELIMITERS):
                raise MissingColumn(f"{error}; one column found: is the delimiter a comma?") from None
            raise
        self.in_rows = True

    def add(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._found or name in self._extra:
                continue
            if any(f.name == name for f in self.dataset.fields):
                self._found.add(name)
            elif len(self._extra) < MAX_EXTRA:
                self._extra.add(shortened(name, 100))

    def require(self) -> None:
        missing = [name for name in self.dataset.required_columns if name not in self._found]
        if missing:
            raise MissingColumn(f"missing required column {', '.join(missing)}")

    @property
    def extra(self) -> tuple[str, ...]:
        """Columns that are not of the dataset, by name; the first of them where they are very many."""
        return tuple(sorted(self._extra))


def standing_twice(names: Iterable[str]) -> list[str]:
    """The repeated names, each once, in order."""
    return [name for name, count in Counter(names).items() if count > 1]


def row_text(row: Mapping[str, object]) -> str:
    """The row as JSON, as it is kept; of an unreasonably long one the beginning."""
    return shortened(json.dumps(row, ensure_ascii=False, default=_plain))


def shortened(text: str, most: int = MAX_TEXT) -> str:
    """Text that any table can hold: half a surrogate pair as its escape, and not more than `most` characters."""
    if len(text) > most:
        text = f"{text[:most]}... ({len(text)} characters)"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
