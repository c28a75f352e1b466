"""A report is verified: what was changed is found, wherever it was changed, and named in a line."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pypdf import PdfWriter

from lossledger.cli.main import main
from lossledger.engine.errors import DataError
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.readers.document.values import cell_text
from lossledger.readers.report.figure_differences import show_difference
from lossledger.readers.report.manifest import (
    changed_files,
    content_sha256,
    read_manifest,
    read_previous,
    to_text,
)
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_request import REGULATOR
from lossledger.readers.report.report_signatures import sign_lines
from lossledger.readers.report.report_verification import table_findings, verify, verify_lines
from lossledger.readers.report.row_proof import files_sha256
from lossledger.schemas.attribution import SESSION_LOSSES, SOCIALISED_LOSSES
from lossledger.store.data_files import files_of
from lossledger.store.warehouse import Warehouse
from tests.report.conftest import DAYS, Made, ask
from tests.unchecked import unchecked


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Made:
    """To be changed. The public edition: it is the quicker one to compute again."""
    shutil.copytree(made.root, tmp_path / "warehouse")
    shutil.copytree(made.public, tmp_path / "report")
    return Made(tmp_path / "warehouse", made.landing, tmp_path / "report", tmp_path / "report")


def findings(copy: Made) -> str:
    return "\n".join(verify(copy.public, copy.root).findings)


def test_a_report_that_was_not_touched_holds(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-report", str(made.regulator), "--warehouse", str(made.root)]) == 0
    assert "every figure holds: " in capsys.readouterr().out


def one_unit_more(data: pa.Table, column: str) -> pa.Table:
    """The first amount of a column larger by 10^-18."""
    values = data[column].to_pylist()
    values[0] = values[0] + type(values[0])(1).scaleb(-18)
    return data.set_column(
        data.column_names.index(column), data.schema.field(column), pa.array(values, data[column].type)
    )


def test_a_unit_changed_in_a_new_version_is_found(copy: Made) -> None:
    """Nobody published it, so every figure holds: but rows of a reported date were written past the night."""
    warehouse = Warehouse(copy.root)
    warehouse.replace_day(
        SESSION_LOSSES, one_unit_more(warehouse.read(SESSION_LOSSES, DAYS[0]), "deficit"), DAYS[0]
    )
    told = findings(copy)
    assert "2025-10-10 attribution.session_losses: the newest version" in told
    assert "somebody wrote past the night" in told
    assert "figure" not in told


def test_the_same_rows_in_a_new_version_are_no_finding(copy: Made) -> None:
    warehouse = Warehouse(copy.root)
    warehouse.replace_day(SESSION_LOSSES, warehouse.read(SESSION_LOSSES, DAYS[0]), DAYS[0])
    assert findings(copy) == ""


@pytest.mark.parametrize("table", [SESSION_LOSSES, SOCIALISED_LOSSES])
def test_bytes_changed_inside_a_published_version_are_found(copy: Made, made: Made, table: Any) -> None:
    (path,) = files_of(Warehouse(copy.root), table, DAYS[0])
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.unlink()  # publishing gives files second names: only this one is to be changed
    path.write_bytes(data)
    told = "\n".join(table_findings(Warehouse(copy.root), read_manifest(made.regulator)))
    assert f"2025-10-10 {table.full_name}: bytes of version" in told


def test_rows_changed_inside_a_published_version_are_found(copy: Made, made: Made) -> None:
    """By somebody who knows how to write Parquet: the figures differ too, and each is named.

    The public edition has no hash of these rows; the warehouse has.
    """
    change_rows(copy)
    told = findings(copy)
    changed = "2025-10-10 attribution.session_losses: the rows of version 1 are not those that were published"
    assert changed in told
    assert (
        "figure waterfall, 2025-10-10 BTC, uncovered: the report says 0 BTC, the published tables 0.0000"
        in told
    )
    own = [*table_findings(Warehouse(copy.root), read_manifest(made.regulator))]
    assert changed in own
    assert any("bytes of version 1 were changed" in line for line in own)


def change_rows(copy: Made) -> None:
    import pyarrow.parquet as pq

    (path,) = files_of(Warehouse(copy.root), SESSION_LOSSES, DAYS[0])
    changed = one_unit_more(pq.ParquetFile(path).read(), "uncovered")
    path.unlink()
    pq.write_table(changed, path)


def test_a_report_is_not_made_of_rows_that_are_not_those_published(
    copy: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would print hashes that are not those of its figures."""
    change_rows(copy)
    arguments = ["report", "--warehouse", str(copy.root), "--from", "2025-10-10", "--to", "2025-10-11"]
    for audience in ("regulator", "public"):
        assert main([*arguments, "--audience", audience, "--out", str(tmp_path / audience)]) == 3
        told = capsys.readouterr().err
        assert "attribution.session_losses of 2025-10-10: the rows of version 1 are not those" in told
        assert not (tmp_path / audience).exists()


def test_a_date_that_was_restated_since_is_found_and_the_new_report_says_why(
    copy: Made, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("- valid_from: 2020-01-01\n  sharing: none\n")
    list(run(Request(copy.landing, copy.root, *DAYS, InProcess(1), policy, None, unchecked)))
    told = findings(copy)
    assert "2025-10-10: was restated by run " in told
    assert "figure waterfall, 2025-10-10 USDT, socialised: the report says " in told
    report = build(gather(ask(copy.root, REGULATOR, previous=read_previous(copy.public))))
    tables = {
        table.id: [[cell_text(cell) for cell in row] for row in table.rows] for table in report.tables()
    }
    assert any("sharing" in row[-1] for row in tables["restated"])
    changed = [row for row in tables["restated_values"] if row[1] == "attribution.session_losses"]
    assert any(row[4] == "socialised" and row[6] == "0" and row[7] == f"-{row[5]}" for row in changed)
    (first, second) = tables["since_dates"]
    assert first[:3] == ["2025-10-10", "restated", "yes"]
    assert "policy key sharing: session_profit_prorata -> none" in first[-1]
    assert second[1] == "restated"
    (charged,) = [row for row in tables["since_values"] if row[0] == "2025-10-10" and row[3] == "socialised"]
    assert charged[2] == "USDT"
    assert charged[5:] == ["0", f"-{charged[4]}"]


def edited(copy: Made, change: Callable[[dict[str, Any]], object], again: bool) -> str:
    """What is found when the manifest is changed; `again`: with its content hash computed anew."""
    edit(copy, change, again)
    return findings(copy)


def edit(copy: Made, change: Callable[[dict[str, Any]], object], again: bool) -> None:
    path = copy.public / "manifest.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    change(found)
    if again:
        found["content_sha256"] = content_sha256(found)
    path.write_text(to_text(found), encoding="utf-8")


def test_an_edited_manifest_is_found(copy: Made) -> None:
    told = edited(copy, lambda found: found["dates"][0].update(run_id="another"), again=False)
    assert "manifest.json: its content hash is not that of what it says: it was edited" in told
    assert "manifest.json dates 0 run_id: the manifest says another, computed again it is" in told


def test_where_other_versions_are_installed_it_says_what_was_not_compared(copy: Made) -> None:
    edit(copy, lambda found: found["code"].update(typst="0.1"), again=True)
    note, signed, last = verify_lines(copy.public, copy.root)
    assert signed == "signed by nobody"
    assert "typst 0.1" in note
    assert "of the other files only that their hashes are the manifest's" in note
    assert last.startswith("every figure of report.json holds: ")


def last_digit_changed(amount: str) -> str:
    return amount[:-1] + str((int(amount[-1]) + 1) % 10)


def forged(copy: Made) -> tuple[str, str, str]:
    """A figure changed in each of the four files; what the one in JSON was named and says now, and its sheet's cell."""
    path = copy.public / "report.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    (fund,) = [b for s in tree["sections"] for b in s["blocks"] if b.get("id") == "fund_daily"]
    row = fund["rows"][0]
    assert fund["columns"][3]["name"] == "external"
    before = row[3]["amount"]
    row[3]["amount"] = after = last_digit_changed(before)
    path.write_text(json.dumps(tree), encoding="utf-8")
    page = copy.public / "report.html"
    text, thousands = page.read_text(encoding="utf-8"), f"{Decimal(before):,f}"
    assert thousands in text
    page.write_text(text.replace(thousands, last_digit_changed(thousands)), encoding="utf-8")
    book = openpyxl.load_workbook(copy.public / "report.xlsx")
    book["fund_daily"]["D4"] = after
    book.save(copy.public / "report.xlsx")
    pages = PdfWriter(clone_from=copy.public / "report.pdf")
    pages.remove_page(1)
    pages.write(copy.public / "report.pdf")
    cell = f"sheet fund_daily, cell D4: the report says {after}, computed again it is {Decimal(before).normalize():f}"
    return f"figure fund_daily, {row[0]} {row[1]}, external", after, cell


def test_a_figure_edited_in_any_file_is_found_though_the_manifest_was_edited_with_it(copy: Made) -> None:
    figure, after, cell = forged(copy)
    names = ["report.html", "report.json", "report.pdf", "report.xlsx"]
    stated = read_manifest(copy.public)
    assert list(changed_files(copy.public, stated)) == [
        f"{name}: its bytes are not those of the manifest: it was edited" for name in names
    ]
    hashes = files_sha256([copy.public / name for name in names])
    told = edited(copy, lambda found: found["files"].update(hashes), again=True)
    assert f"{figure}: the report says {after}" in told
    for name in names:
        assert f"manifest.json files {name}: the manifest says {hashes[name]}" in told
    assert f"report.xlsx, {cell}" in told
    assert "report.html: the report says …" in told
    assert "it was edited" not in told  # the hashes agree: computing all anew is what shows it


def test_a_signature_is_void_when_anything_changes(copy: Made) -> None:
    (line,) = sign_lines(copy.public, "A. Preparer", "preparer")
    assert line.startswith("A. Preparer, preparer, signed ")
    assert findings(copy) == ""
    told = edited(copy, lambda found: found["request"].update(venue="Another"), again=True)
    assert "the signature of A. Preparer (preparer) is void: the report was changed" in told
    (copy.public / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be read as the manifest of a report"):
        list(sign_lines(copy.public, "B. Approver", "approver"))


def test_a_missing_file_and_a_date_no_longer_published_are_found(
    copy: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    from lossledger.schemas.ops import PUBLISHED_DAYS

    warehouse = Warehouse(copy.root)
    rows = warehouse.read(PUBLISHED_DAYS)
    warehouse.replace_all(
        PUBLISHED_DAYS, rows.filter(pc.equal(rows["business_date"], pa.scalar(date(2025, 10, 10))))
    )
    (copy.public / "report.pdf").unlink()
    assert main(["verify-report", str(copy.public), "--warehouse", str(copy.root)]) == 3
    told = capsys.readouterr()
    assert "report.pdf: cannot be read" in told.out
    assert "2025-10-11: is not published any more" in told.out
    assert "does not hold: 3 findings" in told.err


def test_a_long_text_is_shown_where_it_differs() -> None:
    """Not the beginning, which is the same in both."""
    long = "This report is about A Venue. " * 8
    one, other = (f"{long}the fund paid {number} USDT, and nobody else." for number in ("12.5", "13.5"))
    assert show_difference(one, other) == (
        "…A Venue. the fund paid 12.5 USDT, and nobody else…",
        "…A Venue. the fund paid 13.5 USDT, and nobody else…",
    )
    assert show_difference({"amount": "1", "unit": "BTC"}, None) == ("1 BTC", "nothing")
    same, longer = show_difference(long, f"{long}One more.")
    assert longer.endswith("A Venue. One more.")
    assert longer.startswith(same)


def test_who_receives_a_report_can_check_it_without_the_warehouse(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its files against the manifest, and who signed."""
    folder = Path(shutil.copytree(made.public, tmp_path / "received"))
    assert main(["verify-report", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "signed by nobody" in told
    assert "the files are those of the manifest" in told
    assert "--warehouse" in told
    (folder / "report.pdf").write_bytes(b"another")
    assert main(["verify-report", str(folder)]) == 3
    assert "report.pdf: its bytes are not those of the manifest: it was edited" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: files.pop("report.pdf"), "report.pdf: the manifest does not name it"),
        (
            lambda files: files.update({"../x": ""}),
            "../x: the manifest names it, and it is no file of a report",
        ),
    ],
)
def test_a_manifest_names_just_the_files_of_a_report(
    made: Made, tmp_path: Path, change: Callable[[dict[str, str]], object], told: str
) -> None:
    """A file that it leaves out would be covered by nothing; one beside the folder is none of ours."""
    copy = replace(made, public=Path(shutil.copytree(made.public, tmp_path / "report")))
    edit(copy, lambda found: change(found["files"]), again=True)
    assert told in verify(copy.public).findings
