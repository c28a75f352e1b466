"""An Airflow of its own for the tests: SQLite in a temporary home, this checkout's DAGs, no examples."""

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS_DIR = ROOT / "dags"

# Airflow reads its settings when it is first imported, so they are set before any test module is.
_home = tempfile.TemporaryDirectory(prefix="lossledger-airflow-")
os.environ |= {
    "AIRFLOW_HOME": _home.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_DIR),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_home.name}/airflow.db",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": f"{_home.name}/logs",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}
# Airflow puts the folder of a bundle here, so that its DAGs can import what stands beside them.
sys.path.append(str(DAGS_DIR))


@pytest.fixture(scope="session")
def nightly() -> ModuleType:
    """The DAG file, as a module."""
    return importlib.import_module("nightly")


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """The metadata database of the temporary home, made once."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
