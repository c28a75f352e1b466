"""Scenarios in a warehouse: WAREHOUSE/scenarios/NAME holds the tables of each and its definition."""

import json
from typing import Any

from lossledger.store.places import Place, text_of

SCENARIOS = "scenarios"  # the folder's name in the landing zone and in the warehouse
PUBLISHED = "published"  # what compare calls the published tables; no scenario can have that name
DEFINITION = "scenario.json"


def scenario_root(main: Place, name: str) -> Place:
    return main / SCENARIOS / name


def scenario_names(main: Place) -> list[str]:
    """The scenarios that have been run."""
    return sorted(p.parent.name for p in (main / SCENARIOS).glob(f"[!.]*/{DEFINITION}"))


def read_definition(root: Place) -> dict[str, Any]:
    """The inputs of a scenario's tables; empty when there is no definition."""
    text = text_of(root / DEFINITION)
    return json.loads(text) if text else {}


def is_scenario(root: Place) -> bool:
    """Whether a warehouse is that of a scenario."""
    return bool(read_definition(root))
