"""Load reference data: currencies, instruments, accounts, margin tiers. A folder is one snapshot."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from engine.clock import iso
from engine.errors import DataError
from engine.intake.judge import Intake, Reference, Rejected, bad_margin_tables
from engine.intake.keys import reject_changed_versions, settle_keys
from jobs.load.columns.kept import KeepTask, keep_files
from jobs.load.deliveries import REFERENCE_DAY, Deliveries, Delivery
from jobs.load.landing import LandedFile, delivery_hash, landed_files
from jobs.load.parse import Parsed, ParseTask, joined, parse_file, typed_table
from schemas.core import Dataset
from schemas.inputs import REFERENCE
from schemas.ledger import QUARANTINE, TYPED
from store.arrow import to_arrow, to_rows
from store.content import content_path
from store.reference import ReferenceData, known_so_far, read_reference, text_hash

_FIXED = {
    "instruments": (
        ("kind", "base_currency", "quote_currency", "settlement_currency", "multiplier"),
        "a later version may change tick_size and lot_size only",
    ),
    "accounts": (("account_type",), "a later version may not change account_type"),
}


def load_reference(deliveries: Deliveries, landing: Path, day: date) -> ReferenceData:
    """Bring the reference tables up to date with the landing zone; `day` is the date being run.

    DataError: no files at all, a rejected margin table, too much quarantined.
    """
    upstream: list[str] = []
    for dataset in REFERENCE:
        files = landed_files(landing, dataset)
        before = deliveries.loaded.get((REFERENCE_DAY, dataset.name))
        if not files and before is None:
            raise DataError(f"{landing / dataset.name} has no files: every run needs this dataset")
        digest = text_hash(delivery_hash(files), *upstream) if files else before.sha256 if before else ""
        if before is None or before.sha256 != digest:
            _load(deliveries, landing, dataset, files, digest, day)
        upstream.append(digest)
        deliveries.check_share((REFERENCE_DAY, dataset.name), day)
    reference = read_reference(deliveries.warehouse)
    deliveries.policy.check_currencies(reference.scales)
    return reference


def _load(
    deliveries: Deliveries,
    landing: Path,
    dataset: Dataset,
    files: Sequence[LandedFile],
    digest: str,
    day: date,
) -> None:
    known = Reference() if dataset.name == "currencies" else known_so_far(deliveries.warehouse)
    # in this process: it is small, and needed before anything can be spread out
    root = deliveries.warehouse.root
    keep_files(KeepTask(str(landing), tuple(files), str(root)))
    parsed = [parse_file(ParseTask(content_path(root, file.sha256), file, known)) for file in files]
    intake = settle_keys(dataset, joined(parsed), {})
    if dataset.name in _FIXED:
        intake = reject_changed_versions(dataset, intake, *_FIXED[dataset.name])
    bad = bad_margin_tables(intake) if dataset.name == "margin_tiers" else {}
    kept = [(file, p.rows) for file, p in zip(files, parsed, strict=True)]
    deliveries.file_numbers(REFERENCE_DAY, dataset.name, kept)
    rejected_tables = [
        Rejected(*origin, (f"margin table rejected whole: {bad[row[:2]]}",))
        for row, origin in zip(intake.rows, intake.origins, strict=True)
        if row[:2] in bad
    ]
    _quarantine(deliveries, dataset, [*intake.rejected, *rejected_tables], day)
    for (instrument_id, valid_from), why in bad.items():
        raise DataError(
            f"margin table of {instrument_id} valid from {iso(valid_from)} is rejected: {why}; "
            "correct LANDING/margin_tiers"
        )
    deliveries.warehouse.replace_all(TYPED[dataset.name], typed_table(dataset, intake.rows))
    record = _counted(dataset, digest, parsed, intake)
    deliveries.record(REFERENCE_DAY, [record])


def _counted(dataset: Dataset, sha256: str, parsed: Sequence[Parsed], intake: Intake) -> Delivery:
    return Delivery.counted(
        REFERENCE_DAY,
        dataset.name,
        sha256,
        rows=sum(p.rows for p in parsed),
        accepted=len(intake.rows),
        duplicates=intake.duplicates,
        quarantined=len(intake.rejected),
        extra=(c for p in parsed for c in p.extra_columns),
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
