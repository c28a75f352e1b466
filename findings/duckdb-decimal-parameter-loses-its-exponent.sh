#!/usr/bin/env bash
# duckdb-decimal-parameter-loses-its-exponent: a Python Decimal with a positive exponent arrives in DuckDB as another number.
# Expected (a good guess): Decimal("1E+3"), which is what Decimal(1000).normalize() is, is bound as 1000.
# Seen (duckdb 1.5.6, 2026-12-01): it is bound as 1.000, Decimal("1.5E+3") as 15.00, Decimal("1E+30") as about 7.9E-12; a
#   comparison, an insert and a pandas column of Decimals use those numbers. No error.
# Who meets it: whoever passes normalised amounts as parameters, or scans a DataFrame of them. What to do instead: pass
#   format(amount, "f") as text and cast it to DECIMAL(38,18) in SQL.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'duckdb==1.5.6' 'pandas==2.3.3'
"$T/v/bin/python" - <<'P'
from decimal import Decimal

import duckdb
import pandas

database = duckdb.connect()
print("duckdb", duckdb.__version__)


def bound(text):
    return database.execute("SELECT ?", [Decimal(text)]).fetchone()[0]


seen = {text: bound(text) for text in ("1000", "1E+3", "1.5E+3", "12E+2", "1E+30")}
for text, value in seen.items():
    print(f"Decimal({text!r}) is bound as {value}")
assert seen["1000"] == 1000
assert Decimal(1000).normalize().as_tuple() == Decimal("1E+3").as_tuple()
assert (seen["1E+3"], seen["1.5E+3"], seen["12E+2"]) == (Decimal("1"), Decimal("15"), Decimal("12"))
assert 0 < seen["1E+30"] < Decimal("1E-10")

amounts = "(VALUES (100::DECIMAL(38,18)), (2000)) t(amount)"
found = database.execute(f"SELECT count(*) FROM {amounts} WHERE amount >= ?", [Decimal("1.5E+3")]).fetchone()
print("of 100 and 2000 at or above Decimal('1.5E+3'):", found[0])
assert found == (2,)

frame = pandas.DataFrame({"amount": [Decimal("1E+3"), Decimal("2.5")]})
scanned = database.sql("SELECT sum(amount) FROM frame").fetchone()[0]
print("sum of Decimal('1E+3') and Decimal('2.5') in a DataFrame:", scanned)
assert scanned == Decimal("3.5")

text = format(Decimal("1E+3"), "f")
assert database.execute("SELECT ?::DECIMAL(38,18)", [text]).fetchone() == (1000,)
P
