"""The kinds of fault that a call can meet with, and how long the service may take to get over each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conftest import CANARY_PASSWORD, CANARY_SESSION, CANARY_TOKEN

from photosync.fakenas import (
    Call,
    Fault,
    bytes_body,
    close_delimited,
    drip,
    edit_rows,
    endless,
    error,
    gzip_bomb,
    hang,
    html,
    json_body,
    raw,
    redirect,
    reset,
    status,
)

ECHO = f"{CANARY_PASSWORD} id={CANARY_SESSION} SynoToken={CANARY_TOKEN} passwd=canary-pass%23word"
"""In every body that has room for it: whatever the NAS says of secrets must not be told on."""

POWER_CUT_SECONDS = 30.0
_HALF_HOUR = 1800.0
_RETRY_AFTER_SECONDS = 20
_BACK_OFF_SECONDS = 240.0  # a wait of the service beyond the one that was asked for, and a step of the scenario
_SLOW_SECONDS = 0.3


def _any(call: Call) -> bool:
    return True


def _login(call: Call) -> bool:
    return call.method == "login"


def _picture(call: Call) -> bool:
    return call.api.endswith(".Thumbnail")


def _json(call: Call) -> bool:
    return not _picture(call)


def _rows(call: Call) -> bool:
    return call.method in ("get", "list", "list_shared_with_me_album") and not _picture(call)


@dataclass(frozen=True)
class Kind:
    """`on` says which calls it fits. Without a photo on the screen for `dark_seconds` at most, and with the service
    well again after `ill_seconds` at most, by the service's clock. `timeout_seconds` are real ones.
    """

    make: Callable[[], Fault]
    on: Callable[[Call], bool] = _any
    dark_seconds: float = 10.0
    ill_seconds: float = 75.0  # the next look at the album, and a try or two
    timeout_seconds: float = 10.0
    power_cut: bool = False


def _half() -> Fault:
    async def act(exchange: Any) -> None:
        body = exchange.reply.framed_body()
        await exchange.write(exchange.reply.head() + body[: len(body) // 2])
        exchange.close()

    return Fault(act)


def _half_header() -> Fault:
    async def act(exchange: Any) -> None:
        head = exchange.reply.head()
        await exchange.write(head[: len(head) // 2])
        exchange.close()

    return Fault(act)


def _stall() -> Fault:
    """Half an answer, and then nothing more."""

    async def act(exchange: Any) -> None:
        body = exchange.reply.framed_body()
        await exchange.write(exchange.reply.head() + body[: len(body) // 2])
        await hang().act(exchange)

    return Fault(act)


def _json_of(value: object) -> Callable[[], Fault]:
    return lambda: json_body({"success": True, "data": value})


def _slow(make: Callable[[], Fault]) -> Kind:
    return Kind(make, timeout_seconds=_SLOW_SECONDS)


def _code(number: int) -> Kind:
    return Kind(lambda: error(number, {"name": ECHO}))


def _refused(code: int, seconds: float) -> Kind:
    return Kind(lambda: error(code, {"token": ECHO}), _login, seconds + _BACK_OFF_SECONDS, seconds + _BACK_OFF_SECONDS)


KINDS: Mapping[str, Kind] = {
    "reset": Kind(reset),
    "reset-header": Kind(lambda: reset(40)),
    "closed": Kind(lambda: raw(b"")),
    "power-cut": Kind(reset, dark_seconds=POWER_CUT_SECONDS + 60, ill_seconds=POWER_CUT_SECONDS + 120, power_cut=True),
    "cut-header": Kind(_half_header),
    "cut-body": Kind(_half),
    "cut-unannounced": Kind(lambda: close_delimited(30)),
    "hang": _slow(hang),
    "stall": _slow(_stall),
    "drip": _slow(lambda: drip(0.02)),
    "drip-body": _slow(lambda: drip(0.1, header=False)),
    "http-500": Kind(lambda: status(500, f"<html>{ECHO}</html>")),
    "http-503": Kind(
        lambda: status(503, headers={"Retry-After": str(_RETRY_AFTER_SECONDS)}),
        dark_seconds=_RETRY_AFTER_SECONDS + 10,
        ill_seconds=_RETRY_AFTER_SECONDS + 75,
    ),
    "http-404": Kind(lambda: status(404, f"<html>{ECHO}</html>")),
    "http-403": Kind(lambda: status(403, f"<html>{ECHO}</html>")),
    "redirect": Kind(lambda: redirect(f"http://evil.example/?{ECHO}", 307)),
    "html": Kind(html),
    "error-100": _code(100),
    "error-102": _code(102),
    "error-105": _code(105),
    "error-106": _code(106),
    "error-107": _code(107),
    "error-117": _code(117),
    "error-119": _code(119),
    "error-803": _code(803),
    "bad-json": Kind(lambda: json_body('{"success":true,"data":{"list":[{' + json.dumps(ECHO))),
    "deep-json": Kind(lambda: json_body('{"a":' + "[" * 200_000)),
    "no-data": Kind(lambda: json_body({"success": True})),
    "odd-data": Kind(_json_of({"list": [ECHO, None, 7], "sid": 5, "SYNO.API.Auth": ECHO})),
    "empty": Kind(lambda: bytes_body(b"", "application/json")),
    "garbage": Kind(lambda: raw(b"\x00\x01" + ECHO.encode() + b"\r\n\r\n")),
    "endless": Kind(endless),
    "gzip-bomb": Kind(lambda: gzip_bomb(20)),
    "row-missing": Kind(lambda: edit_rows(lambda rows: rows[1:]), _rows, ill_seconds=200),
    "rows-twice": Kind(lambda: edit_rows(lambda rows: rows * 2), _rows, ill_seconds=200),
    "no-rows": Kind(_json_of({"list": []}), _rows, ill_seconds=200),
    "torn-picture": Kind(lambda: bytes_body(b"\xff\xd8\xff\xe0" + bytes(900)), _picture),
    "another-picture-type": Kind(lambda: bytes_body(b"GIF89a" + bytes(900), "image/gif"), _picture),
    "login-400": _refused(400, _HALF_HOUR),
    "login-403": _refused(403, _HALF_HOUR),
    "login-407": _refused(407, 2 * _HALF_HOUR),
    "login-no-session": Kind(_json_of({"sid": "", "synotoken": ECHO}), _login),
}
