"""The page: exact figures of the published tables, one file that needs nothing else, the same bytes every time."""

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pyarrow.compute as pc
import pytest

from engine.errors import ConfigError
from engine.figures import exact
from engine.numbers import E18
from jobs.run import Request, run
from jobs.spark.mapper import InProcess
from readers.page import causes, sections
from readers.page.cases import margins
from readers.page.data import PublishedRows, of, total
from readers.page.margin import Distance, distances
from readers.page.page import page_text, write_page
from schemas import attribution
from simulator.config import MarketConfig
from simulator.simulate import simulate
from store.warehouse import Warehouse
from tests.cases import DATA, case_days
from tests.scenarios import run_range

DAYS = [date(2025, 10, 10), date(2025, 10, 11)]
MARKET = MarketConfig(
    seed=1,
    accounts=60,
    days=2,
    instruments=4,
    tick_seconds=300,
    trades_per_account_day=8.0,
    fund_opening={"USDT": "300", "BTC": "0.001"},
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    root = tmp_path_factory.mktemp("page")
    simulate(MARKET, root / "landing")
    list(run(Request(root / "landing", root / "warehouse", DAYS[0], DAYS[1], InProcess(1))))
    yield Warehouse(root / "warehouse")


@pytest.fixture(scope="module")
def text(warehouse: Warehouse) -> str:
    return page_text(PublishedRows(warehouse, DAYS))


def test_same_tables_give_the_same_bytes(warehouse: Warehouse, tmp_path: Path) -> None:
    write_page(warehouse, DAYS, tmp_path / "one.html")
    write_page(Warehouse(warehouse.root), list(reversed(DAYS)), tmp_path / "folder" / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "folder" / "two.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "one.html"]


def test_what_a_reader_must_know_stands_before_every_number(warehouse: Warehouse) -> None:
    rows = PublishedRows(warehouse, DAYS)
    html = page_text(rows, "Generated data: <none> of it happened.")
    before, _, _ = html.partition("<main>")
    assert '<p class="note">Generated data: &lt;none&gt; of it happened.</p>' in before
    assert 'class="note"' not in page_text(rows)


def test_page_asks_nobody_for_anything(text: str) -> None:
    assert not re.search(r"https?:|//\w|url\(|@import|<script|<link|<img|<iframe|\bsrc=|\son\w+=", text)
    assert re.findall(r'href="([^"]*)"', text) == [
        f"#{name}" for name in ("fund", "causes", "paid", "cases", "rules", "checks", "margins", "source")
    ]
    assert "default-src &#x27;none&#x27;" in text


def test_page_is_well_formed(text: str) -> None:
    from xml.etree import ElementTree

    ElementTree.fromstring(re.sub(r"<meta[^>]*>", "", text.removeprefix("<!doctype html>\n")))


def test_headline_is_the_sum_of_the_published_rows(warehouse: Warehouse, text: str) -> None:
    losses = warehouse.read(attribution.SESSION_LOSSES)
    for currency in ("USDT", "BTC"):
        mine = losses.filter(pc.equal(losses["currency"], currency))
        for column in ("deficit", "fund_draw", "socialised", "unprotected_deficit", "adl_loss"):
            amount = sum(mine[column].to_pylist())  # exact decimals of Arrow
            places = 8 if currency == "BTC" else 6
            expected = f"{amount:,.{places}f}" if amount else "0"
            assert f"<b>{expected} <span>{currency}</span></b>" in text


def test_page_tells_what_it_was_made_from(warehouse: Warehouse, text: str) -> None:
    for day in PublishedRows(warehouse, DAYS).days:
        assert day.output_sha256 in text
        assert day.input_sha256 in text
        assert day.run_id in text
        for name, version in day.table_versions.items():
            assert f"{name} {version}" in text


def test_rows_that_were_not_published_are_not_shown(tmp_path: Path) -> None:
    """A table may hold a newer version: of a run that is not done, or of a hand that should not have been there."""
    simulate(MARKET, tmp_path / "landing")
    list(run(Request(tmp_path / "landing", tmp_path / "warehouse", DAYS[0], DAYS[0], InProcess(1))))
    warehouse = Warehouse(tmp_path / "warehouse")
    before = page_text(PublishedRows(warehouse, DAYS[:1]))
    losses = warehouse.read(attribution.SESSION_LOSSES, DAYS[0])
    warehouse.replace_day(attribution.SESSION_LOSSES, losses.slice(0, 1), DAYS[0])
    assert page_text(PublishedRows(Warehouse(tmp_path / "warehouse"), DAYS[:1])) == before


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ([], "no date given"),
        ([DAYS[0], DAYS[1] + timedelta(days=1)], "2025-10-12 is not published"),
    ],
)
def test_dates_that_are_not_published_are_refused(warehouse: Warehouse, days: list[date], says: str) -> None:
    with pytest.raises(ConfigError, match=f"{says} in .*: published dates are 2025-10-10 to 2025-10-11"):
        PublishedRows(warehouse, days)


def test_a_page_that_cannot_be_written_is_one_line(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write"):
        write_page(warehouse, DAYS, tmp_path / "file" / "page.html")


def test_every_break_is_listed(warehouse: Warehouse, text: str) -> None:
    checks = PublishedRows(warehouse, DAYS).rows(attribution.RECONCILIATION)
    breaks = [row for row in checks if row["break"] and abs(row["break"]) > row["tolerance"]]
    assert breaks
    for row in breaks:
        assert f'<td>{row["key"]}</td><td class="n">{exact(row["expected"])}</td>' in text
        assert f'<td class="n bad">{exact(row["break"])}</td>' in text


def test_every_cause_has_its_words() -> None:
    assert tuple(causes._CAUSES) == attribution.LOSS_COMPONENTS


def test_causes_add_up_to_the_deficits_covered_and_uncovered_apart(warehouse: Warehouse, text: str) -> None:
    sums = re.findall(r"Sum of the causes ([\d.,]+), deficits ([\d.,]+): (\w+)", text)
    assert len(sums) == 4  # two currencies, with and without cover
    assert all(causes == deficits and said == "equal" for causes, deficits, said in sums)
    losses = warehouse.read(attribution.SESSION_LOSSES)
    for currency, places in (("USDT", 6), ("BTC", 8)):
        mine = losses.filter(pc.equal(losses["currency"], currency))
        for column, name in (
            ("deficit", "covered deficits"),
            ("unprotected_deficit", "deficits without cover"),
        ):
            amount = sum(mine[column].to_pylist())
            assert f"The sessions have {amount:,.{places}f} of {name}: equal." in text


def test_debt_from_before_and_losses_of_trading_stand_between_causes_and_losses(tmp_path: Path) -> None:
    """The case `edges`: protected after a debt, below zero by the own trades, by a withdrawal, by a fee."""
    days = case_days("edges")
    run_range(DATA / "edges" / "landing", tmp_path, days[0], days[-1])
    html = page_text(PublishedRows(Warehouse(tmp_path), days))
    assert "Less 5.03 that the accounts owed from before." in html
    assert "below zero without such a liquidation." in html
    assert "they differ" not in html


def test_more_than_a_week_is_one_bridge_and_a_table(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "_BRIDGES", 1)
    rows = PublishedRows(warehouse, DAYS)
    html = sections.fund(rows)
    daily = of(rows.rows(attribution.INSURANCE_FUND_DAILY), currency="USDT")
    assert "<h3>USDT, 2025-10-10 to 2025-10-11</h3>" in html
    assert f'<div class="amount">{exact(total(daily, "draws"), 6)}</div>' in html
    assert f'<td>2025-10-11</td><td class="n">{exact(daily[1]["opening"], 6)}</td>' in html


def test_liquidation_price_is_where_equity_meets_margin(warehouse: Warehouse) -> None:
    rows = PublishedRows(warehouse, DAYS)
    known = distances(rows)
    assert known.nearest == sorted(known.nearest, key=lambda d: d.distance)
    assert {at.position["quantity"] > 0 for at in known.nearest} == {True, False}  # both sides
    open_at_end = of(rows.rows(attribution.POSITIONS_DAILY), business_date=DAYS[-1])
    clients = [row for row in open_at_end if not row["account_id"].startswith("house-")]
    assert len(known.nearest) + known.not_stated == len(clients) < len(open_at_end)
    for at in known.nearest:
        step = Fraction(at.tick_size, E18)
        price = Fraction(at.liquidation, E18)
        good = price + step if at.position["quantity"] > 0 else price - step
        bad = price - step if at.position["quantity"] > 0 else price + step
        assert _headroom(rows, at, good) > 0 > _headroom(rows, at, bad)
    assert "Nearest to liquidation" in margins(rows)


def _headroom(rows: PublishedRows, at: Distance, price: Fraction) -> Fraction:
    """Equity less maintenance margin at a price, straight from rules.md sections 2 and 6, unrounded."""
    row = at.position
    (terms,) = of(rows.reference("instruments"), instrument_id=row["instrument_id"])
    tiers = of(rows.reference("margin_tiers"), instrument_id=row["instrument_id"])
    newest = max(tier["valid_from"] for tier in tiers)
    (unit,) = of(
        rows.rows(attribution.ACCOUNT_DAILY),
        **{name: row[name] for name in ("business_date", "account_id", "currency", "isolation")},
    )
    size = Fraction(abs(row["quantity"]), E18) * Fraction(terms["multiplier"], E18)
    inverse = terms["kind"] == "inverse"
    value = size / price if inverse else size * price
    gain = (value - Fraction(row["entry_value"], E18)) * (-1 if inverse else 1)
    equity = Fraction(unit["closing_wallet"], E18) + (gain if row["quantity"] > 0 else -gain)
    margin, below, rate = Fraction(0), Fraction(0), Fraction(0)
    for tier in sorted(of(tiers, valid_from=newest), key=lambda tier: tier["notional_floor"]):
        floor = Fraction(tier["notional_floor"], E18)
        if floor > value:
            break
        margin += (floor - below) * rate  # each slice of the notional at the rate of its own tier
        below, rate = floor, Fraction(tier["maintenance_rate"], E18)
    return equity - margin - (value - below) * rate


def test_a_date_on_which_nothing_happened_has_its_page(tmp_path: Path) -> None:
    quiet = MarketConfig(
        seed=1, accounts=2, days=1, instruments=1, tick_seconds=7200, trades_per_account_day=0
    )
    simulate(quiet, tmp_path / "landing")
    for folder in (tmp_path / "landing").glob("fund_movements"):
        shutil.rmtree(folder)
    list(run(Request(tmp_path / "landing", tmp_path / "warehouse", DAYS[0], DAYS[0], InProcess(1))))
    html = page_text(PublishedRows(Warehouse(tmp_path / "warehouse"), DAYS[:1]))
    assert "<b>0 <span>USDT</span></b>" in html
    assert "there was nothing to share under any rule" in html
