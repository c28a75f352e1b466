"""Delta Lake's Java archives: fetched once, then only read, so no run needs a download. Spark alone reads them.

Coordinates and SHA-256 are pinned in `jars.lock`. `python -m lossledger.jobs.spark.jars` fetches what is missing
with the Ivy that Spark ships (Maven Central; a mirror is named by LOSSLEDGER_IVY_SETTINGS, an Ivy settings file).

`python -m lossledger.jobs.spark.jars object-store` fetches what Spark SQL needs to read an object store itself
(`s3.lock`, 640 MB) into PySpark's own folder, where drivers and executors find it. Only the container image does: a
night reads and writes the store without Java.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lossledger.engine.errors import ConfigError
from lossledger.jobs.spark.java import require_java

LOCK_FILE = Path(__file__).with_name("jars.lock")
OBJECT_STORE_LOCK = Path(__file__).with_name("s3.lock")
_FETCH = "python -m lossledger.jobs.spark.jars"


@dataclass(frozen=True)
class Jar:
    """One pinned archive: Maven coordinates and the SHA-256 of the file."""

    sha256: str
    organisation: str
    module: str
    version: str

    @property
    def file_name(self) -> str:
        return f"{self.module}-{self.version}.jar"


def jars_dir() -> Path:
    """Folder of the archives: LOSSLEDGER_JARS, else `.jars` of the checkout, or of the installed package."""
    if named := os.environ.get("LOSSLEDGER_JARS"):
        return Path(named)
    package, checkout = (Path(__file__).resolve().parents[up] for up in (2, 4))
    return (checkout if (checkout / "pyproject.toml").exists() else package) / ".jars"


def pinned_jars(lock: Path | None = None) -> list[Jar]:
    """What a lock file pins."""
    lines = [line.split() for line in (lock or LOCK_FILE).read_text().splitlines()]
    return [Jar(*fields) for fields in lines if fields and not fields[0].startswith("#")]


def is_intact(jar: Jar, folder: Path | None = None) -> bool:
    """Whether the file is there and is the pinned one, byte for byte."""
    path = (folder or jars_dir()) / jar.file_name
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def jar_paths() -> list[Path]:
    """The archives for `spark.jars`; ConfigError when one is missing or is not the pinned file."""
    for jar in pinned_jars():
        if not is_intact(jar):
            raise ConfigError(f"{jars_dir() / jar.file_name} is missing or damaged: run {_FETCH}")
    return [jars_dir() / jar.file_name for jar in pinned_jars()]


def fetch_jars(lock: Path | None = None, folder: Path | None = None) -> None:
    """Fetch what is missing; ConfigError when it cannot be had or is not the pinned file."""
    java = require_java()
    for jar in pinned_jars(lock):
        if not is_intact(jar, folder):
            _fetch(java, jar, (folder or jars_dir()) / jar.file_name)


def _fetch(java: str, jar: Jar, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fetched = Path(scratch) / jar.file_name
        # The cache is private too: a damaged file in a shared one would be handed out again and again.
        ivy = [java, "-jar", str(_ivy_jar()), "-warn", "-notransitive", "-cache", f"{scratch}/cache"]
        settings = os.environ.get("LOSSLEDGER_IVY_SETTINGS")
        ivy += ["-settings", settings] if settings else []
        ivy += ["-dependency", jar.organisation, jar.module, jar.version, "-confs", "default"]
        ivy += ["-retrieve", f"{scratch}/[artifact]-[revision].[ext]"]
        run = subprocess.run(ivy, capture_output=True, text=True, check=False)
        if not fetched.is_file():
            reasons = [
                line.strip(" :\t")
                for line in run.stdout.splitlines()
                if "rror at" in line or "not found" in line
            ]
            raise ConfigError(
                f"{jar.file_name} cannot be fetched ({reasons[-1] if reasons else 'no answer'}): check the "
                f"network, or name a mirror in LOSSLEDGER_IVY_SETTINGS, and run {_FETCH} again"
            )
        found = hashlib.sha256(fetched.read_bytes()).hexdigest()
        if found != jar.sha256:
            raise ConfigError(f"{jar.file_name} has SHA-256 {found}, not the pinned {jar.sha256}: not kept")
        fetched.replace(target)  # one step: a half-written archive is never found


def _pyspark_jars() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent / "jars"


def _ivy_jar() -> Path:
    found = sorted(_pyspark_jars().glob("ivy-*.jar"))
    if not found:
        raise ConfigError(
            "this PySpark ships no Ivy: install the pinned release, pip install 'lossledger[night]'"
        )
    return found[-1]


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["object-store"]:
            fetch_jars(OBJECT_STORE_LOCK, _pyspark_jars())
        else:
            fetch_jars()
    except ConfigError as error:
        sys.exit(f"lossledger: {error}")
