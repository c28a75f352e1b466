"""The demonstration market: two days of October 2025 at real prices, in which the fund runs dry."""

from datetime import date
from pathlib import Path

from lossledger.simulator.config import MarketConfig
from lossledger.simulator.simulate import simulate

DEMO = MarketConfig(
    seed=20251010,
    accounts=300,
    days=2,
    instruments=4,
    tick_seconds=60,
    start=date(2025, 10, 10),
    trades_per_account_day=8.0,
    fund_opening={"USDT": "12000", "BTC": "0.05"},
)
LARGER_FUND = """\
name: larger_fund
reason: what the winners would have been charged with a fund of ten times the size
fund_opening:
  USDT: '120000'
  BTC: '0.5'
"""
AT_ONCE = """\
name: at_once
reason: the same market liquidated by the recomputation at the very tick of the breach
policy:
  execution: simulated
  latency_us: 0
"""
DRAWN_AT_THE_END = """\
name: drawn_at_the_end
reason: what accounts would have been charged if all that reaches the fund in a session paid for its losses
policy:
  fund_draws: at_session_end
"""
TAKEOVER = """\
name: takeover
reason: a liquidator takes every position over at the tick of the breach and unwinds it ten minutes later
policy:
  execution: simulated
  latency_us: 0
  liquidation_style: takeover
  unwind_us: 600000000
"""
BACKSTOP = """\
name: backstop
reason: a fifth of each position goes to the market at every tick, below two thirds of the margin all to a liquidator
policy:
  execution: simulated
  latency_us: 0
  liquidation_style: backstop
  liquidation_steps: ['0.2']
  backstop_below: 2/3
  unwind_us: 600000000
"""
SCENARIOS = {
    "larger_fund": LARGER_FUND,
    "at_once": AT_ONCE,
    "drawn_at_the_end": DRAWN_AT_THE_END,
    "takeover": TAKEOVER,
    "backstop": BACKSTOP,
}


def write_demo(landing: Path) -> tuple[date, date]:
    """Write the demonstration market with its scenarios into an empty folder; first and last date.

    BTC, ETH and SOL against USDT and a BTC-settled inverse contract, about 300 clients, a mark a minute.
    Raises ConfigError when the folder is not empty.
    """
    summary = simulate(DEMO, landing)
    scenarios = landing / "scenarios"
    scenarios.mkdir()
    for name, text in SCENARIOS.items():
        (scenarios / f"{name}.yaml").write_text(text, encoding="utf-8", newline="\n")
    return summary.first, summary.last
