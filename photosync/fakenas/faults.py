"""Runs on the simulated NAS's own thread; the functions that make faults are called from any.

What can go wrong between a NAS and its guest. A fault gets hold of an exchange: it changes the reply, keeps it
waiting, or takes the bare stream. Several at once are applied in the order of their installation.
"""

from __future__ import annotations

import asyncio
import json
import threading
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from .exchange import Exchange
from .jpeg import flat_jpeg
from .wire import JSON_TYPE, Reply, chunk, failure_text, html_page, json_text

_LONGEST_HANG_SECONDS = 3600.0
_POLL_SECONDS = 0.005
_JPEG_MAGIC = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"


def _always(exchange: Exchange) -> bool:
    return True


@dataclass(frozen=True)
class Fault:
    """`act` may finish the exchange; if it does not, the reply is sent as usual. `applies` narrows the matches."""

    act: Callable[[Exchange], Awaitable[None]]
    applies: Callable[[Exchange], bool] = _always


def _replying(make: Callable[[], Reply]) -> Fault:
    async def act(exchange: Exchange) -> None:
        exchange.reply = make()

    return Fault(act)


def error(code: int, errors: Any = None) -> Fault:
    """A failure in JSON with status 200, as DSM tells all of its own."""
    return _replying(lambda: json_text(failure_text(code, errors)))


def status(code: int, body: str | bytes | None = None, headers: Mapping[str, str] | None = None) -> Fault:
    """An HTTP status of nginx or a proxy, with a page of HTML unless there is a body."""
    page = html_page(code, headers=headers)
    if body is None:
        return _replying(lambda: page)
    return _replying(lambda: replace(page, body=body.encode() if isinstance(body, str) else body))


def redirect(location: str, code: int = 302) -> Fault:
    return status(code, headers={"Location": location})


def html() -> Fault:
    """A login page with status 200, as a captive portal or an update of DSM shows."""
    return _replying(lambda: html_page(200, "Sign in"))


def json_body(body: Any) -> Fault:
    """Any JSON, or text that only claims to be some, with status 200."""
    text = body if isinstance(body, str) else json.dumps(body)
    return _replying(lambda: json_text(text))


def bytes_body(data: bytes, content_type: str = "image/jpeg", headers: Mapping[str, str] | None = None) -> Fault:
    """Any bytes under any name; with a Content-Length among the headers that is what will be announced."""
    reply = Reply(200, data, {"Content-Type": content_type, **(headers or {})})

    async def act(exchange: Exchange) -> None:
        exchange.reply = reply
        if "Content-Length" in reply.headers:
            await exchange.write(reply.head() + reply.body)
            exchange.close()

    return Fault(act)


def gzip_bomb(megabytes: int = 100, content_type: str = "image/jpeg") -> Fault:
    """A small compressed body that grows to `megabytes`, whether or not compression was asked for."""
    return bytes_body(_bomb(megabytes), content_type, {"Content-Encoding": "gzip"})


@cache
def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1 << 20)
    parts = [
        packer.compress(_JPEG_MAGIC),
        *(packer.compress(zeros) for _ in range(megabytes)),
        packer.flush(),
    ]
    return b"".join(parts)


def edit_rows(function: Callable[[list[Any]], list[Any]]) -> Fault:
    """Rewrite the rows of a successful listing: overlapping pages, missing keys, other statuses."""

    async def act(exchange: Exchange) -> None:
        if exchange.reply.headers.get("Content-Type") != JSON_TYPE:
            return
        payload = json.loads(exchange.reply.body)
        if "list" in payload.get("data", {}):
            payload["data"]["list"] = function(payload["data"]["list"])
            exchange.reply = replace(exchange.reply, body=json.dumps(payload).encode())

    return Fault(act)


def delay(seconds: float) -> Fault:
    async def act(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)

    return Fault(act)


def hang(seconds: float | None = None) -> Fault:
    """No answer until the seconds have passed, or (None) ever: then the connection is closed in the end."""

    async def act(exchange: Exchange) -> None:
        await asyncio.sleep(_LONGEST_HANG_SECONDS if seconds is None else seconds)
        if seconds is None:
            exchange.close()

    return Fault(act)


def hold(event: threading.Event) -> Fault:
    """A barrier: the normal answer as soon as the event is set."""

    async def act(exchange: Exchange) -> None:
        # Polled: a thread that waits for the event could not be stopped with the NAS.
        while not event.is_set():
            await asyncio.sleep(_POLL_SECONDS)

    return Fault(act)


def raw(data: bytes) -> Fault:
    """These bytes in place of an HTTP answer, then the end."""

    async def act(exchange: Exchange) -> None:
        await exchange.write(data)
        exchange.close()

    return Fault(act)


def cut(length: int) -> Fault:
    """The first `length` bytes of the real answer, headers included, then a clean end of the connection."""

    async def act(exchange: Exchange) -> None:
        await exchange.write(_on_the_wire(exchange)[:length])
        exchange.close()

    return Fault(act)


def reset(length: int = 0) -> Fault:
    """The first `length` bytes of the real answer, then RST."""

    async def act(exchange: Exchange) -> None:
        await exchange.write(_on_the_wire(exchange)[:length])
        exchange.reset()

    return Fault(act)


def _on_the_wire(exchange: Exchange) -> bytes:
    return exchange.reply.head() + exchange.reply.framed_body()


def close_delimited(length: int | None = None) -> Fault:
    """HTTP/1.0 without a length: the body ends where the connection does, after `length` bytes if given."""

    async def act(exchange: Exchange) -> None:
        bare = {"Content_Length": None, "Transfer_Encoding": None, "Keep_Alive": None, "Connection": "close"}
        await exchange.write(exchange.reply.head("HTTP/1.0", **bare) + exchange.reply.body[:length])
        exchange.close()

    return Fault(act)


def drip(every: float = 0.05, *, header: bool = True, chunk: int = 1) -> Fault:
    """The real answer, `chunk` bytes at a time, from its first byte or (not `header`) from its body on."""

    async def act(exchange: Exchange) -> None:
        head = exchange.reply.head(Connection="close")
        body = exchange.reply.framed_body()
        prompt, slow = (b"", head + body) if header else (head, body)
        await exchange.write(prompt)
        for at in range(0, len(slow), chunk):
            await exchange.write(slow[at : at + chunk])
            await asyncio.sleep(every)
        exchange.close()

    return Fault(act)


def endless(content_type: str = "image/jpeg", *, limit_bytes: int = 4 << 30) -> Fault:
    """A body without an end, as fast as it is taken, that starts like a picture."""

    async def act(exchange: Exchange) -> None:
        head = Reply(200, headers={"Content-Type": content_type}, chunked=True).head()
        await exchange.write(head + chunk(flat_jpeg()[:-2]))
        piece = chunk(bytes(65536))
        for _ in range(limit_bytes >> 16):
            await exchange.write(piece)
        exchange.close()

    return Fault(act)


def close_on_reuse() -> Fault:
    """Close instead of answering, when the request came over a kept-alive connection: the keep-alive race."""

    async def act(exchange: Exchange) -> None:
        exchange.close()

    return Fault(act, applies=lambda exchange: exchange.reused)


class InstalledFault:
    """A fault at work on the requests it matches; `hits` counts those it was applied to."""

    def __init__(
        self,
        fault: Fault,
        remove: Callable[[InstalledFault], None],
        *,
        api: str | None,
        method: str | None,
        times: int | None,
        skip: int,
        item: int | None,
    ) -> None:
        self.fault = fault
        self.hits = 0
        self._api = api
        self._method = method
        self._times = times
        self._skip = skip
        self._item = item
        self._remove = remove

    def remove(self) -> None:
        self._remove(self)

    def takes(self, exchange: Exchange) -> bool:
        """Whether this request is one of its own; counts it."""
        if not self._matches(exchange):
            return False
        if self._skip > 0:
            self._skip -= 1
            return False
        if self._times is not None and self.hits >= self._times:
            return False
        self.hits += 1
        return True

    def _matches(self, exchange: Exchange) -> bool:
        call = exchange.call
        return (
            self._api in (None, call.api)
            and self._method in (None, call.method)
            and (self._item is None or self._item in _units(call.params))
            and self.fault.applies(exchange)
        )


def _units(params: Mapping[str, str]) -> list[Any]:
    """The unit ids that a thumbnail or download call names."""
    try:
        value = json.loads(params.get("unit_id") or params.get("id") or "null")
    except ValueError:
        return []
    return value if isinstance(value, list) else [value]
