"""Policies of takeover that are refused, and corners of section 15 that no case has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.compare import diff_tables
from tests.oracle.fields import OracleError
from tests.oracle.oracle import compute
from tests.oracle.test_rules import D9, REFERENCE, deliver, only

LIQUIDATOR = "desk,liquidator,professional,false,2020-01-01\n"
# Account c is liquidated at 880; `desk` takes it over and closes at 950 by two fills, of which the second turns it.
TAKEN = """f5,x3,2025-10-09T11:00:00Z,c,P,sell,880,1,0,liquidation
f6,x3,2025-10-09T11:00:00Z,desk,P,buy,880,1,0.03,adl
f7,x4,2025-10-09T12:00:00Z,desk,P,sell,950,0.3,0,liquidation
f8,x5,2025-10-09T12:00:00Z,desk,P,sell,950,1.7,1,normal
"""
# c buys back with its own money, so its episode ends.
BACK = "f9,x9,2025-10-09T13:00:00Z,c,P,buy,900,1,0,normal\n"
COLUMNS = "lot_id from_account_id quantity open_value close_value fees result closed_by"


@pytest.mark.parametrize(
    "entry",
    [
        "liquidation_style: seize",
        "liquidation_steps: []",
        "liquidation_steps: '1'",
        "liquidation_steps: ['0']",
        "liquidation_steps: ['1/2']",
        "liquidation_steps: ['0.5', '1.1']",
        "liquidation_partial_above: {USD: '-1'}",
        "liquidation_partial_above: {USD: '0.001'}",
        "liquidation_cooldown_us: -1",
        "liquidation_until: never",
        "liquidation_fee_cap: '0.5'",
        "backstop_below: '0'",
        "backstop_below: '3/2'",
        "backstop_below: '1/0'",
        "unwind_us: '0.5'",
        "unwind_fee_rate: '1.01'",
        "fund_draw_rule: all",
        "margin_on: part",
        "tier_floor: quantity",
        "liquidator_account: ''",
        "liquidator_account: a",
        "liquidator_account: mm, liquidation_style: takeover",
    ],
)
def test_a_policy_that_is_refused(tmp_path: Path, entry: str) -> None:
    deliver(tmp_path, f"valid_from: 2020-01-01, {entry}")
    with pytest.raises(OracleError) as error:
        compute(tmp_path, D9, D9)
    assert error.value.code == 2


@pytest.mark.parametrize("style", ["market", "takeover", "backstop"])
def test_a_client_with_the_default_name_is_in_the_way_of_takeover_alone(tmp_path: Path, style: str) -> None:
    """A scenario is checked as a policy is."""
    deliver(tmp_path, accounts="liquidator,client,retail,true,2020-01-01\n")
    compute(tmp_path, D9, D9)
    scenario = {"policy": {"liquidation_style": style}}
    if style == "market":
        compute(tmp_path, D9, D9, None, scenario)
        return
    with pytest.raises(OracleError) as error:
        compute(tmp_path, D9, D9, None, scenario)
    assert error.value.code == 2


def test_lots_close_first_in_first_out_and_a_turn_opens_one(tmp_path: Path) -> None:
    """1 at 880 goes out by 0.3 and by 0.7 of a fill of 1.7, whose other 1.0 is a short lot of nobody's."""
    accounts = LIQUIDATOR + "c,client,retail,true,2020-01-01\n"
    tables = compute(deliver(tmp_path, accounts=accounts, fills=TAKEN), D9, D9)
    assert only(tables["takeovers"], COLUMNS) == [
        "f6 c 0.3 264 285 0.01 20.99 market",
        "f6 c 0.7 616 665 0.43 48.57 market",
    ]
    inventory = "lot_id from_account_id quantity open_value open_fee mark_price unrealised_result"
    assert only(tables["takeover_inventory"], inventory) == ["f8  -1 950 0.59 900 50"]
    desk = [row for row in tables["account_daily"] if row["account_id"] == "desk"]
    assert only(desk, "realised_pnl fees fund_settlement closing_wallet") == ["70 1.03 -69.56 -0.59"]
    assert not [row for row in tables["adl_losses"] if row["account_id"] == "desk"], "its kinds mean nothing"


def test_the_cause_takeover_stands_beside_that_of_the_market(tmp_path: Path) -> None:
    """c is short at 880 by its liquidation fill; what the desk's fill spared it is no `execution`."""
    accounts = LIQUIDATOR + "c,client,retail,true,2020-01-01\n"
    tables = compute(deliver(tmp_path, accounts=accounts, fills=TAKEN + BACK), D9, D9)
    found = {row["component"]: row["amount"] for row in tables["loss_components"] if row["account_id"] == "c"}
    assert (found["takeover"], found.get("execution")) == ("20", None)


def test_a_lot_id_that_is_not_fixed_is_not_compared() -> None:
    expected = [{"lot_id": "f1", "quantity": "1"}, {"lot_id": "", "quantity": "2"}]
    actual = [{"lot_id": "own-text", "quantity": "2"}, {"lot_id": "f1", "quantity": "1"}]
    assert diff_tables(expected, actual) == []
    assert len(diff_tables(expected, [{"lot_id": "f2", "quantity": "1"}, actual[0]])) == 2
    assert (
        len(diff_tables(expected, [{"lot_id": "own", "quantity": "1"}, {"lot_id": "f1", "quantity": "2"}]))
        == 4
    )


def test_a_liquidator_is_not_bound_by_the_grid(tmp_path: Path) -> None:
    off = "f5,x3,2025-10-09T11:00:00Z,desk,P,buy,880.1,0.07,0,normal\n"
    assert not compute(deliver(tmp_path, accounts=LIQUIDATOR, fills=off), D9, D9)["quarantine"]
    assert "liquidator" not in REFERENCE["accounts"]
    deliver(tmp_path, accounts=LIQUIDATOR.replace("liquidator", "house"), fills=off)
    assert len(compute(tmp_path, D9, D9)["quarantine"]) == 1
