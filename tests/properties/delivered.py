"""Small generated markets in memory, and what may be done to them before they are taken in."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lossledger.jobs.load.file_reader import read_file
from lossledger.jobs.load.landing_zone import POLICY_FILE, dataset_days, landed_files
from lossledger.schemas.inputs import DATASETS
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.simulate import simulate
from tests.oracle.markets import Market
from tests.oracle.scenery import MINUTE

Row = dict[str, Any]
Key = tuple[str, dt.date | None]  # dataset, folder date (None: reference data)
# Hostile ones with liquidators, takeover and backstop.
TAKEOVER = {"liquidators": "recorded", "takeovers": "simulated"}
KINDS = ("recorded", "simulated", "ordinary", *TAKEOVER)
FUND_DRAWS = ("at_event", "at_session_end")


@dataclass(frozen=True)
class Delivered:
    """Rows as a venue delivers them, the entries of its policy, and the dates to run."""

    rows: dict[Key, list[Row]]
    policy: list[dict[str, Any]]
    first: dt.date
    last: dt.date

    def changed(self, change: Callable[[str, Row], Row]) -> Delivered:
        """The same delivery with `change(dataset, row)` in place of every row."""
        rows = {key: [change(key[0], row) for row in rows] for key, rows in self.rows.items()}
        return Delivered(rows, self.policy, self.first, self.last)

    def good(self) -> Delivered:
        """Without the rows that were broken on purpose: which of two in conflict counts depends on order."""
        rows = {key: [row for row in rows if not row.get("bad")] for key, rows in self.rows.items()}
        return Delivered(rows, self.policy, self.first, self.last)


class SmallMarket(Market):
    """A hostile market with fewer instants in quiet times: all corners, a third of the rows.

    Every other one begins with draws at the end of the session.
    """

    def __init__(self, landing: Path, seed: int, kind: str) -> None:
        super().__init__(landing, seed, TAKEOVER.get(kind, kind), kind in TAKEOVER)
        self.entries[0].setdefault("fund_draws", FUND_DRAWS[seed % 2])

    def instants(self) -> list[int]:
        if self.takeover:
            return super().instants()
        edges = {b + n for b in self.bounds for n in (-1, 0, 1)}
        return [t for t in super().instants() if t in edges or t % (40 * MINUTE) == 0 or t % (10 * MINUTE)]


def write_small_market(landing: Path, kind: str, seed: int) -> tuple[dt.date, dt.date]:
    """Write one of the markets as a landing zone, and give its first and last date."""
    if kind != "ordinary":
        landing.mkdir(parents=True, exist_ok=True)
        return SmallMarket(landing, seed, kind).run()
    summary = simulate(_config(seed), landing)
    with (landing / POLICY_FILE).open("a") as file:
        file.write(f"  fund_draws: {FUND_DRAWS[seed // 2 % 2]}\n")
    return summary.first, summary.last


def _config(seed: int) -> MarketConfig:
    """A dozen clients and hourly jumps; the policy goes by the seed."""
    return MarketConfig(
        seed=seed,
        accounts=12,
        days=2,
        instruments=3 + seed % 3,
        tick_seconds=3600,
        trades_per_account_day=12,
        prices="jumps",
        execution=("recorded", "simulated")[seed % 2],
        lateness_seconds=600,
        residual=("to_account", "to_fund")[seed // 2 % 2],
        sharing=("session_profit_prorata", "equity_prorata")[seed // 4 % 2],
    )


def hostile(seed: int, kind: str) -> Delivered:
    """A market of tests/oracle, at the edges of every rule, as it stands before it is written to files."""
    with tempfile.TemporaryDirectory() as folder:
        market = SmallMarket(Path(folder), seed, kind)
        object.__setattr__(market.out, "write", lambda: None)
        market.run()
    rows: dict[Key, list[Row]] = {}
    for (name, day), delivered in sorted(market.out.rows.items()):
        bad = [row for row in delivered if row.get("bad")]
        good = [row for row in delivered if not row.get("bad")]
        rows[name, dt.date.fromisoformat(day) if day else None] = good + bad
    return Delivered(rows, market.entries, market.first, market.last)


def ordinary(seed: int) -> Delivered:
    """A market of the simulator, in which money is conserved."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder)
        return landed(landing, *write_small_market(landing, "ordinary", seed))


def landed(landing: Path, first: dt.date, last: dt.date) -> Delivered:
    """What lies in a landing zone."""
    rows: dict[Key, list[Row]] = {
        (dataset.name, day): [
            dict(row.values)
            for file in landed_files(landing, dataset, day)
            for row in read_file(landing, file.path, dataset).rows
        ]
        for dataset in DATASETS.values()
        for day in (dataset_days(landing, dataset) if dataset.dated else [None])
    }
    policy = yaml.load((landing / POLICY_FILE).read_text(), yaml.BaseLoader)
    return Delivered(rows, policy, first, last)


SHRUNK: dict[int, Delivered] = {}  # markets of the kind `shrunk`, made by taking rows away


@functools.lru_cache(maxsize=300)
def delivered(kind: str, seed: int) -> Delivered:
    """One market a kind and seed; nobody may change it."""
    if kind == "shrunk":
        return SHRUNK[seed]
    return ordinary(seed) if kind == "ordinary" else hostile(seed, kind)
