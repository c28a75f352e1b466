"""A generated market: same arguments same bytes, every row valid, losses that really occur."""

import argparse
import csv
import gzip
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lossledger.engine.errors import ConfigError
from lossledger.simulator.command import add_arguments, run
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.demo import DEMO, write_demo
from lossledger.simulator.simulate import simulate

SMALL = MarketConfig(seed=7, accounts=40, days=2, instruments=6, tick_seconds=600, prices="jumps")
Rows = list[dict[str, str]]


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def rows(root: Path, dataset: str) -> Rows:
    found: Rows = []
    for path in sorted((root / dataset).rglob("*.csv*")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="ascii", newline="") as file:
            for row in csv.DictReader(file):
                found.append({**row, "folder": path.parent.name.removeprefix("date=")})
    return found


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("market") / "landing"
    simulate(SMALL, root)
    return root


@pytest.mark.parametrize("file_format", ["csv", "csv.gz", "parquet"])
def test_same_arguments_same_bytes(tmp_path: Path, file_format: str) -> None:
    config = replace(SMALL, format=file_format)
    simulate(config, tmp_path / "one")
    simulate(config, tmp_path / "two")
    simulate(replace(config, seed=8), tmp_path / "other_seed")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert files(tmp_path / "one") != files(tmp_path / "other_seed")


def test_the_bytes_do_not_depend_on_the_process(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, lossledger.simulator.demo as demo; demo.write_demo(pathlib.Path(sys.argv[1]))"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)], check=True, env={"PYTHONHASHSEED": seed}
        )
    assert files(tmp_path / "1") == files(tmp_path / "2")


def test_the_file_size_changes_no_row(market: Path, tmp_path: Path) -> None:
    simulate(replace(SMALL, rows_per_file=100), tmp_path / "landing")
    assert len(files(tmp_path / "landing")) > len(files(market))
    for dataset in ("fills", "ticks", "transfers", "funding"):
        assert rows(tmp_path / "landing", dataset) == rows(market, dataset)


def test_parquet_holds_what_csv_holds(market: Path, tmp_path: Path) -> None:
    simulate(replace(SMALL, format="parquet"), tmp_path / "landing")
    for dataset, column in (("fills", "fee"), ("fills", "price"), ("fills", "quantity"), ("ticks", "bid")):
        table = pq.read_table(tmp_path / "landing" / dataset)
        assert [Decimal(row[column]) for row in rows(market, dataset)] == table[column].to_pylist()
    stamps = [datetime.fromisoformat(row["ts"]) for row in rows(market, "fills")]
    assert stamps == pq.read_table(tmp_path / "landing" / "fills")["ts"].to_pylist()


def test_every_trade_has_exactly_two_sides(market: Path) -> None:
    sides: defaultdict[str, Rows] = defaultdict(list)
    for fill in rows(market, "fills"):
        sides[fill["trade_id"]].append(fill)
    same = ("ts", "instrument_id", "price", "quantity")
    for pair in sides.values():
        assert sorted(fill["side"] for fill in pair) == ["buy", "sell"]
        assert [pair[0][name] for name in same] == [pair[1][name] for name in same]
        assert pair[0]["account_id"] != pair[1]["account_id"]
        if "adl" in {fill["kind"] for fill in pair}:
            assert {fill["kind"] for fill in pair} == {"adl", "liquidation"}


def test_prices_are_on_the_tick_and_quantities_on_the_lot(market: Path) -> None:
    contracts = {row["instrument_id"]: row for row in rows(market, "instruments")}
    assert {row["kind"] for row in contracts.values()} == {"linear", "inverse", "quanto"}
    for fill in rows(market, "fills"):
        contract = contracts[fill["instrument_id"]]
        price, quantity = Decimal(fill["price"]), Decimal(fill["quantity"])
        assert price > 0 and price % Decimal(contract["tick_size"]) == 0
        assert quantity > 0 and quantity % Decimal(contract["lot_size"]) == 0
    for tick in rows(market, "ticks"):
        prices = [Decimal(tick[name]) for name in ("bid", "mark_price", "ask", "index_price")]
        assert 0 < prices[0] <= prices[1] <= prices[2] and prices[3] > 0


def test_money_is_in_whole_ledger_units(market: Path) -> None:
    scale = {row["currency"]: int(row["scale"]) for row in rows(market, "currencies")}
    settlement = {r["instrument_id"]: r["settlement_currency"] for r in rows(market, "instruments")}
    amounts = [(settlement[fill["instrument_id"]], fill["fee"]) for fill in rows(market, "fills")]
    for dataset, column in (
        ("transfers", "amount"),
        ("fund_movements", "amount"),
        ("venue_account_balances", "wallet_balance"),
        ("venue_fund_balances", "balance"),
    ):
        amounts += [(row["currency"], row[column]) for row in rows(market, dataset)]
    assert len(amounts) > 1000
    for currency, amount in amounts:
        assert Decimal(amount).scaleb(scale[currency]) % 1 == 0


def test_keys_are_unique_known_and_in_their_folder(market: Path) -> None:
    accounts = {row["account_id"] for row in rows(market, "accounts")}
    contracts = {row["instrument_id"] for row in rows(market, "instruments")}
    for dataset, key in (
        ("fills", ("fill_id",)),
        ("transfers", ("transfer_id",)),
        ("ticks", ("instrument_id", "ts")),
        ("funding", ("instrument_id", "ts")),
        ("fund_movements", ("movement_id",)),
        ("venue_account_balances", ("account_id", "currency", "ts")),
    ):
        found = rows(market, dataset)
        assert len({tuple(row[name] for name in key) for row in found}) == len(found) > 0
        assert all(row["ts"].startswith(row["folder"]) for row in found)
        assert all(row.get("account_id", "house-mm") in accounts for row in found)
        assert all(row.get("instrument_id", "BTC-USDT") in contracts for row in found)


def test_margin_tables_have_a_second_version_and_so_have_some_accounts(tmp_path: Path) -> None:
    simulate(replace(SMALL, accounts=200), tmp_path / "landing")
    assert len({row["valid_from"] for row in rows(tmp_path / "landing", "margin_tiers")}) == 2
    versions = [row for row in rows(tmp_path / "landing", "accounts") if row["valid_from"] != "2020-01-01"]
    assert {(row["client_class"], row["negative_balance_protected"]) for row in versions} == {
        ("professional", "false")
    }


def test_the_demo_is_a_crash_that_exhausts_the_fund(tmp_path: Path) -> None:
    assert write_demo(tmp_path / "landing") == (date(2025, 10, 10), date(2025, 10, 11))
    assert (tmp_path / "landing" / "scenarios" / "larger_fund.yaml").is_file()
    lows = [
        Decimal(row["mark_price"])
        for row in rows(tmp_path / "landing", "ticks")
        if row["instrument_id"] == "BTC-USDT"
    ]
    assert min(lows) == Decimal("101516.5")  # the low of the night, at 21:20 on 10 October
    summary = simulate(DEMO, tmp_path / "again")
    assert summary.counts["deficits"] > 50
    assert summary.counts["adl"] > 10
    for currency in ("USDT", "BTC"):
        pool = summary.pools[currency]
        assert pool.draws > 0 and pool.charged > 0 and pool.unprotected > 0


def test_the_policy_says_who_liquidates(tmp_path: Path) -> None:
    simulate(replace(SMALL, execution="simulated", latency_us=90_000_000), tmp_path / "landing")
    policy = (tmp_path / "landing" / "policy.yaml").read_text()
    assert "  execution: simulated\n" in policy and "  latency_us: 90000000\n" in policy
    assert not (tmp_path / "landing" / "venue_account_balances").exists()


def test_a_liquidator_takes_positions_over_without_a_fee_and_unwinds_them(tmp_path: Path) -> None:
    config = replace(SMALL, liquidations="takeover")
    simulate(config, tmp_path / "landing")
    accounts = {row["account_id"]: row["account_type"] for row in rows(tmp_path / "landing", "accounts")}
    assert (accounts["house-liq"], accounts["house-mm"]) == ("liquidator", "house")
    fills = rows(tmp_path / "landing", "fills")
    liquidated = [f for f in fills if f["kind"] == "liquidation" and accounts[f["account_id"]] == "client"]
    assert {Decimal(fill["fee"]) for fill in liquidated} == {0}
    of_trade = {f["trade_id"]: f for f in fills if f["account_id"] == "house-liq"}
    assert {fill["trade_id"] for fill in liquidated} <= set(of_trade)
    assert {fill["kind"] for fill in of_trade.values()} == {"liquidation", "normal"}  # taken over, unwound
    policy = (tmp_path / "landing" / "policy.yaml").read_text()
    assert "  liquidation_style: takeover\n" in policy


def test_a_backstop_tries_the_market_first(tmp_path: Path) -> None:
    summary = simulate(replace(SMALL, liquidations="backstop"), tmp_path / "landing")
    sides = defaultdict(set)
    for fill in rows(tmp_path / "landing", "fills"):
        if fill["kind"] == "liquidation":
            sides[fill["trade_id"]].add(fill["account_id"])
    against = [house for accounts in sides.values() for house in accounts if house.startswith("house-")]
    assert against.count("house-mm") > 0 and against.count("house-liq") >= summary.counts["takeovers"] > 0


def test_copies_repeat_every_client_against_the_same_house(tmp_path: Path) -> None:
    simulate(replace(SMALL, format="parquet", copies=3), tmp_path / "landing")
    fills = pq.read_table(tmp_path / "landing" / "fills").to_pylist()
    by_copy: defaultdict[str, list[str]] = defaultdict(list)
    for fill in fills:
        by_copy[fill["fill_id"][13:]].append(f"{fill['fill_id'][:13]} {fill['account_id'][:5]} {fill['fee']}")
    assert sorted(by_copy) == ["", "-c00001", "-c00002"]
    assert by_copy[""] == by_copy["-c00001"] == by_copy["-c00002"]
    assert {fill["account_id"] for fill in fills if "house" in fill["account_id"]} == {
        "house-mm",
        "house-liq",
    }
    known = {row["account_id"] for row in rows(tmp_path / "landing", "accounts")}
    assert {fill["account_id"] for fill in fills} <= known


def test_gzipped_csv_holds_the_rows_of_every_copy_that_parquet_holds(tmp_path: Path) -> None:
    simulate(replace(SMALL, format="parquet", copies=3), tmp_path / "parquet")
    simulate(replace(SMALL, format="csv.gz", copies=3, rows_per_file=100), tmp_path / "csv")
    for dataset in ("fills", "transfers", "fund_movements", "ticks"):
        texts = ("fill_id", "trade_id", "transfer_id", "movement_id", "account_id", "instrument_id", "kind")
        table = pq.read_table(tmp_path / "parquet" / dataset)
        names = [name for name in texts if name in table.column_names]
        found = rows(tmp_path / "csv", dataset)
        assert sorted(tuple(row[name] for name in names) for row in found) == sorted(
            tuple(row[name] for name in names) for row in table.select(names).to_pylist()
        )
    first = tmp_path / "csv" / "fills" / "date=2025-10-10" / "part-00000.c00002.csv.gz"
    assert len(gzip.decompress(first.read_bytes()).splitlines()) == 1 + 100


def test_untidy_csv_holds_the_same_rows_in_quotes_and_with_trailing_zeros(
    market: Path, tmp_path: Path
) -> None:
    simulate(replace(SMALL, untidy=True), tmp_path / "landing")
    for dataset, column in (("fills", "price"), ("ticks", "mark_price"), ("transfers", "amount")):
        plain, other = rows(market, dataset), rows(tmp_path / "landing", dataset)
        assert [Decimal(row[column]) for row in plain] == [Decimal(row[column]) for row in other]
        assert any(row[column].endswith("00") for row in other)
        assert [row["ts"] for row in plain] == [row["ts"] for row in other]
    for path in (tmp_path / "landing" / "fills").rglob("*.csv"):
        for line in path.read_text(encoding="ascii").splitlines():
            assert re.fullmatch(r'("[^"]*",)*"[^"]*"', line)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_whole_seconds_cut_every_time(market: Path, tmp_path: Path, file_format: str) -> None:
    simulate(replace(SMALL, format=file_format, whole_seconds=True), tmp_path / "landing")
    cut = [f"{row['ts'][:19]}Z" for row in rows(market, "fills")]
    if file_format == "csv":
        assert [row["ts"] for row in rows(tmp_path / "landing", "fills")] == cut
    else:
        found = pq.read_table(tmp_path / "landing" / "fills")["ts"].to_pylist()
        assert found == [datetime.fromisoformat(text) for text in cut]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"accounts": 0}, "--accounts must be at least 1, not 0"),
        ({"tick_seconds": 7}, "--tick-seconds must divide 28800"),
        ({"prices": "real", "start": date(2025, 10, 12)}, "no bundled prices on 2025-10-13"),
        (
            {"fund_opening": {"USDT": "lots"}},
            "--fund-opening must be like USDT=50000 or BTC=0.5, not USDT=lots",
        ),
        ({"fund_opening": {"EUR": "1"}}, "not EUR=1"),
        ({"fund_opening": {"USDT": "0.0000001"}}, "finer than a ledger unit"),
        ({"lateness_seconds": -1.0}, "must not be negative"),
        ({"untidy": True, "format": "parquet"}, "--untidy needs --format csv or csv.gz"),
        ({"liquidations": "auction"}, "--liquidations must be one of market, takeover, backstop"),
        ({"sharing": "lottery"}, "--sharing must be one of session_profit_prorata, equity_prorata, none"),
        ({"accounts": 10**6, "trades_per_account_day": 10**5}, "too many trades"),
    ],
)
def test_arguments_that_make_no_market_are_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(replace(SMALL, **changed), tmp_path / "landing")
    assert not (tmp_path / "landing").exists()


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "precious.csv").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty: choose a new folder"):
        simulate(SMALL, tmp_path / "landing")


def test_the_command_writes_a_market_and_says_what_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = (
        f"--seed 1 --accounts 5 --days 1 --instruments 1 --tick-seconds 3600 --landing {tmp_path}/l".split()
    )
    given += ["--fund-opening", "USDT=12.5"]
    assert run(parser.parse_args(given)) == 0
    assert "2025-10-10 to 2025-10-10" in capsys.readouterr().out
    assert [row["amount"] for row in rows(tmp_path / "l", "fund_movements")] == ["12.500000"]
    with pytest.raises(ConfigError, match="--fund-opening must look like USDT=50000"):
        run(parser.parse_args([*given[:-1], "12.5"]))
    with pytest.raises(ConfigError, match="--start must be a date"):
        run(parser.parse_args([*given, "--start", "yesterday"]))


def test_importing_the_command_loads_nothing_heavy() -> None:
    code = "import sys, lossledger.simulator.command; sys.exit(bool({'numpy', 'pyarrow'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_day_without_rows_has_a_file_without_rows(form: str, tmp_path: Path) -> None:
    """The policy that is written requires fills of every date: that nobody traded has to be said."""
    quiet = MarketConfig(
        seed=1, accounts=2, days=1, instruments=1, tick_seconds=7200, trades_per_account_day=0, format=form
    )
    simulate(quiet, tmp_path)
    [fills] = (tmp_path / "fills").rglob("part-*")
    if form == "csv":
        assert len(fills.read_text().splitlines()) == 1
    else:
        assert pq.ParquetFile(fills).metadata.num_rows == 0
