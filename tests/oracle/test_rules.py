"""The oracle against the exact cases, and the corners of the contract that no case has."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pytest

from tests.oracle.compare import diff_tables
from tests.oracle.fields import OracleError
from tests.oracle.oracle import compute

CASES = Path(__file__).parents[1] / "data" / "cases"
D9, D10 = dt.date(2025, 10, 9), dt.date(2025, 10, 10)
REFERENCE = {
    "currencies": "currency,scale\nUSD,2\n",
    "instruments": "instrument_id,kind,base_currency,quote_currency,settlement_currency,multiplier,tick_size,"
    "lot_size,valid_from\nP,linear,B,USD,USD,1,0.5,0.1,2020-01-01\n",
    "margin_tiers": "instrument_id,valid_from,notional_floor,maintenance_rate\nP,2020-01-01,0,0.005\n",
    "accounts": "account_id,account_type,client_class,negative_balance_protected,valid_from\n"
    "a,client,retail,true,2020-01-01\nb,client,professional,true,2020-01-01\n"
    "mm,house,institutional,false,2020-01-01\nnew,client,retail,true,2025-10-09T12:00:00Z\n",
}
FILLS = "fill_id,trade_id,ts,account_id,instrument_id,side,price,quantity,fee,kind\n"
# Account a falls from 100 to -20 by its liquidation at 10:01; b gains 120.
EVENTS = {
    "transfers": "transfer_id,ts,account_id,currency,amount,kind\n"
    "t1,2025-10-09T08:00:00Z,a,USD,100,deposit\nt2,2025-10-09T08:00:00Z,b,USD,1000,deposit\n",
    "ticks": "ts,instrument_id,mark_price\n2025-10-09T08:30:00Z,P,1000\n2025-10-09T10:00:00Z,P,900\n",
    "fills": FILLS + "f1,x1,2025-10-09T09:00:00Z,a,P,buy,1000,1,0,normal\n"
    "f2,x1,2025-10-09T09:00:00Z,b,P,sell,1000,1,0,normal\n"
    "f3,x2,2025-10-09T10:01:00Z,a,P,sell,880,1,0,liquidation\n"
    "f4,x2,2025-10-09T10:01:00Z,b,P,buy,880,1,0,adl\n",
    "fund_movements": "movement_id,ts,currency,amount,kind\nm1,2025-10-09T00:00:00Z,USD,12,opening\n",
}


def deliver(landing: Path, *entries: str, **more: str) -> Path:
    """The market above with further policy entries, and lines added to its datasets."""
    for name, text in {**EVENTS, **REFERENCE}.items():
        folder = landing / name / ("" if name in REFERENCE else f"date={D9}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data.csv").write_text(text + more.get(name, ""))
    first = "valid_from: 2020-01-01, quarantine_max_share: '0.9'"
    (landing / "policy.yaml").write_text("".join(f"- {{{entry}}}\n" for entry in (first, *entries)))
    return landing


def only(rows: list[dict[str, str]], columns: str) -> list[str]:
    """Some columns of all rows, as one text a row."""
    return [" ".join(row[name] for name in columns.split()) for row in rows]


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of an expected table; `why` explains and is not compared."""
    with path.open(newline="") as file:
        return [{name: row[name] for name in row if name != "why"} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", sorted(p.name for p in CASES.iterdir() if p.is_dir()))
def test_every_case_is_exact(name: str) -> None:
    last = max(path.name for path in (CASES / name / "landing" / "ticks").iterdir()).removeprefix("date=")
    tables = compute(CASES / name / "landing", D9, dt.date.fromisoformat(last))
    files = {path.stem: rows_of(path) for path in (CASES / name / "expected").glob("*.csv")}
    assert {t: d for t in tables.keys() | files if (d := diff_tables(files.get(t, []), tables[t]))} == {}


MONEY = """m2,2025-10-09T20:00:00Z,USD,10,injection
m3,2025-10-09T22:00:00Z,USD,-3,withdrawal
"""


@pytest.mark.parametrize(
    ("policy", "ledger", "event"),
    [
        # 12 is there at the event; what comes later pays for nothing.
        ("fund_draws: at_event", ["10:01:00 draw -12 0", "20:00:00 injection 10 10"], "12 8"),
        # All of 12 + 10 - 3 but the floor that holds at the end.
        ("fund_draws: at_session_end", ["22:00:00 withdrawal -3 19", "23:59:59.999999 draw -18 1"], "18 2"),
    ],
)
def test_draws_at_the_event_or_at_the_end(tmp_path: Path, policy: str, ledger: list[str], event: str) -> None:
    later = f"valid_from: 2025-10-09T21:00:00Z, {policy}, fund_floor: {{USD: 1}}"
    deliver(tmp_path, later, fund_movements=MONEY)
    tables = compute(tmp_path, D9, D9)
    rows = [
        row["ts"][11:-6] + " " + only([row], "kind amount balance")[0]
        for row in tables["insurance_fund_ledger"]
    ]
    assert [row for row in rows if row in ledger] == ledger
    assert only(tables["negative_balances"], "fund_draw shortfall") == [event]


def test_the_takers_are_those_at_the_event_whenever_the_fund_pays(tmp_path: Path) -> None:
    """b holds when the event happens, and nothing when the draw is made."""
    fills = """f5,x3,2025-10-09T10:00:30Z,b,P,sell,900,1,0,normal
f6,x3,2025-10-09T10:00:30Z,mm,P,buy,900,1,0,normal
f7,x4,2025-10-09T12:00:00Z,b,P,buy,900,1,0,normal
f8,x4,2025-10-09T12:00:00Z,mm,P,sell,900,1,0,normal
"""
    policy = "valid_from: 2020-01-01, fund_draws: at_session_end, compared_rules: [open_interest_prorata]"
    deliver(tmp_path, policy, fills=fills)
    tables = compute(tmp_path, D9, D9)
    assert only(tables["rule_comparison"], "rule account_id account_type chargeable charge") == [
        "open_interest_prorata b client 1120 4",
        "open_interest_prorata mm house 0 4",
    ]
    assert only(tables["rule_totals"], "rule charged beyond_chargeable payers") == [
        "open_interest_prorata 8 4 2"
    ]


@pytest.mark.parametrize(
    ("adl", "component"),
    [
        ("f4,x2,2025-10-09T10:01:00Z,b,P,buy,880,1,0,adl", "adl"),
        ("f4,x2,2025-10-09T10:01:00Z,mm,P,buy,880,0.1,0,adl", "adl"),  # of any account, for any part
        ("f4,x2,2025-10-09T10:01:00.000001Z,b,P,buy,880,1,0,adl", "execution"),  # at another instant
        ("f4,x9,2025-10-09T10:01:00Z,b,P,buy,880,1,0,adl", "execution"),  # of another trade
        ("f4,x2,2025-10-09T10:01:00Z,ghost,P,buy,880,1,0,adl", "execution"),  # quarantined
        ("f4,x2,2025-10-09T10:01:00Z,b,P,buy,880,1,0,normal", "execution"),
    ],
)
def test_a_liquidation_fill_against_a_deleveraged_account(tmp_path: Path, adl: str, component: str) -> None:
    deliver(tmp_path)
    path = tmp_path / "fills" / f"date={D9}" / "data.csv"
    path.write_text(EVENTS["fills"].replace("f4,x2,2025-10-09T10:01:00Z,b,P,buy,880,1,0,adl", adl))
    found = {row["component"]: row["amount"] for row in compute(tmp_path, D9, D9)["loss_components"]}
    assert {name: found.get(name) for name in ("adl", "execution")} == {
        **{"adl": None, "execution": None},
        component: "20",
    }


@pytest.mark.parametrize(
    "entry",
    [
        "fund_draws: later",
        "compared_rules: [lottery]",
        "compared_rules: adl_queue",
        "required_datasets: [accounts]",
        "fail_on_breaks: [all]",
        "small_cell: '-1'",
        "slippage_rate: '1.01'",
        "profit_floor_rate: '-0.01'",
        "fund_floor: {USD: '0.001'}",
        "fund_floor: {XYZ: '1'}",
        "session_start: 10:00",
        "trigger: lt, trigger: lt",
        "no_such_key: 1",
    ],
)
def test_a_policy_that_is_refused(tmp_path: Path, entry: str) -> None:
    deliver(tmp_path, f"valid_from: 2020-01-01, {entry}")
    with pytest.raises(OracleError) as error:
        compute(tmp_path, D9, D9)
    assert error.value.code == 2


@pytest.mark.parametrize(
    ("last", "policy"),
    [
        (D9, "required_datasets: [ticks, funding]"),
        (D10, "required_datasets: [ticks]"),  # none for the second date
        (D9, "fail_on_breaks: [position_zero_sum]"),
    ],
)
def test_a_date_that_fails(tmp_path: Path, last: dt.date, policy: str) -> None:
    lone = "f9,x9,2025-10-09T07:00:00Z,mm,P,buy,1000,1,0,normal\n"
    compute(deliver(tmp_path, fills=lone), D9, D9)
    deliver(tmp_path, f"valid_from: 2020-01-01, {policy}", fills=lone)
    with pytest.raises(OracleError) as error:
        compute(tmp_path, D9, last)
    assert error.value.code == 3


GOOD = {
    "transfer_id": "t9",
    "ts": "2025-10-09T12:00:00Z",
    "account_id": "new",
    "currency": "USD",
    "amount": "1",
    "kind": "deposit",
}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (json.dumps(GOOD), None),
        (json.dumps({**GOOD, "kind": "x" * 4096}), None),
        (json.dumps({**GOOD, "kind": "x" * 4097}), "kind is longer than 4096 characters"),
        (json.dumps({**GOOD, "kind": "tab\tand\0nul"}), None),  # no id
        (json.dumps({**GOOD, "transfer_id": "t\t9"}), "control character in transfer_id"),
        (json.dumps({**GOOD, "transfer_id": "t\x859"}), "control character in transfer_id"),
        (json.dumps(GOOD)[:-1] + ', "amount": "1"}', "amount stands twice"),
        (json.dumps(GOOD)[:-1], "no JSON object"),
        ("[]", "no JSON object"),
        (json.dumps({**GOOD, "ts": "2025-10-09T11:59:59.999999Z"}), "unknown account"),  # before its version
        (json.dumps({**GOOD, "amount": "NaN"}), "unparsable amount"),
        (json.dumps(GOOD).replace('"1"', "1" * 5000), "unparsable amount"),
        (json.dumps(GOOD).replace('"1"', "1e99999999"), "unparsable amount"),
    ],
)
def test_a_row_is_taken_or_rejected_and_nothing_else_with_it(
    tmp_path: Path, line: str, reason: str | None
) -> None:
    deliver(tmp_path)
    path = tmp_path / "transfers" / f"date={D9}" / "more.jsonl"
    path.write_text(json.dumps({**GOOD, "transfer_id": "t8", "account_id": "b"}) + "\n\n" + line + "\n")
    tables = compute(tmp_path, D9, D9)
    rejected = [] if reason is None else [f"transfers/date={D9}/more.jsonl 2 {reason}"]
    found = only(tables["quarantine"], "file row_number reasons")
    assert len(found) == len(rejected) and all(a.startswith(b) for a, b in zip(found, rejected, strict=True))
    balances = {row["account_id"]: row["transfers"] for row in tables["account_daily"]}
    assert balances["b"] == "1001"


def test_a_header_with_a_column_twice(tmp_path: Path) -> None:
    deliver(tmp_path)
    path = tmp_path / "transfers" / f"date={D9}" / "data.csv"
    path.write_text(path.read_text().replace("kind\n", "kind,kind\n", 1))
    with pytest.raises(OracleError, match="twice"):
        compute(tmp_path, D9, D9)


def test_protection_per_account_beside_protection_per_unit(tmp_path: Path) -> None:
    """b loses 20 in an isolated unit and has a thousand in the cross one."""
    transfers = """t3,2025-10-09T08:00:00Z,b,USD,-100,margin_transfer
t4,2025-10-09T08:00:00Z,b,USD,100,margin_transfer
"""
    fills = """f5,x3,2025-10-09T09:00:00Z,b,P,buy,1000,1,0,normal
f6,x4,2025-10-09T10:01:00Z,b,P,sell,880,1,0,liquidation
"""
    deliver(tmp_path)
    for name, text, column in (("transfers", transfers, "isolation"), ("fills", fills, "isolated")):
        header = EVENTS[name].splitlines()[0]
        lines = text.splitlines()
        marks = ["", ",P"] if name == "transfers" else [",true", ",true"]
        rows = [line + mark for line, mark in zip(lines, marks, strict=True)]
        more = tmp_path / name / f"date={D9}" / "more.csv"
        more.write_text("\n".join([f"{header},{column}", *rows]) + "\n")
    tables = compute(tmp_path, D9, D9)
    columns = (
        "account_id client_class events deficit fund_draw shortfall account_equity within_account_equity"
    )
    assert only(tables["protection_daily"], columns) == [
        "a retail 1 20 12 8 0 0",
        "b professional 1 20 0 20 1020 20",
    ]
    transfers_of = "account_id isolation session_transfers"
    assert only(tables["negative_balances"], transfers_of) == ["a  100", "b P 100"]
