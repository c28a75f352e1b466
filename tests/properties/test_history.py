"""The in-memory history that the properties look at is the product: it equals the pipeline and the oracle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest

from lossledger.engine.clock import iso
from lossledger.engine.replayed import Tables
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess, Mapper, OnSpark
from lossledger.schemas.attribution import LIQUIDATION_POSITIONS, LIQUIDATIONS, LOSS_COMPONENTS_TABLE, TABLES
from lossledger.schemas.core import Column, Table, Type
from lossledger.store.arrow import to_rows
from lossledger.store.warehouse import Warehouse
from tests.cases import built
from tests.oracle.compare import diff_tables
from tests.oracle.oracle import compute
from tests.properties.delivered import TAKEOVER, delivered, write_small_market
from tests.properties.history import canonical, run_history
from tests.properties.ledger import read_ledger
from tests.unchecked import unchecked

FEW = [("recorded", 8), ("simulated", 0), ("ordinary", 4)]  # two dates each, with episodes carried over
MARKETS = [*FEW, ("recorded", 10), ("simulated", 3), ("ordinary", 3)]
WITH_LOTS = [(kind, seed) for kind in TAKEOVER for seed in range(6)]
NOT_HERE = ("reconciliation", "quarantine")  # rows about sources, which the history does not keep
COMPARED = [table for table in TABLES if table.name not in NOT_HERE]


def published(landing: Path, days: tuple[dt.date, dt.date], mapper: Mapper) -> dict[dt.date, Tables]:
    """Run the jobs into a new warehouse and read back what they published, date by date."""
    root = landing.parent / f"warehouse-{type(mapper).__name__}-{mapper.partitions}"
    list(run(Request(landing, root, *days, mapper, check=unchecked)))
    warehouse = Warehouse(root)
    result: dict[dt.date, Tables] = {}
    for table in COMPARED:
        names = [column.name for column in table.columns]
        for row in to_rows(table, warehouse.read(table)):
            tables = result.setdefault(row[0], {t.name: [] for t in COMPARED})
            tables[table.name].append(dict(zip(names, row, strict=True)))
    return result


def in_memory(kind: str, seed: int) -> dict[dt.date, Tables]:
    outcomes = run_history(read_ledger(delivered(kind, seed)))
    return {outcome.session.day: outcome.tables for outcome in outcomes}


def same(left: Mapping[dt.date, Tables], right: Mapping[dt.date, Tables]) -> bool:
    return {d: canonical(t) for d, t in left.items()} == {d: canonical(t) for d, t in right.items()}


@pytest.mark.parametrize(("kind", "seed"), FEW)
def test_the_history_equals_what_the_jobs_publish(tmp_path: Path, kind: str, seed: int) -> None:
    days = write_small_market(tmp_path / "landing", kind, seed)
    assert same(in_memory(kind, seed), published(tmp_path / "landing", days, InProcess(3)))


@pytest.mark.parametrize(("kind", "seed"), MARKETS)
def test_the_history_equals_the_oracle(tmp_path: Path, kind: str, seed: int) -> None:
    days = write_small_market(tmp_path, kind, seed)
    expected, ours = compute(tmp_path, *days), in_memory(kind, seed)
    for table in COMPARED:
        rows = [row for day, tables in ours.items() for row in oracle_rows(table, day, tables)]
        wanted = built(table.name, expected[table.name])
        if wanted:  # the oracle knows no ids
            rows = [{column: row[column] for column in wanted[0]} for row in rows]
        assert diff_tables(wanted, rows) == []


@pytest.mark.parametrize(("kind", "seed"), WITH_LOTS)
def test_lots_equal_the_oracle(tmp_path: Path, kind: str, seed: int) -> None:
    """Recorded and simulated takeover, backstop, steps, unwinding, policies that change in mid-range."""
    test_the_history_equals_the_oracle(tmp_path, kind, seed)


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "seed"), FEW[:1])
def test_spark_publishes_the_reference(tmp_path: Path, spark: object, kind: str, seed: int) -> None:
    days = write_small_market(tmp_path / "landing", kind, seed)
    assert same(in_memory(kind, seed), published(tmp_path / "landing", days, OnSpark(2 + seed % 3, much=0)))


def oracle_rows(table: Table, day: dt.date, tables: Tables) -> list[dict[str, object]]:
    """A table of a date as the oracle spells it; what is of an episode says it by the unit and times."""
    rows: list[dict[str, object]] = []
    for row in tables[table.name]:
        rows.append({c.name: as_text(c, row[c.name]) for c in table.columns if c.name != table.partition})
        rows[-1]["business_date"] = day.isoformat()
    if table in (LOSS_COMPONENTS_TABLE, LIQUIDATION_POSITIONS):
        episodes = {row["episode_id"]: row for row in oracle_rows(LIQUIDATIONS, day, tables)}
        rows = [episodes[row["episode_id"]] | row for row in rows]
    return rows


def as_text(column: Column, value: Any) -> object:
    """A value of an engine row as the oracle spells it."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if column.type is Type.DECIMAL:
        return format(Decimal(value).scaleb(-18, Context(prec=60)), "f")
    return iso(value) if column.type is Type.TIME else str(value)
