"""Sockets whose reads share one deadline, and the connection pool made of them. Blocks: worker threads only."""

from __future__ import annotations

import math
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_UNACKNOWLEDGED_SECONDS = 10


class _DeadlineMixin:
    """A socket whose reads share one deadline: the library's time-out starts anew with every read."""

    deadline = math.inf

    def recv_into(self, *arguments: Any) -> int:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("deadline")
        if remaining < math.inf:
            self.settimeout(remaining)  # type: ignore[attr-defined]
        return int(super().recv_into(*arguments))  # type: ignore[misc]


class _PlainSocket(_DeadlineMixin, socket.socket):
    pass


class _TlsSocket(_DeadlineMixin, ssl.SSLSocket):
    pass


class _ConnectionMixin:
    def _new_conn(self) -> socket.socket:
        plain: socket.socket = super()._new_conn()  # type: ignore[misc]
        timeout = plain.gettimeout()
        wrapped = _PlainSocket(fileno=plain.detach())
        wrapped.settimeout(timeout)
        return wrapped

    def getresponse(self) -> Any:
        # By now the pool has put what is left of the total into `timeout`.
        sock, timeout = self.sock, self.timeout  # type: ignore[attr-defined]
        if isinstance(timeout, (int, float)):
            sock.deadline = time.monotonic() + timeout
        return super().getresponse()  # type: ignore[misc]


class _PlainConnection(_ConnectionMixin, HTTPConnection):
    pass


class _TlsConnection(_ConnectionMixin, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class DeadlineAdapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(pool_maxsize=8)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        socket_options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A NAS that lost power neither answers nor closes: give a connection up when nothing is acknowledged.
            socket_options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_SECONDS * 1000))
        options |= {"ssl_context": self._context, "socket_options": socket_options}
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def build_response(self, req: requests.PreparedRequest, resp: urllib3.BaseHTTPResponse) -> requests.Response:
        """Without cookies: the library that would parse them prints a traceback for odd ones."""
        if (original := getattr(resp, "_original_response", None)) is not None:
            del original.msg["Set-Cookie"]
        return super().build_response(req, resp)


def tls_context(ca_file: Path | None, insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = _TlsSocket
    return context
