"""The same shortfalls shared under other rules, for comparison; nothing is booked (rules.md section 14).

A rule is one pure function from a `SharedLoss` to a `Split`, registered in RULES.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from lossledger.engine.errors import InvariantError
from lossledger.engine.numbers import E18, round_half_even_div
from lossledger.engine.rows import NegativeBalance, Snapshot
from lossledger.engine.rules.sharing import AccountResult, bases, charge, largest_remainder


def own_account(event: NegativeBalance) -> str | None:
    """Who is no counterparty of an event: its account, or the one that a lot was taken from, None when unknown."""
    return event.from_account_id if event.cause == "takeover" else event.account_id


@dataclass(frozen=True)
class Shortfall:
    """What the fund could not pay of one event, and all units but liquidators' after all events of its instant."""

    event: NegativeBalance
    amount: int
    state: Sequence[Snapshot]

    def liquidated(self) -> dict[str, tuple[int, int]]:
        """Per instrument: signed quantity_e18 and value of the episode's liquidation fills."""
        closed: dict[str, list[str]] = json.loads(self.event.liquidated)
        return {i: (int(q), int(v)) for i, (q, v) in sorted(closed.items())}

    def counterparties(self, instrument_id: str) -> list[Snapshot]:
        """Marked positions of all other accounts in an instrument, house accounts included."""
        return [
            s
            for s in self.state
            if s.instrument_id == instrument_id
            and s.account_id != own_account(self.event)
            and s.mark_e18 is not None
        ]


@dataclass(frozen=True)
class SharedLoss:
    """A session's shortfalls in one currency, and what accounts earned and hold."""

    shortfalls: Sequence[Shortfall]
    results: Mapping[str, AccountResult]
    profit_floor_rate_e18: int

    @property
    def total(self) -> int:
        return sum(s.amount for s in self.shortfalls)


@dataclass
class Split:
    """Charges by account; charged + uncovered = shortfall + to_fund."""

    charges: dict[str, int] = field(default_factory=dict)
    to_fund: int = 0
    uncovered: int = 0


def _by_basis(method: str) -> Callable[[SharedLoss], Split]:
    def rule(loss: SharedLoss) -> Split:
        basis = bases(method, loss.results)
        return Split(charge(loss.total, basis), 0, max(0, loss.total - sum(basis.values())))

    return rule


def _session_profit_floor(loss: SharedLoss) -> Split:
    """At least a fixed share of all profits is charged; what that is more than the loss goes to the fund."""
    basis = bases("session_profit_prorata", loss.results)
    whole = sum(basis.values())
    floor = round_half_even_div(whole * loss.profit_floor_rate_e18, E18)
    taken = min(whole, max(loss.total, floor))
    return Split(charge(taken, basis), max(0, taken - loss.total), max(0, loss.total - taken))


def _open_interest_prorata(loss: SharedLoss) -> Split:
    """Everybody who holds the liquidated instruments, on either side, in proportion to value."""
    split = Split(defaultdict(int))
    for shortfall in loss.shortfalls:
        weights: defaultdict[tuple[str, str], int] = defaultdict(int)
        for instrument_id in shortfall.liquidated():
            for held in shortfall.counterparties(instrument_id):
                weights[held.account_id, held.isolation] += held.value
        if not sum(weights.values()):
            split.uncovered += shortfall.amount
            continue
        for (account_id, _), share in largest_remainder(shortfall.amount, sorted(weights.items())).items():
            split.charges[account_id] += share
    return split


def _adl_queue(loss: SharedLoss) -> Split:
    """The best ranked winners on the other side take over what was liquidated, one after the other."""
    split = Split(defaultdict(int))
    for shortfall in loss.shortfalls:
        liquidated = shortfall.liquidated()
        values = [(i, value) for i, (_, value) in liquidated.items()]
        if not sum(value for _, value in values):
            split.uncovered += shortfall.amount
            continue
        for instrument_id, part in largest_remainder(shortfall.amount, values).items():
            _queue(split, shortfall, instrument_id, liquidated[instrument_id][0], part)
    return split


def _queue(split: Split, shortfall: Shortfall, instrument_id: str, net_quantity_e18: int, part: int) -> None:
    left = abs(net_quantity_e18)
    weights: list[tuple[tuple[str, str] | None, int]] = []
    for held in sorted(_candidates(shortfall, instrument_id, net_quantity_e18), key=_rank):
        taken = min(abs(held.quantity_e18), left)
        if not taken:
            break
        weights.append(((held.account_id, held.isolation), taken))
        left -= taken
    weights = [*sorted(weights, key=lambda w: w[0] or ("", "")), (None, left)]  # nobody: last, loses ties
    if not net_quantity_e18:
        split.uncovered += part
        return
    for payer, share in largest_remainder(part, weights).items():
        if payer is None:
            split.uncovered += share
        else:
            split.charges[payer[0]] += share


def _candidates(shortfall: Shortfall, instrument_id: str, net_quantity_e18: int) -> list[Snapshot]:
    """Holders of the side opposite to the liquidated position (net bought: long) with a profit on it."""
    return [
        held
        for held in shortfall.counterparties(instrument_id)
        if held.quantity_e18 * net_quantity_e18 > 0
        and held.unrealised > 0
        and held.entry_value > 0
        and held.equity > 0
    ]


def _rank(held: Snapshot) -> tuple[Fraction, str, str]:
    """Profit ratio times leverage, highest first; ties to the smaller (account_id, isolation)."""
    score = Fraction(held.unrealised, held.entry_value) * Fraction(held.value, held.equity)
    return (-score, held.account_id, held.isolation)


BY_EVENT = ("open_interest_prorata", "adl_queue")  # these look at all units at the time of each event
RULES: dict[str, Callable[[SharedLoss], Split]] = {
    "session_profit_prorata": _by_basis("session_profit_prorata"),
    "equity_prorata": _by_basis("equity_prorata"),
    "session_profit_floor": _session_profit_floor,
    "open_interest_prorata": _open_interest_prorata,
    "adl_queue": _adl_queue,
}


def compare_rules(loss: SharedLoss, names: Collection[str]) -> dict[str, Split]:
    """The split of the same loss under each of the named rules, checked to leave nothing over."""
    splits = {name: rule(loss) for name, rule in RULES.items() if name in names}
    for name, split in splits.items():
        charged = sum(split.charges.values())
        if charged + split.uncovered != loss.total + split.to_fund:
            raise InvariantError(f"the shares of the rule {name} do not add up to the shortfall")
    return splits
