"""Load, recorded replay and closing figures by account with polars and a compiled loop.

usage: python -m benchmarks.rivals.polars_numba LANDING OUT

It does: fills and transfers checked against accounts, instruments, tick, lot and ledger units, cut by account into
buckets and sorted, so that any size fits into memory; a ledger in zstd level 1; the replay of
`benchmarks/rivals/kernel.py`; figures by unit in whole ledger units. It does not: anything that the kernel does
not do; repeated ids in two buckets; rows that are not plainly good (it stops), quarantine; CSV; the delivered
bytes kept; commits, checks, publication.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from benchmarks.rivals.kernel import FIGURES, FILL, TRANSFER, Ints, Terms, replay
from benchmarks.rivals.terms import Reference, integers

BUCKETS = 16
ORDER = ("unit", "ts", "kind", "id")
KERNEL_COLUMNS = ("unit", "ts", "kind", "instrument", "lots", "ticks", "amount")


def fills(path: Path, known: Reference) -> pl.DataFrame:
    rows = pl.read_parquet(path, hive_partitioning=False)
    rows = rows.join(known.accounts, on="account_id", how="left").join(
        known.instruments, on="instrument_id", how="left"
    )
    e8 = {name: pl.col(name).to_physical().cast(pl.Int64) for name in ("price", "quantity", "fee")}
    good = (
        pl.all_horizontal(pl.col("account", "instrument").is_not_null())
        & (e8["price"] > 0) & (e8["price"] % pl.col("tick_e8") == 0)
        & (e8["quantity"] > 0) & (e8["quantity"] % pl.col("lot_e8") == 0)
        & (e8["fee"] % pl.col("unit_e8") == 0)
        & pl.col("side").is_in(["buy", "sell"])
    )  # fmt: skip
    if not rows.select(good.all()).item():
        raise ValueError(f"{path}: a row that is not plainly good")
    slot = pl.when("isolated").then(pl.col("instrument") + len(known.currencies)).otherwise("cross_slot")
    lots = e8["quantity"] // pl.col("lot_e8")
    return rows.select(
        unit=pl.col("account") * known.slots + slot,
        ts=pl.col("ts").to_physical(),
        kind=pl.lit(FILL, pl.Int8),
        id="fill_id",
        trade_id="trade_id",
        instrument="instrument",
        lots=pl.when(pl.col("side") == "buy").then(lots).otherwise(-lots),
        ticks=e8["price"] // pl.col("tick_e8"),
        amount=e8["fee"] // pl.col("unit_e8"),
    )


def transfers(path: Path, known: Reference) -> pl.DataFrame:
    rows = pl.read_parquet(path, hive_partitioning=False)
    rows = rows.join(known.accounts, on="account_id", how="left").join(known.money, on="currency", how="left")
    isolated = known.instruments.select(isolation="instrument_id", isolated="instrument")
    rows = rows.join(isolated, on="isolation", how="left")
    e8 = pl.col("amount").str.to_decimal(scale=8).to_physical().cast(pl.Int64)
    good = pl.all_horizontal(pl.col("account", "currency_slot").is_not_null())
    good &= (e8 % pl.col("unit_e8") == 0) & (pl.col("isolation").is_null() | pl.col("isolated").is_not_null())
    if not rows.select(good.all()).item():
        raise ValueError(f"{path}: a row that is not plainly good")
    slot = pl.coalesce(pl.col("isolated") + len(known.currencies), "currency_slot")
    return rows.select(
        unit=pl.col("account") * known.slots + slot,
        ts=pl.col("ts").to_physical(),
        kind=pl.lit(TRANSFER, pl.Int8),
        id="transfer_id",
        trade_id=pl.lit(None, pl.String),
        instrument=pl.lit(0, pl.Int64),
        lots=pl.lit(0, pl.Int64),
        ticks=pl.lit(0, pl.Int64),
        amount=e8 // pl.col("unit_e8"),
    )


def load(landing: Path, out: Path, known: Reference) -> None:
    """Cut every delivered file by bucket, then sort and write every bucket."""
    for number in range(BUCKETS):
        (out / "cuts" / str(number)).mkdir(parents=True)
    (out / "ledger").mkdir()
    for dataset, read in (("fills", fills), ("transfers", transfers)):
        for number, path in enumerate(sorted((landing / dataset).rglob("*.parquet"))):
            rows = read(path, known).with_columns(bucket=pl.col("unit") // known.slots % BUCKETS)
            for (bucket,), part in rows.partition_by("bucket", as_dict=True, include_key=False).items():
                part.write_ipc(out / "cuts" / str(bucket) / f"{dataset}-{number}.arrow")
    for number in range(BUCKETS):
        cuts = sorted((out / "cuts" / str(number)).glob("*.arrow"))
        if cuts:
            rows = pl.concat([pl.read_ipc(cut, memory_map=False) for cut in cuts]).sort(ORDER)
            if rows["id"].n_unique() < len(rows):
                raise ValueError(f"bucket {number}: a repeated id")
            rows = rows.with_row_index("row")  # the order, for who loses it
            rows.write_parquet(out / "ledger" / f"{number}.parquet", compression="zstd", compression_level=1)
        for cut in cuts:
            cut.unlink()


def named(units: Ints, values: dict[str, Ints], known: Reference) -> pl.DataFrame:
    """As published: names instead of numbers, amounts in ledger units of 10^-8 × unit_e8 of the currency."""
    table = pl.DataFrame(values).with_columns(
        slot=pl.Series(units % known.slots), account_id=known.account_ids.gather(units // known.slots)
    )
    table = table.with_columns(unit=units).join(known.slot_names, on="slot", maintain_order="left")
    return table.select("unit", "unit_e8", "account_id", "currency", "isolation", *values)


def replay_all(out: Path, known: Reference, terms: Terms) -> None:
    """Figures by unit and open positions, bucket by bucket."""
    for name in ("account_daily", "positions"):
        (out / name).mkdir()

    def one(path: Path) -> None:
        rows = pl.read_parquet(path, columns=list(KERNEL_COLUMNS))
        columns = [integers(rows[name]) for name in KERNEL_COLUMNS]
        units, found, held, entry = replay(terms, *columns, known.protected[columns[0] // known.slots])
        daily = named(units, {name: found[:, at] for at, name in enumerate(FIGURES)}, known)
        unit, instrument = np.nonzero(held)
        positions = named(
            units[unit], {"instrument": instrument, "entry_value": entry[unit, instrument]}, known
        ).with_columns(lots=held[unit, instrument])
        for name, table in (("account_daily", daily), ("positions", positions)):
            table.write_parquet(out / name / path.name, compression="zstd", compression_level=1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, sorted((out / "ledger").glob("*.parquet"))))


def main(landing: Path, out: Path) -> None:
    began = perf_counter()
    known = Reference(landing)
    load(landing, out, known)
    loaded = perf_counter()
    replay_all(out, known, known.terms())
    stages = {"load": loaded - began, "replay": perf_counter() - loaded}
    (out / "stages.json").write_text(json.dumps(stages))
    # What Spark needs to know to replay the same sorted rows.
    np.savez(out / "terms.npz", slots=known.slots, protected=known.protected, **known.terms()._asdict())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
