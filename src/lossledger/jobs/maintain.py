"""Maintenance of a warehouse and its scenarios: small files made few, and what nobody needs any more removed.

Published versions, also those that were restated since, stay readable: what they name is kept.
"""

import time
from collections.abc import Iterator
from datetime import date

from lossledger.engine.errors import ConfigError, ConflictError
from lossledger.jobs.publish import IN_PROGRESS
from lossledger.jobs.scenario import one_at_a_time
from lossledger.store.compaction import APPENDED, compact_files, count_fragmented
from lossledger.store.places import Place
from lossledger.store.retained_versions import retained_versions
from lossledger.store.scenario_folders import PUBLISHED, scenario_names, scenario_root
from lossledger.store.staging import Staging
from lossledger.store.vacuum import Freed, leftovers, old_staging, remove, unneeded_files
from lossledger.store.warehouse import Warehouse

DAYS = 7
_DAY_MS = 86_400_000


def maintain_lines(
    root: Place, days: int = DAYS, dry_run: bool = False, now_ms: int | None = None
) -> Iterator[str]:
    """Maintain the warehouse and every scenario, each held meanwhile; yields what was, or would be, done.

    Only what is older than `days` is removed, so that no reader, and no night between two stages, loses a file.
    ConfigError: no warehouse. ConflictError: a run holds it; a scenario that is held is left as it is.
    """
    if not (root / "lossledger.json").exists():
        raise ConfigError(f"{root} is no Lossledger warehouse: lossledger run --warehouse {root} … makes one")
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    before_ms = now_ms - days * _DAY_MS
    yield from _maintain(PUBLISHED, root, before_ms, dry_run)
    for name in scenario_names(root):
        try:
            with one_at_a_time(scenario_root(root, name)):
                yield from _maintain(f"scenario {name}", scenario_root(root, name), before_ms, dry_run)
        except ConflictError as error:
            yield f"scenario {name}  left as it is: {error}"
    if dry_run:
        yield "nothing was changed: --dry-run"


def _maintain(what: str, root: Place, before_ms: int, dry_run: bool) -> Iterator[str]:
    warehouse = Warehouse(root)
    with warehouse.locked():
        files = unneeded_files(warehouse, retained_versions(warehouse), before_ms)
        freed = [(table.full_name, remove(paths, dry_run)) for table, paths in files.items() if paths]
        for name, some in freed:
            yield f"{what}  {_told(some, dry_run)}  {name}, of no version that anybody may ask for"
        dead = _remove_leftovers(root, before_ms, dry_run)
        if dead.files:
            yield f"{what}  {_told(dead, dry_run)}  left of runs that died"
        every = [*(some for _, some in freed), dead]
        total = Freed(sum(some.files for some in every), sum(some.bytes for some in every))
        yield f"{what}  {_told(total, dry_run)}  in all"
        yield from _compact(what, warehouse, dry_run)


def _compact(what: str, warehouse: Warehouse, dry_run: bool) -> Iterator[str]:
    """After the removal: the files that it replaces are what readers have just opened."""
    for table in APPENDED:
        dates = count_fragmented(warehouse, table)
        if dates and not dry_run:
            compact_files(warehouse, table)
        if dates:
            done = "would put" if dry_run else "put"
            yield f"{what}  {done} {table.full_name} into one file a date: {_count(dates, 'date')}"


def _remove_leftovers(root: Place, before_ms: int, dry_run: bool) -> Freed:
    """A date that was being published is kept, whatever its age: its note tells the next run what to repair."""
    staged: dict[date, list[Place]] = {
        day: files
        for day, files in old_staging(root, before_ms).items()
        if not Staging(root, day).read_note(IN_PROGRESS)
    }
    freed = remove([*leftovers(root, before_ms), *(p for files in staged.values() for p in files)], dry_run)
    if not dry_run:
        for day in staged:
            Staging(root, day).discard()
    return freed


def _told(freed: Freed, dry_run: bool) -> str:
    return f"{'would free' if dry_run else 'freed'} {_count(freed.files, 'file')}, {freed.bytes} bytes"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
