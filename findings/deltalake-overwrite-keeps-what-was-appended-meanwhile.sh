#!/usr/bin/env bash
# deltalake-overwrite-keeps-what-was-appended-meanwhile: a whole overwrite beside an append leaves both writers' rows, with no conflict.
# Expected (a good guess): an overwrite from a stale handle either replaces all that is there, or is refused; and an append,
#   which reads nothing, is never refused.
# Seen (deltalake 1.6.6, 2026-12-01): both handles at version 0 with 2 rows. Append of 3, then overwrite with 4: both commit, and
#   the table has 7 rows. Overwrite with 4, then append of 3: the append is refused (CommitFailedError). An overwrite by
#   predicate, with the append in the same partition, is refused.
# Who meets it: two writers of one table, one of them replacing it. What to do instead: overwrite with a predicate, open the
#   table right before, or give both commits an application transaction of one name, which is a conflict always.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'deltalake==1.6.6' 'pyarrow==23.0.1'
"$T/v/bin/python" - "$T" <<'P'
import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

print("deltalake", version("deltalake"))


def rows(count):
    return pa.table({"day": ["a"] * count, "number": pa.array(range(count), pa.int64())})


def race(name, first, second, properties=(None, None)):
    """Two writers that opened the table at the same version, one after the other: how each ended, rows in the end."""
    folder = Path(sys.argv[1]) / name
    write_deltalake(folder, rows(2), partition_by=["day"])
    writers = [DeltaTable(folder), DeltaTable(folder)]
    ends = []
    for writer, (count, mode), said in zip(writers, (first, second), properties):
        try:
            write_deltalake(writer, rows(count), **mode, commit_properties=said)
            ends.append("committed")
        except CommitFailedError as error:
            ends.append("refused")
            print("  ", str(error).splitlines()[0])
    counts = sum(pa.table(DeltaTable(folder).get_add_actions())["num_records"].to_pylist())
    print(f"{name}: {ends}, {counts} rows")
    return *ends, counts


append, overwrite = {"mode": "append"}, {"mode": "overwrite"}
part = {"mode": "overwrite", "predicate": "day = 'a'"}
assert race("append then overwrite", (3, append), (4, overwrite)) == ("committed", "committed", 7)
assert race("overwrite then append", (4, overwrite), (3, append)) == ("committed", "refused", 4)
assert race("append then overwrite of the partition", (3, append), (4, part)) == ("committed", "refused", 5)
marks = [CommitProperties(app_transactions=[Transaction("writer", number)]) for number in (1, 2)]
assert race("with a transaction", (3, append), (4, overwrite), marks) == ("committed", "refused", 5)
P
