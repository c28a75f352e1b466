"""The recorded replay as a user would compile it: wallets, positions, PnL, fees, funding, resets below zero.

It does: cross and isolated units, linear, inverse and quanto contracts, exact integers rounded half to even, by
sections 2, 5 and 9 of the rules, for a day that begins with nothing. It does not: margin, the search for
triggers, episodes, causes, ADL losses, the fund, sharing, surplus, opening balances, changes of tick sizes or of
an account within the day. A product that does not fit into 64 bits stops it.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
TRANSFER, FILL = 0, 1
TRANSFERS, REALISED, FEES, FUNDING, RESET, WALLET, UNREALISED = range(7)
FIGURES = ("transfers", "realised_pnl", "fees", "funding", "negative_balance_reset", "closing_wallet",
           "unrealised_pnl")  # fmt: skip
LARGEST = np.int64(2**63 - 1)


class Terms(NamedTuple):
    """By number of instrument; V = lots × ticks × num / den, inverse lots × num / (ticks × den).

    Funding in order of (time, instrument): rates in 10^-8, prices and marks in ticks, marks at the end of the day.
    """

    inverse: Ints
    num: Ints
    den: Ints
    mark: Ints
    funding_ts: Ints
    funding_instrument: Ints
    funding_rate: Ints
    funding_price: Ints


@numba.njit(cache=True)
def times(a, b):
    """The product, or nothing at all."""
    if b != 0 and abs(a) > LARGEST // abs(b):
        raise OverflowError("a product does not fit into 64 bits")
    return a * b


@numba.njit(cache=True)
def half_even(a, b):
    """a / b rounded half to even, b > 0."""
    quotient, rest = a // b, a % b
    return quotient + (rest > b - rest or (rest == b - rest and quotient % 2 == 1))


@numba.njit(cache=True)
def share(amount, part, whole):
    """amount × part / whole rounded half to even, for 0 <= part <= whole."""
    quotient, rest = amount // whole, amount % whole
    return times(quotient, part) + half_even_of_sum(times(rest, part), whole, times(quotient, part))


@numba.njit(cache=True)
def half_even_of_sum(a, b, added):
    """a / b rounded so that its sum with a whole number is even at a half."""
    quotient, rest = a // b, a % b
    return quotient + (rest > b - rest or (rest == b - rest and (quotient + added) % 2 == 1))


@numba.njit(cache=True)
def value(terms, instrument, lots, ticks):
    """V of section 2 in ledger units."""
    if terms.inverse[instrument]:
        return half_even(times(lots, terms.num[instrument]), times(ticks, terms.den[instrument]))
    return half_even(times(times(lots, ticks), terms.num[instrument]), terms.den[instrument])


@numba.njit(cache=True, nogil=True)
def replay(terms, unit, ts, kind, instrument, lots, ticks, amount, protected):
    """Figures by unit, and positions; events are sorted by unit, time, class and id, `protected` is by event."""
    count = 0
    for row in range(len(unit)):
        count += row == 0 or unit[row] != unit[row - 1]
    units, figures = np.zeros(count, np.int64), np.zeros((count, 7), np.int64)
    held = np.zeros((count, len(terms.mark)), np.int64)
    entry = np.zeros((count, len(terms.mark)), np.int64)
    at = -1
    debt = paid = 0
    traded = False
    for row in range(len(unit)):
        if row == 0 or unit[row] != unit[row - 1]:
            if at >= 0:
                fund(terms, figures[at], held[at], paid, LARGEST)
            at += 1
            debt = paid = 0
            units[at] = unit[row]
        paid = fund(terms, figures[at], held[at], paid, ts[row])
        if row == 0 or unit[row] != unit[row - 1] or ts[row] != ts[row - 1]:
            traded = False
        if kind[row] == TRANSFER:
            figures[at, TRANSFERS] += amount[row]
            figures[at, WALLET] += amount[row]
        else:
            traded = True
            fill(terms, figures[at], held[at], entry[at], instrument[row], lots[row], ticks[row])
            figures[at, FEES] += amount[row]
            figures[at, WALLET] -= amount[row]
        last = row + 1 == len(unit) or unit[row + 1] != unit[row] or ts[row + 1] != ts[row]
        may_be_flat = kind[row] == TRANSFER or held[at, instrument[row]] == 0
        if last and may_be_flat and not held[at].any():
            deficit = max(0, -figures[at, WALLET]) - debt
            if deficit > 0 and traded and protected[row]:
                figures[at, RESET] += deficit
                figures[at, WALLET] += deficit
            else:
                debt += deficit
    if at >= 0:
        fund(terms, figures[at], held[at], paid, LARGEST)
    unrealised(terms, figures, held, entry)
    return units, figures, held, entry


@numba.njit(cache=True)
def unrealised(terms, figures, held, entry):
    """At the last marks; a position without a mark counts 0."""
    for u in range(len(held)):
        for i in range(len(terms.mark)):
            if held[u, i] and terms.mark[i]:
                side = 1 if (held[u, i] > 0) != terms.inverse[i] else -1
                figures[u, UNREALISED] += side * (
                    value(terms, i, abs(held[u, i]), terms.mark[i]) - entry[u, i]
                )


@numba.njit(cache=True)
def fund(terms, figures, held, paid, until):
    """Funding before `until`, from the event `paid` on; what comes next."""
    while paid < len(terms.funding_ts) and terms.funding_ts[paid] < until:
        i = terms.funding_instrument[paid]
        if held[i]:
            worth = value(terms, i, abs(held[i]), terms.funding_price[paid])
            flow = half_even(times(worth, terms.funding_rate[paid]), 10**8)
            received = -flow if held[i] > 0 else flow
            figures[FUNDING] += received
            figures[WALLET] += received
        paid += 1
    return paid


@numba.njit(cache=True)
def fill(terms, figures, held, entry, i, lots, ticks):
    """Signed lots at a price: what it closes is realised, what is left opens."""
    size = abs(lots)
    worth = value(terms, i, size, ticks)
    if held[i] and (held[i] > 0) != (lots > 0):
        closed, before = min(size, abs(held[i])), abs(held[i])
        closed_worth = worth if closed == size else share(worth, closed, size)
        out = entry[i] if closed == before else share(entry[i], closed, before)
        gain = closed_worth - out if (held[i] > 0) != terms.inverse[i] else out - closed_worth
        figures[REALISED] += gain
        figures[WALLET] += gain
        entry[i] -= out
        held[i] += closed if lots > 0 else -closed
        size, worth = size - closed, worth - closed_worth
    held[i] += size if lots > 0 else -size
    entry[i] += worth
