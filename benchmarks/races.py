"""Two writers of one warehouse in an object store, at the same moment, again and again: never both.

python -m benchmarks.races s3://BUCKET/PREFIX [--rounds 200]

In each round two processes ask for the warehouse at once. Who gets it leaves a mark that nobody else may find,
commits to `ops.published_days`, and takes the mark away again. In every tenth round it does not free the lease, as if
it had been killed, and comes back to commit after its successor has taken over: it has to be refused.
"""

import argparse
import os
import sys
import time
from collections import Counter
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

from engine.errors import ConflictError
from schemas.ops import PUBLISHED_DAYS
from store.places import Place, place
from store.warehouse import Warehouse

DIES = 10  # every so many rounds
PATIENCE_S = 120  # with a racer that says nothing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("warehouse", type=place)
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    os.environ["LOSSLEDGER_LEASE_SECONDS"] = "2"
    Warehouse.create(args.warehouse)
    context = get_context("spawn")
    together, told = context.Barrier(2, timeout=PATIENCE_S), context.Queue()
    racers = [
        context.Process(target=_race, args=(args.warehouse, args.rounds, together, told)) for _ in range(2)
    ]
    began = time.perf_counter()
    for racer in racers:
        racer.start()
    seen: Counter[str] = Counter(told.get(timeout=PATIENCE_S) for _ in range(2 * args.rounds))
    for racer in racers:
        racer.join()
    print(f"{args.rounds} rounds of two writers in {time.perf_counter() - began:.0f} s: ", end="")
    print(", ".join(f"{count} {what}" for what, count in sorted(seen.items())))
    return int(any(what.startswith("WRONG") for what in seen))


def _race(root: Place, rounds: int, together: Barrier, told: Any) -> None:
    for number in range(rounds):
        together.wait()
        told.put(_once(root, number % DIES == DIES - 1))


def _once(root: Place, dies: bool) -> str:
    warehouse, mark = Warehouse(root), root / "inside"
    with ExitStack() as held:
        try:
            held.enter_context(warehouse.locked())
        except ConflictError:
            return "refused"
        if warehouse.lease is None:
            return "WRONG: no lease"
        if mark.exists():
            return "WRONG: both inside"
        mark.write_text("one is inside")
        _commit(warehouse)
        mark.unlink()
        return _dies(root, warehouse) if dies else "wrote"


def _dies(root: Place, dead: Warehouse) -> str:
    """Nothing is heard of it until somebody else has taken over; then it comes back."""
    lease, heir = dead.lease, Warehouse(root)
    if lease is None:
        return "WRONG: no lease"
    lease._name = "somebody else"  # its renewals fail from now on
    lease._tag = "of long ago"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with heir.locked():
                try:
                    _commit(dead)
                except ConflictError:
                    return "wrote, died, and was refused when it came back"
                return "WRONG: a dead writer committed"
        except ConflictError:
            time.sleep(0.2)
    return "WRONG: nobody could take over"


def _commit(warehouse: Warehouse) -> None:
    warehouse.append(PUBLISHED_DAYS, warehouse.read(PUBLISHED_DAYS).slice(0, 0))


if __name__ == "__main__":
    sys.exit(main())
