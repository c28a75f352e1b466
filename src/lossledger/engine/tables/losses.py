"""Losses: what was below zero, what the fund paid, who was charged (rules.md sections 9 to 11)."""

from collections import defaultdict
from typing import NamedTuple

from lossledger.engine.events import UnitKey
from lossledger.engine.replayed import Replayed, Row
from lossledger.engine.rows import NegativeBalance
from lossledger.engine.rules.reconcile import Losses
from lossledger.engine.rules.sharing import account_results, bases, charge, chargeable_amounts, unit_charges


class Shared(NamedTuple):
    """What sharing the session's losses comes to: rows of its two tables, and in ledger units what units are charged
    at the end, and a currency's waterfall."""

    totals: list[Row]
    payers: list[Row]
    charges: dict[UnitKey, int]
    losses: dict[str, Losses]


def share(session: Replayed) -> Shared:
    """session_losses and socialised_losses: the session's shortfalls on its payers, per currency."""
    result = Shared([], [], {}, {})
    terms = session.terms
    adl: defaultdict[str, int] = defaultdict(int)
    for loss in session.rows.adl_losses:
        adl[loss.currency] += loss.amount
    for currency in session.scales:
        covered = [n for n in session.rows.negative_balances if n.protected and n.currency == currency]
        unprotected = sum(
            n.deficit for n in session.rows.negative_balances if not n.protected and n.currency == currency
        )
        deficit = sum(n.deficit for n in covered)
        of_takeover = sum(n.deficit for n in covered if n.cause == "takeover")
        shortfall = sum(session.shortfall(n.event_id, n.deficit) for n in covered)
        basis = bases(terms.sharing, account_results(session.rows.unit_sessions, session.accounts, currency))
        charges = {a: c for a, c in charge(shortfall, basis).items() if c > 0} if basis else {}
        socialised = sum(charges.values())
        result.charges.update(unit_charges(charges, session.rows.unit_sessions, currency))
        result.losses[currency] = Losses(deficit, deficit - shortfall, socialised, shortfall - socialised)
        amounts = {
            "unprotected_deficit": unprotected,
            "deficit": deficit,
            "takeover_deficit": of_takeover,
            "fund_draw": deficit - shortfall,
            "shortfall": shortfall,
            "socialised": socialised,
            "uncovered": shortfall - socialised,
            "basis_total": sum(basis.values()),
            "adl_loss": adl[currency],
        }
        money = {name: session.money(currency, amount) for name, amount in amounts.items()}
        result.totals.append({"currency": currency, "method": terms.sharing, "payers": len(charges), **money})
        result.payers.extend(
            {
                "account_id": account_id,
                "currency": currency,
                "client_class": session.account(account_id)["client_class"],
                "method": terms.sharing,
                "basis": session.money(currency, basis[account_id]),
                "charge": session.money(currency, amount),
            }
            for account_id, amount in charges.items()
        )
    return result


def negative_balances(session: Replayed) -> list[Row]:
    rows = []
    for n in session.rows.negative_balances:
        draw = session.waterfall.draws[n.event_id] if n.protected else 0
        shortfall = n.deficit - draw if n.protected else 0
        row = session.row(n)
        row |= {
            "fund_draw": session.money(n.currency, draw),
            "shortfall": session.money(n.currency, shortfall),
        }
        for name in ("liquidated", "from_account_id", "place"):
            del row[name]
        rows.append(row)
    return rows


def protection(session: Replayed) -> list[Row]:
    """Covered deficits per account, beside what all its units hold at the end; losses of lots are no account's."""
    events: defaultdict[tuple[str, str], list[NegativeBalance]] = defaultdict(list)
    for n in session.rows.negative_balances:
        if n.protected and n.cause != "takeover":
            events[n.account_id, n.currency].append(n)
    equity = {c: chargeable_amounts(session.rows.unit_sessions, c) for c in session.scales}
    rows = []
    for (account_id, currency), mine in sorted(events.items()):
        deficit = sum(n.deficit for n in mine)
        shortfall = sum(session.shortfall(n.event_id, n.deficit) for n in mine)
        account_equity = equity[currency].get(account_id, 0)
        amounts = {
            "deficit": deficit,
            "fund_draw": deficit - shortfall,
            "shortfall": shortfall,
            "account_equity": account_equity,
            "within_account_equity": min(deficit, account_equity),
        }
        row = {"account_id": account_id, "currency": currency, "events": len(mine)}
        row |= {name: session.money(currency, amount) for name, amount in amounts.items()}
        rows.append(row | {"client_class": session.account(account_id)["client_class"]})
    return rows


def fund(session: Replayed) -> tuple[list[Row], list[Row]]:
    return [session.row(e) for e in session.waterfall.entries], [
        session.row(d) for d in session.waterfall.days
    ]
