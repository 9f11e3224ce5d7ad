"""Runs on the simulated NAS's own thread; its knobs may be turned from any other.

The one account of a NAS: its password, its second factor, the devices it trusts, its rights.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping

from .request import ApiError

_DEVICE_ID_LENGTH = 86
_OTP_ERRORS = {
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzaW11bGF0ZWQiOnRydWV9.c2lnbmF0dXJl",
    "types": [{"type": "authenticator"}, {"type": "fido"}, {"type": "otp"}],
}
# Labels of a session that belong to an application of their own, which the account may not use.
_OTHER_APPLICATIONS = frozenset(
    {"AudioStation", "DownloadStation", "FileStation", "NoteStation", "SurveillanceStation", "VideoStation"}
)


class Account:
    """An account without administrator rights, which may use Synology Photos and nothing else.

    `otp` wants the `otp_code` of a second factor at each login of a device that is not in `devices` (names by id);
    the code counts once in each `otp_window_seconds`. `otp_enforced` without `otp` is a second factor that was never
    set up. `photos_denied` is the code that tells of no right to Synology Photos: 402 at logins, 105 or 160 at calls.
    `team_denied` is that of no access to the shared space: 801 or 803.
    """

    def __init__(self, username: str, password: str, device_prefix: str) -> None:
        self.username = username
        self.password = password
        self.login_error: int | None = None
        self.auto_block_after: int | None = None
        self.failed_logins = 0
        self.otp = False
        self.otp_code = "246810"
        self.otp_window_seconds = 30.0
        self.otp_enforced = False
        self.devices: dict[str, str] = {}
        self.photos_denied: int | None = None
        self.team_denied: int | None = None
        self._device_prefix = device_prefix
        self._used_codes: dict[str, float] = {}

    def forget_devices(self) -> None:
        self.devices = {}

    def admit(self, params: Mapping[str, str], version: int) -> str:
        """The device id that the answer to a login tells. ApiError if the account may not come in."""
        if self.login_error is not None:
            raise ApiError(self.login_error)
        if self.auto_block_after is not None and self.failed_logins >= self.auto_block_after:
            raise ApiError(407)
        if (params.get("account"), params.get("passwd")) != (self.username, self.password):
            self.failed_logins += 1
            raise ApiError(400)
        if self.photos_denied == 402 or params.get("session") in _OTHER_APPLICATIONS:
            raise ApiError(402)
        if self.otp:
            return self._pass_second_factor(params)
        if self.otp_enforced:
            raise ApiError(406)
        return self._new_device_id() if version < 7 else ""  # which is worth nothing

    def refuse_call(self, api: str) -> None:
        """ApiError if the account has not the right that a call wants."""
        if self.photos_denied in (105, 160) and api.startswith("SYNO.Foto"):
            raise ApiError(self.photos_denied)
        if self.team_denied is not None and api.startswith("SYNO.FotoTeam."):
            raise ApiError(self.team_denied)

    def _pass_second_factor(self, params: Mapping[str, str]) -> str:
        """The id of a device that is trusted from now on; nothing for one that is trusted already, or need not be."""
        name = params.get("device_name", "")
        known = self.devices.get(params.get("device_id", ""))
        code = params.get("otp_code", "")
        if not code and known is not None and known == name:
            return ""
        if not code:
            raise ApiError(403, _OTP_ERRORS)
        now = time.monotonic()
        if code != self.otp_code or now < self._used_codes.get(code, -math.inf) + self.otp_window_seconds:
            self.failed_logins += 1
            raise ApiError(404)
        self._used_codes[code] = now
        if params.get("enable_device_token") != "yes":
            return ""
        device = self._new_device_id()
        self.devices = {**self.devices, device: name}
        return "" if params.get("format") == "sid" else device  # as DSM 7.0.1 does

    def _new_device_id(self) -> str:
        return (self._device_prefix + secrets.token_urlsafe(_DEVICE_ID_LENGTH))[:_DEVICE_ID_LENGTH]
