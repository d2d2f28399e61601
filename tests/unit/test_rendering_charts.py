"""The scale of the line charts."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from observatory.rendering.charts import _tick_decimals, round_ticks

VALUES = st.floats(-1e7, 1e7).map(lambda value: round(value, 6))


@given(VALUES, VALUES)
@example(0.0, 0.0)
@example(12.3, 12.300000000000002)
@example(31_606.0, 32_697.0)
def test_ticks_are_few_round_and_enclose_the_values(one, other):
    low, high = sorted((one, other))
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert all(left < right for left, right in pairwise(ticks))
    margin = 1e-8 * max(abs(low), abs(high))
    assert ticks[0] <= low + margin
    assert ticks[-1] >= high - margin
    assert _tick_decimals(ticks) >= 0
