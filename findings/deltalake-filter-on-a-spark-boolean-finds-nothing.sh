#!/usr/bin/env bash
# deltalake-filter-on-a-spark-boolean-finds-nothing: a file whose statistics leave a column's bounds out is skipped by a filter on it.
# Expected (a good guess): statistics of Delta's log are optional, so a file without bounds of a column is read.
# Seen (deltalake 1.6.6, 2026-12-01): to_pyarrow_dataset takes the bounds that are not there for null, and `flag == True` gives
#   0 of 2 rows; with the column's count of nulls missing as well, is_null() on it gives 0 of 1 too. Without a filter all rows
#   are there. Delta Lake for Spark (4.4.0) writes no bounds of boolean columns, and its statistics are copied here as it wrote
#   them.
# Who meets it: whoever filters a table that Spark wrote by a boolean, or one whose writer leaves bounds out. What to do
#   instead: filter after reading, or write a column itself (`field("flag")`), which is not compared with a bound; for one's own
#   files say in delta.dataSkippingStatsColumns which columns have statistics.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'deltalake==1.6.6' 'pyarrow==23.0.1'
"$T/v/bin/python" - "$T" <<'P'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction
from pyarrow.compute import field

print("deltalake", version("deltalake"), "pyarrow", pa.__version__)
ROWS = pa.table({"number": pa.array([0, 1, 2]), "flag": [True, False, True], "note": ["a", "b", None]})
SPARK = {  # of these rows, by Delta Lake for Spark; `note` has bounds there, and is left out in the second case
    "numRecords": 3,
    "minValues": {"number": 0, "note": "a"},
    "maxValues": {"number": 2, "note": "b"},
    "nullCount": {"number": 0, "flag": 0, "note": 1},
}
FEW = {"numRecords": 3, "minValues": {"number": 0}, "maxValues": {"number": 2}, "nullCount": {"number": 0}}


def found(name, statistics, condition, settings=None):
    """Rows that a filter finds while reading, and after reading."""
    folder = Path(sys.argv[1]) / name
    table = DeltaTable.create(folder, schema=ROWS.schema, configuration=settings)
    pq.write_table(ROWS, folder / "rows.parquet")
    size = (folder / "rows.parquet").stat().st_size
    add = AddAction("rows.parquet", size, {}, 0, True, json.dumps(statistics))
    table.create_write_transaction([add], "append", table.schema())
    files = pyarrow.fs.SubTreeFileSystem(str(folder), pyarrow.fs.LocalFileSystem())
    dataset = DeltaTable(folder).to_pyarrow_dataset(filesystem=files)
    counts = dataset.count_rows(filter=condition), dataset.to_table().filter(condition).num_rows
    print(f"{name}: {counts[0]} of {counts[1]} rows")
    return counts


only_number = {"delta.dataSkippingStatsColumns": "number"}
assert found("number at least 1", SPARK, field("number") >= 1) == (2, 2)
assert found("flag is true, bounds left out", SPARK, field("flag") == True) == (0, 2)  # noqa: E712
assert found("flag alone", SPARK, field("flag")) == (2, 2)
assert found("no note, its statistics left out", FEW, field("note").is_null()) == (0, 1)
assert found("the same, and the table says so", FEW, field("note").is_null(), only_number) == (1, 1)
assert found("no statistics at all", {"numRecords": 3}, field("flag") == True) == (2, 2)  # noqa: E712
P
