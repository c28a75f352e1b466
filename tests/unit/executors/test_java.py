"""A missing or too old Java is one line that says what to install."""

from pathlib import Path

import pytest

from lossledger.engine.errors import ConfigError
from lossledger.jobs.spark.java import parse_java_version, require_java


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("command not found", None),
    ],
)
def test_version_in_the_banner(banner: str, version: int | None) -> None:
    assert parse_java_version(banner) == version


@pytest.fixture
def java_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A JAVA_HOME whose `java` is yet to be written."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    return tmp_path


def install_java(java_home: Path, banner: str) -> None:
    java = java_home / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    java.chmod(0o755)


def test_java_17_is_accepted(java_home: Path) -> None:
    install_java(java_home, 'openjdk version "17.0.15" 2025-04-15')
    assert require_java() == str(java_home / "bin" / "java")


@pytest.mark.parametrize(
    ("banner", "message"),
    [('openjdk version "11.0.2"', "is Java 11, too old for Spark"), ("hm", "does not tell its version")],
)
def test_other_java_is_refused(java_home: Path, banner: str, message: str) -> None:
    install_java(java_home, banner)
    with pytest.raises(ConfigError, match=f"{message}: install Java 17"):
        require_java()


def test_java_home_without_java_is_refused(java_home: Path) -> None:
    with pytest.raises(ConfigError, match="has no bin/java: install Java 17"):
        require_java()


def test_no_java_at_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="no Java found: install Java 17"):
        require_java()
