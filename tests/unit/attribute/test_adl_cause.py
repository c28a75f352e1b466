"""Which liquidation fills were met by deleveraging is looked up across all accounts (rules.md section 12)."""

from decimal import Decimal
from pathlib import Path

import pytest

from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.schemas.attribution import LOSS_COMPONENTS_TABLE
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, small_landing
from tests.unchecked import unchecked


def components(landing: Path, warehouse: Path) -> dict[str, Decimal]:
    """Of the one episode, in which `a` is sold out at 880 where the mark is 900."""
    list(run(Request(landing, warehouse, D9, D10, InProcess(7), check=unchecked)))
    return {
        row["component"]: row["amount"]
        for row in Warehouse(warehouse).read(LOSS_COMPONENTS_TABLE).to_pylist()
    }


@pytest.mark.parametrize(
    ("other_side", "cause", "without"),
    [
        ("f4,x2,2025-10-10T10:01:00Z,b,P,buy,880,1,0,normal", "execution", "adl"),
        ("f4,x2,2025-10-10T10:01:00Z,b,P,buy,880,1,0,adl", "adl", "execution"),
        ("f4,x2,2025-10-10T10:01:00.000001Z,b,P,buy,880,1,0,adl", "execution", "adl"),
        ("f4,x2,2025-10-10T10:01:00Z,nobody,P,buy,880,1,0,adl", "execution", "adl"),
    ],
    ids=["a trade", "deleveraging", "another time", "quarantined"],
)
def test_the_other_side_of_a_liquidation(tmp_path: Path, other_side: str, cause: str, without: str) -> None:
    fills = small_landing(tmp_path / "landing") / "fills" / f"date={D10}" / "data.csv"
    text = fills.read_text()
    assert "f4,x2,2025-10-10T10:01:00Z,b,P,buy,880,1,0,normal" in text
    fills.write_text(text.replace("f4,x2,2025-10-10T10:01:00Z,b,P,buy,880,1,0,normal", other_side))
    found = components(tmp_path / "landing", tmp_path / "warehouse")
    assert found[cause] == 20
    assert without not in found
