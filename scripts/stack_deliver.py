#!/usr/bin/env python3
"""Put a landing zone, a folder of this machine, into the stack's store: python -m scripts.stack_deliver DIR s3://…

Any S3 client does the same with the address and the keys that `make stack` and `.env` tell.
"""

import os
import sys

import s3fs

from scripts.stacktest.compose import Failed, secrets, set_store


def deliver(folder: str, target: str) -> None:
    """Every file below the folder, under its name."""
    store = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"], use_listings_cache=False)
    store.put(f"{folder.rstrip('/')}/", f"{target.rstrip('/')}/", recursive=True)


def main() -> int:
    if len(sys.argv) != 3:
        sys.stderr.write(
            "stack-deliver: give a folder and where to put it: demo/landing s3://lossledger/landing\n"
        )
        return 2
    try:
        set_store(secrets())
    except (Failed, OSError) as error:
        sys.stderr.write(f"stack-deliver: {error}\n")
        return 2
    deliver(*sys.argv[1:])
    sys.stdout.write(f"stack-deliver: {sys.argv[1]} is in {sys.argv[2]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
