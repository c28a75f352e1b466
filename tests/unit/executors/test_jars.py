"""Delta Lake's archives are the pinned files or they are not used."""

import hashlib
from pathlib import Path

import pytest

from lossledger.engine.errors import ConfigError
from lossledger.jobs.spark import jars

CONTENT = b"an archive"


@pytest.fixture
def pinned_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of one pinned archive, in a folder of its own; not yet there."""
    lock = tmp_path / "jars.lock"
    lock.write_text(f"# comment\n{hashlib.sha256(CONTENT).hexdigest()}  org.example tool 1.0\n")
    monkeypatch.setattr(jars, "LOCK_FILE", lock)
    monkeypatch.setenv("LOSSLEDGER_JARS", str(tmp_path))
    return tmp_path / "tool-1.0.jar"


def test_pinned_archive_is_used(pinned_file: Path) -> None:
    pinned_file.write_bytes(CONTENT)
    assert jars.jar_paths() == [pinned_file]


def test_missing_archive_says_what_to_run(pinned_file: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"tool-1\.0\.jar is missing or damaged: run python -m lossledger.jobs.spark.jars"
    ):
        jars.jar_paths()


def test_changed_archive_is_refused(pinned_file: Path) -> None:
    pinned_file.write_bytes(CONTENT + b"!")
    with pytest.raises(ConfigError, match="missing or damaged"):
        jars.jar_paths()


def test_committed_pins_are_delta_for_this_spark() -> None:
    modules = {(jar.module, jar.version) for jar in jars.pinned_jars()}
    assert modules == {("delta-spark_4.1_2.13", "4.4.0"), ("delta-storage", "4.4.0")}
