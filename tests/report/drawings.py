"""One of every chart, its marks late in the UTC date; run alone it prints them as SVG."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from lossledger.engine.clock import day_start_us
from lossledger.engine.numbers import E18
from lossledger.readers.charts import daily_charts, fund_chart, loss_charts, path_charts
from lossledger.readers.charts.cause_chart import waterfall
from lossledger.readers.charts.style import svg

MINUTE = 60_000_000
DAYS = (date(2025, 10, 10), date(2025, 10, 11))
START = day_start_us(DAYS[0])
EARLY, LATE = START + 12 * MINUTE, START + (21 * 60 + 12) * MINUTE


def drawings() -> Iterator[tuple[str, Any]]:
    """Name and chart. In Tokyo LATE is the next date, in New York EARLY the date before."""
    causes = [
        loss_charts.Cause("fees", "fees", -E18),
        loss_charts.Cause("market_move", "the market moved on", 3 * E18),
    ]
    moments = [path_charts.TimeMark(EARLY, "triggered"), path_charts.TimeMark(LATE, "ended")]
    points = [(START, 3 * E18), (EARLY, 2 * E18), (LATE, E18), (LATE + MINUTE, E18)]
    for first in (EARLY, LATE):
        series = fund_chart.Balance("USDT", points, [EARLY, LATE], first)
        yield f"balance {first}", fund_chart.balance(series, 400)
        events = [(EARLY, E18, 0 if first == LATE else E18), (LATE, E18, E18)]
        yield f"growth {first}", loss_charts.growth(loss_charts.Growth("USDT", events), 400)
    yield "paid", loss_charts.paid("USDT", [("2025-10-10", 3 * E18, 2 * E18, E18)], 400)
    yield "rules", loss_charts.rules("USDT", [("adl queue", (4 * E18, 3 * E18, 2 * E18, E18))], 400)
    yield "causes", loss_charts.causes("USDT", causes, 400)
    yield "equity", path_charts.equity("USDT", points, points, moments, 400)
    yield "marks", path_charts.marks("BTC-USDT", points, moments, 400)
    yield (
        "lines",
        daily_charts.lines("USDT", "balance", [daily_charts.Line("fund", [(d, E18) for d in DAYS])], 400),
    )
    yield "bars", daily_charts.bars("USDT", "paid", {"fund": "blue"}, [(d, [E18]) for d in DAYS], 400)
    yield "waterfall", waterfall("USDT", causes, "the deficits", 400)


if __name__ == "__main__":
    print(json.dumps({name: svg(chart) for name, chart in drawings()}))
