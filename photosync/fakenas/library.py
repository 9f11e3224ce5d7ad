"""Runs on the simulated NAS's own thread and on the tests': every method takes the library's lock.

The photos of a simulated NAS: who owns which albums and items, and how the numbers move when they change.
"""

from __future__ import annotations

import itertools
from collections import Counter
from threading import RLock
from typing import Any

from .items import BROKEN, NONE, ORIGINAL, Album, Item
from .samples import SamplePhoto, sample_photos

TEAM = 0
ME = 2
OTHER = 7

_FIRST_ID = 20_001
# Item ids and unit ids are apart, so that mistaking one for the other is a 404 and never another photo.
_UNIT_OFFSET = 400_000
_BASE_TIME = 1_687_686_880
_FIRST_INDEXED = 1_690_000_000
_CLOCK_OFFSET = 7200

_MOVIE = b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + b"\x00\x00\x00\x08mdat"
_HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00\x00\x00\x08mdat"


class Library:
    """The state that tests edit while the NAS is being read.

    Versions come from one counter for each owner, not for each album: a different version means a change, the size of
    the step means nothing.
    """

    def __init__(self, user_id: int = ME) -> None:
        self.lock = RLock()
        self.user_id = user_id
        self.albums: list[Album] = []
        self.items: dict[int, Item] = {}
        self.units: dict[int, Item] = {}
        self.folder_links: set[str] = set()
        self._versions = Counter({user_id: 727_859, OTHER: 102_886})
        self._item_ids = itertools.count(_FIRST_ID)
        self._album_ids = itertools.count(1)

    @classmethod
    def samples(cls) -> Library:
        """The sample photos in the albums that a family's NAS has, oddities included."""
        library = cls()
        _furnish(library, sample_photos())
        return library

    @classmethod
    def synthetic(cls, count: int, *, album: str = "kitchen-dash", photo_bytes: int = 0) -> Library:
        """`count` photos in one album, each a JPEG of its own made when asked for (of about `photo_bytes`)."""
        library = cls()
        target = library.new_album(album)
        items = [library._new_item(time=_BASE_TIME + 37 * n, size_bytes=photo_bytes) for n in range(count)]
        library._enter(target, items)
        return library

    def album(self, name: str) -> Album:
        """The first album of that name."""
        with self.lock:
            return next(album for album in self.albums if album.name == name)

    def album_by_id(self, album_id: int) -> Album | None:
        return next((album for album in self.albums if album.id == album_id), None)

    def album_by_passphrase(self, passphrase: str) -> Album | None:
        return next((album for album in self.albums if passphrase and album.passphrase == passphrase), None)

    def links(self) -> set[str]:
        """The passphrases of all share links: of albums, and of folders, which no album call opens."""
        return {album.passphrase for album in self.albums if album.passphrase} | self.folder_links

    def space(self, owner_user_id: int) -> list[Item]:
        """All items of one personal space, or of the shared one (owner 0)."""
        return [item for item in self.items.values() if item.owner_user_id == owner_user_id]

    def new_album(
        self,
        name: str,
        *,
        owner: int | None = None,
        passphrase: str = "",
        type: str = "normal",
        shared_with_me: bool = False,
        **fields: Any,
    ) -> Album:
        with self.lock:
            album_id = next(self._album_ids)
            if shared_with_me:
                owner = OTHER if owner is None else owner
                passphrase = passphrase or f"pp{album_id:07d}"
            owner = self.user_id if owner is None else owner
            # Somebody else's album is not `shared` in the account's eyes.
            fields.setdefault("shared", bool(passphrase) and owner == self.user_id)
            album = Album(
                id=album_id,
                name=name,
                owner_user_id=owner,
                version=self._next_version(owner),
                create_time=_BASE_TIME + album_id,
                type=type,
                passphrase=passphrase,
                shared_with_me=shared_with_me,
                **fields,
            )
            self.albums.append(album)
            return album

    def share(self, album: Album, *, password: str = "", privacy: str = "public-view", passphrase: str = "") -> None:
        """Make a share link of an album; its passphrase stays if it has one."""
        with self.lock:
            album.passphrase = passphrase or album.passphrase or f"sL{album.id:07d}"
            album.shared = album.owner_user_id == self.user_id
            album.link_password, album.privacy = password, privacy

    def unshare(self, album: Album) -> None:
        """Nobody but its owner sees it from now on, and its passphrase opens nothing any more."""
        with self.lock:
            album.passphrase, album.link_password, album.privacy = "", "", "private"
            album.shared = album.shared_with_me = False

    def delete_album(self, album: Album) -> None:
        with self.lock:
            self.albums.remove(album)

    def add(self, album: Album, item: Item | None = None, **fields: Any) -> Item:
        """Put an item into an album: one that exists, or a new one with these fields."""
        with self.lock:
            if item is None:
                item = self._new_item(**{"owner_user_id": album.owner_user_id, **fields})
            self._enter(album, [item])
            return item

    def remove(self, album: Album, item: Item) -> None:
        """Take an item out of an album; the photo stays in its owner's space."""
        with self.lock:
            album.items.remove(item)
            self.bump(album)

    def delete(self, item: Item) -> None:
        """Delete a photo: out of every album, and its renditions are gone."""
        with self.lock:
            for album in self.albums:
                if item in album.items:
                    self.remove(album, item)
            self.items.pop(item.id, None)
            self.units.pop(item.unit_id, None)

    def edit(self, item: Item, *, bump: bool = True) -> None:
        """As if rotated: other bytes and a new cache key; with `bump` the albums that hold it change too."""
        with self.lock:
            item.edits += 1
            stamp = int(item.cache_key.rpartition("_")[2]) + 61
            item.cache_key = f"{item.unit_id}_{stamp}"
            item.filesize = len(item.data(ORIGINAL))
            for album in self.albums if bump else ():
                if item in album.items:
                    self.bump(album)

    def bump(self, album: Album) -> None:
        """Give an album a new version, as every change of its contents does."""
        with self.lock:
            album.version = self._next_version(album.owner_user_id)

    def _enter(self, album: Album, items: list[Item]) -> None:
        album.items.extend(items)
        self.items.update((item.id, item) for item in items)
        self.units.update((item.unit_id, item) for item in items)
        self.bump(album)

    def _next_version(self, owner: int) -> int:
        self._versions[owner] += 23
        return self._versions[owner]

    def _new_item(self, **fields: Any) -> Item:
        item_id = next(self._item_ids)
        # One in five agrees with its item, as on a small NAS: some clients ask for renditions by the item's id.
        unit_id: int = fields.pop("unit_id", item_id if item_id % 5 == 0 else item_id + _UNIT_OFFSET)
        taken: int = fields.pop("time", _BASE_TIME + item_id)
        # Indexed long after an old photo was taken; the key's time is true UTC, the index's is the wall clock's.
        generated = max(taken, _FIRST_INDEXED + item_id)
        indexed: int = fields.pop("indexed_time", (generated + _CLOCK_OFFSET) * 1000 + 761)
        item = Item(
            id=fields.pop("id", item_id),
            unit_id=unit_id,
            filename=fields.pop("filename", f"IMG_{item_id}.JPG"),
            time=taken,
            indexed_time=indexed,
            owner_user_id=fields.pop("owner_user_id", self.user_id),
            cache_key=fields.pop("cache_key", f"{unit_id}_{generated}"),
            **fields,
        )
        item.filesize = item.filesize or len(item.data(ORIGINAL))
        return item


def _furnish(library: Library, photos: list[SamplePhoto]) -> None:
    kitchen = library.new_album("kitchen-dash")
    *plain, live, accented, first_shared, second_shared = photos
    items = [library.add(kitchen, **_fields(photo)) for photo in plain]
    library.add(kitchen, **_fields(live) | {"filename": "IMG_4711.JPG", "type": "live", "live_type": "photo"})
    accents = {"filename": "Größe & café – été 🌞.jpg", "description": "Åse & Jürgen, 夏の日"}
    library.add(kitchen, **_fields(accented) | accents)
    for photo in (first_shared, second_shared):
        library.add(kitchen, **_fields(photo), owner_user_id=TEAM)
    _add_unreadable(library, kitchen)
    grandparents = library.new_album("Grandparents")
    smart = library.new_album("Summer days", type="condition", timeless=True)
    smart.condition = {"folder_filter": [1423], "user_id": 0}
    nameless = library.new_album("")
    for album, some in ((grandparents, items[1:9]), (smart, items[:12:2]), (nameless, items[3:6])):
        for item in some:
            library.add(album, item)
    garden = library.new_album("Anna's garden", owner=OTHER, passphrase="gArd3nP4s", shared_with_me=True)
    for photo in plain[:5]:
        library.add(garden, **_fields(photo))


def _fields(photo: SamplePhoto) -> dict[str, Any]:
    return {
        "filename": photo.filename,
        "time": int(photo.taken.timestamp()),
        "width": photo.width,
        "height": photo.height,
        "address": photo.place,
        "description": photo.description,
        "picture": photo.picture,
    }


def _add_unreadable(library: Library, album: Album) -> None:
    """What no frame can show: a film, and a HEIC that the NAS has no decoder for."""
    defect = {**BROKEN, "sm": "ame_defect", "m": "ame_defect", "xl": "ame_defect"}
    library.add(album, filename="MVI_0815.MOV", type="video", thumbnails=NONE, picture=lambda size: _MOVIE)
    library.add(album, filename="IMG_4712.HEIC", thumbnails=defect, picture=lambda size: _HEIC)


def movie_of(item: Item) -> bytes:
    """The film that belongs to a live photo."""
    return _MOVIE + str(item.unit_id).encode()
