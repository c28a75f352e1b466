"""Which replay a task uses is decided by how many steps the reference would take."""

from lossledger.engine.events import Account, AccountVersion, Fill, Market, TickSeries, UnitKey
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.versions import Versions
from lossledger.jobs.replay.choice import steps


def test_steps_are_events_and_the_ticks_of_what_is_traded() -> None:
    account = Account("a", "client", Versions([(0, AccountVersion("retail", True))]))
    fill = Fill(5, "f", "t", "P", 1, 10, 1, 0, "normal")
    units = [
        UnitInput(UnitKey("a", "USD", ""), account, fills=[fill, fill]),
        UnitInput(UnitKey("a", "USD", "Q"), account, positions=[("Q", 1, 1)]),
    ]
    ticks = {"P": TickSeries([1, 2, 3], [10, 10, 10], [None] * 3, [None] * 3)}
    assert steps(units, Market({}, {}, {}, ticks=ticks)) == 2 + 3
