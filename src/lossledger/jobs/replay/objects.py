"""The units of a task as the reference wants them: for small days and what is left to it."""

from lossledger.engine.events import Market
from lossledger.engine.rules.units import UnitInput
from lossledger.jobs.replay.directory import all_accounts
from lossledger.jobs.replay.source import BucketTask
from lossledger.store.session_units import instruments_of, session_market, units_of


def read_units(task: BucketTask) -> tuple[list[UnitInput], Market]:
    """The units of a task, and the prices of all that they hold or trade."""
    units = units_of(task, task.reference.accounts or all_accounts(task))
    return units, session_market(task, instruments_of(units))
