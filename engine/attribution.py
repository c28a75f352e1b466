"""From a replayed session to the published tables (outputs.md): the fund, the sharing, the daily rows.

Rows are dictionaries with the columns of `schemas.attribution`; decimals are integers of 10^-18.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.events import Account, UnitKey
from engine.intake.policy import Policy, Terms
from engine.numbers import units_to_e18
from engine.rows import NegativeBalance, SessionRows
from engine.rules.fund import Waterfall
from engine.rules.reconcile import Check, Losses
from engine.rules.sharing import (
    account_results,
    bases,
    charge,
    chargeable_amounts,
    unit_charges,
)

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass
class Session:
    """What the attribution of a date is computed from: [start, end) and all that was replayed in it."""

    day: date
    start: int
    end: int
    policy: Policy
    scales: Mapping[str, int]
    accounts: Mapping[str, Account]
    rows: SessionRows
    waterfall: Waterfall
    charges: dict[UnitKey, int] = field(default_factory=dict)
    losses: dict[str, Losses] = field(default_factory=dict)

    def money(self, currency: str, amount: int) -> int:
        return units_to_e18(amount, self.scales[currency])

    def money_row(self, row: Any, *names: str) -> Row:
        """The named money fields of a row with a currency, as decimals."""
        return {name: self.money(row.currency, getattr(row, name)) for name in names}

    @property
    def terms(self) -> Terms:
        """What is in force just before the end, and with that for the session as a whole (section 11)."""
        return self.policy.at(self.end - 1)

    def account(self, account_id: str) -> Row:
        """The type and class of an account just before the end."""
        account = self.accounts[account_id]
        client_class = account.at(self.end - 1).client_class
        return {"account_type": account.account_type, "client_class": client_class}

    def shortfall(self, event_id: str, deficit: int) -> int:
        return deficit - self.waterfall.draws[event_id]


def attribute(session: Session) -> Tables:
    """All tables of a date but reconciliation and the rule comparison.

    Fills `session.charges` (booked on units at E) and `session.losses`.
    """
    tables: Tables = {}
    tables["session_losses"], tables["socialised_losses"] = _share(session)
    tables["negative_balances"] = _negative_balances(session)
    tables["protection_daily"] = _protection(session)
    tables["insurance_fund_ledger"], tables["insurance_fund_daily"] = _fund(session)
    tables["account_daily"], tables["receivables_daily"] = _accounts(session)
    tables["positions_daily"] = _positions(session)
    tables["liquidations"], tables["loss_components"] = _liquidations(session)
    tables["liquidation_positions"] = _liquidation_positions(session)
    return tables


def _share(session: Session) -> tuple[list[Row], list[Row]]:
    """Section 11: the session's shortfalls on its payers, per currency."""
    totals, payers = [], []
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
        shortfall = sum(session.shortfall(n.event_id, n.deficit) for n in covered)
        basis = bases(terms.sharing, account_results(session.rows.unit_sessions, session.accounts, currency))
        charges = {a: c for a, c in charge(shortfall, basis).items() if c > 0} if basis else {}
        socialised = sum(charges.values())
        session.charges |= unit_charges(charges, session.rows.unit_sessions, currency)
        session.losses[currency] = Losses(deficit, deficit - shortfall, socialised, shortfall - socialised)
        amounts = {
            "unprotected_deficit": unprotected,
            "deficit": deficit,
            "fund_draw": deficit - shortfall,
            "shortfall": shortfall,
            "socialised": socialised,
            "uncovered": shortfall - socialised,
            "basis_total": sum(basis.values()),
            "adl_loss": adl[currency],
        }
        money = {name: session.money(currency, amount) for name, amount in amounts.items()}
        totals.append({"currency": currency, "method": terms.sharing, "payers": len(charges), **money})
        payers += [
            {
                "account_id": account_id,
                "currency": currency,
                "client_class": session.account(account_id)["client_class"],
                "method": terms.sharing,
                "basis": session.money(currency, basis[account_id]),
                "charge": session.money(currency, amount),
            }
            for account_id, amount in charges.items()
        ]
    return totals, payers


def _negative_balances(session: Session) -> list[Row]:
    rows = []
    for n in session.rows.negative_balances:
        draw = session.waterfall.draws[n.event_id] if n.protected else 0
        shortfall = n.deficit - draw if n.protected else 0
        row = n._asdict() | session.money_row(n, "session_transfers", "deficit")
        row |= {
            "fund_draw": session.money(n.currency, draw),
            "shortfall": session.money(n.currency, shortfall),
        }
        del row["liquidated"]
        rows.append(row)
    return rows


def _protection(session: Session) -> list[Row]:
    """Covered deficits per account, beside what all its units hold at the end."""
    events: defaultdict[tuple[str, str], list[NegativeBalance]] = defaultdict(list)
    for n in session.rows.negative_balances:
        if n.protected:
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


def _fund(session: Session) -> tuple[list[Row], list[Row]]:
    entries = [e._asdict() | session.money_row(e, "amount", "balance") for e in session.waterfall.entries]
    names = ("opening", "external", "liquidation_fees", "surplus", "draws", "closing", "lowest")
    return entries, [d._asdict() | session.money_row(d, *names) for d in session.waterfall.days]


_FLOWS = (
    "opening_wallet",
    "transfers",
    "realised_pnl",
    "fees",
    "funding",
    "negative_balance_reset",
    "surplus_forfeited",
    "socialised_charge",
    "closing_wallet",
)
_DEBTS = ("opening_debt", "new_debt", "recovered", "closing_debt")


def _accounts(session: Session) -> tuple[list[Row], list[Row]]:
    holding = {(p.account_id, p.currency, p.isolation) for p in session.rows.unit_positions}
    daily, receivables = [], []
    for unit in session.rows.unit_sessions:
        key = {"account_id": unit.account_id, "currency": unit.currency, "isolation": unit.isolation}
        if unit.active or unit.closing_wallet or tuple(key.values()) in holding:
            equity = unit.closing_wallet + unit.closing_unrealised
            worth = {
                "opening_unrealised_pnl": session.money(unit.currency, unit.opening_unrealised),
                "unrealised_pnl": session.money(unit.currency, unit.closing_unrealised),
                "equity": session.money(unit.currency, equity),
            }
            daily.append(key | session.account(unit.account_id) | session.money_row(unit, *_FLOWS) | worth)
        if any(getattr(unit, name) for name in _DEBTS):
            receivables.append(key | session.money_row(unit, *_DEBTS))
    return daily, receivables


def _positions(session: Session) -> list[Row]:
    return [
        {
            "account_id": p.account_id,
            "currency": p.currency,
            "isolation": p.isolation,
            "instrument_id": p.instrument_id,
            "quantity": p.quantity_e18,
            "entry_value": session.money(p.currency, p.entry_value),
            "mark_price": p.mark_e18,
        }
        for p in session.rows.unit_positions
    ]


def _liquidations(session: Session) -> tuple[list[Row], list[Row]]:
    names = (
        "equity_at_trigger",
        "maintenance_margin_at_trigger",
        "terminal_equity",
        "liquidation_fees",
        "surplus",
        "deficit",
    )
    episodes = [e._asdict() | session.money_row(e, *names) for e in session.rows.episodes]
    components = []
    for c in session.rows.components:
        row = c._asdict() | session.money_row(c, "amount")
        del row["currency"]
        components.append(row)
    return episodes, components


def _liquidation_positions(session: Session) -> list[Row]:
    names = ("entry_value", "maintenance_margin", "filled_value")
    return [
        {
            "episode_id": p.episode_id,
            "instrument_id": p.instrument_id,
            "quantity": p.quantity_e18,
            "mark_price": p.mark_e18,
            "liquidation_fills": p.liquidation_fills,
            "filled_quantity": p.filled_quantity_e18,
            **session.money_row(p, *names),
        }
        for p in session.rows.liquidation_positions
    ]


def adl_rows(session: Session, other_sides: Mapping[str, list[tuple[str, str]]]) -> list[Row]:
    """`other_sides`: trade_id to (fill_id, account_id) of all its sides delivered before the end."""
    rows = []
    for loss in session.rows.adl_losses:
        others = [
            account for fill_id, account in other_sides.get(loss.trade_id, []) if fill_id != loss.fill_id
        ]
        rows.append(
            {
                "fill_id": loss.fill_id,
                "trade_id": loss.trade_id,
                "ts": loss.ts,
                "account_id": loss.account_id,
                "currency": loss.currency,
                "isolation": loss.isolation,
                "instrument_id": loss.instrument_id,
                "side": "buy" if loss.side > 0 else "sell",
                "price": loss.price_e18,
                "quantity": loss.quantity_e18,
                "mark_price": loss.mark_e18,
                "amount": session.money(loss.currency, loss.amount),
                "against_account_id": others[0] if len(others) == 1 else None,
            }
        )
    return rows


def check_rows(checks: Iterable[Check]) -> list[Row]:
    rows = []
    for check in checks:
        gap = None if check.actual is None else check.actual - check.expected
        rows.append(check._asdict() | {"break": gap})
    return rows
