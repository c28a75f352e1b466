"""Who pays what the fund could not: bases, largest remainder, charges (rules.md section 11)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from lossledger.engine.errors import InvariantError
from lossledger.engine.events import Account, UnitKey
from lossledger.engine.rows import UnitSession

K = TypeVar("K")


def largest_remainder(total: int, weights: Sequence[tuple[K, int]]) -> dict[K, int]:
    """Split `total` ≥ 0 ledger units in proportion to weights ≥ 0, Σ weights > 0; the shares sum to `total`.

    Each gets the floor of its share; left-over units go one each to the largest fractional parts, ties to
    the earlier in `weights` (callers sort by id).
    """
    whole = sum(weight for _, weight in weights)
    shares: dict[K, int] = {}
    rests: list[tuple[int, int]] = []
    for index, (key, weight) in enumerate(weights):
        shares[key], rest = divmod(total * weight, whole)
        rests.append((-rest, index))
    left_over = total - sum(shares.values())
    for _, index in sorted(rests)[:left_over]:
        shares[weights[index][0]] += 1
    return shares


def charge(total: int, bases: Mapping[str, int]) -> dict[str, int]:
    """Charges by account: everybody its whole basis when that is not enough, else by largest remainder."""
    if total >= sum(bases.values()):
        return dict(bases)
    return largest_remainder(total, sorted(bases.items()))


class AccountResult(NamedTuple):
    """An account's session in one currency: its profit Π and what is there to be charged, κ."""

    profit: int
    equity: int
    chargeable: int


def account_results(
    units: Iterable[UnitSession], accounts: Mapping[str, Account], currency: str
) -> dict[str, AccountResult]:
    """Π, equity and κ per client account (house accounts and liquidators never pay).

    Π = Σ over units of realised − fees + funding + uPnL just before E − uPnL just before S;
    κ = Σ over units of max(0, equity just before E).
    """
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for unit in units:
        if unit.currency != currency or not accounts[unit.account_id].is_client:
            continue
        equity = unit.closing_wallet + unit.closing_unrealised
        total = sums[unit.account_id]
        total[0] += unit.realised_pnl - unit.fees + unit.funding
        total[0] += unit.closing_unrealised - unit.opening_unrealised
        total[1] += equity
        total[2] += max(0, equity)
    return {account_id: AccountResult(*total) for account_id, total in sums.items()}


def chargeable_amounts(units: Iterable[UnitSession], currency: str) -> dict[str, int]:
    """κ of every account, of any type: Σ over its units of max(0, equity just before E)."""
    sums: defaultdict[str, int] = defaultdict(int)
    for unit in units:
        if unit.currency == currency:
            sums[unit.account_id] += max(0, unit.closing_wallet + unit.closing_unrealised)
    return sums


def bases(method: str, results: Mapping[str, AccountResult]) -> dict[str, int]:
    """Payers and their basis under a method, only those with a basis > 0; none under `none`."""
    if method == "session_profit_prorata":
        amounts = {a: min(max(0, r.profit), r.chargeable) for a, r in results.items()}
    elif method == "equity_prorata":
        amounts = {a: max(0, r.equity) for a, r in results.items()}  # never more than κ
    else:
        amounts = {}
    return {account_id: amount for account_id, amount in sorted(amounts.items()) if amount > 0}


def unit_charges(
    charges: Mapping[str, int], units: Iterable[UnitSession], currency: str
) -> dict[UnitKey, int]:
    """Each account's charge on its units in order of isolation, each giving at most max(0, its equity)."""
    by_account: defaultdict[str, list[UnitSession]] = defaultdict(list)
    for unit in units:
        if unit.currency == currency and unit.account_id in charges:
            by_account[unit.account_id].append(unit)
    result: dict[UnitKey, int] = {}
    for account_id, amount in charges.items():
        left = amount
        for unit in sorted(by_account[account_id], key=lambda u: u.isolation):
            part = min(left, max(0, unit.closing_wallet + unit.closing_unrealised))
            if part:
                result[UnitKey(account_id, currency, unit.isolation)] = part
                left -= part
        if left:
            raise InvariantError(f"the charge of {account_id} in {currency} exceeds what its units hold")
    return result
