"""A night as of a large date: every file read as columns, every unit replayed by the compiled replay.

The cases are small: without this their rows go to the reference judge and their units to the reference replay
(tests/unit/test_cases.py).
"""

from pathlib import Path
from typing import Any

import pytest

import jobs.load.columns.splits as splits
import kernel.replay
from engine.events import Account, AccountVersion, Fill, Market, TickSeries, UnitKey
from engine.rows import SessionRows
from engine.rules.units import UnitInput
from engine.versions import Versions
from jobs.replay.choice import steps
from jobs.spark.mapper import InProcess
from tests.cases import CASES, differences, run_case


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_exact(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    compiled = kernel.replay.replay_units

    def noted(*args: Any) -> SessionRows:
        asked.append(args)
        return compiled(*args)

    monkeypatch.setattr(splits, "SMALL_BYTES", 0)
    monkeypatch.setattr("jobs.replay.choice.COMPILED_FROM", 0)
    monkeypatch.setattr(kernel.replay, "replay_units", noted)
    run_case(name, tmp_path, InProcess(2))
    assert asked
    assert differences(name, tmp_path) == {}


def test_steps_are_events_and_the_ticks_of_what_is_traded() -> None:
    account = Account("a", "client", Versions([(0, AccountVersion("retail", True))]))
    fill = Fill(5, "f", "t", "P", 1, 10, 1, 0, "normal")
    units = [
        UnitInput(UnitKey("a", "USD", ""), account, fills=[fill, fill]),
        UnitInput(UnitKey("a", "USD", "Q"), account, positions=[("Q", 1, 1)]),
    ]
    ticks = {"P": TickSeries([1, 2, 3], [10, 10, 10], [None] * 3, [None] * 3)}
    assert steps(units, Market({}, {}, {}, ticks=ticks)) == 2 + 3
