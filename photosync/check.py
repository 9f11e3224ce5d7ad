"""--check and --list-albums: the very calls that the service makes, told line by line. Main thread; blocks."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

from .albums import describe, look
from .connect import build_client
from .errors import AlbumProblem, NasUnreachable, PhotosSyncError
from .log import Redactor, harmless
from .models import Catalog, Photo, left_out
from .nas import SynologyClient
from .settings import Settings


def check(settings: Settings) -> bool:
    """Prints a line for each step, and the cause and the next step where one fails. True if all is well."""
    client = build_client(settings, Redactor())
    try:
        _check(settings, client)
    except PhotosSyncError as error:
        _print(f"FAILED  {error}")
        if error.next_step:
            _print(f"        {error.next_step}")
        return False
    finally:
        client.logout()
    _print("All is well: photos-sync can serve this album.")
    return True


def list_albums(settings: Settings) -> bool:
    """Prints every album that the account can see. Raises PhotosSyncError."""
    client = build_client(settings, Redactor())
    try:
        albums = client.list_albums()
    finally:
        client.logout()
    for album in albums:
        _print(describe(album))
    if not albums:
        _print("The account sees no album.")
    return True


def _check(settings: Settings, client: SynologyClient) -> None:
    parts = urlsplit(settings.url)
    address = _resolve(parts.hostname or "")
    _ok(f"{parts.hostname} is {address}" if address != parts.hostname else f"address {address}")
    client.discover()
    if parts.scheme == "https":
        _ok("encrypted, but the certificate was not checked" if settings.insecure else "the certificate is trusted")
    _ok(f"DSM with Synology Photos at {settings.url}")
    client.login()
    _ok(f"logged in as {settings.username}")
    found = look(client, settings.albums, (), Catalog(), relist=True)
    for album in found.albums:
        _ok(f"album {describe(album)}")
    catalog = found.catalog or Catalog()
    skipped = left_out(catalog.skipped)
    _ok(f"{len(catalog.photos)} photos can be shown" + (f" (left out: {skipped})" if skipped else ""))
    if not catalog.photos:
        raise AlbumProblem("empty", "The album is empty.", "Put photos into it in Synology Photos.")
    _pictures(client, catalog)


def _pictures(client: SynologyClient, catalog: Catalog) -> None:
    """One of each kind, since each wants a right of its own."""
    by_access: dict[str, Photo] = {}
    for photo in catalog.photos:
        by_access.setdefault(photo.access, photo)
    first, *others = by_access.values()
    _ok(f"first picture: {_fetch(client, first)}")
    for photo in others:
        kind = {"": "the account's own", "team": "the shared space"}.get(photo.access, "another owner")
        _ok(f"first picture of {kind}: {_fetch(client, photo)}")


def _fetch(client: SynologyClient, photo: Photo) -> str:
    started_at = time.monotonic()
    data = client.fetch(photo)
    return f"{len(data):,} bytes in {(time.monotonic() - started_at) * 1000:.0f} ms"


def _ok(text: str) -> None:
    _print(f"ok      {text}")


def _print(line: str) -> None:
    """Names of albums come from whoever shares them."""
    print(harmless(line.replace("\n", "\\n")), flush=True)


def _resolve(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        raise NasUnreachable(
            "dns",
            f"The name {host} does not resolve to an address.",
            "Check the spelling in --url, or use the NAS's IP address.",
        ) from None
