"""The dump of 2023 as a landing zone, and what the venue's own liquidations say about it."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from lossledger.adapters.registry import VENUES
from lossledger.engine.errors import DataError

SOURCE = Path(__file__).parents[2] / "data" / "hyperliquid_2023"
MICRO = Decimal("0.000001")
adapt = VENUES["hyperliquid-2023"]

TRADES = "time,user,coin,side,px,sz,crossed\n"
LEDGER = "time,user,delta_usd\n"
LIQUIDATIONS = "time,user,liquidated_ntl_pos,liquidated_account_value,leverage_type\n"


def rows(landing: Path, dataset: str) -> Iterator[dict[str, str]]:
    for path in sorted((landing / dataset).rglob("data.csv")):
        with path.open(newline="") as file:
            yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("landing")
    adapt(SOURCE, path)
    return path


def small(tmp_path: Path, trades: str = "", ledger: str = "", liquidations: str = "") -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "non_mm_trades.csv").write_text(TRADES + trades)
    (source / "non_mm_ledger_updates.csv").write_text(LEDGER + ledger)
    (source / "liquidations.csv").write_text(LIQUIDATIONS + liquidations)
    return source


def liquidation_checks(landing: Path) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """(account, ts) -> (break, tolerance) of rule `venue_liquidation_value`, from the landing zone alone."""
    tick = {r["instrument_id"]: Decimal(r["tick_size"]) for r in rows(landing, "instruments")}
    closing = defaultdict(list)
    for fill in rows(landing, "fills"):
        if fill["kind"] == "liquidation":
            closing[fill["account_id"], fill["ts"]].append(fill)
    result = {}
    for row in rows(landing, "venue_liquidations"):
        fills = closing[row["account_id"], row["ts"]]
        sides = {f["side"] for f in fills}
        assert len(sides) == 1, "one direction each in this dump"
        sign = 1 if sides == {"sell"} else -1
        value = tolerance = Decimal(0)
        for f in fills:
            quantity, price = Decimal(f["quantity"]), Decimal(f["price"])
            here = (quantity * price).quantize(MICRO)
            value += here
            tolerance += abs((quantity * (price + tick[f["instrument_id"]])).quantize(MICRO) - here)
        actual = sign * (Decimal(row["notional"]) - value)
        result[row["account_id"], row["ts"]] = (actual - Decimal(row["account_value"]), tolerance)
    return result


def open_after_liquidation(fills: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Liquidated (account, coin) pairs that are not flat after the second of their liquidation."""
    size: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    touched: dict[str, set[tuple[str, str]]] = defaultdict(set)
    left = []
    by_second = defaultdict(list)
    for f in fills:
        by_second[f["ts"]].append(f)
    for ts, group in sorted(by_second.items()):
        for f in group:
            key = f["account_id"], f["instrument_id"]
            size[key] += Decimal(f["quantity"]) * (1 if f["side"] == "buy" else -1)
            if f["kind"] == "liquidation":
                touched[ts].add(key)
        left += [key for key in sorted(touched[ts]) if size[key] != 0]
    return left


def test_rows_written(landing: Path) -> None:
    count = {
        d: sum(1 for _ in rows(landing, d)) for d in ("fills", "transfers", "venue_liquidations", "accounts")
    }
    assert count == {"fills": 13850, "transfers": 241, "venue_liquidations": 30, "accounts": 118}


def test_28_of_the_30_published_liquidations_agree_and_two_are_breaks(landing: Path) -> None:
    checks = liquidation_checks(landing)
    broken = {key: delta for key, (delta, tolerance) in checks.items() if abs(delta) > tolerance}
    assert len(checks) == 30
    assert broken == {
        ("0x0811d5442a311bc591fe663534d548bf1c09d7de", "2023-04-19T09:21:19.000000Z"): Decimal("2666.444964"),
        ("0x0811d5442a311bc591fe663534d548bf1c09d7de", "2023-04-19T15:26:43.000000Z"): Decimal("5507.235885"),
    }


def test_every_liquidated_position_is_flat_afterwards(landing: Path) -> None:
    assert open_after_liquidation(list(rows(landing, "fills"))) == []


def test_exact_duplicates_are_genuine_without_them_positions_do_not_close(landing: Path) -> None:
    seen = {
        tuple(v for k, v in f.items() if k not in ("fill_id", "trade_id")): f for f in rows(landing, "fills")
    }
    assert len(seen) < 13850
    assert open_after_liquidation(list(seen.values())) != []


def test_text_order_of_fill_ids_is_file_order(landing: Path) -> None:
    ids = [f["fill_id"] for f in rows(landing, "fills")]
    assert ids == sorted(ids)
    assert (ids[0], ids[-1]) == ("row-0000000001", "row-0000013850")


def test_prices_and_sizes_lie_on_the_steps_and_folders_are_utc_dates(landing: Path) -> None:
    steps = {r["instrument_id"]: (r["tick_size"], r["lot_size"]) for r in rows(landing, "instruments")}
    assert steps["BTC"] == ("0.1", "0.00001")
    assert steps["DOGE"] == ("0.000001", "1")
    for f in rows(landing, "fills"):
        tick, lot = map(Decimal, steps[f["instrument_id"]])
        assert Decimal(f["price"]) % tick == 0
        assert Decimal(f["quantity"]) % lot == 0
    for path in landing.rglob("date=*/data.csv"):
        with path.open(newline="") as file:
            assert {r["ts"][:10] for r in csv.DictReader(file)} == {path.parent.name.removeprefix("date=")}


def test_no_delivered_amount_is_finer_than_a_ledger_unit(landing: Path) -> None:
    amounts = [r["amount"] for r in rows(landing, "transfers")]
    amounts += [r[c] for r in rows(landing, "venue_liquidations") for c in ("notional", "account_value")]
    assert all(Decimal(a) == Decimal(a).quantize(MICRO) for a in amounts)


def test_fills_in_the_second_of_the_liquidation_are_its_execution_and_make_no_mark(tmp_path: Path) -> None:
    source = small(
        tmp_path,
        trades=(
            "2023-03-01T10:00:00Z,0xa,ETH,Bid,1600,2,true\n"
            "2023-03-01T10:00:05Z,0xb,ETH,Bid,1590.5,1,true\n"
            "2023-03-01T10:00:05Z,0xb,ETH,Bid,1590,1,true\n"
            "2023-03-01T10:00:05Z,0xa,ETH,Ask,1580,2,true\n"
        ),
        ledger="2023-03-01T09:00:00Z,0xa,50.5\n2023-03-01T09:00:01Z,0xc,-1e-05\n",
        liquidations="2023-03-01T10:00:05Z,0xa,3180,20,Cross\n",
    )
    landing = tmp_path / "landing"
    adapt(source, landing)
    assert [(f["side"], f["price"], f["kind"]) for f in rows(landing, "fills")] == [
        ("buy", "1600", "normal"),
        ("buy", "1590.5", "normal"),
        ("buy", "1590", "normal"),
        ("sell", "1580", "liquidation"),
    ]
    assert [(t["ts"][11:19], t["mark_price"]) for t in rows(landing, "ticks")] == [
        ("10:00:00", "1600"),
        ("10:00:05", "1590"),
    ]
    assert [(t["account_id"], t["amount"], t["kind"]) for t in rows(landing, "transfers")] == [
        ("0xa", "50.5", "deposit"),
        ("0xc", "-0.00001", "withdrawal"),
    ]
    assert [a["account_id"] for a in rows(landing, "accounts")] == ["0xa", "0xb", "0xc"]


def test_amounts_finer_than_a_ledger_unit_are_delivered_as_they_are_and_said(tmp_path: Path) -> None:
    source = small(
        tmp_path,
        trades="2023-03-01T10:00:00Z,0xa,ETH,Bid,1600,2,true\n",
        ledger="2023-03-01T09:00:00Z,0xa,1.0000001\n",
    )
    report = adapt(source, tmp_path / "landing")
    assert [t["amount"] for t in rows(tmp_path / "landing", "transfers")] == ["1.0000001"]
    assert any(note.startswith("1 delivered amounts are finer than 10^-6 USD") for note in report.notes)


def test_two_liquidations_of_one_second_are_added_up_and_a_repeated_row_is_not(tmp_path: Path) -> None:
    first, second = "2023-03-01T10:00:05Z,0xa,100.5,2,Isolated\n", "2023-03-01T10:00:05Z,0xa,50,1,Isolated\n"
    source = small(tmp_path, liquidations=first + second + first)
    adapt(source, tmp_path / "landing")
    assert [
        (r["notional"], r["account_value"]) for r in rows(tmp_path / "landing", "venue_liquidations")
    ] == [("150.5", "3")]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("non_mm_trades.csv", "non_mm_trades.csv is missing"),
        ("liquidations.csv", "liquidations.csv is missing"),
    ],
)
def test_a_missing_file_is_a_data_error(tmp_path: Path, broken: str, message: str) -> None:
    source = small(tmp_path)
    (source / broken).unlink()
    with pytest.raises(DataError, match=message):
        adapt(source, tmp_path / "landing")
    assert list((tmp_path / "landing").iterdir()) == []


def test_a_missing_column_and_a_bad_number_are_data_errors(tmp_path: Path) -> None:
    source = small(tmp_path, trades="2023-03-01T10:00:00Z,0xa,ETH,Bid,NaN,2,true\n")
    with pytest.raises(DataError, match=r"non_mm_trades\.csv row 1: 'NaN' is not a decimal"):
        adapt(source, tmp_path / "landing")
    (source / "non_mm_trades.csv").write_text("time,user,coin,side,px\n")
    with pytest.raises(DataError, match=r"non_mm_trades\.csv lacks the column sz"):
        adapt(source, tmp_path / "landing")


def test_a_file_without_a_row_is_named(tmp_path: Path) -> None:
    source = small(tmp_path, trades="2023-03-01T10:00:00Z,0xa,ETH,Bid,1600,1,True\n")
    notes = adapt(source, tmp_path / "landing").notes
    assert notes[-2:] == [
        "non_mm_ledger_updates.csv holds no row, so transfers is empty",
        "liquidations.csv holds no row, so venue_liquidations is empty",
    ]
