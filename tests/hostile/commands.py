"""Running the command line on a spoiled landing zone, and files to spoil it with."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lossledger.cli.main import main
from tests.builders import D9, D10

CONFIG, DATA, CONFLICT = 2, 3, 4
Spoil = Callable[[Path], object]
DAY = "transfers/date=2025-10-09"
TRANSFER = {
    "transfer_id": "t0",
    "ts": "2025-10-09T08:00:00Z",
    "account_id": "b",
    "currency": "USD",
    "amount": "1",
    "kind": "deposit",
}
HEADER = ",".join(TRANSFER).encode() + b"\n"


def run(landing: Path, warehouse: Path, *more: str, first: object = D9, last: object = D10) -> int:
    """`lossledger run` in this process; its exit code."""
    call = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]
    try:
        return main([*call, "--from", str(first), "--to", str(last), *more])
    except SystemExit as stop:  # argparse
        return int(stop.code or 0)


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line on stderr: the one that says why."""
    return capsys.readouterr().err.splitlines()[-1]


def transfer_csv(*changes: dict[str, str]) -> bytes:
    """A file of transfers: good rows, changed as given."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(TRANSFER), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**TRANSFER, **change} for change in changes)
    return text.getvalue().encode()


def transfer_json(*changes: dict[str, object]) -> bytes:
    return b"".join(json.dumps(TRANSFER | change).encode() + b"\n" for change in changes)


def file(path: str, content: bytes) -> Spoil:
    """Deliver one more file."""

    def spoil(landing: Path) -> None:
        (landing / path).parent.mkdir(parents=True, exist_ok=True)
        zipped = path.endswith(".gz") and not content.startswith(b"\x1f\x8b")
        (landing / path).write_bytes(gzip.compress(content) if zipped else content)

    return spoil


def policy(text: str) -> Spoil:
    """Put this in place of policy.yaml."""
    return lambda landing: (landing / "policy.yaml").write_text(text)
