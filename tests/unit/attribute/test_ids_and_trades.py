"""Days on which an id decides a number, from delivered files to published tables: small, invented markets.

Each is published of files that are read in rows, and of files that are read in columns.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lossledger.schemas.attribution import ACCOUNT_DAILY, ADL_LOSSES, LOSS_COMPONENTS_TABLE, POSITIONS_DAILY
from lossledger.schemas.core import Table
from lossledger.store.warehouse import Warehouse
from tests.builders import POLICY, deliver, run_dates

DAY = date(2025, 10, 10)
ACCOUNTS = """
    account_id | account_type | client_class  | negative_balance_protected | valid_from
    a          | client       | retail        | true                       | 2020-01-01
    b          | client       | retail        | true                       | 2020-01-01
    w          | client       | retail        | true                       | 2020-01-01
    mm         | house        | institutional | false                      | 2020-01-01
"""
INSTRUMENT = """
    instrument_id|kind|base_currency|quote_currency|settlement_currency|multiplier|tick_size|lot_size|valid_from
    BTC|linear|BTC|USDT|USDT|1|0.5|0.001|2020-01-01
    ETH|linear|ETH|USDT|USDT|1|0.01|0.001|2020-01-01
"""
TIERS = """
    instrument_id | valid_from | notional_floor | maintenance_rate
    BTC           | 2020-01-01 | 0              | 0.005
    ETH           | 2020-01-01 | 0              | 0.005
"""
DEPOSITS = """
    transfer_id | ts                   | account_id | currency | isolation | amount | kind
    ta          | 2025-10-10T00:00:01Z | a          | USDT     |           | 50     | deposit
    tb          | 2025-10-10T00:00:01Z | b          | USDT     |           | 10     | deposit
    tw          | 2025-10-10T00:00:01Z | w          | USDT     |           | 50     | deposit
"""
FILL = "fill_id|trade_id|ts|account_id|instrument_id|side|price|quantity|fee|kind"


@pytest.fixture(params=["in rows", "in columns"])
def landing(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Reference data, deposits and marks of a day without fills."""
    if request.param == "in columns":
        monkeypatch.setattr("lossledger.jobs.load.columns.splits.SMALL_BYTES", 0)
    landing = tmp_path / "landing"
    deliver(landing, "currencies", "currency | scale\nUSDT | 6")
    for name, text in (("accounts", ACCOUNTS), ("instruments", INSTRUMENT), ("margin_tiers", TIERS)):
        deliver(landing, name, text)
    deliver(landing, "transfers", DEPOSITS, DAY)
    marks = (
        "ts | instrument_id | mark_price\n2025-10-10T01:00:00Z | BTC | 100\n2025-10-10T01:00:00Z | ETH | 100"
    )
    deliver(landing, "ticks", marks, DAY, "before.csv")
    (landing / "policy.yaml").write_text(POLICY)
    return landing


def rows(landing: Path, table: Table) -> list[dict[str, Any]]:
    """The published rows of the day, which is run first."""
    warehouse = landing.parent / "warehouse"
    if not warehouse.exists():
        run_dates(landing, warehouse, DAY)
    found: list[dict[str, Any]] = Warehouse(warehouse).read(table).to_pylist()
    return found


def test_trades_are_numbered_per_contract(landing: Path) -> None:
    """Trade 2 of BTC goes to the book; trade 2 of ETH, at the same instant, is the deleveraging of w against b."""
    marks = (
        "ts | instrument_id | mark_price\n2025-10-10T02:00:00Z | BTC | 45\n2025-10-10T02:00:00Z | ETH | 85"
    )
    deliver(landing, "ticks", marks, DAY, "crash.csv")
    fills = f"""
        {FILL}
        f1|1|2025-10-10T00:30:00Z|a |BTC|buy |100|1|0|normal
        f2|1|2025-10-10T00:30:00Z|mm|BTC|sell|100|1|0|normal
        f3|1|2025-10-10T00:30:00Z|b |ETH|buy |100|1|0|normal
        f4|1|2025-10-10T00:30:00Z|w |ETH|sell|100|1|0|normal
        f5|2|2025-10-10T02:00:01Z|a |BTC|sell|44 |1|0|liquidation
        f6|2|2025-10-10T02:00:01Z|mm|BTC|buy |44 |1|0|normal
        f7|2|2025-10-10T02:00:01Z|b |ETH|sell|90 |1|0|liquidation
        f8|2|2025-10-10T02:00:01Z|w |ETH|buy |90 |1|0|adl
    """
    deliver(landing, "fills", fills, DAY)
    causes = {
        (row["instrument_id"], row["component"]): row["amount"]
        for row in rows(landing, LOSS_COMPONENTS_TABLE)
        if row["component"] in ("execution", "adl")
    }
    assert causes == {("BTC", "execution"): Decimal(1), ("ETH", "adl"): Decimal(-5)}
    [loss] = rows(landing, ADL_LOSSES)
    assert (loss["account_id"], loss["amount"], loss["against_account_id"]) == ("w", Decimal(5), "b")


def test_numbers_are_ordered_as_numbers(landing: Path) -> None:
    """Long 1 at 90; 9 buys at 100, then 10 sells at 101 of an average of 95: 6 realised, 5 left at a mark of 100."""
    names = ("fill_id", "trade_id", "account_id", "side", "price")
    fills = [
        (3, 3, "a", "buy", "90"),
        (4, 3, "mm", "sell", "90"),
        (8, 9, "mm", "sell", "100"),
        (9, 9, "a", "buy", "100"),
        (10, 10, "a", "sell", "101"),
        (11, 10, "mm", "buy", "101"),
    ]
    rest = {"instrument_id": "BTC", "quantity": "1", "fee": "0", "kind": "normal"}
    folder = landing / "fills" / f"date={DAY}"
    folder.mkdir(parents=True)
    with (folder / "fills.jsonl").open("w") as file:
        for fill in fills:
            ts = "2025-10-10T00:10:00Z" if fill[0] < 8 else "2025-10-10T00:20:00.500Z"
            file.write(json.dumps({**dict(zip(names, fill, strict=True)), **rest, "ts": ts}) + "\n")
    [a] = [row for row in rows(landing, ACCOUNT_DAILY) if row["account_id"] == "a"]
    assert (a["realised_pnl"], a["unrealised_pnl"]) == (Decimal(6), Decimal(5))


def test_a_settlement_is_no_order(landing: Path) -> None:
    """A delivery price is an average of an index, off the tick; it closes what is open, and nothing stays open."""
    fills = f"""
        {FILL}
        f1|x1|2025-10-10T00:30:00Z|a|BTC|buy |100    |1.0005|0|settlement
        f2|x1|2025-10-10T00:30:00Z|w|BTC|sell|100    |1.0005|0|settlement
        s1|z1|2025-10-10T08:00:00Z|a|BTC|sell|93.0417|1.0005|0|settlement
        s2|z1|2025-10-10T08:00:00Z|w|BTC|buy |93.0417|1.0005|0|settlement
    """
    deliver(landing, "fills", fills, DAY)
    wallets = {row["account_id"]: row["closing_wallet"] for row in rows(landing, ACCOUNT_DAILY)}
    # 100.05 - round(1.0005 x 93.0417, 6) = 100.05 - 93.088221
    assert wallets == {"a": Decimal("43.038221"), "b": Decimal(10), "w": Decimal("56.961779")}
    assert rows(landing, POSITIONS_DAILY) == []
