"""Run a range of dates: every stage of each date in order, one writer, one Spark session."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from time import perf_counter

from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.policy import Policy
from lossledger.jobs.check import check_day
from lossledger.jobs.day import Day
from lossledger.jobs.load.landing_zone import check_landing
from lossledger.jobs.load.loader import Loader
from lossledger.jobs.policy_file import Scenario, read_policy, read_scenario
from lossledger.jobs.record import new_run_id, recorded
from lossledger.jobs.scenario import OpenWarehouse, open_scenario
from lossledger.jobs.spark.mapper import Mapper
from lossledger.jobs.stages import NAMES, Check, Stages
from lossledger.jobs.terminal import duration, show_step
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate, published_days
from lossledger.store.warehouse import Warehouse


@dataclass
class Request:
    """What to run. The mapper changes where the work is done, never its result.

    `check` decides whether a date may be published.
    """

    landing: Place
    warehouse: Place
    first: date
    last: date
    mapper: Mapper
    policy: Place | None = None
    scenario: str | None = None
    check: Check = check_day

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass
class Setting:
    """A request made ready: the warehouse it writes to and the rules it goes by."""

    warehouse: Warehouse
    base: Warehouse | None
    policy: Policy
    policy_sha256: str
    scenario: Scenario | None
    published: dict[date, PublishedDate]

    def day(self, request: Request, day: date) -> Day:
        opening = self.scenario.fund_opening if self.scenario else {}
        return Day(
            day,
            self.warehouse,
            request.landing,
            self.policy,
            self.policy_sha256,
            request.mapper,
            self.published,
            self.base,
            opening or None,
            self.scenario is not None,
        )


@contextmanager
def prepared(request: Request) -> Iterator[Setting]:
    """Check the request, then make and hold the warehouse that it writes to. ConfigError, DataError.

    ConflictError: another run holds the warehouse. Nothing is written for a request that is refused.
    """
    if request.first > request.last:
        raise ConfigError(f"--from {request.first} is after --to {request.last}")
    check_landing(request.landing, request.warehouse)
    scenario = None if request.scenario is None else read_scenario(request.landing, request.scenario)
    policy, digest = read_policy(request.landing, request.policy, scenario)
    with _warehouse(request, scenario, digest) as own:
        setting = Setting(own.warehouse, own.base, policy, digest, scenario, own.published)
        setting.day(request, request.first)  # a gap is told before anything is loaded
        try:
            yield setting
        finally:
            request.mapper.close()


@contextmanager
def _warehouse(request: Request, scenario: Scenario | None, digest: str) -> Iterator[OpenWarehouse]:
    """A scenario writes to a warehouse of its own."""
    if scenario is not None:
        with open_scenario(request.warehouse, scenario, digest, request.first) as own:
            yield own
    else:
        with Warehouse.made(request.warehouse) as warehouse:
            yield OpenWarehouse(warehouse, None, published_days(warehouse))


def run(request: Request) -> Iterator[str]:
    """Run the dates; yields a line on each. Raises the first error, after recording it in ops.runs."""
    with prepared(request) as setting:
        yield from run_prepared(request, setting)


def run_prepared(request: Request, setting: Setting) -> Iterator[str]:
    """Run a request that has been made ready, in a warehouse that is held."""
    loader = Loader(setting.warehouse, request.landing, setting.policy, request.mapper)
    run_id, began = new_run_id(), perf_counter()
    changed = False
    for done, day in enumerate(request.days, 1):
        stages = run_day(setting.day(request, day), run_id, request.last, loader, request.check)
        publication = stages.publication
        changed |= bool(publication and publication.changed)
        left = (perf_counter() - began) / done * (len(request.days) - done)
        yield day_line(stages) + (f"  ({done} of {len(request.days)}, {duration(left)} left)" if left else "")
    if not changed:
        yield f"{request.first} to {request.last}: nothing changed"


def run_day(day: Day, run_id: str, to: date, loader: Loader, check: Check) -> Stages:
    """All stages of a date."""
    stages = Stages(day, run_id, to, loader, check)
    with recorded(stages):
        for name in NAMES:
            step = f"{day.day}  {name}"
            show_step(step)
            day.mapper.tell = _telling(step)
            stages.run(name)
    return stages


def _telling(step: str) -> Callable[[str], None]:
    return lambda text: show_step(f"{step}  {text}")


def day_line(stages: Stages) -> str:
    """One line on what became of a date."""
    publication, day = stages.publication, stages.day.day
    if publication is None or not publication.changed:
        return f"{day}  unchanged"
    what = ", ".join(
        f"{publication.rows[name]} {label}"
        for name, label in (
            ("liquidations", "liquidations"),
            ("negative_balances", "negative balances"),
            ("socialised_losses", "accounts charged"),
        )
    )
    word = "restated " if publication.restated else "published"
    return f"{day}  {word}  {what}  {sum(stages.seconds.values()):.1f} s"
