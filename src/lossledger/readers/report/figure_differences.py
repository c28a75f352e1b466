"""Differences between a report and the report computed again: by figure, by manifest entry, by part of a text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SHOWN = 200  # lines of differing figures
_WHOLE = 80  # characters of a text that is shown whole
_BESIDE = 24  # characters shown before and after what differs
_MOST = 120  # characters shown of what differs


def show_difference(one: Any, other: Any) -> tuple[str, str]:
    """Two values as text; long ones are cut to the part that differs, with some context."""
    texts = (_words(one), _words(other))
    if max(map(len, texts)) <= _WHOLE:
        return texts
    shorter = min(map(len, texts))
    start = next((n for n in range(shorter) if texts[0][n] != texts[1][n]), shorter)
    same = next((n for n in range(shorter - start) if texts[0][-1 - n] != texts[1][-1 - n]), shorter - start)
    first, second = (_cut(text, start, len(text) - same) for text in texts)
    return first, second


def _cut(text: str, start: int, end: int) -> str:
    before = max(0, start - _BESIDE)
    after = min(len(text), end + _BESIDE, start + _MOST)
    return f"{'…' if before else ''}{text[before:after]}{'…' if after < len(text) else ''}"


def _words(value: Any) -> str:
    if isinstance(value, dict) and {*value} == {"amount", "unit"}:
        return f"{value['amount']} {value['unit']}".strip()
    return "nothing" if value is None else str(value)


def differing_figures(folder: Path, again: dict[str, Any], all_of_them: bool = True) -> tuple[int, list[str]]:
    """The number of compared figures of report.json, and one line for each that differs from the recomputed one.

    `all_of_them`: include figures that only the recomputed report has. Another build may have additional figures
    and values that the report states as not available.
    """
    try:
        reported = dict(figures_of(json.loads((folder / "report.json").read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        return 0, [f"report.json: its figures cannot be read: {error}"]
    now = dict(figures_of(again))
    gone = (
        set() if all_of_them else {n for n, value in reported.items() if n not in now and _is_missing(value)}
    )
    names = [
        *(name for name in reported if name not in gone),
        *(name for name in now if all_of_them and name not in reported),
    ]
    differing = [name for name in names if reported.get(name) != now.get(name)]
    lines = []
    for name in differing[:_SHOWN]:
        one, other = show_difference(reported.get(name), now.get(name))
        lines.append(f"figure {name}: the report says {one}, the published tables {other}")
    if len(differing) > _SHOWN:
        lines.append(f"and {len(differing) - _SHOWN:,} more figures")
    return len(names), lines


def _is_missing(value: Any) -> bool:
    """Whether a cell is a missing value."""
    return isinstance(value, dict) and "not_available" in value


def differing_entries(one: Any, other: Any, path: str) -> Iterator[str]:
    """A line for each entry of a manifest that is not the one computed again."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key not in ("content_sha256", "format"):
                yield from differing_entries(one.get(key), other.get(key), f"{path} {key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differing_entries(a, b, f"{path} {number}")
    elif one != other:
        a, b = show_difference(one, other)
        yield f"{path}: the manifest says {a}, computed again it is {b}"


def differing_text(name: str, one: bytes, other: bytes) -> Iterator[str]:
    """The first and last place in which a text file is not the one computed again."""
    texts = (data.decode("utf-8", "replace") for data in (one, other))
    a, b = show_difference(*(" ".join(text.split()) for text in texts))
    if a != b:
        yield f"{name}: the report says {a}, computed again it is {b}"


def figures_of(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every figure of report.json with a name: its id, or table, key and column; of a sentence its section."""
    for section in tree["sections"]:
        for number, block in enumerate(section["blocks"]):
            if block["kind"] == "figures":
                for figure in block["figures"]:
                    yield figure["id"], figure["value"]
            elif block["kind"] == "table":
                yield from _cells(block)
            elif block["kind"] == "paragraph":
                yield f"{section['id']}, sentence {number + 1}", block["text"]


def _cells(table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for row in table["rows"]:
        key = " ".join(map(str, row[: table["key"]]))
        for column, cell in zip(table["columns"][table["key"] :], row[table["key"] :], strict=True):
            yield f"{table['id']}, {key}, {column['name']}", cell
