"""Fixtures for every test: the one Spark session, started only when a test asks for it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.format4 import Format4

# Start-up a second faster and tiny queries a fifth: a test's JVM is too short-lived to repay the big
# compiler and collector. Set here so that commands which tests start as processes have it too.
os.environ.setdefault("LOSSLEDGER_JVM_OPTIONS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
# No usage statistics leave a test run.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

# Property tests try the same examples every time, so that a failure is everybody's; `make fuzz` tries
# new ones.
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=150)
settings.register_profile("fuzz", deadline=None, max_examples=int(os.environ.get("FUZZ_EXAMPLES", "10000")))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


# `make test` runs three processes, so that two cores have work while one waits for Java or a disk. Tests of one group
# run in one of them, where what they share is made once; the longest groups come first, so that all processes end
# together. Every other file is a group.
LONGEST = (
    "demo",
    "spark",
    "properties",
    "tests/unit/replay/test_by_columns.py",
    "dags",
    "tests/docs/test_commands.py",
    "tests/unit/store/test_object_store.py",
    "tests/unit/night/test_cases.py",
    "tests/unit/night/test_scenarios.py",
    "tests/hostile/test_bombs.py",
    "report",
    "tests/unit/night/test_rerun.py",
    "tests/unit/night/test_at_once.py",
)
SHARED_DEMO = ("tests/docs/", "tests/spark/test_demo.py", "tests/spark/test_examples.py")
SHARED = {
    "properties": ("tests/properties/", "tests/kernel/test_equal.py"),
    "report": ("tests/report/",),
    "small": (
        "tests/unit/readers/test_explain.py",
        "tests/unit/readers/test_explore.py",
        "tests/unit/readers/test_explore_page.py",
    ),
}


def group_of(item: pytest.Item) -> str:
    """Airflow's tests share its database, those of Spark a session or the demonstration, others their markets."""
    path = item.path.relative_to(item.config.rootpath).as_posix()
    for mark in ("dags", "spark"):
        if item.get_closest_marker(mark):
            return "demo" if mark == "spark" and path.startswith(SHARED_DEMO) else mark
    return next((group for group, paths in SHARED.items() if path.startswith(paths)), path)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say each test's group to pytest-xdist, and put the long groups first."""
    places = {group: place for place, group in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(group_of(item), len(places)))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))


@pytest.fixture(scope="session", autouse=True)
def tables_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Delta makes each empty table once in a process, and later warehouses get copies: making all takes as long as
    half a small date."""
    import pyarrow as pa
    from deltalake import DeltaTable

    import lossledger.store.creation

    made: dict[tuple[bytes, str], Path] = {}

    def create(where: str, schema: pa.Schema, **options: Any) -> None:
        like = (schema.serialize().to_pybytes(), str(options))
        if like not in made:
            first = tmp_path_factory.mktemp("table")
            DeltaTable.create(str(first), schema, **options)
            made[like] = first
        shutil.copytree(made[like], where)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lossledger.store.creation, "DeltaTable", SimpleNamespace(create=create))
        yield


@pytest.fixture
def warehouse_format4(tmp_path: Path) -> "Format4":
    """A copy of a warehouse of format 4, with the report on its dates and a landing zone that goes on."""
    from tests.format4 import unpacked

    return unpacked(tmp_path)


@pytest.fixture(scope="session")
def spark() -> "Iterator[SparkSession]":
    """The session that the jobs themselves use, on two cores; needs `make setup` and the mark `spark`."""
    from lossledger.jobs.spark.session import spark_session

    session = spark_session(cores=2)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def bare_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, set up, for commands of the documentation. Copy it before writing to it."""
    from tests.docs.checkout import copy_checkout

    copy = tmp_path_factory.mktemp("bare") / "checkout"
    copy_checkout(copy)
    return copy


@pytest.fixture(scope="session")
def demo_checkout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same after `make demo`, which is run once for all tests, and what that printed. It starts Spark."""
    from tests.docs.checkout import SHELL, copy_checkout, run

    copy = tmp_path_factory.mktemp("demo") / "checkout"
    copy_checkout(copy)
    return copy, run([*SHELL, "make demo"], copy)
