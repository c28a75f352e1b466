"""The Java that Spark runs on: found and checked before anything starts, in one line when it is wrong."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lossledger.engine.errors import ConfigError

MIN_JAVA_VERSION = 17
INSTALL_HINT = (
    f"install Java {MIN_JAVA_VERSION} or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless; "
    "macOS: brew install openjdk@17) and put it on PATH or in JAVA_HOME"
)


def java_command() -> str:
    """Path of the `java` that Spark would start (JAVA_HOME, else PATH); ConfigError when there is none."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        if not java.is_file():
            raise ConfigError(f"JAVA_HOME is {home}, which has no bin/java: {INSTALL_HINT}")
        return str(java)
    found = shutil.which("java")
    if not found:
        raise ConfigError(f"no Java found: {INSTALL_HINT}")
    return found


def parse_java_version(banner: str) -> int | None:
    """Major version in the text of `java -version`: 17 for "17.0.15", 8 for "1.8.0_402", else None."""
    match = re.search(r'version "(?:1\.)?(\d+)', banner)
    return int(match.group(1)) if match else None


def require_java() -> str:
    """The `java` to use, known to be new enough; ConfigError saying what to install otherwise."""
    java = java_command()
    try:
        banner = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=60, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{java} does not start ({error}): {INSTALL_HINT}") from error
    version = parse_java_version(banner)
    if version is None:
        raise ConfigError(f"{java} does not tell its version: {INSTALL_HINT}")
    if version < MIN_JAVA_VERSION:
        raise ConfigError(f"{java} is Java {version}, too old for Spark: {INSTALL_HINT}")
    return java


if __name__ == "__main__":
    try:
        require_java()
    except ConfigError as error:
        sys.exit(f"lossledger: {error}")
