"""`make demo` from end to end, on Spark, with the market that it ships with."""

import re
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lossledger.schemas import attribution
from lossledger.store.warehouse import Warehouse

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def folder(demo_checkout: tuple[Path, str]) -> Path:
    return demo_checkout[0] / "demo"


@pytest.fixture
def lines(demo_checkout: tuple[Path, str]) -> list[str]:
    return demo_checkout[1].splitlines()


def test_every_table_is_told_in_100_columns(lines: list[str], folder: Path) -> None:
    titles = [re.split(r",? (?:in|of|per|day|20)", line)[0] for line in lines if re.match("[A-Z]{3}", line)]
    assert list(dict.fromkeys(titles)) == [
        "WHAT HAPPENED",
        "INSURANCE FUND",
        "WHO PAID FOR THE DEFICITS",
        "WHAT THE TOTALS DO NOT SAY",
        "LARGEST SOCIALISED LOSSES",
        "UNDER OTHER RULES",
        "WHERE IT IS",
    ]
    assert [line for line in lines if len(line) > 100 and "demo/" not in line] == []


def test_what_is_told_is_what_is_published(lines: list[str], folder: Path) -> None:
    warehouse = Warehouse(folder / "warehouse")
    losses = _usdt(warehouse.read(attribution.SESSION_LOSSES, date(2025, 10, 10)))
    (deficit,) = losses["deficit"].to_pylist()
    (socialised,) = losses["socialised"].to_pylist()
    assert socialised > 0  # the fund runs dry: that is what the demonstration is about
    assert any(line.split()[:3] == ["deficit,", "covered", f"{deficit:,.6f}"] for line in lines)
    charged = _usdt(warehouse.read(attribution.SOCIALISED_LOSSES)).sort_by([("charge", "descending")])
    most = charged.slice(0, 1).to_pylist()[0]
    start = lines.index(f"LARGEST SOCIALISED LOSSES in USDT, of {charged.num_rows}")
    assert lines[start + 2].split()[:4] == [
        most["account_id"],
        most["client_class"],
        "2025-10-10",
        f"{most['charge']:,.6f}",
    ]


def test_report_is_there(lines: list[str], folder: Path) -> None:
    names = {path.name for path in (folder / "report").iterdir()}
    assert names == {"report.html", "report.json", "report.pdf", "report.xlsx", "manifest.json"}
    assert any("demo/report/report.html" in line for line in lines)


def _usdt(data: pa.Table) -> pa.Table:
    return data.filter(pc.equal(data["currency"], "USDT"))
