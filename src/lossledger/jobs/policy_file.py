"""Reading policy.yaml and scenario files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.parsing import Unparsable, parse_decimal_e18
from lossledger.engine.intake.policy import Policy, parse_policy
from lossledger.jobs.exact_yaml import read_yaml
from lossledger.jobs.load.landing_zone import POLICY_FILE
from lossledger.jobs.terminal import warn
from lossledger.store.places import Place
from lossledger.store.scenario_folders import PUBLISHED, SCENARIOS

SIMULATION_KEYS = ("latency_us", "slippage_rate", "liquidation_fee_rate")  # read in simulated execution alone
_SCENARIO_KEYS = ("name", "reason", "policy", "fund_opening")


@dataclass(frozen=True)
class Scenario:
    """A what-if: policy keys to override over the whole range, and opening balances of the fund (10^-18)."""

    name: str
    reason: str
    policy: Mapping[str, object]
    fund_opening: Mapping[str, int]
    sha256: str
    text: str = ""


def read_policy(landing: Place, path: Place | None, scenario: Scenario | None = None) -> tuple[Policy, str]:
    """The policy and a hash of what it was read from; all defaults where LANDING has no policy.yaml."""
    entries: object = None
    digest = "defaults"
    files = {f"{SCENARIOS}/{scenario.name}.yaml": scenario.text} if scenario else {}
    if path is not None:
        entries, digest, files[POLICY_FILE] = read_yaml("policy", path)
    elif _is_there(landing / POLICY_FILE):  # a link to nothing is not the same as no policy
        entries, digest, files[POLICY_FILE] = read_yaml("policy", landing / POLICY_FILE, landing)
    policy = parse_policy(entries, scenario.policy if scenario else None)
    policy.files = files
    idle = [key for key in SIMULATION_KEYS if scenario and key in scenario.policy and not policy.simulates]
    if scenario and idle:
        warn(
            f"scenario {scenario.name}: {', '.join(idle)} changes nothing, because execution is recorded: the "
            "venue's own liquidation fills are used; add execution: simulated"
        )
    return policy, digest + (scenario.sha256 if scenario else "")


def _is_there(path: Place) -> bool:
    return os.path.lexists(path) if isinstance(path, Path) else path.is_file()


def read_scenario(landing: Place, name: str) -> Scenario:
    """LANDING/scenarios/NAME.yaml. ConfigError when it is missing or malformed."""
    plain = name.isprintable() and "/" not in name and not name.startswith(".")
    if not name or not plain or name == PUBLISHED:
        raise ConfigError(f"scenario name {name!r}: a plain file name is needed, and not {PUBLISHED!r}")
    path = landing / SCENARIOS / f"{name}.yaml"
    content, digest, text = read_yaml("scenario", path, landing)
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
    return Scenario(name, str(content.get("reason") or ""), policy, amounts, digest, text)


def _amount(path: Place, currency: object, amount: object) -> int:
    try:
        return parse_decimal_e18(amount)
    except Unparsable as error:
        raise ConfigError(f"scenario {path}: fund_opening of {currency}: {error}") from error
