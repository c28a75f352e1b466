"""Reference data with a rejected row: the date fails and names it, whatever share the policy allows."""

from pathlib import Path

import pytest

from lossledger.engine.errors import DataError
from tests.builders import D9, add_rows, published_rows, run_dates, small_landing

INSTRUMENT = "linear | BTC | USD | USD"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


def refused(landing: Path, warehouse: Path) -> str:
    """The error of a run, which is that of every rerun too."""
    lines = []
    for _ in range(2):
        with pytest.raises(DataError) as error:
            run_dates(landing, warehouse, D9)
        lines.append(str(error.value))
    assert lines[0] == lines[1]
    assert published_rows(warehouse) == 0
    return lines[0]


@pytest.mark.parametrize(
    ("dataset", "row", "why"),
    [
        ("currencies", "EUR | 19", "currencies/data.csv row 3 is rejected: scale is not between 0 and 18"),
        ("instruments", f"Q | {INSTRUMENT} | 1 | 0.5 | 1 | 1577836800000", "seems to be in milliseconds"),
        ("instruments", f"Q | {INSTRUMENT} | 1 | 0 | 1 | 2020-01-01", "instruments/data.csv row 3 is rejected: tick"),
        ("margin_tiers", "P | 1760140800000 | 0 | 0.05", "margin_tiers/data.csv row 3 is rejected: unparsable valid"),
        ("margin_tiers", "Q | 2020-01-01 | 0 | 0.05", "margin_tiers/data.csv row 3 is rejected: unknown instrument"),
        ("margin_tiers", "P | 2025-01-01 | 1 | 0.05", "its first floor is not 0 (margin_tiers/data.csv row 3)"),
        ("accounts", "c | client | retail | True | 2020-01-01", "'True' is not a boolean: expected true or false"),
        ("accounts", "a | client | professional | true | 2020-01-01", "accounts/data.csv row 4 is rejected: conflict"),
        ("accounts", "a | house | retail | true | 2021-01-01", "a later version may not change account_type"),
    ],
)  # fmt: skip
def test_one_rejected_row_fails_the_date(
    dataset: str, row: str, why: str, landing: Path, tmp_path: Path
) -> None:
    """With a policy that lets half of the rows of a dated dataset be rejected."""
    add_rows(landing, dataset, row)
    assert why in refused(landing, tmp_path / "warehouse")


def test_a_contract_of_another_size_is_listed_under_an_id_of_its_own(landing: Path, tmp_path: Path) -> None:
    """One of 1,201 rows: the version before would make everybody's positions ten times as large."""
    many = "\n".join(f"X{n} | {INSTRUMENT} | 1 | 0.5 | 0.1 | 2020-01-01" for n in range(1198))
    add_rows(landing, "instruments", f"{many}\nP | {INSTRUMENT} | 0.1 | 0.5 | 0.1 | 2025-10-01")
    told = refused(landing, tmp_path / "warehouse")
    assert "instruments/data.csv row 1201 is rejected: a later version may change tick_size and" in told
    assert "list a contract whose other terms change under an id of its own" in told
    assert "1 of 1201 rows" in told


def test_an_account_of_another_type_is_rejected(landing: Path, tmp_path: Path) -> None:
    add_rows(landing, "accounts", "b | house | retail | true | 2021-01-01")
    told = refused(landing, tmp_path / "warehouse")
    assert "accounts/data.csv row 4 is rejected: a later version may not change account_type" in told


def test_the_date_is_published_when_the_row_is_corrected(landing: Path, tmp_path: Path) -> None:
    path = landing / "instruments/data.csv"
    good = path.read_text()
    path.write_text(good.replace("2020-01-01", "1577836800", 1))
    assert "seems to be in seconds" in refused(landing, tmp_path / "warehouse")
    path.write_text(good)
    run_dates(landing, tmp_path / "warehouse", D9)
    assert published_rows(tmp_path / "warehouse")
