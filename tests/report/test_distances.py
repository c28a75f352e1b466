"""Distances to liquidation, and a date on which nothing happened."""

import shutil
from fractions import Fraction
from pathlib import Path

from lossledger.engine.numbers import E18
from lossledger.readers.document.values import cell_text
from lossledger.readers.liquidation_distances import Distance, find_distances
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import PublishedRows, rows_where
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_request import ReportRequest
from lossledger.schemas import attribution
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.simulate import simulate
from tests.report.conftest import DAYS, Made
from tests.scenarios import run_range


def test_liquidation_price_is_where_equity_meets_margin(made: Made) -> None:
    rows = PublishedRows(PublishedTables.open(made.root), DAYS)
    known = find_distances(rows)
    assert known.nearest == sorted(known.nearest, key=lambda d: d.distance)
    assert {at.position["quantity"] > 0 for at in known.nearest} == {True, False}  # both sides
    open_at_end = rows_where(rows.rows(attribution.POSITIONS_DAILY), business_date=DAYS[-1])
    clients = [row for row in open_at_end if not row["account_id"].startswith("house-")]
    assert len(known.nearest) + known.not_stated == len(clients) < len(open_at_end)
    for at in known.nearest:
        step = Fraction(at.tick_size, E18)
        price = Fraction(at.liquidation, E18)
        good = price + step if at.position["quantity"] > 0 else price - step
        bad = price - step if at.position["quantity"] > 0 else price + step
        assert _headroom(rows, at, good) > 0 > _headroom(rows, at, bad)


def _headroom(rows: PublishedRows, at: Distance, price: Fraction) -> Fraction:
    """Equity less maintenance margin at a price, straight from rules.md sections 2 and 6, unrounded."""
    row = at.position
    (terms,) = rows_where(rows.reference("instruments"), instrument_id=row["instrument_id"])
    tiers = rows_where(rows.reference("margin_tiers"), instrument_id=row["instrument_id"])
    newest = max(tier["valid_from"] for tier in tiers)
    (unit,) = rows_where(
        rows.rows(attribution.ACCOUNT_DAILY),
        **{name: row[name] for name in ("business_date", "account_id", "currency", "isolation")},
    )
    size = Fraction(abs(row["quantity"]), E18) * Fraction(terms["multiplier"], E18)
    inverse = terms["kind"] == "inverse"
    value = size / price if inverse else size * price
    gain = (value - Fraction(row["entry_value"], E18)) * (-1 if inverse else 1)
    equity = Fraction(unit["closing_wallet"], E18) + (gain if row["quantity"] > 0 else -gain)
    margin, below, rate = Fraction(0), Fraction(0), Fraction(0)
    for tier in sorted(rows_where(tiers, valid_from=newest), key=lambda tier: tier["notional_floor"]):
        floor = Fraction(tier["notional_floor"], E18)
        if floor > value:
            break
        margin += (floor - below) * rate  # each slice of the notional at the rate of its own tier
        below, rate = floor, Fraction(tier["maintenance_rate"], E18)
    return equity - margin - (value - below) * rate


def test_a_date_on_which_nothing_happened_has_its_report(tmp_path: Path) -> None:
    quiet = MarketConfig(
        seed=1, accounts=2, days=1, instruments=1, tick_seconds=7200, trades_per_account_day=0
    )
    simulate(quiet, tmp_path / "landing")
    for folder in (tmp_path / "landing").glob("fund_movements"):
        shutil.rmtree(folder)
    run_range(tmp_path / "landing", tmp_path / "warehouse", DAYS[0], DAYS[0])
    for audience in ("regulator", "public"):
        report = build(gather(ReportRequest(tmp_path / "warehouse", DAYS[0], DAYS[0], audience)))
        (waterfall,) = [table for table in report.tables() if table.id == "waterfall"]
        assert {cell_text(cell) for row in waterfall.rows for cell in row[2:6]} == {"0"}
