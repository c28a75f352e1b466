#!/usr/bin/env python3
"""Write `.env` for the stack: a random secret for everything that needs one, readable by its owner only.

The standard library alone, so that it runs before anything is installed. Nothing is ever overwritten: the volumes
hold a database and a store that know these secrets.
"""

import os
import secrets
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """\
# Secrets of the stack on this machine, made by `make stack-env`; docker-compose.yml reads them.
# The volumes know them: to begin again, `make stack-down VOLUMES=yes` first, then delete this file.
"""


def fernet_key() -> str:
    """32 bytes in the alphabet that Airflow's cipher takes."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()


def env_text() -> str:
    """The lines of `.env`; letters and digits where a secret becomes part of a URL."""
    values = {
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "AIRFLOW_FERNET_KEY": fernet_key(),
        "AIRFLOW_SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW_JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW_ADMIN_PASSWORD": secrets.token_urlsafe(18),
        "STORE_ACCESS_KEY": secrets.token_hex(10),
        "STORE_SECRET_KEY": secrets.token_hex(24),
        "SPARK_SECRET": secrets.token_hex(24),
    }
    return HEAD + "".join(f"{name}={value}\n" for name, value in values.items())


def write_env(path: Path) -> None:
    """FileExistsError when it is there; never readable by anybody else, not even for a moment."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(env_text())


def main() -> int:
    path = ROOT / ".env"
    try:
        write_env(path)
    except FileExistsError:
        sys.stderr.write(
            f"stack-env: {path} is there and is kept: the volumes know its secrets; for new ones "
            "make stack-down VOLUMES=yes, then delete it\n"
        )
        return 2
    sys.stdout.write(f"stack-env: {path} written: next, make stack\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
