"""The NAS of the soak, its two albums, and the family that edits them. Main thread."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from conftest import canary_nas

from photosync.fakenas import Item, Library

ALBUM, SMALL_ALBUM = "kitchen-dash", "Grandparents"
_PHOTOS = {ALBUM: 40, SMALL_ALBUM: 14}
_SHARED = 4  # photos of the one that are in the other, too
_LARGE = 8  # one in so many is larger than what a connection holds, so that a slow reader is felt


class House:
    """Albums of about as many photos as at the start, however often they are edited.

    `units` names the photo of each unit that there ever was; `retired` says when a picture (photo id, edit) was
    replaced or removed; (photo id, None) stands for whichever there was when it was removed.
    """

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self.library = Library()
        self.changes: Counter[str] = Counter()
        self.units: dict[int, int] = {}
        self.retired: dict[tuple[int, int | None], float] = {}
        self._rng = random.Random(seed + 2)
        self._clock = clock
        for name, count in _PHOTOS.items():
            self.library.new_album(name)
            for _ in range(count - (_SHARED if name == SMALL_ALBUM else 0)):
                self._add(name)
        for item in self.library.album(ALBUM).items[:_SHARED]:
            self.library.add(self.library.album(SMALL_ALBUM), item)
        self.nas = canary_nas(library=self.library)

    def change(self, pick: float) -> None:
        """One photo joins, changes or leaves."""
        name = ALBUM if pick < 0.7 else SMALL_ALBUM
        album = self.library.album(name)
        item = self._rng.choice(album.items)
        if len(album.items) <= _PHOTOS[name] * 0.8:
            self._do("added", name, item)
        elif len(album.items) >= _PHOTOS[name] * 1.2:
            self._do("removed", name, item)
        else:
            self._do(self._rng.choice(("added", "edited", "removed")), name, item)

    def _do(self, what: str, name: str, item: Item) -> None:
        self.changes[what] += 1
        if what == "added":
            self._add(name)
            return
        before = item.edits
        if what == "edited":
            self.library.edit(item)
        else:
            self.library.delete(item)
            self.retired[item.id, None] = self._clock()
        self.retired[item.id, before] = self._clock()

    def _add(self, name: str) -> None:
        large = self._rng.randrange(_LARGE) == 0
        size = self._rng.randrange(400_000, 700_000) if large else self._rng.randrange(30_000, 160_000)
        item = self.library.add(self.library.album(name), size_bytes=size)
        self.units[item.unit_id] = item.id
