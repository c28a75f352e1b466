"""What an adapter writes as policy asks for no file that its venue's delivery does not have on some date."""

from pathlib import Path

import pytest

from lossledger.adapters.registry import VENUES
from lossledger.jobs.policy_file import read_policy
from tests.cases import DATA

SOURCES = {"hyperliquid-2023": "hyperliquid_2023", "hyperliquid-fills": "hyperliquid_node_fills"}


@pytest.mark.parametrize("venue", SOURCES)
def test_a_date_without_ticks_is_no_incomplete_delivery(venue: str, tmp_path: Path) -> None:
    """Marks are those of trades and of liquidations: on a quiet date there are none."""
    VENUES[venue](DATA.parent / SOURCES[venue], tmp_path)
    required = read_policy(tmp_path, None)[0].at(1 << 60).required_datasets
    dates = {folder.name for folder in tmp_path.glob("*/date=*")}
    assert dates
    assert [
        (name, day) for name in required for day in sorted(dates) if not (tmp_path / name / day).exists()
    ] == []
