"""The only writer of a place in an object store: a lease that is renewed, and a token that outlives it.

The lease is one small object, taken, renewed and freed by conditional put: of two that want it, one gets it. Whether
its holder still renews it is told by the store's clock alone, by the age of the object. A holder that has not renewed
it for EXPIRY_SECONDS is taken for dead, and whoever comes next takes it over.

A holder that was only asleep wakes up and goes on writing. What keeps it from being read is the token, which grows with
every holder: `store.fence` puts it into every commit.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from lossledger.engine.errors import ConfigError, ConflictError
from lossledger.store.conditional_put import put, require_conditions
from lossledger.store.store_client import store_error, store_of

if TYPE_CHECKING:
    from lossledger.store.bucket import StorePath

EXPIRY_SECONDS = 60
_RENEWALS = 6  # within an expiry: the number that may fail before it is lost
FREE = "free"


class LeaseHeld(ConflictError):
    """Another run has the lease."""


@dataclass
class Lease:
    """A lease from its holder's side. `took_over`: the previous holder did not free it and may come back."""

    path: "StorePath"
    what: str
    token: int
    seconds: int
    took_over: bool
    _name: str
    _tag: str
    _renewed: float
    _count: int = 0

    def check(self) -> None:
        """ConflictError when it may have been taken over by now: nothing is written any more."""
        if _now() - self._renewed >= self.seconds:
            raise self.lost()

    def lost(self) -> ConflictError:
        return ConflictError(
            f"this run was held up for more than {self.seconds} s and may have lost {self.what} to another one: "
            "run the same command again"
        )

    def renew(self) -> None:
        """ConflictError: it has another holder. Other errors: the store did not answer, which may pass."""
        asked, self._count = _now(), self._count + 1
        try:
            self._tag = put(self.path, self._text(), {"e_tag": self._tag}, self.seconds)
        except PreconditionError:
            # A put that was answered late, or not at all, may have been done all the same.
            found, tag = _get(self.path, self.seconds)
            if found.get("name") != self._name:
                self._renewed = asked - self.seconds
                raise self.lost() from None
            self._tag = tag
        self._renewed = asked

    def free(self) -> bool:
        """Give it back. False: another run has taken it over. Where the store does not answer, it expires."""
        try:
            self.renew()
            put(self.path, _text(self.token, "", self.seconds, FREE), {"e_tag": self._tag}, self.seconds)
        except ConflictError:
            return False
        except (BaseError, OSError):
            return _now() - self._renewed < self.seconds
        return True

    def _text(self) -> str:
        return _text(self.token, self._name, self.seconds, str(self._count))


@contextmanager
def leased(path: "StorePath", what: str) -> Iterator[Lease]:
    """Hold the lease at `path` of a place, `what`. ConflictError: another run does, or the store does not answer.

    When the lease was lost meanwhile, that is a ConflictError too, whatever error the work ended with: the run that
    took over has removed files that this one still looks for, so its errors tell nothing about the data.
    """
    lease, ended = take_lease(path, what), Event()
    renewing = Thread(target=_keep, args=(lease, ended), daemon=True, name="lease")
    renewing.start()
    try:
        yield lease
    finally:
        ended.set()
        renewing.join()
        if not lease.free():
            raise lease.lost()


def take_lease(path: "StorePath", what: str, seconds: int | None = None) -> Lease:
    """Take the lease if it is free, or if its holder has not renewed it within its own expiry.

    `seconds`: after how long without a word the new holder is taken for dead, by default as set. ConfigError: the
    store ignores conditional puts.
    """
    seconds, name = seconds or expiry_seconds(), f"{os.getpid()}-{secrets.token_hex(8)}"
    try:
        asked, found, tag = _now(), *_get(path, seconds)
        held = bool(found) and found["count"] != FREE
        if held and (age := _age(path, tag, seconds)) <= found["seconds"]:
            raise LeaseHeld(
                f"another run is writing to {what}, and said so {age} s ago: try again when it is done; "
                f"if it is dead, in {found['seconds'] - age + 1} s"
            )
        token = found.get("token", 0) + 1
        text = _text(token, name, seconds, "0")
        tag = put(path, text, {"e_tag": tag} if found else "create", seconds)
        _require_conditions(path, text, found, seconds)
    except (AlreadyExistsError, PreconditionError):
        raise LeaseHeld(f"another run has just begun to write to {what}: try again when it is done") from None
    except FileNotFoundError as error:
        raise store_error(error, str(path)) from error
    except (BaseError, PermissionError) as error:
        raise store_error(error, str(path)) from error
    return Lease(path, what, token, seconds, held, name, tag, asked)


def _require_conditions(path: "StorePath", text: str, found: dict[str, Any], seconds: int) -> None:
    """ConfigError: the store ignores conditions, and the lease is left as it was `found`."""
    try:
        require_conditions(path, text, seconds)
    except ConfigError:
        if found:  # its token must not be forgotten
            path.write_text(_text(found["token"], "", seconds, FREE))
        else:
            path.unlink()
        raise


def expiry_seconds() -> int:
    """After how long without a word a holder is taken for dead: LOSSLEDGER_LEASE_SECONDS."""
    text = os.environ.get("LOSSLEDGER_LEASE_SECONDS", str(EXPIRY_SECONDS))
    if not text.isdigit() or not int(text):
        raise ConfigError(f"LOSSLEDGER_LEASE_SECONDS is {text!r}, and not a number of seconds")
    return int(text)


def _keep(lease: Lease, ended: Event) -> None:
    """Renew it until the work is done, or until somebody else has it."""
    while not ended.wait(lease.seconds / _RENEWALS):
        try:
            lease.renew()
        except ConflictError:
            return
        except (BaseError, OSError):
            continue  # the store is away: it may be back in time


def _age(path: "StorePath", tag: str, seconds: int) -> int:
    """Seconds since it was renewed, by the store's clock, which writing a probe object reveals."""
    client, probe = store_of(path.bucket, seconds), f"{path.key}.{secrets.token_hex(8)}"
    obstore.put(client, probe, b"")
    now = obstore.head(client, probe)["last_modified"]
    obstore.delete(client, probe)
    found = obstore.head(client, path.key)
    if found["e_tag"] != tag:
        return 0  # just renewed
    return int((now - found["last_modified"]).total_seconds())


def _get(path: "StorePath", seconds: int) -> tuple[dict[str, Any], str]:
    """Its content and tag; empty if it was never taken."""
    try:
        found = obstore.get(store_of(path.bucket, seconds), path.key)
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise
        return {}, ""
    return json.loads(bytes(found.bytes())), found.meta["e_tag"] or ""


def _text(token: int, name: str, seconds: int, count: str) -> str:
    return json.dumps({"token": token, "name": name, "seconds": seconds, "count": count}, sort_keys=True)


def _now() -> float:
    """Seconds, those included that the machine was asleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
