"""The stages of a date, in order: load, recompute, attribute, check, publish. Each leaves its result on disk."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from time import perf_counter

from lossledger.engine.errors import ConfigError
from lossledger.engine.rules.version import RULES_VERSION
from lossledger.jobs.attribute.attribute import attribute_day
from lossledger.jobs.breaks import settle_breaks
from lossledger.jobs.check import check_day
from lossledger.jobs.day import Day
from lossledger.jobs.findings import keep_findings, tell_again
from lossledger.jobs.load.deliveries import LOAD_VERSION, REFERENCE_DAY, LoadedDelivery
from lossledger.jobs.load.loader import Loader
from lossledger.jobs.publish import IN_PROGRESS, Publication, publish
from lossledger.jobs.replay.recompute import recompute
from lossledger.jobs.sources import Source
from lossledger.schemas.inputs import DATASETS, REFERENCE
from lossledger.store.reference_data import ReferenceData, read_reference, text_hash

_COUNTED = ("deliveries", "quarantine")  # what became of the delivered rows, told in reports
NAMES = ("load", "recompute", "attribute", "check", "publish")

Check = Callable[[Day, str], None]  # what decides whether a staged date of a run may be published


class Stages:
    """Runs the stages of one date. `note` is what load found out; later stages, maybe in another process, read it.

    `asked_by`: a scheduler's run, of which each stage is a process: a stage does not go on with another's load.
    """

    def __init__(
        self,
        day: Day,
        run_id: str,
        to: date,
        loader: Loader | None = None,
        check: Check = check_day,
        asked_by: str = "",
    ) -> None:
        self.day, self.run_id, self.to, self._check_day = day, run_id, to, check
        self._loader, self.asked_by = loader, asked_by
        self.note = day.staging.read_note("load")
        self.seconds: dict[str, float] = self.note.get("seconds", {})
        self.publication: Publication | None = None

    @property
    def unchanged(self) -> bool:
        """Whether load found that the date is published with just this input."""
        return bool(self.note.get("unchanged"))

    @property
    def folders(self) -> list[date]:
        return [date.fromisoformat(text) for text in self.note["folders"]]

    @cached_property
    def reference(self) -> ReferenceData:
        """As loaded: by load in this process, or read back from the ledger."""
        return read_reference(self.day.warehouse)

    def run(self, name: str) -> None:
        """Run one stage; all but load do nothing when the date is unchanged."""
        stage: Callable[[], None] = getattr(self, f"_{name}")
        if name != "load":
            self._check_note()
            if self.unchanged:
                return
        started = perf_counter()
        try:
            stage()
        finally:
            self.seconds[name] = round(perf_counter() - started, 3)
        if name != "publish":
            self.note["seconds"] = self.seconds
            self.day.staging.write_note("load", self.note)

    def _check_note(self) -> None:
        if not self.note:
            raise ConfigError(f"{self.day.day} has not been loaded: run the stage load first")
        if self.asked_by and self.note.get("asked_by") != self.asked_by:
            other = self.note.get("asked_by") or "by hand"
            raise ConfigError(
                f"{self.day.day} has been loaded by another run since ({other}): run the stage load again"
            )
        if self.note["policy_sha256"] != self.day.policy_sha256:
            raise ConfigError(
                f"the policy has changed since {self.day.day} was loaded: run the stage load again"
            )
        if self.note["state_sha256"] != self._state_sha256():
            raise ConfigError(
                f"the date before {self.day.day} has been published anew since: run the stage load again"
            )

    def _state_sha256(self) -> str:
        """The hash of what was published for the date before: this date is computed from it."""
        return self.day.previous.output_sha256 if self.day.previous else "first"

    def _load(self) -> None:
        day = self.day
        self.note, self.seconds = {}, {}  # of an earlier run, if any
        loader = self._loader or Loader(day.warehouse, day.landing, day.policy, day.mapper)
        self.reference = loader.load_reference(day.day)
        folders = day.folders(loader.landed_days(day.last_folder))
        loader.load_days(folders, self.reference, None if day.first else day.session_start)
        loader.deliveries.check_required(folders, day.policy.at(day.end - 1).required_datasets)
        books = loader.deliveries.loaded
        mine = [books[key] for key in sorted(books) if key[0] in folders]
        fixed = [books[REFERENCE_DAY, d.name].sha256 for d in REFERENCE]
        loaded = [f"{d.day} {d.dataset} {d.sha256}" for d in mine]
        state = self._state_sha256()
        opening = repr(sorted((day.fund_opening or {}).items()))
        digest = text_hash(RULES_VERSION, day.policy_sha256, opening, state, *fixed, *loaded)
        published = day.published.get(day.day)
        self.note = {
            "run_id": self.run_id,
            "asked_by": self.asked_by,
            "state_sha256": state,
            "policy_sha256": day.policy_sha256,
            "folders": [f.isoformat() for f in folders],
            "input_sha256": digest,
            "unchanged": bool(
                published and published.input_sha256 == digest and not day.staging.read_note(IN_PROGRESS)
            ),
            "repeated": loader.deliveries.repeated([REFERENCE_DAY, *folders]),
            "sources": self._sources(state, [*(books[REFERENCE_DAY, d.name] for d in REFERENCE), *mine]),
            "inputs": {name: day.warehouse.version_of("ledger", name) for name in (*DATASETS, *_COUNTED)},
        }
        if self.unchanged:
            tell_again(day)

    def _sources(self, state: str, loaded: Sequence[LoadedDelivery]) -> list[Source]:
        """What the input's hash is made of, by name; of deliveries the content, beside the load's rules for all."""
        day = self.day
        before = day.previous.day.isoformat() if day.previous else "none"
        return [
            Source("rules", "version", RULES_VERSION),
            Source("rules", "load", LOAD_VERSION),
            Source("date_before", before, state),
            *(
                Source("fund_opening", c, str(amount))
                for c, amount in sorted((day.fund_opening or {}).items())
            ),
            *(
                Source("reference" if d.day == REFERENCE_DAY else "delivery", d.label, d.content_sha256)
                for d in loaded
            ),
        ]

    def _recompute(self) -> None:
        recompute(self.day, self.reference, self.folders)

    def _attribute(self) -> None:
        attribute_day(self.day, self.reference, self.folders)

    def _check(self) -> None:
        self._check_day(self.day, self.run_id)
        keep_findings(self.day, self.run_id)
        settle_breaks(self.day)

    def _publish(self) -> None:
        self.publication = publish(
            self.day,
            self.run_id,
            self.note["input_sha256"],
            self.to,
            [Source(*s) for s in self.note.get("sources", ())],
        )
