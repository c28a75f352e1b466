"""Hostile policies and scenarios: exit code 2 and one line, soon, whatever the file is or holds."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.commands import CONFIG, Spoil, error_line, policy, run

pytestmark = pytest.mark.usefixtures("no_checks")
ENTRY = "- valid_from: 2020-01-01\n  "


def bomb(top: str) -> str:
    """Nine levels of nine aliases each: 387 million values when it is unfolded."""
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n  ".join([f"{ENTRY}a0: &a0 [x, x]", *levels, f"{top}: *a9\n"])


def linked(target: Path) -> Spoil:
    def spoil(landing: Path) -> None:
        (landing / "policy.yaml").rename(landing.parent / "outside.yaml")
        (landing / "policy.yaml").symlink_to(target)

    return spoil


def piped(landing: Path) -> None:
    (landing / "policy.yaml").unlink()
    os.mkfifo(landing / "policy.yaml")


POLICIES: list[tuple[str, Spoil, str]] = [
    ("aliases that unfold", policy(bomb("fund_floor")), "an alias (*name): write the value out"),
    ("aliases as a rate", policy(bomb("slippage_rate")), "an alias (*name): write the value out"),
    ("merged keys", policy(ENTRY + "<<: {trigger: lt}\n"), "is not YAML"),
    ("nested 50,000 deep", policy(ENTRY + "fund_floor: " + "[" * 50_000 + "]" * 50_000), "nested too deep"),
    ("nested blocks", policy("- " * 50_000 + "x"), "nested too deep"),
    ("a key twice", policy(ENTRY + "trigger: lt\n  trigger: lte\n"), "the key 'trigger' stands twice"),
    ("a currency twice", policy(ENTRY + "fund_floor: {USD: 1, USD: 2}\n"), "the key 'USD' stands twice"),
    ("valid_from twice", policy(ENTRY + "valid_from: 2021-01-01\n"), "the key 'valid_from' stands twice"),
    ("larger than any policy", policy(ENTRY + "#" * 2**20), "is not read: larger than 1,048,576 bytes"),
    ("a device", linked(Path("/dev/zero")), "is not read: a link that leads out of the landing zone"),
    ("linked from outside", linked(Path("../outside.yaml")), "a link that leads out of the landing zone"),
    ("a link to nothing", linked(Path("nowhere.yaml")), "cannot be read: No such file"),
    ("a named pipe", piped, "is not read: not a regular file"),
    ("a number of 5,000 digits", policy(ENTRY + "latency_us: " + "9" * 5000), "a number of more than 100 digits"),
    ("a hexadecimal of 5,000", policy(ENTRY + "valid_from: 0x" + "f" * 5000), "a number of more than 100 digits"),
    ("a tag that is not so", policy(ENTRY + "trigger: !!bool maybe\n"), "is not YAML"),
    ("a time that is none", policy(ENTRY + "trigger: !!timestamp maybe\n"), "is not YAML"),
    ("a text that is a map", policy(ENTRY + "trigger: !!str {a: b}\n"), "is not YAML"),
    ("a program", policy(ENTRY + "trigger: !!python/object/apply:os.getcwd []\n"), "is not YAML"),
    ("lone surrogate", policy(ENTRY + 'fund_floor: {"\\ud800": 1}\n'), "half a surrogate pair"),
    ("a key that is a list", policy(ENTRY + "? [a]\n  : 1\n"), "is not YAML"),
    ("no UTF-8", lambda p: (p / "policy.yaml").write_bytes(b"\xff"), "is not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), [c[1:] for c in POLICIES], ids=[c[0] for c in POLICIES])
def test_a_policy_that_is_refused(
    landing: Path, tmp_path: Path, spoil: Spoil, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(landing)
    assert run(landing, tmp_path / "warehouse") == CONFIG
    assert message in error_line(capsys)
    assert not (tmp_path / "warehouse" / "attribution").exists()


@pytest.mark.parametrize("option", ["--policy", "--scenario"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "is not read: "),
        (os.mkfifo, "is not read: not a regular file"),
        (Path.mkdir, "is not read: not a regular file"),
        (lambda path: path.write_text(bomb("x").replace("- ", "  ", 1)), "an alias"),
    ],
    ids=["endless device", "named pipe", "folder", "aliases"],
)
def test_a_file_that_is_named_and_refused(
    landing: Path,
    tmp_path: Path,
    option: str,
    make: Callable[[Path], object],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = landing / "scenarios" / "s.yaml"
    path.parent.mkdir()
    make(path)
    assert run(landing, tmp_path / "warehouse", option, str(path) if option == "--policy" else "s") == CONFIG
    assert message in error_line(capsys)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "a\u202eb", "\udcff", "a\tb"])
def test_a_scenario_with_a_name_that_does_not_print(
    landing: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (landing / "scenarios").mkdir()
    (landing / "scenarios" / f"{name}.yaml").write_text("policy: {trigger: lte}\n")
    assert run(landing, tmp_path / "warehouse", "--scenario", name) == CONFIG
    assert "a plain file name is needed" in (told := error_line(capsys))
    assert told.isprintable()
