"""The manifest: what the report was asked for, what it was made from, and the hash of each of its files."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from engine.clock import iso
from engine.errors import DataError
from readers.report.facts import Facts
from readers.report.previous import Previous, from_tree, previous_of
from readers.report.proof import TABLES, files_sha256
from readers.report.request import ReportRequest
from readers.report.versions import code
from store.commit import files_of
from store.places import Place
from store.published import Published

FORMAT = "lossledger-manifest-1"
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


def _date(facts: Facts, day: Published) -> dict[str, Any]:
    warehouse = facts.rows.tables.warehouse
    run = facts.rows.runs().get(day.day)
    tables = {}
    for table in TABLES:
        if table.full_name not in day.table_sha256:
            continue  # it came later than the date
        number = day.version_of(table)
        tables[table.full_name] = {
            "version": number,
            "rows_sha256": day.table_sha256[table.full_name],
            "columns": ",".join(day.columns_of(table)),
            "files": files_sha256(files_of(warehouse, table, day.day, number)),
        }
    return {
        "business_date": day.day.isoformat(),
        "run_id": day.run_id,
        "published_at": iso(day.published_at),
        "session_start": iso(day.start),
        "session_end": iso(day.end),
        "input_sha256": day.input_sha256,
        "output_sha256": day.output_sha256,
        "rules_version": run["rules_version"] if run else None,
        "policy_sha256": run["policy_sha256"] if run else None,
        "policy": facts.policies.get(day.day),
        "tables": tables,
    }


def content_sha256(found: Mapping[str, Any]) -> str:
    """Of everything else in the manifest, and so of every file: what a signature is bound to."""
    rest = {key: value for key, value in found.items() if key != "content_sha256"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_text(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> dict[str, Any]:
    """DataError: there is none, or it is none of ours."""
    try:
        found: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
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


def request_of(found: Mapping[str, Any], warehouse: Place) -> ReportRequest:
    """What was asked for, to be asked again of a warehouse."""
    asked = found["request"]
    first, last = (date.fromisoformat(asked[name]) for name in ("from", "to"))
    previous = from_tree(asked["previous"]) if asked.get("previous") else None
    return ReportRequest(
        warehouse,
        first,
        last,
        asked["audience"],
        asked["venue"],
        asked["data"],
        asked["allow_missing"],
        previous,
    )


def read_previous(folder: Path) -> Previous:
    """The report in a folder as the one before. DataError: there is none, or its manifest was edited."""
    found = read_manifest(folder)
    if content_sha256(found) != found["content_sha256"]:
        raise DataError(f"{folder / NAME} was edited: it is no report to tell restatements since")
    try:
        return previous_of(found)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / NAME} cannot be read as the manifest of a report: {error}") from error
