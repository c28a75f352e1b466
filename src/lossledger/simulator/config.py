"""What a market is made of: the arguments of the simulator, checked."""

from dataclasses import dataclass, field
from datetime import date

from lossledger.engine.errors import ConfigError

MAX_FILLS_PER_SECOND = 20_000  # every action of a market has a microsecond of its own


@dataclass(frozen=True)
class MarketConfig:
    """A market; the same configuration gives the same bytes.

    Amounts are text in currency units, rates are text; shares and leverages steer behaviour only.
    """

    seed: int
    accounts: int
    days: int
    instruments: int
    tick_seconds: int
    start: date = date(2025, 10, 10)
    execution: str = "recorded"
    liquidations: str = "market"
    prices: str = "real"
    format: str = "csv"
    trades_per_account_day: float = 6.0
    lateness_seconds: float = 10.0
    liquidation_fee_rate: str = "0.001"
    slippage_rate: str = "0.001"
    latency_us: int = 0
    residual: str = "to_account"
    sharing: str = "session_profit_prorata"
    fund_opening: dict[str, str] = field(default_factory=dict)
    unprotected_share: float = 0.1
    rows_per_file: int = 500_000
    copies: int = 1
    untidy: bool = False
    whole_seconds: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated, with one line that says what to change."""
        for name in ("accounts", "days", "instruments", "tick_seconds", "rows_per_file", "copies"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")
        if self.seed < 0:
            raise ConfigError(f"--seed must not be negative, not {self.seed}")
        for name, allowed in (
            ("execution", ("recorded", "simulated")),
            ("liquidations", ("market", "takeover", "backstop")), ("prices", ("real", "jumps")),
            ("format", ("csv", "csv.gz", "parquet")), ("residual", ("to_account", "to_fund")),
            ("sharing", ("session_profit_prorata", "equity_prorata", "none")),
        ):  # fmt: skip
            if getattr(self, name) not in allowed:
                raise ConfigError(f"--{name} must be one of {', '.join(allowed)}, not {getattr(self, name)}")
        if not (self.latency_us >= 0 and self.lateness_seconds >= 0):
            raise ConfigError("--latency-us and --lateness-seconds must not be negative")
        if self.untidy and self.format == "parquet":
            raise ConfigError("--untidy needs --format csv or csv.gz")
        if 28_800 % self.tick_seconds:
            raise ConfigError(
                f"--tick-seconds must divide 28800, so that funding falls on a tick: {self.tick_seconds}"
            )
        if not 0 <= self.trades_per_account_day * self.accounts <= MAX_FILLS_PER_SECOND * 86_400:
            raise ConfigError("too many trades: lower --accounts or --trades-per-account-day")
