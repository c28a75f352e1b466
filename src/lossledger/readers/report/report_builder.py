"""Builds a report from a request: its dates and its sections."""

from dataclasses import replace

from lossledger.engine.clock import iso
from lossledger.engine.errors import ConfigError
from lossledger.readers.document.model import Document, Section
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import PublishedRows
from lossledger.readers.report.facts import Facts, read_policies
from lossledger.readers.report.public_edition import public_sections
from lossledger.readers.report.report_request import PUBLIC, REGULATOR, ReportRequest
from lossledger.readers.report.sections import (
    data_quality,
    deficit_causes,
    deficit_waterfall,
    definitions,
    exposure,
    fund_resources,
    liquidation_events,
    loss_sharing,
    margin_performance,
    other_rules,
    protection,
    reconciliation_checks,
    report_header,
    restatements,
    result_summary,
)

FORMAT = "lossledger-report-1"


def gather(request: ReportRequest) -> Facts:
    """Opens the warehouse at the published versions.

    ConfigError: the range is empty or reversed, or a date is not published and missing dates are not allowed.
    """
    if request.last < request.first:
        raise ConfigError(f"--to {request.last} is before --from {request.first}")
    tables = PublishedTables.open(request.warehouse)
    known = set(tables.days)
    missing = tuple(day for day in request.days() if day not in known)
    if missing and not request.allow_missing:
        have = f"{tables.days[0]} to {tables.days[-1]}" if tables.days else "none"
        raise ConfigError(
            f"{missing[0]} is not published in {request.warehouse} (published dates: {have}): run it first, or give "
            "--allow-missing to have it told as missing"
        )
    there = [day for day in request.days() if day in known]
    if not there:
        raise ConfigError(
            f"no date from {request.first} to {request.last} is published in {request.warehouse}"
        )
    if request.previous and request.audience == PUBLIC:
        request = replace(request, previous=request.previous.for_public(PUBLIC))
    rows = PublishedRows(tables, there)
    return Facts(rows, request, missing, read_policies(rows))


def build(facts: Facts) -> Document:
    """The report as a document; the same published versions give the same one."""
    request, not_stated = facts.request, {"not_available": "nobody has stated it"}
    first, last = request.first, request.last
    title = f"Losses and who paid, {first}" + (f" to {last}" if last != first else "")
    made_at = max(day.published_at for day in facts.rows.days)
    reader = "the regulator" if request.audience == REGULATOR else "the public"
    return Document(
        title,
        _regulator(facts) if request.audience == REGULATOR else public_sections(facts),
        about=f"{request.venue or 'Venue: not available'} · report for {reader} · amounts are exact, in units of their "
        "currency; percentages are rounded to a tenth; times are UTC",
        subject=request.venue,
        head={
            "format": FORMAT,
            "title": title,
            "audience": request.audience,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "venue": request.venue or not_stated,
            "data": request.data or not_stated,
            "published_until": iso(made_at),
        },
        made_at=made_at,
    )


def _regulator(facts: Facts) -> tuple[Section, ...]:
    return (
        result_summary.result(facts),
        report_header.header(facts),
        fund_resources.fund(facts),
        exposure.exposure(facts),
        margin_performance.margin(facts),
        liquidation_events.events(facts),
        deficit_waterfall.waterfall(facts),
        loss_sharing.sharing(facts),
        deficit_causes.causes(facts),
        protection.protection(facts),
        reconciliation_checks.reconciliations(facts),
        data_quality.quality(facts),
        data_quality.operation(facts),
        restatements.restated(facts),
        other_rules.rules(facts),
        definitions.definitions(facts),
    )
