"""The market and its other shapes: what is measured on which landing files, and what must be equal to what."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import markets
from benchmarks.contenders import (
    MARKET,
    OURS,
    Entry,
    by_duckdb,
    by_pandas,
    by_polars,
    floor,
    night,
)

Make = Callable[[str, list[str]], Path]  # a market by its name and options


def market(base: Path) -> list[Entry]:
    """What every contender does with the market itself."""
    first = f"{MARKET}/{OURS}"
    return [
        by_polars(MARKET, base),
        by_pandas(MARKET, base),
        night(MARKET, base, first, "spark"),
        by_duckdb(MARKET, base),
    ]


def simulated(base: Path, _: Make) -> list[Entry]:
    return [night("simulated execution", base, policy=markets.with_execution(base, "simulated"))]


def twice(base: Path, _: Make) -> list[Entry]:
    return [night("every tick twice", markets.ticks_twice(base), f"{MARKET}/{OURS}")]


def uniform(base: Path, _: Make) -> list[Entry]:
    landing = markets.uniform(base)
    return [night("uniform accounts", landing), by_polars("uniform accounts", landing)]


def crash(_: Path, make: Make) -> list[Entry]:
    landing = make("crash", [*markets.CRASH, "--format", "parquet"])
    return [night("crash, empty fund", landing), by_polars("crash, empty fund", landing)]


def csv(_: Path, make: Make) -> list[Entry]:
    return [night("gzipped CSV", make("csv", [*markets.JUMPS, "--format", "csv.gz"]), f"{MARKET}/{OURS}")]


def untidy(_: Path, make: Make) -> list[Entry]:
    seconds = [*markets.JUMPS, "--whole-seconds"]
    same = make("seconds", [*seconds, "--format", "parquet"])
    landing = make("untidy", [*seconds, "--format", "csv.gz", "--untidy"])
    return [
        night("whole seconds", same, once=True),
        night("untidy gzipped CSV", landing, f"whole seconds/{OURS}"),
    ]


SHAPES = {f.__name__: f for f in (simulated, twice, uniform, crash, csv, untidy)}


def entries(make: Make, shapes: Sequence[str]) -> list[Entry]:
    """What is measured at one size, in the order of a round; `make` gives a market of that size."""
    base = make(MARKET, [*markets.JUMPS, "--format", "parquet"])
    found = [floor(MARKET, base), night(MARKET, base)]
    if MARKET in shapes:
        found += market(base)
    for name, shape in SHAPES.items():
        if name in shapes:
            found += shape(base, make)
    return found
