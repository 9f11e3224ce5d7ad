"""Watchdog: a thread of its own, which ends a process whose loop stands still, so that it is started again."""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress

EXIT_FROZEN = 70
LOOK_SECONDS = 10.0
_MOST_MISSED = 5
_LAST_WORDS_SECONDS = 1.0
_LAST_WORDS = b"photos-sync stood still for a minute and ends, so that it is started again. Where each thread was:\n"


class Watchdog:
    """Between `start` and `stop` it knocks at the loop now and then; five knocks in a row without answer are the end.

    Knocks are counted, not seconds, so that a process that was suspended is not taken for a frozen one. `tell_lag` is
    told on the loop how many seconds each answer took.
    """

    def __init__(self, loop: AbstractEventLoop, tell_lag: Callable[[float], None] = lambda seconds: None) -> None:
        self._loop = loop
        self._tell_lag = tell_lag
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        missed = 0
        while missed < _MOST_MISSED:
            answered = threading.Event()
            with suppress(RuntimeError):  # the loop is closed: it will be told to stop
                self._loop.call_soon_threadsafe(self._answer, time.monotonic(), answered)
            if self._stopped.wait(LOOK_SECONDS):
                return
            missed = 0 if answered.is_set() else missed + 1
        _end()

    def _answer(self, knocked_at: float, answered: threading.Event) -> None:
        answered.set()
        self._tell_lag(time.monotonic() - knocked_at)


def _end() -> None:
    """Says where each thread stands, unless nobody takes it, and ends the process whatever hangs."""
    telling = threading.Thread(target=_tell, daemon=True)
    telling.start()
    telling.join(_LAST_WORDS_SECONDS)
    os._exit(EXIT_FROZEN)


def _tell() -> None:
    with suppress(OSError):
        os.write(2, _LAST_WORDS)
        faulthandler.dump_traceback(2, all_threads=True)
