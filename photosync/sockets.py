"""Sockets whose reads share one deadline, and the connection pool made of them. Blocks: worker threads only."""

from __future__ import annotations

import hashlib
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


class AnotherCertificate(ssl.SSLError):
    """The certificate is not the pinned one; both SHA-256 fingerprints are as `fingerprint_of` writes them."""

    def __init__(self, seen: str, expected: str) -> None:
        super().__init__("another certificate")
        self.seen = seen
        self.expected = expected


class _TlsSocket(_DeadlineMixin, ssl.SSLSocket):
    fingerprint = ""

    def do_handshake(self, block: bool = False) -> None:
        """Nothing of ours has been sent by its end, and nothing will be to another than the pinned certificate."""
        super().do_handshake(block)
        seen = fingerprint_of(self.getpeercert(binary_form=True) or b"")
        if self.fingerprint and self.fingerprint != seen:
            raise AnotherCertificate(seen, self.fingerprint)


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a DER certificate as browsers show it: AB:CD:…"""
    return hashlib.sha256(certificate).digest().hex(":").upper()


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
    """`verify` is what requests has of that name, and holds for everything that goes through here."""

    def __init__(self, context: ssl.SSLContext | None, verify: bool | str) -> None:
        self._context = context
        self._verify = verify
        super().__init__(pool_maxsize=8)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **options | {"verify": self._verify})

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


def tls_context(ca_file: Path | None, insecure: bool, fingerprint: str = "") -> ssl.SSLContext:
    """What is trusted: the machine's authorities; or those in `ca_file`, or the certificate itself in it; or the one
    certificate of this `fingerprint`, whatever its name, date and issuer; or, if `insecure`, anybody.
    """
    if insecure or fingerprint:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if ca_file:
        # Certificates that a NAS makes itself have an issuer that nobody knows, and lack what strictness wants of them.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.sslsocket_class = type("PinnedSocket", (_TlsSocket,), {"fingerprint": fingerprint})
    return context
