"""Charts: bars from zero, a crash drawn large, the first shortfall marked, the same text every time, no browser."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lossledger.readers.charts import fund_chart, loss_charts
from lossledger.readers.charts.style import PALETTE, busiest, svg
from tests.report.drawings import drawings

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
E18 = 10**18


def crash() -> fund_chart.Balance:
    """A day on which the fund is drawn within six minutes."""
    start, crash = 0, 20 * 60 * MINUTE
    draws = [crash + n * 20_000_000 for n in range(18)]
    points = [(start, 100 * E18), *((ts, (95 - 5 * n) * E18) for n, ts in enumerate(draws)), (DAY, 5 * E18)]
    return fund_chart.Balance("USDT", points, draws, draws[10])


def test_six_minutes_of_a_day_are_drawn_apart() -> None:
    assert fund_chart.is_crowded(crash())
    close = fund_chart.zoom_in(crash())
    start, end = close.points[0][0], close.points[-1][0]
    assert end - start < 6 * MINUTE
    assert close.points[0][1] in {point[1] for point in crash().points}  # the balance at its beginning
    assert close.first_shortfall in (None, crash().first_shortfall)


def test_draws_over_the_whole_day_need_no_second_chart() -> None:
    spread = fund_chart.Balance("USDT", [(0, E18), (DAY, 0)], list(range(0, DAY, DAY // 10)), None)
    assert not fund_chart.is_crowded(spread)


def test_busiest_is_the_shortest_stretch_with_half_of_the_times() -> None:
    assert busiest([0, 100, 101, 102, 300]) == (100, 102)
    assert busiest([7]) == (7, 7)


def test_axes_begin_at_zero_and_have_their_unit() -> None:
    for chart in (
        fund_chart.balance(crash(), 400),
        loss_charts.paid("BTC", [("2025-10-10", 3 * E18, 2 * E18, E18)], 400),
        loss_charts.causes("BTC", [loss_charts.Cause("fees", "fees of all fills", -E18)], 400),
    ):
        tree = chart.to_dict(validate=False)
        encodings = [layer["encoding"] for layer in tree.get("layer", [tree])]
        amounts = [e[a] for e in encodings for a in ("x", "y") if e.get(a, {}).get("type") == "quantitative"]
        assert amounts
        for axis in amounts:
            assert axis["scale"]["zero"] is True
            assert "USDT" in axis["title"] or "BTC" in axis["title"]


def test_a_balance_is_not_stacked_where_movements_share_an_instant() -> None:
    """Three movements at one instant: the axis ends at the largest balance, not at their sum."""
    points = [
        (0, 100 * E18),
        (MINUTE, 90 * E18),
        (MINUTE, 80 * E18),
        (MINUTE, 70 * E18),
        (2 * MINUTE, 60 * E18),
    ]
    text = svg(fund_chart.balance(fund_chart.Balance("USDT", points, [MINUTE], None), 400))
    assert ">100<" in text
    assert ">200<" not in text


def test_of_many_movements_the_extremes_are_drawn() -> None:
    points = [(n, E18 * (n % 50)) for n in range(10_000)]
    kept = fund_chart.thin_points(points, 100)
    assert len(kept) <= 404
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert {balance for _, balance in kept} >= {0, 49 * E18}
    assert fund_chart.thin_points(points[:300], 100) == points[:300]


def test_first_shortfall_is_named_and_the_drawing_is_always_the_same() -> None:
    one, two = (svg(fund_chart.balance(crash(), 400)) for _ in range(2))
    assert one == two
    assert "first shortfall 20:03:20" in one


def test_only_colours_of_the_palette_are_used() -> None:
    import re

    text = svg(loss_charts.rules("USDT", [("adl queue", (4 * E18, 3 * E18, 2 * E18, E18))], 400))
    assert set(re.findall(r"#[0-9a-f]{6}", text)) <= set(PALETTE.values())


def encodings(tree: Any) -> Iterator[dict[str, Any]]:
    """What every layer draws by."""
    yield from [tree["encoding"]] if "encoding" in tree else []
    for layer in tree.get("layer", ()):
        yield from encodings(layer)


def test_every_time_that_is_drawn_is_utc() -> None:
    """Of a layer without the scale Vega names times in the zone of the machine, or of the browser."""
    times = [
        (name, at)
        for name, chart in drawings()
        for encoding in encodings(chart.to_dict(validate=False))
        for at in encoding.values()
        if isinstance(at, dict) and at.get("type") == "temporal"
    ]
    assert len(times) >= 16
    assert [name for name, at in times if at.get("scale", {}).get("type") != "utc"] == []


def drawn_in(zone: str) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.report.drawings"]
    made = subprocess.run(command, env={**os.environ, "TZ": zone}, capture_output=True, check=True)
    found: dict[str, str] = json.loads(made.stdout)
    return found


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Europe/Berlin"])
def test_a_chart_is_the_same_text_in_every_time_zone(zone: str) -> None:
    assert drawn_in(zone) == {name: svg(chart) for name, chart in drawings()}
