"""The table reconciliation (rules.md section 13)."""

from collections.abc import Iterable, Mapping

from lossledger.engine.events import Market
from lossledger.engine.replayed import Replayed, Row
from lossledger.engine.rules.reconcile import (
    Check,
    Losses,
    count_episodes,
    currency_checks,
    liquidation_checks,
    market_checks,
)


def replay_checks(session: Replayed, losses: Mapping[str, Losses], market: Market) -> list[Check]:
    """The reconciliations that need nothing but what was replayed."""
    rows = session.rows
    ended = ((episode.currency, episode.terminal_equity) for episode in rows.episodes)
    caused = ((component.currency, component.amount) for component in rows.components)
    checks = currency_checks(session.scales, rows.unit_sessions, session.waterfall, losses, ended, caused)
    if session.terms.execution == "recorded":
        checks += market_checks(market.contracts, rows.unit_positions, rows.funding_totals)
        opened = sum(unit.open_episode is not None for unit in rows.unit_sessions)
        checks += liquidation_checks(count_episodes(rows.episodes), opened)
    return checks


def check_rows(checks: Iterable[Check]) -> list[Row]:
    """Rows of the table; the break is null where one side cannot be determined."""
    return [
        {
            "rule": check.rule,
            "key": check.key,
            "source_expected": check.source_expected,
            "source_actual": check.source_actual,
            "expected": check.expected_e18,
            "actual": check.actual_e18,
            "break": None if check.actual_e18 is None else check.actual_e18 - check.expected_e18,
            "tolerance": check.tolerance_e18,
            "independent": check.independent,
        }
        for check in checks
    ]
