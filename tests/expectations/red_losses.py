"""Good days spoiled: the fund, the waterfall and the sharing.

Rule to ways of breaking it, most of them by the last digit that the tables can hold.
"""

from tests.expectations.day import TINY, Spoil, add, at, both, change, drop, less, more

FUND, LEDGER, EVENTS = "insurance_fund_daily", "insurance_fund_ledger", "negative_balances"
LOSSES, CHARGES, EPISODES = "session_losses", "socialised_losses", "liquidations"
ACCOUNTS, DEBTS = "account_daily", "receivables_daily"

RED: dict[str, list[Spoil]] = {
    "fund_bridge": [
        change(FUND, "USD", closing=more),
        change(FUND, "USD", external=less),
        change(FUND, "USD", takeover_gains=more),
        change(FUND, "USD", takeover_funding=less),
    ],
    "fund_opening": [
        change(FUND, "USD", opening=more),
        drop(FUND, "USD"),
        change("previous_insurance_fund_daily", "USD", closing=less),
    ],
    "fund_movement_signs": [
        change(LEDGER, "m1", amount=0),
        change(LEDGER, "N-alice", amount=10),
        change(LEDGER, "L-eve", amount=-4),
        change(LEDGER, "k1", amount=-3),
    ],
    "fund_running_balance": [
        change(LEDGER, "f1", balance=more),
        change(LEDGER, "m1", amount=less),
        change(FUND, "USD", opening=more),
    ],
    "fund_sequence": [
        drop(LEDGER, "f1"),
        change(LEDGER, "N-alice", seq=8),
        change(LEDGER, "f1", ts=at(0)),
    ],
    "fund_ledger_totals": [
        change(FUND, "USD", external=more),
        change(FUND, "USD", liquidation_fees=more),
        change(FUND, "USD", surplus=less),
        change(FUND, "USD", draws=less),
        change(FUND, "USD", draw_count=3),
        change(FUND, "USD", takeover_gains=more),
        change(FUND, "USD", takeover_funding=0),
        change(LEDGER, "k1", kind="other"),
        change(LEDGER, "m1", currency="CHF"),
    ],
    "fund_ledger_closing": [change(FUND, "USD", closing=less), change(FUND, "EUR", closing=TINY)],
    "fund_lowest": [
        change(FUND, "USD", lowest=more),
        change(FUND, "USD", lowest=5),
        both(change("session", {}, first_date=True), change(FUND, "EUR", lowest=TINY)),
        both(change("session", {}, first_date=True), change(FUND, "USD", lowest=more)),
    ],
    "fund_draw_keeps_floor": [
        change(LEDGER, "N-alice", balance=less),
        change("fund_floors", {"ts": at(3)}, fund_floor=more),
    ],
    "shortfall_needs_empty_fund": [
        change(LEDGER, "N-alice", balance=more),
        change("fund_floors", {"ts": at(3)}, fund_floor=less),
        both(change(EVENTS, "N-alice", ts=at(4)), change("fund_floors", {}, fund_floor=0)),
        both(change("session", {}, drawn_at=at(4)), change("fund_floors", {"ts": at(4)}, fund_floor=0)),
        # another event is paid after it
        add(EVENTS, ts=at(3), account_id="zoe", currency="USD", protected=True, deficit=1, fund_draw=1),
        # less than the whole of a deficit is paid, or nothing where there is enough for it
        change("fund_floors", {}, draw_rule="all_or_nothing"),
        both(
            change("fund_floors", {}, draw_rule="all_or_nothing"),
            both(
                change(EVENTS, "N-alice", deficit=10, fund_draw=0, shortfall=10),
                drop(LEDGER, "N-alice"),
            ),
        ),
    ],
    "fund_draws_match_events": [
        change(EVENTS, "N-alice", fund_draw=more),
        change(LEDGER, "N-alice", ref="N-other"),
        change(LEDGER, "N-alice", ts=at(4)),
        change(EVENTS, "N-alice", fund_draw=0),
        change("session", {}, drawn_at=at(23)),
    ],
    "fund_surplus_matches_episodes": [
        change(EPISODES, "L-eve", surplus=more),
        drop(LEDGER, "L-eve"),
        drop(EPISODES, "L-eve"),
    ],
    "every_currency_has_a_row": [drop(FUND, "EUR"), drop(LOSSES, "EUR"), drop("currencies", "EUR")],
    "event_waterfall": [
        change(EVENTS, "N-alice", shortfall=more),
        change(EVENTS, "N-alice", deficit=less),
        change(EVENTS, "N-dave", shortfall=TINY),
        change(EVENTS, "N-dave", deficit=0),
        change(EVENTS, "N-alice", fund_draw=-1, shortfall=31),
    ],
    "unprotected_retail_below_zero": [change(EVENTS, "N-dave", client_class="retail")],
    "transfers_are_not_covered": [change(EVENTS, "N-alice", cause="transfer")],
    "house_accounts_stay_out": [
        change(EVENTS, "N-dave", account_id="maker"),
        change(EPISODES, "L-eve", account_id="maker"),
        change(CHARGES, "carol", account_id="maker"),
        change(DEBTS, "dave", account_id="maker"),
        change(CHARGES, "carol", account_id="unknown"),
        change(EVENTS, "N-dave", account_id="lq"),
        change(EPISODES, "L-eve", account_id="lq"),
        change(CHARGES, "carol", account_id="lq"),
        change(DEBTS, "dave", account_id="lq"),
    ],
    "session_waterfall": [
        change(LOSSES, "USD", uncovered=more),
        change(LOSSES, "USD", socialised=less),
        change(LOSSES, "USD", shortfall=more),
        change(LOSSES, "USD", socialised=21, uncovered=-1),
    ],
    "session_sums_events": [
        change(LOSSES, "USD", deficit=more),
        change(LOSSES, "USD", unprotected_deficit=less),
        change(LOSSES, "USD", fund_draw=more),
        change(EVENTS, "N-alice", shortfall=more),
        drop(EVENTS, "N-dave"),
        drop(LOSSES, "USD"),
        change(LOSSES, "USD", takeover_deficit=more),
        change(EVENTS, "N-lq", cause="trading"),
    ],
    "session_draw_is_the_funds": [change(LOSSES, "USD", fund_draw=more), change(FUND, "USD", draws=0)],
    "charges_sum_to_socialised": [
        change(CHARGES, "carol", charge=more),
        drop(CHARGES, "carol"),
        change(LOSSES, "USD", payers=3),
    ],
    "shortfall_is_shared_up_to_the_bases": [
        change(LOSSES, "USD", socialised=less, uncovered=more),
        change(LOSSES, "USD", basis_total=19),
        change(LOSSES, "EUR", method="none", basis_total=1),
    ],
    "charge_within_basis": [change(CHARGES, "bob", basis=less(15)), change(CHARGES, "carol", charge=0)],
    "basis_within_equity": [
        change(CHARGES, "bob", basis=more),
        change(CHARGES, "carol", method="equity_prorata"),
        change(ACCOUNTS, "carol", equity=-1),
    ],
    "bases_within_total": [
        change(LOSSES, "USD", basis_total=less),
        change(CHARGES, "carol", method="equity_prorata"),
        change(LOSSES, "USD", method="none"),
    ],
    "charges_follow_bases": [
        change(CHARGES, "carol", basis=more(60)),
        change(CHARGES, "carol", basis=60, charge=more(more(15))),
    ],
    "adl_losses_sum": [change(LOSSES, "USD", adl_loss=more), drop("adl_losses", "f9")],
}  # fmt: skip
