"""Every reason for which a delivered row is not taken (inputs.md, "Bad input")."""

from dataclasses import replace
from datetime import date

import pytest

from lossledger.engine.intake.judge import (
    InstrumentVersion,
    Intake,
    RawRow,
    Reference,
    bad_margin_tables,
    take_in,
)
from lossledger.engine.intake.keys import reject_changed_versions, settle_keys
from lossledger.engine.intake.parsing import parse_time_us
from lossledger.engine.numbers import E18
from lossledger.engine.versions import Versions
from lossledger.schemas.inputs import DATASETS
from tests.spec.tables import parse

DAY = date(2025, 10, 10)
LATER = parse_time_us("2025-10-10T12:00:00Z")
KNOWN = Reference(
    scales={"USD": 2, "BTC": 8},
    settlement={"P": "USD", "I": "BTC", "N": "USD"},
    instruments={
        "P": Versions([(0, InstrumentVersion(E18 // 2, E18 // 10)), (LATER, InstrumentVersion(E18, E18))]),
        "I": Versions([(0, InstrumentVersion(E18 // 2, E18))]),
        "N": Versions([(LATER, InstrumentVersion(E18, E18))]),
    },
    accounts={"a": 0, "new": LATER},
)
GOOD = {
    "currencies": {"currency": "EUR", "scale": "2"},
    "instruments": {
        "instrument_id": "X",
        "kind": "linear",
        "base_currency": "BTC",
        "quote_currency": "USD",
        "settlement_currency": "USD",
        "multiplier": "1",
        "tick_size": "0.5",
        "lot_size": "1",
        "valid_from": "2020-01-01",
    },
    "margin_tiers": {
        "instrument_id": "P",
        "valid_from": "2020-01-01",
        "notional_floor": "0",
        "maintenance_rate": "0.01",
    },
    "accounts": {
        "account_id": "b",
        "account_type": "client",
        "client_class": "retail",
        "negative_balance_protected": "true",
        "valid_from": "2020-01-01",
    },
    "transfers": {
        "transfer_id": "t",
        "ts": "2025-10-10T08:00:00Z",
        "account_id": "a",
        "currency": "USD",
        "isolation": "",
        "amount": "1.50",
        "kind": "deposit",
    },
    "fills": {
        "fill_id": "f",
        "trade_id": "x",
        "ts": "2025-10-10T08:00:00Z",
        "account_id": "a",
        "instrument_id": "P",
        "isolated": "false",
        "side": "buy",
        "price": "100.5",
        "quantity": "0.1",
        "fee": "-0.01",
        "kind": "normal",
    },
    "ticks": {
        "ts": "2025-10-10T08:00:00Z",
        "instrument_id": "P",
        "mark_price": "100.123",
        "index_price": "",
        "bid": "",
        "ask": "",
    },
    "funding": {"ts": "2025-10-10T08:00:00Z", "instrument_id": "P", "rate": "-0.0001", "price": "100"},
    "fund_movements": {
        "movement_id": "m",
        "ts": "2025-10-10T08:00:00Z",
        "currency": "USD",
        "amount": "-5",
        "kind": "withdrawal",
    },
}
BAD = parse("""
    dataset        | column              | delivered            | reasons
    currencies     | currency            |                      | missing currency
    currencies     | scale               | 2.5                  | unparsable scale
    currencies     | scale               | 19                   | scale is not between 0 and 18
    currencies     | scale               | -1                   | scale is not between 0 and 18
    instruments    | kind                | spot                 | unknown kind 'spot'
    instruments    | settlement_currency | EUR                  | unknown currency
    instruments    | multiplier          | 0                    | multiplier <= 0
    instruments    | tick_size           | -0.5                 | tick_size <= 0
    instruments    | lot_size            | 0.0                  | lot_size <= 0
    instruments    | valid_from          | yesterday            | unparsable valid_from
    instruments    | valid_from          | 1577836800000        | unparsable valid_from
    margin_tiers   | valid_from          | 1577836800           | unparsable valid_from
    accounts       | valid_from          | 0                    | unparsable valid_from
    transfers      | ts                  | 1760083200000        | unparsable ts
    margin_tiers   | instrument_id       | Q                    | unknown instrument
    margin_tiers   | maintenance_rate    | NaN                  | unparsable maintenance_rate
    accounts       | account_type        | robot                | unknown account_type 'robot'
    accounts       | client_class        | Retail               | unknown client_class 'Retail'
    accounts       | negative_balance_protected | yes                  | unparsable negative_balance_protected
    transfers      | transfer_id         |                      | missing transfer_id
    transfers      | ts                  | 2025-10-10T08:00:00  | unparsable ts
    transfers      | ts                  | 2025-10-11T00:00:00Z | timestamp outside its folder's date
    transfers      | ts                  | 2025-10-09T23:59:59.999999Z | timestamp outside its folder's date
    transfers      | account_id          | z                    | unknown account
    transfers      | account_id          | new                  | unknown account
    transfers      | currency            | EUR                  | unknown currency
    transfers      | isolation           | Q                    | isolation is no instrument
    transfers      | isolation           | N                    | isolation is no instrument
    transfers      | isolation           | I                    | isolation settles in another currency
    transfers      | amount              | 0.001                | amount finer than a ledger unit (USD, scale 2)
    transfers      | amount              | Infinity             | unparsable amount
    transfers      | amount              | 1,5                  | unparsable amount
    fills          | instrument_id       | Q                    | unknown instrument
    fills          | instrument_id       | N                    | unknown instrument
    fills          | side                | long                 | unknown side 'long'
    fills          | price               | 0                    | price <= 0
    fills          | price               | 100.25               | price off the tick size
    fills          | quantity            | -0.1                 | quantity <= 0
    fills          | quantity            | 0.15                 | quantity off the lot size
    fills          | fee                 | 0.005                | fee finer than a ledger unit (USD, scale 2)
    fills          | kind                | trade                | unknown kind 'trade'
    fills          | isolated            | 1                    | unparsable isolated
    ticks          | mark_price          | 0                    | mark_price <= 0
    ticks          | index_price         | -1                   | index_price <= 0
    ticks          | bid                 | 0                    | bid <= 0
    ticks          | ask                 | x                    | unparsable ask
    funding        | rate                |                      | missing rate
    funding        | price               | 0                    | price <= 0
    fund_movements | kind                | gift                 | unknown kind 'gift'
    fund_movements | amount              | 1e-3                 | amount finer than a ledger unit (USD, scale 2)
""")


@pytest.mark.parametrize("name", GOOD)
def test_good_rows_are_taken(name: str) -> None:
    taken = take_in(DATASETS[name], [raw(1, **GOOD[name])], KNOWN, DAY)
    assert (len(taken.rows), taken.rejected) == (1, [])


@pytest.mark.parametrize(
    "case", BAD, ids=lambda c: f"{c['dataset']} {c['column']} {c['delivered'] or 'null'}"
)
def test_one_bad_field(case: dict[str, str]) -> None:
    row = GOOD[case["dataset"]] | {case["column"]: case["delivered"]}
    taken = take_in(DATASETS[case["dataset"]], [raw(1, **row)], KNOWN, DAY)
    [rejected] = taken.rejected
    [reason] = rejected.reasons
    assert reason.split(": ")[0] == case["reasons"]  # after a colon: what was found and what is expected
    assert taken.rows == []


def test_all_reasons_are_given() -> None:
    row = GOOD["fills"] | {"fill_id": "", "price": "-1", "quantity": "nan", "account_id": "z"}
    [rejected] = take_in(DATASETS["fills"], [raw(7, **row)], KNOWN, DAY).rejected
    assert rejected.row_number == 7
    assert set(rejected.reasons) == {
        "missing fill_id",
        "price <= 0",
        "unparsable quantity: 'nan' is not a decimal",
        "unknown account",
    }


def test_more_fields_than_the_header() -> None:
    """Beside every reason against the fields that there are."""
    row = RawRow("f.csv", 1, GOOD["funding"] | {"rate": "x"}, "{}", ("more fields than the header",))
    [rejected] = take_in(DATASETS["funding"], [row], KNOWN, DAY).rejected
    assert rejected.reasons == ("more fields than the header", "unparsable rate: 'x' is not a decimal")


@pytest.mark.parametrize("kind", ["liquidation", "adl", "settlement"])
def test_the_grid_of_the_order_book_binds_orders_alone(kind: str) -> None:
    """A delivery price is an average of an index, and what is taken over is what there was."""
    row = GOOD["fills"] | {"price": "100.25", "quantity": "0.15"}
    taken = take_in(DATASETS["fills"], [raw(1, **row), raw(2, **row | {"kind": kind})], KNOWN, DAY)
    reasons = ("price off the tick size", "quantity off the lot size")
    assert [(r.row_number, r.reasons) for r in taken.rejected] == [(1, reasons)]


def test_the_grid_binds_no_liquidator() -> None:
    """What it takes over is what there was, whatever kind its fill is delivered as."""
    row = GOOD["fills"] | {"price": "100.25", "quantity": "0.15"}
    taken = take_in(DATASETS["fills"], [raw(1, **row)], replace(KNOWN, liquidators=frozenset({"a"})), DAY)
    assert (len(taken.rows), taken.rejected) == (1, [])


def test_tick_and_lot_size_are_those_of_the_rows_time() -> None:
    """From 12:00 on prices are whole; a price of 100.5 is good before and bad after."""
    after = GOOD["fills"] | {"ts": "2025-10-10T12:00:00Z", "quantity": "1"}
    taken = take_in(DATASETS["fills"], [raw(1, **GOOD["fills"]), raw(2, **after)], KNOWN, DAY)
    assert [(r.row_number, r.reasons) for r in taken.rejected] == [(2, ("price off the tick size",))]


def test_first_row_of_a_key_is_kept_in_order_of_file_and_row_number() -> None:
    """`1.0` = `1` is a duplicate; another amount is a conflict. Row 10 comes after row 9, as a number."""
    amounts = {("b.csv", 1): "1", ("a.csv", 10): "2", ("a.csv", 9): "1.0", ("c.csv", 1): "1.00"}
    rows = [raw(n, file, **GOOD["transfers"] | {"amount": v}) for (file, n), v in amounts.items()]
    settled = settle_keys(DATASETS["transfers"], take_in(DATASETS["transfers"], rows, KNOWN, DAY), {})
    assert [origin[:2] for origin in settled.origins] == [("a.csv", 9)]
    assert settled.duplicates == 2
    assert [r[:2] for r in settled.rejected] == [("a.csv", 10)]


def test_last_state_of_a_key_is_kept_in_order_of_file_and_row_number() -> None:
    """Marks of one time, equal or not to one before; a rejected row supersedes none."""
    marks = {
        ("b.csv", 1): "3",
        ("a.csv", 10): "2",
        ("a.csv", 9): "1",
        ("a.csv", 2): "2.0",
        ("b.csv", 2): "-1",
    }
    rows = [raw(n, file, **GOOD["ticks"] | {"mark_price": v}) for (file, n), v in marks.items()]
    settled = settle_keys(DATASETS["ticks"], take_in(DATASETS["ticks"], rows, KNOWN, DAY), {})
    assert [origin[:2] for origin in settled.origins] == [("b.csv", 1)]
    assert (settled.superseded, settled.duplicates) == (3, 0)
    assert [r[:2] for r in settled.rejected] == [("b.csv", 2)]


def test_a_known_key_conflicts_or_is_a_duplicate() -> None:
    taken = take_in(DATASETS["transfers"], [raw(1, **GOOD["transfers"])], KNOWN, DAY)
    [row] = taken.rows
    assert settle_keys(DATASETS["transfers"], taken, {("t",): (*row[:-1], row[-1])}).duplicates == 1
    other = settle_keys(DATASETS["transfers"], taken, {("t",): (*row[:-1], "withdrawal")})
    assert (other.rows, len(other.rejected)) == ([], 1)


def test_rejected_row_takes_no_key() -> None:
    """A bad row never stands in the way of a good one with its key."""
    rows = [raw(1, **GOOD["transfers"] | {"amount": "x"}), raw(2, **GOOD["transfers"])]
    settled = settle_keys(DATASETS["transfers"], take_in(DATASETS["transfers"], rows, KNOWN, DAY), {})
    assert [origin[1] for origin in settled.origins] == [2]


def test_later_version_may_not_change_what_is_fixed() -> None:
    versions = [
        GOOD["accounts"] | {"valid_from": "2021-01-01", "account_type": "house"},
        GOOD["accounts"],
        GOOD["accounts"] | {"valid_from": "2022-01-01", "client_class": "professional"},
    ]
    taken = take_in(DATASETS["accounts"], [raw(n, **v) for n, v in enumerate(versions, 1)], KNOWN)
    kept = reject_changed_versions(DATASETS["accounts"], taken, ("account_type",), "why")
    assert [(r.row_number, r.reasons) for r in kept.rejected] == [(1, ("why",))]
    assert [origin[1] for origin in kept.origins] == [2, 3]


@pytest.mark.parametrize(
    ("tiers", "why"),
    [
        ([(0, 1), (100, 2)], None),
        ([(100, 2), (0, 1)], None),  # the order of delivery does not matter
        ([(0, 1), (100, 1)], None),  # a rate may stay
        ([(0, 2), (100, 1)], "its rate falls"),
        ([(1, 1), (100, 2)], "its first floor is not 0"),
    ],
)
def test_margin_table_is_good_or_rejected_whole(tiers: list[tuple[int, int]], why: str | None) -> None:
    bad = bad_margin_tables(Intake(rows=[("P", 0, floor, rate) for floor, rate in tiers]))
    assert bad == ({("P", 0): why} if why else {})


def raw(number: int, file: str = "f.csv", **values: str) -> RawRow:
    return RawRow(file, number, values, "{}")
