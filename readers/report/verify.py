"""Does a report still hold? Its files, its manifest, the tables it was made from, and every figure, one by one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake.exceptions import DeltaError

from engine.errors import DataError, LossledgerError
from readers.published.pins import open_warehouse
from readers.report.as_json import as_tree, figures_of
from readers.report.build import build, gather
from readers.report.manifest import content_sha256, manifest, read_manifest, request_of
from readers.report.proof import TABLES, files_sha256, head_differs, rows_sha256
from readers.report.sign import signature_findings
from readers.report.versions import code
from readers.report.write import rendered
from schemas.core import Table
from store.commit import files_of
from store.places import Place
from store.published import columns_of, published_days
from store.warehouse import Warehouse

_SHOWN = 200  # lines of differing figures
_OTHERS = (
    "made with {}; other versions, or another build, are here: report.json is compared figure by figure; of the other "
    "files only that their hashes are the manifest's"
)
# What reading damaged files ends with, in whichever library notices it.
_DAMAGE = (
    LossledgerError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    DeltaError,
    pa.ArrowException,
)


@dataclass(frozen=True)
class Verified:
    """`findings`: what does not hold, a line each; `notes`: what a reader should know beside; `figures`: compared."""

    findings: tuple[str, ...]
    notes: tuple[str, ...]
    figures: int


def verify_lines(folder: Path, warehouse: Place) -> Iterator[str]:
    """What was found, for a terminal. DataError at the end when something does not hold."""
    made = verify(folder, warehouse)
    yield from (f"note: {note}" for note in made.notes)
    yield from made.findings
    if made.findings:
        lines = f"{len(made.findings)} finding{'s' if len(made.findings) > 1 else ''}"
        raise DataError(f"{folder} does not hold: {lines}, above")
    which = "every figure of report.json holds" if made.notes else "every figure holds"
    yield f"{which}: {made.figures:,} compared with the published versions in {warehouse}"


def verify(folder: Path, root: Place) -> Verified:
    """Compare a report with what is published in a warehouse. ConfigError: there is no such warehouse."""
    stated = read_manifest(folder)
    findings = [*changed_files(folder, stated)]
    if content_sha256(stated) != stated["content_sha256"]:
        findings.append("manifest.json: its content hash is not that of what it says: it was edited")
    findings += signature_findings(folder, stated["content_sha256"])
    warehouse = open_warehouse(root)
    published = published_days(warehouse)
    for day in stated["dates"]:
        findings += _date(warehouse, day, published)
    compared, more, notes = _again(folder, stated, root)
    return Verified((*findings, *more), tuple(notes), compared)


def changed_files(folder: Path, stated: Mapping[str, Any]) -> Iterator[str]:
    """A line for each file of a report that is not there, or is not the one that the manifest states."""
    for name, sha256 in sorted(stated["files"].items()):
        try:
            found = files_sha256([folder / name])[name]
        except OSError as error:
            yield f"{name}: cannot be read: {error.strerror or error}"
            continue
        if found != sha256:
            yield f"{name}: its bytes are not those of the manifest: it was edited"


def _date(warehouse: Warehouse, stated: Mapping[str, Any], published: Mapping[date, Any]) -> Iterator[str]:
    day = date.fromisoformat(stated["business_date"])
    now = published.get(day)
    if now is None:
        yield f"{day}: is not published any more"
        return
    if now.output_sha256 != stated["output_sha256"]:
        yield f"{day}: was restated by run {now.run_id}: its published rows are not those of the report"
    for table in TABLES:
        told = stated["tables"].get(table.full_name)
        if told is None and table.full_name not in now.table_sha256:
            continue  # it came later than the date
        if told is None:
            yield f"{day} {table.full_name}: the manifest does not name it"
        else:
            yield from _table(warehouse, table, day, told, now)


def _table(warehouse: Warehouse, table: Table, day: date, told: Mapping[str, Any], now: Any) -> Iterator[str]:
    where, version = f"{day} {table.full_name}", told["version"]
    try:
        found = files_sha256(files_of(warehouse, table, day, version))
    except _DAMAGE as error:
        yield f"{where}: version {version} cannot be read: {error}"
        return
    same_bytes = found == told["files"]
    if not same_bytes:
        yield f"{where}: bytes of version {version} were changed: {_differing(told['files'], found)}"
    columns = columns_of(table, told.get("columns", ""))
    if rows_sha256(warehouse, table, day, version, columns) != told["rows_sha256"]:
        yield f"{where}: the rows of version {version} are not those that were published"
    if head_differs(warehouse, table, now):
        head = warehouse.version(table)
        yield f"{where}: the newest version, {head}, has other rows than are published: somebody wrote past the night"


def _differing(told: Mapping[str, str], found: Mapping[str, str]) -> str:
    names = sorted(name for name in {*told, *found} if told.get(name) != found.get(name))
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _again(folder: Path, stated: Mapping[str, Any], root: Place) -> tuple[int, list[str], list[str]]:
    """The report made once more from what is published now, figure by figure and file by file."""
    try:
        facts = gather(request_of(stated, root))
        report = build(facts)
    except _DAMAGE as error:
        return 0, [f"the figures cannot be computed again: {' '.join(str(error).split())[:300]}"], []
    same_code = code() == stated["code"]
    compared, findings = _figures(folder, as_tree(report), same_code)
    if not same_code:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(stated["code"].items()))
        return compared, findings, [_OTHERS.format(versions)]
    files = rendered(report)
    again = manifest(facts, files)
    findings += [f"{path}: the manifest says {_cut(a)}, computed again it is {_cut(b)}" for path, a, b in
                 _differences(stated, again, "manifest.json")]  # fmt: skip
    return compared, findings, []


def _figures(folder: Path, again: dict[str, Any], all_of_them: bool) -> tuple[int, list[str]]:
    """How many were compared, and those that differ. Another build may have figures that the report has not."""
    try:
        told = dict(figures_of(json.loads((folder / "report.json").read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        return 0, [f"report.json: its figures cannot be read: {error}"]
    now = dict(figures_of(again))
    names = [*told, *(name for name in now if all_of_them and name not in told)]
    lines = [
        f"figure {name}: the report says {_cut(told.get(name))}, the published tables {_cut(now.get(name))}"
        for name in names
        if told.get(name) != now.get(name)
    ]
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], f"and {len(lines) - _SHOWN:,} more figures"]
    return len(names), lines


def _differences(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key != "content_sha256":
                yield from _differences(one.get(key), other.get(key), f"{path} {key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _differences(a, b, f"{path} {number}")
    elif one != other:
        yield path, one, other


def _cut(value: Any) -> str:
    if isinstance(value, dict) and "amount" in value:
        return f"{value['amount']} {value['unit']}".strip()
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "…"
