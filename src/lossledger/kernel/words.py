"""How amounts stand in arrays: an int64 each, or, where they may be larger, two words of 64 bits.

All rows of kernel/layout.py are written once, with an int64 for each amount; `row` makes the same row with two words.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

WORDS = np.dtype([("low", np.uint64), ("high", np.int64)])
_WORD = (1 << 64) - 1
# A field of one of these names is an amount in ledger units, or a factor that makes one of lots and prices.
AMOUNTS = frozenset(
    (
        *(
            "wallet",
            "debt",
            "unrealised",
            "charge",
            "charged",
            "entry_value",
            "value",
            "bound",
            "term",
            "part",
            "fee",
            "result",
            "open_value",
            "close_value",
            "at_takeover",
            "market_move",
            "execution",
            "fraction",
            "amount",
        ),
        *("new_debt", "recovered", "transfers", "realised_pnl", "fees", "funding"),
        *(
            "negative_balance_reset",
            "surplus_forfeited",
            "socialised_charge",
            "fund_settlement",
            "opening_wallet",
            "closing_wallet",
        ),
        *("opening_unrealised", "closing_unrealised", "opening_debt", "closing_debt"),
        *("equity", "margin", "terminal_equity", "liquidation_fees", "other_flows", "surplus", "deficit"),
        *("session_transfers", "noted", "start_entry_value", "start_margin", "filled_value", "causes"),
        *("told_wallet", "told_entry_value", "factor", "other", "floor", "whole", "small"),
    )
)


class Width(NamedTuple):
    """`amount`: the type of an amount in arrays. `most`: every amount that goes in is below it, in size."""

    amount: np.dtype[Any]
    most: int

    def row(self, narrow: np.dtype[Any]) -> np.dtype[Any]:
        """A row of kernel/layout.py with amounts of this width."""
        if self.amount != WORDS:
            return narrow
        fields = [(name, *_shape(narrow[name])) for name in narrow.names or ()]
        return np.dtype([(n, WORDS if n in AMOUNTS else base, shape) for n, base, shape in fields])

    def column(self, amounts: Iterable[int], unfit: int = 0) -> "np.ndarray":
        """Amounts as an array; for one that is not below `most` stands `unfit`."""
        known = [amount if abs(amount) < self.most else unfit for amount in amounts]
        return np.array([self.of(amount) for amount in known], self.amount)

    def of(self, amount: int) -> Any:
        """An amount as a field of a row takes it."""
        return amount if self.amount != WORDS else (amount & _WORD, amount >> 64)


def _shape(field: np.dtype[Any]) -> tuple[Any, tuple[int, ...]]:
    return field.base, field.shape


NARROW = Width(np.dtype(np.int64), 1 << 62)
WIDE = Width(WORDS, 1 << 120)


def width_of(amounts: "np.ndarray") -> Width:
    """The width of a column."""
    return WIDE if amounts.dtype == WORDS else NARROW


def integers(column: "np.ndarray") -> list[Any]:
    """A column of numbers, or of amounts of two words, as Python has them."""
    if column.dtype != WORDS:
        return column.tolist()
    return [(high << 64) | low for low, high in column.tolist()]
