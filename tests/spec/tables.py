"""Small tables in, small tables out: a session written as text, replayed and attributed by the engine alone.

The session is the UTC day 2025-10-10, the first of its ledger, or the second when there are events of the day
before. Tables are written with `|` between columns; an empty cell is null. `session()` takes the events of all
accounts, `expect()` compares the columns that a table names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from engine.attribution import Session, adl_rows, attribute, check_rows
from engine.clock import day_start_us
from engine.events import Account, AccountVersion, Fill, Funding, Market, TickSeries, Transfer, UnitKey
from engine.intake.parsing import parse_decimal_e18
from engine.intake.policy import Policy, parse_policy
from engine.numbers import E18, e18_to_units
from engine.rows import SessionRows
from engine.rules.comparison_tables import comparison_rows, shortfall_instants
from engine.rules.contracts import Contract
from engine.rules.fund import ExternalMovement, run_waterfall
from engine.rules.margin import TierHistory, TierTable
from engine.rules.order import replay_units
from engine.rules.reconcile import Check, currency_checks, liquidation_checks, market_checks
from engine.rules.unit_rows import remember_marks
from engine.rules.units import UnitInput
from engine.versions import Versions
from schemas.core import Type
from schemas.registry import PUBLISHED

Cells = dict[str, str]
DAY = date(2025, 10, 10)
BEGINNING = -(1 << 62)
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

    def replay(self, snapshots: list[int]) -> SessionRows:
        for unit in self.units.values():
            unit.snapshots = snapshots
        return replay_units(self.units.values(), self.market, self.policy, self.start)

    def go_on_from(self, before: "Book") -> None:
        """Carry over units, positions, open episodes and marks of the day before, but no charges and no fund."""
        rows = before.replay([])
        self.start = day_start_us(DAY)
        self.market.opening_marks = before.market.closing_marks()
        self.accounts |= {a: x for a, x in before.accounts.items() if a not in self.accounts}
        for done in rows.unit_sessions:
            key = UnitKey(done.account_id, done.currency, done.isolation)
            unit = self.units.setdefault(key, UnitInput(key, self.accounts[key.account_id]))
            unit.wallet, unit.debt, unit.unrealised = (
                done.closing_wallet, done.closing_debt, done.closing_unrealised,
            )  # fmt: skip
            unit.open_episode = remember_marks(done, before.market, before.start).open_episode
        for p in rows.unit_positions:
            held = (p.instrument_id, p.quantity_e18, p.entry_value)
            self.units[UnitKey(p.account_id, p.currency, p.isolation)].positions.append(held)

    def charge(self, charged: Mapping[tuple[str, str], str]) -> None:
        """What the day before charged is booked at its end, by account and isolation."""
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
        book.go_on_from(_book(before, DAY - timedelta(days=1), *world))
        book.charge(charged or {})
    rows = book.replay([])
    start, end = book.policy.session_bounds(DAY)
    waterfall = run_waterfall(
        book.currencies,
        {} if before else None,
        book.movements,
        rows.fund_movements,
        rows.negative_balances,
        book.policy,
        end,
    )
    done = Session(DAY, start, end, book.policy, book.currencies, book.accounts, rows, waterfall)
    tables = attribute(done)
    tables["adl_losses"] = adl_rows(done, {})
    snapshots = book.replay(shortfall_instants(done)).snapshots
    tables["rule_comparison"], tables["rule_totals"] = comparison_rows(done, snapshots)
    tables["reconciliation"] = check_rows(_checks(done, book))
    charges = {
        (key.account_id, key.isolation): _decimal(done.money(key.currency, amount))
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


def _checks(done: Session, book: Book) -> list[Check]:
    """The reconciliations that need nothing but what was replayed."""
    rows = done.rows
    checks = currency_checks(
        done.scales, rows.unit_sessions, done.waterfall, done.losses, rows.episodes, rows.components
    )
    if done.terms.execution == "recorded":
        checks += market_checks(book.market.contracts, rows.unit_positions, rows.funding_totals)
        opened = sum(unit.open_episode is not None for unit in rows.unit_sessions)
        checks += liquidation_checks(rows.episodes, opened)
    return checks


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
        _add_event(book, row, day, account_id, f"{number:03}")
    _mark_deleveraging(book)
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
        mine = [step for step in steps if step["instrument"] == name] or HALF_PERCENT
        table = TierTable(
            [(parse_decimal_e18(s["floor"]), parse_decimal_e18(s["rate"])) for s in mine], scale
        )
        market.tiers[name] = TierHistory(name, {0: table})
    return market


def _mark_deleveraging(book: Book) -> None:
    """Liquidation fills against which somebody was deleveraged (rules.md section 12)."""
    fills = [fill for unit in book.units.values() for fill in unit.fills]
    adl = {(fill.trade_id, fill.ts) for fill in fills if fill.kind == "adl"}
    for unit in book.units.values():
        unit.fills = [
            f._replace(met_by_adl=f.kind == "liquidation" and (f.trade_id, f.ts) in adl) for f in unit.fills
        ]


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
