"""Delivered files are kept before they are judged: what is judged is what was hashed."""

from dataclasses import dataclass

from lossledger.engine.errors import ConflictError, DataError, is_out_of_space, no_space
from lossledger.jobs.load.landing_zone import LandedFile
from lossledger.jobs.load.hashed_streams import Refused, changed, open_landed
from lossledger.jobs.terminal import printable
from lossledger.store.content import content_path, keep
from lossledger.store.places import place


@dataclass(frozen=True)
class ArchiveTask:
    """Some files, and the warehouse that keeps them."""

    landing: str
    files: tuple[LandedFile, ...]
    warehouse: str


def archive_files(task: ArchiveTask) -> int:
    """Copy what is not kept yet, and say how many files. ConflictError when one is no longer what was hashed."""
    for file in task.files:
        _keep(task, file)
    return len(task.files)


def _keep(task: ArchiveTask, file: LandedFile) -> None:
    target = content_path(place(task.warehouse), file.sha256)
    shown = printable(file.path)
    if not target.exists():
        try:
            with open_landed(place(task.landing), file.path) as source:
                found = keep(source, target)
        except FileNotFoundError as error:
            raise changed(shown) from error
        except Refused as error:
            raise DataError(f"{shown}: {error}") from error
        except PermissionError:
            raise
        except OSError as error:
            if is_out_of_space(error):
                raise ConflictError(no_space(str(target))) from error
            raise DataError(f"{shown} cannot be read: {error.strerror}") from error
        if found != file.sha256:
            raise changed(shown)
