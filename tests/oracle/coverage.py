"""What occurs in the generated markets, counted over their oracle's tables and the fills that were delivered.

python -m tests.oracle.coverage FIRST_SEED LAST_SEED
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import time
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

from tests.oracle.markets import write_market
from tests.oracle.oracle import Oracle
from tests.oracle.policy import RULES

Tables = dict[str, list[dict[str, str]]]


def reached(landing: Path, first: dt.date, last: dt.date) -> Counter[str]:
    """Counts of what differential tests ought to meet, in one landing zone."""
    oracle = Oracle(landing, first, last, None, None)
    tables = oracle.run()
    seen = of_trades(oracle)
    for count in (of_episodes, of_losses, of_fund, of_draws, of_protection, of_rules, of_units, of_checks):
        seen.update(count(tables))
    seen["quarantined"] += len(tables["quarantine"])
    return seen


def of_episodes(tables: Tables) -> Counter[str]:
    """Ended liquidations, their positions and causes."""
    seen: Counter[str] = Counter()
    for row in tables["liquidations"]:
        seen[f"episode {row['execution']} {row['end_reason']} by {row['trigger']}"] += 1
        seen["episode over midnight"] += row["triggered_at"][:10] != row["ended_at"][:10]
        seen["episode with surplus"] += row["surplus"] != "0"
        seen["episode with a rebate"] += row["liquidation_fees"].startswith("-")
        seen["episode isolated"] += row["isolation"] != ""
    causes = defaultdict(set)
    for row in tables["loss_components"]:
        seen[f"component {row['component']}"] += 1
        causes[row["account_id"], row["isolation"], row["triggered_at"]].add(row["component"])
    seen["episode with adl and execution"] += sum({"adl", "execution"} <= found for found in causes.values())
    for row in tables["liquidation_positions"]:
        quantity = abs(Decimal(row["quantity"]))
        seen["position opened after the start"] += quantity == 0
        seen["position without a mark"] += row["mark_price"] == ""
        seen["position without liquidation fills"] += row["liquidation_fills"] == "0"
        seen["position closed by several fills"] += row["liquidation_fills"] not in ("0", "1")
        seen["position turned by its liquidation"] += Decimal(row["filled_quantity"]) > quantity > 0
    return seen


def of_losses(tables: Tables) -> Counter[str]:
    """Negative balances and how sessions shared them."""
    seen: Counter[str] = Counter()
    for row in tables["negative_balances"]:
        seen[f"negative {row['cause']} protected={row['protected']}"] += 1
        seen["negative with shortfall"] += row["shortfall"] != "0"
        seen["negative partly drawn"] += row["shortfall"] != "0" and row["fund_draw"] != "0"
        if row["protected"] == "true":
            moved = Decimal(row["session_transfers"])
            seen["covered after money " + ("in" if moved > 0 else "out" if moved else "neither")] += 1
    for row in tables["session_losses"]:
        seen[f"loss session, {row['method']}"] += row["shortfall"] != "0"
        seen["session uncovered in part"] += row["uncovered"] != "0" and row["socialised"] != "0"
        seen["session charged in full"] += row["uncovered"] == "0" and row["socialised"] != "0"
    for row in tables["adl_losses"]:
        seen["adl loss" if row["amount"] != "0" else "adl without loss"] += 1
        seen["adl gain"] += row["amount"].startswith("-")
        seen["adl unmarked"] += row["mark_price"] == ""
        seen["adl against one"] += row["against_account_id"] != ""
    seen["account charged"] += len(tables["socialised_losses"])
    return seen


def of_fund(tables: Tables) -> Counter[str]:
    """Movements of the fund."""
    seen: Counter[str] = Counter()
    for row in tables["insurance_fund_ledger"]:
        seen[f"fund {row['kind']}"] += 1
        seen["fund below zero"] += row["balance"].startswith("-")
    return seen


def of_draws(tables: Tables) -> Counter[str]:
    """Draws at their events and at the session's end."""
    seen: Counter[str] = Counter()
    events = {
        (row["currency"], row["ts"]) for row in tables["negative_balances"] if row["protected"] == "true"
    }
    late = set()
    for row in tables["insurance_fund_ledger"]:
        if row["kind"] == "draw":
            at_event = (row["currency"], row["ts"]) in events
            seen["draw at its event" if at_event else "draw at the session's end"] += 1
            if not at_event:
                late.add((row["business_date"], row["currency"], row["ts"][:26]))
    dates = {date for date, _, _ in late}
    seen["market with draws of both kinds"] += bool(late) and seen["draw at its event"] > 0
    for row in tables["negative_balances"]:
        if row["business_date"] in dates and row["protected"] == "true":
            seen["shortfall left by draws at the session's end"] += row["shortfall"] != "0"
    for row in tables["insurance_fund_daily"]:
        spoken_for = row["draws"] != "0" and row["lowest"] == row["closing"]
        seen["lowest after draws at the session's end"] += row["business_date"] in dates and spoken_for
    for row in tables["reconciliation"]:
        if row["rule"] == "venue_fund_balance":
            currency, ts = row["key"].split("|")
            seen["venue's fund balance at late draws"] += (row["business_date"], currency, ts[:26]) in late
    return seen


def of_protection(tables: Tables) -> Counter[str]:
    """Protection per account, and classes that change between a loss and the session's end."""
    seen: Counter[str] = Counter()
    at_end = {}
    for row in tables["protection_daily"]:
        at_end[row["business_date"], row["account_id"]] = row["client_class"]
        seen["protected account with several events"] += row["events"] != "1"
        seen["protected account with nothing left"] += row["account_equity"] == "0"
        within = Decimal(row["within_account_equity"])
        seen["deficit within the account's equity"] += within == Decimal(row["deficit"])
        seen["deficit within it in part"] += 0 < within < Decimal(row["deficit"])
    for row in tables["negative_balances"]:
        later = at_end.get((row["business_date"], row["account_id"]), row["client_class"])
        seen["class changed after the loss"] += later != row["client_class"]
    return seen


def of_rules(tables: Tables) -> Counter[str]:
    """The comparison of rules."""
    seen: Counter[str] = Counter()
    compared = defaultdict(set)
    for row in tables["rule_totals"]:
        compared[row["business_date"], row["currency"]].add(row["rule"])
        seen[f"rule {row['rule']} charged"] += row["charged"] != "0"
        seen[f"rule {row['rule']} uncovered"] += row["uncovered"] != "0"
        seen[f"rule {row['rule']} beyond chargeable"] += row["beyond_chargeable"] != "0"
        seen["rule to_fund"] += row["to_fund"] != "0"
    seen["some rules compared"] += sum(len(rules) < len(RULES) for rules in compared.values())
    seen["no rule compared"] += sum(
        row["shortfall"] != "0" and (row["business_date"], row["currency"]) not in compared
        for row in tables["session_losses"]
    )
    for row in tables["rule_comparison"]:
        seen["rule comparison row"] += 1
        seen["house charged under a compared rule"] += row["account_type"] == "house"
    return seen


def of_units(tables: Tables) -> Counter[str]:
    """Accounts, positions and debts at the end of sessions."""
    seen: Counter[str] = Counter()
    for row in tables["receivables_daily"]:
        seen["recovery"] += row["recovered"] != "0"
        seen["recovery and new debt"] += row["recovered"] != "0" and row["new_debt"] != "0"
    for row in tables["account_daily"]:
        charged = row["socialised_charge"] != "0"
        seen["charge booked"] += charged
        seen["charge booked on an isolated unit"] += charged and row["isolation"] != ""
        seen["opening unrealised profit"] += row["opening_unrealised_pnl"] != "0"
        seen["negative equity with position"] += (
            row["equity"].startswith("-") and row["unrealised_pnl"] != "0"
        )
    seen["unit unmarked position"] += sum(row["mark_price"] == "" for row in tables["positions_daily"])
    return seen


def of_checks(tables: Tables) -> Counter[str]:
    """Reconciliations, those that break and those that cannot tell."""
    seen: Counter[str] = Counter()
    for row in tables["reconciliation"]:
        broken = row["break"] != "" and abs(Decimal(row["break"])) > Decimal(row["tolerance"])
        seen[f"recon {row['rule']}" + (" broken" if broken else " null" if row["break"] == "" else "")] += 1
    return seen


def of_trades(oracle: Oracle) -> Counter[str]:
    """Liquidation fills by who took them; under simulated execution all of them are ignored."""
    seen: Counter[str] = Counter()
    rejected = {
        (row["instrument_id"], row["trade_id"], row["ts"])
        for row in oracle.landing.rejected
        if row["_at"]["dataset"] == "fills" and row["kind"] == "adl"
    }
    for trade, fills in oracle.trades.items():
        for fill in fills:
            if fill["kind"] != "liquidation" or not oracle.book.is_client(fill["account_id"]):
                continue
            others = [f for f in fills if f is not fill]
            takers = [f for f in others if f["kind"] == "adl"]
            now = [f for f in takers if f["ts"] == fill["ts"]]
            mixed = any(f["kind"] == "normal" and f["ts"] == fill["ts"] for f in others)
            seen["liquidation taken by adl" + (" and others" if mixed else "")] += bool(now)
            seen["liquidation taken by several adl"] += len(now) > 1
            seen["liquidation with adl at another time only"] += bool(takers) and not now
            if (*trade, fill["ts"]) in rejected:
                seen["adl quarantined" + (", another accepted" if now else ", none accepted")] += 1
    return seen


def main(first: int, last: int) -> None:
    """Prints a count per occurrence and the markets in which it is, for both executions."""
    total: Counter[str] = Counter()
    markets: Counter[str] = Counter()
    slowest = 0.0
    for seed in range(first, last + 1):
        for execution in ("recorded", "simulated"):
            with tempfile.TemporaryDirectory() as folder:
                begin, end = write_market(Path(folder), seed, execution)
                started = time.monotonic()
                seen = reached(Path(folder), begin, end)
                slowest = max(slowest, time.monotonic() - started)
            total += seen
            markets.update(k for k, v in seen.items() if v)
    for name, number in sorted(total.items()):
        print(f"{number:7d} in {markets[name]:3d}  {name}")
    print(f"slowest compute: {slowest:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
