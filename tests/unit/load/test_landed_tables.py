"""A folder that is a Delta table is read as the table that it is: its live files, at one version (inputs.md)."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lossledger.engine.errors import DataError
from lossledger.jobs.load.landing_zone import LandedTables, dataset_days, landed_files
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.registry import LEDGER
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, published_rows, run_dates, small_landing
from tests.spec.tables import parse

FILLS = """
    fill_id|trade_id|ts                  |account_id|instrument_id|side|price|quantity|fee|kind
    f1     |x1      |2025-10-09T09:00:00Z|a         |P            |buy |1000 |1       |0  |normal
    f2     |x1      |2025-10-09T09:00:00Z|b         |P            |sell|1000 |1       |0  |normal
"""
BUSTED = """
    fill_id|trade_id|ts                  |account_id|instrument_id|side|price|quantity|fee|kind
    f3     |x2      |2025-10-09T09:00:01Z|a         |P            |buy |1000 |5       |0  |normal
    f4     |x2      |2025-10-09T09:00:01Z|b         |P            |sell|1000 |5       |0  |normal
"""


def rows(text: str, **more: Any) -> pa.Table:
    return pa.Table.from_pylist([row | more for row in parse(text)])


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Fills are one table by date, whose version 2 deletes the trade that version 1 had added."""
    landing = small_landing(tmp_path / "landing")
    shutil.rmtree(landing / "fills")
    for text in (FILLS, BUSTED):
        table = rows(text, date="2025-10-09")
        write_deltalake(landing / "fills", table, mode="append", partition_by=["date"])
    DeltaTable(landing / "fills").delete("trade_id = 'x2'")
    return landing


def fills(warehouse: Path) -> list[str]:
    return sorted(row["fill_id"] for row in ledger(warehouse, "fills"))


def ledger(warehouse: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Warehouse(warehouse).read(LEDGER[f"ledger.{name}"]).to_pylist()
    return found


def delivery(warehouse: Path, dataset: str) -> list[tuple[Any, ...]]:
    """(folder, rows, version of the table) of each delivery of the dataset."""
    found = [row for row in ledger(warehouse, "deliveries") if row["dataset"] == dataset]
    return sorted((row["event_date"], row["rows"], row["table_version"]) for row in found)


def test_deleted_rows_do_not_count(landing: Path, tmp_path: Path) -> None:
    """The files of the deleted rows stay on disk until a vacuum."""
    run_dates(landing, tmp_path / "warehouse", D9)
    assert fills(tmp_path / "warehouse") == ["f1", "f2"]
    assert delivery(tmp_path / "warehouse", "fills") == [(D9, 2, 2)]
    assert delivery(tmp_path / "warehouse", "ticks") == [(D9, 1, None)]
    [path] = [file.path for file in landed_files(landing, DATASETS["fills"], D9)]
    assert path.startswith("fills/date=2025-10-09/part-")
    assert (landing / path).is_file()


def test_a_delivery_changes_with_the_live_files_of_its_partition_alone(landing: Path, tmp_path: Path) -> None:
    run_dates(landing, tmp_path / "warehouse", D9)
    later = rows(FILLS.replace("-09T", "-10T").replace("f1", "f7").replace("f2", "f8"), date="2025-10-10")
    write_deltalake(landing / "fills", later, mode="append", partition_by=["date"])
    assert "unchanged" in run_dates(landing, tmp_path / "warehouse", D9)[0]
    run_dates(landing, tmp_path / "warehouse", D10)
    assert delivery(tmp_path / "warehouse", "fills") == [(D9, 2, 2), (D10, 2, 3)]


def test_an_emptied_partition_is_an_empty_delivery(landing: Path, tmp_path: Path) -> None:
    """Where it was loaded before, its rows go; elsewhere there is nothing to load."""
    run_dates(landing, tmp_path / "warehouse", D9)
    DeltaTable(landing / "fills").delete("trade_id = 'x1'")
    for name, deliveries in (("warehouse", [(D9, 0, 3)]), ("new", [])):
        run_dates(landing, tmp_path / name, D9)
        assert (fills(tmp_path / name), delivery(tmp_path / name, "fills")) == ([], deliveries)


def test_a_table_a_date_and_tables_of_reference_data(tmp_path: Path) -> None:
    landing = small_landing(tmp_path / "landing")
    for folder, text in (("fills/date=2025-10-09", FILLS), ("accounts", ACCOUNTS)):
        shutil.rmtree(landing / folder)
        write_deltalake(landing / folder, rows(text))
        write_deltalake(landing / folder, rows(text), mode="overwrite")
    run_dates(landing, tmp_path / "warehouse", D9)
    assert fills(tmp_path / "warehouse") == ["f1", "f2"]
    assert delivery(tmp_path / "warehouse", "fills") == [(D9, 2, 1)]
    assert delivery(tmp_path / "warehouse", "accounts") == [(date(1970, 1, 1), 2, 1)]


ACCOUNTS = """
    account_id | account_type | client_class | negative_balance_protected | valid_from
    a          | client       | retail       | true                       | 2020-01-01
    b          | client       | professional | true                       | 2020-01-01
"""


def test_a_run_reads_one_version(landing: Path) -> None:
    """What is committed in the middle of it belongs to the next one."""
    tables = LandedTables(landing)
    before = landed_files(landing, DATASETS["fills"], D9, None, tables)
    write_deltalake(landing / "fills", rows(BUSTED, date="2025-10-10"), mode="append", partition_by=["date"])
    assert landed_files(landing, DATASETS["fills"], D9, None, tables) == before
    assert dataset_days(landing, DATASETS["fills"], tables) == [D9]
    assert dataset_days(landing, DATASETS["fills"], LandedTables(landing)) == [D9, D10]


Spoil = Callable[[Path], object]


def log(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Change every action of the first commit of the fills' log."""

    def spoil(landing: Path) -> None:
        path = landing / "fills/_delta_log/00000000000000000000.json"
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        for action in actions:
            change(action)
        path.write_text("\n".join(map(json.dumps, actions)))

    return spoil


def features(*names: str) -> Spoil:
    versions = {"minReaderVersion": 3, "minWriterVersion": 7}
    return log(lambda a: a.get("protocol", {}).update(versions, readerFeatures=names, writerFeatures=names))


def live(path: str) -> Spoil:
    return log(lambda action: action["add"].update(path=path) if "add" in action else None)


def partition(value: str | None) -> Spoil:
    return log(
        lambda action: action["add"].update(partitionValues={"date": value}) if "add" in action else None
    )


def rewritten(*columns: str, dataset: str = "fills", text: str = FILLS) -> Spoil:
    def spoil(landing: Path) -> None:
        shutil.rmtree(landing / dataset)
        write_deltalake(landing / dataset, rows(text, date="2025-10-09"), partition_by=list(columns) or None)

    return spoil


def mapped(action: dict[str, Any], partition: str = "col-11") -> None:
    """Column mapping by name, as other writers turn it on."""
    if "add" in action:
        action["add"].update(partitionValues={partition: "2025-10-09"})
    if "protocol" in action:
        action["protocol"].update(minReaderVersion=2, minWriterVersion=5)
    if "metaData" in action:
        schema = json.loads(action["metaData"]["schemaString"])
        for number, field in enumerate(schema["fields"], 1):
            names = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{number}"}
            field["metadata"] = names
        action["metaData"].update(schemaString=json.dumps(schema))
        action["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}


def folder(path: str) -> Spoil:
    return lambda landing: (landing / path).mkdir(parents=True)


def linked(landing: Path) -> None:
    outside = landing.parent / "outside"
    shutil.move(landing / "fills/_delta_log", outside)
    (landing / "fills/_delta_log").symlink_to(outside)


def pipe(landing: Path) -> None:
    os.mkfifo(landing / "fills/_delta_log/00000000000000000003.json")


def alone(landing: Path) -> None:
    shutil.rmtree(landing / "fills/_delta_log")
    (landing / "fills/_delta_log").mkdir()


SPOILED: list[tuple[str, Spoil, str]] = [
    ("deletion vectors", features("deletionVectors"), "the Delta table has deletionVectors, which cannot be read here"),
    ("column mapping", log(mapped), "the Delta table has columnMapping, which cannot be read here"),
    ("column mapping, badly", log(lambda action: mapped(action, "date")), "(it has column mapping)"),
    ("an unknown feature", features("magic"), "the Delta table cannot be read: Kernel error: Unsupported: Feature"),
    ("a known one", features("typeWidening"), "the Delta table has typeWidening, which cannot be read here"),
    ("a log without a table", alone, "the Delta table cannot be read"),
    ("not partitioned", rewritten(), "is partitioned by nothing: it has to be by date alone"),
    ("another partition", rewritten("side"), "is partitioned by side: it has to be by date alone"),
    ("reference by date", rewritten("date", dataset="accounts", text=ACCOUNTS), "it has to be by nothing"),
    ("no date", partition(None), "the Delta table has rows of no date: its partition is None"),
    ("a date that is none", partition("2025-13-01"), "the Delta table has rows of no date"),
    ("a file beside the table", live("../accounts/x.parquet"), "names a file outside of it: ../accounts/x.parquet"),
    ("an encoded way out", live("a/%2e%2e/%2E%2E/x.parquet"), "names a file outside of it"),
    ("an absolute path", live("/etc/x.parquet"), "names a file outside of it: /etc/x.parquet"),
    ("a URL", live("s3://other/x.parquet"), "names a file outside of it: s3://other/x.parquet"),
    ("a file URL", live("file:/etc/x.parquet"), "names a file outside of it: file:/etc/x.parquet"),
    ("no Parquet", live("x.csv"), "names a file that is not .parquet: x.csv"),
    ("a log that is a link", linked, "_delta_log: a link that leads out of the landing zone"),
    ("a pipe in the log", pipe, "00000000000000000003.json: not a regular file"),
    ("Hudi", folder("ticks/.hoodie"), "ticks is a Hudi table (.hoodie): deliver a Delta table or files"),
    ("Iceberg", folder("ticks/metadata"), "ticks seems to be an Iceberg table: deliver a Delta table or files"),
    ("Hudi of a date", folder("ticks/date=2025-10-09/.hoodie"), "is a Hudi table"),
    ("Iceberg of a date", folder("ticks/date=2025-10-09/metadata"), "seems to be an Iceberg table"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), [s[1:] for s in SPOILED], ids=[s[0] for s in SPOILED])
def test_what_cannot_be_read_is_refused(spoil: Spoil, message: str, landing: Path, tmp_path: Path) -> None:
    """In one line, never read as loose files."""
    spoil(landing)
    with pytest.raises(DataError) as error:
        run_dates(landing, tmp_path / "warehouse", D9)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert published_rows(tmp_path / "warehouse") == 0


def test_a_live_file_that_is_gone(landing: Path) -> None:
    """As after a vacuum that came in between: the next run reads the table anew."""
    shutil.rmtree(landing / "fills/date=2025-10-09")
    with pytest.raises(Exception, match="changed while it was read"):
        landed_files(landing, DATASETS["fills"], D9)
