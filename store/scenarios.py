"""Where scenarios stand in a warehouse: WAREHOUSE/scenarios/NAME, each with its definition beside its tables."""

import json
from pathlib import Path
from typing import Any

SCENARIOS = "scenarios"  # the folder's name in the landing zone and in the warehouse
PUBLISHED = "published"  # what compare calls the published tables; no scenario can have that name
DEFINITION = "scenario.json"


def scenario_root(main: Path, name: str) -> Path:
    return main / SCENARIOS / name


def scenario_names(main: Path) -> list[str]:
    """The scenarios that have been run."""
    return sorted(p.parent.name for p in (main / SCENARIOS).glob(f"[!.]*/{DEFINITION}"))


def read_definition(root: Path) -> dict[str, Any]:
    """What a scenario's tables were made from; empty when there is none."""
    path = root / DEFINITION
    return json.loads(path.read_text()) if path.exists() else {}
