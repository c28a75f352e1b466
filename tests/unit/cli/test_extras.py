"""What an analyst's machine has: the core alone, with neither Spark nor Airflow."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from lossledger.cli.extras import EXTRAS, not_installed
from tests.builders import D9, D10, run_dates, small_landing
from tests.docs.pages import ROOT

# In a process in which nothing can be imported that is not the core's, as if it had never been installed.
CORE_ONLY = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {blocked!r} else found(name, package)
from lossledger.cli.main import main
code = 0
for line in sys.stdin:
    try:
        code = main(line.split())
    except SystemExit as end:
        code = end.code
    print('code', code, flush=True)
"""
BLOCKED = sorted({module for modules in EXTRAS.values() for module in modules} | {"fsspec", "numba", "py4j"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("core")
    run_dates(small_landing(folder / "landing"), folder / "warehouse", D9, D10)
    return folder


def test_the_core_reads_and_says_what_else_to_install(folder: Path) -> None:
    where, dates = f"--warehouse {folder}/warehouse", f"--from {D9} --to {D10}"
    commands = {
        "--help": 0,
        f"status {where}": 0,
        f"compare {where} --left published --right published": 0,
        f"maintain {where} --dry-run": 0,
        f"run --landing {folder}/landing {where} {dates}": 2,
        f"run --engine local --landing {folder}/landing {where} {dates}": 2,
        f"fund-size --landing {folder}/landing {where} {dates}": 2,
        f"demo --folder {folder}/demo": 2,
    }
    done = subprocess.run(
        [sys.executable, "-c", CORE_ONLY.format(blocked=BLOCKED)],
        input="\n".join(commands), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    codes = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("code ")]
    assert dict(zip(commands, codes, strict=True)) == commands, done.stderr
    says = (
        "lossledger: error: this needs pyspark, which is not installed here: pip install 'lossledger[night]'"
    )
    assert done.stderr.splitlines() == [says] * 4
    assert not (folder / "demo").exists()


def test_a_missing_module_names_its_extra() -> None:
    told = not_installed(ModuleNotFoundError("No module named 'typst'", name="typst"))
    assert "pip install 'lossledger[report]'" in str(told)
    assert not_installed(ModuleNotFoundError("no", name="ours.lost")) is None


def test_extras_are_those_of_the_project() -> None:
    """Every module that is asked for is of a package that its extra brings, or needs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = packages_distributions()
    for extra, modules in EXTRAS.items():
        brought = {normal(re.split(r"[\[=<>~]", requirement)[0]) for requirement in extras[extra]}
        assert [m for m in modules if not brought & {normal(p) for p in packages[m]}] == []


def normal(package: str) -> str:
    name = package.lower().replace("_", "-")
    return "apache-airflow" if name == "apache-airflow-core" else name
