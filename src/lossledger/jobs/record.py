"""What ran: rows of ops.runs."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lossledger.engine.errors import Ending, LossledgerError, ending
from lossledger.engine.rules.version import RULES_VERSION
from lossledger.jobs.publish import now_us
from lossledger.jobs.stages import Stages
from lossledger.jobs.terminal import warn
from lossledger.schemas.ops import RUNS
from lossledger.store.arrow import to_arrow, to_rows

DONE = Ending(0, "")


def new_run_id() -> str:
    """Sortable by time, and unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@contextmanager
def recorded(stages: Stages) -> Iterator[None]:
    """Work on a date, noted in ops.runs however it ends."""
    started_us = now_us()
    try:
        yield
    except BaseException as error:
        _record_failure(stages, started_us, error)
        raise
    if stages.publication is not None and stages.publication.changed:
        _record(stages, started_us, "published")
    elif stages.unchanged and _last_outcome(stages) == "failed":
        _record(stages, started_us, "unchanged")


def _record_failure(stages: Stages, started_us: int, error: BaseException) -> None:
    """What went wrong is told whether or not it can be noted: the same full disk may keep us from it."""
    try:
        _record(stages, started_us, "failed", ending(error))
    except (LossledgerError, OSError) as second:
        warn(f"{stages.day.day}: the failure could not be noted in ops.runs: {ending(second).line}")


def _record(stages: Stages, started_us: int, outcome: str, end: Ending = DONE) -> None:
    publication = stages.publication
    took_ms = (now_us() - started_us) // 1000
    row = {
        "run_id": stages.run_id,
        "outcome": outcome,
        "exit_code": end.exit_code,
        "message": end.line,
        "started_at": started_us,
        # a night's stages are processes of their own, and the last of them is short
        "milliseconds": max(took_ms, round(sum(stages.seconds.values()) * 1000)),
        "seconds_by_stage": json.dumps(stages.seconds, sort_keys=True),
        "counts": json.dumps(publication.changed if publication else {}, sort_keys=True),
        "inputs": json.dumps(stages.note.get("inputs", {}), sort_keys=True),
        "rules_version": RULES_VERSION,
        "policy_sha256": stages.day.policy_sha256,
    }
    stages.day.warehouse.append(RUNS, to_arrow(RUNS, [row], business_date=stages.day.day))


def _last_outcome(stages: Stages) -> str:
    """Of the runs that are noted for the date; '' when there is none."""
    runs = stages.day.warehouse.read(RUNS, stages.day.day)
    found = to_rows(RUNS, runs, ("started_at", "outcome"))
    return max(found, default=(0, ""))[1]
