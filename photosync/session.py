"""DsmSession: the one door to DSM's calls, and the login behind it. Blocks: worker threads only, any number of them."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import dsm
from .errors import LOOK_FOR_IT, ConfigError, LoginRefused, NasBadAnswer, NasError, NasUnreachable
from .secret import Secret
from .wire import Answer, Room, Wire

# The newest version of each call that this client was written against; older NASes offer less.
_TESTED: Mapping[str, int] = {
    "SYNO.API.Auth": 6,
    "SYNO.Foto.Browse.Album": 2,
    "SYNO.Foto.Browse.Item": 4,
    "SYNO.Foto.Sharing.Misc": 1,
    "SYNO.Foto.Thumbnail": 2,
    "SYNO.FotoTeam.Thumbnail": 2,
    "SYNO.Foto.Download": 2,
    "SYNO.FotoTeam.Download": 2,
}
_AUTH = "SYNO.API.Auth"
_PHOTOS = "SYNO.Foto.Browse.Item"
_JSON_LIMIT_BYTES = 32_000_000
_REFUSED_SECONDS = 30 * 60
_BLOCKED_SECONDS = 60 * 60
_LOGINS_PER_WINDOW = 6
_LOGIN_WINDOW_SECONDS = 10 * 60
_UNKNOWN_ERROR = 100
_SESSION_TEXT = re.compile(r"[A-Za-z0-9_.\-]{1,512}")
_PATH = re.compile(r"[A-Za-z0-9_\-]{1,64}\.cgi")


@dataclass(frozen=True, slots=True)
class _Api:
    path: str
    version: int
    json_format: bool


@dataclass(frozen=True, slots=True)
class _Login:
    sid: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Cookie and header rather than parameters, so that nothing secret stands in an address."""
        headers = {"Cookie": f"id={self.sid}"}
        return headers | {"X-SYNO-TOKEN": self.token} if self.token else headers


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: LoginRefused
    password: Secret
    until: float


class _Reply(NamedTuple):
    """An answer, and its envelope if it is DSM's JSON."""

    answer: Answer
    envelope: Mapping[str, Any] | None

    @property
    def error_code(self) -> int | None:
        """Errors come with HTTP status 200, in place of whatever was asked for."""
        if self.envelope is None or self.envelope["success"]:
            return None
        error = self.envelope.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if type(code) is int else _UNKNOWN_ERROR


class DsmSession:
    """One account's session on one NAS, shared by all threads.

    `read_password` is asked before each login, so that a changed secret counts. `hide` is told each secret
    that a login brings, before anything could log it. `clock` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        wire: Wire,
        username: str,
        read_password: Callable[[], Secret],
        *,
        hide: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = wire
        self._username = username
        self._read_password = read_password
        self._hide = hide
        self._clock = clock
        self._apis: Mapping[str, _Api] = {}
        self._lock = threading.Lock()  # held while a login is made; guards everything below
        self._login: _Login | None = None
        self._refusal: _Refusal | None = None
        self._attempts = 0
        self._failure: NasError | None = None
        self._logins: deque[float] = deque()
        self._denied: dict[tuple[str, int], float] = {}  # until when a code of a call is no reason for a login

    def discover(self) -> None:
        """Asks which calls this NAS offers. NasBadAnswer if it is no DSM, NasCallRefused(102) without Photos."""
        fields = {"api": "SYNO.API.Info", "version": "1", "method": "query", "query": ",".join(_TESTED)}
        answer = self._wire.exchange("GET", "webapi/query.cgi", fields, headers={}, limit_bytes=_JSON_LIMIT_BYTES)
        data = self._data("SYNO.API.Info", _reply(answer))
        rows = data if isinstance(data, dict) else {}
        apis = {name: api for name in _TESTED if (api := _api(name, rows.get(name))) is not None}
        if _AUTH not in apis:
            raise self._not_dsm()
        if _PHOTOS not in apis:
            raise dsm.call_error(_PHOTOS, 102)
        self._apis = apis

    def offers(self, api: str) -> bool:
        return api in self._offered()

    def login(self) -> None:
        """Makes sure that there is a session. LoginRefused, without asking again before that can help."""
        self._login_after(None)

    def logout(self) -> None:
        """Ends the session at the NAS, where they pile up otherwise. Raises nothing: it is a courtesy."""
        with self._lock:
            login, self._login = self._login, None
        if login is not None:
            with suppress(NasError):
                self._exchange(_AUTH, "logout", {}, login.headers, _JSON_LIMIT_BYTES, None, retry=False)

    def call(self, api: str, method: str, fields: Mapping[str, Any]) -> object:
        """The `data` of a JSON call. Raises NasError."""
        return self._data(api, self._ask(api, method, fields, _JSON_LIMIT_BYTES, None))

    def fetch(self, api: str, method: str, fields: Mapping[str, Any], limit_bytes: int, room: Room | None) -> Answer:
        """A binary answer, as it came. Raises NasError, also for an error that came in its place."""
        return self._ask(api, method, fields, limit_bytes, room).answer

    def _ask(self, api: str, method: str, fields: Mapping[str, Any], limit_bytes: int, room: Room | None) -> _Reply:
        """Where every answer passes: a dead session is renewed, and the call made once more; then errors are told."""
        dead_codes = dsm.DEAD_SHARED_SPACE_SESSION if api.startswith("SYNO.FotoTeam.") else dsm.DEAD_SESSION
        login = self._login_after(None)
        reply = self._exchange(api, method, fields, login.headers, limit_bytes, room)
        code = reply.error_code
        if code in dead_codes and self._clock() >= self._denied.get((api, code), -math.inf):
            login = self._login_after(login)
            reply = self._exchange(api, method, fields, login.headers, limit_bytes, room)
            if code == reply.error_code and code in dsm.PERHAPS_DENIED:
                self._denied[api, code] = self._clock() + _REFUSED_SECONDS
        if reply.error_code is not None:
            if reply.error_code in dsm.NOT_OFFERED:
                self._apis = {}  # another NAS, or another version of Photos: asked anew at the next call
            raise dsm.call_error(api, reply.error_code)
        return reply

    def _exchange(
        self,
        api: str,
        method: str,
        fields: Mapping[str, Any],
        headers: Mapping[str, str],
        limit_bytes: int,
        room: Room | None,
        *,
        retry: bool = True,
    ) -> _Reply:
        offered = self._offered().get(api)
        if offered is None:
            self._apis = {}  # perhaps Photos was not all there yet: asked anew at the next call
            raise dsm.call_error(api, 102)
        sent = {"api": api, "method": method, "version": str(offered.version)}
        sent |= {name: _encoded(value, offered.json_format) for name, value in fields.items()}
        # Pictures are asked for as browsers do; passphrases and passwords stay out of addresses.
        in_query = api.endswith((".Thumbnail", ".Download")) and "passphrase" not in fields
        answer = self._wire.exchange(
            "GET" if in_query else "POST",
            f"webapi/{offered.path}",
            sent,
            headers=headers,
            limit_bytes=limit_bytes,
            room=room,
            retry=retry,
        )
        return _reply(answer)

    def _offered(self) -> Mapping[str, _Api]:
        if not self._apis:
            self.discover()
        return self._apis

    def _data(self, api: str, reply: _Reply) -> object:
        if reply.error_code is not None:
            raise dsm.call_error(api, reply.error_code)
        if reply.envelope is not None:
            return reply.envelope.get("data")
        if not reply.answer.found or b"<html" in reply.answer.body[:2000].lower():
            raise self._not_dsm()
        raise _unreadable()

    def _login_after(self, dead: _Login | None) -> _Login:
        """A login that is not `dead`: the present one, or a new one made once for all who wait."""
        login = self._login
        if login is not None and login is not dead:
            return login
        attempts = self._attempts
        with self._lock:
            if self._login is None or self._login is dead:
                if self._failure is not None and self._attempts != attempts:
                    raise self._failure.with_traceback(None)  # it failed while this thread was waiting for it
                self._login = None
                self._login = self._attempt()
            return self._login

    def _attempt(self) -> _Login:
        try:
            login = self._log_in()
            self._failure = None
        except NasError as error:
            self._failure = error
            raise
        finally:
            self._attempts += 1
        return login

    def _log_in(self) -> _Login:
        try:
            password = self._read_password()
        except ConfigError:
            raise LoginRefused(
                "password_file", "The file with the password cannot be used.", "photos-sync --check tells why."
            ) from None
        self._check_allowed(password)
        self._offered()
        fields = {
            "account": self._username,
            "passwd": password.reveal(),
            "format": "cookie",
            "enable_syno_token": "yes",
        }
        self._hide(password.reveal())
        reply = self._exchange(_AUTH, "login", fields, {}, _JSON_LIMIT_BYTES, None, retry=False)
        if reply.error_code is not None:
            error = dsm.login_error(reply.error_code)
            if isinstance(error, LoginRefused):
                pause = _BLOCKED_SECONDS if reply.error_code == dsm.BLOCKED else _REFUSED_SECONDS
                self._refusal = _Refusal(error, password, self._clock() + pause)
            raise error
        login = self._login_from(self._data(_AUTH, reply))
        self._logins.append(self._clock())
        return login

    def _check_allowed(self, password: Secret) -> None:
        """A NAS blocks an address after a few failed logins, so a refusal stands until its cause can be gone."""
        now = self._clock()
        refusal = self._refusal
        if refusal is not None and refusal.password == password and now < refusal.until:
            raise refusal.error.with_traceback(None)
        self._refusal = None
        while self._logins and self._logins[0] <= now - _LOGIN_WINDOW_SECONDS:
            self._logins.popleft()
        if len(self._logins) >= _LOGINS_PER_WINDOW:
            raise NasUnreachable(
                "login_brake",
                f"{len(self._logins)} logins were needed within ten minutes, so no more are made for a while.",
                "Perhaps something else uses the same account: give photos-sync an account of its own.",
                retry_after_seconds=self._logins[0] + _LOGIN_WINDOW_SECONDS - now,
            )

    def _login_from(self, data: object) -> _Login:
        row = data if isinstance(data, dict) else {}
        sid, token = row.get("sid"), row.get("synotoken") or ""
        if token == "--------":  # how DSM spells "no token"
            token = ""
        for text in (sid, token or "none"):
            if not isinstance(text, str) or not _SESSION_TEXT.fullmatch(text):
                raise NasBadAnswer("bad_sid", "The NAS's login answer holds no usable session.", "It is tried again.")
        self._hide(str(sid))
        self._hide(str(token))
        return _Login(sid=str(sid), token=str(token))

    def _not_dsm(self) -> NasBadAnswer:
        return NasBadAnswer(
            "not_dsm",
            f"What answers at {self._wire.base_url} is not a Synology NAS, or not its DSM.",
            f"Check --url and --port: DSM usually has port 5000 for http and 5001 for https. {LOOK_FOR_IT}",
        )


def _reply(answer: Answer) -> _Reply:
    """DSM's content types for JSON vary, so the first byte tells whether it is any."""
    if answer.body.lstrip()[:1] != b"{":
        return _Reply(answer, None)
    try:
        envelope = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise _unreadable() from None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("success"), bool):
        raise _unreadable()
    return _Reply(answer, envelope)


def _unreadable() -> NasBadAnswer:
    return NasBadAnswer("bad_json", "The NAS sent an answer that cannot be read.", "It is tried again.")


def _api(name: str, row: object) -> _Api | None:
    """The highest version that both sides know; None where the NAS does not offer the call."""
    if not isinstance(row, dict) or not isinstance(row.get("maxVersion"), int):
        return None
    lowest, path = row.get("minVersion", 1), row.get("path")
    version = min(row["maxVersion"], _TESTED[name])
    if not isinstance(lowest, int) or version < lowest:
        return None
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        path = "entry.cgi"
    return _Api(path, version, row.get("requestFormat") == "JSON")


def _encoded(value: object, json_format: bool) -> str:
    """A form field. Texts are quoted for calls that parse JSON: a bare text of digits would become a number."""
    if isinstance(value, str) and not json_format:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
