"""The books of the load: every delivered row is counted as accepted, duplicate, superseded or quarantined."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import DAY_US, day_start_us
from lossledger.engine.errors import DataError, InvariantError
from lossledger.engine.intake.policy import Policy
from lossledger.jobs.load.landing_zone import LandedFile
from lossledger.jobs.terminal import warn
from lossledger.schemas.core import Dataset
from lossledger.schemas.ledger import DELIVERIES, FILES, QUARANTINE
from lossledger.store.arrow import to_arrow, to_rows
from lossledger.store.quarantine_summary import rejected_rows
from lossledger.store.reference_data import text_hash
from lossledger.store.warehouse import Warehouse

REFERENCE_DAY = date(1970, 1, 1)
# Raised whenever the same files may give other rows of the ledger or the quarantine, or rows in another order: then
# they are judged and sorted again when their date runs again. Deliveries without a content_sha256 are of version 1.
LOAD_VERSION = "2"


def delivery_hash(content_sha256: str) -> str:
    """The identity of a loaded delivery: a hash of its content and of the load's rules."""
    return text_hash("load", LOAD_VERSION, content_sha256)


@dataclass
class LoadedDelivery:
    """A loaded dataset of one folder, as counted in ledger.deliveries."""

    # in the order of its columns

    day: date
    dataset: str
    sha256: str
    rows: int
    accepted: int
    duplicates: int
    superseded: int
    quarantined: int
    extra_columns: str
    content_sha256: str
    table_version: int | None = None

    def __post_init__(self) -> None:
        # A delivery of before there was the column has this hash in the other one.
        self.content_sha256 = self.content_sha256 or self.sha256

    @classmethod
    def counted(
        cls,
        day: date,
        dataset: str,
        content_sha256: str,
        *,
        rows: int,
        accepted: int,
        duplicates: int,
        superseded: int = 0,
        quarantined: int,
        extra: Iterable[str],
        table_version: int | None = None,
    ) -> "LoadedDelivery":
        """Counts of a delivery. InvariantError: they do not add up to its rows."""
        if rows != accepted + duplicates + superseded + quarantined:
            raise InvariantError(
                f"{dataset} of {day}: of {rows} delivered rows {accepted} were accepted, {duplicates} are "
                f"duplicates, {superseded} are superseded and {quarantined} were rejected: a row was lost"
            )
        counts = (rows, accepted, duplicates, superseded, quarantined)
        names = ", ".join(sorted(set(extra)))
        return cls(day, dataset, delivery_hash(content_sha256), *counts, names, content_sha256, table_version)

    @property
    def label(self) -> str:
        return self.dataset if self.day == REFERENCE_DAY else f"{self.dataset}/date={self.day}"


class Deliveries:
    """The loaded deliveries by (folder date, dataset), and their quarantine."""

    def __init__(self, warehouse: Warehouse, policy: Policy) -> None:
        self.warehouse, self.policy = warehouse, policy
        stored = to_rows(DELIVERIES, warehouse.read(DELIVERIES))
        self.loaded = {(row[0], row[1]): LoadedDelivery(*row) for row in stored}
        self._files: dict[tuple[str, str], int] | None = None
        self._repeated: dict[tuple[date, str], list[tuple[LandedFile, LandedFile]]] = {}

    def record(self, day: date, records: Sequence[LoadedDelivery]) -> None:
        """Note that these are in the ledger now: the last write of a load."""
        for record in records:
            self.loaded[day, record.dataset] = record
            if record.extra_columns:
                warn(f"{record.label}: unknown columns kept out: {record.extra_columns}")
        names = [c.name for c in DELIVERIES.columns]
        rows = [dict(zip(names, vars(d).values(), strict=True)) for d in self.loaded.values() if d.day == day]
        self.warehouse.replace_day(DELIVERIES, to_arrow(DELIVERIES, rows), day)

    def check_share(self, key: tuple[date, str], day: date) -> None:
        """DataError when too much of a delivery is quarantined, by the policy at the end of `day`."""
        delivery = self.loaded.get(key)
        limit = self.policy.at(day_start_us(day) + DAY_US - 1).quarantine_max_share
        if delivery and delivery.quarantined * 10**18 > limit * delivery.rows:
            found = rejected_rows(self.warehouse, None if key[0] == REFERENCE_DAY else [key[0]], [key[1]])
            raise DataError(
                f"{delivery.label}: {delivery.quarantined} of {delivery.rows} rows are quarantined, more than the "
                f"policy's quarantine_max_share: {'; '.join(f.examples for f in found)}. Correct the delivery and "
                f"run again; lossledger quarantine --warehouse {self.warehouse.root} lists the rows"
            )

    def tell_rejected(self, days: Collection[date], datasets: Sequence[Dataset]) -> None:
        """Warn of the rejected rows in the folders of some dates, whichever run loaded them."""
        names = [d.name for d in datasets]
        if not any(d.quarantined for (_, name), d in self.loaded.items() if name in names):
            return
        for found in rejected_rows(self.warehouse, days, names):
            delivery = self.loaded.get((found.day, found.dataset)) or self.loaded.get(
                (REFERENCE_DAY, found.dataset)
            )
            of = f" of {delivery.rows}" if delivery else ""
            warn(f"{found.label}: {found.rows}{of} rows quarantined: {found.examples}")

    def check_required(self, folders: Sequence[date], names: Sequence[str]) -> None:
        """DataError when one of these datasets has no file in any of a session's folders."""
        missing = [name for name in names if not any((folder, name) in self.loaded for folder in folders)]
        if missing:
            names_of = [f"date={folder}" for folder in (folders[0], folders[-1])] if folders else []
            where = " to ".join(dict.fromkeys(names_of)) or "any folder of the session"
            raise DataError(
                f"the delivery is not complete: no file of {', '.join(missing)} in {where}, and the policy's "
                "required_datasets asks for one (a header without rows will do); deliver it and run again"
            )

    def file_numbers(
        self, day: date, dataset: str, files: Sequence[tuple[LandedFile, int]]
    ) -> dict[str, int]:
        """The numbers of delivered files (each with its rows) by path; a version of a file that is new gets one."""
        if self._files is None:
            names = ("file", "file_sha256", "file_number")
            stored = to_rows(FILES, self.warehouse.read(FILES), names)
            self._files = {(path, sha256): number for path, sha256, number in stored}
        known, rows = self._files, []
        for file, count in files:
            if (file.path, file.sha256) not in known:
                known[file.path, file.sha256] = len(known) + 1
                rows.append(
                    {
                        "file_number": len(known),
                        "dataset": dataset,
                        "file": file.path,
                        "file_sha256": file.sha256,
                        "bytes": file.size,
                        "rows": count,
                        "loaded_at": time.time_ns() // 1000,
                    }
                )
        if rows:
            self.warehouse.append(FILES, to_arrow(FILES, rows, event_date=day))
        return {file.path: known[file.path, file.sha256] for file, _ in files}

    def note_repeated(self, day: date, dataset: str, files: Iterable[LandedFile]) -> None:
        """Note which files of a delivery have the content of another one, the first by its path."""
        first: dict[str, LandedFile] = {}
        pairs = [(first.setdefault(file.sha256, file), file) for file in sorted(files)]
        self._repeated[day, dataset] = [(one, again) for one, again in pairs if one is not again]

    def repeated(self, days: Collection[date]) -> list[tuple[str, str, int]]:
        """Of the deliveries of these dates: a file, another one with its content, and their rows; none without rows."""
        found = [pair for (day, _), pairs in sorted(self._repeated.items()) if day in days for pair in pairs]
        if not found:
            return []
        wanted = pc.field("file_sha256").isin(sorted({one.sha256 for one, _ in found}))
        rows = dict(to_rows(FILES, self.warehouse.find(FILES, wanted), ("file_sha256", "rows")))
        return [(one.path, again.path, rows[one.sha256]) for one, again in found if rows.get(one.sha256)]

    def replace_quarantine(self, day: date, dataset: Dataset, rows: pa.Table) -> None:
        """Put these rejected rows in place of the dataset's of that date."""
        stored = self.warehouse.read(QUARANTINE, day)
        others = stored.filter(pc.not_equal(stored.column("dataset"), dataset.name))
        if others.num_rows < stored.num_rows or rows.num_rows:
            self.warehouse.replace_day(QUARANTINE, pa.concat_tables([others, rows]), day)
