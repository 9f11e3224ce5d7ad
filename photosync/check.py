"""--check and --list-albums: the very calls that the service makes, told line by line. Main thread; blocks."""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from .address import AddressOption
from .albums import AlbumView, describe, look
from .catalog import Catalog, left_out
from .certificates import Certificate, certificate_at
from .connect import build_client
from .elsewhere import PORTS, candidates, find
from .errors import LOOK_AT_IT, LOOK_FOR_IT, AlbumProblem, NasError, NasRedirects, PhotosSyncError
from .log import Redactor, harmless
from .models import Photo
from .nas import SynologyClient
from .settings import Settings
from .trouble import changed_certificate, unresolved

_PERHAPS_ELSEWHERE: Collection[str] = ("redirect", "tls_port", "reset")
_PROBE_SECONDS = 3.0


def check(settings: Settings) -> bool:
    """Prints a line for each step, and the cause and the next step where one fails. True if all is well."""
    client = build_client(settings, Redactor())
    try:
        is_well = _check(settings, client)
    except PhotosSyncError as error:
        _failed(error, _advice(settings, error))
        return False
    finally:
        client.close()
    if is_well:
        _print(f"All is well: photos-sync can serve {'this album' if len(settings.albums) == 1 else 'these albums'}.")
    return is_well


def list_albums(settings: Settings) -> bool:
    """Prints every album that the account can see. Raises PhotosSyncError."""
    client = build_client(settings, Redactor())
    try:
        albums = client.list_albums()
    finally:
        client.close()
    for album in albums:
        _print(describe(album))
    if not albums:
        _print("The account sees no album.")
    return True


def _check(settings: Settings, client: SynologyClient) -> bool:
    """False if an album cannot be read; raises what keeps all photos from being served."""
    parts = urlsplit(settings.url)
    address = _resolve(parts.hostname or "", settings.address_option)
    _ok(f"{parts.hostname} is {address}" if address != parts.hostname else f"address {address}")
    client.discover()
    if parts.scheme == "https":
        _ok(_trust(settings))
    _ok(f"DSM with Synology Photos at {settings.url}")
    client.login()
    _ok(f"logged in as {settings.username}" if settings.share_link is None else "opened the share link")
    found = look(client, [AlbumView(name) for name in settings.albums], Catalog(), now=time.monotonic())
    for view in found.views:
        if view.problem is not None:
            _failed(view.problem, [view.problem.next_step])
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


def _trust(settings: Settings) -> str:
    seen, pinned = certificate_at(settings.url), settings.tls_fingerprint
    if seen is not None and pinned and seen.fingerprint != pinned:
        raise changed_certificate(settings.url, seen.fingerprint, pinned)
    shown = f": {seen.sentence}, SHA-256 {seen.fingerprint}" if seen is not None else ""
    if settings.insecure:
        return f"encrypted, but the certificate was not checked{shown}"
    return f"the certificate is {'the pinned one' if pinned else 'trusted'}{shown}"


def _advice(settings: Settings, error: PhotosSyncError) -> list[str]:
    """What to do about it: the next step, and what a look at the certificate or at other addresses has brought."""
    step, kind = error.next_step, error.kind if isinstance(error, NasError) else ""
    is_about_address = LOOK_FOR_IT in step or kind in _PERHAPS_ELSEWHERE
    if kind in ("tls", "tls_changed") and not is_about_address:
        seen, step = certificate_at(settings.url), step.removesuffix(LOOK_AT_IT).strip()
        return [step, *(_how_to_pin(seen) if seen is not None else [])]
    if not is_about_address:
        return [step] if step else []
    target = error.target if isinstance(error, NasRedirects) else ""
    found = _elsewhere(settings, target)
    if not found:
        return [step.replace(LOOK_FOR_IT, "Its usual other ports were tried, and Photos is not there either.")]
    other_host = target and urlsplit(target).hostname != urlsplit(settings.url).hostname
    return [step, *found] if other_host else found


def _elsewhere(settings: Settings, target: str) -> list[str]:
    """Where else on this host Photos answers. Whoever chose encryption is not led away from it unawares, and whoever
    chose whom to trust not at all.
    """
    bases = candidates(settings.url, PORTS, target)
    if settings.tls_fingerprint or settings.ca_file:
        bases = [base for base in bases if base.startswith("https:")]
    found = find(bases, partial(_answers, settings))
    plain = [base for base in found if settings.url.startswith("https:") and base.startswith("http:")]
    safe = [base for base in found if base not in plain]
    lines = _lines(settings, "Synology Photos answers elsewhere.", safe)
    also = "also" if safe else "elsewhere, but only"
    return lines + _lines(settings, f"Synology Photos answers {also} without encryption: others can read along.", plain)


def _lines(settings: Settings, found: str, bases: Sequence[str]) -> list[str]:
    if not bases:
        return []
    if settings.share_link is not None:
        return [f"{found} Let --share-link begin with:", *bases]
    return [f"{found} In place of --url and --port:", *map("--url {}".format, bases)]


def _how_to_pin(seen: Certificate) -> list[str]:
    return [
        f"The certificate says that it is {seen.sentence}.",
        "Compare its SHA-256 fingerprint with the NAS's own (DSM: Control Panel > Security > Certificate).",
        "If they are the same, this trusts it, and no other:",
        f"--tls-fingerprint {seen.fingerprint}",
    ]


def _answers(settings: Settings, url: str) -> bool:
    """Whether it is DSM with Synology Photos; nothing of the account is sent, so nobody has to be trusted."""
    anywhere = replace(
        settings, url=url, timeout_seconds=_PROBE_SECONDS, insecure=True, ca_file=None, tls_fingerprint=""
    )
    try:
        build_client(anywhere, Redactor()).discover()
    except PhotosSyncError:
        return False
    return True


def _ok(text: str) -> None:
    _print(f"ok      {text}")


def _failed(error: PhotosSyncError, advice: Sequence[str]) -> None:
    _print(f"FAILED  {error}")
    for line in advice:
        _print(f"        {line}")


def _print(line: str) -> None:
    """Names of albums come from whoever shares them."""
    print(harmless(line.replace("\n", "\\n")), flush=True)


def _resolve(host: str, option: AddressOption) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        raise unresolved(host, option) from None
