"""Rounds of one size: every contender once, checked, and what it took."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import MARKET, Entry, Hashes, stages_of
from benchmarks.markets import rows_of
from benchmarks.measure import measure

SHAPE_ROUNDS = 3  # at most, of what is not the market itself


@dataclasses.dataclass
class Row:
    """Of one contender on one shape at one size: a figure for every round."""

    rows: int
    shape: str
    name: str
    outcome: str = "done"
    seconds: list[float] = dataclasses.field(default_factory=list)
    cpu_seconds: list[float] = dataclasses.field(default_factory=list)
    peak_bytes: list[int] = dataclasses.field(default_factory=list)
    stages: dict[str, list[float]] = dataclasses.field(default_factory=dict)


class Bench:
    """The rounds of one size."""

    def __init__(
        self, entries: Sequence[Entry], folder: Path, limit_seconds: float, limit_bytes: float
    ) -> None:
        self.entries, self.folder = entries, folder
        self.limits = limit_seconds, limit_bytes
        count = rows_of(entries[0].landing)
        self.rows = {entry.key: Row(count, entry.shape, entry.name) for entry in entries if not entry.once}
        self.hashes: Hashes = {}

    def round(self, number: int, timed: bool) -> None:
        """Every entry once. What an entry leaves is removed as soon as no later one needs it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        outs: dict[str, Path] = {}
        for at, entry in enumerate(self.entries):
            row = self.rows.get(entry.key)
            failed = row is not None and row.outcome != "done"
            if entry.shape != MARKET and number > SHAPE_ROUNDS:
                continue
            if failed or (entry.once and entry.key in self.hashes) or not outs.keys() >= {*entry.needs}:
                continue
            out = self.folder / str(at)
            out.mkdir(parents=True)
            self._one(number, entry, out, outs, timed)
            outs[entry.key] = out
            if row is not None and row.outcome != "done":
                del outs[entry.key]
            needed = {key for later in self.entries[at + 1 :] for key in later.needs}
            for key in [key for key in outs if key not in needed]:
                shutil.rmtree(outs.pop(key))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _one(self, number: int, entry: Entry, out: Path, outs: dict[str, Path], timed: bool) -> None:
        log = self.folder / f"{out.name}.log"
        took = measure(entry.command(out, outs), log, *self.limits)
        say(
            f"  {number}  {entry.key}: {took.outcome}, {took.seconds:.1f} s, {took.peak_bytes / 2**30:.2f} GiB"
        )
        row = self.rows.get(entry.key, Row(0, entry.shape, entry.name))
        if took.outcome != "done":
            say(took.output)
            row.outcome = took.outcome
            return
        entry.check(out, outs, self.hashes)
        if timed:
            row.seconds.append(took.seconds)
            row.cpu_seconds.append(took.cpu_seconds)
            row.peak_bytes.append(took.peak_bytes)
            for name, seconds in stages_of(out).items():
                row.stages.setdefault(name, []).append(seconds)


def say(text: str) -> None:
    print(text, flush=True)
