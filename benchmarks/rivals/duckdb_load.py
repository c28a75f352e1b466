"""The load in one statement of DuckDB: fills checked against accounts, tick and lot sizes, sorted, written once.

usage: python -m benchmarks.rivals.duckdb_load LANDING OUT

It does: whole numbers of ticks, lots and ledger units, exactly; the order by account, time and id; zstd level 1.
It does not: transfers, repeated ids, rows that are not plainly good (it stops at the first), quarantine, the
delivered bytes kept, files by bucket, a transaction.
"""

import sys
from pathlib import Path

import duckdb

LOAD = """
COPY (
    SELECT CASE WHEN a.account_id IS NOT NULL THEN f.account_id ELSE error('account of ' || fill_id) END AS account_id,
           f.ts, f.fill_id, f.trade_id, f.instrument_id, f.isolated, f.side, f.kind,
           CASE WHEN f.price > 0 AND f.price % i.tick_size = 0 THEN f.price
                ELSE error('price of ' || fill_id) END AS price,
           CASE WHEN f.quantity > 0 AND f.quantity % i.lot_size = 0 THEN f.quantity
                ELSE error('quantity of ' || fill_id) END AS quantity,
           CASE WHEN f.fee % c.unit = 0 THEN f.fee ELSE error('fee of ' || fill_id) END AS fee
    FROM read_parquet('{landing}/fills/*/*.parquet') f
    LEFT JOIN (SELECT DISTINCT account_id FROM read_csv('{landing}/accounts/*.csv', all_varchar = true)) a
        USING (account_id)
    JOIN (SELECT instrument_id, settlement_currency, tick_size::DECIMAL(38, 8) AS tick_size,
                 lot_size::DECIMAL(38, 8) AS lot_size
          FROM read_csv('{landing}/instruments/*.csv', all_varchar = true)) i USING (instrument_id)
    JOIN (SELECT currency, ('1e-' || scale)::DECIMAL(38, 8) AS unit
          FROM read_csv('{landing}/currencies/*.csv', all_varchar = true)) c ON c.currency = settlement_currency
    ORDER BY f.account_id, f.ts, f.fill_id
) TO '{out}/ledger.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1)
"""


def main(landing: Path, out: Path) -> None:
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{out}/spill'; SET threads = 2")
    connection.execute(LOAD.format(landing=landing, out=out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
