"""Good days spoiled: liquidations, accounts, reconciliations and the comparison of rules.

Rule to ways of breaking it, most of them by the last digit that the tables can hold.
"""

from tests.expectations.day import TINY, Spoil, add, at, change, drop, less, more

FUND, LEDGER, EVENTS = "insurance_fund_daily", "insurance_fund_ledger", "negative_balances"
LOSSES, CHARGES, EPISODES = "session_losses", "socialised_losses", "liquidations"
CAUSES, ACCOUNTS, DEBTS = "loss_components", "account_daily", "receivables_daily"
CHECKS, COMPARED, TOTALS = "reconciliation", "rule_comparison", "rule_totals"

RED: dict[str, list[Spoil]] = {
    "liquidation_deficit": [
        change(EPISODES, "L-alice", deficit=less),
        change(EPISODES, "L-eve", deficit=TINY),
        change(EPISODES, "L-alice", end_reason="recovered"),
    ],
    "liquidation_surplus": [
        change(EPISODES, "L-eve", surplus=less),
        change(EPISODES, "L-eve", end_reason="self_closed"),
        change(EPISODES, "L-alice", surplus=1),
        change(EPISODES, "L-alice", surplus=-1),
    ],
    "liquidation_order_of_times": [
        change(EPISODES, "L-alice", triggered_at=at(4)),
        change(EPISODES, "L-alice", first_execution_at=at(1)),
        change(EPISODES, "L-alice", first_execution_at=at(4)),
        change(EPISODES, "L-alice", first_execution_at=None),
        change(EPISODES, "L-alice", end_reason="self_closed"),
    ],
    "margin_trigger_is_a_breach": [
        change(EPISODES, "L-alice", equity_at_trigger=more(10)),
        change(EPISODES, "L-alice", maintenance_margin_at_trigger=-1, trigger="recorded_fill"),
    ],
    "components_sum_to_terminal_equity": [
        change(CAUSES, {"component": "fees"}, amount=more),
        drop(CAUSES, "L-eve"),
        drop(EPISODES, "L-eve"),
    ],
    "components_start_at_the_trigger": [
        change(CAUSES, {"episode_id": "L-alice", "component": "cushion"}, amount=less),
        change(EPISODES, "L-alice", equity_at_trigger=more),
    ],
    "component_signs": [
        change(CAUSES, {"component": "fees"}, amount=0),
        change(CAUSES, {"component": "cushion"}, amount=1),
        change(CAUSES, {"component": "gap_in_cushion"}, amount=-1),
    ],
    "liquidation_event_has_its_episode": [
        change(EVENTS, "N-alice", deficit=more),
        change(EVENTS, "N-alice", episode_id="L-other"),
        change(EVENTS, "N-alice", ts=at(4)),
        change(EVENTS, "N-alice", cause="trading"),
        change(EVENTS, "N-dave", episode_id="L-alice"),
        change(EVENTS, "N-dave", episode_id="L-alice", cause="transfer"),
        change(EPISODES, "L-alice", end_reason="recovered"),
        drop(EPISODES, "L-alice"),
    ],
    "episode_deficit_has_its_event": [
        drop(EVENTS, "N-alice"),
        change(EVENTS, "N-alice", ts=at(4)),
        change(EVENTS, "N-alice", deficit=less),
        change(EVENTS, "N-alice", cause="takeover"),
    ],
    "account_roll_forward": [
        change(ACCOUNTS, "bob", closing_wallet=more),
        change(ACCOUNTS, "bob", fees=less),
        change(ACCOUNTS, "eve", surplus_forfeited=0),
        change(ACCOUNTS, "lq", fund_settlement=TINY),
    ],
    "account_equity": [change(ACCOUNTS, "bob", equity=less)],
    "account_opening": [
        change(ACCOUNTS, "bob", opening_wallet=more),
        drop(ACCOUNTS, "maker"),
        drop("previous_account_daily", "maker"),
    ],
    "account_reset_is_a_covered_deficit": [
        change(ACCOUNTS, "alice", negative_balance_reset=more),
        drop(EVENTS, "N-alice"),
        drop(ACCOUNTS, "alice"),
        change(EVENTS, "N-dave", protected=True),
        change(ACCOUNTS, "lq", negative_balance_reset=2),
        change(EVENTS, "N-alice", cause="takeover"),
    ],
    "account_surplus_is_an_episodes": [
        change(ACCOUNTS, "eve", surplus_forfeited=less),
        drop(ACCOUNTS, "eve"),
        drop(EPISODES, "L-eve"),
    ],
    "charge_is_booked_the_next_day": [
        change(ACCOUNTS, "bob", socialised_charge=less),
        drop(ACCOUNTS, "bob"),
        drop("previous_socialised_losses", "bob"),
        change(ACCOUNTS, "carol", socialised_charge=-1),
    ],
    "flat_below_zero_is_a_receivable": [
        change(ACCOUNTS, "alice", closing_wallet=-TINY),
        change(ACCOUNTS, "dave", closing_wallet=less),
        drop(DEBTS, "dave"),
        change(DEBTS, "dave", closing_debt=more),
        change(ACCOUNTS, "dave", closing_wallet=1),
    ],
    "position_has_its_account": [
        drop("positions_daily", "bob"),
        drop(ACCOUNTS, "bob"),
        change("positions_daily", "bob", quantity=0),
        change("positions_daily", "bob", entry_value=-1),
    ],
    "receivable_roll_forward": [
        change(DEBTS, "dave", closing_debt=more),
        change(DEBTS, "dave", recovered=-1, closing_debt=11),
    ],
    "receivable_opening": [
        change(DEBTS, "dave", opening_debt=more),
        drop(DEBTS, "dave"),
        drop("previous_receivables_daily", "dave"),
    ],
    "new_debt_is_an_uncovered_deficit": [
        change(DEBTS, "dave", new_debt=less),
        drop(EVENTS, "N-dave"),
        drop(DEBTS, "dave"),
        change(EVENTS, "N-alice", protected=False),
    ],
    "reconciliation_arithmetic": [
        add(CHECKS, rule="r", key="k", expected=1, actual=3, **{"break": less(2)}),
        add(CHECKS, rule="r", key="k", expected=1, actual=None, **{"break": 0}),
        add(CHECKS, rule="r", key="k", expected=1, actual=1, **{"break": None}),
        add(CHECKS, rule="r", key="k", expected=0, actual=0, tolerance=-1),
    ],
    "reconciliation_identities": [
        change(CHECKS, {"rule": "waterfall", "key": "USD"}, actual=more),
        change(CHECKS, {"rule": "waterfall", "key": "USD"}, actual=None),
    ],
    "reconciliation_breaks": [
        add(CHECKS, rule="r", key="k", expected=0, actual=TINY, independent=True),
        add(CHECKS, rule="r", key="k", expected=more(5), actual=0, tolerance=5, independent=True),
    ],
    "reconciliation_undetermined": [
        add(CHECKS, rule="venue_liquidation_value", key="k", expected=0, actual=None, independent=True)
    ],
    "reconciliation_is_of_these_tables": [
        change(CHECKS, {"rule": "fund_roll_forward", "key": "USD"}, actual=more),
        change(CHECKS, {"rule": "account_roll_forward", "key": "USD"}, actual=more),
        change(CHECKS, {"rule": "components", "key": "USD"}, actual=more),
        drop(CHECKS, {"rule": "waterfall", "key": "EUR"}),
        change("positions_daily", "bob", quantity=more),
    ],
    "rule_totals_balance": [
        change(TOTALS, "adl_queue", uncovered=more),
        change(TOTALS, "adl_queue", charged=13, to_fund=1),
        change(TOTALS, "adl_queue", charged=-1, uncovered=21),
    ],
    "rule_totals_of_every_rule": [
        drop(TOTALS, "adl_queue"),
        change(TOTALS, "adl_queue", shortfall=more),
        change(LOSSES, "USD", shortfall=less),
        change(LOSSES, "EUR", shortfall=TINY),
        add(TOTALS, rule="adl_queue", currency="EUR"),
        drop("compared_rules", "adl_queue"),
    ],
    "rule_charges_sum": [
        change(COMPARED, "carol", charge=more),
        drop(COMPARED, "carol"),
        drop(TOTALS, "adl_queue"),
        change(TOTALS, "adl_queue", payers=2),
        add(COMPARED, rule="adl_queue", account_id="bob", currency="USD", charge=0),
    ],
    "applied_rule_agrees": [
        change(COMPARED, "carol", charge=more),
        change(CHARGES, "carol", charge=less),
        drop(COMPARED, "carol"),
    ],
    "events_inside_the_session": [
        change(EVENTS, "N-dave", ts=at(0, 11)),
        change(EPISODES, "L-eve", ended_at=at(23, 9)),
        change(LEDGER, "m1", ts=at(23, 9)),
        change("adl_losses", "f9", ts=at(0, 11)),
        change("takeovers", "g1", closed_at=at(23, 9)),
        change("takeovers", "g1", closed_at=at(0, 11)),
    ],
}  # fmt: skip
