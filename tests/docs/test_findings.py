"""Every script of `findings/` has its head, can be run and is in the list. None is run here: it needs a registry."""

import os
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FOLDER = ROOT / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
HEAD = r"""#!/usr/bin/env bash
# {name}: \S.*\n(#   .*\n)*\
# Expected \(a good guess\): .*\n(#   .*\n)*\
# Seen \(.*\d+\.\d+.*, \d{{4}}-\d\d-\d\d\): .*\n(#   .*\n)*\
# Who meets it: .*\n(#   .*\n)*\
set -euo pipefail
"""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_has_its_head(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert re.match(HEAD.replace("\\\n", "").format(name=re.escape(script.stem)), text)
    assert "What to do instead: " in text.replace("\n#  ", "")
    assert re.search(r"-q install [^\n]*==", text), "nothing is pinned"
    assert os.access(script, os.X_OK)


def test_the_list_names_every_finding() -> None:
    listed = re.findall(r"\]\(([\w-]+\.sh)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert SCRIPTS
    assert sorted(listed) == [script.name for script in SCRIPTS]
