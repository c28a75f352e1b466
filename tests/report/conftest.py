"""A crash of two days in a warehouse, and the reports on it: made once, copied before anything is changed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lossledger.readers.report.report_folder import report_lines
from lossledger.readers.report.report_request import PUBLIC, REGULATOR, ReportRequest
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.simulate import simulate
from tests.scenarios import run_range

DAYS = (date(2025, 10, 10), date(2025, 10, 11))
MARKET = MarketConfig(
    seed=1,
    accounts=60,
    days=2,
    instruments=4,
    tick_seconds=300,
    trades_per_account_day=8.0,
    fund_opening={"USDT": "300", "BTC": "0.001"},
)
# Delivered beside it: a row that is there already, and one that nothing can be done with.
_SPOILT = """\
2025-10-10T00:00:00.000000Z,BTC-USDT,121630.1,121630.1,121614.8,121645.4
2025-10-10T00:00:00.000000Z,XYZ,121630.1,121630.1,121614.8,?
"""


@dataclass(frozen=True)
class Made:
    """A warehouse, and a folder for each audience."""

    root: Path
    landing: Path
    regulator: Path
    public: Path

    def tree(self, audience: str = REGULATOR) -> dict[str, Any]:
        folder = self.regulator if audience == REGULATOR else self.public
        found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        return found

    def table(self, name: str, audience: str = REGULATOR) -> list[dict[str, Any]]:
        """Rows of a table of the report in JSON, by column."""
        blocks = [block for section in self.tree(audience)["sections"] for block in section["blocks"]]
        (found,) = [block for block in blocks if block["kind"] == "table" and block["id"] == name]
        columns = [column["name"] for column in found["columns"]]
        return [dict(zip(columns, row, strict=True)) for row in found["rows"]]


def ask(root: Path, audience: str = PUBLIC, **more: Any) -> ReportRequest:
    return ReportRequest(root, *DAYS, audience, "The <b>Venue</b> & Co #1", "generated", **more)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    root = tmp_path_factory.mktemp("report")
    simulate(MARKET, root / "landing")
    with (root / "landing" / "ticks" / f"date={DAYS[0]}" / "part-00000.csv").open("a") as file:
        file.write(_SPOILT)
    run_range(root / "landing", root / "warehouse", *DAYS)
    for audience in (REGULATOR, PUBLIC):
        list(report_lines(ask(root / "warehouse", audience), root / audience))
    yield Made(root / "warehouse", root / "landing", root / REGULATOR, root / PUBLIC)
