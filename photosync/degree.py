"""Degree: how far the service is from showing the album as it is now. Loop thread only."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .catalog import Catalog
from .errors import (
    AlbumProblem,
    Busy,
    LoginRefused,
    NasError,
    NoSuchAlbum,
    NothingSynced,
    PhotoNotFound,
    PhotosSyncError,
)
from .store import PhotoStore
from .sync import AlbumSync


class Degree(StrEnum):
    """The word for /readyz, /cache/stats and /metrics, and the name of the picture in static/notices.

    Photos can be had while it is `ok` or `stale`, and only then.
    """

    OK = "ok"
    STALE = "stale"
    """The catalog may be old, or the NAS is away and photos come from memory or disk."""
    STARTING = "starting"
    NAS_DOWN = "nas_down"
    """No answer of the NAS, or none that is of use."""
    AUTH = "auth"
    """The NAS refuses the account, or the account has no right to use Synology Photos."""
    ALBUM = "album"
    """The album is not found, not the only one of its name, or not open to the account."""
    EMPTY = "empty"
    """Nothing in the album can be shown."""


_BY_KIND: Mapping[str, Degree] = {
    "empty": Degree.EMPTY,
    "no_photos": Degree.EMPTY,
    "api_105": Degree.AUTH,
    "api_160": Degree.AUTH,
    "api_609": Degree.ALBUM,
    "api_642": Degree.ALBUM,
    "api_801": Degree.ALBUM,
    "api_803": Degree.ALBUM,
}
_BY_CLASS: Mapping[type[PhotosSyncError], Degree] = {
    LoginRefused: Degree.AUTH,
    AlbumProblem: Degree.ALBUM,
    NoSuchAlbum: Degree.ALBUM,
    NasError: Degree.NAS_DOWN,
    PhotoNotFound: Degree.NAS_DOWN,
    NothingSynced: Degree.STARTING,
    Busy: Degree.STARTING,
}


def degree_of(obstacle: PhotosSyncError) -> Degree:
    """The degree while this keeps every photo from being had; by its kind, then by the first class that fits."""
    if isinstance(obstacle, NasError) and obstacle.kind in _BY_KIND:
        return _BY_KIND[obstacle.kind]
    return next((degree for kind, degree in _BY_CLASS.items() if isinstance(obstacle, kind)), Degree.STARTING)


def present_degree(sync: AlbumSync, store: PhotoStore) -> tuple[Degree, PhotosSyncError | None]:
    """The degree at this moment and its cause, which is None if it is `ok`."""
    obstacle = _obstacle(sync, store)
    if obstacle is not None:
        return degree_of(obstacle), obstacle
    cause = staleness(sync, store)
    return (Degree.STALE if cause else Degree.OK), cause


def staleness(sync: AlbumSync, store: PhotoStore) -> PhotosSyncError | None:
    """Why what is known of the album may be old, if it may."""
    return sync.unread or store.health.cause


def _obstacle(sync: AlbumSync, store: PhotoStore) -> PhotosSyncError | None:
    """Why no photo at all can be had, if that is so."""
    try:
        catalog = sync.require_photos()
    except PhotosSyncError as error:
        return error.with_traceback(None)
    obstacle = store.health.cause or _refusal_of_all(catalog, store)
    return None if obstacle is None or store.holds_any(catalog) else obstacle


def _refusal_of_all(catalog: Catalog, store: PhotoStore) -> PhotosSyncError | None:
    """What stands against the last photo, if something does against each: an album of few photos, all of them ill."""
    refusal = None
    for photo in catalog.photos:
        refusal = store.refusal(photo)
        if refusal is None or isinstance(refusal, NothingSynced):  # which holds for all
            break
    return refusal
