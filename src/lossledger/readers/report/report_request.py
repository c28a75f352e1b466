"""What is asked for: which dates of which warehouse, for whom, and what the warehouse cannot know of itself."""

from dataclasses import dataclass
from datetime import date, timedelta

from lossledger.readers.report.previous_report import PreviousReport
from lossledger.store.places import Place

REGULATOR, PUBLIC = "regulator", "public"
AUDIENCES = (REGULATOR, PUBLIC)
ORIGINS = ("real", "generated")


@dataclass(frozen=True)
class ReportRequest:
    """`venue`, `data`: who it is about, and whether the data are real or generated; empty where nobody said.

    `allow_missing`: dates that are not published are told as missing instead of refused. `previous`: the report since
    which restatements are told.
    """

    warehouse: Place
    first: date
    last: date
    audience: str = REGULATOR
    venue: str = ""
    data: str = ""
    allow_missing: bool = False
    previous: PreviousReport | None = None

    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]
