"""Load: the landing zone into `raw` (as delivered) and `ledger` (typed, deduplicated, rejects quarantined)."""

from collections.abc import Sequence
from datetime import date
from itertools import count

from lossledger.engine.intake.policy import Policy
from lossledger.jobs.load.columns.key_history import forget_others, hashes_before
from lossledger.jobs.load.columns.ledger_commit import commit_day, data_file
from lossledger.jobs.load.columns.load_stages import ColumnLoad, IncomingDelivery, LoadStages
from lossledger.jobs.load.columns.rejects import (
    RetainTask,
    reject_tasks,
    replaced_rows,
    write_rejected,
    write_retained,
)
from lossledger.jobs.load.columns.validation_context import ValidationContext
from lossledger.jobs.load.deliveries import REFERENCE_DAY, Deliveries, LoadedDelivery, delivery_hash
from lossledger.jobs.load.landing_zone import LandedTables, dataset_days, files_hash, landed_files
from lossledger.jobs.load.reference_loader import load_reference
from lossledger.jobs.spark.mapper import Mapper
from lossledger.schemas.inputs import DATED
from lossledger.schemas.ledger import QUARANTINE
from lossledger.store.data_files import files_of
from lossledger.store.id_numbers import assign_numbers
from lossledger.store.places import Place
from lossledger.store.reference_data import ReferenceData, text_hash
from lossledger.store.warehouse import Warehouse


class Loader:
    """Loads deliveries that are new or have changed.

    `judge_all`: every row is decided by the reference judge, for comparison.
    """

    def __init__(
        self, warehouse: Warehouse, landing: Place, policy: Policy, mapper: Mapper, judge_all: bool = False
    ) -> None:
        self.warehouse, self.landing = warehouse, landing
        self.deliveries = Deliveries(warehouse, policy)
        self._tables = LandedTables(landing)
        self._load = ColumnLoad(warehouse, landing, mapper, judge_all)

    def load_reference(self, day: date) -> ReferenceData:
        return load_reference(self.deliveries, self.landing, day, self._tables, self._load.judge_all)

    def load_days(self, days: Sequence[date], reference: ReferenceData, session_start: int | None) -> None:
        """Load the folders of these dates. `session_start`: events before it are published already."""
        pending = [p for day in days for p in self._pending(day, reference)]
        if pending:
            context = ValidationContext(reference.known, assign_numbers(self.warehouse, reference.known))
            with self._load.staged(context) as stages:
                stages.partition(pending)
                for day in days:
                    mine = [p for p in pending if p.day == day]
                    if mine:
                        self._load_day(stages, day, mine, session_start)
        self.deliveries.tell_rejected(days, DATED)
        for day in days:
            for dataset in DATED:
                self.deliveries.check_share((day, dataset.name), day)

    def _pending(self, day: date, reference: ReferenceData) -> list[IncomingDelivery]:
        pending = []
        for dataset in DATED:
            files = landed_files(self.landing, dataset, day, self._load.mapper, self._tables)
            self.deliveries.note_repeated(day, dataset.name, files)
            version = self._tables.version(dataset, day)
            content = text_hash(files_hash(files), reference.sha256)
            digest = delivery_hash(content)
            before = self.deliveries.loaded.get((day, dataset.name))
            # A table's rows of a date may all be deleted.
            emptied = version is not None and before is not None
            if (files or emptied) and (before is None or before.sha256 != digest):
                again = before is not None and before.content_sha256 == content
                pending.append(IncomingDelivery(dataset, day, files, content, digest, again, version))
        return pending

    def _load_day(
        self, stages: LoadStages, day: date, incoming: Sequence[IncomingDelivery], session_start: int | None
    ) -> None:
        history = {p.dataset.name: hashes_before(self.warehouse, self.deliveries, p) for p in incoming}
        stages.settle_duplicates(incoming, history)
        numbers: dict[str, int] = {}
        for item in incoming:
            files = list(zip(item.files, item.rows_of_files(), strict=True))
            numbers |= self.deliveries.file_numbers(day, item.dataset.name, files)
        stages.sort_buckets(incoming, numbers)
        records = [_counted(item) for item in incoming]
        stages.refuse_late_rows(incoming, session_start)
        for item in incoming:
            stages.commit(item)
        self._quarantine(day, incoming)
        self.deliveries.record(day, records)
        for item in incoming:
            forget_others(self.warehouse, item)

    def _quarantine(self, day: date, incoming: Sequence[IncomingDelivery]) -> None:
        """Replace the rows of these datasets in the date's quarantine by those rejected now."""
        names = [item.dataset.name for item in incoming]
        stored = files_of(self.warehouse, QUARANTINE, day)
        outs = (data_file(self.warehouse, QUARANTINE, day, number) for number in count(1))
        tasks = [task for item in incoming for task in reject_tasks(item, outs)]
        if not tasks and not replaced_rows(stored, names):
            return
        rows = sum(item.rejected for item in incoming)
        written = self._load.mapper.map(write_rejected, tasks, rows)
        if stored:
            written.append(
                write_retained(RetainTask(stored, names, data_file(self.warehouse, QUARANTINE, day, 0)))
            )
        commit_day(self.warehouse, QUARANTINE, day, written)

    def landed_days(self, until: date) -> list[date]:
        """All dates up to `until` for which there is a folder or a loaded delivery."""
        days = {day for dataset in DATED for day in dataset_days(self.landing, dataset, self._tables)}
        days |= {day for day, _ in self.deliveries.loaded if day != REFERENCE_DAY}
        return sorted(day for day in days if day <= until)


def _counted(item: IncomingDelivery) -> LoadedDelivery:
    return LoadedDelivery.counted(
        item.day,
        item.dataset.name,
        item.content_sha256,
        rows=item.rows,
        accepted=item.accepted,
        duplicates=item.duplicates,
        superseded=item.superseded,
        quarantined=item.rejected,
        extra=item.extra_columns,
        table_version=item.table_version,
    )
