"""Runs on the simulated NAS's own thread, but for starting, stopping and the knobs.

The NAS on a socket: a thread with an event loop, one task for each request, the record of all calls.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets

from .certificate import Certificate, fingerprint
from .dsm import Dsm, call_address
from .entrance import Entrance
from .exchange import Exchange
from .faults import Fault, InstalledFault
from .items import Album
from .library import Library
from .sharing import PAGES
from .ways import Ways
from .wire import Call, Reply, html_page

log = logging.getLogger(__name__)

_METHODS = ("GET", "HEAD", "POST")


class FakeNas(Dsm):
    """A Synology NAS with Photos, simulated over real HTTP on a real socket.

    `calls` records every request received, those for no API included. `start` after `stop` comes back on the same
    port, with the same library and sessions: a power cut, seen from outside. Until it is left as a context, nobody else
    is given that port. `keep_alive_seconds` counts from the next start.

    `tls` makes it speak https, with a certificate of its own or one that is described. `portal` makes it the port of
    Synology Photos alone. `alias`, `alias_only` and `redirect_to` are as in `Ways`.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        username: str = "demo",
        password: str = "demo",
        era: str = "1.9",
        latency: float = 0.0,
        library: Library | None = None,
        session_prefix: str = "",
        token: str | None = None,
        device_prefix: str = "",
        tls: bool | Certificate = False,
        portal: bool = False,
        alias: str = "",
        alias_only: bool = False,
        redirect_to: str = "",
    ) -> None:
        super().__init__(
            username=username,
            password=password,
            era=era,
            library=library,
            session_prefix=session_prefix,
            token=token,
            device_prefix=device_prefix,
        )
        self.is_portal = portal
        self.ways = Ways(alias, alias_only, redirect_to)
        self.certificate = ""
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context, self.certificate = (Certificate() if tls is True else tls).make()
        self.host = host
        self.port = port
        self.latency = latency
        self.keep_alive_seconds = 20.0
        self.calls: list[Call] = []
        self.concurrency_peak = 0
        self._faults: list[InstalledFault] = []
        self._place: socket.socket | None = None  # has the port from the first start on
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], Exchange] = {}
        self._served: WeakKeyDictionary[IOStream, int] = WeakKeyDictionary()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://{self.host}:{self.port}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as browsers show it."""
        return fingerprint(self.certificate)

    def share_url(self, album: Album) -> str:
        """The album's share link, once `library.share` has made one."""
        return f"{self.url}{PAGES}{album.passphrase}"

    @property
    def answering(self) -> int:
        """How many requests wait for their answer now; none of those whose answer has begun."""
        return sum(not exchange.finished for exchange in [*self._tasks.values()])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._place is not None:
            self._place.close()
            self._place = None

    def count(self, api: str | None = None, method: str | None = None) -> int:
        """How many of the calls were for this API and method; None stands for any."""
        return sum(api in (None, call.api) and method in (None, call.method) for call in list(self.calls))

    def fault(
        self,
        fault: Fault,
        *,
        api: str | None = None,
        method: str | None = None,
        times: int | None = None,
        skip: int = 0,
        item: int | None = None,
    ) -> InstalledFault:
        """Let a fault act on matching requests (`item`: a unit id), `times` times after `skip` of them."""
        installed = InstalledFault(fault, self._remove_fault, api=api, method=method, times=times, skip=skip, item=item)
        self._faults = [*self._faults, installed]
        return installed

    def clear_faults(self) -> None:
        self._faults = []

    def _remove_fault(self, gone: InstalledFault) -> None:
        self._faults = [installed for installed in self._faults if installed is not gone]

    def start(self) -> None:
        """Returns when the NAS is listening. OSError if it can't."""
        if self._thread is not None:
            raise RuntimeError("this NAS is running already")
        self._place = self._place or _held(self.host, self.port)
        sockets = bind_sockets(self._place.getsockname()[1] if self._place else self.port, self.host)
        self.port = sockets[0].getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(sockets, ready), name="fakenas", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Cuts every connection, whatever a fault is doing to it; returns when the thread has ended."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None
        self._loop = None

    def _run(self, sockets: list[socket.socket], ready: threading.Event) -> None:
        asyncio.run(self._serve(sockets, ready))

    async def _serve(self, sockets: list[socket.socket], ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = HTTPServer(self._receive, idle_connection_timeout=self.keep_alive_seconds)
        entrance = Entrance(server, self._context, self.keep_alive_seconds)
        entrance.open(sockets)
        ready.set()
        await self._stopping.wait()
        await entrance.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await server.close_all_connections()

    def _receive(self, request: HTTPServerRequest) -> None:
        connection = request.connection
        assert isinstance(connection, HTTP1Connection) and isinstance(connection.stream, IOStream)
        stream = connection.stream
        if stream.closed():
            return
        call = _call(request, stream, self.ways)
        self.calls.append(call)
        reused = self._served.get(stream, 0) > 0
        self._served[stream] = 1
        exchange = Exchange(request, call, stream, self._enter, reused=reused)
        task = asyncio.get_running_loop().create_task(self._converse(exchange))
        self._tasks[task] = exchange
        self.concurrency_peak = max(self.concurrency_peak, self.answering)
        task.add_done_callback(self._tasks.pop)
        connection.set_close_callback(lambda: _give_up(task, exchange))

    def _enter(self, call: Call) -> Reply:
        return self.ways.turned_away(call) or self.answer(replace(call, path=self.ways.inside(call.path)))

    async def _converse(self, exchange: Exchange) -> None:
        try:
            await self._respond(exchange)
        except StreamClosedError:
            pass
        except asyncio.CancelledError:
            exchange.close()
            raise
        except Exception:
            log.exception("the simulated NAS failed to answer %s %s", exchange.call.api, exchange.call.method)
            exchange.close()

    async def _respond(self, exchange: Exchange) -> None:
        if self.latency:
            await asyncio.sleep(self.latency)
        if exchange.call.http_method not in _METHODS:
            exchange.reply = html_page(405)
        for installed in [installed for installed in self._faults if installed.takes(exchange)]:
            await installed.fault.act(exchange)
            if exchange.finished:
                return
        exchange.send()


def _give_up(task: asyncio.Task[None], exchange: Exchange) -> None:
    """The client left: what still waits for its answer need not."""
    if not exchange.finished:
        task.cancel()


def _held(host: str, port: int) -> socket.socket | None:
    """A socket that never listens: on Linux, whoever shares its address may, and nobody else is given it."""
    if sys.platform != "linux":
        return None
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = min(found, key=lambda one: one[0])  # as bind_sockets does, IPv4 first
    place = socket.socket(family)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            place.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        place.bind(address)
    except OSError:
        place.close()
        raise
    return place


def _call(request: HTTPServerRequest, stream: IOStream, ways: Ways) -> Call:
    params = {name: values[-1].decode("utf-8", "replace") for name, values in request.arguments.items()}
    api, method, version = call_address(ways.inside(request.path), params)
    assert isinstance(stream.socket, socket.socket)
    return Call(
        api=api,
        method=method,
        version=version,
        params=params,
        headers=request.headers,
        path=request.path,
        query_string=request.query,
        peer_port=stream.socket.getpeername()[1],
        at=time.monotonic(),
        body_bytes=len(request.body),
        http_method=request.method or "",
        body=request.body,
        cookies={name: morsel.value for name, morsel in request.cookies.items()},
    )
