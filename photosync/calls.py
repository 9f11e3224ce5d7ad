"""Calls: what the calls to the NAS came to, and how long they took. Counted on worker threads, read on any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from .errors import NasBadAnswer, NasTimeout, NasUnreachable, PhotosSyncError
from .histogram import Histogram, empty
from .reply import Reply

Call: TypeAlias = tuple[str, str, str]
"""API, method and outcome; the first two come from this program alone, so there are few."""

NAS_CALLS = 4
"""How many calls may be under way at a time."""

OUTCOMES = ("ok", "refused", "timeout", "unreachable", "bad_answer", "given_up")
_NO_TIME = empty(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_OUTCOMES: Mapping[type[PhotosSyncError], str] = {
    NasTimeout: "timeout",
    NasUnreachable: "unreachable",
    NasBadAnswer: "bad_answer",
}


class Calls:
    """`counts` by call, and `seconds` by API: a mapping that was read does not change any more.

    The outcome is `ok`, `refused` (an error code, or status 404), `timeout`, `unreachable` (5xx too), `bad_answer`, or
    `given_up` where this side did not want the rest. A picture is only looked at once it has been counted.
    """

    def __init__(self) -> None:
        self.counts: Mapping[Call, int] = {}
        self.seconds: Mapping[str, Histogram] = {}
        self._lock = threading.Lock()  # held by those who count; both mappings are replaced as a whole

    def counted(self, api: str, method: str, exchange: Callable[[], Reply]) -> Reply:
        """What `exchange` gives, or raises, once it is counted."""
        started = time.monotonic()
        try:
            reply = exchange()
        except PhotosSyncError as error:
            self._add((api, method, _outcome_of(error)), time.monotonic() - started)
            raise
        fine = reply.error_code is None and reply.answer.found
        self._add((api, method, "ok" if fine else "refused"), time.monotonic() - started)
        return reply

    def _add(self, call: Call, seconds: float) -> None:
        api = call[0]
        with self._lock:
            self.counts = {**self.counts, call: self.counts.get(call, 0) + 1}
            self.seconds = {**self.seconds, api: self.seconds.get(api, _NO_TIME).plus(seconds)}


def _outcome_of(error: PhotosSyncError) -> str:
    return next((outcome for kind, outcome in _OUTCOMES.items() if isinstance(error, kind)), "given_up")
