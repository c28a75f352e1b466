"""The insurance fund: one ordered fold over a session's movements and deficits (rules.md section 10)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lossledger.engine.ids import order_key
from lossledger.engine.intake.policy import Policy, Terms
from lossledger.engine.numbers import Ledger, e18_to_units
from lossledger.engine.rows import FundMovement, NegativeBalance

_EXTERNAL, _FEE, _SURPLUS, _DRAW = range(4)
_CLASS = {"liquidation_fee": _FEE, "takeover_funding": _FEE, "surplus": _SURPLUS, "takeover_gain": _SURPLUS}


class ExternalMovement(NamedTuple):
    """A row of the input `fund_movements`; amount signed, in ledger units."""

    ts: int
    movement_id: str
    currency: str
    kind: str
    amount: int


class FundEntry(NamedTuple):
    """A row of the fund's ledger; `seq` counts from 1 per currency and session."""

    currency: str
    seq: int
    ts: int
    kind: str
    amount: Ledger
    balance: Ledger
    ref: str


class FundDay(NamedTuple):
    """One currency's fund over a session; draws ≤ 0, `lowest` as in outputs.md."""

    currency: str
    opening: Ledger
    external: Ledger
    liquidation_fees: Ledger
    surplus: Ledger
    takeover_gains: Ledger
    takeover_funding: Ledger
    draws: Ledger
    closing: Ledger
    lowest: Ledger
    draw_count: int


@dataclass
class Waterfall:
    """Entries and days of the fund, and per event_id of a covered deficit what the fund paid."""

    entries: list[FundEntry] = field(default_factory=list)
    days: list[FundDay] = field(default_factory=list)
    draws: dict[str, int] = field(default_factory=dict)

    def balance_at(self, currency: str, ts: int, opening: int) -> int:
        """The balance after the movements up to and with ts."""
        balance = opening
        for entry in self.entries:
            if entry.currency == currency and entry.ts <= ts:
                balance = entry.balance
        return balance


class _Step(NamedTuple):
    order: tuple[int, int, int, str, str, str, str, int, str]
    currency: str
    ts: int
    kind: str
    amount: int  # for a draw: the deficit
    ref: str


def _steps(
    external: Iterable[ExternalMovement],
    movements: Iterable[FundMovement],
    deficits: Iterable[NegativeBalance],
    drawn_at: int | None,
) -> list[_Step]:
    """What touches the fund, by timestamp, class, account, isolation, instrument, fill, lot and movement.

    `drawn_at`: when all draws are made, in the order of their events; None: each at its event.
    """
    steps = [
        _Step(
            (m.ts, _EXTERNAL, m.ts, "", "", "", "", 0, order_key(m.movement_id)),
            m.currency,
            m.ts,
            m.kind,
            m.amount,
            m.movement_id,
        )
        for m in external
    ]
    for m in movements:
        order = (
            m.ts,
            _CLASS[m.kind],
            m.ts,
            m.account_id,
            m.isolation,
            m.instrument_id,
            order_key(m.fill_id),
            m.place,
            "",
        )
        steps.append(_Step(order, m.currency, m.ts, m.kind, m.amount, m.ref))
    for d in deficits:
        if d.protected:
            ts = d.ts if drawn_at is None else drawn_at
            order = (ts, _DRAW, d.ts, d.account_id, d.isolation, "", "", d.place, "")
            steps.append(_Step(order, d.currency, ts, "draw", d.deficit, d.event_id))
    return sorted(steps, key=lambda step: step.order)


def run_waterfall(
    scales: Mapping[str, int],
    openings: Mapping[str, int] | None,
    external: Iterable[ExternalMovement],
    movements: Iterable[FundMovement],
    deficits: Iterable[NegativeBalance],
    policy: Policy,
    end: int,
) -> Waterfall:
    """Fold a session that ends at `end`: `openings` per currency in ledger units, None on a warehouse's first date.

    Each covered deficit draws min(deficit, max(0, balance − floor)), or nothing where the policy says `all_or_nothing`
    and that is less than the deficit. Floor and rule are those in force when it draws: at its event, or at E − 1 µs
    where the policy then says `fund_draws: at_session_end`.
    """
    result = Waterfall()
    by_currency: dict[str, list[_Step]] = {currency: [] for currency in scales}
    drawn_at = end - 1 if policy.at(end - 1).fund_draws == "at_session_end" else None
    for step in _steps(external, movements, deficits, drawn_at):
        by_currency[step.currency].append(step)
    for currency, steps in by_currency.items():
        opening = None if openings is None else openings.get(currency, 0)
        result.days.append(_fold_currency(result, currency, scales[currency], opening, steps, policy))
    return result


def _fold_currency(
    result: Waterfall, currency: str, scale: int, opening: int | None, steps: list[_Step], policy: Policy
) -> FundDay:
    balance = opening or 0
    balances = [] if opening is None else [opening]
    totals = dict.fromkeys(("external", *_CLASS, "draw"), 0)
    seq = draw_count = 0
    for step in steps:
        amount = step.amount
        if step.kind == "draw":
            drawn = _draw(step.amount, balance, policy.at(step.ts), currency, scale)
            result.draws[step.ref] = drawn
            draw_count += drawn > 0
            amount = -drawn
        if amount == 0:
            continue
        seq += 1
        balance += amount
        balances.append(balance)
        totals[step.kind if step.kind in totals else "external"] += amount
        result.entries.append(
            FundEntry(currency, seq, step.ts, step.kind, Ledger(amount), Ledger(balance), step.ref)
        )
    return FundDay(
        currency,
        Ledger(opening or 0),
        Ledger(totals["external"]),
        Ledger(totals["liquidation_fee"]),
        Ledger(totals["surplus"]),
        Ledger(totals["takeover_gain"]),
        Ledger(totals["takeover_funding"]),
        Ledger(totals["draw"]),
        Ledger(balance),
        Ledger(min(balances, default=0)),
        draw_count,
    )


def _draw(deficit: int, balance: int, terms: Terms, currency: str, scale: int) -> int:
    """What the fund pays of a covered deficit, never going below its floor for it."""
    floor = e18_to_units(terms.fund_floor.get(currency, 0), scale)
    drawn = min(deficit, max(0, balance - floor))
    return 0 if terms.fund_draw_rule == "all_or_nothing" and drawn < deficit else drawn
