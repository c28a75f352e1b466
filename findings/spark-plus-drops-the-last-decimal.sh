#!/usr/bin/env bash
# spark-plus-drops-the-last-decimal: in Spark the sum a + b of two DECIMAL(38,18) has 17 decimals, and a + b + c has 16.
# Expected (a good guess): adding decimals is exact, or an error where 38 digits do not suffice.
# Seen (pyspark 4.1.4, ANSI mode, 2026-12-01): 10^-18 + 10^-18 is 0 of DECIMAL(38,17), 10^-18 + 10^-18 + 10^-18 has 16 decimals, a * 2 too, and
#   a + CAST(0 AS DECIMAL(38,0)) has 6. No error. sum(a), -a, coalesce(a, 0) and a % b keep 18, but sum(a) + sum(b) has 17.
# Who meets it: whoever nets two amounts of a row. What to do instead: cast to what the amounts need before adding, for
#   instance CAST(a AS DECIMAL(30,18)), or turn columns into rows and use sum().
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
command -v java > /dev/null || { echo "needs Java 17 or newer"; exit 2; }
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'pyspark==4.1.4'
"$T/v/bin/python" - "$T" 2> "$T/log" <<'P' || { cat "$T/log"; exit 1; }
import sys
from decimal import Decimal

import pyspark
from pyspark.sql import SparkSession

print("pyspark", pyspark.__version__)
session = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.warehouse.dir", sys.argv[1])
    .config("spark.sql.ansi.enabled", "true")
    .getOrCreate()
)
LEAST = "CAST('0.000000000000000001' AS DECIMAL(38,18))"
session.sql(f"CREATE TEMPORARY VIEW amounts AS SELECT {LEAST} AS a, {LEAST} AS b, {LEAST} AS c")


def answer(expression):
    frame = session.sql(f"SELECT {expression} AS x FROM amounts")
    kind = frame.schema["x"].dataType
    value = frame.first()["x"]
    print(f"{expression}: {value} decimal({kind.precision},{kind.scale})")
    return value, kind.scale


assert answer("a + b") == (0, 17)
assert answer("a + b + c") == (0, 16)
assert answer("a * 2") == (0, 16)
assert answer("a + CAST(0 AS DECIMAL(38,0))") == (0, 6)
assert answer("sum(a) + sum(b)") == (0, 17)
for expression in ("sum(a)", "coalesce(a, 0)", "a % CAST(1 AS DECIMAL(38,18))"):
    assert answer(expression) == (Decimal("1E-18"), 18)
assert answer("CAST(a AS DECIMAL(30,18)) + CAST(b AS DECIMAL(30,18))") == (Decimal("2E-18"), 18)
session.stop()
P
