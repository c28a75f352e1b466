"""The books of the load: every delivered row is counted as accepted, duplicate or quarantined."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.clock import DAY_US, day_start_us
from engine.errors import DataError, InvariantError
from engine.intake import Intake
from engine.policy import Policy
from jobs.load.parse import Parsed
from jobs.terminal import warn
from schemas.core import Dataset
from schemas.ledger import DELIVERIES, QUARANTINE, RAW
from store.arrow import column_values, to_arrow, to_rows
from store.warehouse import Warehouse

REFERENCE_DAY = date(1970, 1, 1)


@dataclass
class Delivery:
    """A loaded dataset of one folder, as counted in ledger.deliveries."""

    day: date
    dataset: str
    sha256: str
    rows: int
    accepted: int
    duplicates: int
    quarantined: int
    extra_columns: str = ""

    @classmethod
    def counted(
        cls, day: date, dataset: Dataset, sha256: str, parsed: Sequence[Parsed], intake: Intake
    ) -> "Delivery":
        """Counts of a delivery; nothing may be lost between the files and the books."""
        total = sum(p.rows for p in parsed)
        accepted, rejected = len(intake.rows), len(intake.rejected)
        if total != accepted + intake.duplicates + rejected:
            raise InvariantError(
                f"{dataset.name} of {day}: of {total} delivered rows {accepted} were accepted, "
                f"{intake.duplicates} are duplicates and {rejected} were rejected: a row was lost"
            )
        extra = ", ".join(sorted({c for p in parsed for c in p.extra_columns}))
        return cls(day, dataset.name, sha256, total, accepted, intake.duplicates, rejected, extra)

    @property
    def label(self) -> str:
        return self.dataset if self.day == REFERENCE_DAY else f"{self.dataset}/date={self.day}"


class Deliveries:
    """What is loaded, by (folder date, dataset), and where rows that were not accepted go."""

    def __init__(self, warehouse: Warehouse, policy: Policy) -> None:
        self.warehouse, self.policy = warehouse, policy
        stored = to_rows(DELIVERIES, warehouse.read(DELIVERIES))
        self.loaded = {(row[0], row[1]): Delivery(*row) for row in stored}

    def record(self, day: date, records: Sequence[Delivery]) -> None:
        """Note that these are in the ledger now: the last write of a load."""
        for record in records:
            self.loaded[day, record.dataset] = record
            if record.quarantined:
                share = f"{record.quarantined} of {record.rows} rows quarantined"
                warn(f"{record.label}: {share}, see ledger.quarantine")
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
            raise DataError(
                f"{delivery.label}: {delivery.quarantined} of {delivery.rows} rows are quarantined, more than "
                "the policy's quarantine_max_share; see ledger.quarantine, correct the delivery and run again"
            )

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

    def append_raw(self, parsed: Iterable[Parsed], day: date) -> None:
        """Keep the rows as delivered; a file that is there with the same content is not added again."""
        parsed = list(parsed)
        if not parsed:
            return
        table = RAW[parsed[0].file.dataset]
        stored = self.warehouse.read(table, day)
        files, hashes = (column_values(stored, table.column(name)) for name in ("file", "file_sha256"))
        known = set(zip(files, hashes, strict=True))
        rows = [
            {"file": p.file.path, "file_sha256": p.file.sha256, "row_number": number, "row": text}
            for p in parsed
            if (p.file.path, p.file.sha256) not in known
            for number, text in p.raw
        ]
        if rows:
            self.warehouse.append(table, to_arrow(table, rows, event_date=day))

    def replace_quarantine(self, day: date, dataset: Dataset, rows: Sequence[tuple[Any, ...]]) -> None:
        """Put these rejected rows in place of the dataset's of that date."""
        stored = to_rows(QUARANTINE, self.warehouse.read(QUARANTINE, day))
        others = [row for row in stored if row[1] != dataset.name]
        if len(others) == len(stored) and not rows:
            return
        names = [c.name for c in QUARANTINE.columns]
        full = [dict(zip(names, row, strict=True)) for row in (*others, *rows)]
        self.warehouse.replace_day(QUARANTINE, to_arrow(QUARANTINE, full), day)
