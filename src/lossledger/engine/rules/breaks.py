"""Breaks of reconciliations: which there are, and how many facts they tell (rules.md section 13)."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

# Rows that say in a sum what other rows of their rule say again: `matched` lacks just the episodes that
# `untriggered` counts, and `all` just the trades that are listed one by one.
_SAID_AGAIN = {("liquidation_match", "matched"), ("trade_zero_sum", "all")}

# What the venue published of balances is of the world as it was: in a scenario it differs, and says nothing.
VENUE_RULES = ("venue_account_balance", "venue_fund_balance", "venue_liquidation_value")


def is_break(row: Mapping[str, Any]) -> bool:
    """Whether the two sides of a row are further apart than its tolerance; not when one cannot be determined."""
    return row["break"] is not None and abs(row["break"]) > row["tolerance"]


def is_counted(row: Mapping[str, Any]) -> bool:
    """Whether a break counts where a person is told how many there are: a fact that has two rows counts once."""
    return is_break(row) and (row["rule"], row["key"]) not in _SAID_AGAIN


def count_breaks(rows: Iterable[Mapping[str, Any]], left_out: Collection[str] = ()) -> dict[str, int]:
    """Rule to the number of its breaks, each fact once; rules without one, and those named, are left out."""
    counts = Counter(row["rule"] for row in rows if is_counted(row) and row["rule"] not in left_out)
    return dict(sorted(counts.items()))


def breaks_text(counts: Mapping[str, int]) -> str:
    """As a person is told: how many, and in which rules."""
    number = sum(counts.values())
    by_rule = ", ".join(f"{rule} {count}" for rule, count in counts.items())
    return f"{number} break{'s' if number != 1 else ''} beyond tolerance: {by_rule}"
