"""A deficit in the fund's queue and a session's shortfall on its payers, by the rules, from published rows."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow.compute as pc

from lossledger.engine.ids import order_key
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.rows import NegativeBalance
from lossledger.engine.rules.fund import Waterfall
from lossledger.engine.rules.sharing import AccountResult, account_results, bases
from lossledger.readers.explain.account_session import AccountSession
from lossledger.readers.published_rows import Row
from lossledger.schemas.attribution import (
    INSURANCE_FUND_DAILY,
    INSURANCE_FUND_LEDGER,
    NEGATIVE_BALANCES,
    SESSION_LOSSES,
    SOCIALISED_LOSSES,
    TAKEOVERS,
)


class Draw(NamedTuple):
    """A covered deficit in the queue: `place` of `places`, `after`: the fund's movement before it, if any.

    `balance`: opening and all movements before. draw = min(deficit, max(0, balance − floor)) (rules.md section 10);
    `all_or_nothing`: nothing if that is less than the deficit. Amounts in ledger units.
    """

    event: NegativeBalance
    ts: int
    at_session_end: bool
    place: int
    places: int
    after: Row | None
    balance: int
    floor: int
    all_or_nothing: bool

    @property
    def available(self) -> int:
        """What the fund has above its floor, at most the deficit."""
        return min(self.event.deficit, max(0, self.balance - self.floor))

    @property
    def amount(self) -> int:
        return 0 if self.all_or_nothing and self.available < self.event.deficit else self.available


class AccountShare(NamedTuple):
    """An account's part of a currency's shortfall (rules.md section 11), in ledger units.

    `quota`: floor(L × basis / Σ basis) with `rest` / Σ basis left; `left_over` units go to the largest rests, in
    which it is number `rank`. `whole`: L ≥ Σ basis, everybody pays the whole basis.
    """

    shortfall: int
    basis: int
    total: int
    quota: int
    rest: int
    left_over: int
    rank: int

    @property
    def whole(self) -> bool:
        return self.shortfall >= self.total

    @property
    def charge(self) -> int:
        if self.whole:
            return self.basis
        return self.quota + (1 if self.rank <= self.left_over else 0)


@dataclass
class SessionWaterfall:
    """The published losses of a session in one currency, and the account's draws and share in them."""

    session: AccountSession
    currency: str

    def units(self, row: Row, name: str) -> int:
        return e18_to_units(row[name], self.session.scale(self.currency))

    @cached_property
    def entries(self) -> list[Row]:
        """The fund's movements in their order."""
        found = self.session.published(INSURANCE_FUND_LEDGER, pc.field("currency") == self.currency)
        return sorted(found, key=lambda row: row["seq"])

    @cached_property
    def events(self) -> list[Row]:
        """All negative-balance events, of all accounts, in the order of the queue."""
        found = self.session.published(NEGATIVE_BALANCES, pc.field("currency") == self.currency)
        return sorted(found, key=self._order)

    @cached_property
    def _closings(self) -> dict[str, tuple[Any, ...]]:
        """Of events of cause takeover, their place among those of their unit and time: by instrument, fill and lot."""
        losses = self.session.published(
            TAKEOVERS, (pc.field("currency") == self.currency) & pc.field("event_id").is_valid()
        )
        return {row["event_id"]: closing_order(row) for row in losses}

    def _order(self, row: Row) -> tuple[Any, ...]:
        """The place of an event in the queue (rules.md section 10)."""
        unit = (row["ts"], row["account_id"], row["isolation"])
        return (*unit, self._closings.get(row["event_id"], ()))

    @cached_property
    def fund(self) -> Row:
        return self._one(INSURANCE_FUND_DAILY)

    @cached_property
    def totals(self) -> Row:
        return self._one(SESSION_LOSSES)

    def _one(self, table: Any) -> Row:
        (row,) = self.session.published(table, pc.field("currency") == self.currency)
        return row

    @cached_property
    def payers(self) -> list[Row]:
        """Rows of charged accounts, in order of account_id."""
        return self.session.published(SOCIALISED_LOSSES, pc.field("currency") == self.currency)

    @property
    def shortfall(self) -> int:
        """Σ shortfalls of the session's covered events."""
        return sum(self.units(row, "shortfall") for row in self.events if row["protected"])

    def draw(self, event: NegativeBalance) -> Draw:
        """A covered deficit of the account in the queue."""
        end = self.session.inputs.end
        at_end = self.session.policy.at(end - 1).fund_draws == "at_session_end"
        ts = end - 1 if at_end else event.ts
        before = self._entries_before(event, ts)
        after = self.entries[before - 1] if before else None
        moved = sum(self.units(row, "amount") for row in self.entries[:before])
        balance = self.units(self.fund, "opening") + moved
        terms = self.session.policy.at(ts)
        floor_e18 = terms.fund_floor.get(self.currency, 0)
        covered = [self._order(row) for row in self.events if row["protected"]]
        place = bisect_left(covered, self._order(event._asdict())) + 1
        floor = e18_to_units(floor_e18, self.session.scale(self.currency))
        whole = terms.fund_draw_rule == "all_or_nothing"
        return Draw(event, ts, at_end, place, len(covered), after, balance, floor, whole)

    def _entries_before(self, event: NegativeBalance, ts: int) -> int:
        """How many movements come before a draw: all of earlier times, and of its own all but later draws."""
        order = {row["event_id"]: self._order(row) for row in self.events}
        mine = self._order(event._asdict())
        count = 0
        for number, row in enumerate(self.entries, 1):
            earlier = row["kind"] != "draw" or order.get(row["ref"], mine) < mine
            if row["ts"] < ts or (row["ts"] == ts and earlier):
                count = number
        return count

    @cached_property
    def result(self) -> AccountResult:
        """Π, equity and κ of the account from its replayed units; zeros for a house account."""
        account = self.session.account
        found = account_results(self.session.rows.unit_sessions, {account.account_id: account}, self.currency)
        return found.get(account.account_id, AccountResult(0, 0, 0))

    @property
    def method(self) -> str:
        return self.session.policy.at(self.session.inputs.end - 1).sharing

    @cached_property
    def share(self) -> AccountShare:
        """Other accounts' bases are read from their charges: without a charge there is no quota and no remainder."""
        account_id = self.session.account.account_id
        mine = bases(self.method, {account_id: self.result}).get(account_id, 0)
        total, lost = self.units(self.totals, "basis_total"), self.shortfall
        if not total or lost >= total:
            return AccountShare(lost, mine, total, mine, 0, 0, 0)
        shared = {row["account_id"]: self.units(row, "basis") for row in self.payers} | {account_id: mine}
        quotas = {account: divmod(lost * basis, total) for account, basis in shared.items()}
        left_over = lost - sum(quota for quota, _ in quotas.values())
        quota, rest = quotas[account_id]
        rank = 1 + sum((-r, a) < (-rest, account_id) for a, (_, r) in quotas.items())
        return AccountShare(lost, mine, total, quota, rest, left_over, rank)

    @property
    def charge(self) -> int:
        return self.share.charge if self.share.basis and self.share.shortfall else 0


def closing_order(row: Row) -> tuple[Any, ...]:
    """The order of published closings of one unit and time: instrument, fill, lot.

    Simulated lots have no fill, and of them the first opened comes first, then by what they came from.
    """
    fill = row["close_fill_id"]
    opened = row["opened_at"]
    lot = (opened, order_key(row["lot_id"]), "", "") if fill else (opened, "", *_came_from(row))
    return (row["instrument_id"], order_key(fill or ""), lot)


def _came_from(row: Row) -> tuple[str, str]:
    return row["from_account_id"] or "", row["from_isolation"] or ""


def waterfall(losses: Mapping[str, SessionWaterfall], events: Sequence[NegativeBalance]) -> Waterfall:
    """The fund's draws for the account's covered deficits (rules.md section 10)."""
    found = Waterfall()
    for event in events:
        if event.protected:
            found.draws[event.event_id] = losses[event.currency].draw(event).amount
    return found
