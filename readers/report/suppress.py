"""Which cells of a publication are held back: those of few accounts, and others that would give them away.

A cell that is held back can be computed where it is the only unknown of a total, or of several totals taken together.
So further cells are held back until no small one is determined by the equations that a reader knows (secondary
suppression). What a reader may guess from bounds, or an account from knowing its own part, is not looked at.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

Key = Any  # hashable, such as a tuple of names
Equation = Mapping[Key, int]  # coefficients of cells whose sum is 0


class Count(NamedTuple):
    """How many accounts a cell is of; None where it is of none but the venue. `zero`: nothing is in it."""

    accounts: int | None
    zero: bool


def suppressed(cells: Mapping[Key, Count], equations: Sequence[Equation], below: int) -> set[Key]:
    """The cells to hold back: every one of 1 to below − 1 accounts, and what else it takes."""
    small = {key for key, cell in cells.items() if cell.accounts is not None and 0 < cell.accounts < below}
    hidden = set(small)
    while True:
        given_away = sorted(small & _determined(hidden, equations), key=str)
        added = {key for cell in given_away if (key := _another(cell, hidden, cells, equations)) is not None}
        if not added:
            return _spared(hidden, small, equations)
        hidden |= added


def _spared(hidden: set[Key], small: set[Key], equations: Sequence[Equation]) -> set[Key]:
    """Without those that a later one has made needless."""
    exposed = small & _determined(hidden, equations)
    for key in sorted(hidden - small, key=str):
        if small & _determined(hidden - {key}, equations) <= exposed:
            hidden = hidden - {key}
    return hidden


def _another(
    cell: Key, hidden: set[Key], cells: Mapping[Key, Count], equations: Sequence[Equation]
) -> Key | None:
    """A cell that shares a sum with this one: not empty if there is one, of few accounts rather than of many."""
    reach = {cell}
    while True:  # a small cell may be given away through others that are hidden already
        near = [equation for equation in equations if reach & equation.keys()]
        found = {key for equation in near for key in equation if key not in hidden}
        if found:
            return min(found, key=lambda key: _cost(cells[key], key))
        wider = reach | {key for equation in near for key in equation if key in hidden}
        if wider == reach:
            return None
        reach = wider


def _cost(cell: Count, key: Key) -> tuple[bool, bool, int, str]:
    return cell.zero, cell.accounts is None, cell.accounts or 0, str(key)


def _determined(hidden: set[Key], equations: Sequence[Equation]) -> set[Key]:
    """The unknowns that the equations have one value for: alone in a row after Gauss and Jordan."""
    pivots: dict[Key, dict[Key, Fraction]] = {}
    for equation in equations:
        row = {key: Fraction(value) for key, value in equation.items() if key in hidden and value}
        for key in [k for k in row if k in pivots]:
            _subtract(row, pivots[key], row[key])
        if not row:
            continue
        lead = min(row, key=str)
        row = {key: value / row[lead] for key, value in row.items()}
        for other in pivots.values():
            if lead in other:
                _subtract(other, row, other[lead])
        pivots[lead] = row
    return {key for key, row in pivots.items() if len(row) == 1}


def _subtract(row: dict[Key, Fraction], other: Mapping[Key, Fraction], times: Fraction) -> None:
    for key, value in other.items():
        left = row.get(key, Fraction(0)) - times * value
        if left:
            row[key] = left
        else:
            row.pop(key, None)
