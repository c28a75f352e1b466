"""The token in every commit to an object store, by which a writer that has lost its lease is refused.

Every commit names the writer's token in Delta's own list of transactions. Who takes a lease over from a holder that
did not free it first puts its token into the log of every table. An older holder that comes back is refused either
way: where the table it has open is older than that, its commit meets a transaction of the same name and fails; where
it is newer, the token stands in it. The log entry is a conditional put, so nothing happens in between.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError

from lossledger.engine.errors import ConflictError
from lossledger.schemas.core import Table
from lossledger.store.arrow import arrow_schema
from lossledger.store.places import Place, asking_delta, open_table

if TYPE_CHECKING:
    from lossledger.store.lease import Lease

WRITER = "lossledger"  # the name of our transactions in a table's log
_AT_ONCE = 8


def commit_properties(delta: DeltaTable, lease: "Lease | None") -> CommitProperties | None:
    """The writer's token for a commit; None on a local disk. ConflictError: the lease is lost."""
    if lease is None:
        return None
    lease.check()
    if (delta.transaction_version(WRITER) or 0) > lease.token:
        raise lease.lost()
    return CommitProperties(app_transactions=[Transaction(WRITER, lease.token)])


def fence(tables: Iterable[Table], path: Callable[[Table], Place], lease: "Lease") -> None:
    """Shut out the previous holder of the lease: it can no longer commit to any table."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda table: _shut(table, path(table), lease), tables))


def _shut(table: Table, path: Place, lease: "Lease") -> None:
    partitions: Sequence[str] = [table.partition] if table.partition else []
    with asking_delta(path):
        try:
            delta = open_table(path)
        except TableNotFoundError:
            return  # it does not exist; whoever creates it first wins
        for _ in range(3):  # the other one may be just committing: then that was in time
            try:
                properties = commit_properties(delta, lease)
                delta.create_write_transaction(
                    [], "append", arrow_schema(table), list(partitions), commit_properties=properties
                )
                return
            except DeltaError:
                delta = open_table(path)
    raise ConflictError(f"{table.full_name} in {path} is being written by somebody else: try again")
