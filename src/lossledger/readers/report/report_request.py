"""The request for a report: warehouse, dates, audience, and the facts that no table has."""

from dataclasses import dataclass
from datetime import date, timedelta

from lossledger.readers.report.previous_report import PreviousReport
from lossledger.store.places import Place

REGULATOR, PUBLIC = "regulator", "public"
AUDIENCES = (REGULATOR, PUBLIC)
ORIGINS = ("real", "generated")


@dataclass(frozen=True)
class ReportRequest:
    """`venue`, `data`: the venue's name, and whether the data are real or generated; empty if not stated.

    `allow_missing`: list unpublished dates as missing instead of refusing. `previous`: the report since
    which restatements are listed.
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
