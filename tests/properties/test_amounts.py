"""Amounts: every loss has its causes and its payers, to the ledger unit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.rules.fund import ExternalMovement
from lossledger.engine.session import BEGINNING, Carried
from tests.properties import checks, published
from tests.properties.examples import Market, history_of, ledger_of, markets, replays
from tests.properties.history import replay_part, run_day
from tests.properties.ledger import Ledger


@given(markets)
def test_the_causes_of_an_episode_add_up_to_its_end(market: Market) -> None:
    checks.components_add_up(history_of(market))


@given(markets)
def test_a_loss_is_charged_to_the_last_unit_and_nobody_beyond_what_is_there(market: Market) -> None:
    checks.losses_are_shared_exactly(ledger_of(market), history_of(market))
    checks.charges_arrive(history_of(market))


@given(markets)
def test_draws_at_the_end_of_a_session_pay_all_that_the_fund_can(market: Market) -> None:
    for outcome in history_of(market):
        published.draws_at_the_end_are_all_that_the_fund_can_pay(outcome)


@given(markets)
def test_published_tables_agree_with_each_other(market: Market) -> None:
    for outcome in history_of(market):
        published.episodes_start_with_their_positions(outcome)
        published.protection_adds_up(outcome)
        published.bases_can_be_computed_from_the_tables(outcome)
        published.lots_are_the_funds(outcome)


@given(markets)
def test_no_draw_takes_the_fund_below_its_floor(market: Market) -> None:
    checks.fund_keeps_its_floor(ledger_of(market), history_of(market))


@replays
@given(markets, st.lists(st.integers(0, 10**6), max_size=5))
def test_a_flat_unit_is_below_zero_by_its_uncovered_debts_alone(market: Market, places: list[int]) -> None:
    ledger = ledger_of(market)
    checks.flat_units_owe_what_protection_leaves(ledger, history_of(market))
    times = ledger.times()
    flat_wallets_at(ledger, [times[place % len(times)] for place in places])


def flat_wallets_at(ledger: Ledger, instants: list[int]) -> None:
    """At any instant of the first session: a flat unit whose account is always protected owes transfers only."""
    _, end = ledger.policy.session_bounds(ledger.first)
    rows, _ = replay_part(ledger, Carried(), BEGINNING, end, instants=instants)
    for s in rows.snapshots:
        account = ledger.accounts[s.account_id]
        if (
            s.instrument_id is not None
            or not account.is_client
            or not all(v.protected for v in account.versions.values())
        ):
            continue
        transfers = sum(
            n.deficit
            for n in rows.negative_balances
            if n[2:5] == s[1:4] and n.cause == "transfer" and n.ts <= s.ts
        )
        assert s.wallet >= -transfers


@replays
@given(markets, st.integers(1, 10**12))
def test_more_in_the_fund_means_no_larger_shortfall_of_any_event(market: Market, extra: int) -> None:
    """On the first date, `extra` more ledger units from the beginning: no event falls shorter, no balance is
    lower, and the fund pays at most `extra` more. (Later dates start from other charges.) Not where a deficit is
    paid whole or not at all: one that is paid now may leave too little for the next."""
    ledger = ledger_of(market)
    if any(terms.fund_draw_rule == "all_or_nothing" for _, terms in ledger.policy.items()):
        return
    poor = history_of(market)[0]
    first = min([m.ts for m in ledger.movements], default=poor.session.end) - 10**9
    gifts = [ExternalMovement(first, "0", c, "opening", extra) for c in ledger.scales]
    rich = run_day(replace(ledger, movements=gifts + ledger.movements), ledger.first, None)
    less, more = poor.session.waterfall.draws, rich.session.waterfall.draws
    assert less.keys() == more.keys()
    assert all(less[event] <= more[event] for event in less)
    for currency in ledger.scales:
        events = [n.event_id for n in poor.rows.negative_balances if n.protected and n.currency == currency]
        assert sum(more[e] - less[e] for e in events) <= extra
        for ts in sorted({e.ts for e in rich.session.waterfall.entries if e.currency == currency}):
            lower = poor.session.waterfall.balance_at(currency, ts, 0)
            assert lower <= rich.session.waterfall.balance_at(currency, ts, 0) <= lower + extra
