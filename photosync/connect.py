"""Builds the NAS client from the settings, for the service and for each command; any thread."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from .account import Account
from .brake import LoginBrake
from .errors import PhotosSyncError
from .log import Redactor
from .nas import SynologyClient
from .refused import RefusedLogins, since_start, this_start
from .session import DsmSession, WayIn
from .settings import Settings
from .share_link import ShareLink
from .wire import Wire


def build_client(settings: Settings, redactor: Redactor) -> SynologyClient:
    """The NAS client of these settings; nothing is sent yet."""
    for secret in (settings.password, settings.share_link):
        if secret is not None:
            redactor.hide(secret.reveal())
    return SynologyClient(
        _wire(settings),
        _way_in(settings, redactor),
        hide=redactor.hide,
        max_photo_bytes=min(settings.max_photo_bytes, settings.max_cache_bytes),
        photo_size=settings.photo_size,
        brake=build_brake(settings),
    )


def build_session(settings: Settings, account: Account, brake: LoginBrake | None = None) -> DsmSession:
    """A session of this account alone; without a brake, none of its refused logins is remembered."""
    return DsmSession(_wire(settings), account, brake=brake)


def build_brake(settings: Settings) -> LoginBrake:
    """The brake that the service and each command share, also over restarts."""
    refused = RefusedLogins(
        since_start,
        settings.state_dir or _temporary_folder(),
        subject=settings.source,
        private=settings.state_dir is None,
        start=this_start(),
    )
    return LoginBrake(since_start, refused)


def _way_in(settings: Settings, redactor: Redactor) -> WayIn:
    if settings.share_link is not None:
        return ShareLink(settings.share_link, settings.read_password, redactor.hide, settings.share_folder)
    return Account(settings.username, settings.read_password, redactor.hide, settings.read_device)


def _temporary_folder() -> Path | None:
    """The user's own folder among the temporary files, which need not be there; None where no file can be written."""
    try:
        return Path(tempfile.gettempdir()) / f"photos-sync-{os.geteuid()}"
    except FileNotFoundError:
        return None


def _wire(settings: Settings) -> Wire:
    return Wire(
        settings.url,
        settings.timeout_seconds,
        settings.ca_file,
        settings.insecure,
        settings.tls_fingerprint,
        settings.address_option,
    )


def log_in_early(client: SynologyClient) -> None:
    """Starts the login on a thread of its own, while the rest of the program is still being loaded.

    What comes of it is met again by the first look at the album: a session, or the same error.
    """

    def log_in() -> None:
        with suppress(PhotosSyncError):
            client.login()

    threading.Thread(target=log_in, name="nas-login", daemon=True).start()
