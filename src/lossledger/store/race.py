"""Two writers at the same moment, again and again: whether a store keeps to its conditions when it matters.

In each round two processes ask for a lease at once, and then both append a row to a Delta table at once. One of them
gets the lease, and no row is lost. In every tenth round a holder dies: it does not free the lease, another one takes
over, and the dead one comes back to commit. It has to be refused.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError

from lossledger.engine.errors import ConflictError, ending
from lossledger.schemas.core import Table, text
from lossledger.store.arrow import arrow_schema
from lossledger.store.fence import WRITER, fence
from lossledger.store.lease import Lease, LeaseHeld, take_lease
from lossledger.store.places import open_table
from lossledger.store.store_client import storage_options

if TYPE_CHECKING:
    from lossledger.store.bucket import StorePath

COMMITS = Table(
    "race", "commits", "commit", "Who has committed.", (text("writer", "Racer and round."),), ("writer",), ""
)
RACERS = 2
DIES = 10  # in every tenth round a holder dies
DEAD_AFTER_S = 2
PATIENCE_S = 120  # with the other racer


@dataclass
class RaceResult:
    """Counts of a race of `rounds`. All but `alone`, `commits` and `refused` should be 0.

    `alone`, `both`, `nobody`: rounds in which one, both or none of the two got the lease. `commits`: appends that the
    table's library called done; `lost`: rows of them that are not there. `refused`, `let_in`: dead holders that came
    back and could not, or could, commit or renew.
    """

    rounds: int
    alone: int = 0
    both: int = 0
    nobody: int = 0
    commits: int = 0
    lost: int = 0
    refused: int = 0
    let_in: int = 0

    @property
    def is_right(self) -> bool:
        return not (self.both or self.lost or self.let_in)


@dataclass
class Round:
    """The result of one racer in a round. `died`: "", or whether the dead holder was "refused" or "let in"."""

    got: bool
    committed: bool
    died: str


def race(root: "StorePath", rounds: int) -> RaceResult:
    """Race below `root`, an empty prefix. ConflictError: a racer ended by an error, or did not come for a round."""
    DeltaTable.create(str(root / COMMITS.name), arrow_schema(COMMITS), storage_options=storage_options())
    context = get_context("spawn")
    with ProcessPoolExecutor(RACERS, context, _begin, (context.Barrier(RACERS, timeout=PATIENCE_S),)) as pool:
        done = [pool.submit(_race, root, racer, rounds) for racer in range(RACERS)]
    seen = _summed(rounds, _results(done))
    actions = pa.table(open_table(root / COMMITS.name).get_add_actions(flatten=True))
    seen.lost = seen.commits - sum(actions.column("num_records").to_pylist())
    return seen


def _results(done: Sequence["Future[list[Round]]"]) -> list[list[Round]]:
    """The first error that is not just the absence of the other racer."""
    errors = [error for future in done if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, BrokenBarrierError)):
        raise ConflictError(f"a writer of the race ended by an error: {ending(error).line}") from error
    return [future.result() for future in done]


def _summed(rounds: int, racers: Sequence[Sequence[Round]]) -> RaceResult:
    seen = RaceResult(rounds)
    for both in zip(*racers, strict=True):
        got = sum(one.got for one in both)
        seen.alone, seen.both, seen.nobody = (
            seen.alone + (got == 1),
            seen.both + (got == 2),
            seen.nobody + (not got),
        )
        seen.commits += sum(one.committed for one in both)
        seen.refused += sum(one.died == "refused" for one in both)
        seen.let_in += sum(one.died == "let in" for one in both)
    return seen


# in each racer ------------------------------------------------------------------------------------------

_barriers: list[Barrier] = []  # the one of this process


def _begin(together: Barrier) -> None:
    _barriers.append(together)


def _race(root: "StorePath", racer: int, rounds: int) -> list[Round]:
    try:
        return [_round(root, f"{racer}-{number}", (number + 1) % DIES == 0) for number in range(rounds)]
    except BaseException:
        _barriers[-1].abort()  # or the other one would wait for it
        raise


def _round(root: "StorePath", writer: str, dies: bool) -> Round:
    _barriers[-1].wait()
    lease = _taken(root)
    _barriers[-1].wait()  # nobody gives it back before both have asked
    committed = _appended(open_table(root / COMMITS.name), writer)
    if lease:
        lease.free()
    return Round(lease is not None, committed, _comes_back(root) if lease and dies else "")


def _taken(root: "StorePath") -> Lease | None:
    try:
        return take_lease(root / ".lock", str(root))
    except LeaseHeld:
        return None


def _appended(table: DeltaTable, writer: str, token: int = 0) -> bool:
    """Whether the library reports a commit. `token`: of the lease, as in every commit of a run."""
    row = pa.table({"writer": [writer]}, arrow_schema(COMMITS))
    named = CommitProperties(app_transactions=[Transaction(WRITER, token)]) if token else None
    try:
        write_deltalake(table, row, mode="append", commit_properties=named)
    except DeltaError:
        return False
    return True


def _comes_back(root: "StorePath") -> str:
    """A holder is silent until another has taken over; then it renews and commits."""
    dead = take_lease(root / ".lock", str(root), DEAD_AFTER_S)
    table = open_table(root / COMMITS.name)
    heir = _heir(root)
    fence([COMMITS], lambda commits: root / commits.name, heir)
    try:
        dead.renew()
        renewed = True
    except ConflictError:
        renewed = False
    committed = _appended(table, "dead", dead.token)
    heir.free()
    return "let in" if renewed or committed else "refused"


def _heir(root: "StorePath") -> Lease:
    patience = time.monotonic() + PATIENCE_S / 2
    while True:
        try:
            return take_lease(root / ".lock", str(root))
        except LeaseHeld:
            if time.monotonic() > patience:
                raise
            time.sleep(0.2)
