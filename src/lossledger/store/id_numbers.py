"""Small integers for accounts, instruments and currencies: assigned once in a warehouse, never reused."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.intake.judge import Reference
from lossledger.schemas.ledger import NUMBERS
from lossledger.store.account_table import FirstSeen
from lossledger.store.arrow import arrow_schema
from lossledger.store.warehouse import Warehouse

KINDS = ("account", "currency", "instrument")


def _nothing() -> dict[str, pa.Array]:
    return {kind: pa.array([], pa.string()) for kind in KINDS}


@dataclass
class Numbers:
    """The names of each kind in order of their numbers, from 0 on."""

    arrays: dict[str, pa.Array] = field(default_factory=_nothing)

    @cached_property
    def number(self) -> dict[str, dict[str, int]]:
        """The numbers by name, for lookups of single names."""
        return {kind: {n: at for at, n in enumerate(a.to_pylist())} for kind, a in self.arrays.items()}

    def __getstate__(self) -> dict[str, Any]:
        return {"arrays": self.arrays}


def read_numbers(warehouse: Warehouse) -> Numbers:
    """The numbers assigned so far."""
    data = warehouse.read(NUMBERS).sort_by([("kind", "ascending"), ("number", "ascending")])
    names, kinds = data.column("name").cast(pa.string()).combine_chunks(), data.column("kind")
    return Numbers({kind: names.filter(pc.equal(kinds, kind).combine_chunks()) for kind in KINDS})


def assign_numbers(warehouse: Warehouse, known: Reference) -> Numbers:
    """Numbers of all known names; new names get the next numbers, in order of the names."""
    numbers = read_numbers(warehouse)
    wanted = {
        "account": FirstSeen.of(known.accounts).names,
        "currency": pa.array(known.scales, pa.string()),
        "instrument": pa.array(known.settlement, pa.string()),
    }
    tables = []
    for kind, names in wanted.items():
        before = numbers.arrays[kind]
        new = names.filter(pc.invert(pc.is_in(names, before)))
        new = new.take(pc.array_sort_indices(new))  # bytes of UTF-8 are in the order of code points
        numbers.arrays[kind] = pa.concat_arrays([before, new])
        columns = [pa.repeat(kind, len(new)), new, pa.array(range(len(before), len(before) + len(new)))]
        tables.append(pa.Table.from_arrays(columns, schema=arrow_schema(NUMBERS)))
    if sum(t.num_rows for t in tables):
        warehouse.append(NUMBERS, pa.concat_tables(tables))
    return numbers
