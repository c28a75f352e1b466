"""Load: the landing zone into `raw` (as delivered) and `ledger` (typed, deduplicated, rejects quarantined)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.clock import DAY_US, day_of, day_start_us, iso
from engine.errors import DataError
from engine.intake import Intake, settle_keys
from engine.policy import Policy
from jobs.load.deliveries import REFERENCE_DAY, Deliveries, Delivery
from jobs.load.landing import LandedFile, dataset_days, delivery_hash, landed_files
from jobs.load.parse import Parsed, ParseTask, joined, parse_files, shared_out, typed_table
from jobs.load.reference import load_reference
from jobs.spark.mapper import Mapper
from schemas.core import Dataset
from schemas.inputs import DATED
from schemas.ledger import TYPED
from store.arrow import to_rows
from store.reference import ReferenceData, text_hash
from store.warehouse import Warehouse, content_hash


@dataclass
class Pending:
    """A delivery that is new or has changed."""

    dataset: Dataset
    day: date
    files: list[LandedFile]
    sha256: str


class Loader:
    """Loads deliveries that are new or changed; what has been loaded unchanged before is left alone."""

    def __init__(self, warehouse: Warehouse, landing: Path, policy: Policy, mapper: Mapper) -> None:
        self.warehouse, self.landing, self.mapper = warehouse, landing, mapper
        self.deliveries = Deliveries(warehouse, policy)

    def load_reference(self, day: date) -> ReferenceData:
        return load_reference(self.deliveries, self.landing, day)

    def load_days(self, days: Sequence[date], reference: ReferenceData, session_start: int | None) -> None:
        """Load the folders of these dates. `session_start`: events before it are published already."""
        pending = [p for day in days for p in self._pending(day, reference)]
        files = [file for p in pending for file in p.files]
        groups = shared_out(files, self.mapper.partitions) if files else []
        tasks = [ParseTask(str(self.landing), group, reference.known) for group in groups]
        results = [result for group in self.mapper.map(parse_files, tasks) for result in group]
        parsed: defaultdict[tuple[date | None, str], list[Parsed]] = defaultdict(list)
        for result in sorted(results, key=lambda r: r.file):
            parsed[result.file.day, result.file.dataset].append(result)
        for day in days:
            mine = [p for p in pending if p.day == day]
            if mine:
                self.deliveries.record(
                    day, [self._load(p, parsed[day, p.dataset.name], session_start) for p in mine]
                )
            for dataset in DATED:
                self.deliveries.check_share((day, dataset.name), day)

    def _pending(self, day: date, reference: ReferenceData) -> list[Pending]:
        pending = []
        for dataset in DATED:
            files = landed_files(self.landing, dataset, day)
            digest = text_hash(delivery_hash(files), reference.sha256)
            before = self.deliveries.loaded.get((day, dataset.name))
            if files and (before is None or before.sha256 != digest):
                pending.append(Pending(dataset, day, files, digest))
        return pending

    def _load(self, item: Pending, parsed: Sequence[Parsed], session_start: int | None) -> Delivery:
        dataset, day = item.dataset, item.day
        delivered = joined(parsed)
        intake = settle_keys(dataset, delivered, self._known_rows(dataset, day, delivered))
        data = typed_table(dataset, intake.rows, day)
        self._refuse_late_rows(dataset, day, data, session_start)
        self.deliveries.append_raw(parsed, day)
        self.warehouse.replace_day(TYPED[dataset.name], data, day)
        rejected = [
            (day, dataset.name, r.file, r.row_number, r.row, "; ".join(r.reasons)) for r in intake.rejected
        ]
        self.deliveries.replace_quarantine(day, dataset, rejected)
        return Delivery.counted(day, dataset, item.sha256, parsed, intake)

    def _known_rows(
        self, dataset: Dataset, day: date, intake: Intake
    ) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """Rows of earlier folders with a key that stands in this one too (never where the key has the time)."""
        if "ts" in dataset.key or not intake.rows:
            return {}
        table, key = TYPED[dataset.name], dataset.key[0]
        keys = sorted({row[0] for row in intake.rows})
        wanted = (
            (pc.field("event_date") < pa.scalar(day))
            & (pc.field(key) >= keys[0])
            & (pc.field(key) <= keys[-1])
            & pc.field(key).isin(keys)
        )
        found = self.warehouse.find(table, wanted)
        names = [f.name for f in dataset.fields]
        return {(row[0],): row for row in to_rows(table, found, names)}

    def _refuse_late_rows(
        self, dataset: Dataset, day: date, data: pa.Table, session_start: int | None
    ) -> None:
        """Rows of sessions that are published may not change while a later date is run."""
        if session_start is None or session_start <= day_start_us(day):
            return
        table = TYPED[dataset.name]
        early = pc.field("ts") < pa.scalar(session_start, pa.timestamp("us", tz="UTC"))
        before, after = (
            content_hash([(table, part.filter(early))]) for part in (self.warehouse.read(table, day), data)
        )
        if before != after:
            raise DataError(
                f"{dataset.name}/date={day} has changed rows before {iso(session_start)}, in a session that is "
                f"published: run again from the date before, --from {day_of(session_start - DAY_US)}"
            )

    def landed_days(self, until: date) -> list[date]:
        """All dates up to `until` for which there is a folder or a loaded delivery."""
        days = {day for dataset in DATED for day in dataset_days(self.landing, dataset)}
        days |= {day for day, _ in self.deliveries.loaded if day != REFERENCE_DAY}
        return sorted(day for day in days if day <= until)
