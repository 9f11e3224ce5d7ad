"""--check and --list-albums: the very calls that the service makes, told line by line. Main thread; blocks."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

from .albums import AlbumView, describe, look
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
        is_well = _check(settings, client)
    except PhotosSyncError as error:
        _failed(error)
        return False
    finally:
        client.logout()
    if is_well:
        _print(f"All is well: photos-sync can serve {'this album' if len(settings.albums) == 1 else 'these albums'}.")
    return is_well


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


def _check(settings: Settings, client: SynologyClient) -> bool:
    """False if an album cannot be read; raises what keeps all photos from being served."""
    parts = urlsplit(settings.url)
    address = _resolve(parts.hostname or "", "--url" if settings.share_link is None else "--share-link")
    _ok(f"{parts.hostname} is {address}" if address != parts.hostname else f"address {address}")
    client.discover()
    if parts.scheme == "https":
        _ok("encrypted, but the certificate was not checked" if settings.insecure else "the certificate is trusted")
    _ok(f"DSM with Synology Photos at {settings.url}")
    client.login()
    _ok(f"logged in as {settings.username}" if settings.share_link is None else "opened the share link")
    found = look(client, [AlbumView(name) for name in settings.albums], Catalog(), now=time.monotonic())
    for view in found.views:
        if view.problem is not None:
            _failed(view.problem)
        elif view.album is not None:
            _ok(f"album {describe(view.album)}")
            if view.album.view_only and settings.photo_size == "original":
                _ok("the share link allows no downloads: photos come in size xl instead of original")
    problems = [view.problem for view in found.views if view.problem is not None]
    catalog = found.catalog or Catalog()
    if problems and not catalog.photos:
        return False
    skipped = left_out(catalog.skipped)
    _ok(f"{len(catalog.photos)} photos can be shown" + (f" (left out: {skipped})" if skipped else ""))
    if not catalog.photos:
        raise AlbumProblem("empty", "The album is empty.", "Put photos into it in Synology Photos.")
    _pictures(client, catalog)
    return not problems


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


def _failed(error: PhotosSyncError) -> None:
    _print(f"FAILED  {error}")
    if error.next_step:
        _print(f"        {error.next_step}")


def _print(line: str) -> None:
    """Names of albums come from whoever shares them."""
    print(harmless(line.replace("\n", "\\n")), flush=True)


def _resolve(host: str, option: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        raise NasUnreachable(
            "dns",
            f"The name {host} does not resolve to an address.",
            f"Check the spelling in {option}, or use the NAS's IP address.",
        ) from None
