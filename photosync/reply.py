"""DSM's envelope around an answer, and the error code in it; pure, used on worker threads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import NasBadAnswer
from .wire import Answer

_UNKNOWN_ERROR = 100


class Reply(NamedTuple):
    """An answer, and its envelope if it is DSM's JSON."""

    answer: Answer
    envelope: Mapping[str, Any] | None

    @property
    def error_code(self) -> int | None:
        """Errors come with HTTP status 200, in place of whatever was asked for."""
        if self.envelope is None or self.envelope["success"]:
            return None
        error = self.envelope.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if type(code) is int else _UNKNOWN_ERROR


def read_reply(answer: Answer) -> Reply:
    """DSM's content types for JSON vary, so the first byte tells whether it is any. NasBadAnswer for broken JSON."""
    if answer.body.lstrip()[:1] != b"{":
        return Reply(answer, None)
    try:
        envelope = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise unreadable() from None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("success"), bool):
        raise unreadable()
    return Reply(answer, envelope)


def unreadable() -> NasBadAnswer:
    return NasBadAnswer("bad_json", "The NAS sent an answer that cannot be read.", "It is tried again.")
