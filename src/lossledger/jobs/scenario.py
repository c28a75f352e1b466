"""A scenario's warehouse: WAREHOUSE/scenarios/NAME, complete, apart from what is published.

It begins with the input that the published warehouse has loaded (the same files under a second name, never
written to again) and, when it does not begin on the first date, with the published state of the date before.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lossledger.engine.errors import ConfigError
from lossledger.jobs.policy_file import Scenario
from lossledger.schemas.core import Table
from lossledger.schemas.ledger import DELIVERIES
from lossledger.schemas.registry import LEDGER, RAW
from lossledger.store.delta import dataset
from lossledger.store.key_hashes import FOLDER
from lossledger.store.places import Place, entries, files_below, link, open_table, relative, remove_tree
from lossledger.store.published_dates import PublishedDate, published_days
from lossledger.store.scenario_folders import DEFINITION, read_definition, scenario_root
from lossledger.store.warehouse import Warehouse, hold


@dataclass
class OpenWarehouse:
    """A warehouse that is held for a run: the published one, or a scenario's.

    `base` holds the published state that a scenario starts from, None when it starts on a first date.
    `published`: the dates that count as published before the run, its own and those of `base`.
    """

    warehouse: Warehouse
    base: Warehouse | None
    published: dict[date, PublishedDate]


@contextmanager
def open_scenario(main: Place, scenario: Scenario, digest: str, first: date) -> Iterator[OpenWarehouse]:
    """Hold it to run from `first`; it is made anew when its definition or what it starts from has changed.

    `digest`: of the scenario and the policy. Takes no lock of the published warehouse and writes nothing to it
    (it is made, empty, when it is not there; one of an earlier build gets the columns and tables that it lacks).
    ConfigError for a fund_opening after the first date. ConflictError: another run holds the scenario.
    """
    live = Warehouse.create(main)
    root = scenario_root(main, scenario.name)
    with one_at_a_time(root):
        before = _make_ready(root, live, scenario, digest, first)
        with Warehouse.made(root) as warehouse:
            own = published_days(warehouse)
            yield OpenWarehouse(warehouse, live if before else None, before | own)


@contextmanager
def one_at_a_time(root: Place) -> Iterator[None]:
    """A lock beside the scenario: its own goes with the folder when it is made anew."""
    root.parent.mkdir(exist_ok=True)
    with hold(root.with_name(f".{root.name}.lock"), str(root)):
        yield


def _make_ready(
    root: Place, live: Warehouse, scenario: Scenario, digest: str, first: date
) -> dict[date, PublishedDate]:
    """Make the scenario's warehouse where it is missing or out of date: the published dates that it starts from."""
    published = published_days(live)
    own = published_days(Warehouse(root)) if read_definition(root) else {}
    start = min(own, default=first)
    if root.exists() and (
        first < start or read_definition(root) != _define(scenario, digest, start, published)
    ):
        _discard(root)
        own, start = {}, first
    before = {day: row for day, row in published.items() if day < start}
    if before and scenario.fund_opening:
        raise ConfigError(
            f"scenario {scenario.name} has a fund_opening: run it from the first date, --from {min(published)}"
        )
    if not root.exists():
        _make(root, live, _define(scenario, digest, start, published))
    return before


def _define(
    scenario: Scenario, digest: str, start: date, published: dict[date, PublishedDate]
) -> dict[str, Any]:
    """All that the scenario's tables follow from, beside the input."""
    state = published.get(start - timedelta(days=1))
    return {
        "name": scenario.name,
        "reason": scenario.reason,
        "policy": {key: _text(value) for key, value in scenario.policy.items()},
        "fund_opening": {currency: str(amount) for currency, amount in scenario.fund_opening.items()},
        "sha256": digest,
        "starts_from": state.output_sha256 if state else "",
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {amount}" for key, amount in value.items()) or "nothing"
    return str(value)


def _discard(root: Place) -> None:
    """Remove it as a whole: at no time does a half-removed warehouse stand under its name."""
    if isinstance(root, Path):
        old = root.with_name(f".{root.name}.old")
        remove_tree(old)
        with Warehouse(root).locked():
            root.rename(old)
        remove_tree(old)
    else:  # a store renames nothing: it is a scenario as long as it has a definition
        (root / DEFINITION).unlink(missing_ok=True)
        remove_tree(root)


def _make(root: Place, live: Warehouse, definition: dict[str, Any]) -> None:
    """Make it beside and rename: at no time does a half-made warehouse stand under its name."""
    beside = root.with_name(f".{root.name}.new") if isinstance(root, Path) else root
    remove_tree(beside)
    try:
        copy_input(live, Warehouse.create(beside))
        (beside / DEFINITION).write_text(json.dumps(definition, sort_keys=True, indent=1) + "\n")
        if isinstance(beside, Path) and isinstance(root, Path):
            beside.rename(root)
    except BaseException:
        remove_tree(beside)
        raise


def copy_input(source: Warehouse, target: Warehouse) -> None:
    """Give `target`, which is new, the input that `source` has loaded, without parsing or storing it again.

    `deliveries` first: what it says is loaded is in the tables that are read after it. What a run in progress
    adds meanwhile is not yet in it, and is loaded again.
    """
    if not source.days(DELIVERIES):
        return
    for table in (DELIVERIES, *RAW.values(), *LEDGER.values()):
        if table is not DELIVERIES or source.version(table):
            _copy_table(source.path(table), target.path(table), table)
            _copy_folder(source.path(table) / FOLDER, target.path(table) / FOLDER)
    _copy_folder(source.root / "raw" / "content", target.root / "raw" / "content")


def _copy_folder(source: Place, target: Place) -> None:
    """Files that are never changed once they are there."""
    for path in files_below(source):
        if not path.name.endswith(".writing"):
            link(path, target / relative(path, source))


def _copy_table(source: Place, target: Place, table: Table) -> None:
    """A Delta table as it is now: its log, and the files that it names. Nothing of these is ever changed.

    Files are named by their place in the table, so how the warehouse's path is written (relative, with `..`,
    through a symbolic link) does not matter.
    """
    delta = open_table(source)
    remove_tree(target)
    for entry in entries(source / "_delta_log"):
        if entry.name[:20].isdigit() and int(entry.name[:20]) <= delta.version():
            link(entry, target / "_delta_log" / entry.name)
    for name in dataset(table, delta).files:
        link(source / name, target / name)
