"""The clock of the whole process, which can be moved on: half an hour's wait of the service is over at once.

`install` comes before the import of whatever reads the clock.
"""

from __future__ import annotations

import random
import time


class Clock:
    """Goes with the real clock, `skipped` seconds ahead of it. Timers of an event loop see that when it next turns."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self._monotonic, self._gettime = time.monotonic, time.clock_gettime

    def __call__(self) -> float:
        return self._monotonic() + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += seconds

    def install(self) -> None:
        time.monotonic = self
        time.clock_gettime = self._boottime

    def _boottime(self, clock: int) -> float:
        return self._gettime(clock) + (self.skipped if clock == time.CLOCK_BOOTTIME else 0.0)


CLOCK = Clock()


def install(seed: int) -> None:
    """From now on time can be skipped, and generators of random numbers that nobody seeds have this seed."""

    class Seeded(random.Random):
        def __init__(self, x: object = seed) -> None:
            super().__init__(x)  # type: ignore[arg-type]

    CLOCK.install()
    random.Random = Seeded  # type: ignore[misc]
