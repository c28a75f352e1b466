"""Scenario files: what is wrong with one is told in one line, with exit code 2."""

import shutil
from pathlib import Path

import pytest

from lossledger.engine.errors import ConfigError
from lossledger.jobs.policy_file import read_policy, read_scenario
from tests.cases import DATA, case_days
from tests.scenarios import run_range, write_scenario

FIRST = case_days("edges")[0]


@pytest.fixture
def edges(tmp_path: Path) -> Path:
    """The landing zone of the case `edges`, to write scenarios into."""
    return Path(shutil.copytree(DATA / "edges" / "landing", tmp_path / "landing"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"polcy": {}}, "unknown key polcy; known are name, reason, policy, fund_opening"),
        ({"policy": {"latency": 1}}, "unknown key 'latency'"),
        ({"policy": {"valid_from": "2025-10-09"}}, "unknown key 'valid_from'"),
        ({"policy": {"sharing": "fair"}}, "'fair' is none of session_profit_prorata, equity_prorata, none"),
        (
            {"policy": {"fund_floor": {"USD": "0.001"}}},
            "fund_floor of USD is finer than its ledger unit, 10^-2",
        ),
        ({"policy": []}, "policy and fund_opening are maps, or left out"),
        ({"fund_opening": {"USD": "1.001"}}, "fund_opening of USD is finer than its ledger unit, 10^-2"),
        ({"fund_opening": {"XYZ": 1}}, "fund_opening names XYZ, which is not in LANDING/currencies"),
        ({"fund_opening": {"USD": "much"}}, "fund_opening of USD: 'much' is not a decimal"),
        ({"fund_opening": 5}, "policy and fund_opening are maps, or left out"),
        ({"name": "other"}, "its name says 'other', its file 'bad'"),
    ],
)
def test_a_malformed_scenario_is_told_in_one_line(
    edges: Path, tmp_path: Path, content: dict[str, object], message: str
) -> None:
    write_scenario(edges, "bad", **content)
    with pytest.raises(ConfigError) as told:
        run_range(edges, tmp_path / "w", FIRST, FIRST, "bad")
    assert told.value.exit_code == 2
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["missing", "../edges", ".hidden", "published", ""])
def test_a_scenario_that_is_none(edges: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        run_range(edges, tmp_path / "w", FIRST, FIRST, name)


@pytest.mark.parametrize(
    ("execution", "policy", "told"),
    [
        ("recorded", {"latency_us": 0}, "latency_us changes nothing"),
        ("recorded", {"sharing": "none", "slippage_rate": "0.01"}, "slippage_rate changes nothing"),
        ("simulated", {"execution": "recorded", "latency_us": 0}, "latency_us changes nothing"),
        ("simulated", {"latency_us": 0}, ""),
        ("recorded", {"execution": "simulated", "latency_us": 0}, ""),
        ("recorded", {"sharing": "none"}, ""),
    ],
)
def test_a_key_that_nothing_reads_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], execution: str, policy: dict[str, object], told: str
) -> None:
    """Who liquidates at once and uses the venue's own late fills has asked for nothing."""
    (tmp_path / "policy.yaml").write_text(f"- valid_from: 2025-10-09\n  execution: {execution}\n")
    write_scenario(tmp_path, "quick", policy=policy)
    read_policy(tmp_path, None, read_scenario(tmp_path, "quick"))
    assert (told in capsys.readouterr().err) if told else not capsys.readouterr().err
