"""From a request to the report: which dates, which sections."""

from dataclasses import replace

from lossledger.engine.errors import ConfigError
from lossledger.readers.published.tables import PublishedTables
from lossledger.readers.report.facts import Facts, read_policies
from lossledger.readers.report.model import Report, Section
from lossledger.readers.report.public import public_sections
from lossledger.readers.report.request import PUBLIC, REGULATOR, ReportRequest
from lossledger.readers.report.sections import (
    causes,
    checks,
    definitions,
    events,
    exposure,
    fund,
    header,
    losses,
    margin,
    protection,
    quality,
    restated,
    result,
    rules,
    sharing,
)
from lossledger.readers.rows import PublishedRows


def gather(request: ReportRequest) -> Facts:
    """Open the warehouse at the published versions.

    ConfigError: the range is empty or turned round, or a date of it is not published and that is not allowed.
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


def build(facts: Facts) -> Report:
    """The model of the report; the same published versions give the same one."""
    request = facts.request
    first, last = request.first, request.last
    period = f"{first}" if first == last else f"{first} to {last}"
    made = _regulator(facts) if request.audience == REGULATOR else public_sections(facts)
    return Report(
        title=f"Losses and who paid, {period}",
        audience=request.audience,
        first=first,
        last=last,
        venue=request.venue,
        data=request.data,
        made_at=max(day.published_at for day in facts.rows.days),
        sections=made,
    )


def _regulator(facts: Facts) -> tuple[Section, ...]:
    return (
        result.result(facts),
        header.header(facts),
        fund.fund(facts),
        exposure.exposure(facts),
        margin.margin(facts),
        events.events(facts),
        losses.waterfall(facts),
        sharing.sharing(facts),
        causes.causes(facts),
        protection.protection(facts),
        checks.reconciliations(facts),
        quality.quality(facts),
        quality.operation(facts),
        restated.restated(facts),
        rules.rules(facts),
        definitions.definitions(facts),
    )
