"""How a venue writes its ids: as text, as numbers, as both; and trades that are numbered per contract."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

Row = dict[str, Any]
KEYS = {"fills": "fill_id", "transfers": "transfer_id", "fund_movements": "movement_id"}
STYLES = ("text", "numbers", "mixed")
_OURS = re.compile("[a-zA-Z0-9_]+")


class IdStyle:
    """Renames the ids of a market, one to one; what is no id of ours (a row to be rejected) stays as it is."""

    def __init__(self, style: str) -> None:
        self.style = style
        self.given: dict[tuple[str, str], str] = {}
        self.numbers: Counter[str] = Counter()

    def rename(self, dataset: str, row: Row) -> Row:
        """The row with its ids in the market's style."""
        key = KEYS.get(dataset)
        if self.style == "text" or key is None:
            return row
        renamed = {**row}
        if self._is_ours(row.get(key)):
            renamed[key] = self._of(key, row[key])
        if (
            dataset == "fills"
            and self._is_ours(row.get("trade_id"))
            and self._is_ours(row.get("instrument_id"))
        ):
            renamed["trade_id"] = self._trade(row["instrument_id"], row["trade_id"])
        return renamed

    def _is_ours(self, value: object) -> bool:
        return isinstance(value, str) and len(value) < 100 and bool(_OURS.fullmatch(value))

    def _trade(self, instrument: str, trade: str) -> str:
        place = (instrument, trade)
        if place not in self.given:
            self.numbers[instrument] += 1
            self.given[place] = str(self.numbers[instrument])
        return self.given[place]

    def _of(self, key: str, old: str) -> str:
        """Numbers of 1 to 30 digits in another order than that of time; every seventh is its neighbour with a zero."""
        if (key, old) not in self.given:
            self.numbers[key] += 1
            self.given[key, old] = self._written(self.numbers[key], old)
        return self.given[key, old]

    def _written(self, number: int, old: str) -> str:
        if self.style == "mixed" and number % 3 == 0:
            return old
        shuffled = number + (7 if number % 2 else 0)  # 8, 2, 10, 4, 12, 6, 14, 8 …
        text = f"{shuffled}{number}" if number % 5 else f"{shuffled}{number:028}"
        return f"0{text}" if number % 7 == 0 else text
