"""The venue's own book against an independent replay of what it wrote.

The replay reads only the landing zone. Every wallet and fund balance the simulator publishes must come out
of it again, unit for unit; only accounts with a receivable differ, whose statement shows zero.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from lossledger.simulator.config import MarketConfig
from lossledger.simulator.simulate import simulate
from tests.oracle.oracle import compute

EXACT = ("trade_zero_sum", "position_zero_sum", "account_roll_forward", "fund_roll_forward", "waterfall")


@pytest.mark.parametrize(
    ("seed", "residual", "sharing", "file_format", "liquidations"),
    [
        (0, "to_fund", "session_profit_prorata", "csv", "market"),
        (1, "to_account", "equity_prorata", "parquet", "market"),
        (2, "to_fund", "none", "csv", "market"),
        (1, "to_account", "session_profit_prorata", "csv", "takeover"),
        (1, "to_fund", "equity_prorata", "csv", "backstop"),
    ],
)
def test_an_independent_replay_agrees_with_the_venue(
    tmp_path: Path, seed: int, residual: str, sharing: str, file_format: str, liquidations: str
) -> None:
    config = MarketConfig(seed=seed, accounts=25, days=3, instruments=6, tick_seconds=900, prices="jumps",
                          residual=residual, sharing=sharing, format=file_format,
                          liquidations=liquidations)  # fmt: skip
    summary = simulate(config, tmp_path / "landing")
    tables = compute(tmp_path / "landing", summary.first, summary.last)
    assert not tables["quarantine"]
    assert len(tables["negative_balances"]) == summary.counts["deficits"] > 0
    if liquidations != "market":
        assert {row["closed_by"] for row in tables["takeovers"]} == {"market", "adl"}
        assert {row["kind"] for row in tables["insurance_fund_ledger"]} >= {
            "takeover_gain",
            "takeover_funding",
        }
        assert tables["takeover_inventory"]
    compared = 0
    for row in tables["reconciliation"]:
        expected, actual = Decimal(row["expected"]), Decimal(row["actual"])
        if row["rule"] == "venue_fund_balance":
            assert actual == expected
        elif row["rule"] == "venue_account_balance":
            compared += 1
            assert actual == expected or (expected == 0 and actual < 0)
        elif row["rule"] in (
            "trade_zero_sum",
            "position_zero_sum",
            "account_roll_forward",
            "waterfall",
            "fund_roll_forward",
        ):
            assert actual == expected
        elif row["rule"] == "funding_zero_sum":
            assert abs(actual) <= Decimal(row["tolerance"])
    assert compared > 50
