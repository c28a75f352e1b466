"""Nothing that was delivered reaches the terminal as a command to it."""

from pathlib import Path

import pytest

from lossledger.cli.main import main
from lossledger.jobs.terminal import printable
from tests.hostile.commands import DATA, DAY, HEADER, file, run, transfer_json

RED = "\x1b[31m"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, é, 日本, ×", "plain, é, 日本, ×"),
        (RED, r"\x1b[31m"),
        ("a\nb\tc\0", r"a\nb\tc\x00"),
        ("\x9b2J", r"\x9b2J"),
        ("left\u202eright", r"left\u202eright"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_does_not_print_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.usefixtures("no_checks")
def test_file_names_and_columns(landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning on a column, the error on a file, and status, which reads the error again."""
    unknown = transfer_json({"transfer_id": "x", f"{RED}column": 1, "\ud800": 1})
    file(f"{DAY}/x.jsonl", unknown)(landing)
    assert run(landing, tmp_path / "warehouse", last="2025-10-09") == 0
    file(f"{DAY}/{RED}\n\r.csv", HEADER + b"\xff")(landing)
    assert run(landing, tmp_path / "warehouse", last="2025-10-09") == DATA
    assert main(["status", "--warehouse", str(tmp_path / "warehouse")]) == 0
    out, err = capsys.readouterr()
    assert all(line.isprintable() for line in (out + err).split("\n"))
    assert r"unknown columns kept out: \x1b[31mcolumn, \ud800" in err
    assert r"\x1b[31m\n\r.csv: damaged file" in err
    assert r"\x1b[31m\n\r.csv: damaged file" in out
