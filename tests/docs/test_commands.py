"""Every command, script and query of the pages is run as it is printed, from the checkout.

A page is tried in a copy of the checkout in which `make demo` has been run, with what its own earlier commands
made. A block of `sh` is given to a shell, blocks of `python` and `sql` are one session; what is shown as
`console` is found in what the commands of the page have printed.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.checkout import SHELL, run
from tests.docs.pages import PAGES, ROOT, Block, blocks, codes, prose

# Commands that no test runs, each with its reason.
NOT_RUN = {
    r"make (test|test-unit)\b": "the tests themselves",
    r"\.venv/bin/pytest ": "the tests themselves",
    r"\.venv/bin/python -m tests\.properties\.shrink ": "it searches for a failure, and there is none",
    r"(make bench|\.venv/bin/python -m benchmarks\.)": "it measures for minutes, and no test looks at a clock",
    r"\.venv/bin/lossledger explore ": "it runs until Ctrl-C; tests/unit/readers/test_explore_page.py has its page",
    r"AIRFLOW_HOME=": "a running Airflow; tests/dags runs the DAG",
    r"\.venv/bin/lossledger .* s3://": "an object store; tests/unit/store/test_object_store.py runs the same on one",
    r"\.venv/bin/lossledger simulate .*--copies": "a hundred million rows and gigabytes",
    r"(make stack|docker compose |\.venv/bin/python -m scripts\.stack_)": "containers: make stack-test runs it",
    r"make demo\b": "run once for all pages, by the fixture `demo_checkout`",
}
LANGUAGES = ("sh", "console", "python", "sql", "yaml", "text", "mermaid")


def commands(block: Block) -> list[str]:
    """The commands of a block, a here-document with the one that reads it, and a quotation to its end."""
    found, document = [], ""
    for line in block.text.splitlines():
        if found and (document or found[-1].endswith("\\") or found[-1].count('"') % 2):
            found[-1] += "\n" + line
        else:
            found.append(line)
        document = document or "".join(re.findall(r"<<'(\w+)'", line))
        document = "" if line == document else document
    return [command for command in found if not command.startswith("#")]


def reason(command: str) -> str:
    flat = command.replace("\\\n", " ")
    return next((why for pattern, why in NOT_RUN.items() if re.match(pattern, flat)), "")


def starts_spark(page: Path) -> bool:
    """The demonstration runs on Spark, so a page that reads from it does."""
    return any("demo/" in block.text for block in blocks(page) if block.language in ("sh", "python"))


def has_commands(page: Path) -> bool:
    return any(block.language in ("sh", "python", "sql") for block in blocks(page))


def script(session: list[Block]) -> str:
    """Blocks of Python and SQL as one script. A query that finds nothing shows nothing: it is wrong."""
    lines = [
        "def show(relation):",
        "    print(relation)",
        "    assert len(relation), 'the query finds no row'",
    ]
    for block in session:
        lines.append(block.text if block.language == "python" else f"show(duckdb.sql({block.text!r}))")
    return "\n".join(lines)


def try_page(page: Path, folder: Path, printed: str) -> None:
    """Run its blocks in their order. AssertionError with the command and its output when one fails."""
    session: list[Block] = []  # what is defined in it stays known further down the page
    ran = 0
    (folder / "my").mkdir(exist_ok=True)
    for block in [*blocks(page), Block("sh", "true", 0)]:
        if block.language == "python" and "spark_session" in block.text:
            printed += run([".venv/bin/python", "-"], folder, block.text)  # a session of its own
        elif block.language == "sql" and page.stem == "recipes":
            continue  # run with their results, by tests/docs/test_recipes.py
        elif block.language in ("python", "sql"):
            session.append(block)
        elif block.language == "sh":
            if len(session) > ran:
                printed += run([".venv/bin/python", "-"], folder, script(session))
                ran = len(session)
            for command in commands(block):
                if not reason(command):
                    printed += run([*SHELL, command], folder)
        elif block.language == "console":
            missing = [line for line in block.text.splitlines() if not told(line, printed)]
            assert missing == [], f"{page.name}, line {block.line}: not printed"


def told(line: str, printed: str) -> bool:
    """Whether its words stand in one line of the output, in this order; `…` leaves lines out."""
    for output in printed.splitlines():
        words = iter(output.split())
        if all(word in words for word in line.split()):
            return True
    return line.strip() == "…"


def params() -> list[object]:
    marks = {True: [pytest.mark.spark, pytest.mark.slow], False: [pytest.mark.slow]}
    return [
        pytest.param(page, id=page.stem, marks=marks[starts_spark(page)])
        for page in PAGES
        if has_commands(page)
    ]


@pytest.mark.parametrize("page", params())
def test_page(page: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    copied, printed = request.getfixturevalue("demo_checkout") if starts_spark(page) else (None, "")
    folder = tmp_path / "checkout"
    shutil.copytree(copied or request.getfixturevalue("bare_checkout"), folder, symlinks=True)
    try_page(page, folder, printed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_are_fenced_and_say_their_language(page: Path) -> None:
    """So that no command hides in an indented paragraph."""
    assert [b for b in blocks(page) if b.language not in LANGUAGES] == []
    indented = re.findall(r"(?<=\n\n)    \S.*", prose(page))
    assert indented == []


def test_every_exception_is_needed() -> None:
    printed = [c for page in PAGES for b in blocks(page) if b.language == "sh" for c in commands(b)]
    assert [
        why
        for pattern, why in NOT_RUN.items()
        if not any(re.match(pattern, c.replace("\\\n", " ")) for c in printed)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_options_named_in_a_sentence_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for code in codes(prose(page)):
        words = code.split()
        if words[0] == "make" and len(words) > 1 and re.fullmatch("[a-z-]+", words[1]):
            assert words[1] in targets, code
        if words[0].removeprefix(".venv/bin/") == "lossledger" and len(words) > 1 and words[1][0].islower():
            told_help = help_of(words[1])
            assert [w for w in words[2:] if w.startswith("--") and w not in told_help] == [], code


HELP: dict[str, str] = {}


def help_of(command: str) -> str:
    if command not in HELP:
        call = [sys.executable, "-m", "lossledger.cli.main", command, "--help"]
        HELP[command] = run(call, ROOT) + " --help --debug"
    return HELP[command]


def test_a_shown_line_is_found_in_a_printed_one() -> None:
    """The words of a shown line stand in one line, whatever columns are left out."""
    assert told("deficit, covered 46", "  deficit, covered  12  46")
    assert not told("deficit, covered 47", "  deficit, covered  12  46")
