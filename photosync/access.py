"""The access log: one line for each answer, in the common log format of NCSA's server. Loop thread only."""

from __future__ import annotations

import json
import time

from tornado.web import RequestHandler

_LONGEST_PATH = 256


def access_line(handler: RequestHandler) -> str:
    """`host - - [time] "method path version" status bytes`, in printable ASCII.

    Without the query, which may hold what belongs into no log; `-` where the number of bytes was not known beforehand.
    """
    request = handler.request
    asked_for = _quotable(f"{request.method} {request.path[:_LONGEST_PATH]} {request.version}")
    moment = time.strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'{request.remote_ip} - - [{moment}] "{asked_for}" {handler.get_status()} {_sent_bytes(handler)}'


def _quotable(text: str) -> str:
    return json.dumps(text)[1:-1].replace("\x7f", "\\u007f")


def _sent_bytes(handler: RequestHandler) -> str:
    if handler.request.method == "HEAD":
        return "-"
    return str(handler._headers.get("Content-Length", "-"))
