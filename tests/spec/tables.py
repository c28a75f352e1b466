"""Small tables in, small tables out: a session written as text, replayed and attributed by the engine alone.

The session is the UTC day 2025-10-10, the first of its ledger, or the second when there are events of the day
before. Tables are written with `|` between columns; an empty cell is null. `session()` takes the events of all
accounts, `expect()` compares the columns that a table names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from lossledger.engine.clock import day_start_us
from lossledger.engine.events import (
    Account,
    AccountVersion,
    Fill,
    Funding,
    Market,
    TickSeries,
    Transfer,
    UnitKey,
)
from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.engine.intake.policy import Policy, parse_policy
from lossledger.engine.numbers import E18, e18_to_units
from lossledger.engine.rows import OpenLot
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.counterparts import mark_counterparts, origins_of
from lossledger.engine.rules.fund import ExternalMovement
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.session import BEGINNING, SessionInput, carry_over, replay_session, run_session
from lossledger.engine.tables.reconciliation import check_rows, replay_checks
from lossledger.engine.versions import Versions
from lossledger.schemas.core import Type
from lossledger.schemas.registry import PUBLISHED

Cells = dict[str, str]
DAY = date(2025, 10, 10)
ONE_PERPETUAL = """
    instrument | kind   | currency | multiplier | tick_size
    P          | linear | USD      | 1          | 0.1
"""
HALF_PERCENT = [{"floor": "0", "rate": "0.005"}]
FILLS = {"fill": "normal", "liquidation": "liquidation", "adl": "adl"}


def parse(text: str) -> list[Cells]:
    """The rows of a text table; cells left out at the end of a line are empty."""
    header, *lines = [
        [cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.strip()
    ]
    return [dict(zip(header, line + [""] * (len(header) - len(line)), strict=True)) for line in lines]


def instant(text: str, day: date = DAY) -> int:
    """HH:MM[:SS[.ffffff]] of a day, in microseconds."""
    hours, minutes, seconds = (text + ":0").split(":")[:3]
    micros = parse_decimal_e18(seconds) // 10**12
    return day_start_us(day) + (int(hours) * 60 + int(minutes)) * 60_000_000 + micros


@dataclass
class Book:
    """The events of a text table, ready to be replayed."""

    currencies: Mapping[str, int]
    market: Market
    policy: Policy
    accounts: dict[str, Account]
    units: dict[UnitKey, UnitInput]
    movements: list[ExternalMovement]
    start: int = BEGINNING
    fund: Mapping[str, int] | None = None
    lots: list[OpenLot] = field(default_factory=list)

    def given(self, day: date) -> SessionInput:
        """The book as a session of a day."""
        _, end = self.policy.session_bounds(day)
        units = list(self.units.values())
        fills = [(key, fill) for key, unit in self.units.items() for fill in unit.fills]
        return SessionInput(
            day, self.start, end, self.policy, self.currencies, self.accounts, self.market, units,
            self.movements, self.fund, origins=origins_of(fills, self.accounts), lots=self.lots,
        )  # fmt: skip

    def go_on_from(self, before: SessionInput, charged: Mapping[tuple[str, str], str]) -> None:
        """Carry over units, positions, open episodes and marks of the day before, and book what it charged."""
        _, carried = replay_session(before, replay_units)
        self.start, self.fund, self.lots = before.end, {}, carried.simulated_lots
        self.market.opening_marks = carried.marks
        self.accounts |= {a: x for a, x in before.accounts.items() if a not in self.accounts}
        carry_over(self.units, carried, self.accounts)
        for key, unit in self.units.items():
            amount = parse_decimal_e18(charged.get((key.account_id, key.isolation), "0"))
            unit.charge, unit.charge_at = e18_to_units(amount, self.currencies[key.currency]), self.start


@dataclass
class Result:
    """The published rows of the session by table, decimals and times as text, and what units were charged."""

    tables: dict[str, list[Cells]]
    charges: dict[tuple[str, str], str]


def session(
    events: str,
    *,
    before: str = "",
    charged: Mapping[tuple[str, str], str] | None = None,
    instruments: str = ONE_PERPETUAL,
    tiers: str = "instrument | floor | rate",
    accounts: str = "account | type | protected",
    currencies: Mapping[str, int] | None = None,
    later: Sequence[Mapping[str, object]] = (),
    **policy: object,
) -> Result:
    """Replay and attribute.

    Accounts are protected retail clients and margin is half a percent, where a table does not say otherwise.
    `before`: events of the day before, whose state is carried over. `charged`: what that day charged (`charges` of its
    Result), to be booked at its end. `later`: further entries of the policy.
    """
    terms = parse_policy([{"valid_from": "2020-01-01", **policy}, *later])
    world = (instruments, tiers, accounts, currencies or {"USD": 2}, terms)
    book = _book(events, DAY, *world)
    if before:
        earlier = DAY - timedelta(days=1)
        book.go_on_from(_book(before, earlier, *world).given(earlier), charged or {})
    done = run_session(book.given(DAY), replay_units)
    tables = done.tables
    tables["reconciliation"] = check_rows(replay_checks(done.session, done.losses, book.market))
    charges = {
        (key.account_id, key.isolation): _decimal(done.session.money(key.currency, amount))
        for key, amount in sorted(done.charges.items())
    }
    return Result({name: [_cells(name, row) for row in rows] for name, rows in tables.items()}, charges)


def expect(result: Result, table: str, text: str) -> None:
    """AssertionError unless the table has just these rows, in any order, in the columns that the text names."""
    expected = parse(text)
    header = [cell.strip() for cell in next(line for line in text.splitlines() if line.strip()).split("|")]
    actual = [{name: row[name] for name in header} for row in result.tables[table]]
    left, right = ("\n".join(sorted(" | ".join(row.values()) for row in rows)) for rows in (expected, actual))
    assert left == right, f"{table} ({' | '.join(header)})\nexpected:\n{left}\nactual:\n{right}"


def _book(
    events: str,
    day: date,
    instruments: str,
    tiers: str,
    accounts: str,
    scales: Mapping[str, int],
    policy: Policy,
) -> Book:
    book = Book(scales, _market(instruments, tiers, scales), policy, {}, {}, [])
    known = {row["account"]: row for row in parse(accounts)}
    for number, row in enumerate(parse(events), 1):
        account_id = row.get("account") or "a"
        if account_id not in book.accounts:
            book.accounts[account_id] = _account(account_id, known.get(account_id, {}))
        _add_event(book, row, day, account_id, row.get("id") or f"{number:03}")
    _mark_counterparts(book)
    for series in book.market.ticks.values():
        assert series.ts == sorted(set(series.ts)), "ticks are written in the order of time"
    return book


def _account(account_id: str, row: Mapping[str, str]) -> Account:
    protected = row.get("protected", "true") == "true"
    return Account(
        account_id, row.get("type", "client"), Versions([(0, AccountVersion("retail", protected))])
    )


def _market(instruments: str, tiers: str, scales: Mapping[str, int]) -> Market:
    market = Market({}, {}, {})
    steps = parse(tiers)
    for row in parse(instruments):
        name, scale = row["instrument"], scales[row["currency"]]
        multiplier = parse_decimal_e18(row["multiplier"])
        market.contracts[name] = Contract(name, row["kind"], row["currency"], scale, multiplier)
        market.tick_sizes[name] = Versions([(0, parse_decimal_e18(row["tick_size"]))])
        market.lot_sizes[name] = Versions([(0, parse_decimal_e18(row.get("lot_size") or "0.001"))])
        mine = [step for step in steps if step["instrument"] == name] or HALF_PERCENT
        table = TierTable(
            [(parse_decimal_e18(s["floor"]), parse_decimal_e18(s["rate"])) for s in mine], scale
        )
        market.tiers[name] = TierHistory(name, {0: table})
    return market


def _mark_counterparts(book: Book) -> None:
    """Fills against which somebody was deleveraged, or a liquidator stood (rules.md sections 12 and 15)."""
    fills = mark_counterparts(
        [(key, fill) for key, unit in book.units.items() for fill in unit.fills], book.accounts
    )
    for key, unit in book.units.items():
        unit.fills = [fill for of, fill in fills if of == key]


def _add_event(book: Book, row: Mapping[str, str], day: date, account_id: str, number: str) -> None:
    ts, event = instant(row["time"], day), row["event"]
    instrument_id = row.get("instrument") or next(iter(book.market.contracts))
    currency = row.get("currency") or book.market.contracts[instrument_id].currency
    price = parse_decimal_e18(row.get("price") or 0)
    amount = e18_to_units(parse_decimal_e18(row.get("amount") or 0), book.currencies[currency])
    if event == "tick":
        series = book.market.ticks.setdefault(instrument_id, TickSeries())
        series.ts.append(ts)
        series.mark.append(price)
        series.bid.append(parse_decimal_e18(row["bid"]) if row.get("bid") else None)
        series.ask.append(parse_decimal_e18(row["ask"]) if row.get("ask") else None)
    elif event == "funding":
        rate = parse_decimal_e18(row["rate"])
        book.market.funding.setdefault(instrument_id, []).append(Funding(ts, rate, price))
    elif event == "fund":
        book.movements.append(ExternalMovement(ts, number, currency, "opening", amount))
    else:
        key = UnitKey(account_id, currency, row.get("isolation", ""))
        unit = book.units.setdefault(key, UnitInput(key, book.accounts[account_id]))
        if event == "transfer":
            unit.transfers.append(Transfer(ts, number, amount))
            return
        side, quantity = (1 if row["side"] == "buy" else -1), parse_decimal_e18(row["quantity"])
        fee = e18_to_units(parse_decimal_e18(row.get("fee") or 0), book.currencies[currency])
        trade_id = row.get("trade") or number
        fill = Fill(ts, number, trade_id, instrument_id, side, price, quantity, fee, FILLS[event])
        unit.fills.append(fill)


def _cells(table: str, row: Mapping[str, Any]) -> Cells:
    types = {column.name: column.type for column in PUBLISHED[f"attribution.{table}"].columns}
    return {name: _cell(value, types[name]) for name, value in row.items()}


def _cell(value: Any, kind: Type) -> str:
    if value is None:
        return ""
    if kind is Type.DECIMAL:
        return _decimal(value)
    if kind is Type.TIME:
        seconds = (value - day_start_us(DAY)) // 1_000_000
        text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return text.removesuffix(":00")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decimal(value_e18: int) -> str:
    whole, rest = divmod(abs(value_e18), E18)
    fraction = f"{rest:018}".rstrip("0")
    return ("-" if value_e18 < 0 else "") + f"{whole}" + (f".{fraction}" if fraction else "")
