"""Load: the landing zone into `raw` (as delivered) and `ledger` (typed, deduplicated, rejects quarantined)."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

from engine.clock import DAY_US, day_start_us, iso
from engine.errors import DataError
from engine.intake import Intake, Reference, Rejected, bad_margin_tables, reject_changed_versions, settle_keys, take_in
from engine.policy import Policy
from jobs.arrow import column_values, to_arrow, to_rows
from jobs.landing import LandedFile, dataset_days, delivery_hash, landed_files, read_file
from jobs.parallel import InProcess, Mapper
from jobs.reference import ReferenceData, read_reference, text_hash
from jobs.warehouse import Warehouse, content_hash
from schemas.core import Dataset
from schemas.inputs import DATASETS, DATED, REFERENCE
from schemas.ledger import BUCKETED, BUCKETS, DELIVERIES, QUARANTINE, RAW, TYPED

REFERENCE_DAY = date(1970, 1, 1)
_FIXED = {
    "instruments": (
        ("kind", "base_currency", "quote_currency", "settlement_currency", "multiplier"),
        "a later version may change tick_size and lot_size only",
    ),
    "accounts": (("account_type",), "a later version may not change account_type"),
}


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

    @property
    def label(self) -> str:
        return self.dataset if self.day == REFERENCE_DAY else f"{self.dataset}/date={self.day}"


@dataclass
class Parsed:
    """What a worker made of one file."""

    file: LandedFile
    intake: Intake
    rows: int
    extra_columns: tuple[str, ...]
    raw: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class ParseTask:
    landing: str
    file: LandedFile
    reference: Reference


def parse_file(task: ParseTask) -> Parsed:
    """Read and judge one file (in a worker)."""
    dataset = DATASETS[task.file.dataset]
    content = read_file(Path(task.landing), task.file.path, dataset)
    intake = take_in(dataset, content.rows, task.reference, task.file.day)
    raw = [(row.number, row.text) for row in content.rows]
    return Parsed(task.file, intake, len(content.rows), content.extra_columns, raw)


class Loader:
    """Loads deliveries that are new or changed; what has been loaded unchanged before is left alone."""

    def __init__(self, warehouse: Warehouse, landing: Path, policy: Policy, mapper: Mapper) -> None:
        self.warehouse, self.landing, self.policy, self.mapper = warehouse, landing, policy, mapper
        self.deliveries = {
            (row[0], row[1]): Delivery(*row) for row in to_rows(DELIVERIES, warehouse.read(DELIVERIES))
        }

    # reference data -----------------------------------------------------------------------------------

    def load_reference(self, day: date) -> ReferenceData:
        """Bring the reference tables up to date with the landing zone; `day` is the date being run."""
        upstream: list[str] = []
        for dataset in REFERENCE:
            files = landed_files(self.landing, dataset)
            before = self.deliveries.get((REFERENCE_DAY, dataset.name))
            if not files and before is None:
                raise DataError(f"{self.landing / dataset.name} has no files: every run needs this dataset")
            digest = text_hash(delivery_hash(files), *upstream) if files else before.sha256  # type: ignore[union-attr]
            if before is None or before.sha256 != digest:
                self._load_reference_dataset(dataset, files, digest, day)
            upstream.append(digest)
            self._check_share(self.deliveries[REFERENCE_DAY, dataset.name], day)
        reference = read_reference(self.warehouse)
        self.policy.check_currencies(reference.scales)
        return reference

    def _load_reference_dataset(
        self, dataset: Dataset, files: Sequence[LandedFile], digest: str, day: date
    ) -> None:
        known = read_reference(self.warehouse).known
        if dataset.name == "currencies":
            known = Reference()
        tasks = [ParseTask(str(self.landing), file, known) for file in files]
        parsed = InProcess().map(parse_file, tasks)  # small, and needed before anything can be spread out
        intake = settle_keys(dataset, _joined(parsed), {})
        if dataset.name in _FIXED:
            intake = reject_changed_versions(dataset, intake, *_FIXED[dataset.name])
        bad = bad_margin_tables(intake) if dataset.name == "margin_tiers" else {}
        self._append_raw(parsed, REFERENCE_DAY)
        rejected = intake.rejected + [
            Rejected(*origin, (f"margin table rejected whole: {bad[row[:2]]}",))
            for row, origin in zip(intake.rows, intake.origins, strict=True)
            if row[:2] in bad
        ]
        self._quarantine_reference(dataset, rejected, day)
        for (instrument_id, valid_from), why in bad.items():
            raise DataError(
                f"margin table of {instrument_id} valid from {iso(valid_from)} is rejected: {why}; "
                "correct LANDING/margin_tiers"
            )
        self.warehouse.replace_all(TYPED[dataset.name], _typed_table(dataset, intake.rows))
        self._record(REFERENCE_DAY, [_delivery(REFERENCE_DAY, dataset, digest, parsed, intake)])

    def _quarantine_reference(self, dataset: Dataset, rejected: Sequence[Rejected], day: date) -> None:
        """A rejected reference row keeps the date on which it was first rejected."""
        rows = {(dataset.name, *r[:3]): "; ".join(r.reasons) for r in rejected}
        stored = to_rows(QUARANTINE, self.warehouse.read(QUARANTINE))
        kept: defaultdict[date, list[tuple[Any, ...]]] = defaultdict(list)
        for row in stored:
            if row[1] == dataset.name and rows.pop(row[1:5], None) is not None:
                kept[row[0]].append(row)
        kept[day] += [(day, *key, reasons) for key, reasons in rows.items()]
        for affected in {day, *(row[0] for row in stored if row[1] == dataset.name)}:
            self._replace_quarantine(affected, {dataset.name}, kept[affected])

    # dated data ---------------------------------------------------------------------------------------

    def load_days(self, days: Sequence[date], reference: ReferenceData, session_start: int | None) -> None:
        """Load the folders of these dates. `session_start`: events before it are published already."""
        pending: list[tuple[Dataset, date, list[LandedFile], str]] = []
        for day in days:
            for dataset in DATED:
                files = landed_files(self.landing, dataset, day)
                digest = text_hash(delivery_hash(files), reference.sha256)
                before = self.deliveries.get((day, dataset.name))
                if files and (before is None or before.sha256 != digest):
                    pending.append((dataset, day, files, digest))
        tasks = [ParseTask(str(self.landing), file, reference.known) for _, _, files, _ in pending for file in files]
        parsed: defaultdict[tuple[str, date | None], list[Parsed]] = defaultdict(list)
        for result in self.mapper.map(parse_file, tasks):
            parsed[result.file.dataset, result.file.day].append(result)
        for day in days:
            loaded = [p for p in pending if p[1] == day]
            records = [
                self._load_dated(dataset, day, digest, parsed[dataset.name, day], session_start)
                for dataset, _, _, digest in loaded
            ]
            if records:
                self._record(day, records)
            for dataset in DATED:
                if (day, dataset.name) in self.deliveries:
                    self._check_share(self.deliveries[day, dataset.name], day)

    def _load_dated(
        self, dataset: Dataset, day: date, digest: str, parsed: Sequence[Parsed], session_start: int | None
    ) -> Delivery:
        joined = _joined(parsed)
        intake = settle_keys(dataset, joined, self._known_rows(dataset, day, joined))
        data = _typed_table(dataset, intake.rows, day)
        self._refuse_late_rows(dataset, day, data, session_start)
        self._append_raw(parsed, day)
        self.warehouse.replace_day(TYPED[dataset.name], data, day)
        rows = [(day, dataset.name, r.file, r.row_number, r.row, "; ".join(r.reasons)) for r in intake.rejected]
        self._replace_quarantine(day, {dataset.name}, rows)
        return _delivery(day, dataset, digest, parsed, intake)

    def _known_rows(self, dataset: Dataset, day: date, intake: Intake) -> dict[tuple[Any, ...], tuple[Any, ...]]:
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
        found = self.warehouse.delta(table).to_pyarrow_dataset().to_table(filter=wanted)
        names = [f.name for f in dataset.fields]
        return {(row[0],): row for row in to_rows(table, found, names)}

    def _refuse_late_rows(self, dataset: Dataset, day: date, data: pa.Table, session_start: int | None) -> None:
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
                f"published: run again from the date before, --from {_day_before(session_start)}"
            )

    # bookkeeping --------------------------------------------------------------------------------------

    def _check_share(self, delivery: Delivery, day: date) -> None:
        limit = self.policy.at(day_start_us(day) + DAY_US - 1).quarantine_max_share
        if delivery.quarantined * 10**18 > limit * delivery.rows:
            raise DataError(
                f"{delivery.label}: {delivery.quarantined} of {delivery.rows} rows are quarantined, more than the "
                "policy's quarantine_max_share; see ledger.quarantine, correct the delivery and run again"
            )

    def _append_raw(self, parsed: Iterable[Parsed], day: date) -> None:
        parsed = list(parsed)
        if not parsed:
            return
        table = RAW[parsed[0].file.dataset]
        stored = self.warehouse.read(table, day)
        known = set(zip(column_values(stored, table.column("file")), column_values(stored, table.column("file_sha256"))))
        rows = [
            {"file": p.file.path, "file_sha256": p.file.sha256, "row_number": number, "row": text}
            for p in parsed
            if (p.file.path, p.file.sha256) not in known
            for number, text in p.raw
        ]
        if rows:
            self.warehouse.append(table, to_arrow(table, rows, event_date=day))

    def _replace_quarantine(self, day: date, datasets: set[str], rows: Sequence[tuple[Any, ...]]) -> None:
        stored = to_rows(QUARANTINE, self.warehouse.read(QUARANTINE, day))
        others = [row for row in stored if row[1] not in datasets]
        if len(others) == len(stored) and not rows:
            return
        names = [c.name for c in QUARANTINE.columns]
        full = [dict(zip(names, row, strict=True)) for row in (*others, *rows)]
        self.warehouse.replace_day(QUARANTINE, to_arrow(QUARANTINE, full), day)

    def _record(self, day: date, records: Sequence[Delivery]) -> None:
        for record in records:
            self.deliveries[day, record.dataset] = record
            if record.quarantined:
                share = f"{record.quarantined} of {record.rows} rows quarantined"
                print(f"warning: {record.label}: {share}, see ledger.quarantine", file=sys.stderr)
            if record.extra_columns:
                print(f"warning: {record.label}: unknown columns kept out: {record.extra_columns}", file=sys.stderr)
        names = [c.name for c in DELIVERIES.columns]
        rows = [
            dict(zip(names, vars(d).values(), strict=True)) for d in self.deliveries.values() if d.day == day
        ]
        self.warehouse.replace_day(DELIVERIES, to_arrow(DELIVERIES, rows), day)

    def landed_days(self, until: date) -> list[date]:
        """All dates up to `until` for which there is a folder or a loaded delivery."""
        days = {day for dataset in DATED for day in dataset_days(self.landing, dataset)}
        days |= {day for day, _ in self.deliveries if day != REFERENCE_DAY}
        return sorted(day for day in days if day <= until)


def account_bucket(account_id: str) -> int:
    """Which bucket an account is in: fixed for ever, the same in every process."""
    return crc32(account_id.encode()) % BUCKETS


def _typed_table(dataset: Dataset, rows: Sequence[tuple[Any, ...]], day: date | None = None) -> pa.Table:
    names = [f.name for f in dataset.fields]
    full = [dict(zip(names, row, strict=True)) for row in rows]
    for row in full:
        if dataset.name in BUCKETED:
            row["account_bucket"] = account_bucket(row["account_id"])
    constants = {"event_date": day} if day else {}
    return to_arrow(TYPED[dataset.name], full, **constants)


def _joined(parsed: Iterable[Parsed]) -> Intake:
    joined = Intake()
    for p in parsed:
        joined.rows += p.intake.rows
        joined.origins += p.intake.origins
        joined.rejected += p.intake.rejected
    return joined


def _delivery(day: date, dataset: Dataset, digest: str, parsed: Sequence[Parsed], intake: Intake) -> Delivery:
    total = sum(p.rows for p in parsed)
    accepted, rejected = len(intake.rows), len(intake.rejected)
    assert total == accepted + intake.duplicates + rejected, "a row was lost"
    extra = ", ".join(sorted({c for p in parsed for c in p.extra_columns}))
    return Delivery(day, dataset.name, digest, total, accepted, intake.duplicates, rejected, extra)


def _day_before(ts: int) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + ts // DAY_US - 1)
