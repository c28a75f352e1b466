"""Distance of open positions from liquidation: prices by engine/prices.py from published positions and wallets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from lossledger.engine.numbers import E18, round_half_even_div
from lossledger.engine.prices import OpenPosition, Tier, bankruptcy_price, liquidation_price
from lossledger.readers.published_rows import PublishedRows, Row, rows_where
from lossledger.schemas import attribution

_UNIT = ("account_id", "currency", "isolation")


@dataclass(frozen=True)
class Distance:
    """A position and the prices at which its unit is liquidated and bankrupt, everything else standing still.

    `distance`: how far the mark may move against it, as a fraction of the mark; below 0 it is past that price.
    Prices are in 10^-18 of the quote currency, rounded to the decimals of the tick size.
    """

    position: Row
    tick_size: int
    distance: Fraction
    liquidation: int
    bankruptcy: int | None


@dataclass(frozen=True)
class Distances:
    """`nearest`: positions with such a price, the nearest first. `not_stated`: how many others clients have."""

    nearest: Sequence[Distance]
    not_stated: int


def find_distances(rows: PublishedRows) -> Distances:
    """Client units with exactly one position, at the end of the last date, before that session's charges.

    With several positions the price would depend on the marks of the others, so it is not stated.
    """
    last = rows.days[-1]
    house = {row["account_id"] for row in rows.reference("accounts") if row["account_type"] == "house"}
    units: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows_where(rows.rows(attribution.POSITIONS_DAILY), business_date=last.day):
        if row["account_id"] not in house:
            units[_unit(row)].append(row)
    wallets = {
        _unit(row): row["closing_wallet"]
        for row in rows_where(rows.rows(attribution.ACCOUNT_DAILY), business_date=last.day)
    }
    terms = _effective(rows.reference("instruments"), last.end)
    tiers = _effective(rows.reference("margin_tiers"), last.end)
    found = [
        distance
        for unit, held in sorted(units.items())
        if len(held) == 1
        and (distance := _distance(held[0], wallets[unit], terms[held[0]["instrument_id"]][0], tiers))
    ]
    found.sort(key=lambda d: (d.distance, _unit(d.position)))
    return Distances(found, sum(len(held) for held in units.values()) - len(found))


def _unit(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in _UNIT)


def _effective(versions: Sequence[Row], end: int) -> dict[str, list[Row]]:
    """The rows of the version in force just before the end, by instrument."""
    known: defaultdict[str, list[Row]] = defaultdict(list)
    for row in versions:
        if row["valid_from"] < end:
            known[row["instrument_id"]].append(row)
    return {
        instrument: [row for row in of_it if row["valid_from"] == max(r["valid_from"] for r in of_it)]
        for instrument, of_it in known.items()
    }


def _distance(position: Row, wallet: int, terms: Row, tables: dict[str, list[Row]]) -> Distance | None:
    mark, quantity = position["mark_price"], position["quantity"]
    table = tables.get(position["instrument_id"])
    if mark is None or not table:
        return None
    side = 1 if quantity > 0 else -1
    held = OpenPosition(
        terms["kind"],
        side,
        Fraction(abs(quantity), E18),
        Fraction(position["entry_value"], E18),
        Fraction(terms["multiplier"], E18),
    )
    tiers: list[Tier] = sorted(
        (Fraction(row["notional_floor"], E18), Fraction(row["maintenance_rate"], E18)) for row in table
    )
    price = liquidation_price(held, Fraction(wallet, E18), tiers)
    if price is None:
        return None
    bankruptcy = bankruptcy_price(held, Fraction(wallet, E18))
    step = _step(terms["tick_size"])
    return Distance(
        position,
        terms["tick_size"],
        side * (1 - price * E18 / mark),
        _rounded(price, step),
        None if bankruptcy is None else _rounded(bankruptcy, step),
    )


def _step(tick_size_e18: int) -> int:
    """The decimal place of the tick size: 0.5 and 0.1 both have one decimal."""
    step = 1
    while tick_size_e18 % (step * 10) == 0:
        step *= 10
    return min(step, E18)


def _rounded(price: Fraction, step: int) -> int:
    return round_half_even_div(price.numerator * E18, price.denominator * step) * step
