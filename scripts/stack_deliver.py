#!/usr/bin/env python3
"""Put a landing zone, a folder of this machine, into the stack's store: python -m scripts.stack_deliver DIR s3://…

Any S3 client does the same with the address and the keys that `make stack` and `.env` tell.
"""

import sys
from pathlib import Path

from lossledger.engine.errors import LossledgerError
from lossledger.store.bucket import StorePath
from lossledger.store.places import files_below, place, relative
from scripts.stacktest.compose import Failed, secrets, set_store


def deliver(folder: Path, target: str) -> int:
    """Every file below the folder, under its name; how many."""
    to, files = place(target), files_below(folder)
    if not isinstance(to, StorePath):
        raise Failed(f"{target}: s3://lossledger/PREFIX is what is wanted")
    if not files:
        raise Failed(f"{folder}: no files there")
    for file in files:
        (to / relative(file, folder)).upload(Path(str(file)))
    return len(files)


def main() -> int:
    if len(sys.argv) != 3:
        sys.stderr.write(
            "stack-deliver: give a folder and where to put it: demo/landing s3://lossledger/landing\n"
        )
        return 2
    try:
        set_store(secrets())
        count = deliver(Path(sys.argv[1]), sys.argv[2])
    except (Failed, LossledgerError, OSError) as error:
        sys.stderr.write(f"stack-deliver: {error}\n")
        return 2
    sys.stdout.write(f"stack-deliver: {count} files are in {sys.argv[2]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
