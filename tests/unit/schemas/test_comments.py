"""The Delta tables say of their columns what the dictionary says, and go on when it is worded anew."""

from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable

import lossledger.schemas.provenance
import lossledger.store.arrow
from lossledger.schemas.core import Column, Table
from lossledger.schemas.ops import RESTATEMENTS
from lossledger.schemas.registry import TABLES
from lossledger.store.warehouse import Warehouse

DAY = date(2025, 10, 10)
ROW = {
    "business_date": DAY,
    "run_id": "r",
    "restated_at": 0,
    "table_name": "attribution.session_losses",
    "rows_before": 1,
    "rows_after": 1,
    "version_before": "1",
    "version_after": "2",
}


def comments(root: Path, table: Table) -> dict[str, str]:
    fields = DeltaTable(str(root / table.schema / table.name)).schema().fields
    return {field.name: str(field.metadata["comment"]) for field in fields}


def test_comments_are_those_of_the_dictionary(tmp_path: Path) -> None:
    Warehouse.create(tmp_path)
    for table in TABLES.values():
        assert comments(tmp_path, table) == {
            column.name: lossledger.schemas.provenance.comment(table, column) for column in table.columns
        }
    assert comments(tmp_path, TABLES["attribution.session_losses"])["fund_draw"] == (
        "Paid by the insurance fund. [currency] Source: rules.md section 10, since warehouse format 1. "
        "Example: 17212.163089"
    )


def test_a_table_says_what_a_row_is_and_its_key(tmp_path: Path) -> None:
    Warehouse.create(tmp_path)
    said = DeltaTable(str(tmp_path / "attribution" / "rule_totals")).metadata().description
    assert said == (
        "A row is: rule × currency with a shortfall. charged + uncovered = shortfall + to_fund. "
        "Key: business_date, rule, currency."
    )


def test_a_table_with_older_comments_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other words are no other schema: they refused every write to a warehouse that was there."""

    def worded(table: Table, column: Column) -> str:
        return "As it was worded before."

    monkeypatch.setattr(lossledger.store.arrow, "comment", worded)
    lossledger.store.arrow.arrow_schema.cache_clear()
    Warehouse.create(tmp_path)
    monkeypatch.undo()
    lossledger.store.arrow.arrow_schema.cache_clear()
    warehouse = Warehouse(tmp_path)
    row = {c.name: "" if c.type.value == "text" else ROW.get(c.name) for c in RESTATEMENTS.columns} | ROW
    data = lossledger.store.arrow.to_arrow(RESTATEMENTS, [row])
    warehouse.replace_day(RESTATEMENTS, data, DAY)
    warehouse.append(RESTATEMENTS, data)
    warehouse.replace_all(RESTATEMENTS, data)
    assert warehouse.read(RESTATEMENTS).num_rows == 1
    assert comments(tmp_path, RESTATEMENTS)["run_id"] == "As it was worded before."
