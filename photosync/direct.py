"""Photos in memory, and clients that have them already: answered before a handler is made. Loop thread only."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine, format_timestamp
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from .degree import staleness
from .guard import Guard
from .models import Photo
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
_PICTURE_HEADERS = "".join(
    f"{name}: {value}\r\n" for name, value in [*COMMON_HEADERS.items(), EMBEDDABLE, ("Content-Type", "image/jpeg")]
)


class Direct(HTTPMessageDelegate):
    """Answers `GET /files/<id>.jpg` where catalog and memory have the answer, which most requests of browsers and
    proxies are, in half the time that a handler takes. Every other request goes to `application` unseen: other methods
    and addresses, an `If-None-Match` that is more than one tag, photos to be fetched, anything unusual.
    """

    def __init__(
        self,
        connection: HTTP1Connection,
        application: Callable[[], HTTPMessageDelegate],
        sync: AlbumSync,
        store: PhotoStore,
        traffic: Traffic,
        guard: Guard,
    ) -> None:
        self._connection = connection
        self._application = application
        self._sync = sync
        self._store = store
        self._traffic = traffic
        self._guard = guard
        self._delegate: HTTPMessageDelegate | None = None
        self._photo: Photo | None = None
        self._data: bytes | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        found = self._photo_asked_for(start_line.path) if start_line.method == "GET" else None
        # Handlers say goodbye, speak to old clients, and log.
        usual = not self._traffic.stopping and _stays(start_line, headers) and not log.isEnabledFor(logging.DEBUG)
        if found is not None and usual and self._is_admitted(headers):
            self._look_up(int(found[1]), headers.get("If-None-Match"))
        if self._photo is not None:
            return None
        self._delegate = self._application()
        return self._delegate.headers_received(start_line, headers)

    def _photo_asked_for(self, path: str) -> re.Match[str] | None:
        base_path = self._guard.base_path
        return _PHOTO.fullmatch(path, len(base_path)) if path.startswith(base_path) else None

    def _is_admitted(self, headers: HTTPHeaders) -> bool:
        if self._guard.origins and "Origin" in headers:
            return False
        return self._guard.admits(headers, self._connection.context.remote_ip)  # type: ignore[attr-defined]

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk) if self._delegate is not None else None

    def finish(self) -> None:
        if self._delegate is not None:
            self._delegate.finish()
        elif self._photo is not None:
            self._answer(self._photo)

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()
        elif self._photo is not None and self._data is not None:
            self._store.release(self._photo)

    def _look_up(self, number: int, tag: str | None) -> None:
        photo = self._sync.catalog.by_id.get(number)
        if photo is None or (tag is not None and tag != photo.etag):
            return
        if tag is None:
            self._data = self._store.hold(photo)
        if tag is not None or self._data is not None:
            self._photo = photo

    def _answer(self, photo: Photo) -> None:
        data = self._data
        self._traffic.responses["OnePhoto", 200 if data else 304] += 1
        if data is None:
            rest = _send(self._connection.stream, self._head("304 Not Modified", photo), b"")
        else:
            self._traffic.begin()
            head = self._head("200 OK", photo, f"{_PICTURE_HEADERS}Content-Length: {len(data)}\r\n")
            rest = _send(self._connection.stream, head, data)
        if rest is None or rest.done():
            self._sent(photo)
        else:
            limit = asyncio.get_running_loop().call_later(LONGEST_RESPONSE_SECONDS, self._connection.stream.close)
            rest.add_done_callback(partial(self._sent, photo, limit))

    def _head(self, status: str, photo: Photo, more: str = "") -> bytes:
        """Status line and headers, spelled as a handler's are."""
        if self._guard.origins:
            more += "Vary: Origin\r\n"
        if staleness(self._sync, self._store) is not None:
            more += f"{': '.join(STALE_ANSWER)}\r\n"
        return (
            f"HTTP/1.1 {status}\r\nDate: {_date(int(time.time()))}\r\nEtag: {photo.etag}\r\n"
            f"Cache-Control: {photo_caching(self._guard)}\r\n{more}\r\n"
        ).encode("ascii")

    def _sent(self, photo: Photo, limit: asyncio.TimerHandle | None = None, *_: object) -> None:
        """The client has it all, or has left."""
        if limit is not None:
            limit.cancel()
        if self._data is not None:
            self._store.release(photo)
            self._traffic.end()
        self._connection.finish()


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


def _stays(start_line: RequestStartLine, headers: HTTPHeaders) -> bool:
    """Whether the connection stays after the answer without a word about it."""
    return start_line.version == "HTTP/1.1" and headers.get("Connection", "keep-alive").lower() == "keep-alive"


def photo_caching(guard: Guard) -> str:
    """`private` where a token guards the photos: what several people share must not show them to those without it."""
    return _PRIVATE if guard.has_token else _PUBLIC


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return format_timestamp(second)
