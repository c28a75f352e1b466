"""Repeated keys are settled in pieces as the reference settles them, however they are cut up and hashed."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.clock import iso
from lossledger.engine.intake.judge import take_in
from lossledger.engine.intake.keys import settle_keys
from lossledger.jobs.load.columns import duplicate_keys
from lossledger.jobs.load.columns.pass1_partition import (
    MappedPart,
    PartitionTask,
    partition,
    read_part,
    read_rejected,
)
from lossledger.jobs.load.columns.splits import SourceFile, pieces_of
from lossledger.jobs.load.columns.validation_context import ValidationContext, write_context
from lossledger.jobs.load.file_reader import read_file
from lossledger.schemas.core import Dataset
from lossledger.schemas.inputs import DATASETS
from tests.properties.test_columns import DAY, KNOWN, NOON, NUMBERS

TIMES = st.integers(NOON, NOON + 1).map(iso)
ROWS = {
    "transfers": {"transfer_id": st.sampled_from("xyz"), "ts": TIMES, "account_id": st.just("a"),
                  "currency": st.just("USD"), "amount": st.sampled_from(["1", "1.0", "2"]), "kind": st.just("k")},
    "funding": {"ts": TIMES, "instrument_id": st.sampled_from("PÜ"), "rate": st.sampled_from(["0", "0.1"]),
                "price": st.just("1")},
    "ticks": {"ts": TIMES, "instrument_id": st.sampled_from("PÜ"), "mark_price": st.sampled_from(["1", "1.0", "2"])},
    "venue_account_balances": {"ts": TIMES, "account_id": st.sampled_from("ab"),
                               "currency": st.sampled_from(["USD", "BTC"]), "wallet_balance": st.sampled_from("12")},
    "venue_fund_balances": {"ts": TIMES, "currency": st.sampled_from(["USD", "BTC"]), "balance": st.sampled_from("12")},
}  # fmt: skip


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Dataset, list[list[dict[str, str]]]]:
    """Some files of a dataset, whose rows have few keys."""
    name = draw(st.sampled_from(list(ROWS)))
    rows = st.lists(st.fixed_dictionaries(ROWS[name]), max_size=8)
    return DATASETS[name], draw(st.lists(rows, min_size=1, max_size=3))


@given(deliveries(), st.integers(1, 3), st.sampled_from([1, 2, 1 << 64]))
def test_repeated_keys(delivery: tuple[Dataset, list[list[dict[str, str]]]], step: int, hashes: int) -> None:
    """`step`: how many keys and rows are looked at together; `hashes`: how many there are, so that keys share them."""
    dataset, files = delivery
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for n, rows in enumerate(files):
            path = Path(folder) / f"{n}.jsonl"
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
            sources.append(SourceFile(path.name, str(path), path.stat().st_size))
        with (
            patch("lossledger.jobs.load.columns.part_layout.hash_text", lambda text: ord(text) % hashes),
            patch(
                "lossledger.jobs.load.columns.part_layout.hash_numbers",
                lambda columns: _hash(columns, hashes),
            ),
            patch.multiple(duplicate_keys, _KEYS=step, _PIECE=step, _TEXTS=step),
        ):
            assert in_pieces(dataset, sources, Path(folder)) == by_reference(dataset, sources)


def _hash(columns: Any, hashes: int) -> np.ndarray:
    return np.asarray(
        sum(n * column for n, column in enumerate(columns, 7)) % min(hashes, 1 << 62), np.uint64
    )


def by_reference(dataset: Dataset, sources: Sequence[SourceFile]) -> Any:
    rows = [row for s in sources for row in read_file(Path(s.content).parent, s.path, dataset).rows]
    settled = settle_keys(dataset, take_in(dataset, rows, KNOWN, DAY), {})
    rejected = [(r.file, r.row_number, r.row) for r in settled.rejected]
    return sorted(o[:2] for o in settled.origins), settled.duplicates, settled.superseded, sorted(rejected)


def in_pieces(dataset: Dataset, sources: Sequence[SourceFile], folder: Path) -> Any:
    write_context(ValidationContext(KNOWN, NUMBERS), folder / "context")
    pieces = pieces_of(sources)
    result = partition(
        PartitionTask(dataset.name, DAY, pieces, str(folder / "context"), str(folder), "cut", False)
    )
    firsts, repeated = [0] * len(pieces), str(folder / "repeated.npy")
    found = duplicate_keys.repeated_hashes(duplicate_keys.KeyHashTask(result.parts, 0, 1, [], "", repeated))
    places = [p for path in result.parts for p in read_part(path)[0].column("place").to_pylist()]
    duplicates, superseded, dropped, rejected = 0, 0, list[int](), list[Any]()
    if found.repeated:
        files = [p.file for p in pieces]
        names = (str(folder / name) for name in ("dropped.npy", "rejected.arrow"))
        settled = duplicate_keys.settle_duplicates(
            duplicate_keys.SettleTask(
                dataset.name, DAY, result.parts, found.repeated, files, firsts, "", *names
            )
        )
        duplicates, superseded = settled.duplicates, settled.superseded
        dropped = np.load(settled.dropped).tolist()
        tables = read_rejected([settled.rejected]) if settled.rejected else ()
        rejected = [row for table in tables for row in _listed(table, sources)]
        assert (len(rejected), len(dropped)) == (settled.conflicts, duplicates + superseded + len(rejected))
    kept = [(sources[p >> 40].path, (p & (1 << 40) - 1) + 1) for p in sorted(set(places) - set(dropped))]
    return sorted(kept), duplicates, superseded, sorted(rejected)


def _listed(table: pa.Table, sources: Sequence[SourceFile]) -> Any:
    return [(sources[row["piece"]].path, row["row"] + 1, row["text"]) for row in table.to_pylist()]


@pytest.mark.parametrize("name", ["transfers", "ticks"])
def test_a_flood_of_one_key_is_never_held(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2,000 rows with one key no more than a piece is in memory at a time, and one is left to be sorted."""
    row = {
        "transfer_id": "x",
        "ts": iso(NOON),
        "account_id": "a",
        "currency": "USD",
        "amount": "1",
        "kind": "k",
    }
    tick = {"ts": iso(NOON), "instrument_id": "P", "mark_price": "1"}
    path = tmp_path / "f.jsonl"
    path.write_text(f"{json.dumps(row if name == 'transfers' else tick)}\n" * 2000)
    held: list[int] = []
    taken = duplicate_keys._rows_of

    def watched(part: MappedPart, rows: np.ndarray) -> pa.Table:
        held.append(len(rows))
        return taken(part, rows)

    monkeypatch.setattr(duplicate_keys, "_PIECE", 100)
    monkeypatch.setattr(duplicate_keys, "_rows_of", watched)
    source = SourceFile(path.name, str(path), path.stat().st_size)
    kept, duplicates, superseded, _ = in_pieces(DATASETS[name], [source], tmp_path)
    last = name == "ticks"
    assert (kept, duplicates, superseded) == (
        [(path.name, 2000 if last else 1)],
        1999 * (not last),
        1999 * last,
    )
    assert max(held) == 100
