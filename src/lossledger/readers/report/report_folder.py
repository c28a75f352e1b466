"""Writes a report: four files and the manifest, which is written last."""

from collections.abc import Iterator
from pathlib import Path

from lossledger.engine.errors import ConfigError, DataError
from lossledger.readers.document.as_html import to_html
from lossledger.readers.document.as_json import to_json
from lossledger.readers.document.as_pdf import to_pdf
from lossledger.readers.document.as_xlsx import to_xlsx
from lossledger.readers.document.model import Document
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.manifest import NAME, SIGNATURES, manifest, to_text
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_request import ReportRequest
from lossledger.readers.report.report_signatures import signers
from lossledger.readers.report.row_proof import TABLES, check_rows_hash


def report_lines(request: ReportRequest, out: Path, replace: bool = False) -> Iterator[str]:
    """Writes the report; yields lines for a terminal. `replace`: overwrite a signed report.

    ConfigError: a date is not published, `out` cannot be written, or it has a signed report. DataError: published
    rows are not there any more.
    """
    if not replace and (who := signers(out)):
        raise ConfigError(
            f"{out} holds a report signed by {who}: write to another folder, or give --replace, which removes the "
            "signatures"
        )
    facts = gather(request)
    _check_rows(facts)
    files = render_files(build(facts))
    found = manifest(facts, files)
    _write(out, files | {NAME: to_text(found).encode()})
    yield f"{request.first} to {request.last}  {request.audience}  {out}"
    yield from (f"  {name}  {len(data):,} bytes" for name, data in files.items())
    yield f"  {NAME}  content {found['content_sha256']}"
    if facts.missing:
        yield f"  missing: {', '.join(day.isoformat() for day in facts.missing)}"


def _check_rows(facts: Facts) -> None:
    """Checks that the rows of every table match the hash that goes into the manifest. DataError: they do not."""
    warehouse = facts.rows.tables.warehouse
    for day in facts.rows.days:
        for table in TABLES:
            name = table.full_name
            if name not in day.table_sha256:
                continue  # it came later than the date
            version = day.version_of(table)
            if wrong := check_rows_hash(warehouse, table, day, version, day.table_sha256[name]):
                raise DataError(
                    f"{name} of {day.day}: {wrong}; bring its files back from a copy; lossledger verify --warehouse "
                    f"{warehouse.root} lists all that is so"
                )


def render_files(report: Document) -> dict[str, bytes]:
    """File name to bytes; the same report gives the same bytes with the same versions of the renderers."""
    return {
        "report.html": to_html(report).encode(),
        "report.json": to_json(report).encode(),
        "report.pdf": to_pdf(report),
        "report.xlsx": to_xlsx(report),
    }


def _write(out: Path, files: dict[str, bytes]) -> None:
    """Writes the manifest last: without it a folder is no report. Void signatures of a replaced report are removed."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / NAME).unlink(missing_ok=True)
        (out / SIGNATURES).unlink(missing_ok=True)
        for name, data in files.items():
            beside = out / f".{name}.writing"
            beside.write_bytes(data)
            beside.replace(out / name)
    except OSError as error:
        raise ConfigError(f"cannot write the report to {out}: {error.strerror or error}") from error
