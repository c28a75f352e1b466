"""What a user would write instead: a vectorised script in pandas, with floats, for cross margin only.

It finds the first minute at which an account's equity is below its maintenance margin, and nothing else: no
episodes, no waterfall, no charges, no exactness.
"""

from pathlib import Path

import pandas as pd


def _read(landing: Path, dataset: str) -> pd.DataFrame:
    frame = pd.concat([pd.read_csv(path) for path in sorted((landing / dataset).rglob("*.csv"))])
    if "ts" in frame:
        frame["ts"] = pd.to_datetime(frame["ts"], format="ISO8601")
    return frame


def first_breaches(landing: Path) -> set[tuple[str, str]]:
    """(account, currency) of cross units whose equity falls below maintenance margin at some tick."""
    instruments = _read(landing, "instruments").drop_duplicates("instrument_id").set_index("instrument_id")
    tiers = _read(landing, "margin_tiers").sort_values("notional_floor")
    clients = set(_read(landing, "accounts").query("account_type == 'client'")["account_id"])
    fills = _read(landing, "fills").query("not isolated").sort_values(["ts", "fill_id"])
    fills = fills[fills["account_id"].isin(clients)]
    transfers = _read(landing, "transfers")
    transfers = transfers[transfers["isolation"].isna() & transfers["account_id"].isin(clients)]
    marks = (
        _read(landing, "ticks").pivot_table(index="ts", columns="instrument_id", values="mark_price").ffill()
    )
    currency = instruments["settlement_currency"]
    breached = set()
    for account, own in fills.groupby("account_id"):
        for settlement in currency.unique():
            part = own[own["instrument_id"].map(currency) == settlement]
            if part.empty:
                continue
            equity = pd.Series(0.0, index=marks.index)
            margin = pd.Series(0.0, index=marks.index)
            money = transfers[(transfers["account_id"] == account) & (transfers["currency"] == settlement)]
            equity += _as_of(money.set_index("ts")["amount"].cumsum(), marks.index)
            for instrument_id, rows in part.groupby("instrument_id"):
                gain, need = _position(rows, marks[instrument_id], instruments.loc[instrument_id], tiers)
                equity += gain
                margin += need
            if ((equity < margin) & (margin > 0)).any():
                breached.add((str(account), str(settlement)))
    return breached


def _as_of(steps: pd.Series, index: pd.Index) -> pd.Series:
    return steps[~steps.index.duplicated(keep="last")].reindex(index, method="ffill").fillna(0.0)


def _position(
    rows: pd.DataFrame, mark: pd.Series, terms: pd.Series, tiers: pd.DataFrame
) -> tuple[pd.Series, pd.Series]:
    """Cash from fills plus value at the mark, and the maintenance margin, at every tick."""
    signed = rows["quantity"].where(rows["side"] == "buy", -rows["quantity"])
    inverse = terms["kind"] == "inverse"
    price = 1 / rows["price"] if inverse else rows["price"]
    at_mark = 1 / mark if inverse else mark
    direction = -1 if inverse else 1
    cash = (-direction * signed * terms["multiplier"] * price - rows["fee"]).cumsum().set_axis(rows["ts"])
    held = _as_of(signed.cumsum().set_axis(rows["ts"]), mark.index)
    value = held * terms["multiplier"] * at_mark
    notional = value.abs()
    table = tiers[tiers["instrument_id"] == rows["instrument_id"].iloc[0]]
    floors, rates = table["notional_floor"].to_numpy(), table["maintenance_rate"].to_numpy()
    margin = sum(
        (notional - floor).clip(lower=0) * (rate - before)
        for floor, rate, before in zip(floors, rates, [0.0, *rates[:-1]], strict=True)
    )
    return _as_of(cash, mark.index) + direction * value, margin
