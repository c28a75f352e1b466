"""Good days spoiled: what can be computed again from other published tables, or from what was delivered.

Rule to ways of breaking it, most of them by the last digit that the tables can hold.
"""

from tests.expectations.day import TINY, Spoil, add, at, both, change, drop, less, more

EPISODES, HELD, CAUSES = "liquidations", "liquidation_positions", "loss_components"
EVENTS, LEDGER, LOSSES, CHARGES = (
    "negative_balances",
    "insurance_fund_ledger",
    "session_losses",
    "socialised_losses",
)
ACCOUNTS, PROTECTION, BEFORE = "account_daily", "protection_daily", "previous_account_daily"
COMPARED, TOTALS, MOVED = "rule_comparison", "rule_totals", "transfers"


def one_more_draw(account_id: str, event_ts: int, drawn: int) -> Spoil:
    """A second draw, after Alice's: of an event and at an hour of its own."""
    ref = f"N-{account_id}"
    event = add(EVENTS, event_id=ref, account_id=account_id, ts=at(event_ts), currency="USD", protected=True)
    draw = add(LEDGER, currency="USD", seq=8, ts=at(drawn), kind="draw", amount=-1, balance=1, ref=ref)
    return both(event, draw)


def adl_cause(**changes: object) -> Spoil:
    """Eve's loss of 2 is one of a fill taken over by deleveraging, but there was none before 3 o'clock."""
    return change(CAUSES, {"episode_id": "L-eve", "component": "market_move"}, component="adl", **changes)


RED: dict[str, list[Spoil]] = {
    "positions_explain_margin": [
        change(HELD, "L-alice", maintenance_margin=more),
        change(EPISODES, "L-alice", maintenance_margin_at_trigger=less),
        drop(HELD, "L-eve"),
        drop(EPISODES, "L-eve"),
        add(HELD, episode_id="L-eve", instrument_id="ETH", quantity=1, maintenance_margin=TINY),
    ],
    "position_or_fills": [
        change(HELD, "L-alice", quantity=0),
        change(HELD, "L-alice", quantity=0, entry_value=0),
        change(HELD, "L-alice", quantity=0, entry_value=0, maintenance_margin=0, liquidation_fills=0),
        change(HELD, "L-alice", liquidation_fills=0),
        change(HELD, "L-alice", liquidation_fills=0, filled_quantity=0),
        change(HELD, "L-alice", filled_quantity=0),
        change(HELD, "L-alice", filled_quantity=-1),
        change(HELD, "L-alice", filled_value=-TINY),
        change(HELD, "L-alice", entry_value=-TINY),
        change(HELD, "L-alice", maintenance_margin=-TINY),
    ],
    "execution_has_its_fills": [
        change(HELD, "L-alice", liquidation_fills=0, filled_quantity=0, filled_value=0),
        change(EPISODES, "L-alice", first_execution_at=None),
        both(
            change(HELD, "L-eve", liquidation_fills=0, filled_quantity=0, filled_value=0),
            change(EPISODES, "L-eve", first_execution_at=None, liquidation_fees=TINY),
        ),
        drop(HELD, "L-alice"),
    ],
    "execution_cause_has_its_fills": [
        both(
            change(HELD, "L-eve", liquidation_fills=0),
            change(CAUSES, {"episode_id": "L-eve", "component": "market_move"}, component="takeover"),
        ),
        both(
            change(HELD, "L-eve", liquidation_fills=0),
            change(CAUSES, {"episode_id": "L-eve", "component": "market_move"}, component="execution"),
        ),
        adl_cause(instrument_id="ETH"),
        adl_cause(instrument_id=None),
    ],
    "adl_cause_has_its_other_side": [
        adl_cause(),
        both(adl_cause(), change("adl_losses", "f9", ts=at(1))),
        both(
            change(CAUSES, {"episode_id": "L-alice", "component": "market_move"}, component="adl"),
            change(EPISODES, "L-alice", execution="simulated"),
        ),
    ],
    "episode_amounts_are_whole_units": [
        both(change(EPISODES, "L-alice", currency="EUR"), change(HELD, "L-alice", **{column: "0.001"}))
        for column in ("entry_value", "maintenance_margin", "filled_value")
    ]
    + [both(change(EPISODES, "L-eve", currency="EUR"), change(CAUSES, "L-eve", amount="0.001"))],
    "protection_sums_events": [
        change(PROTECTION, "alice", events=2),
        change(PROTECTION, "alice", deficit=more),
        change(PROTECTION, "alice", fund_draw=less),
        change(PROTECTION, "alice", shortfall=more),
        drop(PROTECTION, "alice"),
        drop(EVENTS, "N-alice"),
        change(EVENTS, "N-dave", protected=True),
        change(EVENTS, "N-alice", cause="takeover"),
        add(PROTECTION, account_id="lq", currency="USD", events=1, deficit=2, fund_draw=2),
    ],
    "protection_within_account_equity": [
        change(PROTECTION, "alice", account_equity=TINY, within_account_equity=TINY),
        change(PROTECTION, "alice", within_account_equity=TINY),
        change(ACCOUNTS, "alice", equity=TINY),
        drop(ACCOUNTS, "alice"),
        both(
            change(ACCOUNTS, "alice", equity=40),
            change(PROTECTION, "alice", account_equity=40, within_account_equity=40),
        ),
    ],
    "one_type_and_class_per_account": [
        change(ACCOUNTS, "bob", account_type="house"),
        change(ACCOUNTS, "bob", client_class="professional"),
        change(CHARGES, "bob", client_class="professional"),
        change(PROTECTION, "alice", client_class="professional"),
        change(COMPARED, "eve", client_class="professional"),
        change(COMPARED, "maker", account_type="client"),
        change(CHARGES, "bob", account_id="maker"),
        drop("accounts", "bob"),
    ],
    "account_opening_unrealised": [
        change(ACCOUNTS, "bob", opening_unrealised_pnl=more),
        drop(ACCOUNTS, "maker"),
        drop(BEFORE, "maker"),
    ],
    "basis_is_of_the_account": [
        change(CHARGES, "bob", basis=less),
        change(CHARGES, "carol", basis=more),
        change(CHARGES, "carol", method="equity_prorata"),
        change(ACCOUNTS, "carol", realised_pnl=less),
        change(ACCOUNTS, "bob", opening_unrealised_pnl=more(-39)),
        drop(ACCOUNTS, "bob"),
    ],
    "basis_total_is_of_all_clients": [
        change(LOSSES, "USD", basis_total=more),
        change(LOSSES, "EUR", basis_total=TINY),
        change(LOSSES, "USD", method="equity_prorata"),
        change(LOSSES, "USD", method="none"),
        change(ACCOUNTS, "carol", fees=TINY),
        change(ACCOUNTS, "maker", account_type="client"),
        drop(ACCOUNTS, "carol"),
    ],
    "session_transfers_are_delivered": [
        change(EVENTS, "N-alice", session_transfers=TINY),
        add(MOVED, account_id="alice", currency="USD", isolation="", ts=at(3), amount=TINY),
        change(MOVED, {"amount": 1}, ts=at(2)),
        change(EVENTS, "N-lq", session_transfers=5),
    ],
    "fund_draws_in_order": [
        add(LEDGER, currency="USD", seq=8, ts=at(3), kind="injection", amount=1, balance=3, ref="m2"),
        one_more_draw("aaron", event_ts=3, drawn=3),
        both(change(LEDGER, "N-alice", ts=at(23)), one_more_draw("zoe", event_ts=2, drawn=23)),
    ],
    "chargeable_is_account_equity": [
        change(COMPARED, "bob", chargeable=more),
        change(COMPARED, "eve", chargeable=TINY),
        change(ACCOUNTS, "maker", equity=less),
        drop(ACCOUNTS, "maker"),
    ],
    "capped_rules_charge_what_is_there": [
        change(COMPARED, {"rule": rule, "account_id": "bob"}, charge=more(60))
        for rule in ("session_profit_prorata", "equity_prorata", "session_profit_floor")
    ]
    + [change(COMPARED, "carol", account_type="house")],
    "beyond_chargeable_sums": [
        change(TOTALS, "open_interest_prorata", beyond_chargeable=less),
        change(TOTALS, "adl_queue", beyond_chargeable=TINY),
        change(COMPARED, "eve", chargeable=TINY),
        drop(COMPARED, "eve"),
    ],
}  # fmt: skip
