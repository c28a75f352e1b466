"""The warehouse, scenario and time that the page shows. Answers are cached until another date is published."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

import streamlit as st

from lossledger.readers.explain.account_session import PublishedDates
from lossledger.readers.explore.questions.question import Answer, Question, ask
from lossledger.readers.published.pins import open_warehouse
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.schemas.ops import PUBLISHED_DAYS
from lossledger.store.places import Place

_KEPT = 256  # cached answers of all sessions; one answer is the content of one table


@dataclass(frozen=True)
class PageContext:
    """`version`: of ops.published_days; a new version makes the cached answers void."""

    root: Place
    scenario: str | None
    as_of: str | None
    version: int
    dates: PublishedDates

    @property
    def tables(self) -> PublishedTables:
        return self.dates.tables

    @property
    def days(self) -> list[date]:
        return list(self.tables.days)

    def ask(self, question: Question) -> Answer:
        return _answer(self.tables, (str(self.root), self.scenario, self.as_of, self.version), question)

    def at(self, scenario: str | None = None, as_of: str | None = None) -> "PageContext":
        """The context of another scenario or time of the same warehouse."""
        return open_page(self.root, scenario, as_of)

    def href(self, view: str, **parameters: str) -> str:
        """The address of a view, from this page."""
        kept = {"scenario": self.scenario, "as_of": self.as_of}
        given = {"view": view, **parameters, **{name: value for name, value in kept.items() if value}}
        return "?" + urlencode(given)


def open_page(root: Place, scenario: str | None = None, as_of: str | None = None) -> PageContext:
    """ConfigError: no warehouse, scenario, time or run of that name."""
    version = open_warehouse(root, scenario).version(PUBLISHED_DAYS)
    return PageContext(root, scenario, as_of, version, _dates(root, str(root), scenario, as_of, version))


@st.cache_resource(max_entries=16, show_spinner=False)
def _dates(_root: Place, name: str, scenario: str | None, as_of: str | None, version: int) -> PublishedDates:
    return PublishedDates.open(_root, as_of, scenario)


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _answer(
    _tables: PublishedTables, of: tuple[str, str | None, str | None, int], question: Question
) -> Answer:
    return ask(_tables, question)
