"""Results as a Markdown section and a chart: every contender, also where it lost or did not end."""

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.chart import chart

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PACKAGES = ("pyarrow", "numba", "deltalake", "pyspark", "polars", "duckdb")
STAGES = ("load", "replay", "attribute", "check", "publish")

Row = dict[str, Any]


def section(rows: Sequence[Row], command: str) -> str:
    """What stands between the marks of the page."""
    parts = [f"`{command}`, on {machine()}.", timings(rows), stage_table(rows)]
    if slopes(rows):
        parts.append(slopes(rows))
    return "\n\n".join(parts)


def machine() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0))
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{cores} cores ({platform.machine()}), {memory:.0f} GiB, Python {platform.python_version()}, {packages}"


def timings(rows: Sequence[Row]) -> str:
    """Wall time against the floor of the same rows, processor time, memory."""
    lines = [
        "| million rows | shape | contender | rounds | min s | median s | max s | × floor | CPU s | peak GiB |",
        "|--:|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        head = f"| {row['rows'] / 1e6:.1f} | {row['shape']} | {row['name']} | {len(row['seconds'])}"
        if not row["seconds"]:
            told = row["outcome"] if row["outcome"] != "done" else "not run: what it needs is missing"
            lines.append(f"{head} | {told} | | | | | |")
            continue
        times = [min(row["seconds"]), median(row["seconds"]), max(row["seconds"])]
        cells = [f"{value:.2f}" for value in times]
        cells += [f"{times[1] / floor:.1f}" if (floor := _floor(rows, row)) else ""]
        cells += [f"{median(row['cpu_seconds']):.1f}", f"{max(row['peak_bytes']) / 2**30:.2f}"]
        lines.append(f"{head} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _floor(rows: Sequence[Row], row: Row) -> float:
    found = [
        median(r["seconds"])
        for r in rows
        if r["name"] == "floor" and r["rows"] == row["rows"] and r["seconds"]
    ]
    return found[0] if found else 0


def stage_table(rows: Sequence[Row]) -> str:
    """Median seconds of the stages, where a contender tells them."""
    lines = [
        f"| million rows | shape | contender | {' | '.join(STAGES)} |",
        f"|--:|---|---|{'--:|' * len(STAGES)}",
    ]
    for row in rows:
        if row["stages"]:
            took = [f"{median(row['stages'][name]):.2f}" if name in row["stages"] else "" for name in STAGES]
            lines.append(f"| {row['rows'] / 1e6:.1f} | {row['shape']} | {row['name']} | {' | '.join(took)} |")
    return "\n".join(lines)


def slopes(rows: Sequence[Row]) -> str:
    """Seconds per million rows between two neighbouring sizes: fixed costs are not in it."""
    lines = [
        "| from, to million rows | shape | contender | s per million rows | × floor | load | replay |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for row in rows:
        larger = [
            r
            for r in rows
            if (r["shape"], r["name"]) == (row["shape"], row["name"]) and r["rows"] > row["rows"]
        ]
        if not larger or not row["seconds"] or not larger[0]["seconds"]:
            continue
        whole, floor = slope(row, larger[0]), _floor_slope(rows, row, larger[0])
        stages = [_stage_slope(row, larger[0], name) for name in ("load", "replay")]
        ratio = f"{whole / floor:.1f}" if floor else ""
        span = f"{row['rows'] / 1e6:.1f}, {larger[0]['rows'] / 1e6:.1f}"
        lines.append(
            f"| {span} | {row['shape']} | {row['name']} | {whole:.3f} | {ratio} | {' | '.join(stages)} |"
        )
    return "\n".join(lines) if len(lines) > 2 else ""


def slope(small: Row, large: Row) -> float:
    more = (large["rows"] - small["rows"]) / 1e6
    return (median(large["seconds"]) - median(small["seconds"])) / more


def _stage_slope(small: Row, large: Row, name: str) -> str:
    if name not in small["stages"] or name not in large["stages"]:
        return ""
    more = (large["rows"] - small["rows"]) / 1e6
    return f"{(median(large['stages'][name]) - median(small['stages'][name])) / more:.3f}"


def _floor_slope(rows: Sequence[Row], small: Row, large: Row) -> float:
    floors = {r["rows"]: r for r in rows if r["name"] == "floor" and r["seconds"]}
    if small["rows"] in floors and large["rows"] in floors:
        return slope(floors[small["rows"]], floors[large["rows"]])
    return 0


def write(page: Path, text: str, rows: Sequence[Row]) -> None:
    """Replace the marked section of the page, and draw the chart beside the page."""
    picture = page.with_suffix(".svg")
    picture.write_text(chart(rows), encoding="utf-8")
    marked = f"{BEGIN}\n\n![The table below as a chart]({picture.name})\n\n{text}\n\n{END}"
    replace(page, marked)


def replace(page: Path, marked: str) -> None:
    """The marked section of a page. ValueError when it has none."""
    old = page.read_text(encoding="utf-8")
    new, count = re.subn(f"{BEGIN}.*?{END}", lambda _: marked, old, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{page} has no section between {BEGIN} and {END}")
    page.write_text(new, encoding="utf-8")
