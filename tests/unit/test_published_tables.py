"""Published dates as tables by their names: each date at its own versions, now and as of a time or run."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from readers.published.tables import PublishedTables
from schemas.registry import PUBLISHED
from store.published import published_days
from store.warehouse import Warehouse
from tests.cases import DATA, case_days
from tests.scenarios import run_range, write_scenario

FIRST, SECOND, THIRD = case_days("edges")
TRANSFERS = "ledger.transfers"


class Restated:
    """The case `edges`: two dates published, then both anew after a deposit was left out, and a scenario of it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "warehouse"
        landing = Path(shutil.copytree(DATA / "edges" / "landing", folder / "landing"))
        run_range(landing, self.root, FIRST, SECOND)
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
