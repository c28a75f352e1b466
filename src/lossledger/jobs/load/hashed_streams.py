"""Opens delivered files, regular files below LANDING only, and hashes the very bytes that are parsed."""

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from lossledger.engine.errors import ConflictError
from lossledger.store.places import Place, open_binary

_BLOCK = 1 << 16


class Refused(Exception):
    """The path is not read; the message says why."""


def leads_out(landing: Place, path: Place) -> bool:
    """Whether links take a path below LANDING to somewhere else."""
    if not isinstance(landing, Path) or not isinstance(path, Path):
        return False  # a store has no links
    root = os.path.realpath(landing)
    return os.path.commonpath([root, os.path.realpath(path)]) != root


def open_regular(path: Place) -> BinaryIO:
    """Open a regular file, unbuffered. Refused: a pipe, a device, a folder; they would hang or never end."""
    if not isinstance(path, Path):
        return open_binary(path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise Refused("not a regular file")
    stream = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):  # it has been put in its place since
        stream.close()
        raise Refused("not a regular file")
    return stream


def open_landed(landing: Place, path: str) -> BinaryIO:
    """Open a file below LANDING. Refused: also what a link leads out of it."""
    if leads_out(landing, landing / path):
        raise Refused("a link that leads out of the landing zone")
    return open_regular(landing / path)


def changed(path: str) -> ConflictError:
    return ConflictError(f"{path} changed while it was read: try again when its delivery is complete")


class HashedStream(io.RawIOBase):
    """A file read from beginning to end, hashed on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        file: Any = self._file  # unbuffered, so it has readinto
        count: int = file.readinto(buffer)
        self._digest.update(buffer[:count])
        return count

    def sha256(self) -> str:
        """The hash of the whole file; reads the rest of it."""
        while data := self._file.read(_BLOCK):
            self._digest.update(data)
        return self._digest.hexdigest()


class HashedBlocks(io.RawIOBase):
    """A file read in any order: hashed first, block by block, and every block is compared when it is read.

    ConflictError: a block changed since it was hashed. Memory holds 16 bytes a block.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file, self._path, self._at, self.size = file, path, 0, 0
        self._blocks: list[bytes] = []
        whole = hashlib.sha256()
        while data := file.read(_BLOCK):
            if self.size % _BLOCK:  # a short read in the middle: the file grew under our hands
                raise changed(path)
            whole.update(data)
            self._blocks.append(_block_hash(data))
            self.size += len(data)
        self._sha256 = whole.hexdigest()

    def sha256(self) -> str:
        """The hash of the whole file; `read` never returns a block that differs from it."""
        return self._sha256

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.size, self._at + size)
        first = self._at // _BLOCK
        blocks = [self._block(index) for index in range(first, -(-end // _BLOCK))]
        data = b"".join(blocks)[self._at - first * _BLOCK : max(end, self._at) - first * _BLOCK]
        self._at += len(data)
        return data

    def _block(self, index: int) -> bytes:
        self._file.seek(index * _BLOCK)
        data = self._file.read(_BLOCK)
        if _block_hash(data) != self._blocks[index]:
            raise changed(self._path)
        return data


def _block_hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
