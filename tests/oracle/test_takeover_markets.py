"""Drawn markets with takeovers: every branch happens in a few of them, and the money of liquidators is the fund's."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracle.markets import write_market
from tests.oracle.oracle import Oracle
from tests.oracle.takeover_coverage import count_all
from tests.oracle.watched import Watched

SEEDS = range(16)
RECORDED = """recorded closing: gain; recorded closing: loss; recorded closing: nothing; recorded closing by adl;
recorded closing by market; recorded closing at the opening's instant; recorded closing in a later session;
recorded closing isolated; recorded closing of a known origin; recorded closing of an unknown origin;
recorded closing of an inverse contract; closing of a part; closing without a mark; lot without a mark;
fill closes several lots; fill increases a position; fill turns a position; lot with several origins;
lot isolated where it came from; several lots of an instant in one position; settlement of a liquidator;
spread of a fee is more than rounding; spread of a value is more than rounding;
component takeover recorded: left to the fund; component takeover recorded: taken over beyond; component adl;
funding of a liquidator, recorded; fund takeover_funding in; fund takeover_funding out; fund takeover_gain in"""
EVENTS = """loss: the fund pays all; loss: the fund pays a part; loss: the fund pays nothing; loss left by
all_or_nothing; loss beside others of its instant; loss of a class of its own; loss, draws at_event; loss, draws
at_session_end; liquidator left out of an event rule; shortfall of known origin shared along a queue; shortfall of
known origin shared by open interest; shortfall of unknown origin shared along a queue; shortfall of unknown origin
shared by open interest"""
SIMULATED = """taken over: positive, protected; taken over: positive, not protected; taken over: negative, protected;
taken over: negative, not protected; taken over: zero, protected; taken over with a debt; taken over isolated;
taken over late; taken over after steps; taken over in a cool-down; taken over under backstop; split by margins;
split by values; split by name; split with a tie; lot of negative value; lots of several accounts at one instant;
simulated lots with a real liquidator's name; takeover without a mark; backstop without a mark;
simulated closing: gain; simulated closing: loss; simulated closing: nothing; simulated closing by market;
simulated closing at the opening's instant; simulated closing in a later session;
simulated closing of an inverse contract; closing for an account no longer named;
component takeover simulated: left to the fund; component takeover simulated: taken over beyond;
recovered after a step; recovered before anything was closed; waits for the cool-down; step in part;
step of a small position in full; step at the very amount;
step rounded up to a lot; step with a later share; step beyond the last share;
fee capped; fee capped to nothing; margin on the whole is another; margin by quantity is another"""
CHANGED = """simulated closing under recorded; recorded lot open at the end, simulated;
simulated lot open at the end, recorded; simulated lot open at the end, simulated;
recorded lot open at the end, recorded; funding of a liquidator, simulated"""


@functools.cache
def watched(seed: int, execution: str) -> Watched:
    """A market, replayed; nobody may change it."""
    with tempfile.TemporaryDirectory() as folder:
        days = write_market(Path(folder), seed, execution, takeover=True)
        oracle = Watched(Path(folder), *days)
        count_all(oracle)
        return oracle


def all_watched() -> list[Watched]:
    """The pool of markets."""
    return [watched(seed, execution) for seed in SEEDS for execution in ("recorded", "simulated")]


@pytest.mark.parametrize("names", [RECORDED, EVENTS, SIMULATED, CHANGED], ids=lambda names: names[:20])
def test_a_few_markets_reach_every_branch(names: str) -> None:
    seen: Counter[str] = Counter()
    for oracle in all_watched():
        seen += oracle.seen
    assert {name for name in " ".join(names.split()).split("; ") if not seen[name]} == set()


def test_what_a_flat_liquidator_has_is_what_was_transferred() -> None:
    """By average entry values as everybody's, by lots first in, first out: the two agree whenever it is flat."""
    compared = 0
    for oracle in all_watched():
        transferred = defaultdict[tuple[str, str, str], Decimal](Decimal)
        holding = defaultdict(set)
        for row in oracle.tables["positions_daily"]:
            holding[row["business_date"]].add(unit_of(row))
        for row in oracle.tables["account_daily"]:
            if row["account_type"] == "liquidator":
                transferred[unit_of(row)] += Decimal(row["transfers"])
                if unit_of(row) not in holding[row["business_date"]]:
                    assert Decimal(row["closing_wallet"]) == transferred[unit_of(row)]
                    compared += Decimal(row["fund_settlement"]) != 0
    assert compared > 5


def unit_of(row: dict[str, str]) -> tuple[str, str, str]:
    """The unit of a published row."""
    return row["account_id"], row["currency"], row["isolation"]


def test_every_result_is_the_fund_s() -> None:
    """Gains are movements, losses are events, and of both there is nothing else."""
    for oracle in all_watched():
        results = defaultdict[tuple[str, str, bool], Decimal](Decimal)
        for row in oracle.tables["takeovers"]:
            result = Decimal(row["result"])
            results[row["business_date"], row["currency"], result > 0] += abs(result)
        for row in oracle.tables["insurance_fund_daily"]:
            assert Decimal(row["takeover_gains"]) == results[row["business_date"], row["currency"], True]
        for row in oracle.tables["session_losses"]:
            assert Decimal(row["takeover_deficit"]) == results[row["business_date"], row["currency"], False]


def test_nothing_in_them_breaks_what_the_tables_derive() -> None:
    derived = ("account_roll_forward", "fund_roll_forward", "waterfall", "components")
    for oracle in all_watched():
        rows = [row for row in oracle.tables["reconciliation"] if row["rule"] in derived]
        assert rows and {row["break"] for row in rows} == {"0"}


def test_without_the_option_there_is_nothing_of_it(tmp_path: Path) -> None:
    first, last = write_market(tmp_path, 7, "recorded")
    tables = Oracle(tmp_path, first, last, None, None).run()
    assert not tables["takeovers"] and not tables["takeover_inventory"]
    assert {row["fund_settlement"] for row in tables["account_daily"]} == {"0"}
