"""Lowest and highest marks of stretches, from blocks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lossledger.kernel.blocks import FAN, build


@given(st.lists(st.integers(1, 1000), max_size=5 * FAN**2), st.integers(0, 3))
def test_every_level_holds_the_extremes_of_the_level_below(marks: list[int], other: int) -> None:
    """Two instruments: the second one's blocks begin with its own ticks."""
    every = np.array([7] * other + marks, np.int64)
    tick_from, tick_to = np.array([0, other]), np.array([other, other + len(marks)])
    lowest, highest, starts, level_from, levels = build(every, tick_from, tick_to)
    below = marks
    for level in range(levels[1]):
        assert len(below) > FAN
        groups = [below[k : k + FAN] for k in range(0, len(below), FAN)]
        base = starts[level_from[1] + level]
        assert lowest[base : base + len(groups)].tolist() == [min(group) for group in groups]
        below = [min(group) for group in groups]
        if level == 0:
            assert highest[base : base + len(groups)].tolist() == [max(group) for group in groups]
    assert len(below) <= FAN
