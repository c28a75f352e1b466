"""Small files that unfold to very much: refused or loaded in bounded memory, measured from outside the process.

Unfolded at once they would take more than any machine is asked to have for a small delivery (inputs.md). Rows that are
kept, accepted or quarantined, are in memory while a delivery is loaded, so the bombs have few rows or 50,000.
"""

import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import D9
from tests.hostile.commands import DATA, DAY, HEADER, TRANSFER, transfer_csv, transfer_json

pytestmark = pytest.mark.slow
MOST_MIB = 2048  # far above what a run takes anywhere, whatever its cores and its allocator
ROWS = 50_000
ROOT = Path(__file__).parents[2]


def zipped(path: Path, pieces: Iterator[bytes]) -> None:
    """Written in pieces too: what is tested must not run out of memory before it starts."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        for piece in pieces:
            file.write(packer.compress(piece))
        file.write(packer.flush())


def repeated(first: bytes, piece: bytes, times: int, last: bytes = b"\n") -> Iterator[bytes]:
    yield first
    for _ in range(times):
        yield piece
    yield last


def one_line_of_json(landing: Path) -> None:
    """200 MB in one text, in 200 KB."""
    zipped(landing / DAY / "x.jsonl.gz", repeated(b'{"transfer_id": "', b"a" * 2**20, 200, b'"}\n'))


def one_line_of_csv(landing: Path) -> None:
    zipped(landing / DAY / "x.csv.gz", repeated(HEADER, b"a" * 2**20, 200))


def one_header(landing: Path) -> None:
    zipped(landing / DAY / "x.csv.gz", repeated(b"", b"a," * 2**19, 200))


def blank_lines(landing: Path) -> None:
    """Five million lines of nothing."""
    zipped(landing / DAY / "x.csv.gz", repeated(HEADER, b"\n" * 2**20, 5, b"x\n"))


def wide_rows(landing: Path) -> None:
    """Four hundred rows of half a megabyte in an unknown column each."""
    line = transfer_csv({"kind": "a" * 2**19}).split(b"\n", 1)[1]
    zipped(landing / DAY / "x.csv.gz", repeated(HEADER, line, 400))


def many_bad_rows(landing: Path) -> None:
    zipped(landing / DAY / "x.csv.gz", repeated(HEADER, b"x,\n", ROWS))


def duplicates(landing: Path) -> None:
    zipped(landing / DAY / "x.jsonl.gz", repeated(b"", transfer_json({}), ROWS))


def parquet_text(landing: Path) -> None:
    """One text of a megabyte that every row names: 20,000 times."""
    columns = {name: pa.array([value] * 20_000) for name, value in TRANSFER.items()}
    columns["kind"] = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000), ["a" * 2**20])
    table, file = pa.table(columns), landing / DAY / "x.parquet"
    # Without Arrow's own schema in it, nothing but the reader knows that the column is to stay a dictionary.
    pq.write_table(table, file, compression="zstd", dictionary_pagesize_limit=2**30, store_schema=False)


def parquet_list(landing: Path) -> None:
    """An unknown column with ten million nothings in one row."""
    columns = {name: pa.array([value]) for name, value in TRANSFER.items()}
    columns["note"] = pa.ListArray.from_arrays(pa.array([0, 10**7]), pa.nulls(10**7, pa.int8()))
    pq.write_table(pa.table(columns), landing / DAY / "x.parquet", compression="zstd")


def parquet_rows(landing: Path) -> None:
    columns = {name: pa.array([value] * ROWS) for name, value in TRANSFER.items()}
    pq.write_table(pa.table(columns), landing / DAY / "x.parquet")


BOMBS: list[tuple[Callable[[Path], None], int, str]] = [
    (one_line_of_json, DATA, "1 of 3 rows are quarantined"),
    (one_line_of_csv, DATA, "1 of 3 rows are quarantined"),
    (one_header, DATA, f"{DAY}/x.csv.gz: damaged file"),
    (blank_lines, DATA, "1 of 3 rows are quarantined"),
    (wide_rows, DATA, "400 of 402 rows are quarantined"),
    (many_bad_rows, DATA, f"{ROWS} of {ROWS + 2} rows are quarantined"),
    (duplicates, 0, ""),
    (parquet_text, DATA, "20000 of 20002 rows are quarantined"),
    (parquet_list, 0, ""),
    (parquet_rows, 0, ""),
]


@pytest.mark.parametrize(("spoil", "code", "message"), BOMBS, ids=[bomb[0].__name__ for bomb in BOMBS])
def test_a_bomb_is_harmless(
    landing: Path, tmp_path: Path, spoil: Callable[[Path], None], code: int, message: str
) -> None:
    spoil(landing)
    (landing / "policy.yaml").write_text("- valid_from: 2020-01-01\n  quarantine_max_share: '0.3'\n")
    assert sum(path.stat().st_size for path in (landing / DAY).iterdir()) < 3 * 2**20
    ended, told, mebibytes = run_apart(landing, tmp_path / "warehouse")
    assert ended == code, told
    assert message in told
    assert mebibytes < MOST_MIB


def run_apart(landing: Path, warehouse: Path) -> tuple[int, str, int]:
    """The command in a process of its own: exit code, stderr, and the most memory that it held, in MiB."""
    call = [sys.executable, "-c", _MEASURED, "run", "--engine", "local", "--landing", str(landing)]
    call += ["--warehouse", str(warehouse), "--from", str(D9), "--to", str(D9)]
    ended = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    told, _, peak = ended.stderr.rpartition("VmHWM:")
    return ended.returncode, told, int(peak.split()[0]) // 1024


# Without the quality checks: they load a great library, and what is measured here ends before them.
_MEASURED = """
import re, sys, lossledger.cli.main, tests.unchecked
lossledger.cli.main.request_from = tests.unchecked.unchecked_request
code = lossledger.cli.main.main()
sys.stderr.write(re.search("VmHWM:.*", open("/proc/self/status").read())[0])
sys.exit(code)
"""
