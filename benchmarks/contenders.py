"""Who is measured on what: commands on landing files, and how what they say is checked."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from deltalake import DeltaTable

from benchmarks import equal, markets

LOSSLEDGER = str(Path(sys.executable).with_name("lossledger"))
MARKET, OURS, SPARK = "market", "Lossledger", "Lossledger on Spark"
POLARS, DUCKDB, PANDAS = "polars + Numba", "DuckDB", "applyInPandas"
FLOOR = "floor"
CONTENDERS = (FLOOR, OURS, POLARS, PANDAS, SPARK, DUCKDB)

Outs = Mapping[str, Path]  # what entries of this round have left, by key
Hashes = dict[str, dict[str, str]]  # of published tables, by key


class Entry(NamedTuple):
    """One command to measure. `needs`: keys of earlier entries whose output it reads or is compared with."""

    shape: str
    name: str
    landing: Path
    command: Callable[[Path, Outs], list[str]]
    check: Callable[[Path, Outs, Hashes], None]
    needs: tuple[str, ...] = ()
    once: bool = False  # only to compare others with

    @property
    def key(self) -> str:
        return f"{self.shape}/{self.name}"


def night(
    shape: str,
    landing: Path,
    same_as: str = "",
    engine: str = "local",
    policy: Path | None = None,
    once: bool = False,
) -> Entry:
    """All of a date by Lossledger, landing files to published tables."""
    name = OURS if engine == "local" else SPARK

    def command(out: Path, outs: Outs) -> list[str]:
        dates = ["--from", markets.DAY, "--to", markets.DAY, "--engine", engine]
        rules = ["--policy", str(policy)] if policy else []
        return [LOSSLEDGER, "run", "--landing", str(landing), "--warehouse", str(out), *dates, *rules]

    def check(out: Path, outs: Outs, hashes: Hashes) -> None:
        hashes[f"{shape}/{name}"] = equal.published(out)
        if same_as:
            equal.same_tables(hashes[same_as], hashes[f"{shape}/{name}"], f"{shape}, {name}")

    return Entry(shape, name, landing, command, check, (), once)


def module(name: str, *arguments: Path) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.rivals.{name}", *map(str, arguments)]


def floor(shape: str, landing: Path) -> Entry:
    return Entry(shape, FLOOR, landing, lambda out, _: module("floor", landing, out), lambda *_: None)


def by_polars(shape: str, landing: Path) -> Entry:
    ours = f"{shape}/{OURS}"

    def check(out: Path, outs: Outs, hashes: Hashes) -> None:
        equal.same_figures(outs[ours], out / "account_daily")
        equal.same_positions(outs[ours], out / "positions")

    return Entry(shape, POLARS, landing, lambda out, _: module("polars_numba", landing, out), check, (ours,))


def by_pandas(shape: str, landing: Path) -> Entry:
    rows = f"{shape}/{POLARS}"
    return Entry(
        shape,
        PANDAS,
        landing,
        lambda out, outs: module("apply_in_pandas", outs[rows], out),
        lambda out, outs, _: equal.same_units(outs[rows] / "account_daily", out / "figures"),
        (rows,),
    )


def by_duckdb(shape: str, landing: Path) -> Entry:
    return Entry(
        shape,
        DUCKDB,
        landing,
        lambda out, _: module("duckdb_load", landing, out),
        lambda out, *_: equal.all_fills(landing, out / "ledger.parquet"),
    )


def stages_of(out: Path) -> dict[str, float]:
    """Seconds by stage, where a contender says so."""
    if (out / "stages.json").exists():
        stages: dict[str, float] = json.loads((out / "stages.json").read_text())
        return stages
    if (out / "ops" / "runs").exists():
        [row] = DeltaTable(str(out / "ops" / "runs")).to_pyarrow_table().to_pylist()
        by_stage: dict[str, float] = json.loads(row["seconds_by_stage"])
        return {("replay" if name == "recompute" else name): took for name, took in by_stage.items()}
    return {}
