"""Runs on the simulated NAS's own thread.

What goes over the wire: the call as it was received, the reply as DSM's nginx writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.client import responses
from typing import Any

JSON_TYPE = 'application/json; charset="UTF-8"'
HTML_TYPE = "text/html; charset=utf-8"
_CHUNK = 65536
_NO_STORE: Mapping[str, str] = {
    "Cache-Control": "max-age=0, no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "0",
    "P3P": 'CP="IDC DSP COR ADM DEVi TAIi PSA PSD IVAi IVDi CONi HIS OUR IND CNT"',
}


@dataclass(frozen=True)
class Call:
    """One request as it arrived. `params` holds the raw text of query and form; `body_bytes` is a size."""

    api: str
    method: str
    version: int
    params: Mapping[str, str]
    headers: Mapping[str, str]
    path: str
    query_string: str
    peer_port: int
    at: float
    body_bytes: int
    http_method: str = "GET"
    body: bytes = field(default=b"", repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. `chunked` decides between chunks and a Content-Length."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False

    @property
    def reason(self) -> str:
        return responses.get(self.status, "Unknown")

    def all_headers(self) -> dict[str, str]:
        """With what nginx adds to every answer."""
        common = {
            "Server": "nginx",
            "Date": format_datetime(datetime.now(UTC), usegmt=True),
            "Keep-Alive": "timeout=20",
            "X-Content-Type-Options": "nosniff",
            "X-XSS-Protection": "1; mode=block",
        }
        framing = {"Transfer-Encoding": "chunked"} if self.chunked else {"Content-Length": str(len(self.body))}
        return common | framing | dict(self.headers)

    def head(self, protocol: str = "HTTP/1.1", **changes: str | None) -> bytes:
        """Status line and headers; `changes` replace headers (None leaves one out), `_` standing for `-`."""
        headers: dict[str, str | None] = {**self.all_headers()}
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        lines = [f"{protocol} {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def framed_body(self) -> bytes:
        """The body as it stands on the wire, chunk sizes included."""
        if not self.chunked:
            return self.body
        return b"".join(chunk(piece) for piece in self.pieces()) + b"0\r\n\r\n"

    def pieces(self) -> list[bytes]:
        return [self.body[at : at + _CHUNK] for at in range(0, len(self.body), _CHUNK)]


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def json_text(text: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer as DSM sends it: never to be stored, of unannounced length."""
    return Reply(200, text.encode(), {"Content-Type": JSON_TYPE, **_NO_STORE, **(headers or {})}, chunked=True)


compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def failure_text(code: int, errors: Any = None) -> str:
    """DSM tells failures with HTTP status 200."""
    error: dict[str, Any] = {"code": code}
    if errors is not None:
        error["errors"] = errors
    return compact({"error": error, "success": False})


def html_page(status: int, text: str = "", headers: Mapping[str, str] | None = None) -> Reply:
    title = text or f"{status} {responses.get(status, 'Error')}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return Reply(status, f"{page}</body>\r\n</html>\r\n".encode(), {"Content-Type": HTML_TYPE, **(headers or {})})
