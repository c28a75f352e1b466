"""Rows with one key: duplicates, conflicts, and versions of a thing that contradict each other (inputs.md)."""

from collections.abc import Mapping
from typing import Any

from lossledger.engine.intake.judge import Intake, Rejected
from lossledger.schemas.core import Dataset

CONFLICT = "conflict with a known key: the first is kept"


def settle_keys(dataset: Dataset, intake: Intake, known: Mapping[tuple[Any, ...], tuple[Any, ...]]) -> Intake:
    """Keep the first row of each key, in order of file path and row number; of states the last.

    An identical row is a duplicate, a different one a conflict; an earlier state is superseded. `known`: rows
    accepted before, by key; keys of states hold their time, so that no earlier date has them.
    """
    if dataset.states:
        return _last_states(dataset, intake)
    result = Intake(rejected=list(intake.rejected), duplicates=intake.duplicates)
    names = [f.name for f in dataset.fields]
    places = [names.index(name) for name in dataset.key]
    accepted = dict(known)
    order = sorted(range(len(intake.rows)), key=lambda i: intake.origins[i][:2])
    for index in order:
        row, origin = intake.rows[index], intake.origins[index]
        key = tuple(row[place] for place in places)
        first = accepted.setdefault(key, row)
        if first is row:
            result.rows.append(row)
            result.origins.append(origin)
        elif first == row:
            result.duplicates += 1
        else:
            result.rejected.append(Rejected(*origin, (CONFLICT,)))
    result.rejected.sort(key=lambda r: r[:2])
    return result


def _last_states(dataset: Dataset, intake: Intake) -> Intake:
    names = [f.name for f in dataset.fields]
    places = [names.index(name) for name in dataset.key]
    order = sorted(range(len(intake.rows)), key=lambda i: intake.origins[i][:2])
    last = {tuple(intake.rows[index][place] for place in places): index for index in order}
    kept = sorted(last.values(), key=lambda i: intake.origins[i][:2])
    return Intake(
        [intake.rows[index] for index in kept],
        [intake.origins[index] for index in kept],
        sorted(intake.rejected, key=lambda r: r[:2]),
        superseded=len(order) - len(kept),
    )


def reject_changed_versions(dataset: Dataset, intake: Intake, fixed: tuple[str, ...], reason: str) -> Intake:
    """Versions of a thing that change what must not change, compared with its earliest version."""
    names = [f.name for f in dataset.fields]
    places = [names.index(name) for name in fixed]
    since = names.index("valid_from")
    first: dict[Any, tuple[Any, ...]] = {}
    for row in sorted(intake.rows, key=lambda row: row[since]):
        first.setdefault(row[0], row)
    result = Intake(rejected=list(intake.rejected), duplicates=intake.duplicates)
    for row, origin in zip(intake.rows, intake.origins, strict=True):
        if any(row[place] != first[row[0]][place] for place in places):
            result.rejected.append(Rejected(*origin, (reason,)))
        else:
            result.rows.append(row)
            result.origins.append(origin)
    result.rejected.sort(key=lambda r: r[:2])
    return result
