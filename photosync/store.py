"""PhotoStore: the one door to photos: memory, disk, NAS. Single flight, thread pool, breakers. Loop thread; the calls
it makes run on its worker threads.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from .cache import PhotoCache
from .calls import NAS_CALLS
from .catalog import Catalog
from .errors import Busy, NasError, NothingSynced, PhotoNotFound, PhotosSyncError
from .flight import Flight, PictureSource
from .health import NasHealth
from .models import RENDITIONS, UNKNOWN_ACCESS, Photo, PhotoKey
from .shelf import Shelf

log = logging.getLogger(__name__)

T = TypeVar("T")

_DOWNLOADS = NAS_CALLS - 1  # the last one is for a look at the album
_UNATTENDED_DOWNLOADS = _DOWNLOADS - 1  # so that a waiting client finds a thread free
_MAX_WAITING = 16
_MAX_AHEAD = 64
_FILL_AT_ONCE = 256  # so many photos are looked at before others have their turn


class PhotoStore:
    """Photos from memory, else from disk (if there is a `shelf`), else from the NAS, by one flight for all who ask.

    Waiting clients come before downloads ahead of need. `health` tells what may be asked of the NAS.
    """

    def __init__(
        self,
        source: PictureSource,
        cache: PhotoCache,
        *,
        rng: random.Random,
        shelf: Shelf | None = None,
        longest_wait_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cache = cache
        self._new_health = partial(NasHealth, clock, rng)
        self.health = self._new_health(longest_wait_seconds)
        self.shared = 0  # requests that joined a download under way
        self.shelf = shelf
        self._source = source
        self._executor = ThreadPoolExecutor(NAS_CALLS, thread_name_prefix="nas")
        self._flights: dict[PhotoKey, Flight] = {}
        self._waiting: deque[Flight] = deque()
        self._ahead: OrderedDict[PhotoKey, Flight] = OrderedDict()
        self._filling: Iterator[Photo] = iter(())
        self._running: set[asyncio.Task[None]] = set()
        self._reading: set[asyncio.Task[None]] = set()
        self._next_landing: asyncio.Future[None] | None = None
        self._held: tuple[object, tuple[int, ...]] = (None, ())
        self._closed = False

    @property
    def inflight(self) -> int:
        return len(self._flights)

    @property
    def held(self) -> tuple[int, ...]:
        """The ids of the photos in memory and on disk; the same tuple for as long as they are the same."""
        generation, numbers = self._held
        current = (self.cache.generation, self.shelf.disk.generation if self.shelf else 0)
        if generation != current:
            keys = chain(self.cache, self.shelf.disk if self.shelf else ())
            found = dict.fromkeys(key[0] for key in keys if key[2] in RENDITIONS)
            self._held = (current, numbers if found.keys() == set(numbers) else tuple(found))
        return self._held[1]

    def holds_any(self, catalog: Catalog) -> bool:
        """Whether any photo of the catalog can be had without the NAS."""
        on_disk = (key for key in self.shelf.disk if key in self.shelf) if self.shelf else ()
        keys = chain(self.cache, on_disk)
        return any(key[0] in catalog.by_id for key in keys if key[2] in RENDITIONS)

    def has(self, photo: Photo) -> bool:
        """Whether it can be had without the NAS."""
        return photo.key in self.cache or (self.shelf is not None and photo.key in self.shelf)

    def refusal(self, photo: Photo) -> PhotosSyncError | None:
        """Why the photo can't be had now: not here, and the NAS must not be asked for it."""
        if self.has(photo) or photo.key in self._flights:
            return None
        return self._reason_to_wait(photo)

    async def get(self, photo: Photo, *, passing: bool = False) -> bytes:
        """The photo's bytes, which stay in memory until `release(photo)`. Raises PhotosSyncError.

        What is `passing` is another rendition than the one that is listed: it is not kept after that.
        """
        data = self.cache.hold(photo.key)
        if data is not None:
            return data
        flight = self._flights.get(photo.key)
        if flight is None:
            flight = self._depart(photo)
            flight.passing = passing
        else:
            self.shared += 1
            if flight.photo.key in self._ahead:
                self._waiting.append(self._ahead.pop(photo.key))
        flight.waiting += 1
        self._pump()
        try:
            return await asyncio.shield(flight.landed)
        except asyncio.CancelledError:
            self._leave(flight)
            raise

    def hold(self, photo: Photo) -> bytes | None:
        """As `get`, if the photo is in memory; otherwise None."""
        return self.cache.hold(photo.key) if photo.key in self.cache else None

    def release(self, photo: Photo) -> None:
        """Ends one successful `get` or `hold`."""
        self.cache.release(photo.key)

    def fetch_ahead(self, photo: Photo) -> None:
        """Downloads a photo that will be wanted soon, when no client waits. The oldest such wish goes first if
        there are too many.
        """
        if self.cache.touch(photo.key) or photo.key in self._flights or self.refusal(photo):
            return
        if self.has(photo):
            self._take_down(photo)
            return
        self._ahead[photo.key] = self._new_flight(photo)
        if len(self._ahead) > _MAX_AHEAD:
            dropped, _ = self._ahead.popitem(last=False)
            del self._flights[dropped]
        self._pump()

    def fill(self, photos: Iterable[Photo]) -> None:
        """Downloads these while there is room in the cache, behind everything else."""
        self._filling = iter(photos)
        self._pump()

    def retain(self, catalog: Catalog) -> None:
        """Forgets what the catalog no longer has: photos that are gone, and old versions of changed ones."""
        for key in [key for key in self.cache if not catalog.is_current(key)]:
            self.cache.discard(key)
        for key in [key for key in self._ahead if key[0] not in catalog.by_id]:
            del self._ahead[key], self._flights[key]
        for flight in self._flights.values():
            photo = catalog.by_id.get(flight.photo.id)
            flight.unwanted = photo is None or photo.key != flight.photo.key
        self.health.retain(catalog)
        if self.shelf is not None:
            self.shelf.retain(catalog)

    def turn_to(self, source: PictureSource, longest_wait_seconds: float) -> None:
        """Photos come from another source from now on; a download that was wanted before stays with its own."""
        self._source = source
        self.health = self._new_health(longest_wait_seconds)

    async def landing_from(self, source: PictureSource) -> None:
        """Returns when no download wants that source any more."""
        while any(flight.source is source for flight in self._flights.values()):
            await self.next_landing()

    async def next_landing(self) -> None:
        """Returns when any download under way has ended, well or not; at once if there is none."""
        if self._flights:
            if self._next_landing is None:
                self._next_landing = _future()
            await asyncio.shield(self._next_landing)

    async def call(self, function: Callable[[], T]) -> T:
        """Runs another call to the NAS on a worker thread, and notes whether the NAS can be reached."""
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._executor, function)
        except NasError as error:
            self.health.call_failed(error)
            raise
        self.health.call_succeeded()
        self._pump()
        return result

    async def close(self, timeout_seconds: float) -> None:
        """Starts no more downloads and waits a moment for those under way."""
        self._closed = True
        for flight in self._waiting:
            self._fail(flight, Busy("The service is stopping.", retry_after_seconds=5))
        self._waiting.clear()
        self._ahead.clear()
        if self.shelf is not None:
            await self.shelf.close(timeout_seconds)
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_seconds)
        for flight in self._flights.values():
            flight.refused = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _reason_to_wait(self, photo: Photo) -> PhotosSyncError | None:
        if photo.access == UNKNOWN_ACCESS:
            return NothingSynced("The album has not been listed since the start.", retry_after_seconds=1)
        return self.health.reason_to_wait(photo)

    def _depart(self, photo: Photo) -> Flight:
        if self.has(photo):
            return self._take_down(photo)
        refusal = self._reason_to_wait(photo)
        if refusal is not None:
            raise refusal
        if self._closed or len(self._waiting) >= _MAX_WAITING:
            raise Busy("Too many photos are being fetched from the NAS at the moment.", retry_after_seconds=1)
        flight = self._new_flight(photo)
        self._waiting.append(flight)
        return flight

    def _new_flight(self, photo: Photo) -> Flight:
        flight = self._flights[photo.key] = Flight(photo, self._source, self.health, _future())
        return flight

    def _take_down(self, photo: Photo) -> Flight:
        """Begins to read a photo from the shelf, beside the downloads: none of them has to end first."""
        flight = self._new_flight(photo)
        task = asyncio.get_running_loop().create_task(self._read(flight))
        self._reading.add(task)
        task.add_done_callback(self._landed)
        return flight

    def _leave(self, flight: Flight) -> None:
        """One who waited is gone, perhaps after the photo has landed for it."""
        if flight.landed.done() and flight.landed.exception() is None:
            self.cache.release(flight.photo.key)
        else:
            flight.waiting -= 1

    def _pump(self) -> None:
        """Starts downloads while threads are free: waiting clients, then those ahead, then filling."""
        while not self._closed and len(self._running) < _DOWNLOADS:
            flight = self._next_flight()
            if flight is None:
                return
            task = asyncio.get_running_loop().create_task(self._fly(flight))
            self._running.add(task)
            task.add_done_callback(self._landed)

    def _next_flight(self) -> Flight | None:
        if self._waiting:
            return self._waiting.popleft()
        if len(self._running) >= _UNATTENDED_DOWNLOADS:
            return None
        if self._ahead:
            return self._ahead.popitem(last=False)[1]
        return self._next_to_fill()

    def _next_to_fill(self) -> Flight | None:
        """Filling pauses while the NAS gives no pictures, and ends when the cache is full."""
        if not self.health.allows_downloads:
            return None
        for photo in islice(self._filling, _FILL_AT_ONCE):
            if not self.cache.has_room(self._typical_bytes()):
                self._filling = iter(())
                return None
            wanted = not self.has(photo) and photo.key not in self._flights
            if wanted and self.refusal(photo) is None:
                return self._new_flight(photo)
        following = next(self._filling, None)
        if following is not None:
            self._filling = chain([following], self._filling)
            asyncio.get_running_loop().call_soon(self._pump)
        return None

    def _typical_bytes(self) -> int:
        count = len(self.cache)
        return 2 * self.cache.bytes // count if count else 0

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._reading.discard(task)
        if self._next_landing is not None and not self._next_landing.done():
            self._next_landing.set_result(None)
        self._next_landing = None
        if not task.cancelled():
            task.result()
        self._pump()

    async def _fly(self, flight: Flight) -> None:
        """One download, its bookkeeping, and the news for all who wait."""
        photo = flight.photo
        refusal = self._reason_to_wait(photo)
        try:
            if refusal is not None:
                raise refusal
            data = await self._download(flight)
        except Exception as error:
            self._crash(flight, error)
            return
        self._land(flight, data)
        if self.shelf is not None and photo.key in self.cache:
            self.shelf.keep(photo.key)

    async def _read(self, flight: Flight) -> None:
        """One reading from the shelf; a photo that is not whole there comes from the NAS."""
        assert self.shelf is not None
        photo = flight.photo
        try:
            if not self.cache.reserve(photo.key, self.shelf.disk.size(photo.key)):
                raise _no_room()
            data = await self.shelf.read(photo.key)
            if data is None and (refusal := self._reason_to_wait(photo)):
                raise refusal
        except Exception as error:
            self._crash(flight, error)
            return
        if data is not None:
            self._land(flight, data)
        else:
            self._waiting.append(flight)

    def _land(self, flight: Flight, data: bytes) -> None:
        key = flight.photo.key
        self._flights.pop(key, None)
        kept = self.cache.put(key, data, holders=flight.waiting)
        if flight.unwanted or flight.passing:
            self.cache.discard(key)
        if kept is not None:
            flight.landed.set_result(kept)
        else:
            self._fail(flight, _no_room())

    def _crash(self, flight: Flight, error: Exception) -> None:
        self.cache.cancel(flight.photo.key)
        self._flights.pop(flight.photo.key, None)
        self._fail(flight, error)

    def _fail(self, flight: Flight, error: Exception) -> None:
        flight.landed.set_exception(error)
        flight.landed.exception()  # nobody has to wait for a download made ahead

    async def _download(self, flight: Flight) -> bytes:
        loop = asyncio.get_running_loop()

        told = 0

        def room(size: int) -> None:  # runs on the worker thread, which sees the answer at its next piece
            nonlocal told
            if size > told:
                told = size
                loop.call_soon_threadsafe(self._make_room, flight, size)
            if flight.refused:
                raise _no_room()

        flight.health.start_download()
        try:
            data = await loop.run_in_executor(self._executor, flight.source.fetch, flight.photo, room)
        except (NasError, PhotoNotFound) as error:
            flight.health.download_failed(flight.photo, error, passing=flight.passing)
            raise
        except PhotosSyncError:
            flight.health.abandon_download()
            raise
        except Exception as error:
            log.exception("A download failed in a way that was not foreseen.")
            unforeseen = NasError("unforeseen", f"The photo could not be fetched ({type(error).__name__}).")
            flight.health.download_failed(flight.photo, unforeseen, passing=flight.passing)
            raise unforeseen from error
        flight.health.download_succeeded(flight.photo)
        return data

    def _make_room(self, flight: Flight, size: int) -> None:
        if self._flights.get(flight.photo.key) is flight and not self.cache.reserve(flight.photo.key, size):
            flight.refused = True


def _future() -> asyncio.Future[T]:
    return asyncio.get_running_loop().create_future()


def _no_room() -> Busy:
    return Busy(
        "The photos being sent at the moment leave no room for another one.",
        "A larger --max-cache leaves more.",
        retry_after_seconds=2,
    )
