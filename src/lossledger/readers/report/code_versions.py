"""Versions that the bytes of a report depend on."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOM = Path(__file__).parents[1]
_FOLDERS = ("report", "charts", "document")
_RENDERERS = ("altair", "vl-convert-python", "typst", "xlsxwriter", "jinja2")


def code() -> dict[str, str]:
    """Versions of Lossledger, of its report code (a hash), and of the rendering libraries, by name."""
    return {name: _version(name) for name in ("lossledger", *_RENDERERS)} | {"report": _sources()}


@cache
def _sources() -> str:
    """A hash of the report code: two builds with the same version number may produce different reports."""
    digest = hashlib.sha256()
    for path in sorted(path for name in _FOLDERS for path in (_ROOM / name).rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.relative_to(_ROOM).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
