"""Account: how a DSM account logs in and out. Blocks: worker threads only; the session lets one in at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from . import dsm
from .device import DEVICE_NAME
from .errors import ConfigError, LoginRefused, NasBadAnswer, NasError
from .reply import Reply
from .secret import Secret

AUTH = "SYNO.API.Auth"

_Read = TypeVar("_Read")

AskOnce = Callable[[str, str, Mapping[str, Any], Mapping[str, str]], Reply]
"""Makes one call (API, method, fields, headers), whose reply has an envelope. Raises NasError."""


@dataclass(frozen=True, slots=True)
class Login:
    """A session at the NAS. `headers` carry it with each call: nothing secret stands in an address."""

    headers: Mapping[str, str] = field(repr=False)


class Credentials(NamedTuple):
    """What proves who logs in: the password, and for a second factor a code or the id of a device it was asked on."""

    password: Secret
    device: Secret | None = None
    otp_code: Secret | None = None

    def fields(self) -> dict[str, str]:
        """The login's parameters; a code is sent together with the wish to be asked for none again."""
        fields = {"passwd": self.password.reveal()}
        if self.otp_code is not None:
            fields |= {"otp_code": self.otp_code.reveal(), "enable_device_token": "yes", "device_name": DEVICE_NAME}
        elif self.device is not None:
            fields |= {"device_id": self.device.reveal(), "device_name": DEVICE_NAME}
        return fields

    def reveal(self) -> str:
        """All of it in one text, another one whenever anything has changed."""
        return "\n".join(self.fields().values())


class Account:
    """A DSM account: one of the two ways in, see `session.WayIn`.

    `read_password` and `read_device` are asked before each login, so that a changed secret counts; they may raise
    ConfigError. `hide` is told each secret that a login uses or brings, before anything could log it. `device` is the
    id that the last login gave this machine, if it did.
    """

    folder = "webapi"
    thumbnail_paths: Sequence[str] = ("",)
    passphrase = ""

    def __init__(
        self,
        username: str,
        read_password: Callable[[], Secret],
        hide: Callable[[str], None],
        read_device: Callable[[], Secret | None] = lambda: None,
        otp_code: Secret | None = None,
    ) -> None:
        self.device: Secret | None = None
        self._username = username
        self._read_password = read_password
        self._hide = hide
        self._read_device = read_device
        self._otp_code = otp_code

    def secret(self) -> Credentials:
        """As they are now. LoginRefused("password_file" or "device_file") if they can't be had."""
        return Credentials(
            current(self._read_password, "password_file", "the password"),
            current(self._read_device, "device_file", "the device id"),
            self._otp_code,
        )

    def log_in(self, ask: AskOnce, credentials: Credentials) -> Login:
        """One login. Raises LoginRefused if it is about the account, otherwise another NasError."""
        for secret in (credentials.password, credentials.device, credentials.otp_code):
            if secret is not None:
                self._hide(secret.reveal())
        fields = {"account": self._username, "format": "cookie", "enable_syno_token": "yes"} | credentials.fields()
        reply = ask(AUTH, "login", fields, {})
        if reply.error_code is not None:
            raise dsm.login_error(reply.error_code, with_device=credentials.device is not None)
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
            if not dsm.is_session_text(text):
                raise NasBadAnswer("bad_sid", "The NAS's login answer holds no usable session.", "It is tried again.")
        device = row.get("device_id") or row.get("did")
        for text in (sid, token, device or ""):
            self._hide(str(text))
        self.device = Secret(device) if dsm.is_session_text(device) else None
        return Login({"Cookie": f"id={sid}"} | ({"X-SYNO-TOKEN": str(token)} if token else {}))


def current(read: Callable[[], _Read], kind: str, what: str) -> _Read:
    """What `read` gives now. LoginRefused(kind) where it raises ConfigError."""
    try:
        return read()
    except ConfigError:
        raise LoginRefused(kind, f"The file with {what} cannot be used.", "photos-sync --check tells why.") from None
