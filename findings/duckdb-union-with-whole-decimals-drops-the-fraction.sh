#!/usr/bin/env bash
# duckdb-union-with-whole-decimals-drops-the-fraction: next to a DECIMAL(38,0) a DECIMAL(38,18) becomes a whole number.
# Expected (a good guess): UNION ALL, coalesce, CASE and greatest of DECIMAL(38,18) and DECIMAL(38,0) keep the 18 decimals, or
#   raise an error where both do not fit into 38 digits.
# Seen (duckdb 1.5.6, 2026-12-01): the result is DECIMAL(38,0), and 12475.993015 becomes 12476, without an error, in all four;
#   beside DECIMAL(38,6) it keeps 6 decimals. Beside BIGINT, HUGEINT or DECIMAL(20,2), and with + and =, nothing is lost.
#   (PySpark 4.1.4 gives coalesce, CASE and UNION ALL the same type.)
# Who meets it: whoever puts amounts and whole ledger units, or amounts of two scales, into one column. What to do instead:
#   CAST(x AS DECIMAL(38,18)) on every side; an amount that does not fit is an error then.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'duckdb==1.5.6'
"$T/v/bin/python" - <<'P'
from decimal import Decimal

import duckdb

print("duckdb", duckdb.__version__)
AMOUNT = "12475.993015::DECIMAL(38,18)"


def answer(expression):
    value, kind = duckdb.sql(f"SELECT x, typeof(x) FROM (SELECT {expression} AS x)").fetchone()
    print(f"{expression}: {value} {kind}")
    return value, kind


for expression in (
    f"coalesce({AMOUNT}, 0::DECIMAL(38,0))",
    f"greatest({AMOUNT}, 0::DECIMAL(38,0))",
    f"CASE WHEN true THEN {AMOUNT} ELSE 0::DECIMAL(38,0) END",
):
    assert answer(expression) == (Decimal(12476), "DECIMAL(38,0)")

union = duckdb.sql(f"SELECT sum(x) FROM (SELECT {AMOUNT} AS x UNION ALL SELECT 0::DECIMAL(38,0))").fetchone()[0]
print("sum over UNION ALL:", union)
assert union == 12476

assert answer("coalesce(0.123456789::DECIMAL(38,18), 0::DECIMAL(38,6))") == (Decimal("0.123457"), "DECIMAL(38,6)")
kept = (Decimal("12475.993015"), "DECIMAL(38,18)")
for other in ("0::BIGINT", "0::HUGEINT", "0::DECIMAL(20,2)"):
    assert answer(f"coalesce({AMOUNT}, {other})") == kept
assert answer(f"{AMOUNT} + 0::DECIMAL(38,0)") == kept
assert duckdb.sql(f"SELECT {AMOUNT} = 12476::DECIMAL(38,0)").fetchone() == (False,)
P
