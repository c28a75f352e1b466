"""Findings of a date's input: kept in ops.dq_results beside its checks, told when it runs, and told again later."""

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.rules.breaks import breaks_text
from lossledger.expectations.check import BREAKS, UNDETERMINED, WARN
from lossledger.expectations.findings import KINDS, told
from lossledger.jobs.check import is_published
from lossledger.jobs.day import Day
from lossledger.jobs.terminal import warn
from lossledger.schemas.ledger import FINDINGS
from lossledger.schemas.ops import DQ_RESULTS
from lossledger.store.arrow import arrow_schema, to_rows
from lossledger.store.published_breaks import published_breaks

_TOLD = ("table_name", "expectation", "unexpected_count", "examples")


def keep_findings(day: Day, run_id: str) -> None:
    """Put the staged findings beside the checks of the run whose rows these are, and tell them.

    A corrected delivery may change no published row and yet what is found of it: then they take the place of those
    that the date was published with.
    """
    found, published = day.staging.read(FINDINGS), day.published.get(day.day)
    if found.num_rows or published is not None:
        stored = day.warehouse.read(DQ_RESULTS, day.day)
        owner = published.run_id if published and is_published(day) else run_id
        of_owner = pc.and_(pc.equal(stored.column("run_id"), owner), _are_findings(stored))
        rows = _results(found, owner)
        if not rows.equals(stored.filter(of_owner)):
            others = stored.filter(pc.invert(of_owner))
            day.warehouse.replace_day(DQ_RESULTS, pa.concat_tables([others, rows]), day.day)
    for line in told(sorted(to_rows(FINDINGS, found, _TOLD))):
        warn(f"{day.day}: {line}")


def _are_findings(results: pa.Table) -> pa.Array:
    names = results.column("expectation")
    return pc.is_in(pc.list_element(pc.split_pattern(names, " ", max_splits=1), 0), pa.array(list(KINDS)))


def _results(found: pa.Table, run_id: str) -> pa.Table:
    """Rows of ops.dq_results."""
    constants = {"run_id": run_id, "severity": WARN, "success": False}
    schema = arrow_schema(DQ_RESULTS)
    columns = [
        pa.repeat(pa.scalar(constants[field.name], field.type), found.num_rows)
        if field.name in constants
        else found.column(field.name).cast(field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def tell_again(day: Day) -> None:
    """Warn of what a published date was published with: a rerun that finds it unchanged does not check it anew."""
    published = day.published[day.day]
    wanted = (pc.field("business_date") == pa.scalar(day.day)) & (pc.field("run_id") == published.run_id)
    wanted &= (pc.field("severity") == WARN) & ~pc.field("success")
    rows = sorted(to_rows(DQ_RESULTS, day.warehouse.find(DQ_RESULTS, wanted), _TOLD))
    unsaid = (BREAKS, UNDETERMINED) if day.scenario else (BREAKS,)
    for line in told(row for row in rows if row[1] not in unsaid):
        warn(f"{day.day}: {line}")
    if any(name == BREAKS for _, name, _, _ in rows) and (
        counts := published_breaks(day.warehouse, published)
    ):
        warn(f"{day.day}: {breaks_text(counts)}; see attribution.reconciliation")
