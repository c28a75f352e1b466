"""Where files are: a folder of this machine, or a prefix in an object store; what differs between the two.

A local place is a plain `pathlib.Path`. Files are always written and mapped on this machine: of a place in a store a
copy passes through the folder for temporary files (TMPDIR).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union, cast

import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lossledger.engine.errors import ConfigError, ConflictError, is_out_of_space, no_space
from lossledger.store.store_client import is_store_error, storage_options, store_error

if TYPE_CHECKING:
    from lossledger.store.bucket import StorePath

Place: TypeAlias = Union[Path, "StorePath"]
SCHEME = "s3://"


def place(text: str | Place) -> Place:
    """The place named by a text. ConfigError: another scheme, no bucket, or the library for stores is not installed."""
    if not isinstance(text, str):
        return text
    if not text.startswith(SCHEME):
        if "://" in text:
            raise ConfigError(f"{text}: a folder, or s3://BUCKET/PREFIX, is what is wanted")
        return Path(text)
    try:
        from lossledger.store.bucket import StorePath
    except ImportError as error:
        raise ConfigError(
            f"{text}: object stores need what lossledger[s3] installs ({error.name})"
        ) from error
    bucket, _, key = text.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise ConfigError(f"{text}: s3://BUCKET/PREFIX is what is wanted")
    return StorePath(bucket, "/".join(part for part in key.split("/") if part))


def entries(where: Place) -> list[Place]:
    """The entries of a folder, in order of names."""
    found: list[Any] = sorted(where.iterdir())
    return found


def files_below(where: Place) -> list[Place]:
    """All files in a folder and in those below it, in the order of names."""
    found: list[Any] = sorted(path for path in where.rglob("*") if path.is_file())
    return found


def relative(path: Place, root: Place) -> str:
    """The name of a path below a root, with forward slashes."""
    below: PurePath = path.relative_to(cast(Any, root))
    return below.as_posix()


# reading ------------------------------------------------------------------------------------------------


def text_of(where: Place) -> str:
    """The text of a small file; empty when there is none."""
    try:
        return where.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def open_binary(where: Place) -> BinaryIO:
    """To read from any place in it."""
    return where.open("rb") if isinstance(where, Path) else cast(BinaryIO, where.open())


def open_parquet(where: Place, **options: Any) -> pq.ParquetFile:
    """Open a Parquet file; from a store only the requested ranges are read."""
    return pq.ParquetFile(where if isinstance(where, Path) else where.open(buffered=False), **options)


@contextmanager
def fetched(where: Place) -> Iterator[Path]:
    """The file as a local file. A file opened or mapped inside the block stays valid after it."""
    if isinstance(where, Path):
        yield where
        return
    with scratch(where.name) as copy:
        where.download(copy)
        yield copy


class Copies:
    """Files on this machine for as long as it is open: those of a store as copies."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def __enter__(self) -> "Copies":
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def of(self, files: Sequence[Place]) -> list[Path]:
        """In the same order."""
        return [file if isinstance(file, Path) else self._copy(file) for file in files]

    def _copy(self, file: "StorePath") -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lossledger-")
        self._count += 1
        copy = Path(self._folder.name) / f"{self._count}-{file.name}"
        with _room(copy):
            file.download(copy)
        return copy


# writing ------------------------------------------------------------------------------------------------


@contextmanager
def written(where: Place) -> Iterator[Path]:
    """A local file to write, for a name that no reader knows yet; in a store it appears when it is complete."""
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
        yield where
        return
    with scratch(where.name) as copy:
        yield copy
        where.upload(copy)


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Where a file may be for a while. ConflictError: the disk is full."""
    with tempfile.TemporaryDirectory(prefix="lossledger-") as folder, _room(Path(folder)):
        yield Path(folder) / name


@contextmanager
def _room(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_out_of_space(error):
            raise ConflictError(no_space(str(where))) from error
        raise


def link(source: Place, target: Place) -> None:
    """A second name for a file; in a store a copy, which the store makes itself."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(source, Path) and not isinstance(target, Path):
        source.copy_to(target)
        return
    try:
        os.link(cast(Path, source), cast(Path, target))
    except OSError:
        shutil.copyfile(cast(Path, source), cast(Path, target))


def remove_tree(where: Place) -> None:
    """A folder and all in it; what cannot be removed stays."""
    if isinstance(where, Path):
        shutil.rmtree(where, ignore_errors=True)
    else:
        where.remove_tree()


def stamp(where: Place) -> tuple[object, ...]:
    """Identifies the state of a file: a replaced file has another stamp. OSError: no such file."""
    found = where.stat()
    return (found.st_ino, found.st_mtime_ns) if isinstance(found, os.stat_result) else (found.tag,)


# Delta --------------------------------------------------------------------------------------------------


def open_table(where: Place | str, version: int | None = None) -> DeltaTable:
    """A Delta table. ConfigError and ConflictError for what its store answers."""
    options = storage_options() if str(where).startswith(SCHEME) else None
    with asking_delta(where):
        return DeltaTable(str(where), version=version, storage_options=options)


@contextmanager
def asking_delta(where: Place | str) -> Iterator[None]:
    """Turns store errors of delta-rs into those of `store_client`."""
    try:
        yield
    except (OSError, DeltaError) as error:
        if str(where).startswith(SCHEME) and is_store_error(error):
            raise store_error(error, str(where)) from error
        raise
