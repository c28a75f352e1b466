"""Cell suppression: cells of few accounts or dominated by two, and cells that would disclose them.

A suppressed cell can be computed if it is the only unknown of a total or of a combination of totals. If only the sum
of several suppressed cells is known, that sum must not be sensitive. Further cells are suppressed until both hold
(secondary suppression). Bounds that a reader may infer, and the knowledge of an account about its own part of a
published cell, are not considered.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from fractions import Fraction
from typing import Any, NamedTuple

Key = Any  # hashable, such as a tuple of names
Equation = Mapping[Key, int]  # coefficients of cells; their weighted sum is 0
Parts = Mapping[str, int]  # account to its part of a cell
Number = int | Fraction
_E18 = 10**18


class Count(NamedTuple):
    """Number of accounts behind a cell; None: only the venue's own amount. `zero`: the cell is zero.

    `ways`: each account's part of it, by role, such as those who lost it and those who pay it.
    """

    accounts: int | None
    zero: bool
    ways: Mapping[str, Parts] = {}

    def few(self, below: int) -> bool:
        return self.accounts is not None and 0 < self.accounts < below

    def sensitive(self, below: int, share_e18: int) -> bool:
        return self.few(below) or any(is_dominated(parts.values(), share_e18) for parts in self.ways.values())


def is_dominated(parts: Iterable[int], share_e18: int) -> bool:
    """Whether the second largest account can estimate the largest part too closely from the total.

    It knows the largest but for what all others have, which is to be at least `share_e18` (in 10^-18) of the largest:
    the p-percent rule (Hundepool and others, Statistical Disclosure Control, 2012, chapter 4). Parts of either sign
    count by their size.
    """
    largest, _, *others = [*sorted(map(abs, parts), reverse=True), 0, 0]
    return sum(others) * _E18 < share_e18 * largest


class Suppression:
    """The cells, the sums that a reader knows of them, and the two rules. `share_e18` 0: heads alone count."""

    def __init__(
        self, cells: Mapping[Key, Count], equations: Sequence[Equation], below: int, share_e18: int = 0
    ) -> None:
        self._cells, self._equations = cells, equations
        self._below, self._share = below, share_e18
        self._sensitive = {key for key, cell in cells.items() if cell.sensitive(below, share_e18)}
        self._sums: defaultdict[Key, list[int]] = defaultdict(list)  # the equations that a cell is in
        for number, equation in enumerate(equations):
            for key in equation:
                self._sums[key].append(number)
        self._seen: dict[frozenset[Key], set[frozenset[Key]]] = {}

    def hidden(self) -> set[Key]:
        """The cells to suppress: all sensitive ones and the secondary ones."""
        hidden = set(self._sensitive)
        while True:
            given_away = sorted(
                {min(keys & self._sensitive, key=str) for keys in self._exposed(hidden)}, key=str
            )
            added = {key for cell in given_away if (key := self._another(cell, hidden)) is not None}
            if not added:
                return self._spared(hidden)
            hidden |= added

    def _exposed(self, hidden: set[Key]) -> set[frozenset[Key]]:
        """Sensitive cells that are determined, and sums of several that are known and would be sensitive themselves."""
        return {keys for piece in self._pieces(hidden) for keys in self._exposed_in(piece)}

    def _pieces(self, hidden: set[Key]) -> Iterator[frozenset[Key]]:
        """Connected components of suppressed cells: sums within one disclose nothing about another."""
        left = set(hidden)
        while left:
            piece, edge = set[Key](), {left.pop()}
            while edge:
                piece |= edge
                sums = {number for key in edge for number in self._sums[key]}
                edge = {key for number in sums for key in self._equations[number] if key in left}
                left -= edge
            yield frozenset(piece)

    def _exposed_in(self, piece: frozenset[Key]) -> set[frozenset[Key]]:
        if piece not in self._seen:
            numbers = sorted({number for key in piece for number in self._sums[key]})
            found = set()
            for row in _known(piece, [self._equations[number] for number in numbers]):
                if not self._sensitive & row.keys():
                    continue
                if len(row) == 1 or (len(set(row.values())) == 1 and self._sum_is_sensitive(row)):
                    found.add(frozenset(row))
            self._seen[piece] = found
        return self._seen[piece]

    def _sum_is_sensitive(self, keys: Iterable[Key]) -> bool:
        cells = [self._cells[key] for key in keys]
        for way in set.intersection(*({*cell.ways} for cell in cells)):
            together: defaultdict[str, int] = defaultdict(int)
            for cell in cells:
                for account, part in cell.ways[way].items():
                    together[account] += part
            accounts = sum(part != 0 for part in together.values())
            if Count(accounts, False, {way: together}).sensitive(self._below, self._share):
                return True
        return False

    def _spared(self, hidden: set[Key]) -> set[Key]:
        """Releases cells that a later suppression made unnecessary."""
        kept = set[Key]()
        for piece in self._pieces(hidden):
            mine, exposed = set(piece), self._exposed_in(piece)
            for key in sorted(piece - self._sensitive, key=str):
                if self._exposed(mine - {key}) <= exposed:
                    mine.remove(key)
            kept |= mine
        return kept

    def _another(self, cell: Key, hidden: set[Key]) -> Key | None:
        """Another cell to suppress in a sum with this one: preferably not zero and of few accounts."""
        reach = {cell}
        while True:  # a small cell may be disclosed through cells that are already suppressed
            near = [equation for equation in self._equations if reach & equation.keys()]
            found = {key for equation in near for key in equation if key not in hidden}
            if found:
                return min(found, key=lambda key: _cost(self._cells[key], key))
            wider = reach | {key for equation in near for key in equation if key in hidden}
            if wider == reach:
                return None
            reach = wider


def find_suppressed(
    cells: Mapping[Key, Count], equations: Sequence[Equation], below: int, share_e18: int = 0
) -> set[Key]:
    """The cells to suppress: of 1 to below − 1 accounts, dominated by two accounts, and the secondary ones."""
    return Suppression(cells, equations, below, share_e18).hidden()


def _cost(cell: Count, key: Key) -> tuple[bool, bool, int, str]:
    return cell.zero, cell.accounts is None, cell.accounts or 0, str(key)


def _known(hidden: Set[Key], equations: Sequence[Equation]) -> Iterator[Mapping[Key, Number]]:
    """Sums of hidden cells that a reader knows: of each equation, and of all together after Gauss and Jordan."""
    pivots: dict[Key, dict[Key, Number]] = {}
    for equation in equations:
        row: dict[Key, Number] = {k: value for k, value in equation.items() if k in hidden and value}
        if row:
            yield dict(row)
        for key in [k for k in row if k in pivots]:
            _subtract(row, pivots[key], row[key])
        if not row:
            continue
        lead = min(row, key=str)
        by = row[lead]
        row = {key: _quotient(value, by) for key, value in row.items()}
        for other in pivots.values():
            if lead in other:
                _subtract(other, row, other[lead])
        pivots[lead] = row
    yield from pivots.values()


def _quotient(value: Number, by: Number) -> Number:
    """Exact; whole where it is, which is quicker to go on with."""
    return value * by if by in (1, -1) else Fraction(value) / by


def _subtract(row: dict[Key, Number], other: Mapping[Key, Number], times: Number) -> None:
    for key, value in other.items():
        left = row.get(key, 0) - times * value
        if left:
            row[key] = left
        else:
            row.pop(key, None)
