"""Whether the contenders say the same; nothing is timed that does not."""

import json
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from benchmarks.markets import DAY
from benchmarks.rivals.kernel import FIGURES

ACCOUNT_DAILY = "attribution.account_daily"
# In units of 10^-8 of the currency; no ledger unit is finer.
OURS = ", ".join(f"CAST({name} * CAST(100000000 AS DECIMAL(9, 0)) AS HUGEINT) AS {name}" for name in FIGURES)
# In ledger units: in finer ones those of a house account with billions would not fit into 64 bits.
THEIRS = ", ".join(f"CAST({name} AS HUGEINT) * unit_e8 AS {name}" for name in FIGURES)
NARROW = ", ".join(f"CAST({name} AS DECIMAL(28, 8)) AS {name}" for name in FIGURES)


class DifferentOutput(Exception):
    """What two contenders say of the same market differs."""


def published(warehouse: Path) -> dict[str, str]:
    """The hash of every published table of the date. DifferentOutput when there is none."""
    rows = DeltaTable(str(warehouse / "ops" / "published_days")).to_pyarrow_table().to_pylist()
    if len(rows) != 1:
        raise DifferentOutput(f"{warehouse}: {len(rows)} dates are published instead of {DAY} alone")
    hashes = json.loads(rows[0]["table_sha256"])
    return {name: digest for name, digest in hashes.items() if name.startswith("attribution.")}


def same_tables(ours: dict[str, str], other: dict[str, str], of: str) -> None:
    """All published tables but the reconciliation, whose rows are about what was delivered."""
    differing = [name for name in sorted({*ours, *other}) if ours.get(name) != other.get(name)]
    differing = [name for name in differing if name != "attribution.reconciliation"]
    if differing:
        raise DifferentOutput(f"{of}: {', '.join(differing)} differ from the first night's")


def same_figures(warehouse: Path, figures: Path) -> int:
    """account_daily of the warehouse and of a rival, unit by unit; how many units."""
    connection = duckdb.connect()
    connection.register(
        "published", DeltaTable(str(warehouse / "attribution" / "account_daily")).to_pyarrow_dataset()
    )
    key = "account_id, currency, isolation"
    connection.execute(
        f"CREATE TABLE ours AS SELECT {key}, {OURS} FROM (SELECT {key}, {NARROW} FROM published)"
    )
    connection.execute(f"CREATE TABLE theirs AS SELECT {key}, {THEIRS} FROM '{figures}/*.parquet'")
    differs = " OR ".join(f"ours.{name} IS DISTINCT FROM theirs.{name}" for name in FIGURES)
    found = connection.execute(
        f"SELECT coalesce(ours.account_id, theirs.account_id) FROM ours FULL JOIN theirs USING ({key}) WHERE {differs}"
    ).fetchall()
    if found:
        raise DifferentOutput(
            f"{figures}: {len(found)} units differ from account_daily, {found[0][0]} is one"
        )
    return int(connection.execute("SELECT count(*) FROM ours").fetchall()[0][0])


def same_positions(warehouse: Path, positions: Path) -> None:
    """Number and entry values of open positions, by unit."""
    connection = duckdb.connect()
    connection.register(
        "published", DeltaTable(str(warehouse / "attribution" / "positions_daily")).to_pyarrow_dataset()
    )
    ours, theirs = (
        connection.execute(
            f"SELECT currency, isolation, count(*), {value} FROM {table} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        for table, value in (
            ("published", "CAST(sum(entry_value) AS DECIMAL(38, 8))"),
            (
                f"'{positions}/*.parquet'",
                "CAST(sum(CAST(entry_value AS HUGEINT) * unit_e8) AS DECIMAL(30, 0))"
                " * CAST(0.00000001 AS DECIMAL(8, 8))",
            ),
        )
    )
    if ours != theirs:
        raise DifferentOutput(f"{positions}: open positions differ from positions_daily")


def same_units(figures: Path, units: Path) -> None:
    """Two rivals, unit by unit; the second in ledger units."""
    differs = " OR ".join(f"a.{name} IS DISTINCT FROM b.{name}" for name in FIGURES)
    count = duckdb.execute(
        f"SELECT count(*) FROM '{figures}/*.parquet' a FULL JOIN '{units}/*.parquet' b USING (unit) WHERE {differs}"
    ).fetchall()
    if count != [(0,)]:
        raise DifferentOutput(f"{units}: {count[0][0]} units differ from {figures}")


def all_fills(landing: Path, ledger: Path) -> None:
    """A ledger that has every delivered fill, by number and sums."""
    sums = "SELECT count(*), count(DISTINCT account_id), sum(price), sum(quantity), sum(fee) FROM"
    delivered, loaded = (
        duckdb.execute(f"{sums} read_parquet('{path}')").fetchall()
        for path in (landing / "fills" / "*" / "*.parquet", ledger)
    )
    if delivered != loaded:
        raise DifferentOutput(f"{ledger} does not hold the fills of {landing}")
