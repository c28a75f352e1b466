"""The examples of tests/spec as pages: what a test gives to the rules, and what it expects of them.

The tests are run (with the reference replay) and what they call is noted, so that a page shows the tables as they
were replayed, whatever a test put together from constants.
"""

import importlib
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.spec import tables

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "tests" / "spec"
WORLD = ("instruments", "tiers", "accounts", "before", "charged", "currencies", "later")


class Page(NamedTuple):
    """A page of the site: its title, its path below docs/ and its Markdown."""

    title: str
    path: str
    text: str


def pages() -> list[Page]:
    """One for each file of tests/spec. AssertionError where a test fails: there is no page of a wrong example."""
    return [_page(path) for path in sorted(SPEC.glob("test_*.py"))]


def page_path(test: Path) -> str:
    """Where the examples of a test file stand, below docs/."""
    return f"spec/examples/{test.stem.removeprefix('test_').replace('_', '-')}.md"


def _page(path: Path) -> Page:
    module = importlib.import_module(f"tests.spec.{path.stem}")
    title = (inspect.getdoc(module) or path.stem).splitlines()[0]
    section = int(path.stem[5:7])
    head = re.sub(r" \(rules\.md section[^)]*\)", "", title).rstrip(".")
    parts = [
        f"# {head}",
        f"Section {section} of the [rules](../rules.md). Every table here is replayed by the reference and by the "
        f"compiled replay in each run of `tests/spec/{path.name}`, and this page is made of that file. "
        "An empty cell is null or not given; what is not said is a protected retail client, a margin rate of half a "
        "percent and, of the policy, the defaults.",
    ]
    for name, test in vars(module).items():
        if name.startswith("test_") and inspect.isfunction(test):
            parts += _test(module, name, test)
    return Page(f"{section}. {head}", page_path(path), "\n\n".join(parts) + "\n")


def _test(module: ModuleType, name: str, test: Callable[..., None]) -> Iterator[str]:
    yield f"## {name.removeprefix('test_').replace('_', ' ').capitalize()}"
    if doc := inspect.getdoc(test):
        yield _text(doc)
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    cases = list(itertools.product(*(_cases(*mark.args) for mark in marks)))
    rows = [{k: v for case in given for k, v in case.items()} for given in cases]
    calls = [(row, list(_noted(module, test, row))) for row in rows]
    if rows != [{}] and not any(noted for _, noted in calls):
        yield _table([_flat(row) for row in rows])
        return
    for row, noted in calls:
        if row and all(
            isinstance(value, str | bool | int) and "\n" not in str(value) for value in row.values()
        ):
            yield "**With " + ", ".join(f"{key} {value}" for key, value in row.items()) + "**"
        yield from noted


def _cases(names: str | Sequence[str], values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    for value in values:
        found = value.values if hasattr(value, "values") and hasattr(value, "marks") else value
        yield dict(zip(keys, found if len(keys) > 1 or hasattr(value, "marks") else (found,), strict=True))


def _flat(row: Mapping[str, Any]) -> dict[str, str]:
    """A parameter that is itself a row of a table is shown as its columns."""
    flat: dict[str, str] = {}
    for name, value in row.items():
        flat.update(value if isinstance(value, Mapping) else {name: str(value)})
    return flat


def _noted(module: ModuleType, test: Callable[..., None], arguments: Mapping[str, Any]) -> Iterator[str]:
    noted: list[str] = []

    def session(events: str, **world: Any) -> tables.Result:
        noted.extend(_given(events, world))
        return tables.session(events, **world)

    def expect(result: tables.Result, table: str, text: str) -> None:
        tables.expect(result, table, text)
        rows = tables.parse(text)
        noted.append(f"gives `{table}`" + (":\n\n" + _table(rows, text) if rows else " without a row."))

    with pytest.MonkeyPatch.context() as patch:
        for replaced in (session, expect):
            if hasattr(module, replaced.__name__):
                patch.setattr(module, replaced.__name__, replaced)
        test(**arguments)
    yield from noted


def _given(events: str, world: Mapping[str, Any]) -> Iterator[str]:
    policy = {name: value for name, value in world.items() if name not in WORLD}
    for name in ("instruments", "tiers", "accounts"):
        if rows := _rows(world.get(name, "")):
            yield f"With these {name}:\n\n{_table(rows)}"
    if currencies := world.get("currencies"):
        yield "With " + ", ".join(f"{name} of scale {scale}" for name, scale in currencies.items()) + "."
    if policy:
        yield (
            "With the policy "
            + ", ".join(f"`{name}: {_yaml(value)}`" for name, value in policy.items())
            + ":"
        )
    for entry in world.get("later", ()):
        yield "and later " + ", ".join(f"`{name}: {_yaml(value)}`" for name, value in entry.items()) + ":"
    if before := _rows(world.get("before", "")):
        yield f"On the day before:\n\n{_table(before)}"
    rows = _rows(events)
    yield ("On the day:\n\n" if world.get("before") else "") + (_table(rows) if rows else "Nothing happens.")


def _rows(text: str) -> list[tables.Cells]:
    return tables.parse(text) if text.strip() else []


def _yaml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {inner}" for key, inner in value.items()) + "}"
    return str(value)


def _table(rows: Sequence[Mapping[str, str]], text: str = "") -> str:
    """Columns in which nothing stands are left out, but for those that a text names."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = [name for name in names if text or any(row.get(name) for row in rows)]
    lines = [shown, ["---"] * len(shown), *([row.get(name, "") for name in shown] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _text(doc: str) -> str:
    return " ".join(doc.split())
