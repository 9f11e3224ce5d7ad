"""What a run must not leave behind: lines nobody foresaw, secrets, descriptors, threads, errors that nobody caught."""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from conftest import leaks

from photosync.log import LineFormatter, Logging, Redactor

_FORESEEN = re.compile(
    r"The (album|NAS) cannot be read: |The NAS gives no pictures: |Some photos cannot be had: ", re.ASCII
)
_MOST_TROUBLES_TOLD = 3
_ENDING_SECONDS = 5.0


class Watch(logging.Handler):
    """Between entering and leaving, every log record and every uncaught error is kept; then `problems` tells.

    Secrets are looked for before the service's redactor could have hidden them. Garbage is collected at the end alone:
    at the bottom of a text that is nested too deep, finalizers have no room to run.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(LineFormatter(Redactor()))
        self.lines: list[str] = []
        self.problems: list[str] = []
        self._troubles = 0
        self._hooks = sys.unraisablehook, threading.excepthook
        self._before = _descriptors(), set(threading.enumerate())

    def __enter__(self) -> Watch:
        gc.disable()
        logging.getLogger().addHandler(self)
        sys.unraisablehook = self._uncaught
        threading.excepthook = self._uncaught
        return self

    def __exit__(self, *_: object) -> None:
        gc.collect()  # only then is told what was never retrieved, awaited or closed
        gc.enable()
        self._see_what_is_left()
        logging.getLogger().removeHandler(self)
        sys.unraisablehook, threading.excepthook = self._hooks

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self.lines.append(line)
        if leaks(line):
            self.problems.append(f"a secret in the log: {leaks(line)}")
        if record.levelno < logging.WARNING:
            return
        self._troubles += 1
        if record.exc_info or not _FORESEEN.match(record.getMessage()):
            self.problems.append(f"not foreseen: {line}")
        elif self._troubles == _MOST_TROUBLES_TOLD + 1:
            self.problems.append(f"more than {_MOST_TROUBLES_TOLD} lines of trouble for one fault")

    def _uncaught(self, error: Any) -> None:
        self.problems.append(f"uncaught: {error.exc_type.__name__}: {error.exc_value}")

    def _see_what_is_left(self) -> None:
        descriptors, threads = self._before
        deadline = time.perf_counter() + _ENDING_SECONDS
        while _descriptors() > descriptors or not threads.issuperset(threading.enumerate()):
            if time.perf_counter() > deadline:
                left = [thread.name for thread in threading.enumerate() if thread not in threads]
                self.problems.append(f"left behind: {_descriptors() - descriptors} descriptors, threads {left}")
                return
            time.sleep(0.01)
            gc.collect()


def set_up() -> None:
    """The service's own log at its most talkative, which nobody reads; what is not closed or awaited is an error."""
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
    Logging("debug", Redactor(), nowhere).start()
    warnings.simplefilter("error")


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
