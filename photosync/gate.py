"""The gate: what is answered before the address of a request counts. Loop thread only."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tornado.httputil import HTTPInputError, HTTPServerRequest

from .errors import PhotosSyncError, TokenWanted
from .guard import COOKIE, Guard
from .handler import METHODS, Handler

_COOKIE_SECONDS = 400 * 86_400  # browsers keep none for longer
_PREFLIGHT_SECONDS = 600
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9._~%-]+)*/?", re.ASCII)

Answerer = tuple[type[Handler], dict[str, Any]]


def at_the_gate(guard: Guard, request: HTTPServerRequest) -> Answerer | None:
    """Who answers in place of the address, with what it is given; None if the request may go on to the address.

    The request is then as the client made it, if a trusted proxy brought it, and its path is without host.
    """
    peer = str(request.remote_ip)
    hosts = [*_authority(request), *guard.proxies.hosts(peer, request.headers)]
    if "Host" in request.headers:  # which HTTP/1.0 does not demand
        hosts.append(request.headers["Host"])
    request.remote_ip = guard.proxies.client(peer, request.headers)
    request.protocol = guard.proxies.protocol(peer, request.headers, request.protocol)
    if guard.is_open(request.path):
        return None
    try:
        guard.check_hosts(hosts)
        if _is_preflight(guard, request):
            return Preflight, {}
        token = request.query_arguments.get("token", [None])[-1] if guard.has_token else None
        guard.check_token(request.headers, request.remote_ip, token)
    except PhotosSyncError as error:
        return Refused, {"error": error}
    return (Exchange, {"guard": guard}) if token is not None else None


def _authority(request: HTTPServerRequest) -> list[str]:
    """The host of a target in absolute form, which then means its path (RFC 9112, section 3.2.2)."""
    if not request.path.startswith(("http://", "https://")):
        return []
    try:
        target = urlsplit(request.path)
    except ValueError:
        raise HTTPInputError("Malformed target") from None
    request.path = target.path or "/"
    return [target.netloc]


def _is_preflight(guard: Guard, request: HTTPServerRequest) -> bool:
    return (
        request.method == "OPTIONS"
        and request.headers.get("Origin") in guard.origins
        and "Access-Control-Request-Method" in request.headers
    )


class _GateHandler(Handler):
    async def prepare(self) -> None:
        """Whatever the method is."""
        await self.get()


class Refused(_GateHandler):
    """Tells why, and how to be let in."""

    error: PhotosSyncError

    async def answer(self, *path: str) -> None:
        raise self.error

    async def explain(self, error: PhotosSyncError) -> None:
        if isinstance(error, TokenWanted):
            # For a page's own request a browser would ask its question over the photo that is shown.
            if self.request.headers.get("X-Requested-With") != "XMLHttpRequest":
                self.add_header("WWW-Authenticate", 'Basic realm="photos-sync", charset="UTF-8"')
            self.add_header("WWW-Authenticate", 'Bearer realm="photos-sync"')
        await super().explain(error)


class Preflight(_GateHandler):
    """A browser asks whether a page of an allowed origin may ask."""

    async def answer(self, *path: str) -> None:
        self.set_status(204)
        self.clear_header("Content-Type")
        self.set_header("Access-Control-Allow-Methods", METHODS)
        self.set_header("Access-Control-Allow-Headers", "Authorization, If-None-Match")
        self.set_header("Access-Control-Max-Age", _PREFLIGHT_SECONDS)
        await self.complete()


class Exchange(_GateHandler):
    """The right token stands in the address: it becomes a cookie, and leaves the address."""

    guard: Guard

    async def answer(self, *path: str) -> None:
        base_path = self.guard.base_path or "/"
        self.set_cookie(
            COOKIE,
            self.guard.cookie,
            path=base_path,
            max_age=_COOKIE_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=self.request.protocol == "https",
        )
        # Anything unusual could lead a browser to another host, as //evil.example does.
        path_alone = self.request.path if _PLAIN_PATH.fullmatch(self.request.path) else f"{self.guard.base_path}/"
        others = [pair for pair in parse_qsl(self.request.query, keep_blank_values=True) if pair[0] != "token"]
        self.set_status(303)
        self.set_header("Location", path_alone + (f"?{urlencode(others)}" if others else ""))
        await self.send_json({})


class ToThePage(Handler):
    """The base path without its slash, without which the relative addresses of a page would lead elsewhere."""

    base_path: str

    async def answer(self, *path: str) -> None:
        self.set_status(308)
        self.set_header("Location", f"{self.base_path}/" + (f"?{self.request.query}" if self.request.query else ""))
        await self.send_json({})
