"""SynologyClient: session, albums, items and picture bytes. Blocks: worker threads only, any number of them.

It follows Synology Photos as DSM 7 serves it (`/webapi/entry.cgi`); there is no public reference.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import dsm
from .errors import LoginRefused, NasBadAnswer, NasCallRefused, NasError, NasUnreachable, PhotoNotFound
from .listing import Listing, album_from_row, rows_of
from .models import Album, Photo
from .settings import Secret
from .wire import Answer, Room, Wire

# The newest version of each call that this client was written against; older NASes offer less.
_TESTED = {
    "SYNO.API.Auth": 6,
    "SYNO.Foto.Browse.Album": 2,
    "SYNO.Foto.Browse.Item": 4,
    "SYNO.Foto.Sharing.Misc": 1,
    "SYNO.Foto.Thumbnail": 2,
    "SYNO.FotoTeam.Thumbnail": 2,
    "SYNO.Foto.Download": 2,
    "SYNO.FotoTeam.Download": 2,
}
_PAGE_ROWS = 1000
_ALBUM_PAGE_ROWS = 500
_MAX_PAGES = 2000
_JSON_LIMIT_BYTES = 32_000_000
_REFUSED_SECONDS = 30 * 60
_BLOCKED_SECONDS = 60 * 60
_LOGINS_PER_WINDOW = 6
_LOGIN_WINDOW_SECONDS = 10 * 60
_ITEM_DETAILS = ["thumbnail", "resolution", "address", "description"]
_SESSION_TEXT = re.compile(r"[A-Za-z0-9_.\-]{1,512}")


@dataclass(frozen=True, slots=True)
class _Api:
    path: str
    version: int
    json_format: bool


@dataclass(frozen=True, slots=True)
class _Session:
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


class SynologyClient:
    """One account on one NAS.

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
        max_photo_bytes: int,
        photo_size: str = "xl",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = wire
        self._username = username
        self._read_password = read_password
        self._hide = hide
        self._max_photo_bytes = max_photo_bytes
        self._photo_size = photo_size
        self._clock = clock
        self._apis: Mapping[str, _Api] = {}
        self._lock = threading.Lock()  # guards _session, _refusal and _logins while a login is made
        self._session: _Session | None = None
        self._refusal: _Refusal | None = None
        self._logins: deque[float] = deque()
        self.login_count = 0

    # What a NAS is asked for

    def discover(self) -> None:
        """Asks which calls this NAS offers. NasBadAnswer if it is no DSM, NasCallRefused(102) without Photos."""
        fields = {
            "api": "SYNO.API.Info",
            "version": "1",
            "method": "query",
            "query": ",".join(["SYNO.API.Auth", *(name for name in _TESTED if name != "SYNO.API.Auth")]),
        }
        answer = self._wire.exchange("GET", "webapi/query.cgi", fields, headers={}, limit_bytes=_JSON_LIMIT_BYTES)
        data = _data_of("SYNO.API.Info", _envelope(answer))
        if not isinstance(data, dict):
            raise _not_dsm(self._wire.base_url)
        apis = {name: api for name in _TESTED if (api := _api_from(name, data.get(name))) is not None}
        if "SYNO.API.Auth" not in apis:
            raise _not_dsm(self._wire.base_url)
        if "SYNO.Foto.Browse.Item" not in apis:
            raise dsm.call_error("SYNO.Foto.Browse.Item", 102)
        self._apis = apis

    def login(self) -> None:
        """Makes sure that there is a session. Raises LoginRefused, without asking again before that can help."""
        self._session_after(None)

    def logout(self) -> None:
        """Ends the session at the NAS, where sessions pile up otherwise. Raises nothing: it is a courtesy."""
        with self._lock:
            session, self._session = self._session, None
        if session is None:
            return
        try:
            self._exchange("SYNO.API.Auth", "logout", {}, session.headers, retry=False)
        except NasError:
            pass

    def list_albums(self) -> list[Album]:
        """Every album the account can see: its own first, then those shared with it."""
        albums = self._album_pages("SYNO.Foto.Browse.Album", "list", shared_with_me=False)
        if "SYNO.Foto.Sharing.Misc" in self._offered():
            albums += self._album_pages("SYNO.Foto.Sharing.Misc", "list_shared_with_me_album", shared_with_me=True)
        return albums

    def album_state(self, album: Album) -> Album:
        """The album as it is now, by one small call. NasCallRefused if it is gone."""
        details = {"additional": ["thumbnail"]}
        data = self._call("SYNO.Foto.Browse.Album", "get", album.selector(plural=True) | details)
        rows = rows_of(data)
        if not rows:
            raise dsm.call_error("SYNO.Foto.Browse.Album", 642)
        return album_from_row(rows[0], shared_with_me=album.shared_with_me)

    def list_photos(self, album: Album) -> Listing:
        """The whole album, to its last page. NasBadAnswer("incomplete") unless it has as many items as the
        NAS says; a smart album, whose count lags behind, may instead give the same items twice.
        """
        before: set[int] | None = None
        for _ in range(2):
            listing = self._listing(album)
            if len(listing.seen) == album.item_count:
                return listing
            if album.smart and before == listing.seen:
                return listing
            before = listing.seen
            album = self.album_state(album)
        if len(listing.seen) == album.item_count:
            return listing
        raise NasBadAnswer(
            "incomplete",
            f"The NAS says that the album '{album.name}' has {album.item_count} items, but listed {len(listing.seen)}.",
            "The last good listing stays in use; it is listed again at the next look.",
        )

    def fetch(self, photo: Photo, room: Room | None = None) -> bytes:
        """The photo's JPEG, complete and checked. PhotoNotFound if the NAS has none, otherwise NasError."""
        team = photo.access == "team"
        space = "SYNO.FotoTeam" if team else "SYNO.Foto"
        fields: dict[str, Any] = {} if team or not photo.access else {"passphrase": photo.access}
        if photo.size == "original":
            api, method = f"{space}.Download", "download"
            fields |= {"unit_id": [photo.unit_id], "download_type": "source", "force_download": True}
        else:
            api, method = f"{space}.Thumbnail", "get"
            fields |= {"id": photo.unit_id, "cache_key": photo.version, "type": "unit", "size": photo.size}
        answer = self._answer(api, method, fields, self._max_photo_bytes, room)
        if not answer.found:
            raise PhotoNotFound(f"The NAS has no picture for photo {photo.id}.", "It is asked again later.")
        return _checked_jpeg(photo, answer)

    def _listing(self, album: Album) -> Listing:
        listing = Listing(album, self._photo_size)
        for page in range(_MAX_PAGES):
            fields = album.selector() | {
                "offset": page * _PAGE_ROWS,
                "limit": _PAGE_ROWS,
                "sort_by": "takentime",
                "sort_direction": "asc",
                "additional": _ITEM_DETAILS,
            }
            rows = rows_of(self._call("SYNO.Foto.Browse.Item", "list", fields))
            progress = listing.add(rows)
            if len(rows) < _PAGE_ROWS:
                return listing
            if not progress:
                break
        raise NasBadAnswer(
            "endless", f"The NAS lists the album '{album.name}' without end.", "It is listed again at the next look."
        )

    def _album_pages(self, api: str, method: str, *, shared_with_me: bool) -> list[Album]:
        albums: dict[int, Album] = {}
        for page in range(_MAX_PAGES):
            fields = {"offset": page * _ALBUM_PAGE_ROWS, "limit": _ALBUM_PAGE_ROWS, "additional": ["thumbnail"]}
            rows = rows_of(self._call(api, method, fields))
            known = len(albums)
            for row in rows:
                album = album_from_row(row, shared_with_me=shared_with_me)
                albums.setdefault(album.id, album)
            if len(rows) < _ALBUM_PAGE_ROWS or len(albums) == known:
                break
        return list(albums.values())

    # How a NAS is asked

    def _call(self, api: str, method: str, fields: Mapping[str, Any]) -> object:
        answer = self._answer(api, method, fields, _JSON_LIMIT_BYTES, None)
        return _data_of(api, _envelope(answer))

    def _answer(self, api: str, method: str, fields: Mapping[str, Any], limit_bytes: int, room: Room | None) -> Answer:
        """The one door for every answer but the login's: a dead session is renewed once, then errors are told."""
        session = self._session_after(None)
        answer = self._exchange(api, method, fields, session.headers, limit_bytes=limit_bytes, room=room)
        dead = dsm.DEAD_SHARED_SPACE_SESSION if api.startswith("SYNO.FotoTeam.") else dsm.DEAD_SESSION
        if _error_code(answer) in dead:
            session = self._session_after(session)
            answer = self._exchange(api, method, fields, session.headers, limit_bytes=limit_bytes, room=room)
        code = _error_code(answer)
        if code is not None:
            raise dsm.call_error(api, code)
        return answer

    def _exchange(
        self,
        api: str,
        method: str,
        fields: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        limit_bytes: int = _JSON_LIMIT_BYTES,
        room: Room | None = None,
        retry: bool = True,
    ) -> Answer:
        offered = self._offered().get(api)
        if offered is None:
            raise dsm.call_error(api, 102)
        sent = {"api": api, "method": method, "version": str(offered.version)}
        sent |= {name: _encoded(value, offered.json_format) for name, value in fields.items()}
        # Pictures are asked for as browsers do; passphrases and passwords stay out of addresses.
        in_query = api.endswith((".Thumbnail", ".Download")) and "passphrase" not in fields
        verb = "GET" if in_query else "POST"
        return self._wire.exchange(
            verb,
            f"webapi/{offered.path}",
            sent,
            headers=headers,
            limit_bytes=limit_bytes,
            room=room,
            retry=retry,
        )

    def _offered(self) -> Mapping[str, _Api]:
        if not self._apis:
            self.discover()
        return self._apis

    # Logging in

    def _session_after(self, dead: _Session | None) -> _Session:
        """A session that is not `dead`: the present one, or a new login made once for all who wait."""
        session = self._session
        if session is not None and session is not dead:
            return session
        with self._lock:
            if self._session is None or self._session is dead:
                self._session = None
                self._session = self._login()
            return self._session

    def _login(self) -> _Session:
        password = self._read_password()
        self._check_login_allowed(password)
        self._offered()
        fields = {
            "account": self._username,
            "passwd": password.reveal(),
            "format": "cookie",
            "enable_syno_token": "yes",
        }
        self._logins.append(self._clock())
        self.login_count += 1
        answer = self._exchange("SYNO.API.Auth", "login", fields, {}, retry=False)
        code = _error_code(answer)
        if code is not None:
            error = dsm.login_error(code)
            if isinstance(error, LoginRefused):
                pause = _BLOCKED_SECONDS if code == dsm.BLOCKED else _REFUSED_SECONDS
                self._refusal = _Refusal(error, password, self._clock() + pause)
            raise error
        return self._session_from(_data_of("SYNO.API.Auth", _envelope(answer)))

    def _check_login_allowed(self, password: Secret) -> None:
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
                f"The NAS ended {len(self._logins)} sessions within ten minutes, so no more logins are made for a while.",
                "Perhaps something else uses the same account: give photos-sync an account of its own.",
                retry_after_seconds=self._logins[0] + _LOGIN_WINDOW_SECONDS - now,
            )

    def _session_from(self, data: object) -> _Session:
        sid = data.get("sid") if isinstance(data, dict) else None
        token = (data.get("synotoken") if isinstance(data, dict) else None) or ""
        token = "" if token == "--------" else token  # how DSM spells "no token"
        for text in (sid, token or "none"):
            if not isinstance(text, str) or not _SESSION_TEXT.fullmatch(text):
                raise NasBadAnswer("bad_sid", "The NAS's login answer holds no usable session.", "It is tried again.")
        self._hide(str(sid))
        self._hide(str(token))
        return _Session(sid=str(sid), token=str(token))


def _api_from(name: str, row: object) -> _Api | None:
    """The highest version that both sides know; None where the NAS does not offer the call."""
    if not isinstance(row, dict) or not isinstance(row.get("maxVersion"), int):
        return None
    lowest, path = row.get("minVersion", 1), row.get("path")
    version = min(row["maxVersion"], _TESTED[name])
    if not isinstance(lowest, int) or version < lowest:
        return None
    if not isinstance(path, str) or not re.fullmatch(r"[A-Za-z0-9_\-]{1,64}\.cgi", path):
        path = "entry.cgi"
    return _Api(path, version, row.get("requestFormat") == "JSON")


def _encoded(value: object, json_format: bool) -> str:
    """A form field. Texts are quoted for calls that parse JSON: a bare password of digits would become a number."""
    if isinstance(value, str) and not json_format:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _envelope(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer. DSM's content types for it vary, so they are not looked at."""
    try:
        parsed = json.loads(answer.body)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("success"), bool):
        if b"<html" in answer.body[:2000].lower() or not answer.found:
            raise _not_dsm("What answers there")
        raise NasBadAnswer("bad_json", "The NAS sent an answer that cannot be read.", "It is tried again.")
    return parsed


def _error_code(answer: Answer) -> int | None:
    """DSM's error code, in place of whatever was asked for: errors come as JSON with HTTP status 200."""
    if not answer.body.lstrip()[:1] == b"{":
        return None
    envelope = _envelope(answer)
    if envelope["success"]:
        return None
    error = envelope.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 100


def _data_of(api: str, envelope: Mapping[str, Any]) -> object:
    if envelope["success"]:
        return envelope.get("data")
    error = envelope.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    raise dsm.call_error(api, code if isinstance(code, int) else 100)


def _not_dsm(where: str) -> NasBadAnswer:
    return NasBadAnswer(
        "not_dsm",
        f"{where} is not a Synology NAS, or not its DSM.",
        "Check --url and --port: DSM usually has port 5000 for http and 5001 for https.",
    )


def _checked_jpeg(photo: Photo, answer: Answer) -> bytes:
    """Only a whole JPEG is a photo: magic, end marker, and an image type (originals may come without one)."""
    data = answer.body
    typed = answer.content_type.startswith("image/") or (
        photo.size == "original" and answer.content_type.startswith("application/octet-stream")
    )
    # Cameras append data of their own to originals; only a length that held vouches for those.
    ended = (
        data.rstrip(b"\0").endswith(b"\xff\xd9")
        if photo.size != "original" or not answer.announced
        else (b"\xff\xd9" in data)
    )
    if typed and data.startswith(b"\xff\xd8\xff") and ended:
        return data
    raise NasBadAnswer(
        "not_jpeg",
        f"What the NAS sent for photo {photo.id} is not a whole JPEG picture.",
        "It is left out for a while and asked for again later.",
    )
