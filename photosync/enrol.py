"""--enrol: makes this device known to a NAS whose account has a second factor. Main thread; blocks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import dsm
from .account import Account
from .connect import build_client, build_session
from .device import is_otp_code, keep_device
from .errors import ConfigError, LoginRefused, NasBadAnswer, PhotosSyncError
from .log import Redactor, harmless
from .secret import Secret
from .settings import Settings

_TRIES = 3
_NO_TERMINAL = "--enrol has to ask for a code and finds no terminal: give it by --otp-code or PHOTOS_SYNC_OTP_CODE."


def enrol(settings: Settings) -> bool:
    """Asks for a code if the account wants one, and keeps the device id that it brings. True if all is well.

    Raises PhotosSyncError; ConfigError if there is no way to ask for a code.
    """
    assert settings.device_file is not None
    if not _wants_code(settings):
        print("The account has no second factor (2FA): no code is wanted, and nothing needs to be done.")
        return True
    _require_writable(settings.device_file)
    device = _device(settings)
    _keep(settings.device_file, device)
    _prove(settings)
    place = harmless(str(settings.device_file))
    print(f"The NAS knows this device now, by the id in {place}: a login without a code has succeeded.")
    print("Next: photos-sync --check with the same options. A service that runs uses the id at its next login.")
    return True


def _wants_code(settings: Settings) -> bool:
    """Asks as a browser does: a login without a code, which then is no refused one."""
    account = Account(settings.username, settings.read_password, Redactor().hide)
    session = build_session(settings, account)
    try:
        session.login()
    except LoginRefused as error:
        if error.kind == dsm.CODE_WANTED_KIND:
            return True
        raise
    session.logout()
    return False


def _device(settings: Settings) -> Secret:
    """The device id that the NAS gives for a code; a wrong one that was typed is asked for again, but not for ever."""
    if settings.otp_code is not None:
        return _device_for(settings, settings.otp_code)
    if not sys.stdin.isatty():
        raise ConfigError([_NO_TERMINAL])
    for tries_left in reversed(range(_TRIES)):
        try:
            return _device_for(settings, _typed_code())
        except LoginRefused as error:
            if error.kind != dsm.WRONG_CODE_KIND or not tries_left:
                raise
            print(f"{error} Wait for the next one.")
    raise AssertionError("the last try returns or raises")


def _typed_code() -> Secret:
    while True:
        try:
            code = "".join(input("The six digits that your authenticator app shows: ").split())
        except EOFError:
            raise PhotosSyncError("No code was given.", "Run photos-sync --enrol again.") from None
        if is_otp_code(code):
            return Secret(code)
        print("That is not six digits.")


def _device_for(settings: Settings, code: Secret) -> Secret:
    account = Account(settings.username, settings.read_password, Redactor().hide, otp_code=code)
    session = build_session(settings, account)
    session.login()
    session.logout()
    if account.device is None:
        raise NasBadAnswer(
            "no_device",
            "The NAS has accepted the code, but gave no device id.",
            "Update DSM, or use an account without a second factor (2FA).",
        )
    return account.device


def _require_writable(path: Path) -> None:
    """Asked before the code, which counts but once."""
    if path.is_dir():
        raise _not_kept(path, "it is a directory")
    if "\0" in path.name or not path.parent.is_dir():
        raise _not_kept(path, "there is no such folder")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _not_kept(path, "Permission denied")


def _keep(path: Path, device: Secret) -> None:
    try:
        keep_device(path, device)
    except OSError as error:
        raise _not_kept(path, str(error.strerror)) from None


def _not_kept(path: Path, problem: str) -> PhotosSyncError:
    return PhotosSyncError(
        f"The device id cannot be kept in '{path}' ({problem}).",
        "Correct --device-file, or the owner and mode of its folder, and run photos-sync --enrol again.",
    )


def _prove(settings: Settings) -> None:
    """Logs in as the service will."""
    client = build_client(settings, Redactor())
    client.login()
    client.logout()
