"""`lossledger simulate`: its arguments, and the run."""

import argparse
import sys
from datetime import date
from pathlib import Path

from lossledger.engine.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `lossledger simulate`."""
    parser.add_argument("--landing", required=True, type=Path, help="new folder for the landing zone")
    parser.add_argument("--seed", required=True, type=int, help="same seed and arguments, same bytes")
    parser.add_argument("--accounts", type=int, default=300, help="number of clients (default 300)")
    parser.add_argument("--days", type=int, default=2, help="number of UTC days (default 2)")
    parser.add_argument("--instruments", type=int, default=5, help="number of contracts (default 5)")
    parser.add_argument("--tick-seconds", type=int, default=60, help="time between marks (default 60)")
    parser.add_argument("--start", default="2025-10-10", help="first day, YYYY-MM-DD (default 2025-10-10)")
    parser.add_argument("--execution", choices=("recorded", "simulated"), default="recorded",
                        help="policy: who liquidates, the venue's fills or the recomputation")  # fmt: skip
    parser.add_argument("--liquidations", choices=("market", "takeover", "backstop"), default="market",
                        help="who takes a liquidated position: the market, the fund's liquidator, or both")  # fmt: skip
    parser.add_argument("--prices", choices=("real", "jumps"), default="real",
                        help="bundled candles of 2025-10-09 to 2025-10-12, or a jump process")  # fmt: skip
    parser.add_argument("--format", choices=("csv", "csv.gz", "parquet"), default="csv",
                        help="of the dated datasets")  # fmt: skip
    parser.add_argument("--untidy", action="store_true", help="CSV with quotes and trailing zeros")
    parser.add_argument("--whole-seconds", action="store_true", help="cut every time to the second")
    parser.add_argument("--trades-per-account-day", type=float, default=6.0, help="how busy clients are")
    parser.add_argument("--lateness-seconds", type=float, default=10.0, help="mean delay of a liquidation")
    parser.add_argument("--latency-us", type=int, default=0, help="policy of simulated execution")
    parser.add_argument("--residual", choices=("to_account", "to_fund"), default="to_account", help="policy")
    parser.add_argument("--sharing", choices=("session_profit_prorata", "equity_prorata", "none"),
                        default="session_profit_prorata", help="policy: who pays a shortfall")  # fmt: skip
    parser.add_argument("--fund-opening", action="append", default=[], metavar="CURRENCY=AMOUNT",
                        help="first money of the insurance fund, e.g. USDT=50000 (repeatable)")  # fmt: skip
    parser.add_argument("--copies", type=int, default=1,
                        help="write every client so many times, for load")  # fmt: skip
    parser.add_argument("--rows-per-file", type=int, default=500_000, help="largest file, in rows")


def run(args: argparse.Namespace) -> int:
    """Write the market and say what is in it; 0. Raises ConfigError for what cannot be simulated."""
    from lossledger.simulator.config import MarketConfig
    from lossledger.simulator.simulate import simulate

    config = MarketConfig(
        seed=args.seed, accounts=args.accounts, days=args.days, instruments=args.instruments,
        tick_seconds=args.tick_seconds, start=_day(args.start), execution=args.execution, prices=args.prices,
        format=args.format, trades_per_account_day=args.trades_per_account_day,
        lateness_seconds=args.lateness_seconds, latency_us=args.latency_us, residual=args.residual,
        sharing=args.sharing, fund_opening=_amounts(args.fund_opening), rows_per_file=args.rows_per_file,
        copies=args.copies, liquidations=args.liquidations, untidy=args.untidy, whole_seconds=args.whole_seconds,
    )  # fmt: skip
    summary = simulate(config, args.landing)
    counts = ", ".join(f"{name} {count}" for name, count in summary.counts.items())
    sys.stdout.write(f"{summary.rows} rows in {args.landing}, {summary.first} to {summary.last}\n{counts}\n")
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--start must be a date like 2025-10-10, not {text}") from None


def _amounts(pairs: list[str]) -> dict[str, str]:
    amounts = {}
    for pair in pairs:
        currency, sign, amount = pair.partition("=")
        if not sign or not currency:
            raise ConfigError(f"--fund-opening must look like USDT=50000, not {pair}")
        amounts[currency] = amount
    return amounts
