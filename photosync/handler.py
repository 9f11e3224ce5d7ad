"""Handler: what every HTTP answer has in common, and what errors become. Loop thread only."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from .direct import COMMON_HEADERS, EMBEDDABLE, LONGEST_RESPONSE_SECONDS
from .errors import (
    AlbumProblem,
    BadParameter,
    Busy,
    LoginRefused,
    NasError,
    NasTimeout,
    NasUnreachable,
    NoSuchAlbum,
    NothingSynced,
    NotInstalled,
    PhotoNotFound,
    PhotosSyncError,
    TokenWanted,
    TooManyGuesses,
    WrongHost,
)
from .server import Traffic

log = logging.getLogger(__name__)

STATUSES: Mapping[type[PhotosSyncError], int] = {
    WrongHost: 421,
    TokenWanted: 401,
    TooManyGuesses: 429,
    BadParameter: 400,
    PhotoNotFound: 404,
    NoSuchAlbum: 404,
    NotInstalled: 501,
    NasTimeout: 504,
    NasUnreachable: 503,
    NothingSynced: 503,
    AlbumProblem: 503,
    Busy: 503,
    LoginRefused: 502,
    NasError: 502,
}
"""The HTTP status of each error (RFC 9110, sections 15.5 and 15.6; RFC 6585); the first class that fits counts."""

_RETRY_AFTER_SECONDS = 5
# What is written together with its headers is copied, which is quicker for a short body. A longer one is written as
# one object after them: only so do clients share its memory.
_SHORT_BYTES = 16 * 1024
METHODS = "GET, HEAD"
_NEXT_STEPS: Mapping[int, str] = {
    404: "/setup lists every address.",
    405: "There is only GET and HEAD: nothing can be changed here.",
}


class Handler(RequestHandler):
    """Headers, errors and the life of every answer, in one place."""

    caching = "no-store"
    next_steps = _NEXT_STEPS

    def initialize(self, traffic: Traffic, **collaborators: Any) -> None:
        self.traffic = traffic
        vars(self).update(collaborators)

    def set_default_headers(self) -> None:
        for name, value in COMMON_HEADERS.items():
            self.set_header(name, value)
        self.set_header(EMBEDDABLE[0], "same-origin")
        # This is called before `initialize` is.
        for name, value in self.settings.get("cross_origin", _nothing)(self.request.headers).items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """Nothing is digested for an answer: entity tags follow from the catalog."""

    async def get(self, *path: str) -> None:
        self.set_header("Cache-Control", self.caching)
        if self.traffic.stopping:
            self.set_header("Connection", "close")
        self.traffic.begin()
        try:
            await self._answer_or_explain(*path)
        except StreamClosedError:
            pass  # the client has left
        finally:
            self.traffic.end()

    head = get

    async def answer(self, *path: str) -> None:
        raise NotImplementedError

    async def _answer_or_explain(self, *path: str) -> None:
        """Errors of the product become their status here, and nowhere else."""
        try:
            await self.answer(*path)
        except PhotosSyncError as error:
            self.begin_error(status_of(error), error)
            await self.explain(error)

    def begin_error(self, status_code: int, error: PhotosSyncError) -> None:
        self.clear()
        self.set_status(status_code)
        self.set_header("Cache-Control", "no-store")
        wait = error.retry_after_seconds or (_RETRY_AFTER_SECONDS if status_code > 501 else None)
        if wait is not None:
            self.set_header("Retry-After", max(1, math.ceil(wait)))

    async def explain(self, error: PhotosSyncError) -> None:
        await self.send_json(explanation(error))

    def is_unchanged(self, etag: str) -> bool:
        """Sets the entity tag; True if the client's copy has it, and then the answer is a 304."""
        self.set_header("ETag", etag)
        if self.request.headers.get("If-None-Match") != etag and not self.check_etag_header():
            return False
        self.set_status(304)
        self.clear_header(EMBEDDABLE[0])  # the copy's own holds
        return True

    async def send(self, body: bytes, content_type: str) -> None:
        self.set_header("Content-Type", content_type)
        self.set_header("Content-Length", len(body))
        if content_type.startswith("image/"):
            self.set_header(*EMBEDDABLE)
        elif content_type.startswith("text/html") and self.request.protocol == "https":  # without, it is ignored
            self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        if len(body) > _SHORT_BYTES and self.request.method != "HEAD":
            await self.flush()
        self.write(body)
        await self.complete()

    async def send_json(self, value: object) -> None:
        await self.send(_json(value), "application/json")

    async def complete(self) -> None:
        """Waits until the client has everything, within reason."""
        sent = self.finish()
        if not sent.done():
            try:
                await asyncio.wait_for(asyncio.shield(sent), LONGEST_RESPONSE_SECONDS)
            except TimeoutError:
                self.request.connection.close()  # type: ignore[union-attr]
        else:
            await sent

    def write_error(self, status_code: int, **details: Any) -> None:
        """Errors of HTTP, and unforeseen ones."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        if status_code == 405:
            self.set_header("Allow", METHODS)
        phrase, next_step = HTTPStatus(status_code).phrase, self.next_steps.get(status_code, "")
        self.finish(_json({"error": f"{phrase}.", "next_step": next_step}))

    def log_exception(self, *error: Any) -> None:
        if not isinstance(error[1], HTTPError):
            log.error("A request failed in a way that was not foreseen.", exc_info=error)


def status_of(error: PhotosSyncError) -> int:
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)


def explanation(error: PhotosSyncError) -> dict[str, str]:
    return {"error": str(error), "next_step": error.next_step}


def _nothing(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
