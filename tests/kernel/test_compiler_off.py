"""A variable with which people debug code of their own, and without which nothing here works."""

import os
import subprocess
import sys
from pathlib import Path

from tests.builders import small_landing


def test_without_the_compiler_it_says_which_variable_to_unset(tmp_path: Path) -> None:
    landing = small_landing(tmp_path / "landing")
    words = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", str(tmp_path / "w")]
    done = subprocess.run(
        [sys.executable, "-m", "lossledger.cli.main", *words, "--from", "2025-10-09", "--to", "2025-10-09"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    said = "lossledger: error: NUMBA_DISABLE_JIT is set, and the replay is compiled: unset it\n"
    assert done.stderr == said
    assert not (tmp_path / "w").exists()
