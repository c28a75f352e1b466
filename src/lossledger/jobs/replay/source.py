"""What a replay's task is told: where the session's rows are, pinned to versions, not the rows themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from lossledger.store.session_inputs import BUCKETS_NOTE, SessionInputs
from lossledger.store.staging import Staging


@dataclass
class BucketTask(SessionInputs):
    """What a worker needs to replay some buckets of accounts.

    `reference` is without the accounts: a task reads its own (`jobs.replay.directory`).
    """

    number: int = 0  # of the parts that it writes
    staging: Staging | None = None  # where it writes them


def buckets_note(buckets: Sequence[int]) -> dict[str, str]:
    """The note of a part with these buckets, rising and without gaps."""
    return {BUCKETS_NOTE: f"{buckets[0]} {buckets[-1] + 1}"}
