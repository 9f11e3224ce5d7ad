"""Runs on the simulated NAS's own thread; pure functions of the call and the library.

Renditions and files (Synology Photos API: thumbnails and downloads). A thumbnail that cannot be had is an HTML page
with status 404, a download that cannot be had an error code in JSON.
"""

from __future__ import annotations

import io
import zipfile
from urllib.parse import quote

from .items import ORIGINAL, SIZES, Item
from .library import TEAM, movie_of
from .request import ApiError, Request, invalid
from .wire import Reply, html_page

_FILE_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".mov": "video/quicktime"}


def thumbnail(request: Request) -> Reply:
    """By unit id. The cache key is not looked at: it belongs to the address, not to the right to see."""
    unit_id, size = request.integer("id"), request.choice("size", frozenset(SIZES), "sm")
    item = request.library.units.get(unit_id)
    known = item is not None and request.text("type", "unit") == "unit"
    if item is None or not known or not _may_see(request, item) or item.thumbnails.get(size) != "ready":
        return html_page(404)
    return Reply(200, item.data(size), {"Content-Type": "image/jpeg"})


def _may_see(request: Request, item: Item) -> bool:
    """Personal items and the shared space's have namespaces of their own; a passphrase opens its album in either."""
    if request.link or request.text("passphrase"):
        album = request.opened_album()
        return album is not None and item in album.items
    return item.owner_user_id == request.space_owner


def download(request: Request) -> Reply:
    """Units one by one, or items: a live photo or several come as a ZIP."""
    units, items = request.ids("unit_id"), request.ids("item_id")
    if "album_id" in request.params and "passphrase" in request.params:
        raise invalid("passphrase")
    if not units and not items:
        raise invalid("unit_id", "required")
    found = [_readable(request, request.library.units.get(unit)) for unit in units or ()]
    found += [_readable(request, request.library.items.get(item)) for item in items or ()]
    if len(found) > 1 or (items and found[0].type == "live"):
        return Reply(200, _zip(found, with_movies=not units), _file_headers(request, "photos.zip"))
    return Reply(200, found[0].data(ORIGINAL), _file_headers(request, found[0].filename))


def _readable(request: Request, item: Item | None) -> Item:
    if item is None:
        raise ApiError(642)
    if request.link or request.params.get("passphrase"):
        album = request.opened_album()
        if album is None or item not in album.items:
            raise ApiError(642)
        if not album.gives_files(by_link=bool(request.link)) or (request.link and not request.text("_sharing_id")):
            raise ApiError(804)
    elif item.owner_user_id != request.space_owner:
        raise ApiError(801 if request.team else 117 if item.owner_user_id == TEAM else 642)
    return item


def _file_headers(request: Request, filename: str) -> dict[str, str]:
    suffix = filename[filename.rfind(".") :].lower()
    kind = "application/zip" if suffix == ".zip" else _FILE_TYPES.get(suffix, "application/octet-stream")
    headers = {"Content-Type": kind}
    if request.value("force_download") is True:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(filename)}"
    return headers


def _zip(items: list[Item], *, with_movies: bool) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for item in items:
            archive.writestr(item.filename, item.data(ORIGINAL))
            if with_movies and item.type == "live":
                archive.writestr(f"{item.filename.rpartition('.')[0]}.MOV", movie_of(item))
    return memory.getvalue()
