"""What the properties draw: a market, and what is done to it. Histories of drawn markets are kept."""

from __future__ import annotations

import functools
import os

from hypothesis import settings
from hypothesis import strategies as st

from lossledger.engine.session import Outcome
from tests.properties.delivered import KINDS, delivered
from tests.properties.history import run_history
from tests.properties.ledger import Ledger, read_ledger

# In the suite all properties share one pool of markets, so that each is made and replayed once; those that replay
# every example again (`replays`) try fewer. `make fuzz` draws new markets, and as many for the one as for the other.
FIXED = os.environ.get("HYPOTHESIS_PROFILE", "fixed") == "fixed"
SEEDS = 25 if FIXED else 1 << 32  # of each kind
replays = settings(max_examples=45) if FIXED else settings()

markets = st.tuples(st.sampled_from(KINDS), st.integers(0, SEEDS - 1))
Market = tuple[str, int]


@functools.lru_cache(maxsize=len(KINDS) * 25)
def ledger_of(market: Market) -> Ledger:
    """The market's accepted rows; nobody may change them."""
    return read_ledger(delivered(*market))


@functools.lru_cache(maxsize=len(KINDS) * 25)
def history_of(market: Market) -> list[Outcome]:
    """The market's history in one go, everybody in one partition."""
    return run_history(ledger_of(market))


@functools.lru_cache(maxsize=len(KINDS) * 25)
def history_of_good(market: Market) -> list[Outcome]:
    """The same without the rows that were broken on purpose: a broken instrument may count, if it comes first."""
    return run_history(read_ledger(delivered(*market).good()))
