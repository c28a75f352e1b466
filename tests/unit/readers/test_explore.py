"""What the explorer's views show, without a web page: exact rows, the SQL behind them, the path of a unit."""

from pathlib import Path

import pytest

from lossledger.engine.errors import ConfigError
from lossledger.engine.numbers import E18
from lossledger.readers.charts.cause_chart import steps
from lossledger.readers.charts.loss_charts import Cause
from lossledger.readers.explain.account_session import PublishedDates
from lossledger.readers.explore.questions import (
    account_questions,
    event_questions,
    rule_questions,
    session_questions,
    side_by_side,
)
from lossledger.readers.explore.questions.question import Answer, ask
from lossledger.readers.query.sql_query import query_lines
from tests.builders import D10

NB = "event_id"


@pytest.fixture(scope="session")
def dates(small: Path) -> PublishedDates:
    return PublishedDates.open(small)


def only_event(dates: PublishedDates) -> str:
    (found,) = ask(dates.tables, session_questions.events(D10)).column(NB)
    return str(found)


def test_an_answer_is_what_query_says_of_its_sql(dates: PublishedDates) -> None:
    answer = ask(dates.tables, session_questions.losses(D10))
    lines = query_lines(dates.tables.warehouse.root, answer.sql, "csv")
    assert answer.csv().splitlines() == list(lines)
    assert answer.records()[0]["currency"] == "USD"
    assert answer.column("deficit") == ["20.00", "0.00000000"]


def test_a_name_from_an_address_is_a_text_and_no_sql(dates: PublishedDates) -> None:
    assert ask(dates.tables, account_questions.charges("b")).column("charge") == ["20.00"]
    assert ask(dates.tables, account_questions.charges("' OR true --")).kept == []


def test_rules_are_side_by_side(dates: PublishedDates) -> None:
    totals = ask(dates.tables, rule_questions.totals(D10, "USD"))
    payers = ask(dates.tables, rule_questions.accounts(D10, "USD", totals.column("rule")))
    (row,) = payers.records()
    assert (row["account_id"], row["session_profit_prorata"], row["adl_queue"]) == ("b", "20.00", "0.00")
    assert dict(zip(totals.column("rule"), totals.column("uncovered"), strict=True))["adl_queue"] == "20.00"


def test_the_path_of_a_liquidated_unit(dates: PublishedDates) -> None:
    """100 paid in, 1 bought at 1000; the mark falls to 900, the fill is at 880, the deficit of 20 is reset."""
    found = event_questions.find(dates, only_event(dates))
    path = event_questions.path(dates, found)
    shown = [row[1:] for row in path.equity.kept]
    assert shown == [
        ["2025-10-10T10:00:00Z", "tick", "0.00", "4.50"],
        ["2025-10-10T10:01:00Z", "liquidation fill f3", "-20.00", "0.00"],
        ["2025-10-10T10:01:00Z", "reset by negative balance protection", "0.00", "0.00"],
    ]
    assert [row[1:] for row in path.marks.kept] == [["2025-10-10T10:00:00Z", "P", "900"]]


def test_an_event_leads_to_its_liquidation_and_back(dates: PublishedDates) -> None:
    found = event_questions.find(dates, only_event(dates), D10)
    assert found.episode_id and found.title == "Liquidation of account a, 2025-10-10"
    assert event_questions.find(dates, found.episode_id).balance.column(NB) == [only_event(dates)]
    causes = ask(dates.tables, event_questions.causes(found))
    assert causes.column("component") == ["cushion", "gap_in_cushion", "execution"]
    assert sum(causes.amounts("amount")) == 20 * E18
    assert ask(dates.tables, event_questions.fills(found)).column("fill_id") == ["f3"]
    with pytest.raises(ConfigError, match="no published event 'ep-0'"):
        event_questions.find(dates, "ep-0")


def test_a_waterfall_begins_where_the_bar_before_ended() -> None:
    made = steps([Cause("a", "cushion", -5), Cause("b", "gap", 8)], "deficit")
    assert [bar[:3] for bar in made] == [("cushion", 0, -5), ("gap", -5, 3), ("deficit", 0, 3)]


def test_two_sides_differ_by_exact_amounts(dates: PublishedDates) -> None:
    scenario = PublishedDates.open(dates.tables.warehouse.root, scenario="nobody")
    question = side_by_side.totals(D10, D10)
    answers = (ask(dates.tables, question), ask(scenario.tables, question))
    found = side_by_side.differences(*answers, ("published", "nobody"), {"USD": 2, "BTC": 8})
    assert [row[1:] for row in found.kept] == [
        ["USD", "socialised", "20.00", "0.00", "-20.00"],
        ["USD", "uncovered", "0.00", "20.00", "20.00"],
    ]
    assert side_by_side.differences(answers[0], answers[0], ("a", "b"), {"USD": 2, "BTC": 8}).kept == []


def test_a_row_that_one_side_has_not_counts_as_nothing() -> None:
    names, kinds = ["account_id", "currency", "charged"], ["VARCHAR", "VARCHAR", "DECIMAL(38,18)"]
    left = Answer("", "", names, kinds, [["a", "BTC", "0.00000001"]])
    right = Answer("", "", names, kinds, [["b", "BTC", "123456789012.12345678"]])
    found = side_by_side.differences(left, right, ("l", "r"), {"BTC": 8})
    assert found.kept == [
        ["b", "BTC", "charged", "0.00000000", "123456789012.12345678", "123456789012.12345678"],
        ["a", "BTC", "charged", "0.00000001", "0.00000000", "-0.00000001"],
    ]
