"""Runs on the simulated NAS's own thread; its knobs may be turned from any other.

The NAS without its wire: from a call to a reply, with accounts, sessions and the webapi's order of refusals.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from .apis import ERAS, GUEST_APIS, MAX_VERSIONS, METHODS, PLAIN_TEXT_APIS, Answer
from .browse import JsonText
from .library import Library
from .request import ApiError, Request, Session
from .wire import Call, Reply, compact, failure_text, html_page, json_text

_WEEK = timedelta(days=7)
_SID_LENGTH = 86
_NO_TOKEN = "--------"
_OTP_ERRORS = {
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzaW11bGF0ZWQiOnRydWV9.c2lnbmF0dXJl",
    "types": [{"type": "authenticator"}, {"type": "fido"}, {"type": "otp"}],
}
_RENDITION_PATHS = {
    "/synofoto/api/v2/p/Thumbnail/get": "SYNO.Foto.Thumbnail",
    "/synofoto/api/v2/t/Thumbnail/get": "SYNO.FotoTeam.Thumbnail",
}
_ENTRY = "/webapi/entry.cgi"
# Which APIs a path answers for; the suffix in `entry.cgi/<API>` is decoration.
_DOORS: Mapping[str, frozenset[str] | None] = {
    _ENTRY: None,
    "/webapi/query.cgi": frozenset({"SYNO.API.Info"}),
    "/webapi/auth.cgi": frozenset({"SYNO.API.Auth"}),
}


def call_address(path: str, params: Mapping[str, str]) -> tuple[str, str, int]:
    """API, method and version that a request is for; empty and 0 where it names none."""
    if api := _RENDITION_PATHS.get(path):
        return api, "get", 2
    version = params.get("version", "")
    return params.get("api", ""), params.get("method", ""), int(version) if version.isdecimal() else 0


class Dsm:
    """The answers of a NAS, and the knobs that change them."""

    def __init__(
        self,
        *,
        username: str,
        password: str,
        era: str,
        library: Library | None,
        session_prefix: str,
        token: str | None,
    ) -> None:
        if era not in ERAS:
            raise ValueError(f"era must be one of {ERAS}, not {era!r}")
        self.username = username
        self.password = password
        self.era = era
        self.library = Library.samples() if library is None else library
        self.session_prefix = session_prefix
        self.token = token
        self.max_versions: dict[str, int] = {}
        self.login_error: int | None = None
        self.auto_block_after: int | None = None
        self.failed_logins = 0
        self.otp = False
        self.otp_code = "246810"
        self.token_required = True
        self.photos_installed = True
        self.is_portal = False
        self.chunked = False
        self._live: dict[str, Session] = {}
        self._dead: dict[str, int] = {}

    @property
    def sessions(self) -> list[str]:
        return list(self._live)

    def expire_sessions(self, code: int = 119) -> None:
        """Every session is dead from now on; guest-capable shared-space calls say 803 whatever the code."""
        with self.library.lock:
            dead, self._live = self._live, {}
            self._dead.update(dict.fromkeys(dead, code))

    def answer(self, call: Call) -> Reply:
        """The undisturbed answer to any request."""
        if call.path == "/":
            return html_page(200, "Synology DiskStation")
        if call.path in _RENDITION_PATHS and self.era == "B":
            return self._api_answer(call, None)
        script = _ENTRY if call.path.startswith(f"{_ENTRY}/") else call.path
        if script not in _DOORS:
            return html_page(404, "Sorry, the page you are looking for is not found.")
        return self._api_answer(call, _DOORS[script])

    def _api_answer(self, call: Call, allowed: frozenset[str] | None) -> Reply:
        headers: dict[str, str] = {}
        try:
            result = self._dispatch(call, allowed, headers)
        except ApiError as error:
            return json_text(failure_text(error.code, error.errors), headers)
        if isinstance(result, Reply):
            framed = replace(result, headers={**result.headers, **headers})
            return replace(framed, chunked=self.chunked) if result.status == 200 else framed
        if result is None:
            return json_text('{"success":true}', headers)
        data = result if isinstance(result, JsonText) else compact(result)
        return json_text(f'{{"data":{data},"success":true}}', headers)

    def _dispatch(self, call: Call, allowed: frozenset[str] | None, headers: dict[str, str]) -> Answer:
        if not (call.api and call.method and call.version):
            raise ApiError(101)
        highest = self._installed().get(call.api)
        if highest is None or (allowed is not None and call.api not in allowed):
            raise ApiError(102)
        if call.version > highest:
            raise ApiError(104)
        method = self._method(call, headers)
        with self.library.lock:
            return method()

    def _method(self, call: Call, headers: dict[str, str]) -> Callable[[], Answer]:
        if call.api == "SYNO.API.Info" and call.method == "query":
            return lambda: self._info(call)
        if call.api == "SYNO.API.Auth" and call.method == "login":
            return lambda: self._login(call, headers)
        if call.api == "SYNO.API.Auth" and call.method == "logout":
            return lambda: self._logout(call)
        method = METHODS.get(call.api, {}).get(call.method)
        if method is None:
            raise ApiError(103)
        session = self._session(call)
        headers["Set-Cookie"] = _session_cookie(session.sid)
        return lambda: method(Request(call.api, call.method, call.params, self.library, session))

    def _installed(self) -> dict[str, int]:
        era = ERAS.index(self.era)
        versions = {name: highest[era] for name, highest in MAX_VERSIONS.items()} | self.max_versions
        if self.photos_installed:
            return versions
        return {name: highest for name, highest in versions.items() if not name.startswith("SYNO.Foto")}

    def _info(self, call: Call) -> dict[str, Any]:
        """All APIs, or those of a list of names; a name with a dot at its end stands for all that start so."""
        query = call.params.get("query", "all").strip('"')
        wanted = [name.strip() for name in query.split(",")]
        return {
            name: _info_entry(name, highest)
            for name, highest in self._installed().items()
            if query == "all" or any(name == want or (want.endswith(".") and name.startswith(want)) for want in wanted)
        }

    def _session(self, call: Call) -> Session:
        sid = _sid(call)
        session = self._live.get(sid)
        if session is None:
            raise ApiError(803 if call.api in GUEST_APIS else self._dead.get(sid, 119))
        token = call.headers.get("X-Syno-Token") or call.params.get("SynoToken", "")
        if session.token and self.token_required and token != session.token:
            raise ApiError(119)
        return session

    def _login(self, call: Call, headers: dict[str, str]) -> dict[str, Any]:
        self._refuse_login(call.params)
        sid = (self.session_prefix + secrets.token_urlsafe(_SID_LENGTH))[:_SID_LENGTH]
        wants_token = call.params.get("enable_syno_token") == "yes"
        token = (self.token or secrets.token_urlsafe(10)[:13]) if wants_token else ""
        self._live = {**self._live, sid: Session(sid, self.username, token)}
        if call.params.get("format", "cookie") != "sid":
            headers["Set-Cookie"] = _session_cookie(sid)
        return _login_data(call, sid, token, self.is_portal)

    def _refuse_login(self, params: Mapping[str, str]) -> None:
        if self.login_error is not None:
            raise ApiError(self.login_error)
        if self.auto_block_after is not None and self.failed_logins >= self.auto_block_after:
            raise ApiError(407)
        if (params.get("account"), params.get("passwd")) != (self.username, self.password):
            self.failed_logins += 1
            raise ApiError(400)
        if self.otp and "otp_code" not in params:
            raise ApiError(403, _OTP_ERRORS)
        if self.otp and params["otp_code"] != self.otp_code:
            self.failed_logins += 1
            raise ApiError(404)

    def _logout(self, call: Call) -> None:
        """Succeeds for sessions that there are not, too."""
        gone = _sid(call)
        self._live = {sid: session for sid, session in self._live.items() if sid != gone}


def _sid(call: Call) -> str:
    return call.params.get("_sid") or call.cookies.get("id", "")


def _session_cookie(sid: str) -> str:
    expires = format_datetime(datetime.now(UTC) + _WEEK, usegmt=True)
    return f"id={sid};expires={expires};max-age={int(_WEEK.total_seconds())};path=/;HttpOnly"


def _info_entry(name: str, highest: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"maxVersion": highest, "minVersion": 1, "path": "entry.cgi"}
    return entry if name in PLAIN_TEXT_APIS else entry | {"requestFormat": "JSON"}


def _login_data(call: Call, sid: str, token: str, is_portal: bool) -> dict[str, Any]:
    """The shape goes with the version: 3 has a session, 6 a token too, 7 renames the device's id."""
    device = secrets.token_urlsafe(64)
    if call.version < 6:
        return {"did": device, "sid": sid}
    data: dict[str, Any] = {"is_portal_port": is_portal, "sid": sid}
    if call.version == 6:
        return {"did": device, **data} | ({"synotoken": token} if token else {})
    return {"account": call.params["account"], "device_id": "", "ik_message": "", **data} | {
        "synotoken": token or _NO_TOKEN
    }
