"""Accounts by columns are what the reference judge makes of the same files: rows, rejections, texts and counts."""

import csv
import json
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.errors import DataError
from lossledger.engine.intake.judge import Reference
from lossledger.jobs.load.columns.account_columns import judge_accounts
from lossledger.jobs.load.columns.splits import SourceFile
from lossledger.jobs.load.reference_loader import settled
from lossledger.jobs.load.reference_rows import read_rows, typed_table
from lossledger.schemas.inputs import ACCOUNTS
from tests.properties.test_columns import as_csv, odd_texts

Row = dict[str, str]
TIMES = ["0", "2025-01-01T00:00:00Z", "2025-01-01", "-5", "99999999999999999", "2025-01-01T00:00:00.5Z", ""]
TIMES += ["1735689600000000", "1735689600000", "1735689600"]


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    row = st.fixed_dictionaries(
        {
            "account_id": st.sampled_from(["a", "b", "c"]) | odd_texts,
            "account_type": st.sampled_from(["client", "client", "house", "", "x"]),
            "client_class": st.sampled_from(["retail", "professional", "Retail"]),
            "negative_balance_protected": st.sampled_from(["true", "false", "1", ""]),
            "valid_from": st.sampled_from(TIMES),
        }
    )
    return draw(st.lists(row, min_size=1, max_size=8))


def by_rows(files: Sequence[SourceFile]) -> Any:
    read, counts, extra = read_rows(ACCOUNTS, files, Reference())
    intake = settled(ACCOUNTS, read)
    table = typed_table(ACCOUNTS, intake.rows)
    return table.to_pylist(), intake.rejected, intake.duplicates, counts, sorted(extra)


def by_columns(files: Sequence[SourceFile]) -> Any:
    taken = judge_accounts(files, partial(settled, ACCOUNTS))
    return taken.table.to_pylist(), taken.rejected, taken.duplicates, taken.rows, sorted(taken.extra)


def outcome(take: Any, files: Sequence[SourceFile]) -> Any:
    try:
        return take(files)
    except DataError as error:
        return str(error)


def write(path: Path, some: list[Row]) -> None:
    if path.suffix == ".csv":
        path.write_bytes(as_csv(some, csv.QUOTE_MINIMAL, "\n"))
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in some))
    else:
        pq.write_table(pa.Table.from_pylist(some), path)


@given(st.lists(st.tuples(st.sampled_from([".csv", ".jsonl", ".parquet"]), rows()), min_size=1, max_size=3))
def test_accounts(delivered: list[tuple[str, list[Row]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, (suffix, some) in enumerate(delivered):
            path = Path(folder) / f"{number}{suffix}"
            write(path, some)
            files.append(SourceFile(f"accounts/{path.name}", str(path), path.stat().st_size))
        assert outcome(by_columns, files) == outcome(by_rows, files)
