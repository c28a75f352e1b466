"""What occurs in the generated markets, counted over their oracle's tables.

python -m tests.oracle.coverage FIRST_SEED LAST_SEED
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.oracle.markets import write_market
from tests.oracle.oracle import compute


def occurrences(tables: dict[str, list[dict[str, str]]]) -> Counter[str]:
    """Counts of what differential tests ought to meet."""
    seen: Counter[str] = Counter()
    for row in tables["liquidations"]:
        seen[f"episode {row['execution']} {row['end_reason']} by {row['trigger']}"] += 1
        seen["episode over midnight"] += row["triggered_at"][:10] != row["ended_at"][:10]
        seen["episode with surplus"] += row["surplus"] != "0"
        seen["episode with a rebate"] += row["liquidation_fees"].startswith("-")
        seen["episode isolated"] += row["isolation"] != ""
    for row in tables["negative_balances"]:
        seen[f"negative {row['cause']} protected={row['protected']}"] += 1
        seen["negative with shortfall"] += row["shortfall"] != "0"
        seen["negative partly drawn"] += row["shortfall"] != "0" and row["fund_draw"] != "0"
    for row in tables["session_losses"]:
        seen[f"loss session, {row['method']}"] += row["shortfall"] != "0"
        seen["session uncovered in part"] += row["uncovered"] != "0" and row["socialised"] != "0"
        seen["session charged in full"] += row["uncovered"] == "0" and row["socialised"] != "0"
    for row in tables["insurance_fund_ledger"]:
        seen[f"fund {row['kind']}"] += 1
        seen["fund below zero"] += row["balance"].startswith("-")
    for row in tables["loss_components"]:
        seen[f"component {row['component']}"] += 1
    for row in tables["adl_losses"]:
        seen["adl loss" if row["amount"] != "0" else "adl without loss"] += 1
        seen["adl unmarked"] += row["mark_price"] == ""
        seen["adl against one"] += row["against_account_id"] != ""
    for row in tables["receivables_daily"]:
        seen["recovery"] += row["recovered"] != "0"
        seen["recovery and new debt"] += row["recovered"] != "0" and row["new_debt"] != "0"
    for row in tables["rule_totals"]:
        seen[f"rule {row['rule']} charged"] += row["charged"] != "0"
        seen[f"rule {row['rule']} uncovered"] += row["uncovered"] != "0"
        seen["rule to_fund"] += row["to_fund"] != "0"
    for row in tables["reconciliation"]:
        broken = row["break"] != "" and abs(Decimal(row["break"])) > Decimal(row["tolerance"])
        seen[f"recon {row['rule']}" + (" broken" if broken else " null" if row["break"] == "" else "")] += 1
    for row in tables["account_daily"]:
        seen["charge booked"] += row["socialised_charge"] != "0"
        seen["charge booked on an isolated unit"] += (
            row["socialised_charge"] != "0" and row["isolation"] != ""
        )
    seen["account charged"] += len(tables["socialised_losses"])
    seen["rule comparison row"] += len(tables["rule_comparison"])
    seen["unit unmarked position"] += sum(row["mark_price"] == "" for row in tables["positions_daily"])
    seen["negative equity with position"] += sum(
        row["equity"].startswith("-") and row["unrealised_pnl"] != "0" for row in tables["account_daily"]
    )
    seen["quarantined"] += len(tables["quarantine"])
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
                seen = occurrences(compute(Path(folder), begin, end))
                slowest = max(slowest, time.monotonic() - started)
            total += seen
            markets.update(k for k, v in seen.items() if v)
    for name, number in sorted(total.items()):
        print(f"{number:7d} in {markets[name]:3d}  {name}")
    print(f"slowest compute: {slowest:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
