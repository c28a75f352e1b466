"""Tests whether a store may hold a warehouse: conditional puts in sequence and in a race."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from lossledger.engine.errors import ConfigError
from lossledger.store.lease import take_lease
from lossledger.store.places import Place
from lossledger.store.race import RaceResult, race


def trial_lines(root: Place, rounds: int) -> Iterator[str]:
    """Try a store below a prefix of its own in `root`, which is removed at the end; yields lines of results.

    ConfigError: not a store, or one that is not fit. ConflictError: the store did not answer.
    """
    if isinstance(root, Path):
        raise ConfigError(f"{root} is a folder of this machine: s3://BUCKET/PREFIX is what is wanted")
    where, began = root / f"check-store-{secrets.token_hex(4)}", perf_counter()
    try:
        take_lease(where / ".lock", str(where)).free()
        yield "one after another   a put whose condition does not hold is refused (If-None-Match, If-Match)"
        seen = race(where, rounds)
        yield from _lines(seen)
    finally:
        where.remove_tree()
    if not seen.is_right:
        raise ConfigError(
            f"{root}: this store is not fit for a warehouse: two writers at once are not kept apart"
        )
    yield f"{root}: this store is fit for a warehouse  ({perf_counter() - began:.0f} s)"


def _lines(seen: RaceResult) -> Iterator[str]:
    yield (
        f"lease               asked for by two at once, {seen.rounds} times: "
        f"{seen.alone} times one got it, {seen.both} times both, {seen.nobody} times nobody"
    )
    yield (
        f"Delta table         written by two at once, {seen.rounds} times: "
        f"{seen.commits} commits called done, {seen.lost} of their rows lost"
    )
    yield (
        f"dead holder         came back after another one had taken over, {seen.refused + seen.let_in} times: "
        f"{seen.refused} times refused, {seen.let_in} times let in"
    )
