"""Whether a secret of the stack stands anywhere that it has no business to be."""

import subprocess
from pathlib import Path

from scripts.stacktest.compose import Failed, compose

# Not the access key of the store: like a user name it stands in signed requests.
SECRET = ("POSTGRES_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET",
          "AIRFLOW_ADMIN_PASSWORD", "STORE_SECRET_KEY", "SPARK_SECRET")  # fmt: skip
PLACES = (
    ("scheduler", "/airflow/logs /scratch"),
    ("spark-worker-1", "/scratch"),
    ("spark-worker-2", "/scratch"),
    ("store", "/store"),
)


def search(env: dict[str, str]) -> str:
    """Logs, process lists, task logs, scratch folders, every object of the store. Failed where one is found."""
    values = {name: env[name] for name in SECRET}
    texts = {
        "the containers' logs": compose("logs", "--no-color", "--no-log-prefix"),
        "the process lists": compose("top"),
    }
    for where, text in texts.items():
        for name, value in values.items():
            if value in text:
                raise Failed(f"{name} stands in {where}")
    for service, folders in PLACES:
        # from standard input: as an argument they would stand in the process list
        found = compose(
            "exec", "-T", service, "sh", "-c", f"grep -rlF -f /dev/stdin {folders}",
            check=False, given="\n".join(values.values()),
        ).strip()  # fmt: skip
        if found:
            raise Failed(f"{service}: a secret stands in {found}")
    lines = sum(text.count("\n") for text in texts.values())
    return f"{len(values)} secrets not in {lines} lines of logs and process lists, nor in tables and files"


def env_is_private(path: Path) -> None:
    """Failed when others may read it, or when git would take it."""
    if path.stat().st_mode & 0o077:
        raise Failed(f"{path} can be read by others")
    if subprocess.run(["git", "check-ignore", "-q", str(path)], check=False).returncode:
        raise Failed(f"git does not ignore {path}")
