"""Runs on the simulated NAS's own thread.

Accepts connections as nginx does: encrypted or plain, and whoever speaks the other one is told so and let go.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, SSLIOStream
from tornado.netutil import add_accept_handler

from .wire import Reply, html_page

log = logging.getLogger(__name__)

_TLS_HELLO = b"\x16"
_LINGER_SECONDS = 2.0
_CLOSE = {"Connection": "close"}
_PLAIN_AT_TLS = html_page(400, "400 The plain HTTP request was sent to HTTPS port", _CLOSE)
_TLS_AT_PLAIN = html_page(400, headers=_CLOSE)


class Entrance:
    """The way from listening sockets to an HTTP server; `context` makes it an https one."""

    def __init__(self, server: HTTPServer, context: ssl.SSLContext | None, idle_seconds: float) -> None:
        self._server = server
        self._context = context
        self._idle_seconds = idle_seconds
        self._tasks: set[asyncio.Task[bool]] = set()
        self._sockets: list[socket.socket] = []
        self._stops: list[Callable[[], None]] = []

    def open(self, sockets: Iterable[socket.socket]) -> None:
        for listening in sockets:
            self._sockets.append(listening)
            self._stops.append(add_accept_handler(listening, self._accept))

    async def close(self) -> None:
        for stop in self._stops:
            stop()
        for listening in self._sockets:
            listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, connection: socket.socket, address: Any) -> None:
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._admitted(connection, address))
        self._tasks.add(task)

        def ended(task: asyncio.Task[bool]) -> None:
            self._tasks.discard(task)
            if task.cancelled() or not task.result():
                connection.close()

        task.add_done_callback(ended)

    async def _admitted(self, connection: socket.socket, address: Any) -> bool:
        try:
            first = await asyncio.wait_for(_first_byte(connection), self._idle_seconds)
            if (first == _TLS_HELLO) == (self._context is not None):
                self._server.handle_stream(self._stream(connection), address)
                return True
            await _refuse(connection, _TLS_AT_PLAIN if self._context is None else _PLAIN_AT_TLS)
        except OSError:
            log.debug("a visitor left, or never said a word")
        return False

    def _stream(self, connection: socket.socket) -> IOStream:
        if self._context is None:
            return IOStream(connection)
        return SSLIOStream(self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False))


async def _first_byte(connection: socket.socket) -> bytes:
    """Looks at it without taking it; empty when the visitor has left."""
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)


async def _refuse(connection: socket.socket, reply: Reply) -> None:
    """Reads on until the visitor has left: data that nobody reads would cut the answer off."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, reply.head() + reply.framed_body())
    connection.shutdown(socket.SHUT_WR)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while await loop.sock_recv(connection, 65536):
                pass
