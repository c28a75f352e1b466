"""The wheel in an environment of its own, outside the checkout: what a user of `pip install 'lossledger[all]'` has.

Asked for by name, since it takes minutes: make test-wheel.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = str(ROOT / ".uv" / "bin" / "uv")
CASE = ROOT / "tests" / "data" / "cases" / "recorded_profit" / "landing"


class Installed(NamedTuple):
    """An environment with the wheel, and a folder beside it to stand in."""

    scripts: Path
    folder: Path

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints; none of our folders or variables reach it."""
        outside = {
            "PATH": f"{self.scripts}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "GX_ANALYTICS_ENABLED": "false",
        }
        done = subprocess.run(
            [str(self.scripts / words[0]), *words[1:]],
            cwd=self.folder, env=outside, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr


def uv(*words: str, **more: str) -> None:
    there = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", **more}
    subprocess.run([UV, *words], cwd=ROOT, env=there, check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--quiet", "--out-dir", str(out))
    (found,) = out.glob("*.whl")
    return found


def install(wheel: Path, folder: Path, extras: Sequence[str]) -> Installed:
    """The wheel with the locked releases of what its extras bring."""
    locked = folder / "locked.txt"
    named = [word for extra in extras for word in ("--extra", extra)]
    uv(
        "export",
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--no-hashes",
        "--quiet",
        *named,
        "-o",
        str(locked),
    )
    uv("venv", "--quiet", "--python", sys.executable, str(folder / "env"))
    target = {"VIRTUAL_ENV": str(folder / "env")}
    uv("pip", "install", "--quiet", "--constraints", str(locked), f"{wheel}[{','.join(extras)}]", **target)
    (folder / "here").mkdir()
    return Installed(folder / "env" / "bin", folder / "here")


@pytest.fixture(scope="module")
def everything(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(wheel, tmp_path_factory.mktemp("all"), ["all"])


def test_the_wheel_has_one_import_name(wheel: Path) -> None:
    names = subprocess.check_output([sys.executable, "-m", "zipfile", "-l", str(wheel)], text=True)
    tops = {line.split("/")[0] for line in names.splitlines()[1:]}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"lossledger"}


def test_a_large_date_says_that_it_compiles_first_and_one_command_does_it_ahead(
    everything: Installed,
) -> None:
    dates = ["--from", "2025-10-09", "--to", "2025-10-09"]
    places = ["--landing", str(CASE), "--warehouse", "w"]
    assert "`lossledger compile` does it ahead" in everything.run("lossledger", "run", *places, *dates)
    assert "no run waits for it" in everything.run("lossledger", "compile")
    assert "lossledger compile" not in everything.run("lossledger", "run", *places, *dates)


def test_the_demonstration_points_at_what_is_there(everything: Installed) -> None:
    said = everything.run("lossledger", "demo")
    assert "make " not in said
    assert "docs/" not in said
    assert (everything.folder / "demo" / "report" / "report.pdf").exists()
    assert "every figure holds" in everything.run(
        "lossledger", "verify-report", "demo/report", "--warehouse", "demo/warehouse"
    )


def test_a_night_needs_the_extra_night_alone(wheel: Path, tmp_path: Path) -> None:
    night = install(wheel, tmp_path, ["night"])
    dates = ["--from", "2025-10-09", "--to", "2025-10-10"]
    assert "published" in night.run("lossledger", "run", "--landing", str(CASE), "--warehouse", "w", *dates)
    assert "2025-10-10" in night.run("lossledger", "status", "--warehouse", "w")
    assert "lossledger[report]" in night.run("lossledger", "demo", code=2)
