"""Photos in memory, and clients that have them already: answered before a handler is made. Loop thread only."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import NamedTuple

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine, format_timestamp
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from .degree import staleness
from .guard import Guard
from .models import Photo
from .screens import Screens
from .server import Traffic
from .store import PhotoStore
from .sync import AlbumSync

log = logging.getLogger(__name__)

_PUBLIC = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
_PRIVATE = _PUBLIC.replace("public", "private")
COMMON_HEADERS: Mapping[str, str] = {
    "Server": "photos-sync",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
EMBEDDABLE = ("Cross-Origin-Resource-Policy", "cross-origin")
"""Header of pictures, which dashboards on other hosts show; they cannot read them. Everything else is same-origin."""
STALE_ANSWER = ("Cache-Status", "photos-sync; hit; detail=stale")
"""Header of an answer that is made from an old catalog, or while the NAS is away (RFC 9211)."""
LONGEST_RESPONSE_SECONDS = 300.0

_PHOTO = re.compile(r"/files/([1-9][0-9]{0,18})\.jpg", re.ASCII)
_NEXT = re.compile(r"/files(?:\?client=([A-Za-z0-9._-]{1,64}))?", re.ASCII)
_PICTURE_HEADERS = "".join(
    f"{name}: {value}\r\n" for name, value in [*COMMON_HEADERS.items(), EMBEDDABLE, ("Content-Type", "image/jpeg")]
)


class _Answer(NamedTuple):
    """Without `data` it is a 304. `handler` would give it otherwise; `headers` are lines of its own."""

    handler: str
    photo: Photo
    data: bytes | None
    headers: str


class Direct(HTTPMessageDelegate):
    """Answers `GET /files` and `GET /files/<id>.jpg` where catalog and memory have the answer, which is what screens,
    browsers and proxies mostly ask for, in less than half the time that a handler takes. Every other request goes to
    `application` unseen: other methods and addresses, an `If-None-Match` that is more than one tag, photos to be
    fetched, anything unusual.
    """

    def __init__(
        self,
        connection: HTTP1Connection,
        application: Callable[[], HTTPMessageDelegate],
        sync: AlbumSync,
        store: PhotoStore,
        screens: Screens,
        traffic: Traffic,
        guard: Guard,
    ) -> None:
        self._connection = connection
        self._application = application
        self._sync = sync
        self._store = store
        self._screens = screens
        self._traffic = traffic
        self._guard = guard
        self._delegate: HTTPMessageDelegate | None = None
        self._answer: _Answer | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        # Handlers say goodbye, speak to old clients, and log.
        usual = not self._traffic.stopping and _is_plain(start_line, headers) and not log.isEnabledFor(logging.DEBUG)
        if usual and start_line.path.startswith(f"{self._guard.base_path}/files"):
            self._answer = self._look_up(start_line.path, headers)
        if self._answer is not None:
            return None
        self._delegate = self._application()
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk) if self._delegate is not None else None

    def finish(self) -> None:
        if self._delegate is not None:
            self._delegate.finish()
        elif self._answer is not None:
            self._send(self._answer)

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()
        elif self._answer is not None and self._answer.data is not None:
            self._store.release(self._answer.photo)

    def _look_up(self, path: str, headers: HTTPHeaders) -> _Answer | None:
        start = len(self._guard.base_path)
        one, following = _PHOTO.fullmatch(path, start), _NEXT.fullmatch(path, start)
        if not (one or following) or not self._is_admitted(headers):
            return None
        if following:
            return self._next(following[1], headers)
        assert one
        return self._one(int(one[1]), headers.get("If-None-Match"))

    def _is_admitted(self, headers: HTTPHeaders) -> bool:
        if self._guard.origins and "Origin" in headers:
            return False
        return self._guard.admits(headers, self._peer)

    @property
    def _peer(self) -> str:
        return str(self._connection.context.remote_ip)  # type: ignore[attr-defined]

    def _one(self, number: int, tag: str | None) -> _Answer | None:
        photo = self._sync.catalog.by_id.get(number)
        if photo is None or (tag is not None and tag != photo.etag):
            return None
        data = self._store.hold(photo) if tag is None else None
        if tag is None and data is None:
            return None
        lines = f"Etag: {photo.etag}\r\nCache-Control: {photo_caching(self._guard)}\r\n"
        return _Answer("OnePhoto", photo, data, lines)

    def _next(self, name: str | None, headers: HTTPHeaders) -> _Answer | None:
        found = self._screens.next_in_memory(client_of(name, self._guard.proxies.client(self._peer, headers)))
        if found is None:
            return None
        photo, data = found
        url = self._guard.base_path + photo.url
        return _Answer("NextPhoto", photo, data, f"Cache-Control: no-store\r\nContent-Location: {url}\r\n")

    def _send(self, answer: _Answer) -> None:
        stream = self._connection.stream
        self._traffic.responses[answer.handler, 200 if answer.data else 304] += 1
        if answer.data is not None:
            self._traffic.begin()
        rest = _send(stream, self._head(answer), answer.data or b"")
        if rest is None or rest.done():
            self._sent(answer)
        else:
            limit = asyncio.get_running_loop().call_later(LONGEST_RESPONSE_SECONDS, stream.close)
            rest.add_done_callback(partial(self._sent, answer, limit))

    def _head(self, answer: _Answer) -> bytes:
        """Status line and headers, spelled as a handler's are."""
        lines = answer.headers
        if answer.data is not None:
            lines += f"{_PICTURE_HEADERS}Content-Length: {len(answer.data)}\r\n"
        if self._guard.origins:
            lines += "Vary: Origin\r\n"
        if staleness(self._sync, self._store) is not None:
            lines += f"{': '.join(STALE_ANSWER)}\r\n"
        status = "304 Not Modified" if answer.data is None else "200 OK"
        return f"HTTP/1.1 {status}\r\nDate: {_date(int(time.time()))}\r\n{lines}\r\n".encode("ascii")

    def _sent(self, answer: _Answer, limit: asyncio.TimerHandle | None = None, *_: object) -> None:
        """The client has it all, or has left."""
        if limit is not None:
            limit.cancel()
        if answer.data is not None:
            self._store.release(answer.photo)
            self._traffic.end()
        self._connection.finish()


def client_of(name: str | None, address: str) -> str:
    """Whose deck is dealt from: the client that names itself, otherwise the address."""
    return f"name {name}" if name else f"address {address}"


def _is_plain(start_line: RequestStartLine, headers: HTTPHeaders) -> bool:
    """A GET without a body, after which the connection stays without a word about it."""
    return (
        start_line.method == "GET"
        and start_line.version == "HTTP/1.1"
        and headers.get("Connection", "keep-alive").lower() == "keep-alive"
        and "Content-Length" not in headers
        and "Transfer-Encoding" not in headers
    )


def _send(stream: IOStream, head: bytes, body: bytes) -> asyncio.Future[None] | None:
    """Sends both in one call to the system. What that does not take at once is sent as the client takes it, until the
    future is done.
    """
    sent = 0
    if not (stream.closed() or stream.writing() or isinstance(stream, SSLIOStream)):
        with suppress(OSError):  # which is met again, and handled, by the stream
            sent = stream.socket.sendmsg((head, body))
    if sent == len(head) + len(body):
        return None
    with suppress(StreamClosedError):  # the client has left, perhaps only by now
        if sent < len(head):
            stream.write(head[sent:])
        return stream.write(memoryview(body)[max(0, sent - len(head)) :])
    return None


def photo_caching(guard: Guard) -> str:
    """`private` where a token guards the photos: what several people share must not show them to those without it."""
    return _PRIVATE if guard.has_token else _PUBLIC


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return format_timestamp(second)
