"""Every command that docs/operations.md prints for the stack, run as it stands there but for the places it names."""

import re
import subprocess
from collections.abc import Mapping

from scripts.stacktest.compose import ROOT, Failed, wait_healthy

HEADING = "## The stack"


def commands() -> list[str]:
    """Of its blocks and its tables, in order; `make` commands led here, or made the demo's landing zone."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").split(f"\n{HEADING}\n", 1)[1]
    section = re.split(r"\n## ", text, maxsplit=1)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    rest = re.sub(r"^```.*?^```$", "", section, flags=re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`(docker compose [^`\n]+)`", rest)
    return [line for line in [*lines, *inline] if not line.startswith(("make ", "#"))]


def run_all(places: Mapping[str, str]) -> str:
    """Failed with the first that does not end with 0. `places`: what is the test's own, for what the page names."""
    found = commands()
    for printed in found:
        command = re.sub("|".join(places), lambda name: places[name[0]], printed)
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise Failed(f"{command} ended with {run.returncode}: {(run.stdout + run.stderr)[-1000:]}")
    wait_healthy()
    return f"{len(found)} commands"
