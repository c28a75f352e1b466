"""A year of a large venue from measured slopes: processor time, memory, storage and what they cost.

python -m benchmarks.venue_year growth.json [--accounts 5000000 …] [--write docs/scale.md]

The slopes are those of `python -m benchmarks.growth`. It is arithmetic on straight lines: what grows faster than
they do is not in it, and is measured apart.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.tables import BEGIN, END, machine, replace

GIB = 2**30
THINGS = ("fills", "accounts", "ticks", "instruments")
FIGURES = ("cpu_seconds", "peak_bytes", "landing_bytes", "warehouse_bytes")
# Assumptions on prices, in US dollars: a core of a general machine by the hour, a GiB of memory by the hour, a GiB
# of object storage by the month. Change them by the arguments.
CORE_HOUR, MEMORY_HOUR, STORAGE_MONTH = 0.04, 0.005, 0.023

Slopes = dict[str, dict[str, float]]  # by figure, then by thing; "fixed" is what is left of the base


def slopes(measured: list[dict[str, Any]]) -> Slopes:
    """Each thing's own slope: between the base and the market in which it is larger, less what else differs there.

    Fills come first, with the transfers that go with them; accounts, ticks and instruments are freed of what
    the markets' few other rows would cost by the slopes found before.
    """
    by_name = {row["market"]: row for row in measured}
    base = by_name["base"]
    found: Slopes = {}
    for figure in FIGURES:
        line: dict[str, float] = {}
        for thing in THINGS:
            large = by_name[thing]
            others = sum(line[name] * (large[name] - base[name]) for name in line)
            line[thing] = (large[figure] - base[figure] - others) / (large[thing] - base[thing])
        line["fixed"] = base[figure] - sum(line[thing] * base[thing] for thing in THINGS)
        found[figure] = line
    return found


def at(line: dict[str, float], day: dict[str, float]) -> float:
    """A slope below zero is noise: the thing costs nothing there."""
    return max(0.0, line["fixed"]) + sum(max(0.0, line[thing]) * day[thing] for thing in THINGS)


def slope_table(found: Slopes) -> str:
    lines = [
        "| what one of these more takes | CPU s | peak GiB | landing GiB | warehouse GiB |",
        "|---|--:|--:|--:|--:|",
    ]
    for thing in (*THINGS, "fixed"):
        many = {"fixed": 1, "instruments": 100}.get(thing, 10**6)
        cpu = found["cpu_seconds"][thing] * many
        sizes = [found[figure][thing] * many / GIB for figure in FIGURES[1:]]
        label = {"fixed": "fixed, a date", "instruments": "100 instruments"}.get(thing, f"million {thing}")
        lines.append(f"| {label} | {cpu:.2f} | {' | '.join(f'{value:.3f}' for value in sizes)} |")
    return "\n".join(lines)


def days_line(measured: list[dict[str, Any]]) -> str:
    """A later date beside a first one of the same size."""
    by_name = {row["market"]: row for row in measured}
    if "days" not in by_name:
        return ""
    base, days = by_name["base"], by_name["days"]
    later = (days["cpu_seconds"] - base["cpu_seconds"]) / (days["days"] - 1)
    return (
        f"A later date of the base's size takes {later:.1f} CPU seconds, the first {base['cpu_seconds']:.1f}."
    )


def year(found: Slopes, args: argparse.Namespace) -> str:
    """The venue that is asked for."""
    day = {
        "fills": args.accounts * args.fills,
        "accounts": args.accounts,
        "ticks": args.instruments * 86_400_000 / args.tick_ms,
        "instruments": args.instruments,
    }
    core_hours = at(found["cpu_seconds"], day) / 3600
    memory = at(found["peak_bytes"], day) / GIB
    landing, warehouse = (at(found[name], day) / GIB for name in FIGURES[2:])
    cores = core_hours / args.window_hours
    compute = core_hours * args.core_hour + memory * args.window_hours * args.memory_hour
    stored = (landing + warehouse) * 365
    rows = [
        ("rows a date: fills, ticks", f"{day['fills'] / 1e6:,.0f} M, {day['ticks'] / 1e6:,.0f} M"),
        ("core hours a date", f"{core_hours:,.1f}"),
        (f"cores for a night of {args.window_hours:g} hours, perfectly spread", f"{cores:,.1f}"),
        ("memory of all processes, by the slope of two processes", f"{memory:,.0f} GiB"),
        ("storage a date: delivered, warehouse", f"{landing:,.0f} GiB, {warehouse:,.0f} GiB"),
        ("storage after a year", f"{stored / 1024:,.1f} TiB"),
        ("a year of nights", f"{365 * compute:,.0f} USD"),
        ("storage in the year's last month", f"{stored * args.storage_month:,.0f} USD"),
    ]
    lines = [f"| {name} | {value} |" for name, value in rows]
    venue = (
        f"{args.accounts / 1e6:g} M accounts, {args.instruments} instruments, a mark every {args.tick_ms} ms"
    )
    assumed = f"{args.fills:g} fills an account and day"
    prices = (
        f"{args.core_hour} USD a core and hour, {args.memory_hour} USD a GiB of memory and hour, "
        f"{args.storage_month} USD a GiB stored and month"
    )
    return "\n".join([f"{venue}; assumed: {assumed}; {prices}.", "", "| | |", "|---|--:|", *lines])


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measured", type=Path, help="what benchmarks.growth has printed")
    for name, default in (("accounts", 5_000_000), ("instruments", 500), ("tick-ms", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, price in (("fills", 20.0), ("window-hours", 2.0), ("core-hour", CORE_HOUR)):
        parser.add_argument(f"--{name}", type=float, default=price)
    for name, price in (("memory-hour", MEMORY_HOUR), ("storage-month", STORAGE_MONTH)):
        parser.add_argument(f"--{name}", type=float, default=price)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replaces the marked section")
    return parser


def main() -> None:
    args = arguments().parse_args()
    measured = json.loads(args.measured.read_text(encoding="utf-8"))
    found = slopes(measured)
    parts = [f"On {machine()}.", slope_table(found), days_line(measured), year(found, args)]
    text = "\n\n".join(part for part in parts if part)
    print(text)
    if args.write:
        replace(args.write, f"{BEGIN}\n\n{text}\n\n{END}")


if __name__ == "__main__":
    main()
