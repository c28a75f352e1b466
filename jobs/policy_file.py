"""Reading policy.yaml and scenario files. Numbers keep their text: no binary float reads an amount."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.errors import ConfigError
from engine.parsing import Unparsable, parse_decimal_e18
from engine.policy import Policy, parse_policy
from jobs.load.landing import POLICY_FILE
from store.scenarios import PUBLISHED, SCENARIOS

_SCENARIO_KEYS = ("name", "reason", "policy", "fund_opening")


def _as_text(loader: yaml.SafeLoader, node: yaml.Node) -> str:
    return str(node.value)


class _ExactLoader(yaml.SafeLoader):
    """SafeLoader that leaves decimals as text."""


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _as_text)


def _read_yaml(path: Path, what: str) -> tuple[Any, str]:
    """The content, and the hash of the text."""
    try:
        data = path.read_bytes()
        return yaml.load(data.decode(), _ExactLoader), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise ConfigError(f"{what} {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{what} {path} is not YAML: {text}") from error


@dataclass(frozen=True)
class Scenario:
    """A what-if: policy keys to override over the whole range, and opening balances of the fund (10^-18)."""

    name: str
    reason: str
    policy: Mapping[str, object]
    fund_opening: Mapping[str, int]
    sha256: str


def read_policy(landing: Path, path: Path | None, scenario: Scenario | None = None) -> tuple[Policy, str]:
    """The policy and a hash of what it was read from; all defaults where LANDING has no policy.yaml."""
    file = path or landing / POLICY_FILE
    entries, digest = (None, "defaults") if path is None and not file.exists() else _read_yaml(file, "policy")
    policy = parse_policy(entries, scenario.policy if scenario else None)
    return policy, digest + (scenario.sha256 if scenario else "")


def read_scenario(landing: Path, name: str) -> Scenario:
    """LANDING/scenarios/NAME.yaml. ConfigError when it is missing or malformed."""
    if not name or "/" in name or name.startswith(".") or name == PUBLISHED:
        raise ConfigError(f"scenario name {name!r}: a plain file name is needed, and not {PUBLISHED!r}")
    path = landing / SCENARIOS / f"{name}.yaml"
    content, digest = _read_yaml(path, "scenario")
    if not isinstance(content, dict):
        raise ConfigError(f"scenario {path}: expected a map with {', '.join(_SCENARIO_KEYS)}")
    unknown = set(content) - set(_SCENARIO_KEYS)
    if unknown:
        raise ConfigError(
            f"scenario {path}: unknown key {', '.join(sorted(map(str, unknown)))}; "
            f"known are {', '.join(_SCENARIO_KEYS)}"
        )
    if str(content.get("name", name)) != name:
        raise ConfigError(f"scenario {path}: its name says {content['name']!r}, its file {name!r}")
    policy, opening = ({} if content.get(key) is None else content[key] for key in _SCENARIO_KEYS[2:])
    if not isinstance(policy, dict) or not isinstance(opening, dict):
        raise ConfigError(f"scenario {path}: policy and fund_opening are maps, or left out")
    amounts = {str(currency): _amount(path, currency, amount) for currency, amount in opening.items()}
    return Scenario(name, str(content.get("reason") or ""), policy, amounts, digest)


def _amount(path: Path, currency: object, amount: object) -> int:
    try:
        return parse_decimal_e18(amount)
    except Unparsable as error:
        raise ConfigError(f"scenario {path}: fund_opening of {currency}: {error}") from error
