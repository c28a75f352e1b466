"""Verifies a report: its files, manifest, signatures, tables, and every figure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lossledger.engine.errors import DataError
from lossledger.readers.document.as_json import to_tree
from lossledger.readers.published.pins import open_warehouse
from lossledger.readers.report.code_versions import code
from lossledger.readers.report.figure_differences import differing_entries, differing_figures, differing_text
from lossledger.readers.report.manifest import (
    changed_files,
    content_sha256,
    manifest,
    read_manifest,
    request_of,
)
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_folder import render_files
from lossledger.readers.report.report_signatures import signatures
from lossledger.readers.report.row_proof import (
    DAMAGE,
    TABLES,
    check_rows_hash,
    files_sha256,
    head_has_other_rows,
    line_of,
)
from lossledger.readers.report.spreadsheet_differences import differing_cells
from lossledger.schemas.core import Table
from lossledger.store.data_files import files_of
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate, columns_of, published_days
from lossledger.store.warehouse import Warehouse

_OTHERS = (
    "made with {}; other versions, or another build, are here: report.json is compared figure by figure; of the other "
    "files only that their hashes are the manifest's"
)


@dataclass(frozen=True)
class Verification:
    """`findings`: one line per failed check; `notes`: limits of the verification; `figures`: number compared.

    `signed`: one line per signature.
    """

    findings: tuple[str, ...]
    notes: tuple[str, ...]
    figures: int
    signed: tuple[str, ...] = ()


def verify_lines(folder: Path, warehouse: Place | None) -> Iterator[str]:
    """The result as lines for a terminal. DataError at the end if there are findings."""
    made = verify(folder, warehouse)
    yield from (f"note: {note}" for note in made.notes)
    yield from made.signed or ("signed by nobody",)
    yield from made.findings
    if made.findings:
        lines = f"{len(made.findings)} finding{'s' if len(made.findings) > 1 else ''}"
        raise DataError(f"{folder} does not hold: {lines}, above")
    if warehouse is None:
        yield (
            "the files are those of the manifest: whether their figures are those that were published, "
            "verify-report tells with --warehouse"
        )
        return
    which = "every figure of report.json holds" if made.notes else "every figure holds"
    yield f"{which}: {made.figures:,} compared with the published versions in {warehouse}"


def verify(folder: Path, root: Place | None = None) -> Verification:
    """Compares a report with its manifest and, if a warehouse is given, with its published tables.

    ConfigError: there is no such warehouse. DataError: the folder has no manifest of a report.
    """
    stated = read_manifest(folder)
    signed, findings = signatures(folder, stated)
    findings = [*changed_files(folder, stated), *findings]
    if content_sha256(stated) != stated["content_sha256"]:
        findings.insert(0, "manifest.json: its content hash is not that of what it says: it was edited")
    if root is None:
        return Verification(tuple(findings), (), 0, tuple(signed))
    findings += table_findings(open_warehouse(root), stated)
    compared, more, notes = _again(folder, stated, root)
    return Verification((*findings, *more), tuple(notes), compared, tuple(signed))


def table_findings(warehouse: Warehouse, stated: Mapping[str, Any]) -> Iterator[str]:
    """A line for each table of the reported dates that is not as the manifest has it."""
    published = published_days(warehouse)
    for day in stated["dates"]:
        yield from _date(warehouse, day, published)


def _date(
    warehouse: Warehouse, stated: Mapping[str, Any], published: Mapping[date, PublishedDate]
) -> Iterator[str]:
    day = date.fromisoformat(stated["business_date"])
    now = published.get(day)
    if now is None:
        yield f"{day}: is not published any more"
        return
    # The public edition has no hash of rows: there the run identifies the rows.
    same = now.output_sha256 == stated.get("output_sha256") or now.run_id == stated["run_id"]
    if not same:
        yield f"{day}: was restated by run {now.run_id}: its published rows are not those of the report"
    for table in TABLES:
        reported = stated["tables"].get(table.full_name)
        if reported is None and table.full_name not in now.table_sha256:
            continue  # it came later than the date
        if reported is None:
            yield f"{day} {table.full_name}: the manifest does not name it"
        else:
            yield from _table(warehouse, table, reported, now, same)


def _table(
    warehouse: Warehouse, table: Table, reported: Mapping[str, Any], now: PublishedDate, same: bool
) -> Iterator[str]:
    where, version = f"{now.day} {table.full_name}", reported["version"]
    sha256 = reported.get("rows_sha256") or (now.table_sha256[table.full_name] if same else "")
    if "files" in reported:
        try:
            found = files_sha256(files_of(warehouse, table, now.day, version))
        except DAMAGE:
            found = reported["files"]  # reported below
        if found != reported["files"]:
            yield f"{where}: bytes of version {version} were changed: {_differing(reported['files'], found)}"
    columns = columns_of(table, reported.get("columns", "")) if "rows_sha256" in reported else None
    if sha256 and (wrong := check_rows_hash(warehouse, table, now, version, sha256, columns)):
        yield f"{where}: {wrong}"
    try:
        differs = head_has_other_rows(warehouse, table, now)
    except DAMAGE as error:
        yield f"{where}: the newest version cannot be read: {line_of(error)}"
        return
    if differs:
        head = warehouse.version(table)
        yield f"{where}: the newest version, {head}, has other rows than are published: somebody wrote past the night"


def _differing(reported: Mapping[str, str], found: Mapping[str, str]) -> str:
    names = sorted(name for name in {*reported, *found} if reported.get(name) != found.get(name))
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _again(folder: Path, stated: Mapping[str, Any], root: Place) -> tuple[int, list[str], list[str]]:
    """Computes the report again from the published tables and compares figures and files."""
    try:
        facts = gather(request_of(stated, root))
        report = build(facts)
    except DAMAGE as error:
        return 0, [f"the figures cannot be computed again: {' '.join(str(error).split())[:300]}"], []
    same_code = code() == stated["code"]
    compared, findings = differing_figures(folder, to_tree(report), same_code)
    if not same_code:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(stated["code"].items()))
        return compared, findings, [_OTHERS.format(versions)]
    files = render_files(report)
    findings += _inside(folder, files)
    findings += differing_entries(stated, manifest(facts, files), "manifest.json")
    return compared, findings, []


def _inside(folder: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Differences within the page and the spreadsheet."""
    for name, differing in (("report.html", differing_text), ("report.xlsx", differing_cells)):
        try:
            data = (folder / name).read_bytes()
        except OSError:
            continue  # reported by changed_files
        if data != files[name]:
            yield from differing(name, data, files[name])
