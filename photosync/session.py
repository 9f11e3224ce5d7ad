"""DsmSession: the one door to DSM's calls, and the login behind it. Blocks: worker threads only, any number of them."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple, Protocol

from . import dsm
from .account import AUTH, AskOnce, Login
from .brake import LoginBrake
from .calls import NAS_CALLS, Calls
from .errors import LOOK_FOR_IT, NasBadAnswer, NasError, NasUnreachable
from .reply import Reply, read_reply, unreadable
from .share_link import LOGIN
from .wire import Answer, Room, Wire

# The newest version of each call that this client was written against; older NASes offer less.
_TESTED: Mapping[str, int] = {
    AUTH: 6,
    LOGIN: 1,
    "SYNO.Foto.Browse.Album": 2,
    "SYNO.Foto.Browse.Item": 4,
    "SYNO.Foto.Sharing.Misc": 1,
    "SYNO.Foto.Thumbnail": 2,
    "SYNO.FotoTeam.Thumbnail": 2,
    "SYNO.Foto.Download": 2,
    "SYNO.FotoTeam.Download": 2,
}
_INFO = "SYNO.API.Info"
_PHOTOS = "SYNO.Foto.Browse.Item"
_JSON_LIMIT_BYTES = 32_000_000
_DENIED_SECONDS = 30 * 60
_PATH = re.compile(r"[A-Za-z0-9_\-]{1,64}\.cgi")


class _Api(NamedTuple):
    path: str
    version: int
    json_format: bool


class WayIn(Protocol):
    """How a session is had: by an account, or by an album's share link.

    `folder` holds the scripts for calls, `thumbnail_paths` says where thumbnails may be asked for ("" is the script of
    that call), `passphrase` belongs to every call about the link's album. `secret` gives what the login needs, equal as
    long as nothing has changed. `advice` tells the brake's next step in its words.
    """

    folder: str
    thumbnail_paths: Sequence[str]
    passphrase: str

    def secret(self) -> Any: ...
    def log_in(self, ask: AskOnce, secret: Any, /) -> Login: ...
    def log_out(self, ask: AskOnce, headers: Mapping[str, str]) -> None: ...
    def dead_codes(self, api: str) -> frozenset[int]: ...
    def call_error(self, api: str, code: int) -> NasError: ...
    def advice(self, next_step: str) -> str: ...


class DsmSession:
    """One session on one NAS, shared by all threads. `clock` is a monotonic clock in seconds; `calls` counts them."""

    def __init__(
        self,
        wire: Wire,
        way_in: WayIn,
        clock: Callable[[], float] = time.monotonic,
        brake: LoginBrake | None = None,
        calls: Calls | None = None,
    ) -> None:
        self.calls = calls or Calls()
        self._wire = wire
        self._way_in = way_in
        self._clock = clock
        self._brake = brake or LoginBrake(clock)
        self._apis: Mapping[str, _Api] = {}  # replaced as a whole, by any thread
        self._turns = threading.BoundedSemaphore(NAS_CALLS)
        self._lock = threading.Lock()  # held while a login is made; the next three change only then
        self._login: Login | None = None
        self._attempts = 0
        self._ended = False
        self._failure: NasError | None = None
        # Until when a code of a call is no reason for a login; set by any thread.
        self._denied: dict[tuple[str, int], float] = {}

    def discover(self) -> None:
        """Asks which calls this NAS offers. NasBadAnswer if it is no DSM, NasCallRefused(102) without Photos."""
        fields = {"api": _INFO, "version": "1", "method": "query", "query": ",".join(_TESTED)}
        send = partial(
            self._wire.exchange, "GET", "webapi/query.cgi", fields, headers={}, limit_bytes=_JSON_LIMIT_BYTES
        )
        data = self._data(_INFO, self.calls.counted(_INFO, "query", lambda: self._json(send())))
        rows = data if isinstance(data, dict) else {}
        apis = {name: api for name in _TESTED if (api := _api(name, rows.get(name))) is not None}
        if AUTH not in apis:
            raise self._not_dsm()
        if _PHOTOS not in apis:
            raise self._way_in.call_error(_PHOTOS, 102)
        self._apis = apis

    def offers(self, api: str) -> bool:
        return api in self._offered()

    def login(self) -> None:
        """Makes sure that there is a session. LoginRefused, without asking again before that can help."""
        self._login_after(None)

    def close(self) -> None:
        """Logs out for good: a call that is still under way elsewhere makes no new login."""
        with self._lock:
            self._ended = True
        self.logout()
        self._wire.close()

    def logout(self) -> None:
        """Ends the session at the NAS, where they pile up otherwise. Raises nothing: it is a courtesy."""
        with self._lock:
            login, self._login = self._login, None
        if login is not None:
            with suppress(NasError):
                self._way_in.log_out(self._ask_once, login.headers)

    def call(self, api: str, method: str, fields: Mapping[str, Any]) -> object:
        """The `data` of a JSON call. Raises NasError."""
        with self._turns:
            return self._data(api, self._ask(api, method, fields, _JSON_LIMIT_BYTES, None))

    def fetch(
        self, api: str, method: str, fields: Mapping[str, Any], limit_bytes: int, room: Room | None, path: str = ""
    ) -> Answer:
        """A binary answer, as it came; `path` is one of the way's `thumbnail_paths`. Raises NasError, also for an error
        that came in its place.
        """
        with self._turns:
            return self._ask(api, method, fields, limit_bytes, room, path).answer

    def _ask(
        self, api: str, method: str, fields: Mapping[str, Any], limit_bytes: int, room: Room | None, path: str = ""
    ) -> Reply:
        """Where every answer passes: a dead session is renewed, and the call made once more; then errors are told."""
        dead_codes = self._way_in.dead_codes(api)
        login = self._login_after(None)
        reply = self._exchange(api, method, fields, login.headers, limit_bytes, room, path)
        code = reply.error_code
        if code in dead_codes and self._clock() >= self._denied.get((api, code), -math.inf):
            login = self._login_after(login)
            reply = self._exchange(api, method, fields, login.headers, limit_bytes, room, path)
            if code == reply.error_code and code in dsm.PERHAPS_DENIED:
                self._denied[api, code] = self._clock() + _DENIED_SECONDS
        if reply.error_code is not None:
            if reply.error_code in dsm.NOT_OFFERED:
                self._apis = {}  # another NAS, or another version of Photos: asked anew at the next call
            raise self._way_in.call_error(api, reply.error_code)
        return reply

    def _exchange(
        self,
        api: str,
        method: str,
        fields: Mapping[str, Any],
        headers: Mapping[str, str],
        limit_bytes: int,
        room: Room | None,
        path: str = "",
        *,
        retry: bool = True,
    ) -> Reply:
        offered = self._offered().get(api)
        if offered is None:
            self._apis = {}  # perhaps Photos was not all there yet: asked anew at the next call
            raise self._way_in.call_error(api, 102)
        sent = {} if path else {"api": api, "method": method, "version": str(offered.version)}
        sent |= {name: _encoded(value, offered.json_format) for name, value in fields.items()}
        is_picture = path or api.endswith((".Thumbnail", ".Download"))
        # Pictures are asked for as browsers do; passphrases and passwords stay out of addresses where they can.
        send = partial(
            self._wire.exchange,
            "GET" if is_picture and (path or "passphrase" not in fields) else "POST",
            path or f"{self._way_in.folder}/{offered.path}",
            sent,
            headers=headers,
            limit_bytes=limit_bytes,
            room=room,
            retry=retry,
        )
        read = read_reply if is_picture else self._json
        return self.calls.counted(api, method, lambda: read(send()))

    @contextmanager
    def _in_its_words(self) -> Iterator[None]:
        try:
            yield
        except NasError as error:
            error.next_step = self._way_in.advice(error.next_step)
            raise

    def _offered(self) -> Mapping[str, _Api]:
        if not self._apis:
            self.discover()
        return self._apis

    def _data(self, api: str, reply: Reply) -> object:
        if reply.error_code is not None:
            raise self._way_in.call_error(api, reply.error_code)
        return reply.envelope.get("data") if reply.envelope else None

    def _json(self, answer: Answer) -> Reply:
        """A reply with an envelope. NasBadAnswer for anything else."""
        reply = read_reply(answer)
        if reply.envelope is None:
            is_page = not answer.found or b"<html" in answer.body[:2000].lower()
            raise self._not_dsm() if is_page else unreadable()
        return reply

    def _login_after(self, dead: Login | None) -> Login:
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

    def _attempt(self) -> Login:
        if self._ended:
            raise NasUnreachable("ended", "Another configuration is in use by now.")
        try:
            login = self._log_in()
            self._failure = None
        except NasError as error:
            self._failure = error
            raise
        finally:
            self._attempts += 1
        return login

    def _log_in(self) -> Login:
        secret = self._way_in.secret()
        self._offered()
        with self._in_its_words(), self._brake.login(secret):
            return self._way_in.log_in(self._ask_once, secret)

    def _ask_once(self, api: str, method: str, fields: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """A call about the session itself, which is never repeated by itself."""
        return self._exchange(api, method, fields, headers, _JSON_LIMIT_BYTES, None, retry=False)

    def _not_dsm(self) -> NasBadAnswer:
        return NasBadAnswer(
            "not_dsm",
            f"What answers at {self._wire.base_url} is not a Synology NAS, or not its DSM.",
            f"Check {self._wire.option.both}: DSM usually has port 5000 for http and 5001 for https. {LOOK_FOR_IT}",
        )


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
