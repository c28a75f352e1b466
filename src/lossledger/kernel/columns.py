"""From sorted columns to a bucket, without a step of Python per row.

The night reads Arrow columns of a group of buckets and needs three things: whole numbers of DECIMAL(38,18) buffers
(`on_grid`), one number per risk unit (`unit_numbers`), and the rows of a unit together (`bucket`). A unit's number is
account × places + place, place = the settlement currency's number for cross margin and (number of currencies +
instrument) for an isolated position, places = currencies + instruments.
"""

from typing import Annotated, NamedTuple

import numpy as np

from lossledger.kernel.compiler import compiled, entry
from lossledger.kernel.layout import POSITION, UNIT, Amounts, Bucket, Frozen, Ints, Rows
from lossledger.kernel.wide import Word, divide_words, product
from lossledger.kernel.words import WORDS, width_of

_ZERO, _ONE, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)
_WORD = np.uint64(64)
_TOO_LARGE = np.uint64(1 << 62)
_MOST_ABOVE = np.uint64(1 << 56)  # the high word of 2^120


class States(NamedTuple):
    """Carried state and charges: unit numbers, rising, each once. `refused` 1: the reference replays the unit.

    `carried` 1: with an episode that is open.
    """

    unit: Ints
    wallet: Amounts
    debt: Amounts
    unrealised: Amounts
    charge: Amounts
    charge_at: Ints
    refused: Ints
    carried: Ints
    triggered_at: Ints
    first_execution_at: Ints
    steps: Ints
    last_step_at: Ints


class Positions(NamedTuple):
    unit: Ints
    instrument: Ints
    lots: Ints
    entry_value: Amounts


class Transfers(NamedTuple):
    """In the order of account, time and transfer_id."""

    unit: Ints
    ts: Ints
    amount: Amounts


class Fills(NamedTuple):
    """In the order of account (or unit), time and fill_id. Lots are signed, kinds those of kernel/layout.py."""

    unit: Ints
    ts: Ints
    instrument: Ints
    lots: Ints
    price: Ints
    fee: Amounts
    kind: Ints


class Snapshots(NamedTuple):
    """Which units to report on, and when: in the order of time, each instant once a unit."""

    unit: Ints
    ts: Ints


class Assembled(NamedTuple):
    """A bucket, the number of each of its units, and the row of `Fills` that each of its fills was; None: its own."""

    bucket: Bucket
    unit_numbers: Ints
    fill_rows: Ints | None

    def rows_of(self, fills: Ints) -> Ints:
        """The rows that fills were."""
        return fills if self.fill_rows is None else self.fill_rows[fills]


def assemble(
    start: int,
    accounts: Rows,
    versions: Rows,
    places: int,
    states: States,
    positions: Positions,
    transfers: Transfers,
    fills: Fills,
    snapshots: Snapshots,
    refused: Ints,
    instants: Ints,
) -> Assembled:
    """Group rows by unit; `refused`: unit numbers with a row that is not on its grid."""
    numbers = unit_numbers(states.unit, positions.unit, transfers.unit, fills.unit)
    width = width_of(states.wallet)
    units = np.zeros(len(numbers), width.row(UNIT))
    units["account"] = numbers // places
    known = np.searchsorted(numbers, states.unit)
    for name, column in zip(States._fields[1:], states[1:], strict=True):
        units[name][known] = column
    units["refused"][np.searchsorted(numbers, refused)] = 1
    ordered = {}
    for name, rows in (
        ("position", positions),
        ("transfer", transfers),
        ("fill", fills),
        ("snapshot", snapshots),
    ):
        order = order_by(rows.unit)
        unit = rows.unit if order is None else rows.unit[order]
        units[f"{name}_from"], units[f"{name}_to"] = (
            np.searchsorted(unit, numbers, side) for side in ("left", "right")
        )
        ordered[name] = [column if order is None else column[order] for column in rows[1:]]
        if name == "fill":
            fill_rows = order
    held = np.zeros(len(positions.unit), width.row(POSITION))
    for name, column in zip(POSITION.names or (), ordered["position"], strict=True):
        held[name] = column
    events = (*ordered["transfer"], *ordered["fill"], *ordered["snapshot"], instants)
    return Assembled(Bucket(start, accounts, versions, units, held, *events), numbers, fill_rows)


def unit_numbers(*columns: Ints) -> Ints:
    """All units that are named, rising. Runs of one number are cheap."""
    firsts = [c[np.r_[True, c[1:] != c[:-1]]] if len(c) else c for c in columns]
    return np.unique(np.concatenate(firsts))


def order_by(units: Ints) -> Ints | None:
    """The stable order by unit; None where the rows have it."""
    if (units[1:] >= units[:-1]).all():
        return None
    return np.argsort(units, kind="stable")


@entry
def on_grid(words: Frozen, divisors: Frozen, which: Frozen, numbers: Ints, exact: Ints) -> None:
    """Whole multiples of DECIMAL(38,18) values: `numbers` = value / divisors[which], `exact` 0 where it is none.

    `words`: the column's buffer as int64, low and high word of each value; divisors positive, up to 10^18. A number
    of 2^62 or more is not exact either.
    """
    twos, inverse = inverses(divisors)
    for k in range(len(which)):
        low, high = np.uint64(words[2 * k]), np.uint64(words[2 * k + 1])
        negative = words[2 * k + 1] < 0
        if negative:
            low, high = negated(low, high)
        at = which[k]
        shifted = low
        if twos[at] != _ZERO:
            shifted = (low >> twos[at]) | (high << (_WORD - twos[at]))
        quotient = shifted * inverse[at]
        exact[k], numbers[k] = 0, 0
        if quotient >= _TOO_LARGE:
            continue
        above, below = product(np.int64(quotient), divisors[at])
        if above == high and below == low:
            exact[k] = 1
            numbers[k] = -np.int64(quotient) if negative else np.int64(quotient)


@entry
def words_on_grid(
    words: Frozen, divisors: Frozen, which: Frozen, numbers: Annotated[Rows, WORDS], exact: Ints
) -> None:
    """The same for amounts of two words: one of 2^120 or more is not exact."""
    for k in range(len(which)):
        low, high = np.uint64(words[2 * k]), np.uint64(words[2 * k + 1])
        negative = words[2 * k + 1] < 0
        if negative:
            low, high = negated(low, high)
        divisor = np.uint64(divisors[which[k]])
        above = high // divisor
        below, rest = divide_words(high - above * divisor, low, divisor)
        exact[k] = 1 if rest == _ZERO and above < _MOST_ABOVE else 0
        if exact[k] == 0:
            above = below = _ZERO
        if negative:
            below, above = negated(below, above)
        numbers[k].low, numbers[k].high = below, np.int64(above)


@compiled
def negated(low: Word, high: Word) -> tuple[Word, Word]:
    """Minus a number of two words."""
    low, high = ~low + _ONE, ~high
    if low == _ZERO:
        high += _ONE
    return low, high


@compiled
def inverses(divisors: Frozen) -> tuple[Rows, Rows]:
    """Of each divisor, odd × 2^twos: `twos`, and `inverse` with odd × inverse = 1 modulo 2^64.

    Where a division leaves no rest its quotient is a product with the inverse, which costs a tenth of dividing 128
    bits. Source: Warren, Hacker's Delight, 10-16 and 10-17 (Newton's iteration doubles the right bits: 3, 6, … 96).
    """
    twos, inverse = np.zeros(len(divisors), np.uint64), np.empty(len(divisors), np.uint64)
    for at in range(len(divisors)):
        odd = np.uint64(divisors[at])
        while odd & _ONE == _ZERO and odd != _ZERO:
            odd >>= _ONE
            twos[at] += _ONE
        inverse[at] = odd
        for _ in range(5):
            inverse[at] *= _TWO - odd * inverse[at]
    return twos, inverse


@entry
def coarsen(words: Frozen, which: Frozen, powers: Ints) -> None:
    """Lower the power of ten of each instrument's grid until all its values in a column are multiples of it.

    `powers`: exponents of 10 in units of 10^-18, at most 18, changed in place; null values are words of zero.
    """
    for k in range(len(which)):
        low, high = np.uint64(words[2 * k]), np.uint64(words[2 * k + 1])
        power = powers[which[k]]
        while power > 0:
            divisor = np.uint64(10**power)
            if divide_words(high % divisor, low, divisor)[1] == _ZERO:
                break
            power -= 1
        powers[which[k]] = power
