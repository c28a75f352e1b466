"""Values of a document, typed and exact, and their text."""

from dataclasses import dataclass
from datetime import date

from lossledger.engine.clock import to_datetime
from lossledger.engine.figures import exact, percent

NOT_AVAILABLE = "not available"


@dataclass(frozen=True)
class Amount:
    """An exact decimal in 10^-18 of `unit` (a currency; empty for prices and sizes); None: there is no value.

    `places`: least number of decimals shown, for money those of its currency.
    """

    e18: int | None
    places: int = 0
    unit: str = ""

    def __str__(self) -> str:
        return exact(self.e18, self.places)


@dataclass(frozen=True)
class Share:
    """part / whole, shown rounded to a tenth of a percent."""

    part: int
    whole: int


@dataclass(frozen=True)
class Time:
    """Microseconds since the epoch, UTC."""

    us: int


@dataclass(frozen=True)
class Missing:
    """A value that the data do not contain; it is never shown as zero."""

    reason: str


@dataclass(frozen=True)
class Hidden:
    """A value suppressed in the public edition. `below`: the small-cell limit if fewer accounts share it, else 0.

    With 0 the value has more accounts, but two of them dominate it or it would disclose another cell.
    """

    below: int = 0


Cell = Amount | Share | Time | Missing | Hidden | date | int | str


def cell_text(cell: Cell) -> str:
    """A value as a person reads it."""
    if isinstance(cell, Share):
        return percent(cell.part, cell.whole)
    if isinstance(cell, Time):
        return f"{to_datetime(cell.us):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, Missing):
        return NOT_AVAILABLE
    if isinstance(cell, Hidden):
        return f"< {cell.below} accounts" if cell.below else "held back"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def cell_unit(cell: Cell) -> str:
    return cell.unit if isinstance(cell, Amount) else ""
