"""A landing zone that an earlier edition of an adapter wrote is adapted anew, not run."""

import json

from lossledger.engine.errors import DataError
from lossledger.engine.intake.adapter_marker import EDITIONS, MARKER, edition
from lossledger.jobs.load.hashed_streams import Refused, open_landed
from lossledger.jobs.terminal import printable
from lossledger.store.places import Place

_MAX_BYTES = 64 << 20  # a marker names each file with its hash: some 600,000 of them


def refuse_older_edition(landing: Place) -> None:
    """DataError, with the command, when the same delivery gives other rows today. Other files of that name pass."""
    adapter, written = _written(landing)
    if adapter in EDITIONS and written != edition(adapter):
        raise DataError(
            f"landing folder {printable(str(landing))} was written by edition {written} of {adapter}, and this is "
            f"edition {edition(adapter)}, which types accounts otherwise: adapt it anew with lossledger adapt "
            f"{adapter} --source SOURCE --landing {printable(str(landing))}"
        )


def _written(landing: Place) -> tuple[str, object]:
    """The adapter and its edition; no name where no adapter wrote the landing zone."""
    try:
        with open_landed(landing, MARKER) as file:
            marker = json.loads(bytes(file.read(_MAX_BYTES)))
    except (OSError, Refused, ValueError, RecursionError):
        return "", 1
    match marker:
        case {"adapter": str(adapter)}:
            return adapter, marker.get("edition", 1)
    return "", 1
