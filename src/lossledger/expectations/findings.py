"""What is found of a date's input, beside the checks of its tables: rows of ops.dq_results of severity warn.

A finding's `expectation` is its kind, and after a blank what it is about; its first example has it in words (`text`).
No finding keeps a date from being published.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from lossledger.expectations.check import finding

MARK_GAP, REPEATED_FILE, FEE_SIGN = "mark_gap", "repeated_file", "fee_sign"
REJECTED = {f"rejected_{kind}": kind for kind in ("liquidation", "adl", "settlement")}  # kinds of fills
KINDS = {
    **dict.fromkeys(
        REJECTED, "A rejected fill of this kind: whatever the share, a loss or a close is missing."
    ),
    MARK_GAP: (
        "An instrument that a client held had no mark for longer than the policy's max_mark_gap_us; with the "
        "liquidations that start after it."
    ),
    REPEATED_FILE: "A file of a delivery has the content of another one: every row of it is a duplicate.",
    FEE_SIGN: "Nearly all normal fills have a fee below zero, and a positive fee is one that was paid.",
}
SHOWN = 3  # findings of a kind in a list for people


def kind_of(expectation: str) -> str:
    """The kind of a finding; of a check its name."""
    return expectation.partition(" ")[0]


def detail(examples: str) -> dict[str, Any]:
    """What is known of a finding, by name; `text` is the sentence."""
    found: dict[str, Any] = json.loads(examples)[0]
    return found


def told(rows: Iterable[tuple[str, str, int, str]]) -> list[str]:
    """Lines for people, from (table, check, rows, examples) of what did not hold; of a kind of findings the first."""
    lines, counts = [], Counter[str]()
    for table, name, count, examples in rows:
        kind = kind_of(name)
        if kind not in KINDS:
            lines.append(finding(table, name, count))
            continue
        counts[kind] += 1
        if counts[kind] <= SHOWN:
            lines.append(f"{kind}: {detail(examples)['text']}")
    return lines + [
        f"{kind}: {count - SHOWN:,} more; see ops.dq_results"
        for kind, count in counts.items()
        if count > SHOWN
    ]
