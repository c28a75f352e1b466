"""The harness of the benchmarks: what a command takes, slopes, and the section that is replaced."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import markets, tables, venue_year
from benchmarks.chart import chart
from benchmarks.measure import Process, family, measure
from benchmarks.rivals.kernel import FILL, TRANSFER, Terms, replay

MIB = 2**20


def test_memory_and_processor_time_are_of_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three samples: the command alone, with a child, and the child alone. The sum counts that is the largest."""
    first, child = Process(1, 1, 2000.0), Process(2, 1, 3000.0)
    samples = iter([[first], [first._replace(cpu_seconds=5000.0), child], [child]])
    ends = iter([False, False, False, True])
    monkeypatch.setattr("benchmarks.measure._ended", lambda pid: next(ends))
    monkeypatch.setattr("benchmarks.measure.family", lambda pid: iter(next(samples)))
    monkeypatch.setattr("benchmarks.measure.pss", lambda pid: {1: 100 * MIB, 2: 200 * MIB}[pid])
    took = measure([sys.executable, "-c", ""], tmp_path / "log", 3600, 1e12)
    assert (took.outcome, took.peak_bytes, took.cpu_seconds) == ("done", 300 * MIB, 8000.0)


@pytest.mark.parametrize(
    ("seconds", "size", "told"), [(0.5, 1e12, "out of time"), (3600, MIB, "out of memory")]
)
def test_a_command_past_a_limit_is_ended_with_its_children(
    tmp_path: Path, seconds: float, size: float, told: str
) -> None:
    sleeping = "import subprocess, os; print(os.getpid(), flush=True); subprocess.run(['sleep', '3600'])"
    took = measure([sys.executable, "-c", sleeping], tmp_path / "log", seconds, size)
    assert took.outcome == told
    if took.output:
        assert list(family(int(took.output))) == []


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    took = measure([sys.executable, "-c", "raise SystemExit('no such market')"], tmp_path / "log", 3600, 1e12)
    assert (took.outcome, took.output) == ("failed", "no such market\n")


def row(
    millions: float, name: str, *seconds: float, outcome: str = "done", **stages: float
) -> dict[str, Any]:
    return {
        "rows": round(millions * 1e6),
        "shape": "market",
        "name": name,
        "outcome": outcome,
        "seconds": list(seconds),
        "cpu_seconds": list(seconds),
        "peak_bytes": [2**30] * len(seconds),
        "stages": {stage: [took] for stage, took in stages.items()},
    }


MEASURED = [
    row(10, "floor", 1, 2, 3),
    row(10, "Lossledger", 11, 10, 15, load=4, replay=2),
    row(10, "polars + Numba", 20),
    row(100, "floor", 20),
    row(100, "Lossledger", 101, load=40, replay=11),
    row(100, "polars + Numba", outcome="out of memory"),
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_slopes_leave_fixed_costs_out_and_stand_beside_the_floor() -> None:
    lines = [cells(line) for line in tables.slopes(MEASURED).splitlines()[2:]]
    assert lines == [
        ["10.0, 100.0", "market", "floor", "0.200", "1.0", "", ""],
        ["10.0, 100.0", "market", "Lossledger", "1.000", "5.0", "0.400", "0.100"],
    ]


def test_a_contender_that_did_not_end_stands_in_the_table_and_in_the_chart() -> None:
    last = cells(tables.timings(MEASURED).splitlines()[-1])
    assert last[:5] == ["100.0", "market", "polars + Numba", "0", "out of memory"]
    assert "out of memory" in chart(MEASURED)


def test_the_marked_section_of_a_page_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{tables.BEGIN}\nold\n{tables.END}\n\nThe end.\n")
    tables.write(page, "new", MEASURED)
    text = page.read_text()
    assert text.startswith("# Page\n") and text.endswith("\n\nThe end.\n")
    assert "\nnew\n" in text and "old" not in text
    assert (tmp_path / "page.svg").read_text().startswith("<svg ")
    page.write_text("# Page without marks\n")
    with pytest.raises(ValueError, match="no section between"):
        tables.write(page, "new", MEASURED)


def test_every_thing_has_a_slope_of_its_own() -> None:
    """CPU seconds = 5 + 2 a million fills + 3 a million accounts + 1 a million ticks + 0.5 an instrument."""

    def market(name: str, fills: float, accounts: float, ticks: float, instruments: int) -> dict[str, Any]:
        cost = 5 + 2 * fills + 3 * accounts + ticks + 0.5 * instruments
        counts = {"fills": fills * 1e6, "accounts": accounts * 1e6, "ticks": ticks * 1e6}
        figures = dict.fromkeys(venue_year.FIGURES, cost)
        return {"market": name, **counts, "instruments": instruments, **figures}

    measured = [
        market("base", 10, 1, 1, 20),
        market("fills", 20, 1, 1, 20),
        market("accounts", 11, 2, 1, 20),  # not quite the same fills
        market("ticks", 10, 1, 10, 20),
        market("instruments", 10, 1, 1.1, 40),
    ]
    line = venue_year.slopes(measured)["cpu_seconds"]
    assert line == pytest.approx(
        {"fills": 2e-6, "accounts": 3e-6, "ticks": 1e-6, "instruments": 0.5, "fixed": 5}
    )
    given = venue_year.arguments().parse_args(["growth.json", "--accounts", "1000000", "--fills", "10"])
    assert isinstance(given, argparse.Namespace)
    day = {"fills": 10e6, "accounts": 1e6, "ticks": 432e6, "instruments": 500}
    assert venue_year.at(line, day) == pytest.approx(5 + 20 + 3 + 432 + 250)
    assert f"| core hours a date | {710 / 3600:.1f} |" in venue_year.year(venue_year.slopes(measured), given)


def test_ticks_are_delivered_a_second_time_unless_something_else_happens_then() -> None:
    stamps = pa.array([10, 20, 30]).cast(pa.timestamp("us", tz="UTC"))
    doubled = markets.twice(pa.table({"ts": stamps, "mark_price": ["1", "2", "3"]}), np.array([12, 21]))
    assert doubled["ts"].cast(pa.int64()).to_pylist() == [10, 11, 20, 30, 31]
    assert doubled["mark_price"].to_pylist() == ["1", "1", "2", "3", "3"]


def test_the_rival_s_replay_resets_a_protected_account_and_books_funding() -> None:
    """Linear, a ledger unit a lot and tick: 10 paid in, 5 bought at 4, funding 10 % at 4, all sold at 1."""
    arrays = ([0], [1], [1], [3], [150], [0], [10**7], [4])
    terms = Terms(*(np.array(values, np.int64) for values in arrays))
    events = {
        "unit": [7, 7, 7],
        "ts": [100, 110, 200],
        "kind": [TRANSFER, FILL, FILL],
        "instrument": [0, 0, 0],
        "lots": [0, 5, -5],
        "ticks": [0, 4, 1],
        "amount": [10, 1, 1],
    }
    columns = [np.array(values, np.int64) for values in events.values()]
    units, figures, held, _ = replay(terms, *columns, np.ones(3, np.bool_))
    assert units.tolist() == [7] and not held.any()
    # 10 − 15 − 2 fees − 2 funding = −9, reset to 0
    assert figures.tolist() == [[10, -15, 2, -2, 9, 0, 0]]
