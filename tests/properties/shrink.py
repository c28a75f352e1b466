"""Take rows out of a market for as long as a property fails on it: what is left says why.

python -m tests.properties.shrink test_invariance test_nothing_depends_on_the_future recorded 17 "(333, 0)" DIR
"""

from __future__ import annotations

import argparse
import ast
import importlib
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import yaml

from lossledger.jobs.load.landing_zone import POLICY_FILE
from tests.oracle.delivery import Delivery
from tests.properties.delivered import SHRUNK, Delivered, Key, Row, delivered

_numbers = count()


def fails(test: Any, market: Delivered, arguments: tuple[Any, ...]) -> bool:
    """Whether the property does not hold for this market."""
    number = next(_numbers)
    SHRUNK[number] = market
    try:
        test.hypothesis.inner_test(("shrunk", number), *arguments)
    except AssertionError:
        return True
    except (LookupError, ZeroDivisionError):
        return False  # nothing happens in it any more
    finally:
        del SHRUNK[number]
    return False


def shrink(test: Any, kind: str, seed: int, arguments: tuple[Any, ...]) -> Delivered:
    """The market without any event that the failure can do without; AssertionError when it does not fail.

    Events go in ever smaller runs of rows, then one by one; reference data stays.
    """
    market = delivered(kind, seed)
    rows: list[tuple[Key, Row]] = [
        (key, row) for key, there in market.rows.items() if key[1] for row in there
    ]
    assert fails(test, market, arguments), "the property holds for this market"
    size = len(rows) // 2
    while size:
        start = 0
        while start < len(rows):
            fewer = rows[:start] + rows[start + size :]
            if fails(test, _with_events(market, fewer), arguments):
                rows = fewer
            else:
                start += size
        size //= 2
    return _with_events(market, rows)


def _with_events(market: Delivered, events: list[tuple[Key, Row]]) -> Delivered:
    rows: dict[Key, list[Row]] = {key: [] if key[1] else there for key, there in market.rows.items()}
    for key, row in events:
        rows[key].append(row)
    return Delivered(rows, market.policy, market.first, market.last)


def write_landing(market: Delivered, landing: Path) -> None:
    """The market as a landing zone of plain CSV files."""
    landing.mkdir(parents=True, exist_ok=True)
    out = Delivery(landing, Random(0), plain=True)
    for (dataset, day), rows in market.rows.items():
        for row in rows:
            out.add(dataset, day.isoformat() if day else "", row)
    out.write()
    (landing / POLICY_FILE).write_text(yaml.safe_dump(market.policy))


def main() -> None:
    """Shrink one failure and write what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("module", "test", "kind", "seed", "arguments", "landing"):
        parser.add_argument(name)
    given = parser.parse_args()
    test = getattr(importlib.import_module(f"tests.properties.{given.module}"), given.test)
    market = shrink(test, given.kind, int(given.seed), ast.literal_eval(given.arguments))
    write_landing(market, Path(given.landing))
    for (dataset, day), rows in sorted(market.rows.items(), key=str):
        if day:
            print(*(f"{dataset} {row}" for row in rows), sep="\n", end="\n" if rows else "")
    print(
        f"lossledger run --landing {given.landing} --from {market.first} --to {market.last} --warehouse ..."
    )


if __name__ == "__main__":
    main()
