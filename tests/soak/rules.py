"""What must not happen, each rule as a pure function that gives a sentence for each time it did."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from statistics import median
from typing import NamedTuple

from .gauges import Sample
from .kiosks import Showing

INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 1.0
FRESH_SECONDS = 2 * INTERVAL_SECONDS + 2.0
"""An interval, one look at the albums on a busy machine, and an interval more in case an album changed meanwhile."""

LONGEST_NAS_WAIT_SECONDS = 60.0  # between two tries, with so short an interval
MEMORY_NOISE_BYTES = 2_000_000
MEMORY_BYTES_PER_HOUR = 1_000_000
DESCRIPTORS_NOISE = 8  # connections of clients and to the NAS come and go
THREADS_NOISE = 2  # pools start their threads when they are first needed
_WINDOWS = 24
_LEFT_OVER = 3
_NEVER = float("inf")

_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR|CRITICAL) (.*)")
_FORESEEN = re.compile(r"(The NAS|The album|The album '[^']*') cannot be read: .|The NAS gives no pictures: .")


class Stretch(NamedTuple):
    begin: float
    end: float


class Troubles:
    """When something kept the NAS from answering as it should, up to the `end` of the soak.

    Each stretch is longer than its cause by a time-out: calls that were begun in it may end so late.
    """

    def __init__(self, causes: Iterable[tuple[float, float]], end: float) -> None:
        self.end = end
        self.stretches: list[Stretch] = []
        for begin, stop in sorted(causes):
            stop += TIMEOUT_SECONDS + 0.2
            if self.stretches and begin <= self.stretches[-1].end:
                begin, stop = self.stretches[-1].begin, max(stop, self.stretches.pop().end)
            self.stretches.append(Stretch(begin, stop))

    def meet(self, begin: float, end: float) -> bool:
        """Whether there was trouble at any time between."""
        place = bisect_right(self.stretches, end, key=lambda stretch: stretch.begin)
        return place > 0 and self.stretches[place - 1].end >= begin

    def calms(self) -> Iterator[tuple[Stretch, float]]:
        """The stretches between, and from when in each the album is certainly looked at every interval again.

        After D seconds of trouble the wait for the next try is at most 2 D + 2: waits double from 2 seconds on and
        are halved at most, so that those before it took half of it less one. A calm that is shorter than its wait
        counts as trouble for the next one.
        """
        away_since: float | None = None
        for before, after in pairwise([Stretch(0.0, 0.0), *self.stretches, Stretch(self.end, self.end)]):
            wait = 0.0
            if before.end > 0:
                away_since = before.begin if away_since is None else away_since
                wait = min(2 * (before.end - away_since) + 2, LONGEST_NAS_WAIT_SECONDS)
            if before.end + wait <= after.begin:
                away_since = None
                yield Stretch(before.end, after.begin), before.end + wait


def without_photo(showings: Sequence[Showing]) -> list[str]:
    """Once a kiosk had its first photo, each answer to /files brings one."""
    first = next((place for place, showing in enumerate(showings) if showing.photo is not None), len(showings))
    return [f"no photo at {one.began:.1f} s: {one.problem}" for one in showings[first:] if one.photo is None] or (
        [] if first < len(showings) else ["never a photo"]
    )


def is_fresh(one: Showing, troubles: Troubles) -> bool:
    """Whether it must know of all that happened FRESH_SECONDS before: there was no trouble since, and it is not marked
    as an answer from an old catalog, as those are that come while the NAS is not asked.
    """
    return not one.stale and not troubles.meet(one.began - FRESH_SECONDS, one.answered)


def out_of_date(
    showings: Sequence[Showing],
    retired: Mapping[tuple[int, int | None], float],
    gone: Mapping[int, float],
    troubles: Troubles,
) -> list[str]:
    """A fresh answer does not show a picture (photo, edit) that was replaced or removed, and none at all shows a photo
    that /files/list no longer has. No id comes back.
    """
    problems = []
    for one in showings:
        if one.photo is None:
            continue
        fresh = is_fresh(one, troubles)
        limit = retired.get((one.photo, one.edit), _NEVER) + FRESH_SECONDS if fresh else _NEVER
        limit = min(limit, gone.get(one.photo, _NEVER))
        if one.began > limit:
            late = f"{one.began - limit:.1f} s late"
            problems.append(f"photo {one.photo} (edit {one.edit}) was shown at {one.began:.1f} s, {late}")
    return problems


def never_fresh(showings: Sequence[Showing], troubles: Troubles) -> list[str]:
    """Once the NAS is back and has certainly been asked again, no answer is marked as old."""
    return [
        f"still from an old catalog at {one.began:.1f} s, {one.began - calm.begin:.1f} s after the trouble was over"
        for calm, asked_at in troubles.calms()
        for one in showings
        if one.stale and asked_at + FRESH_SECONDS < one.began and one.answered < calm.end
    ]


def repeats(
    showings: Sequence[Showing],
    troubles: Troubles,
    unwell: Mapping[int, Sequence[Sequence[float]]],
    sizes: Sequence[tuple[float, int]],
) -> list[str]:
    """A deck deals every photo of the album once before any comes again, and never one twice in a row.

    That can be judged while photos come from the deck, which they do not when the due ones cannot be had: then any
    that is held may be shown, out of turn. So only calm stretches count, in which no answer was late, from an old
    catalog, or near a trouble. A stretch begins and ends within a round: it must fall into the end of a round, whole
    rounds and the beginning of one, without a repeat in any. What the trouble before it still may have left:

    - a photo that was due at the seam and was missed is dealt late, in the next round, where it has its own turn, too.
      Two photos are drawn ahead, and one is being drawn: so many repeats are right in the first round of a stretch;
    - `unwell` photos (id: when) are missed and come back when they are well, perhaps a round later: they do not count.

    A whole round has as many different photos as the smallest of the album's `sizes` (time, photos) meanwhile, but
    for the unwell ones and those drawn ahead, which may have been removed or dealt at the other side of the seam.
    """
    problems = []
    for stretch in calm_stretches(showings, troubles):
        begin, end = stretch[0].began, stretch[-1].answered
        for one, other in pairwise(stretch):
            if one.photo == other.photo:
                problems.append(f"photo {one.photo} was shown twice in a row at {one.began:.1f} s")
        ill = {photo for photo, times in unwell.items() if any(a <= end and b >= begin for a, b in times)}
        dealt = [one.photo for one in stretch if one.photo is not None and one.photo not in ill]
        least = _smallest(sizes, begin, end) - len(ill) - _LEFT_OVER
        if not in_rounds(dealt, least):
            problems.append(f"from {begin:.1f} to {end:.1f} s these are no rounds of {least} or more: {dealt}")
    return problems


def in_rounds(dealt: Sequence[int], least: int) -> bool:
    """Whether it is the end of a round (with up to three repeats), whole rounds of `least` or more different ones, and
    the beginning of a round.
    """
    seams = {place for place in range(len(dealt) + 1) if place - len(set(dealt[:place])) <= _LEFT_OVER}
    for seam in range(len(dealt) + 1):
        if seam not in seams:
            continue
        seen: set[int] = set()
        for place in range(seam, len(dealt)):
            if place - seam >= max(least, 1):
                seams.add(place)
            if dealt[place] in seen:
                break
            seen.add(dealt[place])
        else:
            return True
    return False


def calm_stretches(showings: Sequence[Showing], troubles: Troubles) -> list[list[Showing]]:
    """Runs of showings that can be judged as a deck's."""
    stretches: list[list[Showing]] = [[]]
    before = 0.0
    for one in showings:
        late = one.answered - one.began >= TIMEOUT_SECONDS
        if one.photo is None or one.stale or late or troubles.meet(before, one.answered):
            stretches.append([])
        if not (one.photo is None or one.stale or late or troubles.meet(one.began, one.answered)):
            stretches[-1].append(one)
        before = one.answered
    return [stretch for stretch in stretches if len(stretch) > 1]


def _smallest(sizes: Sequence[tuple[float, int]], begin: float, end: float) -> int:
    """The smallest number seen between, and at the last look before."""
    last_before = max((at for at, _ in sizes if at < begin), default=begin)
    return min((size for at, size in sizes if last_before <= at <= end), default=0)


def slope_of(points: Sequence[tuple[float, float]]) -> float:
    """What the values rise by in a second, by Theil and Sen: the median slope between all pairs of windows, each taken
    at its own median, so that spikes do not move it.
    """
    if len(points) < 2:
        return 0.0
    size = -(-len(points) // _WINDOWS)
    windows = [points[at : at + size] for at in range(0, len(points), size)]
    middles = [(median(at for at, _ in window), median(value for _, value in window)) for window in windows]
    return median((later[1] - one[1]) / (later[0] - one[0]) for one, later in combinations(middles, 2))


def memory_slope(samples: Sequence[Sample]) -> float:
    """Bytes in a second: the median of the slopes of the three thirds. What leaks rises in all of them; after a large
    answer the heap may stay larger than before, which is a step in one.
    """
    points = [(one.at, one.resident_bytes) for one in samples]
    size = max(-(-len(points) // 3), 1)
    return median(slope_of(points[at : at + size]) for at in range(0, max(len(points), 1), size))


def growth(samples: Sequence[Sample]) -> list[str]:
    """Memory (by `memory_slope`) does not rise by more than 1 MB an hour and 2 MB of noise; neither descriptors nor
    threads are ever many more in the second half than they were in the first. For the samples after the warm-up.
    """
    if len(samples) < 2:
        return ["the process was not measured"]
    problems = []
    seconds = samples[-1].at - samples[0].at
    rise = memory_slope(samples) * seconds
    if rise > MEMORY_NOISE_BYTES + MEMORY_BYTES_PER_HOUR * seconds / 3600:
        problems.append(f"memory rises by {rise / 1e6:.1f} MB in {seconds / 60:.1f} minutes")
    half = len(samples) // 2
    for name, noise in (("descriptors", DESCRIPTORS_NOISE), ("threads", THREADS_NOISE)):
        values = [getattr(one, name) for one in samples]
        early, late = max(values[:half]), max(values[half:])
        if late > early + noise:
            problems.append(f"{name} rise from {early} to {late}")
    return problems


def warm(samples: Sequence[Sample]) -> list[Sample]:
    """Those after the warm-up, which is the first third, or two minutes of a long run."""
    if not samples:
        return []
    from_ = min((samples[-1].at - samples[0].at) / 3, 120.0) + samples[0].at
    return [one for one in samples if one.at >= from_]


def unforeseen(lines: Iterable[str]) -> list[str]:
    """Lines of the log that are errors other than those that tell of a NAS in trouble, or no lines of the log."""
    problems = []
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None or found[1] == "CRITICAL" or (found[1] == "ERROR" and not _FORESEEN.match(found[2])):
            problems.append(line)
    return problems
