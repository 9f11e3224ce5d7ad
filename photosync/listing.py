"""The NAS's rows become albums and photos; pure, runs on worker threads."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeGuard

from .catalog import Photos
from .errors import NasBadAnswer
from .models import Album, Photo

_RENDITIONS = ("sm", "m", "xl")
_VERSION = re.compile(r"[A-Za-z0-9_.\-]{1,80}")
_JPEG_NAME = re.compile(r".*\.jpe?g", re.IGNORECASE)
_YEARS = (-62_135_596_800, 253_402_300_799)  # what datetime can show: years 1 to 9999


class Listing:
    """An album's rows, page by page: `photos` to serve, `skipped` counts by reason, ids `seen` of any kind."""

    def __init__(self, album: Album, photo_size: str) -> None:
        self.album = album
        self.photos = Photos()
        self.skipped: Counter[str] = Counter()
        self.seen: set[int] = set()
        self._photo_size = photo_size

    def add(self, rows: Sequence[dict[str, Any]]) -> bool:
        """Takes a page's rows; those seen before are left out (pages shift while photos are uploaded).
        False if none was new.
        """
        known = len(self.seen)
        for row in rows:
            number = row.get("id")
            if not _is_whole(number) or number <= 0:
                self.skipped["unreadable"] += 1
            elif number not in self.seen:
                self.seen.add(number)
                self._add_item(row)
        return len(self.seen) > known

    def _add_item(self, row: dict[str, Any]) -> None:
        reason = self._reason_to_skip(row)
        if reason:
            self.skipped[reason] += 1
        else:
            self.photos.add(self._photo(row))

    def _reason_to_skip(self, row: dict[str, Any]) -> str:
        if "video" in str(row.get("type")):
            return "video"
        thumbnail = _part(row, "additional", "thumbnail")
        if not isinstance(row.get("filename"), str) or not _is_whole(row.get("time")):
            return "unreadable"
        if not _is_whole(thumbnail.get("unit_id")) or not isinstance(thumbnail.get("cache_key"), str):
            return "no_rendition"
        return "" if self._size(row, thumbnail) else "no_rendition"

    def _photo(self, row: dict[str, Any]) -> Photo:
        thumbnail, resolution = _part(row, "additional", "thumbnail"), _part(row, "additional", "resolution")
        description = _part(row, "additional").get("description")
        earliest, latest = _YEARS
        return Photo(
            id=row["id"],
            unit_id=thumbnail["unit_id"],
            version=_version(thumbnail["cache_key"]),
            size=self._size(row, thumbnail),
            filename=row["filename"],
            taken_seconds=min(max(row["time"], earliest), latest),
            width=_pixels(resolution.get("width")),
            height=_pixels(resolution.get("height")),
            album=self.album.name,
            access=self._access(row),
            place=_place(_part(row, "additional", "address")),
            description=description if isinstance(description, str) and description else None,
            renditions=self._renditions(row, thumbnail),
        )

    def _size(self, row: dict[str, Any], thumbnail: dict[str, Any]) -> str:
        """The rendition asked for; where it is not ready, the next larger one, else the next smaller one.

        Originals are served only where they are JPEGs themselves: HEIC, RAW and others come as the NAS's JPEG.
        """
        if self._photo_size == "original" and _JPEG_NAME.fullmatch(row["filename"]):
            return "original"
        wanted = _RENDITIONS.index(self._photo_size) if self._photo_size in _RENDITIONS else 2
        for size in (*_RENDITIONS[wanted:], *reversed(_RENDITIONS[:wanted])):
            if thumbnail.get(size) == "ready":
                return size
        return ""

    def _renditions(self, row: dict[str, Any], thumbnail: dict[str, Any]) -> tuple[str, ...]:
        ready = tuple(size for size in _RENDITIONS if thumbnail.get(size) == "ready")
        has_original = _JPEG_NAME.fullmatch(row["filename"]) and not self.album.view_only
        return (*ready, "original") if has_original else ready

    def _access(self, row: dict[str, Any]) -> str:
        """How the bytes are had: see `Photo.access`. Photos of other people come by the album's passphrase."""
        owner = row.get("owner_user_id")
        if self.album.shared_with_me:
            return self.album.passphrase
        if owner == 0:
            return "team"
        return self.album.passphrase if owner != self.album.owner_user_id else ""


def rows_of(data: object) -> list[dict[str, Any]]:
    """The `list` of an answer; NasBadAnswer unless it is a list of objects."""
    rows = data.get("list") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NasBadAnswer("bad_json", "The NAS sent a list that cannot be read.", "It is tried again.")
    return rows


def album_from_row(row: dict[str, Any], *, shared_with_me: bool) -> Album:
    """An album as `Album.list`, `Album.get` or `list_shared_with_me_album` tells it."""
    number, count = row.get("id"), row.get("item_count")
    if not _is_whole(number) or not _is_whole(count) or count < 0:
        raise NasBadAnswer("bad_json", "The NAS described an album in a way that cannot be read.", "It is tried again.")
    name, passphrase = row.get("name"), row.get("passphrase")
    privacy = _part(row, "additional", "sharing_info").get("privacy_type")
    return Album(
        id=number,
        name=name if isinstance(name, str) else "",
        item_count=count,
        owner_user_id=row["owner_user_id"] if _is_whole(row.get("owner_user_id")) else -1,
        passphrase=passphrase if isinstance(passphrase, str) and passphrase.isascii() else "",
        shared_with_me=shared_with_me,
        smart=row.get("type") == "condition",
        state=(
            str(row.get("version")),
            str(count),
            str(row.get("start_time")),
            str(row.get("end_time")),
            str(_part(row, "additional", "thumbnail").get("cache_key")),
            str(privacy),
        ),
        view_only=privacy == "public-view",
    )


def _part(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """A nested object, or an empty one where the NAS left it out."""
    for name in names:
        inner = row.get(name)
        row = inner if isinstance(inner, dict) else {}
    return row


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _pixels(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 2**31 else 0


def _version(cache_key: str) -> str:
    """The NAS's cache key, which is opaque; digested where it could not stand in a header."""
    if _VERSION.fullmatch(cache_key):
        return cache_key
    return hashlib.sha256(repr(cache_key).encode()).hexdigest()[:32]


def _place(address: dict[str, Any]) -> str | None:
    """The settlement and the country, as one would caption a photo."""
    settlement = next(
        (address[name] for name in ("city", "town", "village", "county", "state") if address.get(name)), ""
    )
    parts = [part for part in (settlement, address.get("country")) if isinstance(part, str) and part]
    return ", ".join(parts) or None
