"""The listening side: connections are counted and let go, readiness and watchdog are told to systemd. Loop thread."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

from .histogram import empty

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 256
_RESERVED_DESCRIPTORS = 40
_HEADER_SECONDS = 15.0
_BODY_SECONDS = 10.0
_MAX_HEADER_BYTES = 16 * 1024
_MAX_BODY_BYTES = 16 * 1024
_SEND_BUFFER_BYTES = 256 * 1024
_READ_BYTES = 4 * 1024  # requests are small, and larger buffers would be mapped and unmapped for each
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_BREAK_SECONDS = 1.0
_TOLD_SECONDS = 60.0
_LAG_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nCache-Control: no-store\r\n"
    b"Content-Type: application/json\r\nContent-Length: 52\r\n\r\n"
    b'{"error":"Too many connections are open right now."}'
)


class Traffic:
    """What is being answered and what has been: `active` answers, `responses` by (handler, status), and how late the
    loop was (`lag`), since `started_at` by the monotonic clock.
    """

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.lag = empty(*_LAG_SECONDS)
        self.active = 0
        self.stopping = False
        self.responses: Counter[tuple[str, int]] = Counter()
        self._idle = asyncio.Event()

    def note_lag(self, seconds: float) -> None:
        self.lag = self.lag.plus(seconds)

    def begin(self) -> None:
        self.active += 1

    def end(self) -> None:
        self.active -= 1
        if self.stopping and not self.active:
            self._idle.set()

    async def drain(self, timeout_seconds: float) -> None:
        """Returns when nothing is being answered any more, or when the time is over."""
        self.stopping = True
        if self.active:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), timeout_seconds)


class _Listener:
    """A listening socket that takes a break when the machine has no descriptor or memory left for a connection.

    Tornado would try again at once and for ever, with a traceback each time.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self._told_at = -_TOLD_SECONDS
        self.fileno = listening.fileno
        self.close = listening.close

    def accept(self) -> tuple[socket.socket, Any]:
        """As `socket.accept`; BlockingIOError, as if nobody were waiting, when it takes its break."""
        try:
            return self._socket.accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._take_a_break(error)
            raise BlockingIOError from None

    def _take_a_break(self, error: OSError) -> None:
        io_loop = IOLoop.current()
        io_loop.update_handler(self.fileno(), 0)
        io_loop.call_later(_BREAK_SECONDS, self._go_on, io_loop)
        if io_loop.time() - self._told_at >= _TOLD_SECONDS:
            self._told_at = io_loop.time()
            log.error(
                "No connection can be taken at the moment (%s); it is tried again each second. "
                "If this stays, raise the limit of open files or of memory.",
                error.strerror,
            )

    def _go_on(self, io_loop: IOLoop) -> None:
        if self.fileno() >= 0:  # it may have been closed meanwhile
            io_loop.update_handler(self.fileno(), IOLoop.READ)


class _Request(HTTPMessageDelegate):
    """Asks who answers only when the request is here: on a kept-alive connection that may be long after the last."""

    __slots__ = ("_choose", "_chosen", "_heard")

    def __init__(self, choose: Callable[[], HTTPMessageDelegate], heard: Callable[[], None]) -> None:
        self._choose = choose
        self._heard = heard
        self._chosen: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._heard()
        self._chosen = self._choose()
        return self._chosen.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._chosen.data_received(chunk) if self._chosen else None

    def finish(self) -> None:
        if self._chosen:
            self._chosen.finish()

    def on_connection_close(self) -> None:
        if self._chosen:
            self._chosen.on_connection_close()


class Server(HTTPServer):
    """An HTTPServer that clients cannot take down.

    Connections stay below the descriptor limit, at most half of them from one address, unless `is_proxy` says that many
    clients come by it; if descriptors or memory run out all the same, nothing is accepted for a second. A client that
    makes no progress for `stall_seconds` while it is sent something is cut off by the kernel (on Linux,
    `TCP_USER_TIMEOUT`).
    """

    def initialize(  # type: ignore[override]
        self,
        app: HTTPServerConnectionDelegate,
        stall_seconds: float = 30.0,
        is_proxy: Callable[[str], bool] = lambda address: False,
    ) -> None:
        super().initialize(
            app,
            chunk_size=_READ_BYTES,
            body_timeout=_BODY_SECONDS,
            max_header_size=_MAX_HEADER_BYTES,
            max_body_size=_MAX_BODY_BYTES,
        )
        self.conn_params.header_timeout = None  # Tornado's timer for each request costs a third of a small answer
        self._stall_seconds = stall_seconds
        self._is_proxy = is_proxy
        self._limit = connection_limit()
        self._open: Counter[str] = Counter()
        self._silent: set[IOStream] = set()  # whose first request is not here yet
        self._waiting: dict[IOStream, float] = {}  # for headers, by the loop's time since; the longest first
        self._watch: asyncio.TimerHandle | None = None  # while there are any
        self._heard_out = asyncio.Event()

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        super().add_sockets([cast(socket.socket, _Listener(listening)) for listening in sockets])

    def move_to(self, sockets: Iterable[socket.socket]) -> None:
        """Listens on these and no longer on those before; connections that are open stay."""
        before = list(self._sockets)
        self.add_sockets(sockets)
        for number in before:
            self._handlers.pop(number)()
            self._sockets.pop(number).close()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        stream = cast(HTTP1Connection, request_conn).stream
        loop = asyncio.get_running_loop()
        self._waiting[stream] = loop.time()
        if self._watch is None:
            self._watch = loop.call_later(_HEADER_SECONDS, self._let_go)
        return _Request(partial(super().start_request, server_conn, request_conn), partial(self._hear, stream))

    def _let_go(self) -> None:
        """Closes the connections whose headers have not come in time."""
        loop = asyncio.get_running_loop()
        self._watch = None
        for stream, since in [*self._waiting.items()]:
            if since + _HEADER_SECONDS > loop.time():
                self._watch = loop.call_at(since + _HEADER_SECONDS, self._let_go)
                break
            loop.call_soon(self._close, stream, since)

    def _close(self, stream: IOStream, since: float) -> None:
        """Unless the request has been read by now: then the loop was late, not the client."""
        if self._waiting.get(stream) == since:
            stream.close()

    async def hear_out(self, timeout_seconds: float) -> None:
        """After `stop`: returns when every connection that was accepted has said what it wants, or the time is over."""
        self._heard_out.clear()
        if self._silent:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard_out.wait(), timeout_seconds)

    def _hear(self, stream: IOStream) -> None:
        self._waiting.pop(stream, None)
        self._silent.discard(stream)
        if not self._silent:
            self._heard_out.set()

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        host = str(address[0]) if address else ""
        of_one = self._limit if self._is_proxy(host) else max(1, self._limit // 2)
        if self._open.total() >= self._limit or self._open[host] >= of_one:
            stream.write(_FULL)
            stream.close()
            return
        self._open[host] += 1
        _bound(stream.socket, self._stall_seconds)
        # Headers and body are written right after each other; switching this for each answer costs three calls.
        stream.set_nodelay(True)
        stream.set_nodelay = _leave_it  # type: ignore[method-assign]
        self._silent.add(stream)
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        self._hear(server_conn.stream)  # type: ignore[attr-defined]
        host = str(server_conn.context.address[0]) if server_conn.context.address else ""  # type: ignore[attr-defined]
        self._open[host] -= 1
        if self._open[host] <= 0:
            del self._open[host]


def connection_limit() -> int:
    """How many connections leave descriptors for everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(4, min(MAX_CONNECTIONS, soft - _RESERVED_DESCRIPTORS))


def notify_systemd(environment: Mapping[str, str], message: str) -> None:
    """One datagram to $NOTIFY_SOCKET, if there is one (sd_notify(3)); nothing that goes wrong matters."""
    path = environment.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path[0] == "@" else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode(), address)
    except OSError as error:
        log.debug("systemd could not be told: %s", error.strerror)


def watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """The watchdog's period, if it is meant for this process (sd_watchdog_enabled(3))."""
    microseconds, owner = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0 or (owner and owner != str(os.getpid())):
        return None
    return int(microseconds) / 1e6


def _bound(connection: socket.socket, stall_seconds: float) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stall_seconds * 1000))


def _leave_it(value: bool) -> None:
    """In place of `IOStream.set_nodelay`."""
