"""Builds the NAS client from the settings, for the service and for --check; any thread."""

from __future__ import annotations

import threading
from contextlib import suppress

from .errors import PhotosSyncError
from .log import Redactor
from .nas import SynologyClient
from .settings import Settings
from .wire import Wire


def build_client(settings: Settings, redactor: Redactor) -> SynologyClient:
    """The NAS client of these settings; nothing is sent yet."""
    if settings.password is not None:
        redactor.hide(settings.password.reveal())
    wire = Wire(settings.url, settings.timeout_seconds, settings.ca_file, settings.insecure, settings.tls_fingerprint)
    return SynologyClient(
        wire,
        settings.username,
        settings.read_password,
        hide=redactor.hide,
        max_photo_bytes=min(settings.max_photo_bytes, settings.max_cache_bytes),
        photo_size=settings.photo_size,
    )


def log_in_early(client: SynologyClient) -> None:
    """Starts the login on a thread of its own, while the rest of the program is still being loaded.

    What comes of it is met again by the first look at the album: a session, or the same error.
    """

    def log_in() -> None:
        with suppress(PhotosSyncError):
            client.login()

    threading.Thread(target=log_in, name="nas-login", daemon=True).start()
