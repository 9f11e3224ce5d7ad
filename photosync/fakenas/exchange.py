"""Runs on the simulated NAS's own thread.

One request and whatever becomes of it: the hold that a fault has on the conversation.
"""

from __future__ import annotations

import gzip
import socket
import struct
from collections.abc import Callable
from dataclasses import replace

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.iostream import IOStream

from .wire import JSON_TYPE, Call, Reply

_BODILESS = (204, 304)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Exchange:
    """A request that waits for its answer.

    `reply` is what will be sent; reading it first makes the NAS act on the call, setting it first keeps the NAS out.
    `reused` tells a request that came over a connection which had served one before.
    """

    def __init__(
        self,
        request: HTTPServerRequest,
        call: Call,
        stream: IOStream,
        answer: Callable[[Call], Reply],
        *,
        reused: bool,
    ) -> None:
        self.call = call
        self.reused = reused
        self.finished = False
        self.stream = stream
        self._request = request
        self._answer = answer
        self._reply: Reply | None = None
        self._detached = False

    @property
    def reply(self) -> Reply:
        if self._reply is None:
            self._reply = self._answer(self.call)
        return self._reply

    @reply.setter
    def reply(self, reply: Reply) -> None:
        self._reply = reply

    def send(self) -> None:
        """Answer properly, and keep the connection alive."""
        self.finished = True
        reply = self._compressed(self.reply)
        if reply.status in _BODILESS:
            reply = replace(reply, body=b"", chunked=False)
        if self._request.version == "HTTP/1.0":
            reply = replace(reply, chunked=False)
        headers = HTTPHeaders(reply.all_headers())
        # The connection adds this one itself.
        headers.pop("Transfer-Encoding", None)
        connection = self._request.connection
        assert connection is not None
        if self.stream.closed():
            return
        start = ResponseStartLine("", reply.status, reply.reason)
        pieces = [] if self._request.method == "HEAD" else reply.pieces()
        connection.write_headers(start, headers, pieces[0] if pieces else None)
        for piece in pieces[1:]:
            connection.write(piece)
        connection.finish()

    def _compressed(self, reply: Reply) -> Reply:
        """DSM compresses JSON for those who ask."""
        asked = "gzip" in self.call.headers.get("Accept-Encoding", "")
        if not asked or reply.headers.get("Content-Type") != JSON_TYPE:
            return reply
        return replace(reply, body=gzip.compress(reply.body, 1), headers={**reply.headers, "Content-Encoding": "gzip"})

    def take_over(self) -> IOStream:
        """The bare stream, HTTP being over for it; `close` or `reset` ends it."""
        if not self._detached:
            connection = self._request.connection
            assert isinstance(connection, HTTP1Connection)
            connection.detach()
            self._detached = True
            self.finished = True
        return self.stream

    async def write(self, data: bytes) -> None:
        """Write raw bytes, and wait until the kernel has them."""
        stream = self.take_over()
        if data:
            await stream.write(data)

    def close(self) -> None:
        self.take_over().close()

    def reset(self) -> None:
        """End the connection with RST instead of FIN."""
        stream = self.take_over()
        if isinstance(stream.socket, socket.socket):
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        stream.close()
