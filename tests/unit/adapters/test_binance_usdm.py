"""Binance market data: brackets that add up, bars as ticks at a known time, funding at its price."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from lossledger.adapters.binance_symbols import symbol_of
from lossledger.adapters.registry import VENUES
from lossledger.engine.errors import DataError
from lossledger.engine.prices import tier_deductions
from lossledger.jobs.policy_file import read_policy

SNAPSHOTS = Path(__file__).parents[2] / "data" / "binance" / "tiers"
adapt, adapt_last = VENUES["binance-usdm"], VENUES["binance-usdm-last"]

MARK = """symbol,date,open,high,low,close
BTCUSDT,2025-10-10 20:00:00+00:00,117000.25,117500.0,114000.0,114261.75
BTCUSDT,2025-10-10 21:00:00+00:00,114261.75273913,115058.2,101877.68981743,113238.07602174
"""
LAST_1H = """symbol,date,open,high,low,close,volume
BTCUSDT,2025-10-10 21:00:00+00:00,114200.4,115075.6,101516.5,113253.6,131850.219
"""
LAST_5M = """symbol,date,open,high,low,close,volume
BTCUSDT,2025-10-10 21:00:00+00:00,114200.40,114300.0,114000.0,114100.0,100.0
BTCUSDT,2025-10-10 21:05:00+00:00,114100.0,114100.0,113000.0,113500.0,200.0
"""
FUNDING = """symbol,date,funding_rate
BTCUSDT,2025-10-10 16:00:00+00:00,0.0001
BTCUSDT,2025-10-10 21:00:00+00:00,-2.904e-05
"""
TIERS = """symbol,tier,notional_floor,notional_cap,maint_margin_rate,max_leverage,maint_amount_cum
BTC/USDT:USDT,1,0.0,300000.0,0.004,150.0,0.0
BTC/USDT:USDT,2,300000.0,800000.0,0.005,100.0,300.0
"""


def rows(landing: Path, dataset: str) -> Iterator[dict[str, str]]:
    for path in sorted((landing / dataset).rglob("data.csv")):
        with path.open(newline="") as file:
            yield from csv.DictReader(file)


def source(tmp_path: Path, **files: str) -> Path:
    """A folder with files by stem: mark_1h="…" becomes mark_1h.csv."""
    folder = tmp_path / "source"
    folder.mkdir()
    for stem, text in files.items():
        (folder / f"{stem.replace('__', '-')}.csv").write_text(text)
    return folder


def tick_list(landing: Path) -> list[tuple[str, str, str]]:
    return [(t["ts"][11:16], t["instrument_id"], t["mark_price"]) for t in rows(landing, "ticks")]


def test_every_published_cumulative_amount_is_our_deduction() -> None:
    tables = defaultdict(list)
    for path in sorted(SNAPSHOTS.glob("*.csv.gz")):
        with gzip.open(path, "rt", newline="") as file:
            for row in csv.DictReader(file):
                tables[path.name, row["symbol"]].append(row)
    checked = 0
    for table in tables.values():
        tiers = [(Fraction(r["notional_floor"]), Fraction(r["maint_margin_rate"])) for r in table]
        assert tier_deductions(tiers) == [Fraction(r["maint_amount_cum"]) for r in table]
        checked += len(table)
    assert checked == 12_087


def test_all_snapshots_become_dated_margin_tiers(tmp_path: Path) -> None:
    report = adapt(SNAPSHOTS, tmp_path / "landing")
    assert report.counts["margin_tiers"] == 12_087
    dates = {t["valid_from"] for t in rows(tmp_path / "landing", "margin_tiers")}
    assert dates == {"2022-11-25", "2025-09-29", "2025-10-31"}
    known = {i["instrument_id"] for i in rows(tmp_path / "landing", "instruments")}
    assert known == {t["instrument_id"] for t in rows(tmp_path / "landing", "margin_tiers")}


def test_a_bar_is_one_tick_its_opening_price_at_its_opening_time(tmp_path: Path) -> None:
    folder = source(tmp_path, mark_1h=MARK, futures_1h=LAST_1H, futures_5m=LAST_5M, funding_8h=FUNDING)
    report = adapt(folder, tmp_path / "landing")
    assert tick_list(tmp_path / "landing") == [
        ("20:00", "BTCUSDT", "117000.25"),
        ("21:00", "BTCUSDT", "114261.75273913"),
    ]
    assert [tuple(i.values()) for i in rows(tmp_path / "landing", "instruments")] == [
        ("BTCUSDT", "linear", "BTC", "USDT", "USDT", "1", "0.1", "0.001", "2019-01-01")
    ]
    assert [tuple(f.values()) for f in rows(tmp_path / "landing", "funding")] == [
        ("2025-10-10T21:00:00.000000Z", "BTCUSDT", "-0.00002904", "114261.75273913")
    ]
    assert any(note.startswith("1 funding rows have no tick") for note in report.notes)


def test_last_trade_prices_are_an_alternative_that_has_to_be_asked_for(tmp_path: Path) -> None:
    folder = source(tmp_path, futures_1h=LAST_1H, futures_5m=LAST_5M)
    with pytest.raises(DataError, match="use binance-usdm-last to take last-trade prices instead"):
        adapt(folder, tmp_path / "landing")
    adapt_last(folder, tmp_path / "landing")
    assert tick_list(tmp_path / "landing") == [
        ("21:00", "BTCUSDT", "114200.4"),
        ("21:05", "BTCUSDT", "114100"),
    ]


def test_two_bars_without_a_mark_are_a_gap(tmp_path: Path) -> None:
    """Only the opening price of a bar is a tick: of several lengths the longest counts."""
    adapt_last(source(tmp_path, futures_1h=LAST_1H, futures_5m=LAST_5M), tmp_path / "landing")
    policy, _ = read_policy(tmp_path / "landing", None)
    assert policy.at(1 << 60).max_mark_gap_us == 2 * 3600 * 10**6


def test_files_that_disagree_are_refused(tmp_path: Path) -> None:
    folder = source(tmp_path, futures_1h=LAST_1H, futures_5m=LAST_5M.replace("114200.40", "114200.5"))
    with pytest.raises(DataError, match=r"futures_5m\.csv row 1: BTCUSDT opens at 114200\.5"):
        adapt_last(folder, tmp_path / "landing")


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        (TIERS.replace("300.0\n", "301.0\n"), r"BTCUSDT publishes the amount 301\.0, its tiers give 300\.0"),
        (TIERS.replace(",0.005,", ",0.003,"), "brackets of BTCUSDT are out of order"),
        (TIERS.replace("1,0.0,", "1,10.0,"), "do not start at 0"),
        (TIERS + TIERS.replace("BTC/", "ETH/").partition("\n")[2] + TIERS.partition("\n")[2], "not together"),
    ],
)
def test_brackets_that_do_not_add_up_are_refused(tmp_path: Path, tiers: str, message: str) -> None:
    folder = source(tmp_path, tiers_2025__10__01=tiers)
    with pytest.raises(DataError, match=message):
        adapt(folder, tmp_path / "landing")


def test_a_bracket_file_without_a_date_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    folder = source(tmp_path, tiers_new=TIERS)
    with pytest.raises(DataError, match="the name says no date"):
        adapt(folder, tmp_path / "landing")
    (folder / "tiers_new.csv").unlink()
    with pytest.raises(DataError, match="has neither mark_"):
        adapt(folder, tmp_path / "landing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000PEPEUSDT", ("1000PEPEUSDT", "1000PEPE", "USDT", "USDT")),
        ("1000LUNC/BUSD", ("1000LUNCBUSD", "1000LUNC", "BUSD", "BUSD")),
        ("ETH/BTC:BTC", ("ETHBTC", "ETH", "BTC", "BTC")),
        ("BTCUSDT_221230", ("BTCUSDT_221230", "BTC", "USDT", "USDT")),
        ("BTC/USDT:USDT-251226", ("BTCUSDT_251226", "BTC", "USDT", "USDT")),
    ],
)
def test_both_spellings_of_a_symbol_are_one_instrument(text: str, expected: tuple[str, ...]) -> None:
    assert symbol_of(text, "here") == expected


def test_an_unknown_quote_currency_is_refused() -> None:
    with pytest.raises(DataError, match="symbol 'BTCEUR' ends in none of USDT"):
        symbol_of("BTCEUR", "here")
