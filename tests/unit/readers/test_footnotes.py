"""What is told beside the totals of a session: computed from published rows, and borne out by a scenario."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import pytest

from lossledger.engine.numbers import E18
from lossledger.readers.demo_text import report_lines
from lossledger.readers.document.as_html import to_html
from lossledger.readers.footnotes import write_footnotes
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import PublishedRows, Row, rows_where, sum_column
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_request import ReportRequest
from lossledger.readers.session_figures import draws, fees_below_zero, paid, relief
from lossledger.schemas import attribution
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.simulate import simulate
from tests.scenarios import run_range, write_scenario

MARKET = MarketConfig(
    seed=1,
    accounts=80,
    days=1,
    instruments=4,
    tick_seconds=180,
    trades_per_account_day=8.0,
    fund_opening={"USDT": "3000", "BTC": "0.01"},
)


@dataclass(frozen=True)
class Drawn:
    """The same session, drawn at its events and at its end."""

    at_event: PublishedRows
    at_session_end: PublishedRows


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    root = tmp_path_factory.mktemp("asides")
    landing, warehouse = root / "landing", root / "warehouse"
    day = simulate(MARKET, landing).first
    write_scenario(landing, "late", policy={"fund_draws": "at_session_end"})
    run_range(landing, warehouse, day, day)
    run_range(landing, warehouse, day, day, "late")
    yield Drawn(
        PublishedRows(PublishedTables.open(warehouse), [day]),
        PublishedRows(PublishedTables.open(warehouse, scenario="late"), [day]),
    )


def losses(rows: PublishedRows, currency: str) -> Row:
    (row,) = rows_where(rows.rows(attribution.SESSION_LOSSES), currency=currency)
    return row


def test_a_fund_pays_what_it_has_when_it_is_asked() -> None:
    movements = [(1, 40), (5, 20), (9, -15)]
    assert (
        paid(0, movements, [(2, 30), (3, 30)], floor=5) == 35
    )  # 30, and 5 of the next: the 20 come too late
    assert paid(0, movements, [(10, 30), (10, 30)], floor=5) == 40  # of 45 in the end, less the floor
    assert paid(3, movements, [(0, 30), (1, 30)], floor=5) == 30  # below its floor it pays nothing
    assert paid(7, [], [], floor=0) == 0


@pytest.mark.parametrize("currency", ["USDT", "BTC"])
def test_what_the_other_policy_would_have_left_is_what_a_scenario_gives(drawn: Drawn, currency: str) -> None:
    early, late = drawn.at_event, drawn.at_session_end
    told = {rows: draws(rows, rows.days[0], currency) for rows in (early, late)}
    for rows, other, at_end in ((early, late, False), (late, early, True)):
        made = told[rows]
        assert made is not None
        assert made.at_session_end == at_end
        assert made.other_shortfall == losses(other, currency)["shortfall"] > 0


def test_the_difference_is_told(drawn: Drawn) -> None:
    """Money that came in after the draws: the fund did not close empty, and yet accounts were charged."""
    shortfalls = [losses(rows, "USDT")["shortfall"] for rows in (drawn.at_event, drawn.at_session_end)]
    assert shortfalls[0] > shortfalls[1] > 0
    told = dict(write_footnotes(drawn.at_event))["2025-10-10, USDT"]
    assert told[0].startswith("The fund paid each deficit when it arose (policy fund_draws: at_event)")
    assert "down to the same floor of 0" in told[0]
    late = dict(write_footnotes(drawn.at_session_end))["2025-10-10, USDT"]
    assert late[0].startswith("The fund paid at the end of the session (policy fund_draws: at_session_end)")


def test_what_the_deleveraged_lost_somebody_was_spared(drawn: Drawn) -> None:
    """Every such fill of this market has one other side: what one lost the other was spared, to the unit."""
    rows = drawn.at_event
    spared = relief(rows, rows.days[0], "USDT")
    lost = sum_column(rows_where(rows.rows(attribution.ADL_LOSSES), currency="USDT"), "amount")
    assert spared.covered + spared.uncovered + spared.without_deficit == lost > 0
    assert spared.uncovered > 0


def test_fees_of_accounts_that_had_nothing_left_are_part_of_their_deficits(drawn: Drawn) -> None:
    rows = drawn.at_event
    (day,) = rows.days
    covered, uncovered = fees_below_zero(rows, day, "USDT")
    ended = {row["episode_id"]: row for row in rows.rows(attribution.LIQUIDATIONS)}
    events = rows_where(rows.rows(attribution.NEGATIVE_BALANCES), currency="USDT", cause="liquidation")
    assert covered + uncovered == sum(
        min(event["deficit"], ended[event["episode_id"]]["liquidation_fees"]) for event in events
    )
    assert 0 < covered < losses(rows, "USDT")["deficit"]
    (fund,) = rows_where(rows.rows(attribution.INSURANCE_FUND_DAILY), currency="USDT")
    assert covered + uncovered < fund["liquidation_fees"]
    assert f"{covered // E18:,}." in dict(write_footnotes(rows))["2025-10-10, USDT"][1]


def test_report_and_terminal_tell_it(drawn: Drawn) -> None:
    (day,), root = drawn.at_event.days, drawn.at_event.tables.warehouse.root
    html = unescape(to_html(build(gather(ReportRequest(root, day.day, day.day)))))
    lines = " ".join(report_lines(drawn.at_event))
    for title, told in write_footnotes(drawn.at_event):
        assert f"WHAT THE TOTALS DO NOT SAY, {title}" in lines
        assert f"{title}. " + " ".join(told) in html
        for sentences in told:
            assert sentences in " ".join(lines.split())
