"""Binance's own archive, as it is downloaded: zipped, named by contract, with and without a header, ms and µs.

The first rows of 2025-08 and 2023-06 are the venue's, as public repositories quote them; the others are invented
in the same layout.
"""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from lossledger.adapters.binance_symbols import coin_margined_symbol_of
from lossledger.adapters.registry import VENUES
from lossledger.engine.errors import DataError
from lossledger.jobs.policy_file import read_policy

usdm, last, coinm = (VENUES[name] for name in ("binance-usdm", "binance-usdm-last", "binance-coinm"))

KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)
MARK = (
    "1754006400000,115702.16776087,115874.90000000,114272,115372.82535004,0,1754009999999,0,3600,0,0,0\n"
    "1754010000000,115372.9,115400,115300,115350,0,1754013599999,0,3600,0,0,0\n"
)
LAST = (
    "1754006400000,115697.30,115877.80,114239.00,115366.90,21495.534,1754009999999,2473716709.55010,376124,"
    "9343.768,1075707468.51370,0\n"
)
FUNDING_HEADER = "calc_time,funding_interval_hours,last_funding_rate\n"
FUNDING = "1754006400001,8,-0.00001408\n1754035200003,8,0.00001549\n"
COIN_FUNDING = "1685577600011,8,0.00010000\n1685606400000,8,0.00010000\n1685635200001,8,0.00010000\n"
COIN_MARK = (
    "1685577600000,27210.1,27300,27000,27120.5,0,1685606399999,0,28800,0,0,0\n"
    "1685606400000,27120.5,27200,26900,27050.2,0,1685635199999,0,28800,0,0,0\n"
    "1685635200000,27050.2,27100,26800,26950.7,0,1685663999999,0,28800,0,0,0\n"
)
AGG_TRADES = (
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
    "261091940,30542.8,1.0,640356821,640356821,1687651202018,true\n"
)
TRADES = "id,price,qty,quote_qty,time,is_buyer_maker\n1,115697.35,0.0025,289.2,1754006400100,true\n"

MARKS_OF_2025 = "um/monthly/markPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2025-08.zip"
LAST_OF_2025 = "um/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-08.zip"
FUNDING_OF_2025 = "um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-08.zip"


def archive(tmp_path: Path, files: dict[str, str]) -> Path:
    """A folder as the archive's: each path that ends in .zip holds one CSV file of that text."""
    source = tmp_path / "source"
    for name, text in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".zip":
            with ZipFile(path, "w", ZIP_DEFLATED) as zipped:
                zipped.writestr(f"{path.stem}.csv", text)
        else:
            path.write_text(text)
    return source


def rows(landing: Path, dataset: str) -> Iterator[tuple[str, ...]]:
    for path in sorted((landing / dataset).rglob("data.csv")):
        with path.open(newline="") as file:
            yield from (tuple(row.values()) for row in csv.DictReader(file))


def test_the_archive_becomes_ticks_funding_and_steps(tmp_path: Path) -> None:
    source = archive(
        tmp_path,
        {
            MARKS_OF_2025: KLINE_HEADER + MARK,
            LAST_OF_2025: KLINE_HEADER + LAST,
            FUNDING_OF_2025: FUNDING_HEADER + FUNDING,
        },
    )
    report = usdm(source, tmp_path / "landing")
    assert list(rows(tmp_path / "landing", "ticks")) == [
        ("2025-08-01T00:00:00.000000Z", "BTCUSDT", "115702.16776087"),
        ("2025-08-01T01:00:00.000000Z", "BTCUSDT", "115372.9"),
    ]
    assert list(rows(tmp_path / "landing", "funding")) == [
        ("2025-08-01T00:00:00.001000Z", "BTCUSDT", "-0.00001408", "115702.16776087"),
        ("2025-08-01T08:00:00.003000Z", "BTCUSDT", "0.00001549", "115372.9"),
    ]
    assert list(rows(tmp_path / "landing", "instruments")) == [
        ("BTCUSDT", "linear", "BTC", "USDT", "USDT", "1", "0.1", "0.001", "2019-01-01")
    ]
    assert not any("no folder of the archive" in note for note in report.notes)


@pytest.mark.parametrize(
    "marks",
    [
        MARK,
        KLINE_HEADER + MARK,
        MARK.replace("1754006400000", "1754006400000000").replace("1754010000000", "1754010000000000"),
    ],
    ids=["no header", "header", "microseconds"],
)
@pytest.mark.parametrize("name", ["BTCUSDT-1h-2025-08-01.zip", "BTCUSDT-1h-2025-08-01.csv"])
def test_a_flat_folder_in_every_form_gives_the_same_ticks(tmp_path: Path, name: str, marks: str) -> None:
    source = archive(tmp_path, {name: marks, "BTCUSDT-fundingRate-2025-08.zip": FUNDING})
    report = usdm(source, tmp_path / "landing")
    assert [tick[2] for tick in rows(tmp_path / "landing", "ticks")] == ["115702.16776087", "115372.9"]
    assert report.counts["funding"] == 2
    assert any(note.startswith("1 files of klines lie in no folder") for note in report.notes)


@pytest.mark.parametrize(
    ("names", "minutes"),
    [
        (["BTCUSDT-1h-2025-08.zip"], 120),
        (["markPriceKlines/BTCUSDT-1m-2025-08.zip"], 2),
        (["markPriceKlines/BTCUSDT-1m-2025-08.zip", "markPriceKlines/BTCUSDT-1d-2025-08.zip"], 2 * 1440),
        (["mark_5m_august.csv"], 10),
        (["mark_august.csv"], 15),
    ],
    ids=["an hour", "a minute", "the longest", "an export", "no name: the default"],
)
def test_a_gap_is_twice_the_bar(tmp_path: Path, names: list[str], minutes: int) -> None:
    export = "symbol,date,open\nBTCUSDT,2025-08-01 00:00:00+00:00,115702.16776087\n"
    source = archive(tmp_path, {name: export if name.startswith("mark_") else MARK for name in names})
    usdm(source, tmp_path / "landing")
    assert read_policy(tmp_path / "landing", None)[0].at(1 << 60).max_mark_gap_us == minutes * 60_000_000


def test_klines_in_no_folder_are_told_apart_by_their_volume(tmp_path: Path) -> None:
    source = archive(tmp_path, {"BTCUSDT-1h-2025-08.zip": LAST})
    with pytest.raises(DataError, match="use binance-usdm-last"):
        usdm(source, tmp_path / "landing")
    last(source, tmp_path / "landing")
    assert [tick[2] for tick in rows(tmp_path / "landing", "ticks")] == ["115697.3"]


def test_a_day_and_its_month_may_both_be_there_and_must_agree(tmp_path: Path) -> None:
    day = "um/daily/markPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2025-08-01.zip"
    source = archive(tmp_path, {MARKS_OF_2025: MARK, day: KLINE_HEADER + MARK})
    assert usdm(source, tmp_path / "landing").counts["ticks"] == 2
    archive(tmp_path, {day: MARK.replace("115372.9,", "115373.0,")})
    with pytest.raises(DataError, match="BTCUSDT opens at"):
        usdm(source, tmp_path / "landing")


def test_what_is_not_used_is_counted_by_its_name(tmp_path: Path) -> None:
    source = archive(
        tmp_path,
        {
            MARKS_OF_2025: MARK,
            "um/monthly/indexPriceKlines/BTCUSDT/1h/BTCUSDT-1h-2025-08.zip": MARK,
            "spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-08.zip": LAST,
            "um/daily/bookDepth/BTCUSDT/BTCUSDT-bookDepth-2025-08-01.zip": "timestamp\n",
            "um/daily/trades/BTCUSDT/BTCUSDT-trades-2025-08-01.zip": TRADES,
            "notes.txt": "mine",
        },
    )
    report = usdm(source, tmp_path / "landing")
    assert [note for note in report.notes if "files are not used" in note] == [
        "1 files are not used: bookDepth",
        "1 files are not used: indexPriceKlines",
        "1 files are not used: of no known name",
        "1 files are not used: spot",
    ]
    assert any(note.startswith("1 files of trades give tick and lot sizes") for note in report.notes)
    assert [(row[6], row[7]) for row in rows(tmp_path / "landing", "instruments")] == [("0.01", "0.0001")]


def test_coin_margined_contracts_are_inverse_and_settle_in_the_coin(tmp_path: Path) -> None:
    source = archive(
        tmp_path,
        {
            "cm/monthly/markPriceKlines/BTCUSD_PERP/8h/BTCUSD_PERP-8h-2023-06.zip": KLINE_HEADER + COIN_MARK,
            "cm/monthly/fundingRate/BTCUSD_PERP/BTCUSD_PERP-fundingRate-2023-06.zip": FUNDING_HEADER
            + COIN_FUNDING,
            "cm/daily/aggTrades/BTCUSD_PERP/BTCUSD_PERP-aggTrades-2023-06-25.zip": AGG_TRADES,
            "cm/daily/markPriceKlines/ETHUSD_230630/1h/ETHUSD_230630-1h-2023-06-01.zip": COIN_MARK,
            "tiers_2023-06-01.csv": "symbol,notional_floor,maint_margin_rate,maint_amount_cum\nBTC/USD:BTC,0,0.004,0\n",
        },
    )
    coinm(source, tmp_path / "landing")
    assert list(rows(tmp_path / "landing", "instruments")) == [
        ("BTCUSD_PERP", "inverse", "BTC", "USD", "BTC", "100", "0.1", "1", "2019-01-01"),
        ("ETHUSD_230630", "inverse", "ETH", "USD", "ETH", "10", "0.00000001", "1", "2019-01-01"),
    ]
    assert list(rows(tmp_path / "landing", "currencies")) == [("BTC", "8"), ("ETH", "8")]
    assert [tier[0] for tier in rows(tmp_path / "landing", "margin_tiers")] == ["BTCUSD_PERP"]
    assert [(f[0][:23], f[3]) for f in rows(tmp_path / "landing", "funding")] == [
        ("2023-06-01T00:00:00.011", "27210.1"),
        ("2023-06-01T08:00:00.000", "27120.5"),
        ("2023-06-01T16:00:00.001", "27050.2"),
    ]


@pytest.mark.parametrize("text", ["BTC/USD:BTC", "BTC/USD", "BTCUSD_PERP"])
def test_every_spelling_of_a_coin_margined_symbol_is_one_instrument(text: str) -> None:
    assert coin_margined_symbol_of(text, "here") == ("BTCUSD_PERP", "BTC", "USD", "BTC")


def test_a_contract_of_the_other_market_says_which_adapter_to_take(tmp_path: Path) -> None:
    source = archive(tmp_path, {"markPriceKlines/BTCUSD_PERP-8h-2023-06.zip": COIN_MARK})
    with pytest.raises(DataError, match="BTCUSD_PERP is a contract of COIN-M; use binance-coinm"):
        usdm(source, tmp_path / "landing")
    (source / "markPriceKlines" / "BTCUSD_PERP-8h-2023-06.zip").unlink()
    archive(tmp_path, {MARKS_OF_2025: MARK})
    with pytest.raises(DataError, match="symbol 'BTCUSDT' is none of COIN-M"):
        coinm(source, tmp_path / "landing")


def test_funding_far_from_any_mark_has_no_price(tmp_path: Path) -> None:
    much_later = "1754438400002,8,0.0001\n"
    source = archive(tmp_path, {MARKS_OF_2025: MARK, FUNDING_OF_2025: FUNDING + much_later})
    report = usdm(source, tmp_path / "landing")
    assert report.counts["funding"] == 2
    assert report.notes[0].startswith("1 funding rows have no tick at their time or up to 24 hours before it")


def test_one_payment_delivered_with_two_times_is_refused(tmp_path: Path) -> None:
    export = "symbol,date,funding_rate\nBTC/USDT:USDT,2025-08-01 00:00:00+00:00,-0.00001408\n"
    source = archive(tmp_path, {MARKS_OF_2025: MARK, FUNDING_OF_2025: FUNDING, "funding_8h.csv": export})
    with pytest.raises(DataError, match="one payment, delivered twice"):
        usdm(source, tmp_path / "landing")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {FUNDING_OF_2025: FUNDING, "tiers_2025-08-01.csv": "TIERS"},
            "funding would be empty, though 1 files",
        ),
        ({MARKS_OF_2025: MARK, FUNDING_OF_2025: FUNDING_HEADER}, "funding would be empty, though 1 files"),
        ({MARKS_OF_2025: KLINE_HEADER}, "ticks would be empty, though 1 files"),
        (
            {MARKS_OF_2025: MARK, "tiers_2025-08-01.csv": "HEADER"},
            "margin_tiers would be empty, though 1 files",
        ),
    ],
)
def test_a_delivered_dataset_that_comes_out_empty_is_a_data_error(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    header = "symbol,notional_floor,maint_margin_rate,maint_amount_cum\n"
    texts = {"TIERS": header + "BTCUSDT,0,0.004,0\n", "HEADER": header}
    source = archive(tmp_path, {name: texts.get(text, text) for name, text in files.items()})
    with pytest.raises(DataError, match=message):
        usdm(source, tmp_path / "landing")
    assert not (tmp_path / "landing" / "policy.yaml").exists()


def test_a_file_is_held_to_the_checksum_beside_it(tmp_path: Path) -> None:
    source = archive(tmp_path, {MARKS_OF_2025: MARK})
    path = source / MARKS_OF_2025
    beside = path.with_name(path.name + ".CHECKSUM")
    beside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    assert usdm(source, tmp_path / "landing").counts["ticks"] == 2
    beside.write_text(f"{'0' * 64}  {path.name}\n")
    with pytest.raises(DataError, match="is not what its CHECKSUM says"):
        usdm(source, tmp_path / "landing")


def test_damaged_archives_are_data_errors(tmp_path: Path) -> None:
    source = archive(tmp_path, {MARKS_OF_2025: MARK * 50})
    path = source / MARKS_OF_2025
    whole = path.read_bytes()
    spoilt = bytearray(whole)
    spoilt[60] ^= 0xFF
    for content in (whole[:100], bytes(spoilt), b"no zip at all"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"is damaged|opens at|is not a"):
            usdm(source, tmp_path / "landing")
    with ZipFile(path, "w") as zipped:
        zipped.writestr("a.csv", MARK)
        zipped.writestr("b.csv", MARK)
    with pytest.raises(DataError, match="holds 2 files instead of one"):
        usdm(source, tmp_path / "landing")


@pytest.mark.parametrize("time", ["1754006400", "1754006400000.0", "2025-08-01", "17540064000000000000"])
def test_a_time_that_is_no_time_of_the_archive_is_a_data_error(tmp_path: Path, time: str) -> None:
    source = archive(tmp_path, {MARKS_OF_2025: KLINE_HEADER + MARK.replace("1754010000000", time)})
    with pytest.raises(DataError, match="is no time in milliseconds or microseconds"):
        usdm(source, tmp_path / "landing")
