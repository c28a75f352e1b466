"""Versions that the bytes of a report depend on."""

from importlib.metadata import PackageNotFoundError, version

_RENDERERS = ("altair", "vl-convert-python", "typst", "xlsxwriter", "jinja2")


def code() -> dict[str, str]:
    """Name to version: of Lossledger, and of what renders."""
    return {name: _version(name) for name in ("lossledger", *_RENDERERS)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
