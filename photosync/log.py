"""Logging that cannot block the service, leak a secret or write to a terminal what a client made up; any thread."""

from __future__ import annotations

import html
import json
import logging
import logging.handlers
import queue
import re
import sys
import threading
from collections.abc import Iterator
from typing import TextIO
from urllib.parse import quote, quote_plus

MAX_LINE = 4000
"""Characters of a message that are shown."""

_MAX_WAITING_LINES = 1000
_SHORTEST_SECRET = 4
_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


class Redactor:
    """Replaces every secret that it was told, in each way an address or a message may spell it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # `hide` comes from worker threads
        self._spellings: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def hide(self, secret: str) -> None:
        if len(secret) < _SHORTEST_SECRET:
            return
        spellings = {
            secret,
            repr(secret)[1:-1],
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            html.escape(secret),
            *_percent_encoded(secret),
        }
        with self._lock:
            if not spellings <= self._spellings:
                self._spellings |= spellings
                longest_first = sorted(self._spellings, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        return self._pattern.sub("(hidden)", text) if self._pattern else text


def _percent_encoded(secret: str) -> Iterator[str]:
    for encoded in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield encoded
        yield re.sub("%..", lambda escape: escape[0].lower(), encoded)


def harmless(text: str) -> str:
    """The text without anything that a terminal would obey, or could not show."""
    return _SPECIAL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class LineFormatter(logging.Formatter):
    """One record is one line, without secrets and without anything a terminal would obey."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
        self._redactor = redactor

    def formatMessage(self, record: logging.LogRecord) -> str:
        # Redacted before anything is cut or replaced, which would leave parts of a secret.
        record.message = self._redactor(record.message)[:MAX_LINE].replace("\n", "\\n").replace("\t", " ")
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        text = self._redactor(super().format(record))
        return harmless(text)


class _Drops(logging.handlers.QueueHandler):
    """Never waits: a line that finds the queue full is counted and dropped."""

    def __init__(self, lines: queue.Queue[logging.LogRecord]) -> None:
        super().__init__(lines)
        self.dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _Listener(logging.handlers.QueueListener):
    def enqueue_sentinel(self) -> None:
        """Waits for room in the queue, where the library would raise queue.Full and leave the thread running."""
        self.queue.put(self._sentinel)  # type: ignore[attr-defined]


class _Writer(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """A closed stderr is no reason to stop, and there is nowhere left to tell it."""


class Logging:
    """Between `start` and `stop`, log lines go to `stream` by way of a thread of their own."""

    def __init__(
        self, level: str, redactor: Redactor, stream: TextIO = sys.stderr, formatter: logging.Formatter | None = None
    ) -> None:
        self._writer = _Writer(stream)
        self._writer.setFormatter(formatter or LineFormatter(redactor))
        lines: queue.Queue[logging.LogRecord] = queue.Queue(_MAX_WAITING_LINES)
        self._handler = _Drops(lines)
        self._listener = _Listener(lines, self._writer)
        self._level = level

    @property
    def dropped(self) -> int:
        return self._handler.dropped

    def start(self) -> None:
        logging.getLogger().addHandler(self._handler)
        self.set_level(self._level)
        # Connection pools tell of every connection at debug level, with nothing that helps, and warn of an answer cut
        # short with a traceback and its address: the error that it becomes is told once.
        logging.getLogger("asyncio").setLevel(logging.INFO)
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        # The server tells of every request that it cannot read and of every handshake that fails, as often and almost
        # as long as a client likes, and with the headers as they came: a token in Basic's spelling, too.
        logging.getLogger("tornado.general").setLevel(logging.ERROR)
        self._listener.start()

    def set_level(self, level: str) -> None:
        """One of debug, info, warning, error."""
        logging.getLogger().setLevel(level.upper())

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """Writes what is waiting, unless the stream has been stuck for that long."""
        logging.getLogger().removeHandler(self._handler)
        stopping = threading.Thread(target=self._listener.stop, daemon=True)
        stopping.start()
        stopping.join(timeout_seconds)
