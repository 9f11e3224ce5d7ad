"""Builds the NAS client from the settings, for the service and for each command; any thread."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from .account import Account
from .albums import AlbumView, Look, look
from .brake import LoginBrake
from .calls import Calls
from .catalog import Catalog
from .errors import PhotosSyncError
from .log import Redactor
from .nas import SynologyClient
from .refused import RefusedLogins, since_start, this_start
from .session import DsmSession, WayIn
from .settings import Settings
from .share_link import ShareLink
from .wire import Wire


def build_client(settings: Settings, redactor: Redactor, calls: Calls | None = None) -> SynologyClient:
    """The NAS client of these settings; nothing is sent yet. Its calls are counted on in `calls`."""
    for secret in (settings.password, settings.share_link, settings.access.token):
        if secret is not None:
            redactor.hide(secret.reveal())
    return SynologyClient(
        _wire(settings),
        _way_in(settings, redactor),
        hide=redactor.hide,
        max_photo_bytes=min(settings.max_photo_bytes, settings.max_cache_bytes),
        photo_size=settings.photo_size,
        brake=_brake(settings),
        calls=calls,
    )


def build_session(settings: Settings, account: Account) -> DsmSession:
    """A session of this account alone."""
    return DsmSession(_wire(settings), account, brake=_brake(settings))


def _brake(settings: Settings) -> LoginBrake:
    """The brake that the service and each command share, also over restarts."""
    refused = RefusedLogins(
        since_start,
        settings.state_dir,
        private=_private_folders(settings),
        subject=settings.source,
        address=urlsplit(settings.url).netloc,
        start=this_start(),
    )
    return LoginBrake(since_start, refused)


def _way_in(settings: Settings, redactor: Redactor) -> WayIn:
    if settings.share_link is not None:
        return ShareLink(settings.share_link, settings.read_password, redactor.hide, settings.share_folder)
    return Account(settings.username, settings.read_password, redactor.hide, settings.read_device)


def _private_folders(settings: Settings) -> list[Path]:
    """The user's own, which need not be there; first the one that is the same for all programs, however started."""
    found = []
    with suppress(FileNotFoundError):  # no file can be written anywhere
        found.append(Path(tempfile.gettempdir()) / f"photos-sync-{os.geteuid()}")
    return [*found, *([settings.runtime_dir / "photos-sync"] if settings.runtime_dir else [])]


def _wire(settings: Settings) -> Wire:
    return Wire(
        settings.url,
        settings.timeout_seconds,
        settings.ca_file,
        settings.insecure,
        settings.tls_fingerprint,
        settings.address_option,
    )


def ask_early(client: SynologyClient, settings: Settings) -> Callable[[], Look] | None:
    """Starts the first calls to the NAS: a look at the albums, as `look_early` does, or only the login where a state
    directory may tell what was known of them.
    """
    if settings.state_dir is None:
        return look_early(client, settings.albums)
    log_in_early(client)
    return None


def log_in_early(client: SynologyClient) -> None:
    """Starts the login on a thread of its own, while the rest of the program is still being loaded.

    What comes of it is met again by the first look at the album: a session, or the same error.
    """

    def log_in() -> None:
        with suppress(PhotosSyncError):
            client.login()

    threading.Thread(target=log_in, name="nas-login", daemon=True).start()


def look_early(client: SynologyClient, albums: Sequence[str]) -> Callable[[], Look]:
    """Starts the first look at albums of which nothing is known, as `log_in_early` does. What is returned waits for it,
    and gives or raises what came of it: once, since a catalog must not outlive the next one.
    """
    views = [AlbumView(name) for name in albums]
    found: Future[Look] = Future()

    def look_at_them() -> None:
        try:
            found.set_result(look(client, views, Catalog(), now=time.monotonic()))
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=look_at_them, name="nas-look", daemon=True).start()
    once = [found]
    return lambda: once.pop().result()
