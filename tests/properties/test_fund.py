"""The fund in columns, some steps at a time, is engine.rules.fund to the last unit, however large the amounts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lossledger.engine.intake.policy import Policy, Terms
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.rows import FundMovement, NegativeBalance
from lossledger.engine.rules.fund import ExternalMovement, FundDay, FundEntry, run_waterfall
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.fund import run_fund
from lossledger.schemas.attribution import INSURANCE_FUND_DAILY, INSURANCE_FUND_LEDGER
from lossledger.schemas.ledger import FUND_MOVEMENTS, NEGATIVE_BALANCES
from lossledger.store.arrow import to_rows, tuples_to_arrow
from lossledger.store.staging import Staging

DAY, END = date(2025, 10, 10), 100
SCALES = {"BTC": 8, "USD": 2}
TIMES = st.integers(0, END - 1)
CURRENCIES = st.sampled_from(sorted(SCALES))
SIZES = st.sampled_from([3, 1000, 2**53, 2**62 - 1, 2**63 - 1, 10**20])
AMOUNTS = SIZES.flatmap(lambda size: st.integers(0, size))
SIGNED = st.builds(lambda amount, sign: amount * sign, AMOUNTS, st.sampled_from([1, 1, -1]))
ACCOUNTS = st.sampled_from("abc")


class InPieces(Books):
    """Hands out three steps at a time."""

    def stream(self, query: str, *parameters: Any) -> Iterator[pa.RecordBatch]:
        for batch in super().stream(query, *parameters):
            for start in range(0, batch.num_rows, 3):
                yield batch.slice(start, 3)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Floors that change in mid-session."""
    when = draw(st.sampled_from(["at_event", "at_session_end"]))
    versions = []
    for start in draw(st.lists(TIMES, max_size=3, unique=True)):
        floor = {currency: draw(st.integers(0, 50)) * 10**16 for currency in SCALES}
        versions.append((start, Terms(fund_floor=floor, fund_draws=when)))
    return Policy(sorted(versions, key=lambda version: version[0]))


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, Any]:
    many = st.integers(0, 8)
    external = [
        ExternalMovement(draw(TIMES), f"m{n}", draw(CURRENCIES), "contribution", draw(SIGNED))
        for n in range(draw(many))
    ]
    movements = [
        FundMovement(
            draw(TIMES),
            draw(st.sampled_from(["liquidation_fee", "surplus"])),
            draw(ACCOUNTS),
            draw(CURRENCIES),
            "",
            "P",
            f"f{n}",
            draw(SIGNED),
            f"ref{n}",
        )
        for n in range(draw(many))
    ]
    deficits = [
        NegativeBalance(
            f"e{n}",
            draw(TIMES),
            f"account{n}",
            draw(CURRENCIES),
            "",
            "retail",
            "liquidation",
            None,
            draw(st.booleans()),
            0,
            draw(AMOUNTS),
            "{}",
        )
        for n in range(draw(many))
    ]
    return {"external": external, "movements": movements, "deficits": deficits}


OPENINGS = st.one_of(st.none(), st.fixed_dictionaries(dict.fromkeys(SCALES, SIGNED)))
ASKED = st.lists(st.tuples(CURRENCIES, TIMES), max_size=4, unique=True)


@settings(max_examples=60, deadline=None)
@given(policies(), sessions(), OPENINGS, ASKED)
def test_the_fund_in_columns_is_the_rule(
    policy: Policy,
    session: dict[str, Any],
    openings: dict[str, int] | None,
    asked: list[tuple[str, int]],
) -> None:
    expected = run_waterfall(SCALES, openings, **session, policy=policy, end=END)
    with tempfile.TemporaryDirectory() as folder:
        day: Any = SimpleNamespace(policy=policy, end=END, day=DAY, staging=Staging(Path(folder), DAY))
        with InPieces(day.staging, SCALES, size=0) as books:
            for table, rows in ((FUND_MOVEMENTS, "movements"), (NEGATIVE_BALANCES, "deficits")):
                names = (FundMovement if rows == "movements" else NegativeBalance)._fields
                data = tuples_to_arrow(table, names, session[rows], business_date=DAY)
                books.add(table.name, data)
            found = run_fund(day, books, openings, session["external"], asked)
            draws = dict(books.rows("select event_id, draw from draws"))
        entries, days = (day.staging.read(t) for t in (INSURANCE_FUND_LEDGER, INSURANCE_FUND_DAILY))
    assert found.days == expected.days
    assert draws == expected.draws
    assert [in_units(row) for row in to_rows(INSURANCE_FUND_LEDGER, entries, FundEntry._fields)] == (
        expected.entries
    )
    assert [row[0] for row in to_rows(INSURANCE_FUND_DAILY, days, FundDay._fields)] == sorted(SCALES)
    opened = openings or {}
    assert found.told == {
        (currency, ts): expected.balance_at(currency, ts, opened.get(currency, 0)) for currency, ts in asked
    }


def in_units(row: tuple[Any, ...]) -> FundEntry:
    entry = FundEntry(*row)
    scale = SCALES[entry.currency]
    return entry._replace(
        amount=e18_to_units(entry.amount, scale), balance=e18_to_units(entry.balance, scale)
    )
