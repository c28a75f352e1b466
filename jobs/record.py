"""What ran: rows of ops.runs."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from engine.errors import LossledgerError
from jobs.publish import now_us
from jobs.stages import RULES_VERSION, Stages
from schemas.ops import RUNS
from store.arrow import to_arrow


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
        _record(stages, started_us, error)
        raise
    _record(stages, started_us, None)


def _record(stages: Stages, started_us: int, error: BaseException | None) -> None:
    """One row for a date that was published or failed; a date that was found unchanged leaves none."""
    publication = stages.publication
    if error is None and (publication is None or not publication.changed):
        return
    failed = error is not None
    row = {
        "run_id": stages.run_id,
        "outcome": "failed" if failed else "published",
        "exit_code": getattr(error, "exit_code", 1) if failed else 0,
        "message": _one_line(error) if error else "",
        "started_at": started_us,
        "milliseconds": (now_us() - started_us) // 1000,
        "seconds_by_stage": json.dumps(stages.seconds, sort_keys=True),
        "counts": json.dumps(publication.changed if publication else {}, sort_keys=True),
        "inputs": json.dumps(stages.note.get("inputs", {}), sort_keys=True),
        "rules_version": RULES_VERSION,
        "policy_sha256": stages.day.policy_sha256,
    }
    stages.day.warehouse.append(RUNS, to_arrow(RUNS, [row], business_date=stages.day.day))


def _one_line(error: BaseException) -> str:
    text = str(error) if isinstance(error, LossledgerError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:500]
