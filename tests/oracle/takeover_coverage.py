"""Which branches of section 15, and of the steps of section 8, happen in a market: counts of a watched replay.

python -m tests.oracle.takeover_coverage FIRST_SEED LAST_SEED
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.oracle.book import Episode
from tests.oracle.fields import Row
from tests.oracle.lots import Closing
from tests.oracle.markets import write_market
from tests.oracle.oracle import Oracle
from tests.oracle.watched import Watched


def count_all(oracle: Watched) -> Counter[str]:
    """Runs the replay and counts what happens in it."""
    tables = oracle.run()
    for session in oracle.sessions:
        execution = oracle.policy.at(session.end - 1, "execution")
        for closing in session.closings:
            of_closing(oracle, closing, session.start, oracle.seen)
        for row in session.fund_rows:
            sign = "in" if row["amount"] > 0 else "out"
            oracle.seen[f"fund {row['kind']} {sign}"] += 1
            if row["kind"] == "takeover_funding":
                oracle.seen[f"funding of a liquidator, {oracle.policy.at(row['ts'], 'execution')}"] += 1
        of_events(oracle, session.negative, session.end - 1)
        of_components(session.ended, oracle.seen)
        for lot in tables["takeover_inventory"]:
            if lot["business_date"] == session.day.isoformat():
                kind = "recorded" if lot["lot_id"] else "simulated"
                oracle.seen[f"{kind} lot open at the end, {execution}"] += 1
                oracle.seen["lot without a mark"] += lot["mark_price"] == ""
    for row in tables["account_daily"]:
        oracle.seen["settlement of a liquidator"] += row["fund_settlement"] != "0"
    margins_of(oracle)
    return oracle.seen


def of_closing(oracle: Oracle, closing: Closing, start: int | None, seen: Counter[str]) -> None:
    """One closing: of which lot, when, by whom, with which result."""
    lot, kind = closing.lot, "simulated" if closing.lot.simulated else "recorded"
    result = closing.result(oracle.book)
    seen[f"{kind} closing: {'gain' if result > 0 else 'loss' if result else 'nothing'}"] += 1
    seen[f"{kind} closing by {closing.by}"] += 1
    seen[f"{kind} closing at the opening's instant"] += closing.ts == lot.opened_at
    seen[f"{kind} closing in a later session"] += start is not None and lot.opened_at < start
    seen[f"{kind} closing under {oracle.policy.at(closing.ts, 'execution')}"] += 1
    seen[f"{kind} closing of {'an unknown' if lot.source is None else 'a known'} origin"] += 1
    seen[f"{kind} closing isolated"] += lot.holder.isolation != ""
    seen[f"{kind} closing of an inverse contract"] += oracle.book.direction(lot.instrument) < 0
    seen["closing of a part"] += lot.quantity > 0 and kind == "recorded"
    seen["closing without a mark"] += lot.mark is None or closing.mark is None
    renamed = oracle.policy.at(closing.ts, "liquidator_account") != lot.holder.account
    seen["closing for an account no longer named"] += renamed and kind == "simulated"
    if lot.lot_id:
        mine = [f for fills in oracle.trades.values() for f in fills if f["fill_id"] == lot.lot_id]
        sides = [f for f in oracle.trades[mine[0]["instrument_id"], mine[0]["trade_id"]]
                 if f["ts"] == lot.opened_at]  # fmt: skip
        taken = [f for f in sides if f["kind"] == "liquidation" and oracle.book.is_client(f["account_id"])]
        seen["lot with several origins"] += len(taken) > 1
        seen["lot isolated where it came from"] += bool(lot.source and lot.source.unit.isolation)


def of_events(oracle: Watched, events: list[Row], last: int) -> None:
    """Events of takeover, and what the fund and the event rules make of them."""
    seen, draws = oracle.seen, oracle.policy.at(last, "fund_draws")
    times = Counter((e["ts"], e["unit"].currency) for e in events if e["protected"])
    for event in events:
        if event["cause"] != "takeover":
            continue
        closing = event["closing"]
        part = "nothing" if not event["fund_draw"] else "all" if not event["shortfall"] else "a part"
        seen[f"loss: the fund pays {part}"] += 1
        seen[f"loss, draws {draws}"] += 1
        seen["loss beside others of its instant"] += times[event["ts"], event["unit"].currency] > 1
        seen["loss of a class of its own"] += event["client_class"] != "institutional"
        rule = oracle.policy.at(event["ts"], "fund_draw_rule")
        seen["loss left by all_or_nothing"] += rule == "all_or_nothing" and not event["fund_draw"]
        if event["shortfall"]:
            origin = "known" if closing.lot.source else "unknown"
            seen[f"shortfall of {origin} origin shared by open interest"] += bool(event["weights"])
            seen[f"shortfall of {origin} origin shared along a queue"] += any(
                queue.given for queue in event["queues"].values()
            )


def of_components(episodes: list[Episode], seen: Counter[str]) -> None:
    """The causes takeover and adl, by the kind of execution."""
    for episode in episodes:
        for (component, _), amount in episode.components.items():
            if component == "takeover" and amount:
                sign = "left to the fund" if amount > 0 else "taken over beyond"
                seen[f"component takeover {episode.execution}: {sign}"] += 1
        names = {component for (component, _), amount in episode.components.items() if amount}
        seen["component adl"] += "adl" in names


def margins_of(oracle: Watched) -> None:
    """Positions at the very end whose margin is another under the other policies."""
    book, t = oracle.book, oracle.end - 1
    real, found = oracle.policy, {}
    for name, values in (("marginal", {}), ("whole", {"margin_on": "whole"}),
                         ("quantity", {"margin_on": "whole", "tier_floor": "quantity"})):  # fmt: skip
        book.policy = type(real)([], dict(values), oracle.landing.currencies)
        found[name] = [book.margin(unit, t) for unit in book.units.values()]
    book.policy = real
    oracle.seen["margin on the whole is another"] += found["marginal"] != found["whole"]
    oracle.seen["margin by quantity is another"] += found["whole"] != found["quantity"]


def main(first: int, last: int) -> None:
    """Prints a count per occurrence and the markets in which it is, for both executions."""
    total: Counter[str] = Counter()
    markets: Counter[str] = Counter()
    spent = []
    for seed in range(first, last + 1):
        for execution in ("recorded", "simulated"):
            with tempfile.TemporaryDirectory() as folder:
                days = write_market(Path(folder), seed, execution, takeover=True)
                started = time.process_time()
                seen = count_all(Watched(Path(folder), *days))
                spent.append(time.process_time() - started)
            total += seen
            markets.update(k for k, v in seen.items() if v)
    for name, number in sorted(total.items()):
        print(f"{number:7d} in {markets[name]:3d}  {name}")
    print(f"compute: {sum(spent) / len(spent):.3f} s on average, {max(spent):.3f} s at most")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
