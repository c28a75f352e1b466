"""The reference data that rows are validated against, as arrays indexed by the numbers of accounts and instruments."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.intake.judge import InstrumentVersion, Reference
from lossledger.engine.versions import Versions
from lossledger.store.account_table import FirstSeen
from lossledger.store.buckets import account_buckets
from lossledger.store.creation import whole
from lossledger.store.id_numbers import KINDS, Numbers
from lossledger.store.places import Place, place, stamp

NEVER = (1 << 63) - 1
_REFERENCE = b"reference"  # the instruments and currencies, in the schema's metadata


@dataclass
class ValidationContext:
    """`reference`: reference data for the judge; the arrays hold the same data by number."""

    reference: Reference
    numbers: Numbers
    account_from: np.ndarray = field(init=False)
    account_bucket: np.ndarray = field(init=False)
    settlement: np.ndarray = field(init=False)
    version_at: np.ndarray = field(init=False)
    version_from: np.ndarray = field(init=False)
    grids: Mapping[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        reference, arrays = self.reference, self.numbers.arrays
        self.account_from = _first_seen(arrays["account"], FirstSeen.of(reference.accounts))
        self.account_bucket = account_buckets(arrays["account"])
        instruments, currencies = arrays["instrument"].to_pylist(), arrays["currency"].to_pylist()
        currency = {name: number for number, name in enumerate(currencies)}
        self.settlement = np.array(
            [currency[reference.settlement[i]] if i in reference.settlement else -1 for i in instruments],
            dtype=np.int32,
        )
        versions = [
            reference.instruments[i].items() if i in reference.instruments else [] for i in instruments
        ]
        self.version_at = np.cumsum([0, *map(len, versions)], dtype=np.int64)
        flat = [v for of_one in versions for v in of_one]
        self.version_from = np.array([since for since, _ in flat], dtype=np.int64)
        units = [10 ** (18 - reference.scales[c]) if c in reference.scales else 0 for c in currencies]
        self.grids = {
            "price": [v.tick_size_e18 for _, v in flat],
            "quantity": [v.lot_size_e18 for _, v in flat],
            "money": units,
        }

    @cached_property
    def steps(self) -> dict[str, np.ndarray]:
        """The grids in the form of the compiled check."""
        from lossledger.jobs.load.columns.decimal128 import step_words

        return {
            name: np.array([step_words(s) if s else (0,) * 5 for s in grid], dtype=np.uint64).reshape(-1, 5)
            for name, grid in self.grids.items()
        }

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The names of every kind as hash tables."""
        from lossledger.jobs.load.columns.texts import names_table

        return {kind: names_table(names) for kind, names in self.numbers.arrays.items()}


def _first_seen(accounts: pa.Array, seen: FirstSeen) -> np.ndarray:
    """By number; NEVER for an account that has a number and is no longer known."""
    times = np.append(seen.times, NEVER)
    return times[pc.fill_null(pc.index_in(accounts, seen.names), len(seen.times)).to_numpy()]


def write_context(context: ValidationContext, path: Place) -> None:
    """Write the context for all tasks of a load: one row of lists in an Arrow file, instruments as JSON metadata.

    Workers only parse this file, so write access to the staging folder gives nobody code execution.
    """
    reference, seen = context.reference, FirstSeen.of(context.reference.accounts)
    arrays = {"first_seen": seen.names, "first_seen_us": pa.array(seen.times), **context.numbers.arrays}
    lists = {name: pa.LargeListArray.from_arrays([0, len(array)], array) for name, array in arrays.items()}
    text = {
        "scales": reference.scales,
        "settlement": reference.settlement,
        "instruments": {name: versions.items() for name, versions in reference.instruments.items()},
        "liquidators": sorted(reference.liquidators),
    }
    table = pa.table(lists).replace_schema_metadata({_REFERENCE: json.dumps(text)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write_bytes(sink.getvalue())
    _kept.cache_clear()


@lru_cache(maxsize=1)
def _kept(path: str, made: tuple[object, ...]) -> ValidationContext:
    table = pa.ipc.open_file(place(path).read_bytes()).read_all()
    arrays = {name: table.column(name).combine_chunks().flatten() for name in table.column_names}
    text = json.loads(table.schema.metadata[_REFERENCE])
    instruments = {
        name: Versions((since, InstrumentVersion(*version)) for since, version in versions)
        for name, versions in text["instruments"].items()
    }
    accounts = FirstSeen(arrays["first_seen"], arrays["first_seen_us"].to_numpy())
    liquidators = frozenset(text["liquidators"])
    reference = Reference(text["scales"], text["settlement"], instruments, accounts, liquidators)
    return ValidationContext(reference, Numbers({kind: arrays[kind] for kind in KINDS}))


def read_context(path: str) -> ValidationContext:
    """Read the context; a process caches the last one."""
    return _kept(path, stamp(place(path)))


@lru_cache(maxsize=16)
def enum_table(values: Sequence[str]) -> Any:
    """A closed set of values as a hash table."""
    from lossledger.jobs.load.columns.texts import names_table

    return names_table(pa.array(values, pa.string()))
