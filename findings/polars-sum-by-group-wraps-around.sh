#!/usr/bin/env bash
# polars-sum-by-group-wraps-around: the same decimals whose sum is an error in polars have a negative sum by group.
# Expected (a good guess): polars says an overflow of a decimal sum in both, as it does for +, sum() and cum_sum().
# Seen (polars 2.1.0, 2026-12-01): three times 9 × 10^19 as DECIMAL(38,18): sum() raises ComputeError, group_by().agg(sum) gives
#   -70282366920938463463.374607431768211456. No error.
# Who meets it: sums by currency or account of a token with very many units. What to do instead: cast to a scale with room,
#   for instance Decimal(38, 8), before grouping.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/v" && "$T/v/bin/pip" -q install 'polars==2.1.0'
"$T/v/bin/python" - <<'P'
from decimal import Decimal

import polars as pl

print("polars", pl.__version__)
amounts = pl.Series("amount", ["90000000000000000000"] * 3).cast(pl.Decimal(38, 18))
frame = pl.DataFrame({"currency": ["AAA"] * 3, "amount": amounts})
assert amounts.to_list() == [Decimal("9E+19")] * 3

for name, compute in {"sum": amounts.sum, "+": lambda: amounts + amounts, "cum_sum": amounts.cum_sum}.items():
    try:
        compute()
    except pl.exceptions.ComputeError as error:
        print(f"{name}: {str(error).splitlines()[0]}")
    else:
        raise AssertionError(f"{name} is no error")

grouped = frame.group_by("currency").agg(pl.col("amount").sum())["amount"]
print(f"by group: {grouped[0]} {grouped.dtype}")
assert grouped[0] == Decimal("-70282366920938463463.374607431768211456")

narrow = frame.with_columns(pl.col("amount").cast(pl.Decimal(38, 8)))
assert narrow.group_by("currency").agg(pl.col("amount").sum())["amount"][0] == Decimal("2.7E+20")
P
