"""PhotoCache: photos in memory, least recently used out first, bounded in bytes. Plain; loop thread only."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass

import cachetools

from .models import RENDITIONS, PhotoKey


@dataclass(slots=True)
class _Lent:
    data: bytes
    holders: int
    discarded: bool = False


class PhotoCache:
    """Everything held for photos counts against `max_bytes`: photos kept (`bytes`), of which those that are
    being sent stay until the last holder releases them, and room taken by downloads (`reserved_bytes`).

        bytes + reserved_bytes <= max_bytes, always
        hits + misses = calls of `hold` that count
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.hits = 0
        self.misses = 0
        self.evictions = 0
        self.generation = 0  # another number whenever another set of photos is held, apart from what was made of them
        self._resting: cachetools.LRUCache[PhotoKey, builtins.bytes] = cachetools.LRUCache(max_bytes, getsizeof=len)
        self._lent: dict[PhotoKey, _Lent] = {}
        self._lent_bytes = 0
        self._reserved: dict[PhotoKey, int] = {}

    @property
    def bytes(self) -> int:
        return int(self._resting.currsize) + self._lent_bytes

    @property
    def reserved_bytes(self) -> int:
        return sum(self._reserved.values())

    def __len__(self) -> int:
        return len(self._resting) + len(self._lent)

    def __contains__(self, key: PhotoKey) -> bool:
        if key in self._resting:
            return True
        lent = self._lent.get(key)
        return lent is not None and not lent.discarded

    def __iter__(self) -> Iterator[PhotoKey]:
        yield from self._resting
        yield from (key for key, lent in self._lent.items() if not lent.discarded)

    def size(self, key: PhotoKey) -> int:
        """The bytes of a photo that is here; asking is no use of it."""
        lent = self._lent.get(key)
        return len(lent.data if lent is not None else cachetools.Cache.__getitem__(self._resting, key))

    def hold(self, key: PhotoKey, *, counted: bool = True) -> builtins.bytes | None:
        """The photo, which then stays until `release`; None if it is not here. Only what clients want is `counted`."""
        lent = self._lent.get(key)
        if lent is None and key in self._resting:
            lent = self._lend(key, self._resting.pop(key))
        if lent is None or lent.discarded:
            self.misses += counted
            return None
        self.hits += counted
        lent.holders += 1
        return lent.data

    def touch(self, key: PhotoKey) -> bool:
        """Makes a photo the most recently used one, without counting a hit. False if it is not here."""
        if key in self._resting:
            self._resting[key] = self._resting.pop(key)
        return key in self

    def release(self, key: PhotoKey) -> None:
        """Ends one `hold`. The photo is then the most recently used one."""
        lent = self._lent[key]
        lent.holders -= 1
        if lent.holders == 0:
            del self._lent[key]
            self._lent_bytes -= len(lent.data)
            if not lent.discarded and self.has_room(len(lent.data)):  # which `resize` may have taken
                self._resting[key] = lent.data

    def reserve(self, key: PhotoKey, size: int, *, sparing: bool = False) -> bool:
        """Makes room for a download of `size` bytes in all, at the cost of the least recently used photos; when
        `sparing`, of pictures that were made here first.

        False, and nothing is reserved, if the photos being sent and the other downloads leave no such room.
        """
        self._reserved.pop(key, None)
        taken = self._lent_bytes + self.reserved_bytes
        if taken + size > self.max_bytes:
            return False
        while self._resting.currsize + taken + size > self.max_bytes:
            self._evict(sparing)
        self._reserved[key] = size
        return True

    def cancel(self, key: PhotoKey) -> None:
        """Gives a download's room back."""
        self._reserved.pop(key, None)

    def put(
        self, key: PhotoKey, data: builtins.bytes, holders: int = 0, *, sparing: bool = False
    ) -> builtins.bytes | None:
        """Keeps a download, held by so many already, and gives the bytes that are kept. None if there is no room,
        as for `reserve`.
        """
        lent, former = self._lent.get(key), self._resting.pop(key, None)
        if lent is None and not self.reserve(key, len(data), sparing=sparing):
            if former is not None:
                self._resting[key] = former
            return None
        self.cancel(key)
        self._note_change(key)
        if lent is None and not holders:
            self._resting[key] = data
            return data
        # A photo that was discarded while it is being sent may be back already: one copy is enough.
        lent = lent or self._lend(key, data)
        lent.discarded = False
        lent.holders += holders
        return lent.data

    def discard(self, key: PhotoKey) -> None:
        """Forgets a photo; one that is being sent goes when the last holder releases it."""
        self._note_change(key)
        if key in self._resting:
            del self._resting[key]
        elif key in self._lent:
            self._lent[key].discarded = True

    def resize(self, max_bytes: int) -> None:
        """Another limit. With a smaller one the least recently used photos leave at once; what is being sent and
        downloaded may exceed it until that is done.
        """
        self.max_bytes = max_bytes
        resting, self._resting = self._resting, cachetools.LRUCache(max_bytes, getsizeof=len)
        taken = self._lent_bytes + self.reserved_bytes
        while resting and resting.currsize + taken > max_bytes:
            key, _ = resting.popitem()
            self._note_eviction(key)
        while resting:
            key, data = resting.popitem()
            self._resting[key] = data

    def has_room(self, size: int) -> bool:
        """Whether so many bytes fit without evicting anything."""
        return self.bytes + self.reserved_bytes + size <= self.max_bytes

    def _evict(self, sparing: bool) -> None:
        # Each use puts a photo in anew, so they come in the order of use.
        made = next((key for key in self._resting if key[2] not in RENDITIONS), None) if sparing else None
        if made is not None:
            del self._resting[made]
        self._note_eviction(made or self._resting.popitem()[0])

    def _note_eviction(self, key: PhotoKey) -> None:
        self.evictions += 1
        self._note_change(key)

    def _note_change(self, key: PhotoKey) -> None:
        self.generation += key[2] in RENDITIONS

    def _lend(self, key: PhotoKey, data: builtins.bytes) -> _Lent:
        lent = self._lent[key] = _Lent(data, holders=0)
        self._lent_bytes += len(data)
        return lent
