"""What must be true of every history: one function a property, an AssertionError where it is not."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from lossledger.engine.events import UnitKey
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.session import Outcome
from tests.properties.ledger import Ledger

History = list[Outcome]


def components_add_up(history: History) -> None:
    """Of each ended episode, also one that recovered: Σ components = −terminal equity."""
    for outcome in history:
        sums: defaultdict[str, int] = defaultdict(int)
        for component in outcome.rows.components:
            sums[component.episode_id] += component.amount
        for episode in outcome.rows.episodes:
            assert sums.pop(episode.episode_id, 0) == -episode.terminal_equity, episode
        assert not sums, "components of an episode that has not ended"


def losses_are_shared_exactly(ledger: Ledger, history: History) -> None:
    """Per session and currency: Σ charges + uncovered = L, every charge at most its basis and what is there."""
    for outcome in history:
        shortfall, charged = defaultdict[str, int](int), defaultdict[str, int](int)
        for event in outcome.tables["negative_balances"]:
            assert event["fund_draw"] + event["shortfall"] == (event["deficit"] if event["protected"] else 0)
            shortfall[event["currency"]] += event["shortfall"]
        for payer in outcome.tables["socialised_losses"]:
            assert 0 < payer["charge"] <= payer["basis"]
            assert ledger.accounts[payer["account_id"]].is_client
            charged[payer["currency"]] += payer["charge"]
        for total in outcome.tables["session_losses"]:
            loss = shortfall[total["currency"]]
            assert total["shortfall"] == loss
            assert total["socialised"] == charged[total["currency"]]
            assert total["socialised"] + total["uncovered"] == loss
            assert total["uncovered"] == max(0, loss - total["basis_total"])
        _charges_are_there(outcome)


def _charges_are_there(outcome: Outcome) -> None:
    """Booked by unit, the charges are those published, and no unit gives more than its equity."""
    scales, booked = outcome.session.scales, defaultdict[tuple[str, str], int](int)
    equity = {
        UnitKey(u.account_id, u.currency, u.isolation): u.closing_wallet + u.closing_unrealised
        for u in outcome.rows.unit_sessions
    }
    for key, part in outcome.charges.items():
        assert 0 < part <= equity[key]
        booked[key.account_id, key.currency] += part
    assert booked == {
        (row["account_id"], row["currency"]): e18_to_units(row["charge"], scales[row["currency"]])
        for row in outcome.tables["socialised_losses"]
    }


def charges_arrive(history: History) -> None:
    """What is charged at the end of a session is what the next one books, unit by unit; wallets join up."""
    for before, after in pairwise(history):
        units = {UnitKey(u.account_id, u.currency, u.isolation): u for u in after.rows.unit_sessions}
        booked = {key: u.socialised_charge for key, u in units.items() if u.socialised_charge}
        assert booked == before.charges
        closed = {UnitKey(u.account_id, u.currency, u.isolation): u for u in before.rows.unit_sessions}
        for key, u in units.items():
            opening = closed.get(key)
            assert u.opening_wallet == (opening.closing_wallet if opening else 0)
            assert u.opening_debt == (opening.closing_debt if opening else 0)


def fund_keeps_its_floor(ledger: Ledger, history: History) -> None:
    """No draw takes the fund below its floor, and none leaves a shortfall while there is more than the floor."""
    for outcome in history:
        short = {e["event_id"]: e["shortfall"] for e in outcome.tables["negative_balances"]}
        for entry in outcome.tables["insurance_fund_ledger"]:
            if entry["kind"] != "draw":
                continue
            floor = ledger.policy.at(entry["ts"]).fund_floor.get(entry["currency"], 0)
            assert entry["amount"] < 0
            assert entry["balance"] >= floor
            assert entry["balance"] == floor or not short[entry["ref"]]


def flat_units_owe_what_protection_leaves(ledger: Ledger, history: History) -> None:
    """A flat client unit is below zero by its debt exactly; with protection at all times that debt is transfers.

    Debt changes only while flat, so at the end of a session: flat → max(0, −W) = closing debt, and the
    session's new debt is the sum of its events that are not covered. Trading is a cause only with a trade.
    """
    trades = {(key, fill.ts) for key, fill in ledger.fills}
    for outcome in history:
        owed = defaultdict[tuple[str, str, str], int](int)
        for event in outcome.rows.negative_balances:
            if event.cause == "takeover":  # of a liquidator, whom the fund covers whatever the account says
                assert event.protected
                continue
            account = ledger.accounts[event.account_id]
            assert account.is_client
            assert event.protected == (account.at(event.ts).protected and event.cause != "transfer")
            unit = UnitKey(event.account_id, event.currency, event.isolation)
            assert event.cause != "trading" or (unit, event.ts) in trades
            if not event.protected:
                owed[unit] += event.deficit
        holding = {(p.account_id, p.currency, p.isolation) for p in outcome.rows.unit_positions}
        for u in outcome.rows.unit_sessions:
            assert u.new_debt == owed[u[:3]]
            if u[:3] not in holding and ledger.accounts[u.account_id].is_client:
                assert max(0, -u.closing_wallet) == u.closing_debt
