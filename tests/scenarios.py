"""Writing scenario files, and running a range of dates without Spark."""

from datetime import date
from pathlib import Path

import yaml

from lossledger.jobs.load.landing_zone import SCENARIOS
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from tests.unchecked import unchecked


def write_scenario(landing: Path, name: str, /, **content: object) -> None:
    (landing / SCENARIOS).mkdir(exist_ok=True)
    text = yaml.safe_dump({"name": name, "reason": "a test"} | content)
    (landing / SCENARIOS / f"{name}.yaml").write_text(text)


def run_range(
    landing: Path, warehouse: Path, first: date, last: date, scenario: str | None = None
) -> list[str]:
    return list(run(Request(landing, warehouse, first, last, InProcess(2), None, scenario, unchecked)))
