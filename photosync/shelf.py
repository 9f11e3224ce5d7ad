"""Shelf: the second level, behind memory. Loop thread; the disk's calls run on worker threads of its own."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from .cache import PhotoCache
from .catalog import Catalog
from .disk import PhotoDisk
from .models import RENDITIONS, PhotoKey

_LONGEST_READ_SECONDS = 3.0


class Shelf:
    """Photos that passed through `cache` are kept on disk, one after the other, and read from there when memory has
    let them go or the service was started anew. From a disk that hangs nothing can be had until it moves again.
    """

    def __init__(self, disk: PhotoDisk, cache: PhotoCache) -> None:
        self.disk = disk
        self._cache = cache
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="disk-reader")
        self._writers = ThreadPoolExecutor(1, thread_name_prefix="disk-writer")
        self._unwritten: deque[PhotoKey] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self._reads = 0
        self._moved_at = 0.0

    def __contains__(self, key: PhotoKey) -> bool:
        return key in self.disk and not self._hangs

    async def open(self) -> None:
        """Finds what an earlier run has left."""
        await asyncio.get_running_loop().run_in_executor(self._readers, self.disk.open)

    async def read(self, key: PhotoKey) -> bytes | None:
        """The photo, whole and checked; None if it is not here."""
        if not self._reads:
            self._moved_at = time.monotonic()
        self._reads += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self.disk.read, key)
        finally:
            self._reads -= 1
            self._moved_at = time.monotonic()

    @property
    def _hangs(self) -> bool:
        return self._reads > 0 and time.monotonic() - self._moved_at > _LONGEST_READ_SECONDS

    def keep(self, key: PhotoKey) -> None:
        """Writes a photo that is in memory now, if it still is when its turn comes."""
        self._unwritten.append(key)
        if self._writing is None and not self._closed:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    def retain(self, catalog: Catalog) -> None:
        """Removes photos that are gone, and old versions of changed ones; keeps what could not be kept before."""
        removing = asyncio.get_running_loop().run_in_executor(self._writers, self.disk.retain, catalog.is_current)
        removing.add_done_callback(self._keep_more)

    async def close(self, timeout_seconds: float) -> None:
        """Waits a moment for what is being written; what was not begun is left."""
        self._closed = True
        self._unwritten.clear()
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=timeout_seconds)
        for threads in (self._readers, self._writers):
            threads.shutdown(wait=False, cancel_futures=True)

    def _keep_more(self, _: asyncio.Future[None]) -> None:
        """Only what there is room for: the others are to stay as recently used as they are."""
        room = self.disk.room_bytes
        for key in self._cache:
            size = self._cache.size(key)
            if key[2] in RENDITIONS and key not in self.disk and size <= room:
                room -= size
                self.keep(key)

    async def _write(self) -> None:
        while self._unwritten:
            key = self._unwritten.popleft()
            data = self._cache.hold(key, counted=False)
            if data is not None:
                try:
                    await asyncio.get_running_loop().run_in_executor(self._writers, self.disk.write, key, data)
                finally:
                    self._cache.release(key)
        self._writing = None
