"""A second pass over the same replay."""

from collections.abc import Sequence
from datetime import date

from engine.replay import replay_units
from engine.rows import Snapshot
from jobs.day import Day
from jobs.replay.recompute import bucket_tasks
from jobs.replay.task import BucketTask, read_units
from store.reference import ReferenceData


def _snapshots(task: BucketTask) -> list[Snapshot]:
    units, market = read_units(task)
    return replay_units(units, market, task.policy, task.start).snapshots


def snapshots_at(
    day: Day, reference: ReferenceData, folders: Sequence[date], instants: list[int]
) -> list[Snapshot]:
    """The state of all units at the instants that are asked for."""
    tasks = bucket_tasks(day, reference, folders)
    for task in tasks:
        task.instants = instants
    return [row for rows in day.mapper.map(_snapshots, tasks) for row in rows]
