"""Slices of a span of time: none missing, none twice, and their width learns."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.flowlogs.time_slices import FIRST_S, Slice, Slices

NOW = 1_800_000_000
seconds = st.integers(0, 2 * NOW)
learned = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 500_000)), max_size=50)


@given(first=seconds, length=seconds | st.none(), told=learned)
def test_together_they_are_the_span(first, length, told):
    last = None if length is None else first + length
    slices, found, told = Slices(first, last, NOW), [], iter(told)
    for each in slices:
        found.append(each)
        slices.learn(*next(told, (1, 0)))
        assert len(found) < 20_000
    assert (found[0].first, found[-1].last) == (first, last)
    for before, after in pairwise(found):
        assert before.last is not None and after.first == before.last + 1
    assert all(each.last is None or each.first <= each.last for each in found)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(None, None, [Slice(None, None)], id="no span"),
        pytest.param(None, NOW, [Slice(None, NOW)], id="no beginning"),
        pytest.param(NOW - 60, None, [Slice(NOW - 60, None)], id="a short one is one"),
        pytest.param(NOW + 60, None, [Slice(NOW + 60, None)], id="the future is one"),
        pytest.param(NOW, NOW, [Slice(NOW, NOW)], id="a second"),
        pytest.param(NOW - FIRST_S - 5, None,
                     [Slice(NOW - FIRST_S - 5, NOW - 6), Slice(NOW - 5, None)], id="two"),
    ],
)  # fmt: skip
def test_cuts(first, last, expected):
    assert list(Slices(first, last, NOW)) == expected


def test_quiet_years_take_few_slices_and_busy_hours_many():
    assert _count(Slices(0, None, NOW), 1, 0) < 12
    assert _count(Slices(NOW - 86_400, None, NOW), 40, 400_000) > 100


def _count(slices, pages, events):
    count = 0
    for count, _ in enumerate(slices, start=1):
        slices.learn(pages, events)
        if count > 1000:
            break
    return count
