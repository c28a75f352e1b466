"""The demonstration: a generated crash from raw files to published tables, and what they say in one screen."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from lossledger.engine.errors import ConfigError
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import Mapper, new_mapper
from lossledger.jobs.stages import NAMES
from lossledger.readers.demo_text import report_lines
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import PublishedRows
from lossledger.readers.report.report_folder import report_lines as written_report
from lossledger.readers.report.report_request import ReportRequest
from lossledger.schemas.ops import RUNS
from lossledger.store.arrow import to_rows
from lossledger.store.warehouse import Warehouse

_MARKER = ".lossledger-demo"
_MADE = ("landing", "warehouse", "report")
_VENUE = "A generated market"
GENERATED = (
    "Generated data: prices are real, accounts and trades are made up.",
    "They show how the method works, not what happened at any venue.",
)


def demo_lines(folder: Path, mapper: Mapper | None = None) -> Iterator[str]:
    """Make the market, run its dates, tell what came out and write the report; yields lines for a terminal.

    A folder that an earlier demo made is made anew. ConfigError: the folder holds anything else.
    """
    began = perf_counter()
    landing, root, report = (folder / name for name in _MADE)
    _start_afresh(folder)
    yield f"A generated crash, from raw files to published tables, in {folder}"
    yield from GENERATED
    yield ""
    first, last = _write_market(landing)
    written = perf_counter()
    yield f"{first} to {last}  raw files written to {landing}"
    for line in run(Request(landing, root, first, last, mapper or new_mapper())):
        yield line.split("  (")[0]  # how much is left is of no interest with two dates
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    warehouse = Warehouse(root)
    told = list(written_report(ReportRequest(root, first, last, venue=_VENUE, data="generated"), report))
    yield from report_lines(PublishedRows(PublishedTables.open(root), days))
    yield from _where_to_look(root, report, told)
    yield ""
    yield from _spent(perf_counter() - began, written - began, warehouse)


def _write_market(landing: Path) -> tuple[date, date]:
    from lossledger.simulator.demo import write_demo

    return write_demo(landing)


def _spent(whole: float, market: float, warehouse: Warehouse) -> Iterator[str]:
    """What the time was spent on, from what the runs have noted; Spark starts within the first load."""
    stages: Counter[str] = Counter()
    for (text,) in to_rows(RUNS, warehouse.read(RUNS), ("seconds_by_stage",)):
        stages.update(json.loads(text))
    parts = [("market", market), *((name, stages[name]) for name in NAMES)]
    rest = whole - sum(seconds for _, seconds in parts)
    told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in [*parts, ("the rest", rest)])
    yield f"{whole:.0f} s in all:"
    yield told


def _start_afresh(folder: Path) -> None:
    """Remove what an earlier demo made, and nothing else that may lie beside it."""
    marker = folder / _MARKER
    foreign = folder.exists() and not marker.exists()
    if foreign and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} is there and was not made by lossledger demo: give --folder a new or empty folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        marker.write_text("Made by `lossledger demo`, which makes it anew each time.\n", encoding="utf-8")
        for made in (folder / name for name in _MADE):
            if made.is_dir():
                shutil.rmtree(made)
            else:
                made.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write to {folder}: {error.strerror or error}") from error


def _where_to_look(root: Path, report: Path, told: list[str]) -> Iterator[str]:
    table = root / "attribution" / "session_losses"
    yield ""
    yield "WHERE IT IS"
    yield f"  report  {report}/report.html, .pdf, .xlsx, .json  ({len(told) - 2} files and their manifest)"
    yield f"  tables  {root}/attribution/*  (Delta Lake; lossledger query --warehouse {root} lists the columns)"
    yield f'  read    import deltalake; deltalake.DeltaTable("{table}").to_pandas()'
    yield f"  verify  lossledger verify-report {report} --warehouse {root}"
    yield f"  status  lossledger status --warehouse {root}"
