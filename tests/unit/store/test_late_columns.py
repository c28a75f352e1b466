"""What a row has in a column that came after it, wherever it is read; and a table that came later."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lossledger.schemas import provenance
from lossledger.schemas.core import BUSINESS_DATE, Column, Table, Type, count, flag, money, text, units, when
from lossledger.schemas.registry import TABLES
from lossledger.store.arrow import arrow_schema, to_arrow
from lossledger.store.creation import add_columns, create_table
from lossledger.store.data_files import files_of
from lossledger.store.duck import filled_columns, select_files
from lossledger.store.session_inputs import PinnedTable
from lossledger.store.table_hashes import stored_sha256
from lossledger.store.warehouse import NOT_THERE, Warehouse

DAY, NEXT = date(2025, 10, 9), date(2025, 10, 10)
LATE = (
    money("settled", "Late."),
    units("carried", "Late."),
    count("number", "Late."),
    flag("over", "Late."),
    text("what", "Late."),
    when("at", "Late.", nullable=True),
    money("gain", "Late.", nullable=True),
)
ZERO = {
    "settled": Decimal(0),
    "carried": Decimal(0),
    "number": 0,
    "over": False,
    "what": "",
    "at": None,
    "gain": None,
}


def table_of(*late: Column, name: str = "invented") -> Table:
    """Late columns between the others: an older table has them at its end."""
    columns = (BUSINESS_DATE, text("account_id", "Whose."), *late, count("rows", "Old."))
    return Table("attribution", name, "row", "Invented.", columns, ("business_date", "account_id"))


OLD, NEW = table_of(), table_of(*LATE)
LATER = table_of(name="later")


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for column in LATE:
        monkeypatch.setitem(provenance.COLUMN_FORMATS, (NEW.full_name, column.name), 5)
    monkeypatch.setitem(provenance.TABLE_FORMATS, LATER.full_name, 5)
    yield
    for cached in (arrow_schema, provenance.late_columns):
        cached.cache_clear()


@pytest.fixture
def root(tmp_path: Path, declared: None) -> Path:
    """A warehouse of format 4 with a row in a table of before, which is all that there is in it."""
    (tmp_path / "lossledger.json").write_text(json.dumps({"warehouse_format": 4}))
    (tmp_path / "attribution").mkdir()
    warehouse = Warehouse(tmp_path)
    create_table(tmp_path, OLD, {})
    write(warehouse, OLD, DAY, account_id="a", rows=1)
    forget()
    return tmp_path


def forget() -> None:
    """The table is another one under the same name."""
    arrow_schema.cache_clear()
    provenance.late_columns.cache_clear()
    from lossledger.store.arrow import bare_schema
    from lossledger.store.staging import part_schema

    bare_schema.cache_clear()
    part_schema.cache_clear()


def write(warehouse: Warehouse, table: Table, day: date, **row: object) -> None:
    warehouse.replace_day(table, to_arrow(table, [row], business_date=day), day)


BEFORE = {"business_date": DAY, "account_id": "a", "rows": 1, **ZERO}
SINCE = {
    "settled": 5 * 10**18,
    "carried": 7,
    "number": 8,
    "over": True,
    "what": "x",
    "at": None,
    "gain": 10**18,
}


def everywhere(warehouse: Warehouse) -> list[dict[str, object]]:
    """The row of the first date, as each way of reading has it."""
    [files] = [files_of(warehouse, NEW, DAY)]
    wanted = pc.field("business_date") == pa.scalar(DAY)
    source = PinnedTable(str(warehouse.path(NEW)), warehouse.version(NEW), NEW)
    day = ("business_date", [DAY.isoformat()])
    names = arrow_schema(NEW).names
    with duckdb.connect() as database:
        database.execute("set TimeZone = 'UTC'")
        of_files = database.sql(select_files(files, NEW, DAY)).to_arrow_table()
        database.register("stored", warehouse.find(NEW, wanted))
        viewed = database.sql(f"select {filled_columns(NEW)} from stored").to_arrow_table()
    found = [
        warehouse.read(NEW, DAY),
        warehouse.read(NEW, version=1).filter(wanted),
        warehouse.find(NEW, wanted),
        warehouse.find(NEW, wanted & (pc.field("rows") == 1)),
        pa.Table.from_batches(source.batches(None, names, wanted)),
        pa.Table.from_batches(source.batches([("business_date", "in", day[1])], names, sparing=True)),
        source.stream(wanted, day, names).read_all(),
        of_files,
        viewed,
    ]
    rows = [row for data in found for row in data.to_pylist()]
    assert len(rows) == len(found)
    return rows


def test_a_reader_of_an_older_table_sees_the_value_of_before(root: Path) -> None:
    assert everywhere(Warehouse(root)) == [BEFORE] * 9


def test_the_column_is_added_at_the_end_and_rows_of_before_keep_their_value(root: Path) -> None:
    warehouse = Warehouse(root)
    add_columns(NEW, warehouse.delta(NEW), None)
    added = warehouse.version(NEW)
    add_columns(NEW, warehouse.delta(NEW), None)
    assert warehouse.version(NEW) == added, "once"
    assert everywhere(warehouse) == [BEFORE] * 9
    write(warehouse, NEW, NEXT, account_id="b", rows=2, **SINCE)
    assert everywhere(warehouse) == [BEFORE] * 9
    [since] = warehouse.read(NEW, NEXT).to_pylist()
    assert (since["settled"], since["number"], since["over"], since["gain"]) == (5, 8, True, 1)


def test_a_hash_over_the_columns_of_then_is_the_hash_of_then(root: Path) -> None:
    warehouse = Warehouse(root)
    then = stored_sha256(warehouse, NEW, DAY, columns=("account_id", "rows"))
    forget()
    assert then == stored_sha256(Warehouse(root), OLD, DAY)
    forget()
    add_columns(NEW, warehouse.delta(NEW), None)
    assert stored_sha256(warehouse, NEW, DAY, columns=("account_id", "rows")) == then
    assert stored_sha256(warehouse, NEW, DAY) != then
    zeros = ZERO | {"settled": 0, "carried": 0}
    write(warehouse, NEW, NEXT, account_id="a", rows=1, **zeros)
    assert stored_sha256(warehouse, NEW, NEXT) == stored_sha256(warehouse, NEW, DAY), "zeros are what it had"


def test_a_table_that_came_later_has_no_rows_until_a_run_makes_it(root: Path) -> None:
    warehouse = Warehouse(root)
    assert not warehouse.has(LATER)
    assert warehouse.version(LATER) == NOT_THERE
    assert warehouse.read(LATER).num_rows == warehouse.read(LATER, DAY, version=NOT_THERE).num_rows == 0
    assert warehouse.find(LATER, pc.field("rows") == 1, ["rows"]).num_rows == 0
    assert warehouse.days(LATER) == files_of(warehouse, LATER, DAY) == []
    source = PinnedTable(str(warehouse.path(LATER)), NOT_THERE, LATER)
    assert source.read(None).num_rows == len(source.files()) == len(list(source.batches(None, ["rows"]))) == 0
    create_table(root, LATER, {})
    assert warehouse.version(LATER) == 0
    assert warehouse.read(LATER).num_rows == 0


def test_every_late_column_has_a_value_of_before() -> None:
    for table in TABLES.values():
        for column in provenance.late_columns(table):
            provenance.before(column)
            assert column.type not in (Type.DATE, Type.TIME) or column.nullable
            assert column.name not in (*table.key, table.partition), (
                "what makes a row unique is there from the first"
            )
