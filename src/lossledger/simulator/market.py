"""Reference data of a market: currencies, contracts, margin tables, traders."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random

from lossledger.engine.errors import ConfigError
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.contracts import RATE_UNITS, Contract, MarginTable, decimal_text
from lossledger.simulator.prices import first_price

SCALES = {"USDT": 6, "BTC": 8}
LISTED_SINCE = "2020-01-01"
JUMP_STARTS = {"BTC": "121600.0", "ETH": "4370.00", "SOL": "221.00"}
# kind, base, quote, settlement, multiplier, tick size, lot size
MAIN = (
    ("BTC-USDT", "linear", "BTC", "USDT", "USDT", "1", "0.1", "0.001"),
    ("ETH-USDT", "linear", "ETH", "USDT", "USDT", "0.01", "0.01", "1"),
    ("SOL-USDT", "linear", "SOL", "USDT", "USDT", "1", "0.01", "0.1"),
    ("BTC-USD", "inverse", "BTC", "USD", "BTC", "1", "0.5", "1"),
    ("QETH-USD", "quanto", "ETH", "USD", "BTC", "0.000001", "0.05", "1"),
)
# Floors in US dollars, rates in millionths.
TIERS = ((0, 5_000), (50_000, 6_500), (250_000, 10_000), (1_000_000, 25_000), (5_000_000, 50_000))
TIGHTER = ((0, 6_500), (50_000, 10_000), (250_000, 15_000), (1_000_000, 30_000), (5_000_000, 60_000))


@dataclass
class Trader:
    """A client and its inclinations. Versions are (valid from, microseconds; class; protected)."""

    account_id: str
    versions: list[tuple[int, str, bool]]
    contracts: list[Contract]
    isolated: bool
    leverage: float
    long_bias: float
    wealth_usd: int

    def protected(self, ts: int) -> bool:
        """Whether negative balance protection is effective at ts (microseconds)."""
        return [version for version in self.versions if version[0] <= ts][-1][2]


def build_contracts(config: MarketConfig) -> list[Contract]:
    """The main five, then as many linear alternatives as are asked for."""
    starts = JUMP_STARTS
    if config.prices == "real":
        starts = {base: first_price(base + "USDT", config.start) for base in JUMP_STARTS}
    rows = [(*row, starts[row[2]]) for row in MAIN[: config.instruments]]
    rng = Random(f"contracts {config.seed}")
    for n in range(len(rows), config.instruments):
        tick = rng.choice(("0.001", "0.01", "0.1"))
        price = str(Decimal(tick) * rng.randrange(20_000, 200_000))
        name = f"ALT{n - len(MAIN) + 1:03d}"
        rows.append((f"{name}-USDT", "linear", name, "USDT", "USDT", "1", tick, "0.1", price))
    return [
        Contract(i, r[0], r[1], r[2], r[3], r[4], Decimal(r[5]), Decimal(r[6]), Decimal(r[7]),
                 SCALES[r[4]], Decimal(r[8]))
        for i, r in enumerate(rows)
    ]  # fmt: skip


def units_per_usd(contracts: list[Contract], currency: str) -> float:
    """How many ledger units a US dollar was worth at the start: sizes behaviour, never an amount."""
    if currency == "USDT":
        return float(10 ** SCALES["USDT"])
    price = next(c.start_ticks * float(c.tick_size) for c in contracts if c.base == currency)
    return float(10 ** SCALES[currency]) / price


def margin_tiers(contract: Contract, tighter: bool) -> list[tuple[int, int]]:
    """(floor in ledger units, rate in millionths) of a contract's table."""
    factor = 10 ** SCALES["USDT"] if contract.settlement == "USDT" else 10 ** SCALES["BTC"] // 100_000
    return [(floor * factor, rate) for floor, rate in (TIGHTER if tighter else TIERS)]


def margin_table(contract: Contract, tighter: bool) -> MarginTable:
    """The table itself."""
    return MarginTable(margin_tiers(contract, tighter))


def tier_rows(contracts: list[Contract], change_us: int | None) -> list[tuple[str, ...]]:
    """Rows of margin_tiers: one table since listing, a tighter one from change_us on."""
    rows: list[tuple[str, ...]] = []
    versions = [(LISTED_SINCE, False)] + ([(str(change_us), True)] if change_us is not None else [])
    for contract in contracts:
        for valid_from, tighter in versions:
            for floor, rate in margin_tiers(contract, tighter):
                rows.append((contract.instrument_id, valid_from,
                             decimal_text(floor, SCALES[contract.settlement]),
                             str(Decimal(rate) / RATE_UNITS)))  # fmt: skip
    return rows


def build_traders(config: MarketConfig, contracts: list[Contract], start_us: int) -> list[Trader]:
    """Clients by class: many small, highly levered retail accounts, few large institutions."""
    if config.accounts >= 10**9:
        raise ConfigError(f"--accounts must be below {10**9}")
    rng = Random(f"traders {config.seed}")
    traders = []
    for n in range(config.accounts):
        kind = rng.choices(("retail", "professional", "institutional"), (80, 15, 5))[0]
        low, high = {"retail": (200, 20_000), "professional": (10_000, 150_000),
                     "institutional": (150_000, 1_500_000)}[kind]  # fmt: skip
        leverage = {"retail": 40.0, "professional": 20.0, "institutional": 6.0}[kind]
        protected = kind != "institutional" and rng.random() >= config.unprotected_share
        versions = [(0, kind, protected)]
        if kind == "retail" and config.days > 1 and rng.random() < 0.03:
            # A retail client becomes a professional one, without protection, on the second day.
            versions.append((start_us + 86_400_000_000, "professional", False))
        held = rng.sample(contracts, min(len(contracts), rng.choice((1, 2, 2, 3))))
        traders.append(Trader(
            f"a{n:0{max(4, len(str(config.accounts - 1)))}d}", versions, sorted(held, key=lambda c: c.index),
            rng.random() < 0.3, 2 + leverage * rng.random() ** 2, 0.55 + 0.4 * rng.random(),
            int(low + (high - low) * rng.random() ** 3),
        ))  # fmt: skip
    return traders


def second_day_us(config: MarketConfig, start_us: int) -> int | None:
    """When the tighter margin tables take effect: the start of the second day, if there is one."""
    return start_us + int(timedelta(days=1).total_seconds()) * 10**6 if config.days > 1 else None
