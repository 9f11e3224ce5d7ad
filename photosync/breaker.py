"""When to ask again what has failed; pure, loop thread only."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .errors import PhotosSyncError
from .models import PhotoKey

QUARANTINE_FIRST_SECONDS = 5 * 60.0
QUARANTINE_LONGEST_SECONDS = 6 * 3600.0
_AT_ONCE_SECONDS = 1.0
_LONGEST_ASKED_SECONDS = 300.0  # a NAS that asks for more patience is asked again all the same


class Breaker:
    """Closed: everything may be tried. Open: nothing, until a growing, jittered wait is over; then one probe at a
    time, whose outcome closes it or starts a longer wait.

    `threshold` different subjects in a row have to fail before it opens. `longest_seconds` caps the wait.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        rng: random.Random,
        *,
        threshold: int = 1,
        first_seconds: float = 2.0,
        longest_seconds: float = 60.0,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._threshold = threshold
        self._first_seconds = first_seconds
        self.longest_seconds = longest_seconds
        self._subjects: set[object] = set()
        self._openings = 0
        self._open_until = 0.0
        self._probing = False
        self.cause: PhotosSyncError | None = None

    @property
    def is_open(self) -> bool:
        return self._openings > 0

    @property
    def wait_seconds(self) -> float:
        """How long until a try is allowed; 0 if it is now."""
        return max(0.0, self._open_until - self._clock()) if self.is_open else 0.0

    @property
    def allows(self) -> bool:
        return not self.is_open or (not self._probing and self.wait_seconds == 0)

    def start(self) -> None:
        """A try begins; while open it is the probe. Ask `allows` before."""
        self._probing = self.is_open

    def abandon(self) -> None:
        """A try ended without telling anything."""
        self._probing = False

    def success(self) -> None:
        self._subjects.clear()
        self._openings = 0
        self._probing = False
        self.cause = None

    def failure(self, cause: PhotosSyncError, subject: object = None, at_least_seconds: float | None = None) -> None:
        """A try failed. Tries that were under way when it opened do not make the wait longer."""
        probe, self._probing = self._probing, False
        self._subjects.add(subject)
        self.cause = cause
        if (self.is_open and not probe and self.wait_seconds > 0) or len(self._subjects) < self._threshold:
            return
        longest = min(self._first_seconds * 2.0**self._openings, self.longest_seconds)
        self._openings = min(self._openings + 1, 32)
        wait = longest * self._rng.uniform(0.5, 1.0)
        self._open_until = self._clock() + max(wait, min(at_least_seconds or 0.0, _LONGEST_ASKED_SECONDS))


@dataclass(slots=True)
class _Patient:
    failures: int
    until: float
    cause: PhotosSyncError


class Quarantine:
    """Photos that fail while others do not: tried again a second after the first failure, five minutes after
    the second, then after waits that double up to six hours.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._patients: dict[PhotoKey, _Patient] = {}

    def __len__(self) -> int:
        """How many are waiting now."""
        now = self._clock()
        return sum(patient.until > now for patient in self._patients.values())

    def __iter__(self) -> Iterator[PhotoKey]:
        return iter(list(self._patients))

    def wait_seconds(self, key: PhotoKey) -> float:
        patient = self._patients.get(key)
        return max(0.0, patient.until - self._clock()) if patient else 0.0

    def cause(self, key: PhotoKey) -> PhotosSyncError | None:
        patient = self._patients.get(key)
        return patient.cause if patient else None

    def failure(self, key: PhotoKey, cause: PhotosSyncError) -> None:
        before = self._patients.get(key)
        failures = min(before.failures + 1 if before else 1, 32)
        wait = _AT_ONCE_SECONDS if failures == 1 else QUARANTINE_FIRST_SECONDS * 2.0 ** (failures - 2)
        until = self._clock() + min(wait, QUARANTINE_LONGEST_SECONDS)
        self._patients[key] = _Patient(failures, until, cause)

    def success(self, key: PhotoKey) -> None:
        self._patients.pop(key, None)

    def retain(self, keep: Callable[[PhotoKey], bool]) -> None:
        """Keeps only these."""
        self._patients = {key: patient for key, patient in self._patients.items() if keep(key)}
