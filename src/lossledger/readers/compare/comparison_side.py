"""A side of a comparison: the published tables, a scenario or a past run, each read at its published versions."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from lossledger.engine.errors import ConfigError
from lossledger.engine.figures import exact
from lossledger.schemas.core import Table
from lossledger.schemas.ops import PUBLISHED_DAYS, RUNS
from lossledger.schemas.registry import PUBLISHED
from lossledger.store.arrow import to_rows
from lossledger.store.places import Place, entries, open_parquet
from lossledger.store.published_dates import published_days
from lossledger.store.scenario_folders import PUBLISHED as PUBLISHED_NAME
from lossledger.store.scenario_folders import read_definition, scenario_names, scenario_root
from lossledger.store.warehouse import NOT_THERE, Warehouse


class ComparisonSide:
    """Tables at the versions published for each date; `about`: how this side was computed, line by line."""

    tables = tuple(PUBLISHED.values())

    def __init__(
        self,
        name: str,
        warehouse: Warehouse,
        days: Mapping[date, Mapping[str, int]],
        about: Sequence[str] = (),
        overrides_nothing: bool = False,
    ) -> None:
        self.name, self.warehouse, self.days, self.about = name, warehouse, days, about
        self.overrides_nothing = overrides_nothing

    def rows(self, table: Table, days: Sequence[date]) -> list[dict[str, Any]]:
        """The table's rows of these dates; amounts as integers of 10^-18."""
        names = [c.name for c in table.columns]
        found: list[dict[str, Any]] = []
        for day in days:
            data = self.warehouse.read(table, day, version=self.days[day].get(table.full_name, NOT_THERE))
            found += [dict(zip(names, row, strict=True)) for row in to_rows(table, data)]
        return found


def open_side(root: Place, name: str) -> ComparisonSide:
    """`name`: `published`, a scenario, or the id of a run. ConfigError: none of these exists."""
    if not (root / "lossledger.json").exists():
        raise ConfigError(f"{root} is no Lossledger warehouse: lossledger run --warehouse {root} … makes one")
    main = Warehouse(root)
    if name == PUBLISHED_NAME:
        return ComparisonSide(name, main, _current(main))
    if name in scenario_names(root):
        own = scenario_root(root, name)
        made_from = read_definition(own)
        warehouse = Warehouse(own)
        nothing = not made_from["policy"] and not made_from["fund_opening"]
        return ComparisonSide(name, warehouse, _current(warehouse), _about(made_from), nothing)
    days = _of_run(main, name)
    if not days:
        raise ConfigError(f"no scenario and no run {name!r} in {root}; there is {_list_sides(root, main)}")
    return ComparisonSide(name, main, days)


def _current(warehouse: Warehouse) -> dict[date, Mapping[str, int]]:
    return {day: row.table_versions for day, row in published_days(warehouse).items()}


def _about(definition: Mapping[str, Any]) -> list[str]:
    overrides = [f"{key} = {value}" for key, value in sorted(definition["policy"].items())]
    openings = sorted(definition["fund_opening"].items())
    overrides += [f"fund_opening of {currency} = {exact(int(amount))}" for currency, amount in openings]
    reason = f" ({definition['reason']})" if definition["reason"] else ""
    return [("overrides " + "; ".join(overrides) if overrides else "overrides nothing") + reason]


def _of_run(warehouse: Warehouse, run_id: str) -> dict[date, Mapping[str, int]]:
    """The dates that a run published, including dates restated since: the table keeps every committed row.

    A later run may have found the same rows from other input; the row keeps its run and versions.
    """
    folder = warehouse.path(PUBLISHED_DAYS)
    days: dict[date, Mapping[str, int]] = {}
    for log in entries(folder / "_delta_log"):
        if not log.name.endswith(".json"):
            continue
        for line in log.read_text().splitlines():
            added = json.loads(line).get("add")
            if added is None:
                continue
            rows: pa.Table = open_parquet(folder / added["path"]).read(["run_id", "table_versions"])
            day = date.fromisoformat(added["partitionValues"][PUBLISHED_DAYS.partition])
            for row in rows.to_pylist():
                if row["run_id"] == run_id:
                    days[day] = json.loads(row["table_versions"])
    return days


def _list_sides(root: Place, warehouse: Warehouse) -> str:
    columns = ("started_at", "run_id", "outcome")
    runs = sorted(to_rows(RUNS, warehouse.read(RUNS), columns), reverse=True)
    recent = list(dict.fromkeys(run_id for _, run_id, outcome in runs if outcome == "published"))[:3]
    names = [PUBLISHED_NAME, *scenario_names(root)]
    return ", ".join(names) + (f"; last runs {', '.join(recent)}" if recent else "")
