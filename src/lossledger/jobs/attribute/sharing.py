"""A session's shortfalls on its payers, and what every loss table says of them (rules.md section 11)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lossledger.engine.errors import InvariantError
from lossledger.engine.rules.reconcile import Losses
from lossledger.jobs.attribute.books import Books, in_money
from lossledger.jobs.attribute.remainder import charge
from lossledger.jobs.day import Day
from lossledger.schemas.attribution import (
    NEGATIVE_BALANCES,
    PROTECTION_DAILY,
    SESSION_LOSSES,
    SOCIALISED_LOSSES,
)
from lossledger.schemas.ledger import NEGATIVE_BALANCES as DEFICITS
from lossledger.schemas.ledger import UNIT_CHARGES
from lossledger.store.amount_arrays import Amounts, exact_sum, to_amounts, to_decimals

_BASES = {
    "session_profit_prorata": "least(greatest(0, profit), chargeable)",
    "equity_prorata": "greatest(0, equity)",  # never more than what is chargeable
}
_LOSSES = """
    select currency, coalesce(sum(if(protected, 0, deficit)), 0) as unprotected_deficit,
        coalesce(sum(if(protected, deficit, 0)), 0) as deficit,
        coalesce(sum(if(cause = 'takeover', deficit, 0)), 0) as takeover_deficit, coalesce(sum(draw), 0) as fund_draw
    from deficits left join draws using (event_id) group by currency
"""
_TOTALS = f"""
    select currency, {in_money("unprotected_deficit", "deficit", "takeover_deficit", "fund_draw")},
        {in_money("shortfall", "socialised")},
        {in_money("uncovered", "basis_total", "adl_loss")}, method, payers
    from losses join currencies using (currency)
"""
_SHARES = f"""
    select account_id, currency, client_class, ? as method, {in_money("basis", "charge")}
    from shares join currencies using (currency) left join holders using (account_id)
"""
# Each unit in order of isolation gives what it has, until the account's charge is reached.
_UNIT_CHARGES = """
    select account_id, currency, isolation, least(has, charge - coalesce(given, 0)) as charge,
        make_timestamp(?::bigint)::timestamptz as booked_at
    from (
        select *, sum(has) over (
            partition by account_id, currency order by isolation rows between unbounded preceding and 1 preceding
        ) as given
        from (
            select account_id, currency, isolation, charge,
                greatest(0, closing_wallet + closing_unrealised) as has
            from unit_sessions join shares using (account_id, currency)
        )
    ) where has > 0 and charge > coalesce(given, 0)
"""
_EVENTS = f"""
    select event_id, ts, account_id, currency, isolation, client_class, cause, episode_id, protected,
        {in_money("session_transfers", "deficit")}, coalesce(draw, 0) * unit as fund_draw,
        if(protected, deficit - draw, 0) * unit as shortfall
    from deficits join currencies using (currency) left join draws using (event_id)
"""
_PROTECTION = """
    select account_id, currency, client_class, events, deficit * unit as deficit, draw * unit as fund_draw,
        (deficit - draw) * unit as shortfall, chargeable * unit as account_equity,
        least(deficit, chargeable) * unit as within_account_equity
    from (
        select account_id, currency, count(*) as events, sum(deficit) as deficit, sum(draw) as draw
        from deficits join draws using (event_id) where protected and cause <> 'takeover' group by all
    ) join account_results using (account_id, currency)
    join currencies using (currency) left join holders using (account_id)
"""


class Basis(NamedTuple):
    """The payers of a currency, by id, and what each is charged in proportion to."""

    accounts: pa.ChunkedArray
    amounts: Amounts

    @property
    def total(self) -> int:
        return exact_sum(self.amounts)


def read_basis(books: Books, method: str, currency: str) -> Basis:
    """Client accounts with a basis > 0 under a method; none under `none`."""
    basis = _BASES.get(method, "0::decimal(38,0)")
    found = books.table(
        f"select account_id, {basis} as basis from account_results "
        f"where currency = ? and not house and {basis} > 0 order by account_id",
        currency,
    )
    return Basis(found.column("account_id"), to_amounts(found.column("basis")))


def share_losses(day: Day, books: Books) -> dict[str, Losses]:
    """Stage the tables of the session's losses and what is booked on units at its end."""
    method = day.policy.at(day.end - 1).sharing
    found = {row[0]: row[1:] for row in books.rows(_LOSSES)}
    adl = dict(books.rows("select currency, sum(amount) from adl_fills group by currency"))
    losses: dict[str, Losses] = {}
    rows, shares = [], []
    for currency in sorted(books.scales):
        unprotected, deficit, of_takeover, draw = found.get(currency, (0, 0, 0, 0))
        basis = read_basis(books, method, currency)
        charges = charge(deficit - draw, basis.amounts)
        payers = charges > 0
        socialised = exact_sum(charges)
        losses[currency] = Losses(deficit, draw, socialised, deficit - draw - socialised)
        shares.append(_shares(currency, basis, charges, payers))
        amounts = {
            "unprotected_deficit": unprotected,
            "deficit": deficit,
            "takeover_deficit": of_takeover,
            "fund_draw": draw,
            "shortfall": deficit - draw,
            "socialised": socialised,
            "uncovered": deficit - draw - socialised,
            "basis_total": basis.total,
            "adl_loss": adl.get(currency, 0),
        }
        rows.append({"currency": currency, "payers": int(payers.sum()), "method": method, **amounts})
    books.add("losses", _losses(rows))
    books.add("shares", pa.concat_tables(shares))
    books.write(SESSION_LOSSES, _TOTALS)
    books.write(SOCIALISED_LOSSES, _SHARES, method, of=DEFICITS)
    books.write(NEGATIVE_BALANCES, _EVENTS, of=DEFICITS)
    books.write(PROTECTION_DAILY, _PROTECTION, of=DEFICITS)
    _book(day, books, losses)
    return losses


def _shares(currency: str, basis: Basis, charges: Amounts, payers: Amounts) -> pa.Table:
    wanted = pa.array(payers.astype(bool))
    accounts = basis.accounts.filter(wanted)
    return pa.table(
        {
            "account_id": accounts.cast(pa.string()),
            "currency": pa.repeat(currency, len(accounts)),
            "basis": to_decimals(basis.amounts[payers.astype(bool)]),
            "charge": to_decimals(charges[payers.astype(bool)]),
        }
    )


def _losses(rows: list[dict[str, object]]) -> pa.Table:
    columns = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        plain = name in ("currency", "payers", "method")
        columns[name] = pa.array(values) if plain else to_decimals(np.array(values, object))
    return pa.table(columns)


def _book(day: Day, books: Books, losses: Mapping[str, Losses]) -> None:
    """Stage what every unit is charged. InvariantError when an account's units cannot give its charge."""
    books.write(UNIT_CHARGES, _UNIT_CHARGES, day.end, of=DEFICITS)
    books.view(UNIT_CHARGES)
    booked = dict(books.rows("select currency, sum(charge) from unit_charges group by currency"))
    for currency, loss in losses.items():
        if booked.get(currency, 0) != loss.socialised:
            raise InvariantError(f"a charge in {currency} exceeds what the units of its account hold")
