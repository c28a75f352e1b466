"""The manifest: the report's request, the versions it was computed from, and the hash of each of its files."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from lossledger.engine.clock import iso
from lossledger.engine.errors import DataError
from lossledger.readers.report.code_versions import code
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.previous_report import PreviousReport, from_tree, previous_of
from lossledger.readers.report.report_request import PUBLIC, ReportRequest
from lossledger.readers.report.row_proof import TABLES, files_sha256
from lossledger.schemas.core import Table
from lossledger.store.data_files import files_of
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate

FORMAT = "lossledger-manifest-2"
EARLIER = "lossledger-manifest-1"  # its public editions have hashes of rows, its signatures none of their own
FILES = ("report.html", "report.json", "report.pdf", "report.xlsx")
NAME = "manifest.json"
SIGNATURES = "signatures.json"


def manifest(facts: Facts, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Everything in it can be computed again from the warehouse, and is when the report is verified."""
    request = facts.request
    found: dict[str, Any] = {
        "format": FORMAT,
        "request": {
            "from": request.first.isoformat(),
            "to": request.last.isoformat(),
            "audience": request.audience,
            "venue": request.venue,
            "data": request.data,
            "allow_missing": request.allow_missing,
            "previous": request.previous.tree() if request.previous else None,
        },
        "code": code(),
        "missing": [day.isoformat() for day in facts.missing],
        "dates": [_date(facts, day) for day in facts.rows.days],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    return found | {"content_sha256": content_sha256(found)}


def _date(facts: Facts, day: PublishedDate) -> dict[str, Any]:
    """For the public without any hash of rows: a held-back cell could be guessed until the hash comes out."""
    run = facts.rows.runs().get(day.day)
    public = facts.request.audience == PUBLIC
    hashes = {"input_sha256": day.input_sha256, "output_sha256": day.output_sha256}
    return {
        "business_date": day.day.isoformat(),
        "run_id": day.run_id,
        "published_at": iso(day.published_at),
        "session_start": iso(day.start),
        "session_end": iso(day.end),
        **({} if public else hashes),
        "rules_version": run["rules_version"] if run else None,
        "policy_sha256": run["policy_sha256"] if run else None,
        "policy": facts.policies.get(day.day),
        "tables": {
            table.full_name: {"version": day.version_of(table)}
            | ({} if public else _hashes(facts, table, day))
            for table in TABLES
            if table.full_name in day.table_sha256  # another came later than the date
        },
    }


def _hashes(facts: Facts, table: Table, day: PublishedDate) -> dict[str, Any]:
    files = files_of(facts.rows.tables.warehouse, table, day.day, day.version_of(table))
    return {
        "rows_sha256": day.table_sha256[table.full_name],
        "columns": ",".join(day.columns_of(table)),
        "files": files_sha256(files),
    }


def content_sha256(found: Mapping[str, Any]) -> str:
    """Of everything else in the manifest, and so of every file: what a signature is bound to."""
    rest = {key: value for key, value in found.items() if key != "content_sha256"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_text(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> dict[str, Any]:
    """DataError: there is no manifest, or it has another format."""
    try:
        found: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if found["format"] not in (FORMAT, EARLIER):
            raise ValueError(f"its format is {found['format']!r}")
        request_of(found, folder)
        (
            dict(found["files"]),
            [day["tables"] for day in found["dates"]],
            found["code"],
            found["content_sha256"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{folder / NAME} cannot be read as the manifest of a report: {error}") from error
    return found


def changed_files(folder: Path, stated: Mapping[str, Any]) -> Iterator[str]:
    """A line for each file of a report that is not there, or is not the one that the manifest states."""
    for name in sorted({*stated["files"], *FILES}):
        if name not in FILES:
            yield f"{name}: the manifest names it, and it is no file of a report"
            continue
        if name not in stated["files"]:
            yield f"{name}: the manifest does not name it"
            continue
        try:
            found = files_sha256([folder / name])[name]
        except OSError as error:
            yield f"{name}: cannot be read: {error.strerror or error}"
            continue
        if found != stated["files"][name]:
            yield f"{name}: its bytes are not those of the manifest: it was edited"


def request_of(found: Mapping[str, Any], warehouse: Place) -> ReportRequest:
    """The request stated in a manifest, for another run against `warehouse`."""
    request = found["request"]
    first, last = (date.fromisoformat(request[name]) for name in ("from", "to"))
    previous = from_tree(request["previous"]) if request.get("previous") else None
    return ReportRequest(
        warehouse,
        first,
        last,
        request["audience"],
        request["venue"],
        request["data"],
        request["allow_missing"],
        previous,
    )


def read_previous(folder: Path) -> PreviousReport:
    """The previous report, read from its folder. DataError: there is none, or its manifest was edited."""
    found = read_manifest(folder)
    if content_sha256(found) != found["content_sha256"]:
        raise DataError(f"{folder / NAME} was edited: it is no report to tell restatements since")
    try:
        return previous_of(found)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / NAME} cannot be read as the manifest of a report: {error}") from error
