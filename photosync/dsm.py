"""DSM's error codes in words for somebody who runs a picture frame; used on every thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeGuard

from .errors import LOOK_FOR_IT, LoginRefused, NasCallRefused, NasError, NasUnreachable

DEAD_SESSION = frozenset({105, 106, 107, 119})
"""The session is gone, or (105) looks like it after a restart of the NAS: a new login may cure it."""

DEAD_SHARED_SPACE_SESSION = DEAD_SESSION | {803}
"""Calls that guests may make answer a dead session with "no permission"."""

PERHAPS_DENIED = frozenset({105, 123, 803})
"""Also what a missing permission looks like, which no login cures."""

TRANSIENT = frozenset({109, 110, 111, 117, 118, 498, 499})
"""Busy, or DSM is starting or being updated."""

_SESSION_TEXT = re.compile(r"[A-Za-z0-9_.\-]{1,256}")

NOT_OFFERED = frozenset({102, 103, 104})
"""No such API, method or version."""

BLOCKED_KIND = "login_407"
"""The NAS refuses this machine's address, whatever it sends."""

CODE_WANTED_KIND = "login_403"
"""The NAS wants a code of the second factor."""

WRONG_CODE_KIND = "login_404"

_RIGHTS = "In DSM, open Control Panel > User & Group, edit the account, and under Applications allow Synology Photos."
_SHARED_SPACE = (
    "The account may not open the shared space.",
    "In Synology Photos, an administrator opens Settings > Shared Space > Set Access Permissions and adds the account.",
)
_UNKNOWN_DEVICE = (
    "The NAS no longer knows this device, and wants a code from the account's second factor (2FA).",
    "Run photos-sync --enrol again.",
)
_LOGIN: Mapping[int, tuple[str, str]] = {
    400: (
        "The NAS does not accept the account name or the password.",
        (
            "Correct --username or the password. The service tries again in half an hour, or when it is restarted; "
            "with a --password-file, as soon as that changes."
        ),
    ),
    401: ("The account is disabled.", "Enable it in DSM: Control Panel > User & Group."),
    402: ("The account may not use Synology Photos.", _RIGHTS),
    403: (
        "The account wants a code from a second factor (2FA), and this device is not enrolled.",
        "Run photos-sync --enrol once with the same options, or use an account without 2FA.",
    ),
    404: (
        "The code of the second factor (2FA) was wrong, or has been used already.",
        "Wait for the next code of the authenticator app, and run photos-sync --enrol again.",
    ),
    405: (
        "The account may not log in at this address, which belongs to another application than Synology Photos.",
        f"Use DSM's own port in --url (usually 5000, or 5001 for https), or the one that Photos has. {LOOK_FOR_IT}",
    ),
    406: (
        "The NAS demands a second factor (2FA) of this account, which has none set up.",
        "In DSM, exempt the account (Control Panel > Security > Account), or set it up and run photos-sync --enrol.",
    ),
    407: (
        "The NAS has blocked this machine's address after too many failed logins.",
        "Remove it in DSM: Control Panel > Security > Protection > Auto Block, and correct the password.",
    ),
    408: ("The password has expired and the account may not change it.", "Set a new one in DSM."),
    409: ("The password has expired.", "Log in to DSM once by hand and change it."),
    410: ("The password has to be changed.", "Log in to DSM once by hand and change it."),
    411: (
        "The account is locked after too many failed logins.",
        "Wait, or unlock it in DSM, and correct the password.",
    ),
}
_CALL: Mapping[int, tuple[str, str]] = {
    102: (
        "Synology Photos is not installed on the NAS, or not running.",
        "Install or start it in DSM's Package Center.",
    ),
    104: ("This version of Synology Photos does not offer a call that is needed.", "Update Synology Photos."),
    105: ("The account may not use Synology Photos.", _RIGHTS),
    150: (
        "The NAS saw the login and this call come from different addresses.",
        "Reach the NAS by one way only: no proxy or VPN between, one network connection.",
    ),
    160: ("The account may not use Synology Photos.", _RIGHTS),
    609: ("The album is shared with the account and cannot be opened as its own.", "Name it with --album."),
    642: ("The album or photo is gone, or the account may not see it.", "Look at --list-albums."),
    801: _SHARED_SPACE,
    803: ("The account may not open this album or photo.", "Share it with the account in Synology Photos."),
    804: (
        "The album may be looked at but not downloaded from.",
        "Use --photo-size xl, or let the album's owner allow downloads: Share in Synology Photos.",
    ),
}


def is_session_text(text: object) -> TypeGuard[str]:
    """Whether it can be a session id, a token or a device id, and be put into a header."""
    return isinstance(text, str) and _SESSION_TEXT.fullmatch(text) is not None


def login_error(code: int, *, with_device: bool = False) -> NasError:
    """What a refused login means: LoginRefused if it is about the account, otherwise NasUnreachable.

    `with_device` says that a device id was sent with it.
    """
    if code in TRANSIENT:
        return _starting(code)
    if with_device and code == 403:
        return LoginRefused(CODE_WANTED_KIND, *_UNKNOWN_DEVICE)
    if code in _LOGIN:
        return LoginRefused(f"login_{code}", *_LOGIN[code])
    return NasUnreachable(
        f"login_{code}", f"The NAS refused the login with its error code {code}.", "It is tried again."
    )


def call_error(api: str, code: int) -> NasError:
    """What an error code of any other call means, once a new login has not cured it."""
    if code in TRANSIENT:
        return _starting(code)
    if api.startswith("SYNO.FotoTeam.") and code == 803:
        return NasCallRefused(code, *_SHARED_SPACE)
    cause, next_step = _CALL.get(
        code, (f"The NAS refused the call {api} with its error code {code}.", "It is tried again at the next look.")
    )
    return NasCallRefused(code, cause, next_step)


def _starting(code: int) -> NasUnreachable:
    return NasUnreachable(f"api_{code}", "The NAS is busy or just starting.", "It is tried again.")
