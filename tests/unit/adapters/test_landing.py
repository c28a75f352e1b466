"""An adapter writes all or nothing, the same bytes each time, and never over what it did not write."""

from pathlib import Path

import pytest

from lossledger.adapters.landing import LandingWriter, landing_zone
from lossledger.adapters.report import AdaptReport
from lossledger.engine.errors import ConfigError


def write(landing: Path, adapter: str = "demo", amount: str = "1") -> AdaptReport:
    report = AdaptReport(adapter, landing)
    with landing_zone(report, landing.parent) as zone:
        zone.reference("currencies", [("USD", "2")])
        zone.dated("ticks", [("2025-10-09T23:59:59Z", "X", amount), ("2025-10-10T00:00:00Z", "X", "2")])
        zone.policy("# none\n")
    return report


def content(landing: Path) -> dict[str, bytes]:
    return {
        p.relative_to(landing).as_posix(): p.read_bytes() for p in sorted(landing.rglob("*")) if p.is_file()
    }


def test_dated_rows_go_into_the_folder_of_their_date_with_a_header(tmp_path: Path) -> None:
    report = write(tmp_path / "landing")
    files = content(tmp_path / "landing")
    assert list(files) == [
        "_adapter.json",
        "currencies/data.csv",
        "policy.yaml",
        "ticks/date=2025-10-09/data.csv",
        "ticks/date=2025-10-10/data.csv",
    ]
    assert (
        files["ticks/date=2025-10-10/data.csv"] == b"ts,instrument_id,mark_price\n2025-10-10T00:00:00Z,X,2\n"
    )
    assert report.counts == {"currencies": 1, "ticks": 2}
    assert report.lines()[0].startswith("demo: landing zone written to ")


def test_writing_again_gives_the_same_bytes_and_replaces_what_changed(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    write(landing)
    first = content(landing)
    write(landing)
    assert content(landing) == first
    write(landing, amount="9")
    assert content(landing) != first


@pytest.mark.parametrize("left_over", ["policy.yaml", "fills/date=2025-10-09/data.csv"])
def test_a_folder_with_anything_else_in_it_is_refused_and_kept(tmp_path: Path, left_over: str) -> None:
    landing = tmp_path / "landing"
    (landing / left_over).parent.mkdir(parents=True)
    (landing / left_over).write_text("mine")
    with pytest.raises(ConfigError, match="give a new or empty folder"):
        write(landing)
    assert content(landing) == {left_over: b"mine"}


def test_a_folder_of_another_adapter_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "landing")
    with pytest.raises(ConfigError, match="was written by adapter demo"):
        write(tmp_path / "landing", adapter="other")


def test_a_folder_that_somebody_changed_is_refused(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    write(landing)
    (landing / "policy.yaml").write_text("- {valid_from: 2020-01-01, sharing: none}\n")
    with pytest.raises(ConfigError, match=r"changed after it was written \(policy\.yaml\)"):
        write(landing)


def test_a_missing_source_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    report = AdaptReport("demo", tmp_path / "landing")
    with (
        pytest.raises(ConfigError, match="nowhere does not exist"),
        landing_zone(report, tmp_path / "nowhere"),
    ):
        pass
    assert not (tmp_path / "landing").exists()


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    write(landing)
    before = content(landing)

    def fail(zone: LandingWriter) -> None:
        zone.reference("currencies", [("EUR", "2")])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), landing_zone(AdaptReport("demo", landing), tmp_path) as zone:
        fail(zone)
    assert content(landing) == before
