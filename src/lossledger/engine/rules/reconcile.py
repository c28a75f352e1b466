"""Reconciliations: what must agree, published whether it does or not (rules.md section 13).

What the venue states beside its trades is compared in `reconcile_venue`, breaks are counted in `breaks`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lossledger.engine.numbers import E18, units_to_e18
from lossledger.engine.rows import EndedEpisode, FundingTotal, UnitPosition, UnitSession
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.episode import MARGIN
from lossledger.engine.rules.fund import Waterfall


class Check(NamedTuple):
    """Two sides that must agree; the actual one is None where it cannot be determined."""

    rule: str
    key: str
    source_expected: str
    source_actual: str
    expected_e18: int
    actual_e18: int | None
    tolerance_e18: int
    independent: bool


class TradeTotals(NamedTuple):
    """The session's trades: counts by sides, and the signed quantity of those that do not net to zero.

    `broken` by instrument_id|trade_id.
    """

    one_sided: int
    many_sided: int
    broken: Mapping[str, int]


def trade_checks(trades: TradeTotals) -> list[Check]:
    rule, source = "trade_zero_sum", "ledger.fills"
    sided, single = trades.many_sided * E18, trades.one_sided * E18
    netting = sided - len(trades.broken) * E18
    return [
        Check(rule, "all", source, source, sided, netting, 0, True),
        Check(rule, "one_sided", source, source, single, single, 0, False),
        *(Check(rule, t, "zero", source, 0, q, 0, True) for t, q in sorted(trades.broken.items())),
    ]


def market_checks(
    contracts: Mapping[str, Contract],
    positions: Iterable[UnitPosition],
    funding: Iterable[FundingTotal],
) -> list[Check]:
    """Positions and funding net to zero per instrument; only where the venue's execution is recorded."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for position in positions:
        sizes[position.instrument_id] += position.quantity_e18
    received: defaultdict[str, int] = defaultdict(int)
    counts: defaultdict[str, int] = defaultdict(int)
    for total in funding:
        received[total.instrument_id] += total.amount
        counts[total.instrument_id] += total.events
    checks = []
    for instrument_id, contract in sorted(contracts.items()):
        scale = contract.scale
        half_units = units_to_e18(counts[instrument_id], scale)
        tolerance = half_units // 2 if scale < 18 else -(-half_units // 2)
        amount = units_to_e18(received[instrument_id], scale)
        checks += [
            Check(
                "position_zero_sum",
                instrument_id,
                "zero",
                "recomputed positions",
                0,
                sizes[instrument_id],
                0,
                True,
            ),
            Check(
                "funding_zero_sum", instrument_id, "zero", "recomputed funding", 0, amount, tolerance, True
            ),
        ]
    return checks


class Losses(NamedTuple):
    """A currency's waterfall in the session, in ledger units."""

    deficit: int
    draw: int
    socialised: int
    uncovered: int


def currency_checks(
    scales: Mapping[str, int],
    units: Iterable[UnitSession],
    waterfall: Waterfall,
    losses: Mapping[str, Losses],
    ended: Iterable[tuple[str, int]],
    caused: Iterable[tuple[str, int]],
) -> list[Check]:
    """Roll-forwards and sums that hold by construction: they guard the code, and are evidence of nothing.

    `ended`: currency and terminal equity of every ended episode, or their sums; `caused`: of every loss component its
    currency and amount, or their sums.
    """
    wallets: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for u in units:
        flows = u.transfers + u.realised_pnl - u.fees + u.funding + u.negative_balance_reset
        flows += u.fund_settlement - u.surplus_forfeited - u.socialised_charge
        wallets[u.currency][0] += u.opening_wallet + flows
        wallets[u.currency][1] += u.closing_wallet
    causes: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for currency, terminal_equity in ended:
        causes[currency][0] -= terminal_equity
    for currency, amount in caused:
        causes[currency][1] += amount
    checks = []
    for day in waterfall.days:
        currency, loss = day.currency, losses[day.currency]
        moved = day.liquidation_fees + day.surplus + day.takeover_gains + day.takeover_funding + day.draws
        fund = day.opening + day.external + moved
        paid = loss.draw + loss.socialised + loss.uncovered
        flows_sum, closing_sum = wallets[currency]
        ended_sum, causes_sum = causes[currency]
        sides = (
            ("account_roll_forward", "attribution.account_daily", flows_sum, closing_sum),
            ("fund_roll_forward", "attribution.insurance_fund_daily", fund, day.closing),
            ("waterfall", "attribution.session_losses", loss.deficit, paid),
            ("components", "attribution.loss_components", ended_sum, causes_sum),
        )
        for rule, source, expected, actual in sides:
            left, right = (units_to_e18(amount, scales[currency]) for amount in (expected, actual))
            checks.append(Check(rule, currency, source, source, left, right, 0, False))
    return checks


class EpisodeCounts(NamedTuple):
    """Ended episodes with a liquidation fill, those of them that the margin opened, and ended ones without a fill."""

    executed: int
    matched: int
    unexecuted: int


def count_episodes(episodes: Iterable[EndedEpisode]) -> EpisodeCounts:
    executed = unexecuted = matched = 0
    for episode in episodes:
        if episode.first_execution_at is None:
            unexecuted += 1
        else:
            executed += 1
            matched += episode.trigger == MARGIN
    return EpisodeCounts(executed, matched, unexecuted)


def liquidation_checks(ended: EpisodeCounts, open_episodes: int) -> list[Check]:
    """Whether the venue liquidated whom the recomputation would have; only where execution is recorded."""
    rule, ours, venue = "liquidation_match", "recomputed triggers", "ledger.fills of kind liquidation"
    executed, matched, unexecuted = ended
    return [
        Check(rule, "matched", venue, ours, executed * E18, matched * E18, 0, True),
        Check(rule, "untriggered", venue, ours, 0, (executed - matched) * E18, 0, True),
        Check(rule, "unexecuted", ours, venue, 0, unexecuted * E18, 0, True),
        Check(rule, "open", ours, venue, 0, open_episodes * E18, 0, True),
    ]
