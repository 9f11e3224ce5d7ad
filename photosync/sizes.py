"""Sizes: photos in the sizes that clients ask for. Single flight, a bounded queue, one decoded at a time. Loop thread;
the decoding runs on a worker thread of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from . import resize
from .errors import Busy, NasBadAnswer, NasError, PhotosSyncError
from .fit import Fit
from .models import Photo, PhotoKey
from .store import PhotoStore
from .sync import AlbumSync

log = logging.getLogger(__name__)

MOST_WAITING = 8
_MOST_NOTICES = 16
_MOST_UNUSABLE = 256
_PATIENCE_SECONDS = 5.0

Picture = tuple[Photo, bytes]


@dataclass(slots=True, eq=False)
class _Flight:
    """One picture that is being made; `waiting` counts those who await `landed`."""

    landed: asyncio.Future[Picture]
    waiting: int = 0


class Sizes:
    """Pictures are made of what the store gives, and kept in its memory and on its disk as photos are.

    While a rendition that suffices cannot be had, they are made of the one that is listed, as far as its pixels go.
    """

    def __init__(self, sync: AlbumSync, store: PhotoStore) -> None:
        self.made = 0  # pictures resized
        self._sync = sync
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="resize")
        self._flights: dict[PhotoKey, _Flight] = {}
        self._late: set[PhotoKey] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # What errors told, not they themselves: their tracebacks would hold photos.
        self._unusable: dict[PhotoKey, tuple[str, str, str]] = {}
        self._notices: dict[tuple[bytes, Fit], bytes] = {}
        self._loaded = False
        self._closed = False

    def follow(self, sync: AlbumSync) -> None:
        """From now on, that one tells which photos there are."""
        self._sync = sync

    @property
    def waiting(self) -> int:
        return len(self._flights)

    async def load(self) -> None:
        """Raises NotInstalled if nothing can be made here."""
        if not self._loaded:
            await asyncio.get_running_loop().run_in_executor(self._thread, resize.load)
            self._loaded = True

    async def get(self, photo: Photo, fit: Fit) -> Picture:
        """The picture, which stays in memory until the store is told to `release` it. Raises PhotosSyncError.

        It is another one than `best` tells if it had to be made of another rendition.
        """
        wanted = best(photo, fit)
        data = self._store.cache.hold(wanted.key)
        if data is not None:
            return wanted, data
        flight = self._flights.get(wanted.key)
        if flight is None:
            if len(self._flights) >= MOST_WAITING:
                raise Busy("Too many pictures are being resized at the moment.", retry_after_seconds=2)
            flight = self._depart(photo, fit)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.landed)
        except asyncio.CancelledError:
            self._leave(flight)
            raise

    def make_ahead(self, photo: Photo, fit: Fit) -> None:
        """Makes a picture that will be wanted soon, if there is nothing else to do."""
        if not self._flights and not self._store.has(best(photo, fit)) and self._store.refusal(photo) is None:
            self._depart(photo, fit)

    async def notice(self, data: bytes, fit: Fit) -> bytes:
        """A picture of our own, all of it, within that size; as it is while photos wait to be resized."""
        made = self._notices.get((data, fit))
        if made is not None or self._flights:
            return made or data
        try:
            made = await self._resized(data, fit._replace(cover=False), 0)
        except PhotosSyncError:
            return data
        if len(self._notices) >= _MOST_NOTICES:
            del self._notices[next(iter(self._notices))]
        self._notices[data, fit] = made
        return made

    async def close(self, timeout_seconds: float) -> None:
        """Makes no more, and waits a moment for the one that is being made."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_seconds)

    def _depart(self, photo: Photo, fit: Fit) -> _Flight:
        key = best(photo, fit).key
        flight = self._flights[key] = _Flight(asyncio.get_running_loop().create_future())
        self._start(key, flight, self._made(photo, fit))
        return flight

    def _leave(self, flight: _Flight) -> None:
        """One who waited is gone, perhaps after the picture has landed for it."""
        if flight.landed.done() and flight.landed.exception() is None:
            self._store.release(flight.landed.result()[0])
        else:
            flight.waiting -= 1

    def _start(self, key: PhotoKey, flight: _Flight, making: Coroutine[Any, Any, Picture]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._fly(key, flight, making))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _fly(self, key: PhotoKey, flight: _Flight, making: Coroutine[Any, Any, Picture]) -> None:
        try:
            picture, data = await making
        except PhotosSyncError as error:
            self._fail(key, flight, error)
        except Exception as error:
            log.exception("A picture could not be resized, in a way that was not foreseen.")
            self._fail(key, flight, NasError("unforeseen", f"A picture was not resized ({type(error).__name__})."))
        except asyncio.CancelledError:
            self._fail(key, flight, _stopping())
            raise
        else:
            self._land(key, flight, picture, data)

    def _land(self, key: PhotoKey, flight: _Flight, picture: Photo, data: bytes) -> None:
        away = self._store.health.cause is not None  # and photos could not be fetched again
        kept = self._store.cache.put(picture.key, data, holders=flight.waiting, sparing=away)
        if kept is None:
            no_room = "The photos being sent at the moment leave no room for another one."
            self._fail(key, flight, Busy(no_room, "A larger --max-cache leaves more.", retry_after_seconds=2))
            return
        self._forget(key, flight)
        flight.landed.set_result((picture, kept))
        if not self._sync.catalog.is_current(picture.key):
            self._store.cache.discard(picture.key)
        elif self._store.shelf is not None:
            self._store.shelf.keep(picture.key)

    def _fail(self, key: PhotoKey, flight: _Flight, error: Exception) -> None:
        self._forget(key, flight)
        flight.landed.set_exception(error)
        flight.landed.exception()  # nobody has to wait for a picture made ahead

    def _forget(self, key: PhotoKey, flight: _Flight) -> None:
        if self._flights.get(key) is flight:  # which one made late is not
            del self._flights[key]

    async def _made(self, photo: Photo, fit: Fit) -> Picture:
        """Of the first source that can be had."""
        *others, last = fit.sources(photo)
        for source in others:
            try:
                return await self._made_of(photo, source, fit)
            except (PhotosSyncError, TimeoutError) as error:
                log.debug("Photo %d is made of another rendition than %s: %s", photo.id, source, error)
        return await self._made_of(photo, last, fit)

    async def _made_of(self, photo: Photo, source: str, fit: Fit) -> Picture:
        picture = fit.picture_of(photo, source)
        data = await self._kept(picture)
        if data is not None:
            return picture, data
        if picture.key in self._unusable:
            raise NasBadAnswer(*self._unusable[picture.key])
        if picture.key in self._late:
            raise TimeoutError
        original = replace(photo, size=source)
        listed = source == photo.size
        patience_seconds = _PATIENCE_SECONDS if not listed and self._store.has(photo) else None
        fetching = asyncio.get_running_loop().create_task(self._store.get(original, passing=not listed))
        await asyncio.wait([fetching], timeout=patience_seconds)
        making = self._made_from(original, fetching, picture, fit)
        if not fetching.done():
            self._make_late(picture, making)
            raise TimeoutError
        return await making

    def _make_late(self, picture: Photo, making: Coroutine[Any, Any, Picture]) -> None:
        """Who waited is given another one; this is for those who ask again."""
        flight = _Flight(asyncio.get_running_loop().create_future())
        self._late.add(picture.key)
        self._start(picture.key, flight, making).add_done_callback(lambda _: self._late.discard(picture.key))

    async def _made_from(self, original: Photo, fetching: asyncio.Task[bytes], picture: Photo, fit: Fit) -> Picture:
        data = await fetching
        try:
            return picture, await self._resized(data, fit, max(original.width, original.height))
        except NasBadAnswer as error:
            self._remember(picture.key, error)
            raise
        finally:
            self._store.release(original)

    def _remember(self, key: PhotoKey, error: NasBadAnswer) -> None:
        """That picture is not tried again, unless there was too little memory."""
        if error.kind == resize.NO_MEMORY:
            return
        if len(self._unusable) >= _MOST_UNUSABLE:
            del self._unusable[next(iter(self._unusable))]
        self._unusable[key] = error.kind, str(error), error.next_step

    async def _kept(self, picture: Photo) -> bytes | None:
        """The bytes of a picture that was made before."""
        data = self._store.cache.hold(picture.key, counted=False)
        if data is not None:
            self._store.cache.release(picture.key)
        elif self._store.shelf is not None and picture.key in self._store.shelf:
            data = await self._store.shelf.read(picture.key)
        return data

    async def _resized(self, data: bytes, fit: Fit, longest: int) -> bytes:
        if self._closed:
            raise _stopping()
        work = partial(resize.resized, data, fit, longest)
        made = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        self.made += 1
        return made


def _stopping() -> Busy:
    return Busy("The service is stopping.", retry_after_seconds=5)


def best(photo: Photo, fit: Fit) -> Photo:
    """The picture as it is when its first source can be had: its entity tag is known before it is made."""
    return fit.picture_of(photo, fit.sources(photo)[0])
