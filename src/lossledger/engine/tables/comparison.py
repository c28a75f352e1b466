"""The tables rule_comparison and rule_totals of a session (rules.md section 14)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lossledger.engine.replayed import Replayed, Row
from lossledger.engine.rows import Snapshot
from lossledger.engine.rules.comparison import BY_EVENT, SharedLoss, Shortfall, Split, compare_rules
from lossledger.engine.rules.sharing import account_results, chargeable_amounts


def shortfall_instants(session: Replayed) -> list[int]:
    """The instants at which the rule comparison has to know the state of all accounts."""
    if not set(BY_EVENT) & set(session.terms.compared_rules):
        return []
    events = session.rows.negative_balances
    return sorted({n.ts for n in events if n.protected and session.shortfall(n.event_id, n.deficit) > 0})


def comparison_rows(session: Replayed, snapshots: Iterable[Snapshot]) -> tuple[list[Row], list[Row]]:
    """Section 14, for every currency with a shortfall; `snapshots` are of `shortfall_instants`."""
    by_instant: defaultdict[int, list[Snapshot]] = defaultdict(list)
    for snapshot in snapshots:
        if not session.accounts[snapshot.account_id].is_liquidator:  # it carries the fund's positions
            by_instant[snapshot.ts].append(snapshot)
    charges: list[Row] = []
    totals: list[Row] = []
    for currency in session.scales:
        shortfalls = [
            Shortfall(n, session.shortfall(n.event_id, n.deficit), by_instant[n.ts])
            for n in sorted(
                session.rows.negative_balances, key=lambda n: (n.ts, n.account_id, n.isolation, n.place)
            )
            if n.protected and n.currency == currency and session.shortfall(n.event_id, n.deficit) > 0
        ]
        if not shortfalls:
            continue
        results = account_results(session.rows.unit_sessions, session.accounts, currency)
        chargeable = chargeable_amounts(session.rows.unit_sessions, currency)
        loss = SharedLoss(shortfalls, results, session.terms.profit_floor_rate)
        for rule, split in compare_rules(loss, session.terms.compared_rules).items():
            payers, total = _rows_of(session, currency, split, chargeable, loss.total)
            charges += [{"rule": rule, **row} for row in payers]
            totals.append({"rule": rule, **total})
    return charges, totals


def _rows_of(
    session: Replayed, currency: str, split: Split, chargeable: Mapping[str, int], shortfall: int
) -> tuple[list[Row], Row]:
    """One rule's charges, each beside what the account has, and its totals."""
    payers = {a: c for a, c in sorted(split.charges.items()) if c > 0}
    charges = [
        {
            "account_id": account_id,
            "currency": currency,
            **session.account(account_id),
            "chargeable": session.money(currency, chargeable.get(account_id, 0)),
            "charge": session.money(currency, amount),
        }
        for account_id, amount in payers.items()
    ]
    amounts = {
        "shortfall": shortfall,
        "charged": sum(payers.values()),
        "to_fund": split.to_fund,
        "uncovered": split.uncovered,
        "beyond_chargeable": sum(max(0, c - chargeable.get(a, 0)) for a, c in payers.items()),
    }
    money = {name: session.money(currency, amount) for name, amount in amounts.items()}
    return charges, {"currency": currency, "payers": len(payers), **money}
