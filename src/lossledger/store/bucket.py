"""A path in an S3-compatible store, with what of pathlib the rest uses; imported only where a place is one of these.

Where the store is, who asks and how is the environment's business: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, a web identity, a container's or a machine's role.
"""

import errno
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import obstore
from obstore.exceptions import BaseError

from lossledger.store.store_client import store_error, store_of
from lossledger.store.thresholds import REQUEST_BYTES

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta


class Meta(NamedTuple):
    """Metadata of an object, with the names of `os.stat`. `tag` changes with its bytes."""

    st_size: int
    st_mtime_ns: int
    tag: str


@dataclass(frozen=True, order=True)
class StorePath:
    """s3://BUCKET/KEY. A folder is there while there is something below it. Pickled, it takes no credentials along.

    ConfigError: no such bucket, or no right to it. ConflictError: the store does not answer.
    """

    bucket: str
    key: str  # no slash at its ends
    listed: Meta | None = field(default=None, compare=False, repr=False)  # its metadata in a listing
    folder: bool = field(default=False, compare=False, repr=False)  # whether a listing has it as a folder

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, below: object) -> "StorePath":
        return StorePath(self.bucket, f"{self.key}/{below}".strip("/"))

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> "StorePath":
        return StorePath(self.bucket, self.key.rpartition("/")[0])

    def with_name(self, name: str) -> "StorePath":
        return self.parent / name

    def relative_to(self, root: object) -> PurePosixPath:
        return PurePosixPath(f"/{self.bucket}/{self.key}").relative_to(_pure(root))

    def is_relative_to(self, root: object) -> bool:
        return PurePosixPath(f"/{self.bucket}/{self.key}").is_relative_to(_pure(root))

    def resolve(self) -> "StorePath":
        return self

    # what is there --------------------------------------------------------------------------------------

    def stat(self) -> Meta:
        """FileNotFoundError: there is no such object."""
        if self.listed:
            return self.listed
        with self._asking():
            return _meta(obstore.head(store_of(self.bucket), self.key))

    def is_file(self) -> bool:
        try:
            return not self.folder and bool(self.stat())
        except FileNotFoundError:
            return False

    def is_dir(self) -> bool:
        return self.folder or (self.listed is None and next(self._all(), None) is not None)

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def is_symlink(self) -> bool:
        return False

    def iterdir(self) -> Iterator["StorePath"]:
        """Folders and objects directly below; empty for a missing folder."""
        with self._asking():
            found = obstore.list_with_delimiter(store_of(self.bucket), self.key or None)
        for prefix in found["common_prefixes"]:
            yield StorePath(self.bucket, prefix.strip("/"), folder=True)
        for meta in found["objects"]:
            if meta["path"].strip("/") != self.key:
                yield StorePath(self.bucket, meta["path"], _meta(meta))

    def glob(self, pattern: str) -> Iterator["StorePath"]:
        first, _, rest = pattern.partition("/")
        for entry in self.iterdir():
            if fnmatchcase(entry.name, first):
                if not rest:
                    yield entry
                elif entry.folder:
                    yield from entry.glob(rest)

    def rglob(self, pattern: str) -> Iterator["StorePath"]:
        """Objects alone: a store has no folders."""
        return (path for path in self._all() if fnmatchcase(path.name, pattern))

    def _all(self) -> Iterator["StorePath"]:
        with self._asking():
            for some in obstore.list(store_of(self.bucket), self.key or None, chunk_size=1000):
                yield from (StorePath(self.bucket, meta["path"], _meta(meta)) for meta in some)

    # bytes ----------------------------------------------------------------------------------------------

    def open(self, buffered: bool = True) -> IO[bytes]:
        """Open for reading. A small object is read at once; a large one in ranges, as long as it does not change."""
        with self._asking():
            found = obstore.get(store_of(self.bucket), self.key)
            meta = _meta(found.meta)
            if meta.st_size <= REQUEST_BYTES:
                return io.BytesIO(found.bytes())
        large = LargeObject(self, meta)
        return cast(IO[bytes], io.BufferedReader(large, REQUEST_BYTES) if buffered else large)

    def read_bytes(self) -> bytes:
        with self._asking():
            return bytes(obstore.get(store_of(self.bucket), self.key).bytes())

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def read_range(self, meta: Meta, start: int, end: int) -> bytes:
        """Bytes of the object in the state of `meta`."""
        with self._asking():
            options: GetOptions = {"range": (start, end), "if_match": meta.tag}
            return bytes(obstore.get(store_of(self.bucket), self.key, options=options).bytes())

    def download(self, target: Path) -> None:
        """All of it, some megabytes a request."""
        with self.open(buffered=False) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 4 * REQUEST_BYTES)

    def write_bytes(self, data: bytes) -> None:
        """One request: it is there as a whole, or not at all."""
        with self._asking():
            obstore.put(store_of(self.bucket), self.key, data)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        self.write_bytes(text.encode(encoding))

    def upload(self, source: Path, new: bool = False) -> bool:
        """Put a file of this machine there, in parts where it is large; `new`: unless there is one, else False."""
        with self._asking():
            try:
                obstore.put(
                    store_of(self.bucket),
                    self.key,
                    source,
                    chunk_size=REQUEST_BYTES,
                    mode="create" if new else "overwrite",
                )
            except obstore.exceptions.AlreadyExistsError:
                return False
        return True

    def copy_to(self, target: "StorePath") -> None:
        """Within the store: no byte comes here."""
        with self._asking():
            obstore.copy(store_of(self.bucket), self.key, target.key)

    def unlink(self, missing_ok: bool = False) -> None:
        with self._asking():
            obstore.delete(store_of(self.bucket), self.key)

    def remove_tree(self) -> None:
        """All that is below, and the object itself if there is one."""
        keys = [path.key for path in self._all()]
        with self._asking():
            for first in range(0, len(keys), 1000):
                obstore.delete(store_of(self.bucket), keys[first : first + 1000])

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: an object brings its folders along."""

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise store_error(error, str(self)) from error
            raise FileNotFoundError(errno.ENOENT, "there is no such object", str(self)) from None
        except (BaseError, PermissionError) as error:
            raise store_error(error, str(self)) from error


class LargeObject(io.RawIOBase):
    """An object read by ranges."""

    def __init__(self, path: StorePath, meta: Meta) -> None:
        self._path, self._meta, self._at = path, meta, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._meta.st_size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._meta.st_size if size < 0 else min(self._meta.st_size, self._at + size)
        if end <= self._at:
            return b""
        data = self._path.read_range(self._meta, self._at, end)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _meta(found: "ObjectMeta") -> Meta:
    modified = int(found["last_modified"].timestamp()) * 1_000_000_000
    return Meta(found["size"], modified, found["e_tag"] or "")


def _pure(path: object) -> PurePosixPath:
    return PurePosixPath("/" + str(path).removeprefix("s3://"))
