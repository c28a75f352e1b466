"""Citations: rows of published tables, and rows of the ledger with the delivered file and row number."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import iso
from lossledger.readers.document.model import Citation
from lossledger.readers.explain.account_session import AccountSession
from lossledger.schemas.core import Table, Type
from lossledger.schemas.ledger import FILES, MARKS, TYPED
from lossledger.store.arrow import to_rows

_PLACE = ("file_number", "row_number")


class Origins:
    """Builds the citations of an account's session. Names and hashes of files come from raw.files."""

    def __init__(self, session: AccountSession) -> None:
        self.session = session

    def published(self, table: Table, row: Mapping[str, Any]) -> Citation:
        """A row of a table of the date."""
        return Citation(table.full_name, self.session.day.version_of(table), key_of(table, row))

    def before(self, table: Table, row: Mapping[str, Any]) -> Citation:
        """A row of the state that the session starts from."""
        return Citation(table.full_name, self.session.inputs.sources[table.name].version, key_of(table, row))

    def reference(self, name: str, key: str) -> Citation:
        """Reference data, cited by the files that delivered it: its row numbers are not stored."""
        files = [file for file, _ in self._reference_files.get(name, [])]
        shown, sha256 = ", ".join(files[:3]), ""
        if len(files) == 1:
            sha256 = self._reference_files[name][0][1]
        return Citation(f"ledger.{name}", self.session.versions[name], key, shown, sha256)

    def transfer(self, transfer_id: str) -> Citation:
        return self._event("transfers", f"transfer_id {transfer_id}", self._own["transfers"].get(transfer_id))

    def fill(self, fill_id: str) -> Citation:
        return self._event("fills", f"fill_id {fill_id}", self._own["fills"].get(fill_id))

    def tick(self, instrument_id: str, before: int) -> tuple[Citation, ...]:
        """The tick whose mark is in force just before a time; empty before the first tick."""
        return self._price("ticks", instrument_id, before)

    def funding(self, instrument_id: str, ts: int) -> tuple[Citation, ...]:
        return self._price("funding", instrument_id, ts + 1)

    def _price(self, name: str, instrument_id: str, before: int) -> tuple[Citation, ...]:
        times = self._prices[name].get(instrument_id, [])
        after = bisect_left(times, (before,))
        if not after:
            same = {"business_date": self.session.inputs.previous, "instrument_id": instrument_id}
            return (self.before(MARKS, same),) if self.session.inputs.previous and name == "ticks" else ()
        ts, *place = times[after - 1]
        return (self._event(name, f"{instrument_id} at {iso(ts)}", tuple(place)),)

    def _event(self, name: str, key: str, place: tuple[int, ...] | None) -> Citation:
        table = TYPED[name].full_name
        if place is None:
            return Citation(table, self.session.versions[name], key)
        file, sha256 = self._files[place[0]]
        return Citation(table, self.session.versions[name], key, file, sha256, place[1])

    @cached_property
    def _own(self) -> dict[str, dict[str, tuple[int, int]]]:
        """File number and row number of the account's transfers and fills, by id."""
        inputs, found = self.session.inputs, {}
        mine = pc.field("account_bucket").isin(inputs.buckets)
        mine &= pc.field("account_id") == self.session.account.account_id
        for name, key in (("transfers", "transfer_id"), ("fills", "fill_id")):
            rows = to_rows(TYPED[name], inputs.events(name, mine), (key, *_PLACE))
            found[name] = {id_: (file, row) for id_, file, row in rows}
        return found

    @cached_property
    def _prices(self) -> dict[str, dict[str, list[tuple[int, int, int]]]]:
        """Time, file number and row number of the ticks and funding rows of the account's instruments."""
        wanted = pc.field("instrument_id").isin(pa.array(self.session.instruments, pa.string()))
        found: dict[str, dict[str, list[tuple[int, int, int]]]] = {}
        for name in ("ticks", "funding"):
            rows = self.session.inputs.events(name, wanted)
            of_name = found.setdefault(name, {})
            for instrument_id, *place in to_rows(TYPED[name], rows, ("instrument_id", "ts", *_PLACE)):
                of_name.setdefault(instrument_id, []).append(tuple(place))
            for times in of_name.values():
                times.sort()
        return found

    @cached_property
    def _files(self) -> dict[int, tuple[str, str]]:
        data = self.session.warehouse.read(FILES)
        rows = to_rows(FILES, data, ("file_number", "file", "file_sha256"))
        return {number: (file, sha256) for number, file, sha256 in rows}

    @cached_property
    def _reference_files(self) -> dict[str, list[tuple[str, str]]]:
        """Files and hashes by dataset; of a file that was delivered more than once, the last content."""
        data = self.session.warehouse.read(FILES)
        latest: dict[str, dict[str, str]] = {}
        for _, name, file, sha256 in sorted(
            to_rows(FILES, data, ("file_number", "dataset", "file", "file_sha256"))
        ):
            latest.setdefault(name, {})[file] = sha256
        return {name: sorted(files.items()) for name, files in latest.items()}


def key_of(table: Table, row: Mapping[str, Any]) -> str:
    """The key of a row as text."""
    named = ((column, row.get(column.name)) for column in map(table.column, table.key))
    parts = [
        f"{column.name} {iso(value) if column.type is Type.TIME else value}"
        for column, value in named
        if value not in (None, "")
    ]
    return ", ".join(parts)
