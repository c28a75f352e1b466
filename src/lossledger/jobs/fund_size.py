"""The smallest opening balance of the insurance fund with which no shortfall would have occurred.

A fund that never runs short never causes a charge, and charges are the only way in which the fund acts on
accounts. So with every sufficient opening balance the deficits and all other movements of the fund are the same,
and one run with a very large one shows them. With the opening balance x, the balance after a draw is x plus what
has moved since, and the draw is paid in full when that is not below the floor in force. Hence the smallest
sufficient x is

    max over draws of [floor − (balance after the draw − x)], at least 0,

and up to its first shortfall a run with less is the same run, so that with any less there is a shortfall. This is
not taken on trust: two more runs show it, one with just these balances, one with a ledger unit less.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from lossledger.engine.clock import iso
from lossledger.engine.errors import ConfigError, LossledgerError
from lossledger.engine.figures import exact, text_table
from lossledger.engine.intake.policy import Policy
from lossledger.engine.numbers import e18_to_units, units_to_e18
from lossledger.jobs.load.landing_zone import check_landing
from lossledger.jobs.policy_file import Scenario, read_policy, read_scenario
from lossledger.jobs.run import Request, Setting, run_prepared
from lossledger.jobs.scenario import copy_input
from lossledger.schemas.attribution import INSURANCE_FUND_LEDGER, SESSION_LOSSES
from lossledger.schemas.ledger import TYPED
from lossledger.store.arrow import to_rows
from lossledger.store.places import Place, remove_tree
from lossledger.store.published_dates import published_days
from lossledger.store.scenario_folders import SCENARIOS
from lossledger.store.warehouse import Warehouse

PLENTY_E18 = 10**18 * 10**18  # more than any deficit, and within DECIMAL(38,18) with all that is added to it
_COLUMNS = ("currency", "business_date", "seq", "ts", "kind", "amount", "balance")


class Need(NamedTuple):
    """The smallest opening balance, ≥ 0, in ledger units, and the draw that needs all of it (None: 0 is enough)."""

    units: int
    ts: int | None


class Movement(NamedTuple):
    """A row of the fund's ledger in one currency, in ledger units."""

    ts: int
    kind: str
    balance: int


def smallest_opening(
    movements: list[Movement], plenty: int, policy: Policy, currency: str, scale: int
) -> Need:
    """From the ledger, in its order, of a fund that opened with `plenty` (ledger units) and never ran short.

    Draws before the opening is booked do not depend on it and are left out.
    """
    need, opened = Need(0, None), False
    for movement in movements:
        opened |= movement.kind == "opening"
        if opened and movement.kind == "draw":
            floor = e18_to_units(policy.at(movement.ts).fund_floor.get(currency, 0), scale)
            units = floor - (movement.balance - plenty)
            if units > need.units:
                need = Need(units, movement.ts)
    return need


@dataclass
class Trials:
    """Runs of the range with other opening balances, in a warehouse of their own."""

    request: Request
    warehouse: Warehouse
    overrides: Mapping[str, object]
    policy: Policy
    digest: str

    def run(self, openings_e18: Mapping[str, int]) -> dict[str, list[tuple[str, int]]]:
        """Shortfalls that occur with these openings, by currency: date and amount in 10^-18."""
        scenario = Scenario("fund-size", "", self.overrides, openings_e18, "")
        published = published_days(self.warehouse)
        setting = Setting(self.warehouse, None, self.policy, self.digest, scenario, published)
        with self.warehouse.locked():
            for _ in run_prepared(self.request, setting):
                pass  # its lines are about dates, this command is about the range
        rows = to_rows(
            SESSION_LOSSES, self.warehouse.read(SESSION_LOSSES), ("currency", "business_date", "shortfall")
        )
        found: dict[str, list[tuple[str, int]]] = {}
        for currency, day, shortfall in sorted(rows):
            if shortfall:
                found.setdefault(currency, []).append((str(day), shortfall))
        return found

    def movements(self, currency: str, scale: int) -> list[Movement]:
        rows = to_rows(INSURANCE_FUND_LEDGER, self.warehouse.read(INSURANCE_FUND_LEDGER), _COLUMNS)
        return [
            Movement(ts, kind, e18_to_units(balance, scale))
            for c, _, _, ts, kind, _, balance in sorted(rows)
            if c == currency
        ]

    def delivered(self) -> dict[str, int]:
        """Delivered opening balances of the range, 10^-18."""
        table = TYPED["fund_movements"]
        end = max(day.end for day in published_days(self.warehouse).values())
        sums: dict[str, int] = {}
        for ts, currency, kind, amount in to_rows(
            table, self.warehouse.read(table), ("ts", "currency", "kind", "amount")
        ):
            if kind == "opening" and ts < end:
                sums[currency] = sums.get(currency, 0) + amount
        return sums


def fund_size_lines(request: Request) -> Iterator[str]:
    """Find it and prove it. ConfigError when the range does not start on the first date of the warehouse."""
    check_landing(request.landing, request.warehouse)
    scenario = None if request.scenario is None else read_scenario(request.landing, request.scenario)
    policy, digest = read_policy(request.landing, request.policy, scenario)
    live = Warehouse.create(request.warehouse)
    first = min(published_days(live), default=request.first)
    if request.first != first or request.first > request.last:
        raise ConfigError(
            f"the fund opens on the first date of a warehouse: --from {first}, and --to not before it"
        )
    folder = _temporary(request.warehouse)
    try:
        warehouse = Warehouse.create(folder)
        copy_input(live, warehouse)
        yield from _search(
            Trials(request, Warehouse(folder), scenario.policy if scenario else {}, policy, digest)
        )
    finally:
        request.mapper.close()
        remove_tree(folder)


def _temporary(main: Place) -> Place:
    """Beside the scenarios, so that workers find it and files need not be copied; a dot hides it from readers."""
    if not isinstance(main, Path):
        return main / SCENARIOS / f".fund-size-{secrets.token_hex(4)}"
    (main / SCENARIOS).mkdir(exist_ok=True)
    return Path(mkdtemp(prefix=".fund-size-", dir=main / SCENARIOS))


def _search(trials: Trials) -> Iterator[str]:
    request = trials.request
    scales = _currencies(trials)
    yield f"run 1 of 3  {request.first} to {request.last} with more than any deficit needs"
    hopeless = trials.run(dict.fromkeys(scales, PLENTY_E18))
    delivered = trials.delivered()
    needs = {
        c: smallest_opening(
            trials.movements(c, scale), PLENTY_E18 // 10 ** (18 - scale), trials.policy, c, scale
        )
        for c, scale in scales.items()
        if c not in hopeless
    }
    yield "run 2 of 3  with just the smallest opening balances"
    enough = trials.run({c: units_to_e18(need.units, scales[c]) for c, need in needs.items()})
    yield "run 3 of 3  with a ledger unit less"
    less = trials.run({c: units_to_e18(max(0, need.units - 1), scales[c]) for c, need in needs.items()})
    for currency, need in needs.items():
        if currency in enough or (need.units > 0) != (currency in less):
            raise LossledgerError(
                f"{currency}: the proof fails, with {need.units} ledger units the shortfalls are "
                f"{enough.get(currency, [])}, with one less {less.get(currency, [])}: this is a fault of the program"
            )
    yield ""
    rows = [
        [
            "currency",
            "delivered",
            "smallest opening",
            "with it",
            "with a ledger unit less",
            "decided by the draw at",
        ]
    ]
    for currency in scales:
        if currency in hopeless:
            rows.append([currency, exact(delivered.get(currency, 0)), "none is enough", "", "", ""])
        else:
            rows.append(_row(currency, delivered.get(currency, 0), needs[currency], scales[currency], less))
    yield from text_table(rows, left=1)
    for currency, found in hopeless.items():
        yield (
            f"{currency}: {exact(found[0][1])} is short on {found[0][0]} whatever the opening balance, because "
            "the deficit comes before it is booked"
        )


def _currencies(trials: Trials) -> dict[str, int]:
    """Currency to scale. Nothing may have been loaded yet: the reference data comes with the first run."""
    from lossledger.jobs.load.loader import Loader

    loader = Loader(trials.warehouse, trials.request.landing, trials.policy, trials.request.mapper)
    return loader.load_reference(trials.request.first).scales


def _row(
    currency: str, delivered_e18: int, need: Need, scale: int, less: Mapping[str, list[tuple[str, int]]]
) -> list[str]:
    cells = [currency, exact(delivered_e18), exact(units_to_e18(need.units, scale)), "no shortfall"]
    if need.ts is None:
        return [*cells, "nothing less to test", "-"]
    day, shortfall = less[currency][0]
    return [*cells, f"{exact(shortfall)} short on {day}", iso(need.ts)]
