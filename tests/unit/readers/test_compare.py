"""Comparing two sides: the difference of small tables, and the lines that a person reads."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from lossledger.engine.errors import ConfigError
from lossledger.engine.numbers import E18
from lossledger.jobs.load.landing_zone import SCENARIOS
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.readers.compare.compare import compare_lines
from lossledger.readers.compare.row_differences import (
    AccountTotal,
    Total,
    account_totals,
    diff_table,
    money_totals,
)
from lossledger.schemas.attribution import ACCOUNT_DAILY, SOCIALISED_LOSSES
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse
from tests.cases import DATA
from tests.unchecked import unchecked

D1, D2 = date(2025, 10, 9), date(2025, 10, 10)


def charge(account: str, amount: int, day: date = D1, currency: str = "USD") -> dict[str, Any]:
    """A row of socialised_losses, of the columns that matter here."""
    return {
        "business_date": day,
        "account_id": account,
        "currency": currency,
        "basis": 0,
        "charge": amount * E18,
    }


def test_rows_are_compared_by_key() -> None:
    left = [charge("a", 1), charge("b", 2), charge("c", 3)]
    right = [charge("a", 1), charge("b", 5), charge("d", 3), charge("c", 3, D2)]
    diff = diff_table(SOCIALISED_LOSSES, left, right)
    assert (diff.identical, diff.different, diff.new, diff.gone) == (1, 1, 2, 1)
    assert not diff.is_identical


@pytest.mark.parametrize("column", ["basis", "charge"])
def test_one_ledger_unit_in_any_column_is_a_difference(column: str) -> None:
    row = charge("a", 1)
    assert diff_table(SOCIALISED_LOSSES, [row], [row]).is_identical
    assert not diff_table(SOCIALISED_LOSSES, [row], [{**row, column: row[column] + 1}]).is_identical


def test_charges_by_account_the_largest_difference_of_a_currency_first() -> None:
    left = [charge("same", 7), charge("less", 9), charge("less", 1, D2), charge("x", 1, D1, "EUR")]
    right = [charge("same", 7), charge("less", 4), charge("more", 8), charge("even", 6)]
    diff = diff_table(SOCIALISED_LOSSES, left, right)
    assert account_totals({"socialised_losses": diff}) == [
        AccountTotal("x", "EUR", 1 * E18, 0),
        AccountTotal("more", "USD", 0, 8 * E18),
        AccountTotal("even", "USD", 0, 6 * E18),
        AccountTotal("less", "USD", 10 * E18, 4 * E18),
    ]


def test_flows_are_summed_and_states_are_those_of_one_date() -> None:
    """Opening wallet of the first date + transfers of both = closing wallet of the last."""
    columns = [c.name for c in ACCOUNT_DAILY.columns if c.unit == "currency"]

    def row(day: date, opening: int, transfers: int) -> dict[str, Any]:
        amounts = dict.fromkeys(columns, 0)
        amounts |= {"opening_wallet": opening, "transfers": transfers, "closing_wallet": opening + transfers}
        return {"business_date": day, "account_id": "a", "currency": "USD", "isolation": "", **amounts}

    diff = diff_table(ACCOUNT_DAILY, [row(D1, 5, 10), row(D2, 15, 20)], [row(D1, 5, 10), row(D2, 15, 21)])
    shown = [total for total in money_totals(diff, [D1, D2]) if total.left]
    assert shown == [
        Total("account_daily", "opening_wallet", "USD", 5, 5),
        Total("account_daily", "transfers", "USD", 30, 31),
        Total("account_daily", "closing_wallet", "USD", 35, 36),
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case `edges`, published, and two scenarios of it."""
    root = tmp_path_factory.mktemp("compare")
    landing = Path(
        shutil.copytree(DATA / "edges" / "landing", tmp_path_factory.mktemp("compare") / "landing")
    )
    (landing / SCENARIOS).mkdir()
    poor = {"reason": "an empty fund", "fund_opening": {"USD": 0}}
    for name, content in {"same": {}, "poor": poor}.items():
        (landing / SCENARIOS / f"{name}.yaml").write_text(yaml.safe_dump({"name": name} | content))
    for scenario in (None, "same", "poor"):
        list(run(Request(landing, root, D1, D2, InProcess(2), None, scenario, unchecked)))
    return root


@pytest.fixture
def compared(warehouse: Path) -> Callable[[str, str], list[str]]:
    return lambda left, right: list(compare_lines(warehouse, left, right))


def test_a_scenario_without_overrides_is_told_first(compared: Callable[[str, str], list[str]]) -> None:
    lines = compared("published", "same")
    assert lines[0] == "identity check holds: same overrides nothing, and nothing differs"
    assert lines[1].startswith("identical: every row of all 18 tables, ")


def test_a_scenario_with_an_override(compared: Callable[[str, str], list[str]]) -> None:
    """Without its opening balance of 7 the fund never rises above its floor and pays nothing."""
    lines = compared("published", "poor")
    assert lines[0].startswith("not identical: ")
    assert "       overrides fund_opening of USD = 0 (an empty fund)" in lines
    totals = {
        tuple(line.split()[1:3]): line.split()[3:] for line in lines if line.startswith("  session_losses ")
    }
    assert totals["fund_draw", "USD"] == ["3.13", "0", "-3.13"]
    assert totals["shortfall", "USD"] == ["71.04", "74.18", "+3.14"]
    assert all(len(line) <= 110 for line in lines)


def test_left_and_right_change_places(compared: Callable[[str, str], list[str]]) -> None:
    def rows(lines: list[str]) -> list[list[str]]:
        start = lines.index("rows by key: new are on the right alone, gone on the left alone")
        return [line.split() for line in lines[start + 2 : start + 18]]

    forth, back = rows(compared("published", "poor")), rows(compared("poor", "published"))
    assert [[t, i, d, gone, new] for t, i, d, new, gone in forth] == back


def test_a_run_is_what_it_published(warehouse: Path, compared: Callable[[str, str], list[str]]) -> None:
    run_id = published_days(Warehouse(warehouse))[D1].run_id
    assert compared("published", run_id)[0].startswith("identical: ")


def test_what_there_is_not(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"no scenario and no run 'rich' .* there is published, poor, same; last"
    ):
        list(compare_lines(warehouse, "published", "rich"))
    with pytest.raises(ConfigError, match="is no Lossledger warehouse"):
        list(compare_lines(tmp_path, "published", "published"))
