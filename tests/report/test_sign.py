"""Who signed a report: two people, what they signed, and that nothing of it is changed without being seen."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lossledger.cli.main import main
from lossledger.engine.errors import ConfigError, DataError
from lossledger.readers.report.manifest import (
    EARLIER,
    NAME,
    SIGNATURES,
    content_sha256,
    read_manifest,
    to_text,
)
from lossledger.readers.report.report_folder import report_lines
from lossledger.readers.report.report_signatures import person, sign_lines
from lossledger.readers.report.report_verification import verify
from tests.report.conftest import Made, ask


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(made.public, tmp_path / "report"))


def sign(folder: Path, name: str, role: str = "preparer") -> None:
    list(sign_lines(folder, name, role))


@pytest.mark.parametrize(
    "same",
    ["A. Preparer", "a. preparer ", "A.  PREPARER", "A.\u00a0Preparer", "A. Prepa\u200brer", "Ａ. Preparer"],
)
def test_one_person_is_not_two_by_case_blanks_or_the_form_of_letters(folder: Path, same: str) -> None:
    sign(folder, "A. Preparer")
    with pytest.raises(ConfigError, match="takes two people"):
        sign(folder, same, "approver")
    with pytest.raises(ConfigError, match="has signed this report already, as preparer"):
        sign(folder, same)


def test_names_are_compared_as_people_read_them() -> None:
    assert person("Zoe\u0308 Straße") == person("zoë  STRASSE")
    assert person("A. Preparer") != person("B. Preparer")
    assert person(" \u200b") == ""


def test_verify_lists_who_signed_and_what_it_covers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sign(folder, " A.  Preparer")
    sign(folder, "B. Approver", "approver")
    assert main(["verify-report", str(folder)]) == 0
    first, second, _ = capsys.readouterr().out.splitlines()
    content = read_manifest(folder)["content_sha256"]
    assert first.startswith("signed by A. Preparer (preparer), 20")
    assert first.endswith(f": every file of the manifest, content {content}")
    assert second.startswith("signed by B. Approver (approver), 20")


@pytest.mark.parametrize("name", ["report.json", "report.xlsx"])
def test_what_was_edited_cannot_be_signed(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert main(["sign-report", str(folder), "--name", "A. Preparer"]) == 3
    assert f"{name}: its bytes are not those of the manifest: it was edited" in capsys.readouterr().err
    assert not (folder / SIGNATURES).exists()


def edit_signatures(folder: Path, number: int, **changes: Any) -> None:
    """None takes an entry's field away."""
    path = folder / SIGNATURES
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries[number] = {
        key: value for key, value in {**entries[number], **changes}.items() if value is not None
    }
    path.write_text(json.dumps(entries), encoding="utf-8")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "C. Other"},
        {"role": "approver"},
        {"signed_at": "2020-01-01T00:00:00+00:00"},
        {"entry_sha256": None},
    ],
)
def test_an_edited_signature_is_found_and_nobody_signs_after_it(
    folder: Path, changes: dict[str, Any]
) -> None:
    sign(folder, "A. Preparer")
    sign(folder, "R. Reviewer", "reviewer")
    edit_signatures(folder, 0, **changes)
    told = "\n".join(verify(folder).findings)
    assert "signatures.json: the signature of " in told
    assert "edited" in told
    with pytest.raises(DataError, match="edited"):
        sign(folder, "B. Approver", "approver")


def test_a_signature_taken_out_of_the_middle_is_found(folder: Path) -> None:
    for name, role in (("A. Preparer", "preparer"), ("R. Reviewer", "reviewer"), ("B. Approver", "approver")):
        sign(folder, name, role)
    path = folder / SIGNATURES
    first, _, last = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([first, last]), encoding="utf-8")
    (told,) = verify(folder).findings
    assert told == "signatures.json: the signature of B. Approver (approver) was edited, or one before it"


def test_a_signature_cut_off_at_the_end_is_missing_from_the_list_and_no_finding(folder: Path) -> None:
    """The manifest is what is signed, so it cannot name who signs: docs/report.md says what to do."""
    sign(folder, "A. Preparer")
    sign(folder, "B. Approver", "approver")
    path = folder / SIGNATURES
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))[:1]), encoding="utf-8")
    made = verify(folder)
    assert made.findings == ()
    assert [line.split(",")[0] for line in made.signed] == ["signed by A. Preparer (preparer)"]


def test_a_signature_of_an_earlier_version_counts_as_it_did(folder: Path) -> None:
    """Its report's manifest has the earlier format, and its entries no hash."""
    found = read_manifest(folder) | {"format": EARLIER}
    found["content_sha256"] = content_sha256(found)
    (folder / NAME).write_text(to_text(found), encoding="utf-8")
    sign(folder, "A. Preparer")
    edit_signatures(folder, 0, entry_sha256=None)
    made = verify(folder)
    assert made.findings == ()
    assert [line.split(",")[0] for line in made.signed] == ["signed by A. Preparer (preparer)"]


def test_a_signed_report_is_not_made_anew_without_a_word(made: Made, folder: Path) -> None:
    sign(folder, "A. Preparer")
    with pytest.raises(
        ConfigError, match=r"holds a report signed by A\. Preparer \(preparer\): write to another"
    ):
        list(report_lines(ask(made.root), folder))
    assert verify(folder).signed
    arguments = ["report", "--warehouse", str(made.root), "--from", "2025-10-10", "--to", "2025-10-11"]
    arguments += ["--audience", "public", "--out", str(folder)]
    assert main(arguments) == 2
    assert main([*arguments, "--replace"]) == 0
    assert not (folder / SIGNATURES).exists()
    assert verify(folder).findings == ()
