"""Archives delivered files under their hash before they are read, so that the rows read are those hashed."""

from dataclasses import dataclass

from lossledger.engine.errors import ConflictError, DataError, is_out_of_space, no_space
from lossledger.jobs.load.hashed_streams import Refused, changed, open_landed
from lossledger.jobs.load.landing_zone import LandedFile
from lossledger.jobs.terminal import printable
from lossledger.store.content import content_path, keep
from lossledger.store.places import place


@dataclass(frozen=True)
class ArchiveTask:
    """Files to archive, and the warehouse that holds the archive."""

    landing: str
    files: tuple[LandedFile, ...]
    warehouse: str


def archive_files(task: ArchiveTask) -> int:
    """Copy the files that are not archived yet: their number. ConflictError: a file changed since it was hashed."""
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
