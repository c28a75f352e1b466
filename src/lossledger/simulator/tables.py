"""How each dataset looks on disk: its columns, a CSV line, an Arrow table."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lossledger.simulator.contracts import decimal_text
from lossledger.simulator.landing import COPIED, COPY_MARK, LandingZone, Row, Rows, owned, time_text

if TYPE_CHECKING:
    import pyarrow as pa

COMMON_SCALE = 8  # of every DECIMAL column in Parquet; no tick, lot or ledger unit is finer
FILL_COLUMNS = ("fill_id", "trade_id", "ts", "account_id", "instrument_id", "isolated", "side", "price",
                "quantity", "fee", "kind")  # fmt: skip
TEXT_COLUMNS = {
    "transfers": ("transfer_id", "ts", "account_id", "currency", "isolation", "amount", "kind"),
    "funding": ("ts", "instrument_id", "rate", "price"),
    "fund_movements": ("movement_id", "ts", "currency", "amount", "kind"),
    "venue_account_balances": ("ts", "account_id", "currency", "wallet_balance"),
    "venue_fund_balances": ("ts", "currency", "balance"),
}


@lru_cache(maxsize=4_096)
def _second_text(seconds: int) -> str:
    return time_text(seconds * 10**6)[:-7]


def ts_text(ts: int) -> str:
    """time_text, with the seconds of a busy moment formatted once."""
    seconds, micros = divmod(ts, 10**6)
    return f"{_second_text(seconds)}{micros:06d}Z"


def decimal_column(mantissas: Any) -> "pa.Array":
    """int64 mantissas as DECIMAL(38, COMMON_SCALE), without a multiplication."""
    import pyarrow as pa

    whole = pa.array(mantissas, type=pa.int64()).cast(pa.decimal128(38, 0))
    return pa.Array.from_buffers(pa.decimal128(38, COMMON_SCALE), len(whole), whole.buffers())


def time_column(stamps: Any) -> "pa.Array":
    """int64 microseconds as UTC timestamps."""
    import pyarrow as pa

    return pa.array(stamps, type=pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def fill_line(row: Row) -> str:
    """CSV line of (number, a|b, ts, account, contract, isolated, buy, ticks, lots, fee, scale, kind)."""
    number, half, ts, account_id, contract, isolated, buy, ticks, lots, fee, scale, kind = row
    return (
        f"f{number:011d}{half}{COPY_MARK},t{number:011d}{COPY_MARK},{ts_text(ts)},{owned(account_id)},{contract.instrument_id},"
        f"{'true' if isolated else 'false'},{'buy' if buy > 0 else 'sell'},{contract.price_text(ticks)},"
        f"{contract.quantity_text(lots)},{decimal_text(fee, scale)},{kind}"
    )


def fill_table(rows: list[Row]) -> "pa.Table":
    """The same rows as Arrow, decimals at COMMON_SCALE."""
    import pyarrow as pa

    up = [10**k for k in range(COMMON_SCALE + 1)]
    cells = list(zip(*rows, strict=True)) or [()] * 12
    number, half, ts, account, contract, isolated, buy, ticks, lots, fee, scale, kind = cells
    prices = [t * c.tick_mantissa * up[-1 - c.price_scale] for t, c in zip(ticks, contract, strict=True)]
    sizes = [q * c.lot_mantissa * up[-1 - c.quantity_scale] for q, c in zip(lots, contract, strict=True)]
    return pa.table({
        "fill_id": pa.array([f"f{n:011d}{h}" for n, h in zip(number, half, strict=True)], pa.string()),
        "trade_id": pa.array([f"t{n:011d}" for n in number], pa.string()),
        "ts": time_column(ts),
        "account_id": pa.array(account, pa.string()),
        "instrument_id": pa.array([c.instrument_id for c in contract], pa.string()),
        "isolated": pa.array(isolated, pa.bool_()),
        "side": pa.array(["buy" if b > 0 else "sell" for b in buy], pa.string()),
        "price": decimal_column(prices),
        "quantity": decimal_column(sizes),
        "fee": decimal_column([f * up[COMMON_SCALE - s] for f, s in zip(fee, scale, strict=True)]),
        "kind": pa.array(kind, pa.string()),
    })  # fmt: skip


def text_rows(landing: LandingZone, dataset: str) -> Rows:
    """A small dataset whose rows are (int microseconds in `ts`, text elsewhere; '' is null)."""
    columns = TEXT_COLUMNS[dataset]
    at = columns.index("ts")
    copied = COPIED.get(dataset, ())
    written = {name: owned if name == "account_id" else f"{{}}{COPY_MARK}".format for name in copied}
    texts = [ts_text if name == "ts" else written.get(name, str) for name in columns]

    def line(row: Row) -> str:
        return ",".join(text(value) for text, value in zip(texts, row, strict=True))

    def table(rows: list[Row]) -> "pa.Table":
        import pyarrow as pa

        cells = list(zip(*rows, strict=True)) or [()] * len(columns)
        return pa.table({
            name: time_column(cells[i]) if i == at else pa.array([v or None for v in cells[i]], pa.string())
            for i, name in enumerate(columns)
        })  # fmt: skip

    return Rows(landing, dataset, columns, line, table)


def fill_rows(landing: LandingZone) -> Rows:
    """The fills."""
    return Rows(landing, "fills", FILL_COLUMNS, fill_line, fill_table)
