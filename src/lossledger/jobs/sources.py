"""What a published date was computed from, kept beside it, and from that why a later run published other rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from lossledger.engine.clock import iso
from lossledger.engine.intake.policy import Policy
from lossledger.engine.intake.policy_text import policy_rows
from lossledger.jobs.day import Day
from lossledger.schemas.core import Table
from lossledger.schemas.ledger import FILES
from lossledger.schemas.ops import POLICIES, PUBLISHED_FROM, RESTATEMENT_REASONS
from lossledger.store.arrow import to_arrow, to_rows
from lossledger.store.published_dates import PublishedDate

NOT_RECORDED = "not recorded: the date was published before its sources were kept"
_SHOWN = 3  # files named in a reason


class Source(NamedTuple):
    """One of them: its kind and name, and the value or hash by which a change shows."""

    kind: str
    name: str
    value: str


def record_sources(
    day: Day, run_id: str, input_sha256: str, sources: Sequence[Source], before: PublishedDate | None
) -> dict[str, int]:
    """Keep the policy in force and the sources of a date: versions of the tables that hold them.

    Nothing is written when they are those that the date is published with already.
    """
    tables = (POLICIES, PUBLISHED_FROM)
    if before and before.input_sha256 == input_sha256 and PUBLISHED_FROM.full_name in before.table_versions:
        return {table.full_name: before.table_versions[table.full_name] for table in tables}
    rows = {
        POLICIES: _policy_rows(day),
        PUBLISHED_FROM: [source._asdict() for source in _complete(day, sources)],
    }
    return {
        table.full_name: day.warehouse.replace_day(
            table, to_arrow(table, rows[table], business_date=day.day, run_id=run_id), day.day
        )
        for table in tables
    }


def _policy_rows(day: Day) -> list[dict[str, Any]]:
    """Those of the session; on a warehouse's first date also those of the time before, whose events belong to it."""
    earlier = policy_rows(day.policy, 0, day.session_start) if day.first else []
    return earlier + policy_rows(day.policy, day.session_start, day.end)


def record_reasons(
    day: Day, run_id: str, restated_at: int, sources: Sequence[Source], before: PublishedDate
) -> None:
    """Say why the rows of a date are others than before, once for each run."""
    if noted(day, RESTATEMENT_REASONS, run_id):
        return
    rows = [{"reason": reason} for reason in dict.fromkeys(_reasons(day, sources, before))]
    constants = {"business_date": day.day, "run_id": run_id, "restated_at": restated_at}
    day.warehouse.append(RESTATEMENT_REASONS, to_arrow(RESTATEMENT_REASONS, rows, **constants))


def noted(day: Day, table: Table, run_id: str) -> bool:
    """Whether the run has rows of the date in an appended table already: it was started again after it died."""
    return any(
        known == run_id for (known,) in to_rows(table, day.warehouse.read(table, day.day), ("run_id",))
    )


def _complete(day: Day, sources: Sequence[Source]) -> list[Source]:
    """With the files that the policy was read from, as they were written."""
    return [*sources, *(Source("policy_file", name, text) for name, text in sorted(day.policy.files.items()))]


def _reasons(day: Day, sources: Sequence[Source], before: PublishedDate) -> Iterator[str]:
    if PUBLISHED_FROM.full_name not in before.table_versions:
        yield NOT_RECORDED
        return
    old = {key[:2]: key[2] for key in _read(day, PUBLISHED_FROM, ("kind", "name", "value"), before)}
    new = {(source.kind, source.name): source.value for source in _complete(day, sources)}
    found = [
        *_policy_reasons(day, before),
        *(
            _told(day, kind, name, old.get((kind, name)), new.get((kind, name)), before)
            for kind, name in sorted(old.keys() | new.keys())
            if kind in _WORDS and old.get((kind, name)) != new.get((kind, name))
        ),
    ]
    if not found and any(
        old.get(key) != new.get(key) for key in old.keys() | new.keys() if key[0] == "policy_file"
    ):
        found = ["the policy's text changed, and no key that was in force on the date"]
    yield from found or ["no source changed: the rows came out differently from the same input"]


_WORDS = ("date_before", "delivery", "fund_opening", "reference", "rules")


def _told(day: Day, kind: str, name: str, old: str | None, new: str | None, before: PublishedDate) -> str:
    if kind == "rules" and name == "load":
        return f"the load's rules changed ({old or 1} -> {new})"
    if kind == "rules":
        return f"the rules changed ({old} -> {new})"
    if kind == "date_before":
        return f"the date before, {name}, was restated"
    if kind == "fund_opening":
        return f"fund_opening of {name} {old or 'not given'} -> {new or 'not given'}"
    what = "changed" if old and new else "is new" if new else "was taken away"
    dataset, _, folder = name.partition("/date=")
    place = f"input {dataset} of {folder}" if folder else f"reference data {dataset}"
    return f"{place} {what} ({_files(day, dataset, folder, before)})"


def _files(day: Day, dataset: str, folder: str, before: PublishedDate) -> str:
    """Those that were loaded since the date was last published."""
    data = day.warehouse.read(FILES, date.fromisoformat(folder) if folder else date(1970, 1, 1))
    loaded = to_rows(FILES, data, ("loaded_at", "dataset", "file"))
    new = sorted({file for at, name, file in loaded if name == dataset and at > before.published_at})
    if not new:
        return "no new file: one was taken away, or what its rows refer to changed"
    rest = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
    return ("file " if len(new) == 1 else "files ") + ", ".join(new[:_SHOWN]) + rest


def _policy_reasons(day: Day, before: PublishedDate) -> Iterator[str]:
    columns = ("key", "valid_from", "value")
    kept = _read(day, POLICIES, columns, before)
    old = {(key, since): value for key, since, value in kept if since >= day.session_start}
    new: Mapping[tuple[str, int], str] = {
        (row["key"], row["valid_from"]): row["value"]
        for row in policy_rows(day.policy, day.session_start, day.end)
    }
    added = {
        row["key"]: row["value"] for row in policy_rows(Policy(), 0, 1)
    }  # by a later version, as defaults
    for key, _ in old:
        added.pop(key, None)
    for key, since in sorted(old.keys() | new.keys()):
        was, now = old.get((key, since), added.get(key)), new.get((key, since))
        if was != now:
            then = f" from {iso(since)}" if since != day.session_start else ""
            yield f"policy key {key}{then}: {was or 'nothing'} -> {now or 'nothing'}"


def _read(day: Day, table: Table, columns: Sequence[str], before: PublishedDate) -> list[tuple]:
    version = before.table_versions[table.full_name]
    return to_rows(table, day.warehouse.read(table, day.day, version=version), columns)
