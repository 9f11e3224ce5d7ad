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

from . import sharing
from .account import Account
from .apis import ERAS, GUEST_APIS, MAX_VERSIONS, METHODS, PLAIN_TEXT_APIS, Answer, Method
from .browse import JsonText
from .library import Library
from .request import ApiError, Request, Session
from .wire import Call, Reply, compact, failure_text, html_page, json_text

_WEEK = timedelta(days=7)
_SID_LENGTH = 86
_LINK_SID_LENGTH = 32
_NO_TOKEN = "--------"
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


class Dsm(Account):
    """The answers of a NAS with one account, and the knobs that change them."""

    def __init__(
        self,
        *,
        username: str,
        password: str,
        era: str,
        library: Library | None,
        session_prefix: str,
        token: str | None,
        device_prefix: str,
    ) -> None:
        if era not in ERAS:
            raise ValueError(f"era must be one of {ERAS}, not {era!r}")
        super().__init__(username, password, device_prefix)
        self.era = era
        self.library = Library.samples() if library is None else library
        self.session_prefix = session_prefix
        self.token = token
        self.max_versions: dict[str, int] = {}
        self.token_required = True
        self.photos_installed = True
        self.is_portal = False
        self.chunked = False
        self._live: dict[str, Session] = {}
        self._guests: dict[str, str] = {}  # the passphrase of the link that each session of a share link is for
        self._dead: dict[str, int] = {}

    @property
    def sessions(self) -> list[str]:
        return list(self._live)

    def expire_sessions(self, code: int = 119) -> None:
        """Every session is dead from now on, those of share links too; guest-capable shared-space calls of an account
        say 803 whatever the code.
        """
        with self.library.lock:
            dead, self._live, self._guests = {**self._live, **self._guests}, {}, {}
            self._dead.update(dict.fromkeys(dead, code))

    def answer(self, call: Call) -> Reply:
        """The undisturbed answer to any request."""
        if call.path == "/":
            return html_page(200, "Synology DiskStation")
        if call.path in _RENDITION_PATHS:
            return self._rendition(call)
        if sharing.is_at_the_door(call):
            return self._api_answer(call, frozenset({sharing.LOGIN, *sharing.ALLOWED}))
        if passphrase := sharing.passphrase_of(call):
            return sharing.page(passphrase, self.library)
        script = _ENTRY if call.path.startswith(f"{_ENTRY}/") else call.path
        if script not in _DOORS:
            return html_page(404, "Sorry, the page you are looking for is not found.")
        return self._api_answer(call, _DOORS[script])

    def _rendition(self, call: Call) -> Reply:
        """The web page's way to thumbnails, by GET: for accounts since 1.5, for share links since 1.7."""
        since = "1.9" if _is_a_links(call) else "1.6"
        if ERAS.index(self.era) < ERAS.index(since) or call.http_method == "POST":
            return html_page(404)
        return self._api_answer(call, None)

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
        if call.api == sharing.LOGIN and call.method == "login" and sharing.is_at_the_door(call):
            return lambda: self._open_link(call, headers)
        method = METHODS.get(call.api, {}).get(call.method)
        if method is None:
            raise ApiError(103)
        if _is_a_links(call):
            return lambda: self._answer_link(call, method)
        session = self._session(call)
        headers["Set-Cookie"] = _session_cookie(session.sid)
        self.refuse_call(call.api)
        return lambda: method(Request(call.api, call.method, call.params, self.library, session))

    def _installed(self) -> dict[str, int]:
        column = 0 if self.era == "1.3" else 1
        versions = {name: highest[column] for name, highest in MAX_VERSIONS.items()} | self.max_versions
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

    def _open_link(self, call: Call, headers: dict[str, str]) -> dict[str, Any]:
        passphrase = sharing.opened_by(call, self.library)
        sid = (self.session_prefix + secrets.token_hex(_LINK_SID_LENGTH))[:_LINK_SID_LENGTH]
        self._guests = {**self._guests, sid: passphrase}
        headers["Set-Cookie"] = f"sharing_sid={sid}; path=/; HttpOnly"
        return {"sharing_sid": sid}

    def _answer_link(self, call: Call, method: Method) -> Answer:
        """Cookie and header at the door, cookie and parameter for renditions; sessions end with their link."""
        sid = call.cookies.get("sharing_sid", "")
        if not sid:
            raise ApiError(101)
        link = self._guests.get(sid, "")
        at_the_door = sharing.is_at_the_door(call)
        named = call.headers.get("X-Syno-Sharing", "") if at_the_door else call.params["_sharing_id"].strip('"')
        if link != named or link not in self.library.links():
            raise ApiError(self._dead.get(sid, 119))
        sharing.check(link, self.library)
        if call.method not in sharing.ALLOWED.get(call.api, ()):
            raise ApiError(105)
        if call.api.endswith(".Thumbnail") and at_the_door and self.era == "1.9":
            return html_page(404)
        return method(Request(call.api, call.method, call.params, self.library, Session(sid, "", ""), link))

    def _login(self, call: Call, headers: dict[str, str]) -> dict[str, Any]:
        device = self.admit(call.params, call.version)
        sid = (self.session_prefix + secrets.token_urlsafe(_SID_LENGTH))[:_SID_LENGTH]
        wants_token = call.params.get("enable_syno_token") == "yes"
        token = (self.token or secrets.token_urlsafe(10)[:13]) if wants_token else ""
        self._live = {**self._live, sid: Session(sid, self.username, token)}
        if call.params.get("format", "cookie") != "sid":
            headers["Set-Cookie"] = _session_cookie(sid)
        return _login_data(call, sid, token, device, self.is_portal)

    def _logout(self, call: Call) -> None:
        """Succeeds for sessions that there are not, too."""
        gone = _sid(call)
        self._live = {sid: session for sid, session in self._live.items() if sid != gone}


def _is_a_links(call: Call) -> bool:
    return sharing.is_at_the_door(call) or (call.path in _RENDITION_PATHS and "_sharing_id" in call.params)


def _sid(call: Call) -> str:
    return call.params.get("_sid") or call.cookies.get("id", "")


def _session_cookie(sid: str) -> str:
    expires = format_datetime(datetime.now(UTC) + _WEEK, usegmt=True)
    return f"id={sid};expires={expires};max-age={int(_WEEK.total_seconds())};path=/;HttpOnly"


def _info_entry(name: str, highest: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"maxVersion": highest, "minVersion": 1, "path": "entry.cgi"}
    return entry if name in PLAIN_TEXT_APIS else entry | {"requestFormat": "JSON"}


def _login_data(call: Call, sid: str, token: str, device: str, is_portal: bool) -> dict[str, Any]:
    """The shape goes with the version: 3 has a session, 6 a token too, 7 renames the device's id."""
    if call.version < 6:
        return {"did": device, "sid": sid}
    data: dict[str, Any] = {"is_portal_port": is_portal, "sid": sid}
    if call.version == 6:
        return {"did": device, **data} | ({"synotoken": token} if token else {})
    return {"account": call.params["account"], "device_id": device, "ik_message": "", **data} | {
        "synotoken": token or _NO_TOKEN
    }
