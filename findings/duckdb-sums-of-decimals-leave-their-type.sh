#!/usr/bin/env bash
# duckdb-sums-of-decimals-leave-their-type: a sum of decimals wraps around over UNION ALL, and may have 39 digits otherwise.
# Expected (a good guess): a sum beyond the 38 digits of its type is an error, as a + b beyond 38 digits is.
# Seen (duckdb 1.5.6, 2026-12-01): four DECIMAL(38,0) of 8 × 10^37, two from each branch of a UNION ALL, sum up to
#   -20282366920938463463374607431768211456, without an error and with any number of threads; read from one table they are an
#   error. Two of them sum up to 160000000000000000000000000000000000000, 39 digits typed DECIMAL(38,0), which a table keeps and a
#   Parquet column of precision 38 too; adding 0 to it is an error, and so is checking it in Arrow. Partial sums are merged
#   without a check: two Parquet files of 1.2 × 10^38 each, read by 4 threads, wrapped around in 20 of 20 tries as well.
#   (duckdb 2.0.1 says an error in both cases.)
# Who meets it: sums near the end of the type: with 18 decimals, beyond 10^20. What to do instead: add each branch up by
#   itself, and add the totals with +, which is checked; or hold back amounts so large that they can add up to 10^38.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'duckdb==1.5.6' 'pyarrow==23.0.1'
"$T/v/bin/python" - "$T" <<'P'
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

print("duckdb", duckdb.__version__, "pyarrow", pa.__version__)
LARGE = 8 * 10**37
database = duckdb.connect()
database.execute("CREATE TABLE two (amount DECIMAL(38,0))")
database.execute(f"INSERT INTO two VALUES ({LARGE}), ({LARGE})")
database.execute("CREATE TABLE four AS FROM two UNION ALL FROM two")


def refused(sql):
    try:
        database.sql(sql).fetchall()
    except duckdb.OutOfRangeException as error:
        print(str(error).splitlines()[0])
        return True
    return False


for threads in (1, 4):
    database.execute(f"SET threads = {threads}")
    wrapped = database.sql("SELECT sum(amount) FROM (FROM two UNION ALL FROM two)").fetchone()[0]
    print(f"over UNION ALL, threads {threads}: {wrapped}, right: {4 * LARGE}")
    assert wrapped == 4 * LARGE - 2**128 < 0
assert refused("SELECT sum(amount) FROM four")
assert refused("SELECT (SELECT sum(amount) FROM two) + (SELECT sum(amount) FROM two)")

total, kind = database.sql("SELECT sum(amount), typeof(sum(amount)) FROM two").fetchone()
print(f"sum: {total}, {len(str(total))} digits, {kind}")
assert (total, len(str(total)), kind) == (2 * LARGE, 39, "DECIMAL(38,0)")
assert refused("SELECT sum(amount) + 0 FROM two")

database.execute("CREATE TABLE totals AS SELECT sum(amount) AS total FROM two")
file = Path(sys.argv[1]) / "totals.parquet"
database.execute(f"COPY totals TO '{file}'")
column = pq.read_table(file)["total"]
print(f"in Parquet: {column.type}, {column[0].as_py()}")
assert column.type == pa.decimal128(38, 0)
assert column[0].as_py() == 2 * LARGE
try:
    column.validate(full=True)
except pa.ArrowInvalid as error:
    print(error)
else:
    raise AssertionError("Arrow takes 39 digits for 38")
P
