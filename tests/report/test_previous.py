"""Restatements are told since the last report: what that one said is kept in the next one's manifest."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lossledger.engine.errors import DataError
from lossledger.readers.document.values import Missing, cell_text
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.manifest import NAME, read_previous
from lossledger.readers.report.previous_report import PreviousReport, from_tree
from lossledger.readers.report.report_builder import gather
from lossledger.readers.report.report_request import REGULATOR
from lossledger.readers.report.sections.changes_since import (
    describe_changes,
    list_changed_figures,
    list_restated_dates,
)
from tests.report.conftest import DAYS, Made, ask


def since(made: Made, previous: PreviousReport | None) -> Facts:
    return gather(ask(made.root, REGULATOR, previous=previous))


def test_without_an_earlier_report_it_says_that_all_restatements_are_told(made: Made) -> None:
    told = describe_changes(since(made, None))
    assert told.startswith("No earlier report was named (--previous)")
    assert "all restatements of the reported dates" in told


@pytest.mark.parametrize("audience", ["regulator", "public"])
def test_nothing_changed_since_a_report_on_the_same_versions(made: Made, audience: str) -> None:
    """The public edition has no hash to tell it by: its run does."""
    previous = read_previous(made.regulator if audience == "regulator" else made.public)
    assert from_tree(json.loads(json.dumps(previous.tree()))) == previous
    facts = since(made, previous)
    assert describe_changes(facts).endswith("All stand as told.")
    assert {row[1] for row in list_restated_dates(facts, True).rows} == {"unchanged"}
    assert list_changed_figures(facts).rows == ()


def test_what_is_gone_since_is_told_and_never_a_zero(made: Made) -> None:
    """A date that is not published any more, and versions of a warehouse that was made anew."""
    previous = read_previous(made.regulator)
    first, second = previous.days
    gone = replace(second, day=DAYS[1].replace(month=11))
    other = replace(first, output_sha256="another", rows_sha256=dict.fromkeys(first.rows_sha256, "another"))
    facts = since(made, replace(previous, days=(other, gone)))
    assert [row[1] for row in list_restated_dates(facts, False).rows] == [
        "restated",
        "not published any more",
    ]
    assert all(isinstance(cell, Missing) for row in list_changed_figures(facts).rows for cell in row[4:])
    assert {cell_text(row[3]) for row in list_changed_figures(facts).rows} == {"every figure"}


def test_an_edited_report_is_none_to_tell_restatements_since(made: Made, tmp_path: Path) -> None:
    shutil.copy(made.public / NAME, tmp_path)
    text = (tmp_path / NAME).read_text(encoding="utf-8")
    (tmp_path / NAME).write_text(text.replace("generated", "real"), encoding="utf-8")
    with pytest.raises(DataError, match="was edited"):
        read_previous(tmp_path)
