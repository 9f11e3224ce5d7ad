"""Catalog: the photos of an album, in little memory; never edited once built, used on every thread."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

from .models import RENDITIONS, Photo, PhotoKey

_RECENT = 256

_Kind = tuple[str, int, int, str, str, str | None, tuple[str, ...]]


class _Texts:
    """Texts one behind the other, each ended by a NUL."""

    __slots__ = ("_bytes", "_ends")

    def __init__(self) -> None:
        self._bytes = bytearray(b"\0")
        self._ends = array("I")

    def append(self, text: str) -> None:
        self._bytes += _encoded(text) + b"\0"
        self._ends.append(len(self._bytes) - 1)

    def __getitem__(self, place: int) -> str:
        return self._bytes[self._start(place) : self._ends[place]].decode("utf-8", "surrogatepass")

    def places(self, text: str) -> Iterator[int]:
        """Where exactly this text is."""
        wanted = _encoded(text)
        found = self._bytes.find(b"\0" + wanted + b"\0")
        while found >= 0:
            place = bisect_right(self._ends, found)
            if self._start(place) == found + 1 and self._ends[place] == found + 1 + len(wanted):
                yield place
            found = self._bytes.find(b"\0" + wanted + b"\0", found + 1)

    def _start(self, place: int) -> int:
        return self._ends[place - 1] + 1 if place else 1


class Photos(Sequence[Photo]):
    """Photos in columns, which take a fifth of the memory; a Photo is made whenever one is asked for.

    Whoever makes it fills it by `add`; afterwards it never changes.
    """

    __slots__ = (
        "_descriptions",
        "_filenames",
        "_kind_numbers",
        "_kinds",
        "_kinds_known",
        "_taken",
        "_units",
        "_versions",
        "ids",
    )

    def __init__(self, photos: Iterable[Photo] = ()) -> None:
        self.ids = array("q")
        self._units = array("q")
        self._taken = array("q")
        self._versions = _Texts()
        self._filenames = _Texts()
        self._descriptions = _Texts()
        self._kinds = array("I")  # numbers of what many photos have in common
        self._kinds_known: list[_Kind] = []
        self._kind_numbers: dict[_Kind, int] = {}
        for photo in photos:
            self.add(photo)

    def add(self, photo: Photo) -> None:
        """Raises OverflowError if a number has more than 64 bits."""
        self.ids.append(photo.id)
        self._units.append(photo.unit_id)
        self._taken.append(photo.taken_seconds)
        self._versions.append(photo.version)
        self._filenames.append(photo.filename)
        self._descriptions.append(photo.description or "")
        kind = (photo.size, photo.width, photo.height, photo.album, photo.access, photo.place, photo.renditions)
        self._kinds.append(self._kind_number(kind))

    def __len__(self) -> int:
        return len(self._kinds)

    @overload
    def __getitem__(self, place: int) -> Photo: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Photo]: ...
    def __getitem__(self, place: int | slice) -> Photo | Sequence[Photo]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        place = range(len(self))[place]
        size, width, height, album, access, town, renditions = self._kinds_known[self._kinds[place]]
        return Photo(
            id=self.ids[place],
            unit_id=self._units[place],
            version=self._versions[place],
            size=size,
            filename=self._filenames[place],
            taken_seconds=self._taken[place],
            width=width,
            height=height,
            album=album,
            access=access,
            place=town,
            description=self._descriptions[place] or None,
            renditions=renditions,
        )

    def named(self, filename: str) -> Photo | None:
        """The photo of that file name; of several, that with the lowest id."""
        place = min(self._filenames.places(filename), key=self.ids.__getitem__, default=None)
        return None if place is None else self[place]

    def in_order(self) -> Photos:
        """By the time they were taken, then id."""
        places = range(len(self))
        if all(self._order(place) <= self._order(place + 1) for place in places[:-1]):
            return self  # as the NAS lists them
        return Photos(self[place] for place in sorted(places, key=self._order))

    def _order(self, place: int) -> tuple[int, int]:
        return self._taken[place], self.ids[place]

    def _kind_number(self, kind: _Kind) -> int:
        number = self._kind_numbers.setdefault(kind, len(self._kinds_known))
        if number == len(self._kinds_known):
            self._kinds_known.append(kind)
        return number


class PhotosById(Mapping[int, Photo]):
    """The photos by their ids: a hash table of places, since a dict would need six times its memory."""

    __slots__ = ("_photos", "_recent", "_table")

    def __init__(self, photos: Photos) -> None:
        self._photos = photos
        self._recent: dict[int, Photo] = {}  # screens ask for the same photo several times
        self._table = array("i", [-1]) * (2 * len(photos) + 1)
        for place, number in enumerate(photos.ids):
            self._table[self._slot(number)] = place

    def __getitem__(self, number: int) -> Photo:
        photo = self._recent.get(number)
        if photo is None:
            place = self._table[self._slot(number)]
            if place < 0:
                raise KeyError(number)
            if len(self._recent) >= _RECENT:
                self._recent.clear()
            photo = self._recent[number] = self._photos[place]
        return photo

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self._table[self._slot(number)] >= 0

    def __iter__(self) -> Iterator[int]:
        return iter(self._photos.ids)

    def __len__(self) -> int:
        return len(self._photos)

    def _slot(self, number: int) -> int:
        """Where its place stands, or would stand: at most every second slot is taken."""
        # Spread by multiplication (D. Knuth, The Art of Computer Programming, 6.4): ids come in runs, which would pile
        # up where two of them meet.
        slot = ((number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) * len(self._table)) >> 64
        while (place := self._table[slot]) >= 0 and self._photos.ids[place] != number:
            slot = (slot + 1) % len(self._table)
        return slot


@dataclass(frozen=True, slots=True)
class Catalog:
    """A complete listing of one or all albums, in order of the time taken, then id; replaced, never edited.

    `tag` is a digest of everything that is told about the photos: equal on every server of one NAS.
    `skipped` counts the items that are not served, by reason.
    `slots` holds the ids in the order in which they joined, 0 where one has left: a photo keeps its slot for as
    long as it stays, so that decks can deal by slot. A new `generation` means that the slots were dealt anew.
    """

    photos: Photos = field(default_factory=Photos, repr=False)
    by_id: Mapping[int, Photo] = field(default_factory=dict, repr=False)
    skipped: Mapping[str, int] = field(default_factory=dict)
    tag: str = ""
    slots: array[int] = field(default_factory=lambda: array("q"), repr=False)
    generation: int = 0

    @classmethod
    def build(cls, photos: Iterable[Photo], skipped: Mapping[str, int], previous: Catalog | None = None) -> Catalog:
        """Sorts, indexes and digests.

        Takes a while for a large album: call it on a worker thread.
        """
        packed = photos if isinstance(photos, Photos) else Photos(photos)
        ordered = packed.in_order()
        digest = hashlib.sha256()
        for photo in ordered:
            digest.update(
                f"{photo.key}{photo.filename!r}{photo.taken_seconds} {photo.width}x{photo.height}"
                f"{photo.album!r}{photo.place!r}{photo.description!r}\n".encode()
            )
        slots, generation = _slots(ordered.ids, previous or cls())
        return cls(ordered, PhotosById(ordered), dict(skipped), digest.hexdigest()[:32], slots, generation)

    def is_current(self, key: PhotoKey) -> bool:
        """Whether that is a photo of this listing, or was made of one."""
        photo = self.by_id.get(key[0])
        if photo is None or photo.version != key[1]:
            return False
        return key[2] == photo.size or key[2] not in RENDITIONS


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a NAS may send half of a pair


def left_out(skipped: Mapping[str, int]) -> str:
    """The items that are not served, in words."""
    words = {"video": "video", "no_rendition": "without a preview"}
    counted = sorted((words.get(reason, reason), count) for reason, count in skipped.items())
    return ", ".join(f"{count} {word}{'s' if word == 'video' and count > 1 else ''}" for word, count in counted)


def _slots(ids: array[int], previous: Catalog) -> tuple[array[int], int]:
    """Kept slots first, then one for each new photo; dealt anew once three quarters of them are empty."""
    present, known = set(ids), set(previous.slots)
    kept = array("q", (number if number in present else 0 for number in previous.slots))
    if len(kept) > 4 * len(ids) + 1000:
        return array("q", ids), previous.generation + 1
    kept.extend(number for number in ids if number not in known)
    return kept, previous.generation
