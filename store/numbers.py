"""Accounts, instruments and currencies as small integers: given once in a warehouse, never again to another."""

from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from engine.intake.judge import Reference
from schemas.ledger import NUMBERS
from store.arrow import to_arrow
from store.warehouse import Warehouse

KINDS = ("account", "currency", "instrument")


@dataclass
class Numbers:
    """The names of each kind in order of their numbers, from 0 on."""

    names: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @cached_property
    def number(self) -> dict[str, dict[str, int]]:
        """The other way round."""
        return {kind: {name: n for n, name in enumerate(names)} for kind, names in self.names.items()}

    @cached_property
    def arrays(self) -> dict[str, pa.Array]:
        """The names as Arrow arrays."""
        return {kind: pa.array(names, pa.string()) for kind, names in self.names.items()}


def read_numbers(warehouse: Warehouse) -> Numbers:
    """As given so far."""
    numbers = Numbers()
    data = warehouse.read(NUMBERS).sort_by([("kind", "ascending"), ("number", "ascending")])
    for kind in KINDS:
        mine = data.filter(pc.equal(data.column("kind"), kind))
        numbers.names[kind] = mine.column("name").to_pylist()
    return numbers


def assign_numbers(warehouse: Warehouse, known: Reference) -> Numbers:
    """Numbers of all that is known; what is new gets the next ones, in order of its names."""
    numbers = read_numbers(warehouse)
    wanted = {
        "account": set(known.accounts),
        "currency": set(known.scales),
        "instrument": set(known.settlement),
    }
    rows = []
    for kind, names in wanted.items():
        for name in sorted(names - set(numbers.number[kind])):
            rows.append({"kind": kind, "name": name, "number": len(numbers.names[kind])})
            numbers.names[kind].append(name)
    if rows:
        warehouse.append(NUMBERS, to_arrow(NUMBERS, rows))
        return Numbers(numbers.names)
    return numbers
