"""The node archive as a landing zone: both sides, fees, liquidations, and double entry that must close."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import lz4.frame
import pytest

from lossledger.adapters.registry import VENUES
from lossledger.engine.errors import DataError

SOURCE = Path(__file__).parents[2] / "data" / "hyperliquid_node_fills"
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
            ["client", "liquidator"],
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


BACKSTOP = {"liquidatedUser": "0xlost", "markPx": "22.4", "method": "backstop"}
AGAINST_THE_VAULT = {"liquidatedUser": "0xvault", "markPx": "22.025", "method": "backstop"}
TAKEOVER = [
    fill("0xlost", "A", tid=12, dir="Liquidated Cross Long", liquidation=BACKSTOP),
    fill("0xvault", "B", tid=12, dir="Open Long", liquidation=BACKSTOP),
]


def deleveraging(vault_dir: str) -> list[list[Any]]:
    return [
        fill("0xwinner", "B", tid=13, dir="Auto-Deleveraging", liquidation=AGAINST_THE_VAULT),
        fill("0xvault", "A", tid=13, dir=vault_dir, liquidation=AGAINST_THE_VAULT),
    ]


@pytest.mark.parametrize(
    ("blocks", "liquidators"),
    [
        ([TAKEOVER], ["0xvault"]),
        ([TAKEOVER, deleveraging("Auto-Deleveraging")], ["0xvault"]),
        ([deleveraging("Auto-Deleveraging")], ["0xvault"]),
        ([deleveraging("Close Long")], ["0xvault"]),
        (
            [
                [
                    fill("0xlost", "A", tid=14, liquidation=BACKSTOP | {"method": "market"}),
                    fill("0xmaker", "B", tid=14, liquidation=BACKSTOP | {"method": "market"}),
                ],
                [
                    fill("0xlost", "A", tid=15, dir="Close Long", liquidation=BACKSTOP),
                    fill("0xwinner", "B", tid=15, dir="Auto-Deleveraging", liquidation=BACKSTOP),
                ],
            ],
            [],
        ),
    ],
    ids=["takeover", "both", "deleveraging", "deleveraging, other dir", "a client deleveraged against"],
)
def test_a_deleveraged_winner_is_a_client_and_the_liquidator_a_liquidator(
    tmp_path: Path, blocks: list[Any], liquidators: list[str]
) -> None:
    adapt(source(tmp_path, *blocks), tmp_path / "landing")
    accounts = {a["account_id"]: a["account_type"] for a in rows(tmp_path / "landing", "accounts")}
    assert sorted(a for a, kind in accounts.items() if kind == "liquidator") == liquidators
    kinds = {f["account_id"]: f["kind"] for f in rows(tmp_path / "landing", "fills")}
    assert kinds.get("0xwinner", "adl") == "adl"


def test_a_delisted_perpetual_is_settled_by_fills_against_nobody(tmp_path: Path) -> None:
    settled = {"coin": "hyna:XMR", "px": "341.23", "sz": "1.0", "dir": "Settlement", "fee": "0.0"}
    folder = source(
        tmp_path,
        [fill("0xa", "B", coin="hyna:XMR"), fill("0xb", "A", coin="hyna:XMR")],
        [fill("0xa", "A", tid=80, **settled), fill("0xb", "B", tid=81, **settled)],
    )
    report = adapt(folder, tmp_path / "landing")
    assert [f["kind"] for f in rows(tmp_path / "landing", "fills")] == ["normal"] * 2 + ["settlement"] * 2
    assert "2 one-sided settlement trades of delisted perpetuals: hyna:XMR" in report.notes


def test_coins_that_are_no_perpetuals_are_left_out_by_class_and_named(tmp_path: Path) -> None:
    folder = source(
        tmp_path,
        [fill("0xa", "B"), fill("0xb", "A")],
        [fill("0xa", "A", tid=83, coin="#118440", px="1.0", dir="Settlement")],
        [fill("0xa", "A", tid=84, coin="#118441", px="0.0", dir="Settlement")],
        [fill("0xa", "A", tid=0, coin="@107", dir="Spot Dust Conversion")] * 2,
        [fill("0xa", "A", tid=85, coin="?9", dir="Settlement")],
    )
    report = adapt(folder, tmp_path / "landing")
    assert {f["instrument_id"] for f in rows(tmp_path / "landing", "fills")} == {"ETH"}
    assert [note for note in report.notes if "left out" in note or "dust" in note] == [
        "2 spot fills (coins with @ or /) are out of scope and left out",
        "2 fills of outcome coins (names with # or +) are out of scope and left out: #118440, #118441",
        "1 fills of coins of a class that this adapter does not know are out of scope and left out: ?9",
        "2 of the spot fills are one-sided conversions of dust",
    ]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "fills would be empty, though 1 lines were delivered: none of them holds a fill"),
        (
            [fill("0xa", "B", coin="@1"), fill("0xb", "A", coin="@1")],
            "fills would be empty, though 2 fills were delivered: none of them is of a perpetual",
        ),
    ],
)
def test_a_delivery_of_which_nothing_is_left_is_a_data_error(
    tmp_path: Path, events: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        adapt(source(tmp_path, events), tmp_path / "landing")


def test_a_trade_id_that_comes_again_at_another_time_or_coin_is_another_trade(tmp_path: Path) -> None:
    later, other = {"time": 1760131020999}, {"coin": "SOL", "px": "200.0"}
    folder = source(
        tmp_path,
        [fill("0xa", "B"), fill("0xb", "B", **other), fill("0xb", "A"), fill("0xa", "A", **other)],
        [fill("0xa", "B", **later), fill("0xb", "A", **later)],
    )
    assert adapt(folder, tmp_path / "landing").counts["fills"] == 6


def test_an_unknown_kind_of_one_sided_event_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not know a dir among Vault Transfer"):
        adapt(source(tmp_path, [fill("0xa", "B", dir="Vault Transfer")]), tmp_path / "landing")


def test_the_older_archive_has_one_fill_a_line_and_gives_the_same_fills(tmp_path: Path) -> None:
    blocks = [
        [fill("0xa", "B"), fill("0xb", "A")],
        [fill("0xa", "A", time=1760131020900, tid=8), fill("0xb", "B", time=1760131020900, tid=8)],
    ]
    adapt(source(tmp_path, *blocks), tmp_path / "blocks")
    older = tmp_path / "older" / "20251010"
    older.mkdir(parents=True)
    for hour, block in zip((9, 10), blocks, strict=True):
        lines = "".join(json.dumps(side) + "\n" for side in block)
        (older / f"{hour}.lz4").write_bytes(lz4.frame.compress(lines.encode()))
    report = adapt(tmp_path / "older", tmp_path / "lines")
    by_line, by_block = list(rows(tmp_path / "lines", "fills")), list(rows(tmp_path / "blocks", "fills"))
    assert [f["fill_id"] for f in by_line] == [
        "1760131020250-000000", "1760131020250-000001", "1760131020900-000000", "1760131020900-000001",
    ]  # fmt: skip
    for one, other in zip(by_line, by_block, strict=True):
        assert one | {"fill_id": ""} == other | {"fill_id": ""}
    assert report.notes[0].startswith("4 lines of node_fills")


def test_every_compression_gives_the_same_landing_zone(tmp_path: Path) -> None:
    lines = (source(tmp_path, [fill("0xa", "B"), fill("0xb", "A")]) / "0.jsonl").read_bytes()
    for name, content in (
        ("21.lz4", lz4.frame.compress(lines)),
        ("21", lines),
        ("21.json", lines),
        ("21.jsonl.gz", gzip.compress(lines)),
    ):
        folder = tmp_path / f"as {name}"
        folder.mkdir()
        (folder / name).write_bytes(content)
        adapt(folder, tmp_path / f"landing of {name}")
    written = {
        tuple((p / "_adapter.json").read_text() for p in (tmp_path / f"landing of {name}",))
        for name in ("21.lz4", "21", "21.json", "21.jsonl.gz")
    }
    assert len(written) == 1


@pytest.mark.parametrize("other", ["the same lines", "their blocks", "the same file twice"])
def test_lines_delivered_twice_are_refused(tmp_path: Path, other: str) -> None:
    block = [fill("0xa", "B"), fill("0xb", "A")]
    later = [fill("0xa", "B", time=1760131020900, tid=8), fill("0xb", "A", time=1760131020900, tid=8)]
    folder = source(tmp_path, block)
    lines = "".join(json.dumps(side) + "\n" for side in block + later)
    (folder / "1.jsonl").write_text(lines * (2 if other == "the same file twice" else 1))
    if other == "the same lines":
        (folder / "2.jsonl").write_text(lines)
    if other != "their blocks":
        (folder / "0.jsonl").unlink()
    with pytest.raises(DataError, match="already delivered"):
        adapt(folder, tmp_path / "landing")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"coin": "BTC", "side_info": []}, "is a line of node_trades, which has no fees"),
        ({"user": "0xa", "fills": []}, "is the API's userFills, which has one account's side"),
        ([{"coin": "BTC"}], "is the API's userFills"),
        ("[" * 100_000, "is not a block of fills, nor a line"),
        (["0xa", fill("0xa", "B", time=1760131020)[1]], "the time 1760131020 is not in milliseconds"),
        (["0xa", fill("0xa", "B", tid="x")[1]], "is not a block of fills, nor a line"),
    ],
)
def test_a_line_of_another_shape_is_named(tmp_path: Path, line: Any, message: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "0.jsonl").write_text(line if isinstance(line, str) else json.dumps(line))
    with pytest.raises(DataError, match=message):
        adapt(folder, tmp_path / "landing")


def test_a_damaged_archive_is_a_data_error(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    whole = lz4.frame.compress(json.dumps(fill("0xa", "B")).encode() * 1000)
    for content in (whole[:40], b"no lz4 at all", whole[:-20] + b"x" * 20):
        (folder / "9.lz4").write_bytes(content)
        with pytest.raises(DataError, match=r"9\.lz4 (is damaged|cannot be unpacked)"):
            adapt(folder, tmp_path / "landing")
