"""Runs on the simulated NAS's own thread; pure functions of the call and the library.

Albums and items (Synology Photos API: albums, items).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .items import SORT_NAMES, Album, Item, in_order
from .request import ApiError, Request, invalid
from .wire import compact

_CATEGORIES = frozenset({"normal", "normal_share_with_me", "shared", "all"})
_ALBUM_SORTS = frozenset({"album_name", "album_type", "start_time", "create_time", "share_status"})
_ITEM_SORTS = SORT_NAMES | {"default"}
_DIRECTIONS = frozenset({"asc", "desc", "default"})


class JsonText(str):
    """A method's data, already JSON: listings are built row by row."""


def albums_list(request: Request) -> JsonText:
    category = request.choice("category", _CATEGORIES, "normal")
    if category == "all" and "sort_by" in request.params:
        raise invalid("sort_by")
    rows = [album for album in request.library.albums if _is_in(request, album, category)]
    if "sort_by" in request.params:
        request.choice("sort_by", _ALBUM_SORTS, "create_time")
        rows.sort(key=_album_sort_key(request.text("sort_by")))
        if request.choice("sort_direction", _DIRECTIONS, "asc") == "desc":
            rows.reverse()
    return _album_rows(rows[request.page()], request)


def _is_in(request: Request, album: Album, category: str) -> bool:
    own = album.owner_user_id == request.library.user_id
    if category == "shared":
        return own and album.shared
    return own or (album.shared_with_me and category != "normal")


def _album_sort_key(name: str) -> Any:
    if name == "album_name":
        return lambda album: album.name
    if name == "album_type":
        return lambda album: album.type
    if name == "start_time":
        return lambda album: min((item.time for item in album.items), default=0)
    return lambda album: album.create_time


def albums_get(request: Request) -> JsonText:
    """By a list of ids or by a passphrase, never both."""
    ids, passphrase = request.ids("id"), request.text("passphrase")
    if (ids is None) == (not passphrase):
        raise invalid("id")
    if ids is None:
        return _album_rows([_shared_album(request)], request)
    return _album_rows([_album(request, album_id) for album_id in ids], request)


def albums_count(request: Request) -> dict[str, Any]:
    category = request.choice("category", _CATEGORIES, "normal")
    return {"count": sum(_is_in(request, album, category) for album in request.library.albums)}


def _own_of_type(request: Request) -> list[Album]:
    kind = "normal" if request.api.endswith("NormalAlbum") else "condition"
    return [album for album in request.library.albums if _is_in(request, album, "normal") and album.type == kind]


def typed_albums_list(request: Request) -> JsonText:
    return _album_rows(_own_of_type(request)[request.page()], request)


def typed_albums_get(request: Request) -> JsonText:
    wanted = request.ids("id") or []
    return _album_rows([album for album in _own_of_type(request) if album.id in wanted], request)


def typed_albums_count(request: Request) -> dict[str, Any]:
    return {"count": len(_own_of_type(request))}


def shared_with_me_list(request: Request) -> JsonText:
    albums = [album for album in request.library.albums if album.shared_with_me]
    return _album_rows(albums[request.page()], request)


def _album_rows(albums: Iterable[Album], request: Request) -> JsonText:
    additional = request.names("additional")
    return JsonText(compact({"list": [album.row(additional) for album in albums]}))


def _album(request: Request, album_id: int) -> Album:
    if request.link:
        raise ApiError(803)
    album = request.library.album_by_id(album_id)
    if album is None:
        raise ApiError(642)
    if album.owner_user_id != request.library.user_id:
        # Somebody else's album answers to its passphrase alone.
        raise ApiError(609 if album.shared_with_me else 642)
    return album


def _shared_album(request: Request) -> Album:
    album = request.opened_album()
    if album is None:
        raise ApiError(642)
    return album


def items_list(request: Request) -> JsonText:
    page, additional = request.page(), request.names("additional")
    rows = [item.row(additional) for item in _selected(request)[page]]
    return _item_rows(rows)


def _item_rows(rows: Iterable[str]) -> JsonText:
    """Joined from rows that are JSON already: one long encoding would hold the interpreter's lock throughout."""
    return JsonText(f'{{"list":[{",".join(rows)}]}}')


def items_count(request: Request) -> dict[str, Any]:
    return {"count": len(_selected(request))}


def items_get(request: Request) -> JsonText:
    ids = request.ids("id")
    if ids is None:
        raise invalid("id", "required")
    passphrase = request.text("passphrase")
    readable = (
        _shared_album(request).items if passphrase or request.link else request.library.space(request.space_owner)
    )
    found = {item.id: item for item in readable}
    if missing := [item_id for item_id in ids if item_id not in found]:
        raise ApiError(642, {"id": missing})
    additional = request.names("additional")
    return _item_rows(found[item_id].row(additional) for item_id in ids)


def _selected(request: Request) -> list[Item]:
    """The items of an album, or of the whole space; filters with unknown names fail open, as on a real NAS."""
    sort_by = request.choice("sort_by", _ITEM_SORTS, "default")
    sort_by = "takentime" if sort_by == "default" else sort_by
    descending = request.choice("sort_direction", _DIRECTIONS, "default") == "desc"
    album = _addressed_album(request)
    items = album.sorted_items(sort_by, descending) if album else _space_items(request, sort_by, descending)
    if "type" in request.params:
        kind = request.text("type")
        items = [item for item in items if item.type == kind]
    if "start_time" in request.params or "end_time" in request.params:
        start, end = request.integer("start_time", -(2**62)), request.integer("end_time", 2**62)
        items = [item for item in items if start <= item.time <= end]
    return items


def _space_items(request: Request, sort_by: str, descending: bool) -> list[Item]:
    items = request.library.space(request.space_owner)
    if "folder_id" in request.params:
        folder = request.integer("folder_id")
        items = [item for item in items if item.folder_id == folder]
    return in_order(items, sort_by, descending)


def _addressed_album(request: Request) -> Album | None:
    """None means the whole space. An own album listed by the wrong one of its names is an empty success."""
    if request.team:
        return None
    by_id, passphrase = "album_id" in request.params, request.text("passphrase")
    if by_id and passphrase:
        raise invalid("passphrase")
    if not by_id and not passphrase and not request.link:
        return None
    album = _album(request, request.integer("album_id")) if by_id else _shared_album(request)
    if request.link or album.owner_user_id != request.library.user_id or album.only_by_passphrase != by_id:
        return album
    return Album(id=0, name="", owner_user_id=album.owner_user_id, version=0, create_time=0)
