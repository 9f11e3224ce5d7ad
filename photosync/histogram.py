"""Histogram: durations counted by their size, as Prometheus wants them; pure and immutable, for any thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple


class Histogram(NamedTuple):
    """`bounds` are the buckets' upper bounds in seconds, ascending; `counts` has one more, for all above."""

    bounds: Sequence[float]
    counts: tuple[int, ...]
    sum_seconds: float = 0.0

    def plus(self, seconds: float) -> Histogram:
        place = bisect_left(self.bounds, seconds)
        counts = (*self.counts[:place], self.counts[place] + 1, *self.counts[place + 1 :])
        return Histogram(self.bounds, counts, self.sum_seconds + seconds)

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound as Prometheus spells it, and how many were not above it."""
        return list(zip((*map(str, self.bounds), "+Inf"), accumulate(self.counts), strict=True))


def empty(*bounds: float) -> Histogram:
    return Histogram(bounds, (0,) * (len(bounds) + 1))
