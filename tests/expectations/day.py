"""A small day by hand on which every rule holds, and ways to spoil it.

USD has 18 decimals, so the last digit that a table can hold is money. Alice is liquidated and falls 30 below zero:
the fund pays 10, Bob and Carol the other 20. Eve is liquidated and leaves 4 to the fund. Dave, whom nobody protects,
owes 10. EUR sees nothing. After her loss Alice moves 1 in and out. The liquidator lq held 6 ETH of yesterday and takes
3 from Eve; of the 6 it closes 2 for a gain of 3 and 3, by deleveraging, for a loss of 2, and it pays a funding of 1:
all of that is the fund's. A lot of an earlier simulation is open all the while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lossledger.schemas.attribution import COMPARED_RULES
from lossledger.schemas.attribution import TABLES as ATTRIBUTION
from lossledger.schemas.core import Column, Table, Type
from lossledger.schemas.registry import PUBLISHED
from lossledger.store.arrow import arrow_schema

DAY = date(2025, 10, 10)
TINY = Decimal("1e-18")
SIMULATED_LOT = "lot-00112233445566778899"
Row = dict[str, Any]
Rows = dict[str, list[Row]]
Spoil = Callable[[Rows], None]


def at(hour: int, day: int = 10) -> datetime:
    return datetime(2025, 10, day, hour, tzinfo=UTC)


def _rows(columns: str, *rows: tuple[Any, ...], **constants: Any) -> list[Row]:
    return [constants | dict(zip(columns.split(), row, strict=True)) for row in rows]


def good_day() -> Rows:
    """The rows of every table; what a row leaves out is zero, empty or null."""
    usd = {"currency": "USD"}
    return {
        "insurance_fund_daily": _rows(
            "currency opening external liquidation_fees surplus takeover_gains takeover_funding draws closing lowest "
            "draw_count",
            ("USD", 5, 2, 1, 4, 3, -1, -12, 2, 2, 2),
            ("EUR", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ),
        "insurance_fund_ledger": _rows(
            "seq ts kind amount balance ref",
            (1, at(1), "injection", 2, 7, "m1"),
            (2, at(1), "takeover_funding", -1, 6, "ETH"),
            (3, at(1), "takeover_gain", 3, 9, "k1"),
            (4, at(1), "draw", -2, 7, "N-lq"),
            (5, at(2), "liquidation_fee", 1, 8, "f1"),
            (6, at(2), "surplus", 4, 12, "L-eve"),
            (7, at(3), "draw", -10, 2, "N-alice"),
            **usd,
        ),
        "session_losses": _rows(
            "currency unprotected_deficit deficit takeover_deficit fund_draw shortfall socialised basis_total payers "
            "adl_loss",
            ("USD", 7, 32, 2, 12, 20, 20, 80, 2, 6),
            ("EUR", 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ),
        "socialised_losses": _rows("account_id basis charge", ("bob", 60, 15), ("carol", 20, 5), **usd),
        "protection_daily": _rows(
            "account_id events deficit fund_draw shortfall", ("alice", 1, 30, 10, 20), **usd
        ),
        "adl_losses": _rows(
            "fill_id account_id instrument_id ts amount",
            ("f8", "bob", "ETH", at(1), 0),
            ("f9", "bob", "BTC", at(3), 6),
            **usd,
        ),
        "liquidations": _rows(
            "episode_id account_id triggered_at first_execution_at ended_at end_reason "
            "equity_at_trigger maintenance_margin_at_trigger terminal_equity surplus deficit",
            ("L-alice", "alice", at(2), at(3), at(3), "flat", 5, 10, -30, 0, 30),
            ("L-eve", "eve", at(2), at(2), at(2), "flat", 6, 8, 4, 4, 0),
            **usd,
        ),
        "liquidation_positions": _rows(
            "episode_id quantity entry_value mark_price maintenance_margin "
            "liquidation_fills filled_quantity filled_value",
            ("L-alice", 1, 130, 135, 10, 1, 1, 101),
            ("L-eve", 1, 50, 44, 8, 1, 1, 42),
            instrument_id="BTC",
        ),
        "loss_components": _rows(
            "episode_id component instrument_id amount",
            ("L-alice", "cushion", None, -10),
            ("L-alice", "gap_in_cushion", None, 5),
            ("L-alice", "market_move", "BTC", 34),
            ("L-alice", "fees", "BTC", 1),
            ("L-eve", "cushion", None, -8),
            ("L-eve", "gap_in_cushion", None, 2),
            ("L-eve", "market_move", "BTC", 2),
        ),
        "negative_balances": _rows(
            "event_id account_id client_class ts cause episode_id protected deficit fund_draw shortfall",
            ("N-alice", "alice", "retail", at(3), "liquidation", "L-alice", True, 30, 10, 20),
            ("N-dave", "dave", "professional", at(4), "trading", None, False, 7, 0, 0),
            ("N-lq", "lq", "institutional", at(1), "takeover", None, True, 2, 2, 0),
            **usd,
        ),
        "account_daily": _rows(
            "account_id opening_wallet transfers realised_pnl fees funding negative_balance_reset "
            "surplus_forfeited socialised_charge closing_wallet opening_unrealised_pnl unrealised_pnl equity",
            ("alice", 100, 0, -129, 1, 0, 30, 0, 0, 0, 0, 0, 0),
            ("bob", 40, 5, 30, 2, 3, 0, 0, 6, 70, -40, -10, 60),
            ("carol", 0, 5, 20, 0, 0, 0, 0, 0, 25, 0, 0, 25),
            ("dave", -3, 0, -7, 0, 0, 0, 0, 0, -10, 0, 0, -10),
            ("eve", 50, 0, -45, 1, 0, 0, 4, 0, 0, 0, 0, 0),
            **usd,
        )
        + _rows(
            "account_id account_type opening_wallet realised_pnl closing_wallet opening_unrealised_pnl "
            "unrealised_pnl equity",
            ("maker", "house", 500, 200, 700, 40, 10, 710),
            **usd,
        )
        + _rows(
            "account_id account_type opening_wallet transfers realised_pnl fees funding fund_settlement "
            "closing_wallet opening_unrealised_pnl unrealised_pnl equity",
            ("lq", "liquidator", 100, 5, 3, 2, -1, 0, 105, 1, 2, 107),
            **usd,
        ),
        "takeovers": _rows(
            "close_fill_id closed_by quantity open_value close_value fees result at_takeover market_move execution "
            "event_id",
            ("g1", "market", 2, 20, 24, 1, 3, 1, 2, 1, None),
            ("g2", "adl", 3, 30, 29, 1, -2, None, None, None, "N-lq"),
            lot_id="k1",
            account_id="lq",
            instrument_id="ETH",
            opened_at=at(9, 9),
            closed_at=at(1),
            **usd,
        ),
        "takeover_inventory": [
            _lot_of_a_simulation(),
            *_rows(
                "lot_id episode_id from_account_id from_isolation opened_at quantity open_value open_fee "
                "mark_price unrealised_result",
                ("k1", None, None, None, at(9, 9), 1, 10, 1, 10, 0),
                ("k2", "L-eve", "eve", "", at(2), 3, 28, 1, 10, 2),
                account_id="lq",
                instrument_id="ETH",
                **usd,
            ),
        ],
        "positions_daily": _rows(
            "account_id quantity entry_value", ("bob", 2, 100), ("maker", -2, 100), instrument_id="BTC", **usd
        )
        + _rows("account_id quantity entry_value", ("lq", 4, 38), instrument_id="ETH", **usd),
        "receivables_daily": _rows(
            "account_id opening_debt new_debt recovered closing_debt", ("dave", 3, 7, 0, 10), **usd
        ),
        "reconciliation": _rows(
            "rule key expected actual independent",
            ("account_roll_forward", "USD", 890, 890, False),
            ("account_roll_forward", "EUR", 0, 0, False),
            ("components", "USD", 26, 26, False),
            ("components", "EUR", 0, 0, False),
            ("fund_roll_forward", "USD", 2, 2, False),
            ("fund_roll_forward", "EUR", 0, 0, False),
            ("position_zero_sum", "BTC", 0, 0, True),
            ("waterfall", "USD", 32, 32, False),
            ("waterfall", "EUR", 0, 0, False),
        ),
        "rule_comparison": _rows(
            "rule account_id account_type chargeable charge",
            ("session_profit_prorata", "bob", "client", 60, 15),
            ("session_profit_prorata", "carol", "client", 25, 5),
            ("equity_prorata", "bob", "client", 60, 20),
            ("session_profit_floor", "bob", "client", 60, 22),
            ("open_interest_prorata", "eve", "client", 0, 20),
            ("adl_queue", "maker", "house", 710, 12),
            **usd,
        ),
        "rule_totals": _rows(
            "rule charged to_fund uncovered beyond_chargeable payers",
            ("session_profit_prorata", 20, 0, 0, 0, 2),
            ("equity_prorata", 20, 0, 0, 0, 1),
            ("session_profit_floor", 22, 2, 0, 0, 1),
            ("open_interest_prorata", 20, 0, 0, 20, 1),
            ("adl_queue", 12, 0, 8, 0, 1),
            shortfall=20,
            **usd,
        ),
        "previous_insurance_fund_daily": _rows("closing", (5,), **usd),
        "previous_account_daily": _rows(
            "account_id closing_wallet unrealised_pnl",
            ("alice", 100, 0),
            ("bob", 40, -40),
            ("dave", -3, 0),
            ("eve", 50, 0),
            ("maker", 500, 40),
            ("lq", 100, 1),
            **usd,
        ),
        "previous_receivables_daily": _rows("account_id closing_debt", ("dave", 3), **usd),
        "previous_socialised_losses": _rows("account_id charge", ("bob", 6), **usd),
        "previous_takeover_inventory": [
            _lot_of_a_simulation(),
            *_rows(
                "lot_id account_id instrument_id opened_at quantity open_value open_fee",
                ("k1", "lq", "ETH", at(9, 9), 6, 60, 2),
                **usd,
            ),
        ],
        "session": [
            {"session_start": at(0), "session_end": at(0, 11), "first_date": False, "drawn_at": None}
        ],
        "compared_rules": [{"rule": rule} for rule in COMPARED_RULES],
        "accounts": _rows(
            "account_id account_type",
            *((name, "client") for name in ("alice", "bob", "carol", "dave", "eve")),
            ("maker", "house"),
            ("lq", "liquidator"),
        ),
        "currencies": _rows("currency ledger_unit", ("USD", TINY), ("EUR", Decimal("0.01"))),
        "fund_floors": _rows("ts fund_floor", (at(1), 2), (at(3), 2), (at(4), 2), draw_rule="partial", **usd),
        "transfers": _rows(
            "account_id ts amount",
            ("alice", at(5), 1),
            ("alice", at(6), -1),
            ("lq", at(0), 5),
            isolation="",
            **usd,
        ),
    }


def _lot_of_a_simulation() -> Row:
    """Of an account that no one declared, and of no unit."""
    return {
        "lot_id": SIMULATED_LOT,
        "episode_id": "L-old",
        "from_account_id": "dave",
        "from_isolation": "",
        "account_id": "liquidator",
        "instrument_id": "ETH",
        "opened_at": at(8, 9),
        "quantity": -1,
        "open_value": 9,
        "currency": "USD",
    }


_MONEY, _TIME = pa.decimal128(38, 18), pa.timestamp("us", tz="UTC")
_BESIDE = {
    "session": {"session_start": _TIME, "session_end": _TIME, "first_date": pa.bool_(), "drawn_at": _TIME},
    "compared_rules": {"rule": pa.string()},
    "accounts": {"account_id": pa.string(), "account_type": pa.string()},
    "currencies": {"currency": pa.string(), "ledger_unit": _MONEY},
    "fund_floors": {"currency": pa.string(), "ts": _TIME, "fund_floor": _MONEY, "draw_rule": pa.string()},
    "transfers": {
        "account_id": pa.string(),
        "currency": pa.string(),
        "isolation": pa.string(),
        "ts": _TIME,
        "amount": _MONEY,
    },
}
_DEFAULTS = {Type.DECIMAL: 0, Type.INTEGER: 0, Type.BOOLEAN: False, Type.TIME: at(3), Type.DATE: DAY}


def to_tables(rows: Rows) -> dict[str, pa.Table]:
    """The day as the checks get it."""
    declared = {t.name: t for t in ATTRIBUTION}
    tables = {}
    for name, found in rows.items():
        if name in _BESIDE:
            tables[name] = _arrow(pa.schema(_BESIDE[name].items()), found)
        else:
            table = declared[name.removeprefix("previous_")]
            full = [
                {c.name: row.get(c.name, _default(table, c, row)) for c in table.columns} for row in found
            ]
            tables[name] = _arrow(arrow_schema(table), full)
    return tables


def _default(table: Table, column: Column, row: Row) -> Any:
    if column.name == "break":
        return None if row["actual"] is None else row["actual"] - row["expected"]
    if column.nullable:
        return None
    if column.type is Type.TEXT:
        return column.values[0] if column.values else ""
    return _DEFAULTS[column.type]


def _arrow(schema: pa.Schema, rows: list[Row]) -> pa.Table:
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if pa.types.is_decimal(field.type):
            values = [None if v is None else Decimal(v) for v in values]
        columns.append(pa.array(values, field.type))
    return pa.table(columns, names=schema.names)


def change(table: str, where: Mapping[str, Any] | str, **changes: Any) -> Spoil:
    """Set columns of the matching rows; a callable gets the old value. `where` as text is an account or currency."""

    def spoil(rows: Rows) -> None:
        found = [row for row in rows[table] if _matches(row, where)]
        assert found, (table, where)
        for row in found:
            for column, value in changes.items():
                row[column] = value(row.get(column, 0)) if callable(value) else value

    return spoil


def drop(table: str, where: Mapping[str, Any] | str) -> Spoil:
    def spoil(rows: Rows) -> None:
        kept = [row for row in rows[table] if not _matches(row, where)]
        assert len(kept) < len(rows[table]), (table, where)
        rows[table] = kept

    return spoil


def add(table: str, **row: Any) -> Spoil:
    return lambda rows: rows[table].append(row)


def both(first: Spoil, second: Spoil) -> Spoil:
    def spoil(rows: Rows) -> None:
        first(rows)
        second(rows)

    return spoil


def more(value: Any) -> Decimal:
    """The least that an amount can be off: the 18th decimal."""
    return Decimal(value) + TINY


def less(value: Any) -> Decimal:
    return Decimal(value) - TINY


def _matches(row: Row, where: Mapping[str, Any] | str) -> bool:
    if isinstance(where, str):
        return where in row.values()
    return all(row.get(column) == value for column, value in where.items())


assert set(COMPARED_RULES) == {row["rule"] for row in good_day()["rule_totals"]}
assert {name.split(".")[1] for name in PUBLISHED} <= set(good_day())
