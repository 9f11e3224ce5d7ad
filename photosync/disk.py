"""PhotoDisk: photos as plain files, each written once. Blocks: worker threads; the loop only asks what is there."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .models import RENDITIONS, PhotoKey
from .state import StateTrouble

log = logging.getLogger(__name__)

FREE_BYTES = 200_000_000
"""So much of the disk is left to others, whatever the limit."""

_SIZE = r"(?:sm|m|xl|original)(?:-[0-9]{1,4}x[0-9]{1,4}-(?:contain|cover)-[0-9]{1,2}-[0-9])?"
_NAME = re.compile(rf"([1-9][0-9]{{0,18}})-([A-Za-z0-9_.\-]{{1,80}})-({_SIZE})\.([0-9a-f]{{8}})\.jpg", re.ASCII)
_TEMPORARY = ".part"
_PAUSE_SECONDS = 3600.0
_MOST_ASIDE = 16
_UNUSED_SECONDS = 3600.0
_MADE_SHARE = 4  # at most a quarter is for what was made of photos: it can be made again, they may be all there is


class _File(NamedTuple):
    name: str
    size: int


class PhotoDisk:
    """At most `max_bytes` of photos in one folder; all its methods may be called by several threads.

    A file's name has the photo's id, version and size, and the checksum of its bytes: it tells by itself whether it is
    whole. A photo stays until it leaves the catalog and never makes room for another, because memory cards wear: of
    an album that is larger than the disk's share, the part that came first is kept. So it is with what was made of
    photos, but sizes that nobody has asked for lately make room for others. Nothing here raises: a disk that
    fails is told by `trouble`, and is tried again an hour later; until then a file that cannot be read counts as not
    being here, but its bytes do.

    `put_aside` counts the files that were not whole or not ours; they lie in the folder `aside` and are never served.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        trouble: StateTrouble,
        *,
        free_bytes: int = FREE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._made_bytes = 0
        self.put_aside = 0
        self._trouble = trouble
        self._folder = folder
        self._aside = folder / "aside"
        self._free_bytes = free_bytes
        self._clock = clock
        self._files: dict[PhotoKey, _File] = {}
        self._asked_at: dict[str, float] = {}  # for sizes that are made of photos
        self._rests_until: dict[PhotoKey, float] = {}  # of files that could not be read
        self._generation = 0
        self._lock = threading.Lock()
        self._not_before = 0.0

    @property
    def generation(self) -> int:
        """Another number whenever another set of photos is here, apart from what was made of them."""
        with self._lock:
            rested = [key for key, until in self._rests_until.items() if until <= self._clock()]
            for key in rested:
                del self._rests_until[key]
            self._generation += len(rested)
            return self._generation

    @property
    def room_bytes(self) -> int:
        """What further photos may take; 0 while nothing can be written."""
        return max(0, self.max_bytes - self.bytes) if self._clock() >= self._not_before else 0

    def __contains__(self, key: PhotoKey) -> bool:
        return key in self._files and self._rests_until.get(key, 0.0) <= self._clock()

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[PhotoKey]:
        return (key for key in tuple(self._files) if key in self)

    def size(self, key: PhotoKey) -> int:
        """The photo's bytes; 0 if it is not here."""
        file = self._files.get(key)
        return file.size if file is not None else 0

    def open(self) -> None:
        """Finds what an earlier run has left, and clears away what it has not finished."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            entries = sorted(os.scandir(self._folder), key=_age)
        except OSError as error:
            self._note_failure(error)
            return
        for entry in entries:
            self._take_in(entry)

    def read(self, key: PhotoKey) -> bytes | None:
        """The photo, whole and checked; None if it is not here (any more)."""
        file = self._files.get(key)
        if file is None or key not in self:
            return None
        self._note_asked(key)
        try:
            data = (self._folder / file.name).read_bytes()
        except FileNotFoundError:
            self._forget(key)
            return None
        except OSError as error:
            if not self._rests_until:  # the first of perhaps many
                log.warning("The file %s cannot be read (%s).", file.name, error.strerror or error)
            self._rest(key)
            return None
        if len(data) == file.size and file.name.endswith(_ending(data)):
            return data
        self._forget(key)
        self._set_aside(file.name)
        return None

    def write(self, key: PhotoKey, data: bytes) -> None:
        """Keeps a photo, if there is room and it is not here yet."""
        if key in self._files or self._clock() < self._not_before:
            return
        self._note_asked(key)
        if not self._has_room(key, len(data)) and not self._make_room(key, len(data)):
            return
        name = f"{key[0]}-{key[1]}-{key[2]}{_ending(data)}"
        temporary = self._folder / f"{name}{_TEMPORARY}"
        try:
            self._leave_free(len(data))
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.rename(self._folder / name)
            _settle(self._folder)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            self._note_failure(error)
            return
        self._trouble.is_over()
        self._add(key, _File(name, len(data)))

    def retain(self, is_wanted: Callable[[PhotoKey], bool]) -> None:
        """Removes the photos that are not wanted any more."""
        for key in tuple(self._files):
            if not is_wanted(key):
                self._remove(key)

    def _take_in(self, entry: os.DirEntry[str]) -> None:
        found = _NAME.fullmatch(entry.name)
        with suppress(OSError):
            if found is not None and entry.is_file(follow_symlinks=False):
                key = (int(found[1]), found[2], found[3])
                size = entry.stat().st_size
                if key in self._files or not self._has_room(key, size):
                    os.unlink(entry.path)
                else:
                    self._note_asked(key)
                    self._add(key, _File(entry.name, size))
            elif entry.name.endswith(_TEMPORARY):
                os.unlink(entry.path)
            elif not entry.is_dir(follow_symlinks=False):
                self._set_aside(entry.name)

    def _has_room(self, key: PhotoKey, size: int) -> bool:
        made_room = key[2] in RENDITIONS or self._made_bytes + size <= self.max_bytes // _MADE_SHARE
        return made_room and self.bytes + size <= self.max_bytes

    def _make_room(self, key: PhotoKey, size: int) -> bool:
        """For what was made of a photo, at the cost of the oldest in sizes that nobody has asked for lately."""
        if key[2] in RENDITIONS:
            return False
        latest = self._clock() - _UNUSED_SECONDS
        unused = {fit for fit, asked_at in dict(self._asked_at).items() if asked_at <= latest}
        for other in [other for other in tuple(self._files) if _fit(other) in unused] if unused else ():
            self._remove(other)
            if self._has_room(key, size):
                return True
        for fit in unused:
            self._asked_at.pop(fit, None)
        return False

    def _note_asked(self, key: PhotoKey) -> None:
        if key[2] not in RENDITIONS:
            self._asked_at[_fit(key)] = self._clock()

    def _add(self, key: PhotoKey, file: _File) -> None:
        with self._lock:
            self._files[key] = file
            self._count(key, file.size)

    def _count(self, key: PhotoKey, size: int) -> None:
        self.bytes += size
        if key[2] in RENDITIONS:
            self._generation += 1
        else:
            self._made_bytes += size

    def _forget(self, key: PhotoKey) -> _File | None:
        with self._lock:
            file = self._files.pop(key, None)
            self._rests_until.pop(key, None)
            self._count(key, -file.size if file is not None else 0)
        return file

    def _rest(self, key: PhotoKey) -> None:
        with self._lock:
            self._rests_until[key] = self._clock() + _PAUSE_SECONDS
            self._generation += 1

    def _remove(self, key: PhotoKey) -> None:
        file = self._forget(key)
        if file is not None:
            with suppress(OSError):
                (self._folder / file.name).unlink(missing_ok=True)

    def _set_aside(self, name: str) -> None:
        """Out of the way, for somebody to look at; of our own files the newest few."""
        self.put_aside += 1
        log.warning("The file %s is not a whole photo of this service; it was moved to the folder %s.", name, "aside")
        with suppress(OSError):
            self._aside.mkdir(mode=0o700, exist_ok=True)
            (self._folder / name).rename(self._aside / name)
            ours = [entry for entry in os.scandir(self._aside) if _NAME.fullmatch(entry.name)]
            for entry in sorted(ours, key=_age)[:-_MOST_ASIDE]:
                os.unlink(entry.path)

    def _leave_free(self, size: int) -> None:
        space = os.statvfs(self._folder)
        if space.f_bavail * space.f_frsize < size + self._free_bytes:
            raise OSError(f"the disk is nearly full: {self._free_bytes // 1_000_000} MB are left to others")

    def _note_failure(self, error: OSError) -> None:
        self._trouble.met(error)
        self._not_before = self._clock() + _PAUSE_SECONDS


def _fit(key: PhotoKey) -> str:
    """The size that was asked for, of whichever rendition it was made; "" if none was."""
    return key[2].partition("-")[2]


def _ending(data: bytes) -> str:
    return f".{zlib.crc32(data):08x}.jpg"


def _age(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def _settle(folder: Path) -> None:
    """Makes a new name last, too (fsync(2): a file's name belongs to its folder)."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
