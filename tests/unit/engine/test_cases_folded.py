"""The cases of takeover, folded by the engine in memory: every table exact to the last ledger unit."""

import csv
from datetime import date
from pathlib import Path

import pytest

from lossledger.engine.session import Outcome
from lossledger.engine.tables.reconciliation import check_rows, replay_checks
from lossledger.schemas.attribution import RECONCILIATION, TABLES
from tests.oracle.compare import diff_tables
from tests.properties.delivered import landed
from tests.properties.history import run_history, session_input
from tests.properties.ledger import Ledger, read_ledger
from tests.properties.test_history import oracle_rows

CASES = Path(__file__).parents[2] / "data" / "cases"
NAMES = (
    "takeover_recorded",
    "takeover_simulated",
    "backstop_steps",
    "edges_takeover",
    "edges_takeover_simulated",
)
# Rules whose two sides are both of the replay; the others are of deliveries, which are not kept in memory.
REPLAYED = (
    *("position_zero_sum", "funding_zero_sum", "account_roll_forward", "fund_roll_forward", "waterfall"),
    *("components", "liquidation_match"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_exact(name: str) -> None:
    ledger = read_ledger(landed(CASES / name / "landing", date(2025, 10, 9), date(2025, 10, 11)))
    outcomes = run_history(ledger)
    reconcile(ledger, outcomes)
    differences = {}
    for table in TABLES:
        wanted = expected(name, table.name)
        if table is RECONCILIATION:
            wanted = [row for row in wanted if row["rule"] in REPLAYED]
        rows = [row for done in outcomes for row in oracle_rows(table, done.session.day, done.tables)]
        if table.name in ("takeovers", "takeover_inventory"):  # the id of a simulated lot is our own
            rows = [
                row | {"lot_id": "" if str(row["lot_id"]).startswith("lot-") else row["lot_id"]}
                for row in rows
            ]
        if wanted:
            rows = [{column: row[column] for column in wanted[0]} for row in rows]
        differences[table.name] = diff_tables(wanted, rows)
    assert {table: lines for table, lines in differences.items() if lines} == {}


def reconcile(ledger: Ledger, outcomes: list[Outcome]) -> None:
    """Add what a session's own rows are checked by."""
    before = None
    for done in outcomes:
        market = session_input(ledger, done.session.day, before).market
        done.tables["reconciliation"] = check_rows(replay_checks(done.session, done.losses, market))
        before = done.carried


def expected(name: str, table: str) -> list[dict[str, str]]:
    """The rows of a case's table; none when it has no file."""
    path = CASES / name / "expected" / f"{table}.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
