"""A scenario's opening balances of the insurance fund."""

from collections.abc import Mapping

from lossledger.engine.errors import ConfigError
from lossledger.engine.ids import order_key
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.rules.fund import ExternalMovement
from lossledger.jobs.day import Day
from lossledger.store.reference_data import ReferenceData


def replace_openings(
    rows: list[ExternalMovement], day: Day, reference: ReferenceData
) -> list[ExternalMovement]:
    """A scenario's opening balances instead of the delivered ones of the same currencies, on the first date.

    Each takes the time and id of the first that it replaces, so that the same amount gives the same rows; where
    none is delivered, it is booked at the start of the first session. ConfigError for an amount that is none.
    """
    if day.fund_opening is None:
        return rows
    amounts = _opening_units(day.fund_opening, reference)
    openings = (row for row in rows if row.kind == "opening" and row.currency in amounts)
    replaced = sorted(openings, key=lambda row: (row.ts, order_key(row.movement_id)))
    kept = [row for row in rows if row not in replaced]
    if not day.first:
        return kept
    first = {row.currency: row for row in reversed(replaced)}
    for currency, amount in sorted(amounts.items()):
        at = first.get(currency) or ExternalMovement(day.session_start, "", currency, "opening", 0)
        kept.append(at._replace(amount=amount))
    return kept


def _opening_units(openings_e18: Mapping[str, int], reference: ReferenceData) -> dict[str, int]:
    amounts = {}
    for currency, amount_e18 in openings_e18.items():
        if currency not in reference.scales:
            raise ConfigError(f"scenario: fund_opening names {currency}, which is not in LANDING/currencies")
        scale = reference.scales[currency]
        try:
            amounts[currency] = e18_to_units(amount_e18, scale)
        except ValueError:
            raise ConfigError(
                f"scenario: fund_opening of {currency} is finer than its ledger unit, 10^-{scale}"
            ) from None
    return amounts
