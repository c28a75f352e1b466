"""Arrow's datasets over objects in a store."""

from typing import Any

import pyarrow as pa
import pyarrow.fs

from lossledger.store.places import Place


class _Below(pa.fs.FileSystemHandler):
    """A read-only Arrow file system over the objects below a place."""

    def __init__(self, root: Place) -> None:
        self.root = root

    def get_type_name(self) -> str:
        return "lossledger"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[Any]:
        return [self._info(path) for path in paths]

    def _info(self, path: str) -> Any:
        try:
            size = (self.root / path).stat().st_size
        except FileNotFoundError:
            return pa.fs.FileInfo(path, pa.fs.FileType.NotFound)
        return pa.fs.FileInfo(path, pa.fs.FileType.File, size=size)

    def open_input_file(self, path: str) -> Any:
        where: Any = self.root / path
        return pa.PythonFile(where.open(buffered=False), mode="r")

    open_input_stream = open_input_file

    def _refused(self, *_: object) -> Any:
        raise NotImplementedError("this file system is only read")

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = delete_file = _refused
    move = copy_file = open_output_stream = open_append_stream = get_file_info_selector = _refused


def file_system_below(root: Place) -> Any:
    """Read-only; objects are opened in the thread in which Arrow reads."""
    return pa.fs.PyFileSystem(_Below(root))
