"""Scenarios: exact, complete, and apart from what is published."""

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml

from lossledger.engine.errors import ConfigError, ConflictError
from lossledger.jobs.load.landing_zone import SCENARIOS
from lossledger.schemas.registry import PUBLISHED, TABLES
from lossledger.store.published_dates import published_days
from lossledger.store.scenario_folders import scenario_names, scenario_root
from lossledger.store.warehouse import Warehouse
from tests.cases import DATA, built, case_days, published, text_rows
from tests.lived import case_warehouse
from tests.oracle.compare import diff_tables
from tests.oracle.markets import write_market
from tests.oracle.oracle import compute
from tests.scenarios import run_range, write_scenario

FIRST, SECOND, THIRD = case_days("edges")


def files(warehouse: Path) -> dict[Path, bytes]:
    found = (p for p in warehouse.rglob("*") if p.is_file())
    return {p: p.read_bytes() for p in found if SCENARIOS not in p.relative_to(warehouse).parts}


def days_of(warehouse: Path, days: set[date]) -> dict[str, list[Mapping[str, str]]]:
    """The published rows of some dates, every column, ids too."""
    opened = Warehouse(warehouse)
    shown = {day.isoformat() for day in days}
    return {
        name: [row for row in text_rows(opened, table) if row["business_date"] in shown]
        for name, table in PUBLISHED.items()
    }


def differences(expected: dict[str, list[dict[str, str]]], root: Path) -> dict[str, int]:
    """Tables in which a scenario's rows are not the oracle's, and in how many rows."""
    for row in expected["quarantine"]:
        del row["reasons"]  # each says it in its own words
    actual = published(root)
    found = {
        name: len(diff_tables(built(name, expected.get(name, [])), rows)) for name, rows in actual.items()
    }
    return {name: count for name, count in found.items() if count}


@pytest.fixture
def edges(tmp_path: Path) -> Path:
    """The landing zone of the case `edges`, to write scenarios into."""
    return Path(shutil.copytree(DATA / "edges" / "landing", tmp_path / "landing"))


@pytest.fixture
def simulated(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "edges_simulated" / "landing", tmp_path / "landing"))


def test_identity_from_every_date(edges: Path, tmp_path: Path) -> None:
    """Nothing overridden, nothing different, wherever it starts: row for row, ids and sources included."""
    warehouse = case_warehouse("edges", THIRD, tmp_path / "warehouse")
    before = files(warehouse)
    for start in (FIRST, SECOND, THIRD):
        name = f"from-{start}"
        write_scenario(edges, name)
        run_range(edges, warehouse, start, THIRD, name)
        days = {day for day in (FIRST, SECOND, THIRD) if day >= start}
        root = scenario_root(warehouse, name)
        assert set(published_days(Warehouse(root))) == days
        assert days_of(root, days) == days_of(warehouse, days)
    assert files(warehouse) == before


def test_identity_where_sessions_start_at_eight(tmp_path: Path) -> None:
    """The folder of the first date of the scenario also holds events of the session before."""
    landing, warehouse = tmp_path / "landing", tmp_path / "warehouse"
    shutil.copytree(DATA / "recorded_equity_8h" / "landing", landing)
    write_scenario(landing, "same")
    case_warehouse("recorded_equity_8h", SECOND, warehouse)
    run_range(landing, warehouse, SECOND, SECOND, "same")
    root = scenario_root(warehouse, "same")
    assert days_of(root, {SECOND}) == days_of(warehouse, {SECOND})


@pytest.mark.parametrize("seed", [3])
def test_identity_in_the_middle_of_generated_markets(seed: int, tmp_path: Path) -> None:
    landing, warehouse = tmp_path / "landing", tmp_path / "warehouse"
    first, last = write_market(landing, seed, "recorded")
    write_scenario(landing, "same")
    run_range(landing, warehouse, first, last)
    run_range(landing, warehouse, last, last, "same")
    assert days_of(scenario_root(warehouse, "same"), {last}) == days_of(warehouse, {last})


@pytest.mark.parametrize(
    ("seed", "execution", "policy", "opening"),
    [
        (1, "recorded", {"sharing": "equity_prorata", "residual": "to_fund"}, None),
        (2, "recorded", {"execution": "simulated", "latency_us": 60_000_000}, "0"),
        (4, "simulated", {"slippage_rate": "0.01", "trigger": "lte"}, "1"),
        (5, "simulated", {"session_start": "08:00"}, "1000000"),
    ],
)
def test_scenarios_of_generated_markets(
    seed: int, execution: str, policy: dict[str, object], opening: str | None, tmp_path: Path
) -> None:
    """The oracle, which shares no code, has the same rows in every table."""
    landing, warehouse = tmp_path / "landing", tmp_path / "warehouse"
    first, last = write_market(landing, seed, execution)
    content: dict[str, object] = {"policy": policy}
    plain = compute(landing, first, last)
    if opening is not None:
        content["fund_opening"] = {row["currency"]: opening for row in plain["session_losses"]}
    write_scenario(landing, "what-if", **content)
    run_range(landing, warehouse, first, last, "what-if")
    root = scenario_root(warehouse, "what-if")
    assert differences(compute(landing, first, last, None, content), root) == {}
    assert differences(plain, root) != {}, "the scenario changes nothing: it tests nothing"


def test_override_holds_where_the_policy_changes_the_key(simulated: Path, tmp_path: Path) -> None:
    policy = [
        {"valid_from": "2025-10-09", "sharing": "none"},
        {"valid_from": "2025-10-10", "sharing": "none"},
    ]
    (simulated / "policy.yaml").write_text(yaml.safe_dump(policy))
    write_scenario(simulated, "equity", policy={"sharing": "equity_prorata"})
    run_range(simulated, tmp_path / "w", FIRST, THIRD, "equity")
    rows = published(scenario_root(tmp_path / "w", "equity"))["session_losses"]
    assert {row["method"] for row in rows} == {"equity_prorata"}


def openings(root: Path) -> list[tuple[str, str, str, str]]:
    rows = text_rows(Warehouse(root), PUBLISHED["attribution.insurance_fund_ledger"])
    return [
        (r["ts"], r["currency"], r["amount"].rstrip("0"), r["ref"]) for r in rows if r["kind"] == "opening"
    ]


def test_fund_opening_replaces_in_place_or_stands_at_the_start(edges: Path, tmp_path: Path) -> None:
    warehouse = case_warehouse("edges", FIRST, tmp_path / "w")
    delivered = {row[1]: row for row in openings(warehouse)}
    write_scenario(edges, "richer", fund_opening=dict.fromkeys(["USD", "XBT"], "123.5"))
    run_range(edges, warehouse, FIRST, FIRST, "richer")
    found = {row[1]: row for row in openings(scenario_root(warehouse, "richer"))}
    for currency in ("USD", "XBT"):
        ts, ref = ("2025-10-09T00:00:00+00:00", "")
        if currency in delivered:
            ts, _, _, ref = delivered[currency]
        assert found[currency] == (ts, currency, "123.5", ref)


def test_a_changed_file_makes_it_anew(edges: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "w"
    write_scenario(edges, "what-if", policy={"sharing": "none"})
    run_range(edges, warehouse, FIRST, SECOND, "what-if")
    assert run_range(edges, warehouse, FIRST, SECOND, "what-if")[-1].endswith("nothing changed")
    write_scenario(edges, "what-if", policy={"sharing": "equity_prorata"})
    run_range(edges, warehouse, FIRST, FIRST, "what-if")
    root = scenario_root(warehouse, "what-if")
    assert set(published_days(Warehouse(root))) == {FIRST}, "nothing is left of the old definition"
    assert json.loads((root / "scenario.json").read_text())["policy"] == {"sharing": "equity_prorata"}
    assert scenario_names(warehouse) == ["what-if"]


def test_it_is_made_anew_when_the_state_it_starts_from_is_restated(edges: Path, tmp_path: Path) -> None:
    warehouse = case_warehouse("edges", SECOND, tmp_path / "w")
    write_scenario(edges, "same")
    run_range(edges, warehouse, SECOND, SECOND, "same")
    delivered = edges / "fund_movements" / f"date={FIRST}" / "data.csv"
    delivered.write_text(delivered.read_text().splitlines(keepends=True)[0])
    run_range(edges, warehouse, FIRST, SECOND)
    run_range(edges, warehouse, SECOND, SECOND, "same")
    assert days_of(scenario_root(warehouse, "same"), {SECOND}) == days_of(warehouse, {SECOND})


def test_a_fund_opening_belongs_to_the_first_date(edges: Path, tmp_path: Path) -> None:
    case_warehouse("edges", SECOND, tmp_path / "w")
    write_scenario(edges, "richer", fund_opening={"USD": 1})
    with pytest.raises(ConfigError, match=f"run it from the first date, --from {FIRST}"):
        run_range(edges, tmp_path / "w", SECOND, SECOND, "richer")


def test_its_own_dates_have_no_gap(edges: Path, tmp_path: Path) -> None:
    """After its first date it goes on from its own numbers, never again from the published ones."""
    warehouse = case_warehouse("edges", THIRD, tmp_path / "w")
    write_scenario(edges, "none", policy={"sharing": "none"})
    run_range(edges, warehouse, FIRST, FIRST, "none")
    with pytest.raises(ConfigError, match=f"leaves a gap after the last published date {FIRST}"):
        run_range(edges, warehouse, THIRD, THIRD, "none")


def test_locks(edges: Path, tmp_path: Path) -> None:
    """It runs beside a run of the published tables, and not beside one of itself."""
    warehouse = case_warehouse("edges", FIRST, tmp_path / "w")
    write_scenario(edges, "same")
    with Warehouse(warehouse).locked():
        run_range(edges, warehouse, FIRST, FIRST, "same")
    with Warehouse(scenario_root(warehouse, "same")).locked():
        with pytest.raises(ConflictError):
            run_range(edges, warehouse, FIRST, FIRST, "same")
        write_scenario(edges, "same", policy={"sharing": "none"})
        with pytest.raises(ConflictError):  # nor is it taken away from under it
            run_range(edges, warehouse, FIRST, FIRST, "same")


def test_it_starts_from_what_is_published_not_from_what_is_being_written(edges: Path, tmp_path: Path) -> None:
    """A run that has replaced a table and not yet committed the date: nobody has published that."""
    warehouse = case_warehouse("edges", SECOND, tmp_path / "w")
    live, table = Warehouse(warehouse), TABLES["ledger.unit_sessions"]
    live.replace_day(table, live.read(table, FIRST).slice(0, 0), FIRST)
    write_scenario(edges, "same")
    run_range(edges, warehouse, SECOND, SECOND, "same")
    assert days_of(scenario_root(warehouse, "same"), {SECOND}) == days_of(warehouse, {SECOND})
