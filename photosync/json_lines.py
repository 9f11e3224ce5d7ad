"""JSON log lines, for programs that collect logs; any thread. The only user of python-json-logger, an extra."""

from __future__ import annotations

from typing import Any

from pythonjsonlogger.json import JsonFormatter

from .log import MAX_LINE, Redactor, harmless


class JsonLines(JsonFormatter):
    """One record is one line of ASCII with `timestamp` (ISO 8601, UTC), `level`, `logger` and `message`.

    The message is without secrets, without anything a terminal would obey, and bounded, as in plain lines.
    """

    def __init__(self, redactor: Redactor) -> None:
        names = {"levelname": "level", "name": "logger"}
        super().__init__(["levelname", "name", "message"], rename_fields=names, timestamp=True)
        self._redactor = redactor

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        # Redacted before anything is cut or replaced, which would leave parts of a secret.
        log_data["message"] = harmless(self._redactor(log_data["message"])[:MAX_LINE])
        return log_data
