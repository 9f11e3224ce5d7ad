"""Runs on the simulated NAS's own thread and on the tests', under the library's lock.

Albums and items as Synology Photos keeps them, and the JSON rows that it makes of them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from .jpeg import commented, flat_jpeg
from .wire import compact

SIZES = ("sm", "m", "xl")
ORIGINAL = "original"

# `preview` is broken on practically every healthy item of a real NAS.
READY: Mapping[str, str] = MappingProxyType({"m": "ready", "preview": "broken", "sm": "ready", "xl": "ready"})
BROKEN: Mapping[str, str] = MappingProxyType(dict.fromkeys(READY, "broken"))
NONE: Mapping[str, str] = MappingProxyType({})

_PLACES = ("country", "state", "county", "city", "town", "district", "village", "route", "landmark")
_SORT_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "takentime": attrgetter("time"),
    "filename": attrgetter("filename"),
    "filesize": attrgetter("filesize"),
    "item_type": attrgetter("type"),
}
SORT_NAMES = frozenset(_SORT_KEYS)
_CACHED_ORDER_FROM = 5000


@dataclass(slots=True, eq=False)
class Item:
    """One entry of an album: what the user sees as one photo, whatever number of files (units) it has.

    `id` names the item, `unit_id` the file whose renditions are wanted; they agree only by accident.
    `time` is the camera's wall clock as if it were UTC, in seconds; `indexed_time` the same in milliseconds.
    """

    id: int
    unit_id: int
    filename: str
    time: int
    indexed_time: int
    owner_user_id: int
    cache_key: str
    folder_id: int = 597
    filesize: int = 0
    type: str = "photo"
    live_type: str = ""
    thumbnails: Mapping[str, str] = field(default_factory=lambda: READY)
    width: int = 6000
    height: int = 4000
    orientation: int = 1
    address: Mapping[str, str] = field(default_factory=lambda: NONE)
    description: str = ""
    picture: Callable[[str], bytes] | None = None
    size_bytes: int = 0
    edits: int = 0

    def data(self, size: str) -> bytes:
        """The bytes of one rendition (`sm`, `m`, `xl`) or of the `original`; an edit changes them."""
        if self.picture is None:
            label = f"unit {self.unit_id:09d} {size:>8} edit {self.edits:06d}"
            return flat_jpeg(comment=label, size_bytes=self.size_bytes)
        picture = self.picture(size)
        return commented(picture, f"edit {self.edits}") if self.edits else picture

    def row(self, additional: Iterable[str] | None) -> str:
        """The item in a listing, as JSON text; the key `additional` is there only if it was asked for."""
        row: dict[str, Any] = {
            "id": self.id,
            "filename": self.filename,
            "filesize": self.filesize,
            "time": self.time,
            "indexed_time": self.indexed_time,
            "owner_user_id": self.owner_user_id,
            "folder_id": self.folder_id,
            "type": self.type,
        }
        if self.live_type:
            row["live_type"] = self.live_type
        if additional is not None:
            row["additional"] = self._additional(additional)
        return compact(row)

    def _additional(self, names: Iterable[str]) -> dict[str, Any]:
        if not self.thumbnails:
            return {}
        found: dict[str, Any] = {}
        for name in names:
            if section := _ADDITIONAL.get(name):
                found |= section(self)
        return found

    def thumbnail(self) -> dict[str, Any]:
        return {**self.thumbnails, "cache_key": self.cache_key, "unit_id": self.unit_id}


def _address(item: Item) -> dict[str, Any]:
    names = {place: item.address.get(place, "") for place in _PLACES}
    return {"address": names | {f"{place}_id": str(len(name) or "") for place, name in names.items()}}


_EXIF = {"aperture": "F1.8", "camera": "Pixel 7", "exposure_time": "1/320 s"} | {
    "focal_length": "6.8 mm",
    "iso": "52",
    "lens": "",
}

_ADDITIONAL: Mapping[str, Callable[[Item], dict[str, Any]]] = {
    "thumbnail": lambda item: {"thumbnail": item.thumbnail()},
    "resolution": lambda item: {"resolution": {"height": item.height, "width": item.width}},
    "orientation": lambda item: {"orientation": item.orientation, "orientation_original": item.orientation},
    "address": _address,
    "description": lambda item: {"description": item.description},
    "provider_user_id": lambda item: {"provider_user_id": item.owner_user_id},
    "exif": lambda item: {"exif": _EXIF},
    "tag": lambda item: {"tag": []},
    "person": lambda item: {"person": []},
    "rating": lambda item: {"rating": 0},
}


@dataclass(eq=False)
class Album:
    """One album. `listed` says that the account sees it; `timeless` smart albums tell no start and end time.

    `shared` stays false on an album that somebody else shared with the account, although it has a passphrase.
    An own album is listed by its id, and by its passphrase only if it is one of the few that are the other way round.
    `privacy` is "private" (the link is for invited accounts alone), "public-view" or "public-download"; `expiration`
    is when the link ends, in seconds since 1970 (0: never), `link_password` what it asks for ("": nothing).
    With `unstable` items of the same second change places from one listing to the next.
    """

    id: int
    name: str
    owner_user_id: int
    version: int
    create_time: int
    type: str = "normal"
    passphrase: str = ""
    shared: bool = False
    shared_with_me: bool = False
    timeless: bool = False
    downloadable: bool = True
    privacy: str = "private"
    link_password: str = ""
    expiration: int = 0
    only_by_passphrase: bool = False
    condition: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    claimed_count: int | None = None
    unstable: bool = False
    _order: tuple[tuple[object, ...], list[Item]] = field(default=((), []), repr=False)

    @property
    def item_count(self) -> int:
        """What the NAS says; `claimed_count` makes it lag behind, as smart albums do."""
        return len(self.items) if self.claimed_count is None else self.claimed_count

    @property
    def is_expired(self) -> bool:
        return 0 < self.expiration <= time.time()

    def gives_files(self, *, by_link: bool) -> bool:
        """Whether originals may be downloaded by whoever has the passphrase."""
        return self.privacy == "public-download" if by_link else self.downloadable

    def sorted_items(self, sort_by: str, descending: bool) -> list[Item]:
        if self.unstable:
            return in_order(random.sample(self.items, len(self.items)), sort_by, descending)
        if len(self.items) < _CACHED_ORDER_FROM:
            return in_order(self.items, sort_by, descending)
        # Each page of a huge album would sort it again.
        key = (self.version, len(self.items), sort_by, descending)
        if self._order[0] != key:
            self._order = (key, in_order(self.items, sort_by, descending))
        return self._order[1]

    def row(self, additional: Iterable[str] | None) -> dict[str, Any]:
        """The album as the NAS lists it; smart albums lack some keys, and may lack the times."""
        row: dict[str, Any] = {
            "condition": self.condition,
            "create_time": self.create_time,
            "id": self.id,
            "item_count": self.item_count,
            "name": self.name,
            "owner_user_id": self.owner_user_id,
            "passphrase": self.passphrase,
            "shared": self.shared,
            "sort_by": "default",
            "sort_direction": "default",
            "type": self.type,
            "version": self.version,
        }
        if self.type == "normal":
            row |= {"cant_migrate_condition": {}, "freeze_album": False, "temporary_shared": False}
        if self.items and not self.timeless:
            by_time = self.sorted_items("takentime", descending=False)
            row |= {"start_time": by_time[0].time, "end_time": by_time[-1].time}
        if additional is not None:
            row["additional"] = self._additional(set(additional))
        return row

    def _additional(self, names: set[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "sharing_info" in names:
            found["sharing_info"] = self._sharing_info()
        cover = next((item for item in self.items if item.thumbnails), None)
        if "thumbnail" in names and cover:
            found["thumbnail"] = cover.thumbnail()
        return found

    def _sharing_info(self) -> dict[str, Any]:
        return {
            "enable_password": bool(self.link_password),
            "expiration": self.expiration,
            "is_expired": self.is_expired,
            "mtime": 0,
            "owner": {"id": self.owner_user_id if self.passphrase else -1, "name": ""},
            "passphrase": self.passphrase,
            "permission": [],
            "privacy_type": self.privacy,
            "sharing_link": "",
            "type": "album",
        }


def in_order(items: Iterable[Item], sort_by: str, descending: bool) -> list[Item]:
    return sorted(items, key=_SORT_KEYS[sort_by], reverse=descending)
