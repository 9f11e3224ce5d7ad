"""Histograms: what is counted where, against plain counting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from photosync.histogram import empty


def test_an_empty_one_has_every_bucket() -> None:
    assert empty(0.1, 1.0).buckets == [("0.1", 0), ("1.0", 0), ("+Inf", 0)]


def test_a_bound_belongs_to_its_bucket() -> None:
    assert empty(0.1, 1.0).plus(0.1).buckets == [("0.1", 1), ("1.0", 1), ("+Inf", 1)]


@given(st.lists(st.floats(min_value=0, max_value=20)))
def test_each_bucket_counts_all_that_are_not_above_it(durations: list[float]) -> None:
    bounds = (0.01, 0.3, 3.0, 10.0)
    histogram = empty(*bounds)
    for seconds in durations:
        histogram = histogram.plus(seconds)
    expected = [sum(seconds <= bound for seconds in durations) for bound in bounds]
    assert [count for _, count in histogram.buckets] == [*expected, len(durations)]
    assert abs(histogram.sum_seconds - sum(durations)) < 1e-6


def test_one_that_was_read_does_not_change() -> None:
    before = empty(1.0)
    before.plus(0.5)
    assert before == empty(1.0)
