"""Conditional puts, and a test of them: a store that ignores the condition lets two runs write at once."""

from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from lossledger.engine.errors import ConfigError
from lossledger.store.store_client import endpoint, store_of

if TYPE_CHECKING:
    from obstore import PutMode

    from lossledger.store.bucket import StorePath

NOBODYS_TAG = '"00000000000000000000000000000000"'


def put(path: "StorePath", text: str, mode: "PutMode", seconds: int) -> str:
    """Write an object on condition: its new tag.

    `mode`: "create", only where there is none, else AlreadyExistsError; {"e_tag": …}, only in place of the object
    with that tag, else PreconditionError. `seconds`: for how long the store is asked.
    """
    client = store_of(path.bucket, seconds)
    done = obstore.put(client, path.key, text.encode(), mode=mode, use_multipart=False)
    return done["e_tag"] or ""


def require_conditions(path: "StorePath", text: str, seconds: int) -> None:
    """Ask for two puts that must fail, on an object that is there and holds `text`.

    ConfigError: the store did one of them. That shows a store which ignores conditions. One which keeps to them, but
    looks and writes in two steps, is shown by a race alone (`lossledger check-store`).
    """
    probes: tuple[tuple[str, PutMode], ...] = (
        ("If-None-Match", "create"),
        ("If-Match", {"e_tag": NOBODYS_TAG}),
    )
    for header, mode in probes:
        try:
            put(path, text, mode, seconds)
        except (AlreadyExistsError, PreconditionError):
            continue
        raise ConfigError(
            f"{path} (store {endpoint() or 'of AWS'}): the store ignores the condition {header} of a put, so two runs "
            "could write at once: nothing was written; take a store that knows it "
            "(docs: operations, An object store)"
        )
