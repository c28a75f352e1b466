"""How fast the kernel is, bare: arrays made in memory, one core; with every tick delivered twice, and in wide amounts.

usage: python -m benchmarks.kernel_speed [FILLS [ACCOUNTS [INSTRUMENTS [TICKS]]]] [--simulated] [--size N]
"""

import argparse
import time
from typing import Any

import numpy as np

from lossledger.engine.events import Market as Reference
from lossledger.engine.intake.policy import Policy, parse_policy
from lossledger.engine.numbers import E18
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.versions import Versions
from lossledger.kernel import layout
from lossledger.kernel.columns import Fills, Positions, Snapshots, States, Transfers, assemble
from lossledger.kernel.layout import Bucket, Market
from lossledger.kernel.market import Funding, Grid, Ticks, market_arrays
from lossledger.kernel.session import replay_bucket
from lossledger.kernel.words import AMOUNTS, WIDE, WORDS

START = 1_760_054_400_000_000
DAY_US = 86_400_000_000
TIERS = [(0, E18 // 200), (100_000 * E18, E18 // 100), (1_000_000 * E18, E18 // 40)]


def ticks_of(instruments: int, count: int, seed: int) -> Ticks:
    """Walks of 0.05 % a tick with a fall of 12 % in the afternoon, in cents around 1,000."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.0005, (instruments, count))
    steps[:, count * 2 // 3] -= 0.12
    marks = np.maximum(1, (100_000 * np.exp(np.cumsum(steps, axis=1))).astype(np.int64)).ravel()
    ts = np.tile(START + np.arange(count) * (DAY_US // count), instruments)
    number = np.repeat(np.arange(instruments), count)
    return Ticks(number, ts, marks, np.maximum(1, marks - 1), marks + 1)


def doubled(ticks: Ticks) -> Ticks:
    """Every tick a second time, 1 µs later."""
    later = [np.repeat(column, 2) for column in ticks]
    later[1][1::2] += 1
    return Ticks(*later)


def market_of(instruments: int, ticks: Ticks, policy: Policy) -> Market:
    """Linear contracts of 1 in a currency with 6 decimals."""
    names = [f"I{n:03}" for n in range(instruments)]
    contracts = {name: Contract(name, "linear", "USD", 6, E18) for name in names}
    tiers = {name: TierHistory(name, {0: TierTable(TIERS, 6)}) for name in names}
    sizes = {name: Versions([(0, E18 // 100)]) for name in names}
    grids = [Grid(E18 // 100, E18 // 10_000)] * instruments
    hours = np.tile(START + np.array([0, 8, 16]) * 3_600_000_000, instruments)
    number = np.repeat(np.arange(instruments), 3)
    events = Funding(number, hours, np.full(len(hours), 10**14), np.full(len(hours), 100_000))
    return market_arrays(names, Reference(contracts, sizes, tiers), grids, ticks, events, policy)


def bucket_of(fills: int, accounts: int, instruments: int, ticks: Ticks, seed: int, size: int = 1) -> Bucket:
    """Fills spread evenly over accounts that start with 1,000 to 100,000 and trade size × 5 to 30 % of it at a time."""
    random = np.random.default_rng(seed)
    unit = np.sort(random.integers(0, accounts, fills))
    ts = START + random.integers(0, DAY_US, fills)
    order = np.lexsort((ts, unit))
    ts = ts[order]
    instrument = random.integers(0, instruments, fills)
    count = len(ticks.ts) // instruments
    price = ticks.mark[instrument * count + (ts - START) * count // DAY_US]
    wallet = (10 ** random.uniform(9, 11, accounts)).astype(np.int64)
    value = size * wallet[unit] * random.uniform(0.05, 0.3, fills)
    lots = np.maximum(1, value / price).astype(np.int64) * random.choice([-1, 1], fills)
    none, zeros = np.zeros(0, np.int64), np.zeros(accounts, np.int64)
    return assemble(
        START,
        np.array([(0, k, k + 1) for k in range(accounts)], layout.ACCOUNT),
        np.array([(0, 1, 0)] * accounts, layout.VERSION),
        1,
        States(np.arange(accounts), wallet, *[zeros] * 8),
        Positions(none, none, none, none),
        Transfers(none, none, none),
        Fills(unit, ts, instrument, lots, price, np.abs(lots) * price // 2000, np.zeros(fills, np.int64)),
        Snapshots(none, none),
        none,
        none,
    ).bucket


def in_words(given: Any) -> Any:
    """A market or a bucket with the same amounts in two words each."""
    columns = given._asdict()
    rows = {name: column for name, column in columns.items() if isinstance(column, np.ndarray)}
    amounts = {name for name, column in rows.items() if AMOUNTS.intersection(column.dtype.names or ())}
    amounts |= {"transfer_amount", "fill_fee"} & set(rows)
    return given._replace(**{name: _wide(rows[name]) for name in amounts})


def _wide(rows: np.ndarray) -> np.ndarray:
    if rows.dtype.names is None:
        return np.rec.fromarrays([rows.view(np.uint64), rows >> 63], dtype=WORDS).view(np.ndarray)
    made = np.zeros(len(rows), WIDE.row(rows.dtype))
    for name in rows.dtype.names:
        made[name] = _wide(np.ascontiguousarray(rows[name])) if name in AMOUNTS else rows[name]
    return made


def measure(name: str, market: Market, bucket: Bucket, rounds: int = 3) -> None:
    times = []
    for _ in range(rounds):
        began = time.process_time()
        replayed = replay_bucket(market, bucket)
        times.append(time.process_time() - began)
    found = f"{len(replayed.episodes)} episodes, {len(replayed.to_reference)} units to the reference"
    ticks = len(market.tick_ts)
    print(
        f"{name}: {ticks:,} ticks, min {min(times):.3f} s, max {max(times):.3f} s of CPU in {rounds} rounds; {found}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("fills", 1_000_000), ("accounts", 20_000), ("instruments", 20), ("ticks", 8_640)):
        parser.add_argument(name, nargs="?", type=int, default=default)
    parser.add_argument("--simulated", action="store_true")
    parser.add_argument(
        "--size", type=int, default=1, help="10 and more: accounts are liquidated in thousands"
    )
    given = parser.parse_args()
    execution = "simulated" if given.simulated else "recorded"
    policy = parse_policy([{"valid_from": "2020-01-01", "execution": execution}])
    ticks = ticks_of(given.instruments, given.ticks, 1)
    bucket = bucket_of(given.fills, given.accounts, given.instruments, ticks, 2, given.size)
    small = bucket_of(1000, 20, given.instruments, ticks, 2)
    market = market_of(given.instruments, ticks, policy)
    began = time.process_time()
    replay_bucket(market, small)
    print(f"first call: {time.process_time() - began:.2f} s")
    measure("once", market, bucket)
    measure("every tick twice", market_of(given.instruments, doubled(ticks), policy), bucket)
    replay_bucket(in_words(market), in_words(small))
    measure("in amounts of 128 bits", in_words(market), in_words(bucket))


if __name__ == "__main__":
    main()
