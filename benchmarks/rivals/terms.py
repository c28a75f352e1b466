"""The small files of a landing zone as the rivals need them: numbers of accounts and instruments, whole units."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.rivals.kernel import Ints, Terms

E8 = 10**8  # every decimal of the Parquet files has eight places


class Reference:
    """Accounts and instruments are numbered in the order of their names."""

    def __init__(self, landing: Path) -> None:
        def read(name: str) -> pl.DataFrame:
            return pl.read_csv(landing / name / f"{name}.csv", infer_schema=False)

        scale = {row["currency"]: int(row["scale"]) for row in read("currencies").to_dicts()}
        self.currencies = sorted(scale)
        rows = read("instruments").sort("instrument_id").to_dicts()
        names = [row["instrument_id"] for row in rows]
        accounts = read("accounts").sort("account_id")
        if len(set(names)) < len(names) or accounts["account_id"].n_unique() < len(accounts):
            raise ValueError(
                "a second version of an instrument or account is not among what this script does"
            )
        # A unit is account × slots + slot: a currency, or an instrument whose position is isolated.
        self.slots = len(self.currencies) + len(names)
        self.account_ids = accounts["account_id"]
        self.protected = (accounts["negative_balance_protected"] == "true").to_numpy()
        self.accounts = accounts.select("account_id").with_row_index("account").cast({"account": pl.Int64})
        self.instruments = pl.DataFrame(
            {
                "instrument_id": names,
                "instrument": np.arange(len(names)),
                "cross_slot": [self.currencies.index(row["settlement_currency"]) for row in rows],
                "tick_e8": [int(Fraction(row["tick_size"]) * E8) for row in rows],
                "lot_e8": [int(Fraction(row["lot_size"]) * E8) for row in rows],
                "unit_e8": [10 ** (8 - scale[row["settlement_currency"]]) for row in rows],
            }
        )
        self.money = pl.DataFrame(
            {
                "currency": self.currencies,
                "currency_slot": np.arange(len(scale)),
                "unit_e8": [10 ** (8 - scale[name]) for name in self.currencies],
            }
        )
        self._factors = [_factor(row, scale[row["settlement_currency"]]) for row in rows]
        self._inverse = [row["kind"] == "inverse" for row in rows]
        self._landing = landing
        slot_currency = [*self.currencies, *(row["settlement_currency"] for row in rows)]
        self.slot_names = pl.DataFrame(
            {
                "slot": np.arange(self.slots),
                "currency": slot_currency,
                "isolation": [*("" for _ in self.currencies), *names],
                "unit_e8": [10 ** (8 - scale[name]) for name in slot_currency],
            }
        )

    def terms(self) -> Terms:
        """What the kernel needs to know of the market: contracts, last marks, funding."""

        def read(name: str) -> pl.DataFrame:
            rows = pl.read_parquet(self._landing / name / "**" / "*.parquet", hive_partitioning=False)
            return rows.join(self.instruments, on="instrument_id")

        last = read("ticks").sort("ts").group_by("instrument").last().with_columns(whole_ticks("mark_price"))
        marks = np.zeros(len(self._factors), np.int64)
        marks[last["instrument"].to_numpy()] = last["mark_price"].to_numpy()
        funding = read("funding").sort("ts", "instrument_id")
        funding = funding.with_columns(pl.col("rate", "price").str.to_decimal(scale=8))
        funding = funding.with_columns(pl.col("rate").to_physical().cast(pl.Int64), whole_ticks("price"))
        columns = [
            self._inverse,
            [factor.numerator for factor in self._factors],
            [factor.denominator for factor in self._factors],
            marks,
            *(funding[name].to_physical() for name in ("ts", "instrument", "rate", "price")),
        ]
        return Terms(*(integers(column) for column in columns))


def integers(column: Any) -> Ints:
    return np.array(column, dtype=np.int64)


def whole_ticks(name: str) -> pl.Expr:
    return (pl.col(name).to_physical().cast(pl.Int64) // pl.col("tick_e8")).alias(name)


def _factor(row: dict[str, str], scale: int) -> Fraction:
    """num / den of the kernel's value."""
    tick, lot = Fraction(row["tick_size"]), Fraction(row["lot_size"])
    units = lot * Fraction(row["multiplier"]) * 10**scale
    return units / tick if row["kind"] == "inverse" else units * tick
