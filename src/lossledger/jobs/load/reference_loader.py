"""Load reference data: currencies, instruments, accounts, margin tiers. A folder is one snapshot."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import pyarrow.compute as pc

from lossledger.engine.clock import iso
from lossledger.engine.errors import DataError
from lossledger.engine.intake.judge import Intake, Reference, Rejected, bad_margin_tables
from lossledger.engine.intake.keys import reject_changed_versions, settle_keys
from lossledger.jobs.load.columns.archive_files import ArchiveTask, archive_files
from lossledger.jobs.load.columns.splits import SourceFile
from lossledger.jobs.load.deliveries import REFERENCE_DAY, Deliveries, LoadedDelivery, delivery_hash
from lossledger.jobs.load.landing_zone import LandedFile, LandedTables, files_hash, landed_files
from lossledger.jobs.load.reference_rows import ReferenceRows, read_rows, typed_table
from lossledger.jobs.terminal import printable
from lossledger.schemas.core import Dataset
from lossledger.schemas.inputs import REFERENCE
from lossledger.schemas.ledger import QUARANTINE, TYPED
from lossledger.store.arrow import to_arrow, to_rows
from lossledger.store.content import content_path
from lossledger.store.places import Place
from lossledger.store.reference_data import ReferenceData, known_so_far, read_reference, text_hash

_FIXED = {
    "instruments": (
        ("kind", "base_currency", "quote_currency", "settlement_currency", "multiplier"),
        "a later version may change tick_size and lot_size only: list a contract whose other terms change under "
        "an id of its own",
    ),
    "accounts": (("account_type",), "a later version may not change account_type"),
}


def load_reference(
    deliveries: Deliveries, landing: Place, day: date, tables: LandedTables, judge_all: bool = False
) -> ReferenceData:
    """Bring the reference tables up to date with the landing zone; `day` is the date being run.

    DataError: no files at all, or a row or a margin table is rejected.
    """
    upstream: list[str] = []
    for dataset in REFERENCE:
        files = landed_files(landing, dataset, None, None, tables)
        deliveries.note_repeated(REFERENCE_DAY, dataset.name, files)
        version = tables.version(dataset, None)
        before = deliveries.loaded.get((REFERENCE_DAY, dataset.name))
        if not files and (before is None or version is not None):
            raise DataError(f"{landing / dataset.name} has no files: every run needs this dataset")
        if files:
            content = text_hash(files_hash(files), *upstream)
            if before is None or before.sha256 != delivery_hash(content):
                _load(deliveries, landing, dataset, files, (content, version), day, judge_all)
        upstream.append(deliveries.loaded[REFERENCE_DAY, dataset.name].content_sha256)
        _refuse_rejected(deliveries, dataset)
    reference = read_reference(deliveries.warehouse)
    deliveries.policy.check_currencies(reference.scales)
    liquidators = [a for a in deliveries.policy.liquidators if a in reference.accounts]
    deliveries.policy.check_accounts({a: reference.accounts[a].account_type for a in liquidators})
    return reference


def _refuse_rejected(deliveries: Deliveries, dataset: Dataset) -> None:
    """DataError when a row of the delivery is rejected.

    Without it the version before would stay in force, and be wrong for everybody it concerns: no share is allowed.
    """
    delivery = deliveries.loaded.get((REFERENCE_DAY, dataset.name))
    if not delivery or not delivery.quarantined:
        return
    mine = pc.field("dataset") == dataset.name
    found = deliveries.warehouse.find(QUARANTINE, mine, ["file", "row_number", "reasons"])
    file, row, why = min(zip(*found.to_pydict().values(), strict=True))
    raise DataError(
        f"{printable(file)} row {row} is rejected: {printable(why)} ({delivery.quarantined} of {delivery.rows} "
        f"rows of {dataset.name}; reference data is taken with every row or not at all); correct it and run again"
    )


def _load(
    deliveries: Deliveries,
    landing: Place,
    dataset: Dataset,
    files: Sequence[LandedFile],
    stamp: tuple[str, int | None],
    day: date,
    judge_all: bool,
) -> None:
    """`stamp`: the delivery's hash, and the version of the Delta table that it is."""
    root = deliveries.warehouse.root
    # in this process: it is needed before anything can be spread out
    archive_files(ArchiveTask(str(landing), tuple(files), str(root)))
    sources = [SourceFile(f.path, str(content_path(root, f.sha256)), f.size) for f in files]
    if dataset.name == "accounts" and not judge_all:
        from lossledger.jobs.load.columns.account_columns import judge_accounts

        taken = judge_accounts(sources, partial(settled, dataset))
    else:
        taken = _take_rows(deliveries, dataset, files, sources, day)
    deliveries.file_numbers(REFERENCE_DAY, dataset.name, list(zip(files, taken.rows, strict=True)))
    _quarantine(deliveries, dataset, taken.rejected, day)
    deliveries.warehouse.replace_all(TYPED[dataset.name], taken.table)
    deliveries.record(REFERENCE_DAY, [_counted(dataset, stamp, taken)])


def _take_rows(
    deliveries: Deliveries,
    dataset: Dataset,
    files: Sequence[LandedFile],
    sources: Sequence[SourceFile],
    day: date,
) -> ReferenceRows:
    """Read row by row. DataError, after the rows are in the quarantine: a bad margin table."""
    known = Reference() if dataset.name == "currencies" else known_so_far(deliveries.warehouse)
    read, rows, extra = read_rows(dataset, sources, known)
    intake = settled(dataset, read)
    bad = bad_margin_tables(intake) if dataset.name == "margin_tiers" else {}
    rejected_tables = [
        Rejected(*origin, (f"margin table rejected whole: {bad[row[:2]]}",))
        for row, origin in zip(intake.rows, intake.origins, strict=True)
        if row[:2] in bad
    ]
    for (instrument_id, valid_from), why in bad.items():
        keys = zip(intake.rows, intake.origins, strict=True)
        first = min(origin for row, origin in keys if row[:2] == (instrument_id, valid_from))
        deliveries.file_numbers(REFERENCE_DAY, dataset.name, list(zip(files, rows, strict=True)))
        _quarantine(deliveries, dataset, [*intake.rejected, *rejected_tables], day)
        raise DataError(
            f"margin table of {printable(instrument_id)} valid from {iso(valid_from)} is rejected: {why} "
            f"({printable(first[0])} row {first[1]}); correct LANDING/margin_tiers"
        )
    table = typed_table(dataset, intake.rows)
    return ReferenceRows(table, intake.rejected, intake.duplicates, rows, extra)


def settled(dataset: Dataset, intake: Intake) -> Intake:
    """Settle repeated keys and reject versions that change fixed terms."""
    settled = settle_keys(dataset, intake, {})
    if dataset.name in _FIXED:
        return reject_changed_versions(dataset, settled, *_FIXED[dataset.name])
    return settled


def _counted(dataset: Dataset, stamp: tuple[str, int | None], taken: ReferenceRows) -> LoadedDelivery:
    return LoadedDelivery.counted(
        REFERENCE_DAY,
        dataset.name,
        stamp[0],
        rows=sum(taken.rows),
        accepted=taken.table.num_rows,
        duplicates=taken.duplicates,
        quarantined=len(taken.rejected),
        extra=taken.extra,
        table_version=stamp[1],
    )


def _quarantine(deliveries: Deliveries, dataset: Dataset, rejected: Sequence[Rejected], day: date) -> None:
    """A rejected reference row keeps the date on which it was first rejected."""
    rows = {(dataset.name, *r[:3]): "; ".join(r.reasons) for r in rejected}
    stored = to_rows(QUARANTINE, deliveries.warehouse.read(QUARANTINE))
    mine = [row for row in stored if row[1] == dataset.name]
    kept: defaultdict[date, list[tuple[Any, ...]]] = defaultdict(list)
    for row in mine:
        if rows.pop(row[1:5], None) is not None:
            kept[row[0]].append(row)
    kept[day] += [(day, *key, reasons) for key, reasons in rows.items()]
    for affected in sorted({day, *(row[0] for row in mine)}):
        names = [c.name for c in QUARANTINE.columns]
        full = [dict(zip(names, row, strict=True)) for row in kept[affected]]
        deliveries.replace_quarantine(affected, dataset, to_arrow(QUARANTINE, full))
