"""From a venue's own files to published wallets, and what a landing zone cannot say of a venue."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lossledger.adapters.registry import VENUES
from lossledger.engine.errors import DataError
from lossledger.jobs.load.adapted_landing import refuse_older_edition
from lossledger.schemas.attribution import (
    ACCOUNT_DAILY,
    NEGATIVE_BALANCES,
    POSITIONS_DAILY,
    RECONCILIATION,
    TAKEOVERS,
)
from lossledger.schemas.core import Table
from lossledger.store.warehouse import Warehouse
from tests.builders import run_dates
from tests.cases import DATA

VENUE_DAYS, LIMITS = DATA.parent / "venues", DATA.parent / "limits"
USER = "0x00000000000000000000000000000000000000"


def published(landing: Path, warehouse: Path, day: date, table: Table) -> list[dict[str, Any]]:
    if not warehouse.exists():
        run_dates(landing, warehouse, day)
    rows: list[dict[str, Any]] = Warehouse(warehouse).read(table).to_pylist()
    return rows


def adapted(venue: str, folder: str, tmp_path: Path) -> Path:
    VENUES[venue](VENUE_DAYS / folder, tmp_path / "landing")
    return tmp_path / "landing"


def lines(landing: Path, dataset: str) -> Iterator[str]:
    for path in sorted((landing / dataset).rglob("data.csv")):
        yield from path.read_text().splitlines()[1:]


def test_a_deleveraged_winner_is_published_as_a_client_and_the_liquidator_as_one(tmp_path: Path) -> None:
    landing = adapted("hyperliquid-fills", "deleveraged_winner", tmp_path)
    accounts = published(landing, tmp_path / "w", date(2025, 10, 10), ACCOUNT_DAILY)
    assert {row["account_id"]: (row["account_type"], row["realised_pnl"]) for row in accounts} == {
        USER + "aa": ("client", Decimal("194.2893")),
        USER + "cc": ("liquidator", Decimal("-12.12525")),
        USER + "dd": ("client", Decimal("-182.16405")),
    }


def test_what_the_liquidator_lost_leads_to_the_client_from_whom_it_took_the_position(tmp_path: Path) -> None:
    """28.53 AVAX taken over at 22.5, before there is a mark, and handed on by deleveraging at 22.075."""
    landing = adapted("hyperliquid-fills", "deleveraged_winner", tmp_path)
    (lot,) = published(landing, tmp_path / "w", date(2025, 10, 10), TAKEOVERS)
    assert {
        name: lot[name] for name in ("from_account_id", "account_id", "closed_by", "result", "at_takeover")
    } == {
        "from_account_id": USER + "dd",
        "account_id": USER + "cc",
        "closed_by": "adl",
        "result": Decimal("-12.12525"),
        "at_takeover": None,
    }
    events = published(landing, tmp_path / "w", date(2025, 10, 10), NEGATIVE_BALANCES)
    assert [(e["deficit"], e["shortfall"]) for e in events if e["cause"] == "takeover"] == [
        (Decimal("12.12525"), Decimal("12.12525"))  # the venue delivers no fund
    ]


def test_a_landing_zone_of_an_earlier_edition_is_refused_until_it_is_adapted_anew(tmp_path: Path) -> None:
    landing, day = adapted("hyperliquid-fills", "deleveraged_winner", tmp_path), date(2025, 10, 10)
    marker = landing / "_adapter.json"
    today = marker.read_text()
    marker.write_text(json.dumps({k: v for k, v in json.loads(today).items() if k != "edition"}))
    with pytest.raises(
        DataError, match=f"anew with lossledger adapt hyperliquid-fills --source SOURCE --landing {landing}$"
    ):
        run_dates(landing, tmp_path / "w", day)
    adapted("hyperliquid-fills", "deleveraged_winner", tmp_path)
    assert marker.read_text() == today
    run_dates(landing, tmp_path / "w", day)


@pytest.mark.parametrize(
    "text", ['{"adapter": "hyperliquid-2023", "files": {}}', '["mine"]', "no JSON", "[" * 100_000]
)
def test_other_markers_are_no_matter(text: str, tmp_path: Path) -> None:
    (tmp_path / "_adapter.json").write_text(text)
    refuse_older_edition(tmp_path)


def test_a_delisted_perpetual_leaves_everybody_flat_at_the_settlement_price(tmp_path: Path) -> None:
    landing = adapted("hyperliquid-fills", "delisting", tmp_path)
    opened, settled = date(2026, 5, 14), date(2026, 5, 15)  # a second before midnight, and just after
    run_dates(landing, tmp_path / "w", opened, settled)
    accounts = published(landing, tmp_path / "w", settled, ACCOUNT_DAILY)
    wallets = {r["account_id"]: r["closing_wallet"] for r in accounts if r["business_date"] == settled}
    assert wallets == {USER + "aa": Decimal("1.13"), USER + "bb": Decimal("-1.33")}
    assert published(landing, tmp_path / "w", settled, POSITIONS_DAILY)[-1]["business_date"] == opened


def test_an_outcome_that_resolves_is_left_out_and_the_perpetuals_of_the_day_stay(tmp_path: Path) -> None:
    report = VENUES["hyperliquid-fills"](VENUE_DAYS / "outcome", tmp_path)
    assert (
        "3 fills of outcome coins (names with # or +) are out of scope and left out: #118440" in report.notes
    )
    assert report.counts["fills"] == 2


def test_funding_some_milliseconds_off_the_hour_is_paid_on_the_mark_in_force(tmp_path: Path) -> None:
    assert list(lines(adapted("binance-usdm", "funding_jitter", tmp_path), "funding")) == [
        "2026-05-05T08:00:00.011000Z,BTCUSDT,-0.00004626,94000.1",
        "2026-05-05T16:00:00.002000Z,BTCUSDT,-0.00003756,94100.2",
    ]


def test_a_unified_symbol_is_one_instrument_in_every_dataset(tmp_path: Path) -> None:
    landing = adapted("binance-usdm", "unified_symbols", tmp_path)
    assert [line.split(",")[0] for line in lines(landing, "instruments")] == ["BTCUSDT"]
    assert [line.split(",")[0] for line in lines(landing, "margin_tiers")] == ["BTCUSDT"]
    assert [line.split(",")[1] for name in ("ticks", "funding") for line in lines(landing, name)] == [
        "BTCUSDT"
    ] * 2


@pytest.mark.parametrize(
    ("limit", "day", "published_break"),
    [
        ("value_rounded_per_contract", date(2021, 5, 10), Decimal("0.00048668")),
        ("hedge_mode", date(2025, 10, 10), Decimal(-10)),
    ],
)
def test_what_the_input_cannot_say_is_published_as_a_break_of_the_delivered_balance(
    tmp_path: Path, limit: str, day: date, published_break: Decimal
) -> None:
    shutil.copytree(LIMITS / limit, tmp_path / "landing")
    rows = published(tmp_path / "landing", tmp_path / "w", day, RECONCILIATION)
    assert [row["break"] for row in rows if row["rule"] == "venue_account_balance"] == [published_break]


def test_a_fee_in_another_currency_is_a_transfer_and_no_fee(tmp_path: Path) -> None:
    shutil.copytree(LIMITS / "fee_in_another_currency", tmp_path / "landing")
    day = date(2025, 10, 10)
    accounts = published(tmp_path / "landing", tmp_path / "w", day, ACCOUNT_DAILY)
    assert {row["fees"] for row in accounts} == {0}
    (event,) = published(tmp_path / "landing", tmp_path / "w", day, NEGATIVE_BALANCES)
    assert (event["currency"], event["cause"], event["protected"], event["deficit"]) == (
        "BNB",
        "transfer",
        False,
        Decimal("0.00001"),
    )
