"""The page's pieces: bars where their amounts are, and no delivered text that becomes markup."""

import pytest

from engine.numbers import E18
from readers.page.charts import Bar, Part, Scale, bar_chart, bridge, step_line
from readers.page.html import facts, table, tile


def test_what_was_delivered_never_becomes_markup() -> None:
    hostile = '<script>"&'
    safe = "&lt;script&gt;&quot;&amp;"
    bar = Bar(hostile, [], hostile, hostile)
    for html in (
        table(["a"], [[hostile]], hostile),
        facts([(hostile, hostile)]),
        tile(hostile, [(hostile, hostile)], hostile),
        bar_chart([bar], unit=hostile),
        step_line([(0, 1)], 0, 1, [hostile]),
    ):
        assert "<script>" not in html
        assert safe in html


def test_bridge_ends_where_it_closes() -> None:
    bars = bridge([("opening", 5 * E18, "level"), ("draws", -3 * E18, "out")], 2 * E18, 2)
    assert [(bar.label, bar.parts[0].start // E18, bar.parts[0].end // E18, bar.text) for bar in bars] == [
        ("opening", 0, 5, "5.00"),
        ("draws", 5, 2, "-3.00"),
        ("closing", 0, 2, "2.00"),
    ]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 24_662_978_010, [0, 10_000_000_000, 20_000_000_000]),
        (-52, 81, [-50, 0, 50]),
        (0, 1, [0, 1]),
        (-30, -10, [-30, -20, -10, 0]),
        (0, 0, [0, E18 // 2, E18]),
    ],
)
def test_axis_has_round_ticks_and_zero(low: int, high: int, ticks: list[int]) -> None:
    assert Scale.over([Bar("", [Part(low, high, "in")], "")]).ticks() == ticks


def test_bars_lie_where_their_amounts_are() -> None:
    html = bar_chart(
        [Bar("loss", [Part(0, -50 * E18, "in")], "-50"), Bar("gain", [Part(0, 150 * E18, "out")], "150")]
    )
    assert '<rect class="in" x="0" y="3" width="250" height="14"/>' in html
    assert '<rect class="out" x="250" y="3" width="750" height="14"/>' in html
    assert '<span style="left:25.0%">0</span>' in html


def test_balance_is_drawn_as_steps_and_its_extremes_stay() -> None:
    points = [(0, 100), (500, 40), (500, 0), (500, 60)]  # three movements at one instant
    html = step_line(points, 0, 1000, ["start", "end"])
    assert 'd="M0 0V0V0V0H500V80V200V80H1000"' in html
