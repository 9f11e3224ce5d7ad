"""Account: how a DSM account logs in and out. Blocks: worker threads only; the session lets one in at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import dsm
from .errors import ConfigError, LoginRefused, NasBadAnswer, NasError
from .reply import Reply
from .secret import Secret

AUTH = "SYNO.API.Auth"
_SESSION_TEXT = re.compile(r"[A-Za-z0-9_.\-]{1,512}")

AskOnce = Callable[[str, str, Mapping[str, Any], Mapping[str, str]], Reply]
"""Makes one call (API, method, fields, headers), whose reply has an envelope. Raises NasError."""


@dataclass(frozen=True, slots=True)
class Login:
    """A session at the NAS."""

    sid: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Cookie and header rather than parameters, so that nothing secret stands in an address."""
        headers = {"Cookie": f"id={self.sid}"}
        return headers | {"X-SYNO-TOKEN": self.token} if self.token else headers


class Account:
    """A DSM account: one of the two ways in, see `session.WayIn`.

    `read_password` is asked before each login, so that a changed secret counts; it may raise ConfigError.
    `hide` is told each secret that a login uses or brings, before anything could log it.
    """

    folder = "webapi"
    thumbnail_paths: Sequence[str] = ("",)
    passphrase = ""

    def __init__(self, username: str, read_password: Callable[[], Secret], hide: Callable[[str], None]) -> None:
        self._username = username
        self._read_password = read_password
        self._hide = hide

    def secret(self) -> Secret:
        """The password as it is now. LoginRefused("password_file") if it can't be had."""
        return current_secret(self._read_password)

    def log_in(self, ask: AskOnce, password: Secret) -> Login:
        """One login. Raises LoginRefused if it is about the account, otherwise another NasError."""
        self._hide(password.reveal())
        fields = {
            "account": self._username,
            "passwd": password.reveal(),
            "format": "cookie",
            "enable_syno_token": "yes",
        }
        reply = ask(AUTH, "login", fields, {})
        if reply.error_code is not None:
            raise dsm.login_error(reply.error_code)
        return self._login(reply.envelope.get("data") if reply.envelope else None)

    def log_out(self, ask: AskOnce, headers: Mapping[str, str]) -> None:
        ask(AUTH, "logout", {}, headers)

    def dead_codes(self, api: str) -> frozenset[int]:
        return dsm.DEAD_SHARED_SPACE_SESSION if api.startswith("SYNO.FotoTeam.") else dsm.DEAD_SESSION

    def call_error(self, api: str, code: int) -> NasError:
        return dsm.call_error(api, code)

    def advice(self, next_step: str) -> str:
        return next_step

    def _login(self, data: object) -> Login:
        row = data if isinstance(data, dict) else {}
        sid, token = row.get("sid"), row.get("synotoken") or ""
        if token == "--------":  # how DSM spells "no token"
            token = ""
        for text in (sid, token or "none"):
            if not isinstance(text, str) or not _SESSION_TEXT.fullmatch(text):
                raise NasBadAnswer("bad_sid", "The NAS's login answer holds no usable session.", "It is tried again.")
        self._hide(str(sid))
        self._hide(str(token))
        return Login(sid=str(sid), token=str(token))


def current_secret(read: Callable[[], Secret]) -> Secret:
    """What `read` gives now. LoginRefused("password_file") where it raises ConfigError."""
    try:
        return read()
    except ConfigError:
        raise LoginRefused(
            "password_file", "The file with the password cannot be used.", "photos-sync --check tells why."
        ) from None
