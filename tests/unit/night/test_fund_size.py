"""How large the fund should have been: from a ledger by hand, and proved on whole markets."""

from decimal import Decimal
from pathlib import Path

import pytest

from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.policy import Policy, parse_policy
from lossledger.jobs.fund_size import Movement, Need, fund_size_lines, smallest_opening
from lossledger.jobs.load.landing_zone import SCENARIOS
from lossledger.jobs.run import Request
from lossledger.jobs.spark.mapper import InProcess
from tests.cases import DATA, case_days
from tests.oracle.oracle import compute
from tests.unchecked import unchecked

PLENTY = 1_000_000
FLOORS = [
    {"valid_from": "1970-01-01", "fund_floor": {"USD": "0.10"}},
    {"valid_from": "1970-01-02", "fund_floor": {"USD": "3.00"}},
]
LATER = 86_400_000_000


def ledger(*steps: tuple[str, int], ts: int = 0) -> list[Movement]:
    """Movements from (kind, amount in cents), a second apart."""
    balance, movements = 0, []
    for n, (kind, amount) in enumerate(steps):
        balance += amount
        movements.append(Movement(ts + n, kind, balance))
    return movements


@pytest.mark.parametrize(
    ("steps", "policy", "need"),
    [
        # no draw: nothing is needed, however much is withdrawn
        ([("opening", PLENTY), ("withdrawal", -500)], Policy(), Need(0, None)),
        # the largest sum of draws at any time, not the last
        ([("opening", PLENTY), ("draw", -70), ("injection", 100), ("draw", -20)], Policy(), Need(70, 1)),
        ([("opening", PLENTY), ("draw", -70), ("draw", -20), ("surplus", 90)], Policy(), Need(90, 2)),
        # what came in before pays; a withdrawal leaves less for later draws
        ([("opening", PLENTY), ("liquidation_fee", 50), ("draw", -70)], Policy(), Need(20, 2)),
        ([("opening", PLENTY), ("liquidation_fee", 90), ("draw", -70)], Policy(), Need(0, None)),
        ([("opening", PLENTY), ("draw", -5), ("withdrawal", -30), ("draw", -5)], Policy(), Need(40, 3)),
        # the floor in force at the draw has to be left over
        ([("opening", PLENTY), ("draw", -70)], parse_policy(FLOORS), Need(80, 1)),
        # a draw that came before the opening was booked is none of its business
        ([("injection", 60), ("draw", -60), ("opening", PLENTY), ("draw", -5)], Policy(), Need(5, 3)),
    ],
)
def test_smallest_opening_by_hand(steps: list[tuple[str, int]], policy: Policy, need: Need) -> None:
    assert smallest_opening(ledger(*steps), PLENTY, policy, "USD", 2) == need


def test_the_floor_of_a_later_date() -> None:
    movements = [*ledger(("opening", PLENTY), ("draw", -70)), Movement(LATER, "draw", PLENTY - 71)]
    assert smallest_opening(movements, PLENTY, parse_policy(FLOORS), "USD", 2) == Need(371, LATER)


def sizes(landing: Path, warehouse: Path, name: str) -> dict[str, list[str]]:
    days = case_days(name)
    lines = list(
        fund_size_lines(Request(landing, warehouse, days[0], days[-1], InProcess(2), check=unchecked))
    )
    rows = [line.split("  ") for line in lines[lines.index("") + 2 :]]
    return {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}


@pytest.mark.parametrize("name", ["edges", "edges_simulated"])
def test_the_oracle_confirms_it(name: str, tmp_path: Path) -> None:
    """Enough and not a ledger unit more, by an implementation that shares no code."""
    landing = DATA / name / "landing"
    days = case_days(name)
    units = {"USD": "0.01", "XBT": "0.00000001", "USDT": "0.000001", "BTC": "0.00000001"}
    found = sizes(landing, tmp_path, name)
    assert found
    for currency, (_, smallest, *_) in found.items():
        amount = Decimal(smallest.replace(",", ""))
        for opening, short in ((amount, False), (amount - Decimal(units[currency]), True)):
            if opening < 0:
                continue
            rows = compute(landing, days[0], days[-1], None, {"fund_opening": {currency: str(opening)}})
            losses = [Decimal(r["shortfall"]) for r in rows["session_losses"] if r["currency"] == currency]
            assert any(losses) == short, (currency, opening)
    assert list((tmp_path / SCENARIOS).iterdir()) == [], "nothing is left behind"


def test_it_starts_with_the_first_date_of_the_warehouse(tmp_path: Path) -> None:
    first, second = case_days("recorded_profit")
    with pytest.raises(ConfigError, match="the fund opens on the first date"):
        list(
            fund_size_lines(
                Request(DATA / "recorded_profit" / "landing", tmp_path, second, first, InProcess(1))
            )
        )
