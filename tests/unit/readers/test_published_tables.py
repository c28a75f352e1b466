"""Published dates as tables by their names: each date at its own versions, now and as of a time or run."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossledger.engine.clock import to_datetime
from lossledger.engine.errors import ConfigError
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.schemas.registry import PUBLISHED, TABLES
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse
from scripts.recipes import queries
from tests.cases import DATA, case_days
from tests.lived import case_warehouse
from tests.scenarios import run_range, write_scenario

FIRST, SECOND, THIRD = case_days("edges")
TRANSFERS = "ledger.transfers"


class Restated:
    """The case `edges`: two dates published, then both anew after a deposit was left out, and a scenario of it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "warehouse"
        landing = Path(shutil.copytree(DATA / "edges" / "landing", folder / "landing"))
        case_warehouse("edges", SECOND, self.root)
        self.before = self._all()
        self.then = datetime.now(UTC)
        self.run_id = published_days(Warehouse(self.root))[SECOND].run_id
        file = landing / "transfers" / f"date={SECOND}" / "part-0.parquet"
        rows = pq.read_table(file)
        pq.write_table(rows.slice(0, rows.num_rows - 1), file)
        run_range(landing, self.root, FIRST, SECOND)
        self.after = self._all()
        write_scenario(landing, "no_sharing", policy={"sharing": "none"})
        run_range(landing, self.root, FIRST, SECOND, "no_sharing")

    def _all(self) -> dict[str, list[dict[str, object]]]:
        warehouse = Warehouse(self.root)
        return {name: rows_at(warehouse, name) for name in PUBLISHED}


def rows_at(warehouse: Warehouse, name: str) -> list[dict[str, object]]:
    """Each date at its version, read one by one: what is to come out of all at once."""
    table, found = PUBLISHED[name], []
    for day, row in sorted(published_days(warehouse).items()):
        found += warehouse.read(table, day, row.table_versions[name]).to_pylist()
    return found


def rows_of(tables: PublishedTables, name: str) -> list[dict[str, object]]:
    keys = [(key, "ascending") for key in PUBLISHED[name].key]
    return tables.rows(name).sort_by([("business_date", "ascending"), *keys]).to_pylist()


@pytest.fixture(scope="module")
def restated(tmp_path_factory: pytest.TempPathFactory) -> Restated:
    return Restated(tmp_path_factory.mktemp("restated"))


def test_every_table_has_each_dates_rows_at_its_version(restated: Restated) -> None:
    tables = PublishedTables.open(restated.root)
    assert tables.days == [FIRST, SECOND]
    for name in PUBLISHED:
        key = ["business_date", *PUBLISHED[name].key]
        expected = sorted(restated.after[name], key=lambda row: [str(row[k]) for k in key])
        assert sorted(rows_of(tables, name), key=lambda row: [str(row[k]) for k in key]) == expected
    assert restated.after != restated.before


@pytest.mark.parametrize("what", ["time", "run", "text"])
def test_as_of_a_time_or_a_run_there_is_what_was_published_then(restated: Restated, what: str) -> None:
    now = PublishedTables.open(restated.root)
    as_of = {"time": restated.then, "text": restated.then.isoformat(), "run": restated.run_id}[what]
    tables = PublishedTables.open(restated.root, as_of)
    names = ["attribution.account_daily", "attribution.session_losses"]
    for name in names:
        assert len(rows_of(tables, name)) == len(restated.before[name])
        assert {tuple(r.items()) for r in rows_of(tables, name)} == {
            tuple(r.items()) for r in restated.before[name]
        }
    assert tables.rows(TRANSFERS).num_rows == now.rows(TRANSFERS).num_rows + 1
    assert tables.rows("ops.restatements").num_rows == 0 < now.rows("ops.restatements").num_rows


def test_a_session_has_its_own_events_where_it_begins_within_a_day(tmp_path: Path) -> None:
    """Sessions from 08:00: the folder of a date holds events of two of them."""
    case_warehouse("recorded_equity_8h", SECOND, tmp_path / "w")
    tables = PublishedTables.open(tmp_path / "w")
    assert {tables.published(day).start % 86_400_000_000 for day in tables.days} == {8 * 3_600_000_000}
    every = Warehouse(tmp_path / "w").read(TABLES["ledger.ticks"]).to_pylist()
    for day in tables.days:
        row = tables.published(day)
        inside = [
            tick
            for tick in every
            if (row.first_date or tick["ts"] >= to_datetime(row.start)) and tick["ts"] < to_datetime(row.end)
        ]
        assert tables.rows("ledger.ticks", [day]).num_rows == len(inside) > 0
        with tables.connect(["ledger.ticks"]) as database:
            sql = f"SELECT count(*) FROM ticks WHERE business_date = '{day}'"
            assert database.sql(sql).fetchall() == [(len(inside),)]


def test_what_a_table_holds_beyond_its_published_version_is_not_seen(
    restated: Restated, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(restated.root, tmp_path / "copy"))
    table, warehouse = PUBLISHED["attribution.session_losses"], Warehouse(root)
    rows = warehouse.read(table)
    warehouse.replace_day(table, rows.slice(0, 0), SECOND)  # of a hand past the night
    later = rows.set_column(0, "business_date", pa.array([THIRD] * rows.num_rows, pa.date32()))
    warehouse.replace_day(table, later, THIRD)  # of a run that was broken off
    assert rows_of(PublishedTables.open(root), table.full_name) == rows_of(
        PublishedTables.open(restated.root), table.full_name
    )


def test_a_scenario_has_its_own_tables(restated: Restated) -> None:
    name = "attribution.session_losses"
    tables = PublishedTables.open(restated.root, scenario="no_sharing")
    assert set(tables.rows(name).column("method").to_pylist()) == {"none"}
    with pytest.raises(ConfigError, match="there is: no_sharing"):
        PublishedTables.open(restated.root, scenario="other")


@pytest.mark.parametrize(
    ("as_of", "said"), [("2025-13-01", "no such time"), ("nonsense", "neither a time .* nor a run")]
)
def test_neither_a_time_nor_a_run_is_said_so(restated: Restated, as_of: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PublishedTables.open(restated.root, as_of)
    assert PublishedTables.open(restated.root, "2020-01-01").days == []


def test_the_recipe_says_why_something_was_restated(restated: Restated) -> None:
    """The deposit that was left out is of the second date, and that file is the one reason."""
    [query] = [sql for sql in queries() if "ops.restatements" in sql]
    with PublishedTables.open(restated.root).connect() as database:
        rows = database.execute(query).to_arrow_table().to_pylist()
    assert "attribution.account_daily" in {row["table_name"] for row in rows}
    file = f"transfers/date={SECOND}/part-0.parquet"
    assert {(row["business_date"], row["reasons"]) for row in rows} == {
        (SECOND, f"input transfers of {SECOND} changed (file {file})")
    }


def test_a_recipe_as_of_then_shows_what_was_known(restated: Restated) -> None:
    query = next(sql for sql in queries() if "strftime(business_date, '%Y-%m')" in sql)

    def answer(**then: Any) -> list[tuple[Any, ...]]:
        with PublishedTables.open(restated.root, **then).connect() as database:
            return database.execute(query).fetchall()

    assert answer() != answer(as_of=restated.run_id)
    assert answer(as_of=restated.then) == answer(as_of=restated.run_id)
