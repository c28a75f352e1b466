"""Claims of pages and docstrings that code can decide."""

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lossledger.engine.errors import LossledgerError
from lossledger.jobs.stages import NAMES
from lossledger.schemas.registry import TABLES
from tests.docs.pages import PAGES, ROOT, codes, prose, table

PACKAGE = ROOT / "src" / "lossledger"
FILES = sorted(PACKAGE.rglob("*.py"))
BUFFERS = {
    *("store/amount_arrays.py", "store/arrow.py"),
    *(
        "jobs/load/columns/column_judge.py",
        "jobs/load/columns/part_layout.py",
        "jobs/load/columns/compact_types.py",
    ),
}
DECIMALS = {"jobs/attribute/books.py", "jobs/check.py", "store/table_hashes.py"}
FILE_ENDS = ("csv", "json", "md", "py", "yaml")
COLUMNS = {name: {c.name for c in t.columns} for t in TABLES.values() for name in (t.name, t.full_name)}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "GLOSSARY.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there and, in a page, to a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}, target


@pytest.mark.parametrize("page", [*PAGES, ROOT / "GLOSSARY.md"], ids=lambda page: page.name)
def test_columns_named_with_their_table_are_columns(page: Path) -> None:
    """`table.column`, and `schema.table` of ours."""
    schemas = {t.schema for t in TABLES.values()}
    for code in codes(prose(page)):
        parts = code.split(".")
        if not re.fullmatch(r"[a-z_]+(\.[a-z_]+){1,2}", code) or parts[-1] in FILE_ENDS:
            continue
        if parts[0] in schemas and len(parts) == 2:
            assert code in TABLES, code
        elif ".".join(parts[:-1]) in COLUMNS:
            assert parts[-1] in COLUMNS[".".join(parts[:-1])], code


def test_joins_are_on_columns_of_both_tables() -> None:
    for left, right, on in table(ROOT / "docs" / "reading-tables.md", "## How tables join"):
        pairs = [code.split(" = ") for code in re.findall(r"`ref` = `\w+`|`\w+`", on.split(",")[0])]
        for tables, at in ((left, 0), (right, -1)):
            for name in codes(tables):
                for pair in pairs:
                    assert pair[at].strip("`") in COLUMNS[name], (name, pair)


def test_exit_codes_are_those_of_the_errors() -> None:
    def below(error: type[LossledgerError]) -> Iterator[int]:
        yield error.exit_code
        for kind in error.__subclasses__():
            yield from below(kind)

    codes_told = [int(row[0]) for row in table(ROOT / "docs" / "operations.md", "## Exit codes")]
    assert codes_told == sorted({0, *below(LossledgerError)})


def test_stages_are_named_as_they_run() -> None:
    """The contract also says reconcile: that is part of attribute."""
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert "**" + " → ".join(NAMES) + "**" in operations
    listed = ", ".join(NAMES).capitalize()
    assert f"**Stage.** {listed}." in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    assert "reconcile" not in NAMES
    assert "a part of attribute" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")


def calls(path: Path, name: str) -> Iterator[str]:
    """Functions of a file in which something of that name is called."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                    yield function.name


def where(name: str) -> set[tuple[str, str]]:
    return {(str(path.relative_to(PACKAGE)), function) for path in FILES for function in calls(path, name)}


def test_rows_get_into_a_table_in_one_place() -> None:
    """docs/decisions/0003: rows, files of the stages, and whole tables for a new scenario.

    What the fence commits is empty: it brings a table's version on, and no row. A race writes to a table of its own.
    """
    racing = ("store/race.py", "_appended")
    assert where("write_deltalake") == {("store/warehouse.py", "_commit"), racing}
    assert {path for path, _ in where("create_write_transaction")} == {"store/warehouse.py", "store/fence.py"}
    assert {path for path, _ in where("link")} == {
        "store/data_files.py",
        "store/places.py",
        "jobs/scenario.py",
    }


def test_lock_renames_and_commits_are_where_the_page_says() -> None:
    """docs/architecture.md: in an object store each is done in another way, beside it."""
    assert {path for path, _ in where("flock")} == {"store/warehouse.py"}
    renaming = {path for path, _ in where("rename") if path.startswith(("jobs", "store"))}
    assert renaming == {"jobs/scenario.py", "store/creation.py"}
    assert ("store/creation.py", "whole") in where("replace")


def test_decimals_are_made_where_the_page_says() -> None:
    """docs/architecture.md, below the tables."""
    core = ("engine", "store", "jobs", "readers", "cli", "expectations")
    assert {path for path, _ in where("Decimal") if path.startswith(core)} == DECIMALS
    assert {path for path, _ in where("from_buffers") if path.startswith(core)} == BUFFERS


def test_no_linter_is_silenced_in_a_line() -> None:
    """Layout is none of it: the formatter may be told to leave a table as it is."""
    silenced = re.compile(r"#\s*(noqa|type:\s*ignore|ruff:|mypy:|pragma)")
    files = [
        *FILES,
        *(p for room in ("tests", "dags", "scripts", "benchmarks") for p in (ROOT / room).rglob("*.py")),
    ]
    assert [str(path) for path in files if silenced.search(path.read_text(encoding="utf-8"))] == []


def test_fields_named_in_a_docstring_are_there() -> None:
    """What a class with fields has in backticks is one of them, of the module, a table, or a value of a column."""
    values = {value for t in TABLES.values() for column in t.columns for value in column.values}
    missing = []
    for path in FILES:
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        for kind in vars(module).values():
            rows = inspect.isclass(kind) and (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"))
            if rows and kind.__module__ == name:
                known = {*values, *COLUMNS, *dir(kind), *dir(module), *getattr(kind, "__annotations__", ())}
                named = [c for c in codes(inspect.getdoc(kind) or "") if re.fullmatch(r"[a-z_]+", c)]
                missing += [f"{name}.{kind.__name__}: {c}" for c in named if c not in known]
    assert missing == []
