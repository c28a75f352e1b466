"""The node archive as a landing zone: both sides, fees, liquidations, and double entry that must close."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import VENUES
from engine.errors import DataError

SOURCE = Path(__file__).parents[1] / "data" / "hyperliquid_node_fills"
adapt = VENUES["hyperliquid-fills"]


def rows(landing: Path, dataset: str) -> Iterator[dict[str, str]]:
    for path in sorted((landing / dataset).rglob("data.csv")):
        with path.open(newline="") as file:
            yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("landing")
    adapt(SOURCE, path)
    return path


def fill(user: str, side: str, **fields: Any) -> list[Any]:
    """One side of trade 7: 2 ETH at 4000 on 2025-10-10 21:17:00.250, ordinary unless said."""
    base = {
        "coin": "ETH", "px": "4000.0", "sz": "2.0", "side": side, "time": 1760131020250,
        "startPosition": "0.0", "dir": "Open Long", "fee": "0.5", "tid": 7, "feeToken": "USDC",
    }  # fmt: skip
    return [user, base | fields]


def source(tmp_path: Path, *blocks: list[list[Any]]) -> Path:
    folder = tmp_path / "source"
    folder.mkdir(exist_ok=True)
    lines = [json.dumps({"block_number": 100 + n, "events": events}) for n, events in enumerate(blocks)]
    (folder / "0.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_the_sample_gives_both_sides_of_every_perpetual_trade(landing: Path) -> None:
    trades = defaultdict(list)
    for f in rows(landing, "fills"):
        trades[f["trade_id"]].append(f)
    assert sum(map(len, trades.values())) == 6766
    for sides in trades.values():
        assert {f["side"] for f in sides} == {"buy", "sell"}
        assert len({(f["price"], f["quantity"], f["instrument_id"]) for f in sides}) == 1


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    report = adapt(SOURCE, tmp_path / "landing")
    assert report.counts["fills"] + 516 == 7282
    assert "516 spot fills (coins with @ or /) are out of scope and left out" in report.notes
    assert "1000 blocks, 0 missing between the first and the last" in report.notes
    assert "4878 fills start where the fills before ended, 41 do not" in report.notes


def test_text_order_of_fill_ids_is_the_order_of_execution(landing: Path) -> None:
    fills = list(rows(landing, "fills"))
    assert [f["fill_id"] for f in fills] == sorted(f["fill_id"] for f in fills)
    assert [f["ts"] for f in fills] == sorted(f["ts"] for f in fills)


def test_the_liquidation_of_the_sample(landing: Path) -> None:
    liquidated = [f for f in rows(landing, "fills") if f["kind"] != "normal"]
    assert [
        (f["account_id"][:8], f["side"], f["quantity"], f["price"], f["fee"], f["kind"]) for f in liquidated
    ] == [("0xa59f55", "buy", "890", "0.15327", "0.061384", "liquidation")]
    assert [tuple(t.values()) for t in rows(landing, "ticks")] == [
        ("2025-10-27T17:00:02.387000Z", "WLFI", "0.15319")
    ]


def test_rebates_stay_negative_and_every_fee_fits_a_ledger_unit(landing: Path) -> None:
    fees = [Decimal(f["fee"]) for f in rows(landing, "fills")]
    assert min(fees) < 0 < max(fees)
    assert all(fee == fee.quantize(Decimal("0.000001")) for fee in fees)


LIQUIDATION = {"liquidatedUser": "0xdead", "markPx": "4001.5", "method": "market"}


@pytest.mark.parametrize(
    ("fields", "kinds", "types"),
    [
        ({}, ["normal", "normal"], ["client", "client"]),
        ({"liquidation": LIQUIDATION}, ["normal", "liquidation"], ["client", "client"]),
        (
            {"liquidation": LIQUIDATION | {"method": "backstop"}},
            ["normal", "liquidation"],
            ["client", "house"],
        ),
        (
            {"liquidation": LIQUIDATION, "dir": "Auto-Deleveraging"},
            ["adl", "liquidation"],
            ["client", "client"],
        ),
        ({"dir": "Settlement"}, ["settlement", "settlement"], ["client", "client"]),
    ],
    ids=["ordinary", "market", "backstop", "adl", "settlement"],
)
def test_kinds(tmp_path: Path, fields: dict[str, Any], kinds: list[str], types: list[str]) -> None:
    folder = source(tmp_path, [fill("0xother", "B", **fields), fill("0xdead", "A", **fields)])
    adapt(folder, tmp_path / "landing")
    assert [f["kind"] for f in rows(tmp_path / "landing", "fills")] == kinds
    accounts = {a["account_id"]: a["account_type"] for a in rows(tmp_path / "landing", "accounts")}
    assert [accounts["0xdead"], accounts["0xother"]] == types


def test_spot_is_out_of_scope_by_name(tmp_path: Path) -> None:
    folder = source(
        tmp_path,
        [fill("0xa", "B", coin="@107"), fill("0xb", "A", coin="@107", feeToken="HYPE")],
        [fill("0xa", "B", tid=8, coin="PURR/USDC"), fill("0xb", "A", tid=8, coin="PURR/USDC")],
        [fill("0xa", "B", tid=9), fill("0xb", "A", tid=9)],
    )
    report = adapt(folder, tmp_path / "landing")
    assert [f["instrument_id"] for f in rows(tmp_path / "landing", "fills")] == ["ETH", "ETH"]
    assert any(note.startswith("4 spot fills") for note in report.notes)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([[fill("0xa", "B")]], r"1 trades have one side only \(first: 7\)"),
        (
            [[fill("0xa", "B"), fill("0xb", "A", px="4000.1")]],
            "the sides of trade 7 do not match: B 2.0 at 4000.0",
        ),
        ([[fill("0xa", "B"), fill("0xb", "B")]], "the sides of trade 7 do not match"),
        ([[fill("0xa", "B"), fill("0xb", "A"), fill("0xc", "A")]], "1 trades have one side only"),
        ([[fill("0xa", "B"), fill("0xb", "A", feeToken="HYPE")]], "ETH has fees in HYPE and in USDC"),
        ([[fill("0xa", "B", px=4000.5)]], r"4000\.5 is not a decimal"),
        ([[["0xa", {"coin": "ETH"}]]], "line 1: a fill lacks the field px"),
        ([["nonsense"]], "line 1 is not a block of fills"),
    ],
)
def test_what_does_not_close_is_a_data_error(tmp_path: Path, blocks: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        adapt(source(tmp_path, *blocks), tmp_path / "landing")


def test_equal_sides_may_be_written_differently(tmp_path: Path) -> None:
    folder = source(tmp_path, [fill("0xa", "B", px="4000"), fill("0xb", "A", px="4000.0")])
    assert adapt(folder, tmp_path / "landing").counts["fills"] == 2


def test_a_block_delivered_twice_and_a_folder_without_files(tmp_path: Path) -> None:
    folder = source(tmp_path, [fill("0xa", "B"), fill("0xb", "A")])
    (folder / "1.jsonl").write_bytes((folder / "0.jsonl").read_bytes())
    with pytest.raises(DataError, match=r"1\.jsonl line 1: block 100 was already delivered"):
        adapt(folder, tmp_path / "landing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no file that ends in"):
        adapt(tmp_path / "empty", tmp_path / "landing")


def test_missing_blocks_are_counted(tmp_path: Path) -> None:
    folder = source(tmp_path, [fill("0xa", "B"), fill("0xb", "A")])
    with (folder / "0.jsonl").open("a") as file:
        file.write(json.dumps({"block_number": 103, "events": []}) + "\n")
    notes = adapt(folder, tmp_path / "landing").notes
    assert "2 blocks, 2 missing between the first and the last" in notes
