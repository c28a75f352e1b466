"""Section 4: how ids and trades are told and ordered."""

from __future__ import annotations

from tests.oracle.fields import Row


def in_order(name: str) -> tuple[int, int, str]:
    """Section 4: none, then digits alone as numbers (equal numbers as text), then everything else as text."""
    if not name:
        return (0, 0, "")
    if set(name) <= set("0123456789"):
        return (1, int(name), name)
    return (2, 0, name)


def trade_of(fill: Row) -> tuple[str, str]:
    """Section 4: venues number their trades per contract."""
    return fill["instrument_id"], fill["trade_id"]
