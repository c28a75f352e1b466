"""Versions of the tables that belong to each published date: now, at a time, or after a run."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property

import pyarrow as pa

from lossledger.engine.errors import ConfigError
from lossledger.schemas.ops import PUBLISHED_DAYS, RUNS
from lossledger.store.arrow import to_rows
from lossledger.store.file_history import FileHistory, read_file_history
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate, published_days
from lossledger.store.scenario_folders import scenario_names, scenario_root
from lossledger.store.warehouse import Warehouse

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?")


@dataclass(frozen=True)
class Pins:
    """The published dates at a moment: every date's row of ops.published_days and its input versions.

    `moment_ms`: later commits are invisible; None: now. `version`: of ops.published_days.
    """

    warehouse: Warehouse
    days: Mapping[date, PublishedDate]
    version: int
    moment_ms: int | None

    @cached_property
    def inputs(self) -> Mapping[date, Mapping[str, int]]:
        """Ledger table to Delta version, by date; dates whose run recorded no versions are absent."""
        return self._inputs(self.warehouse.read(RUNS))

    def inputs_of(self, day: date) -> Mapping[str, int]:
        """Ledger table to Delta version of one date, reading only that date; empty if no versions were recorded."""
        known = self.__dict__.get("inputs") or self._inputs(self.warehouse.read(RUNS, day))
        return known.get(day, {})

    def _inputs(self, data: pa.Table) -> Mapping[date, Mapping[str, int]]:
        runs: dict[tuple[date, str], str] = {}
        columns = ("started_at", "business_date", "run_id", "outcome", "inputs")
        for _, day, run_id, outcome, inputs in sorted(to_rows(RUNS, data, columns)):
            if outcome == "published":
                runs[day, run_id] = inputs
        found = {day: json.loads(runs.get((day, row.run_id), "{}")) for day, row in self.days.items()}
        return {day: inputs for day, inputs in found.items() if inputs}


def open_warehouse(root: Place, scenario: str | None = None) -> Warehouse:
    """The warehouse at `root` or of one of its scenarios. ConfigError: it does not exist."""
    if not (root / "lossledger.json").exists():
        raise ConfigError(f"{root} is no Lossledger warehouse: lossledger run --warehouse {root} … makes one")
    if scenario is None:
        return Warehouse(root)
    names = scenario_names(root)
    if scenario not in names:
        there = ", ".join(names) or "none has been run"
        raise ConfigError(f"no scenario {scenario!r} in {root}; there is: {there}")
    return Warehouse(scenario_root(root, scenario))


def read_pins(warehouse: Warehouse, as_of: str | datetime | None = None) -> Pins:
    """What is published, or what was at `as_of`: a time (UTC where it names no zone) or the id of a run.

    As of a run: what was published when it had published its last date. ConfigError: no such run, no time.
    """
    if as_of is None:
        version = warehouse.version(PUBLISHED_DAYS)
        return Pins(warehouse, published_days(warehouse, version), version, None)
    log = read_file_history(warehouse, PUBLISHED_DAYS)
    version = _version(warehouse, log, as_of)
    if version < 0:
        return Pins(warehouse, {}, version, 0)
    return Pins(warehouse, published_days(warehouse, version), version, log.committed_ms[version])


def _version(warehouse: Warehouse, log: FileHistory, as_of: str | datetime) -> int:
    if isinstance(as_of, datetime):
        return log.version_at(int(as_of.timestamp() * 1000))
    if _TIME.fullmatch(as_of):
        try:
            moment = datetime.fromisoformat(as_of)
        except ValueError:
            raise ConfigError(f"--as-of {as_of}: no such time; give YYYY-MM-DDTHH:MM:SSZ or a run") from None
        return log.version_at(
            int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        )
    return _version_of_run(warehouse, log, as_of)


def _version_of_run(warehouse: Warehouse, log: FileHistory, run_id: str) -> int:
    """A later commit of the same rows keeps the run, so the first commit of each of its dates counts."""
    first: dict[date, int] = {}
    known: dict[str, None] = {}
    for span in sorted(log.spans, key=lambda span: span.added):
        for day, published in published_days(warehouse, span.added).items():
            if day != span.day:
                continue
            known[published.run_id] = None
            if published.run_id == run_id:
                first.setdefault(day, span.added)
    if not first:
        recent = ", ".join(list(known)[-3:]) or "none"
        raise ConfigError(
            f"--as-of {run_id}: neither a time (YYYY-MM-DDTHH:MM:SSZ) nor a run that published anything; "
            f"the last that did: {recent}"
        )
    return max(first.values())
