"""Screens: gives each client its next photo, from deck and store together. Loop thread only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .catalog import Catalog
from .deck import Deck, Decks
from .errors import Busy, NasTimeout, NothingSynced, PhotosSyncError
from .models import Photo
from .store import PhotoStore
from .sync import AlbumSync

_TRIES = 8
_AHEAD = 2
_PATIENCE_SECONDS = 5.0
_LANDINGS = 16  # as many downloads as can be waiting before one of the album that is asked for


class Screens:
    """A client's deck says which photo is due; if it can't be had, the next one that can be is given and the
    missed one comes back later. While the NAS is away photos come from memory and disk alone.
    """

    def __init__(
        self, sync: AlbumSync, store: PhotoStore, decks: Decks, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.decks = decks
        self._sync = sync
        self._store = store
        self._clock = clock

    async def next(self, client: str, album: str = "", *, keep: bool = False) -> tuple[Photo, bytes]:
        """The client's next photo and its bytes, which stay in memory until `store.release(photo)`.

        `album` is a name as configured, "" for all. With `keep` it stays the next one. Raises PhotosSyncError if
        no photo at all can be had.
        """
        self._sync.require_photos(album)
        deck = self.decks.deck(client, album)
        photo, data = await self._due(deck, album)
        if keep:
            deck.put_back(photo.id)
        else:
            deck.deal(photo.id)
            self._fetch_ahead(deck, self._sync.catalog_of(album))
        return photo, data

    def next_in_memory(self, client: str) -> tuple[Photo, bytes] | None:
        """As `next`, if the photo that is due is in memory; otherwise it stays the next one."""
        catalog = self._sync.catalog
        deck = self.decks.deck(client)
        number = deck.draw(catalog)
        if number is None:
            return None
        photo = catalog.by_id[number]
        data = self._store.hold(photo)
        if data is None:
            deck.put_back(number)
            return None
        deck.deal(number)
        self._fetch_ahead(deck, catalog)
        return photo, data

    def upcoming(self, client: str, album: str = "") -> Photo | None:
        """The photo that is due for the client now."""
        catalog = self._sync.catalog_of(album)
        return next((catalog.by_id[number] for number in self.decks.deck(client, album).upcoming(catalog, 1)), None)

    async def _due(self, deck: Deck, album: str) -> tuple[Photo, bytes]:
        problem: PhotosSyncError | None = None
        patience_until = self._clock() + _PATIENCE_SECONDS
        for _ in range(_TRIES):
            catalog = self._sync.catalog_of(album)
            number = deck.draw(catalog)
            if number is None:
                break
            photo = catalog.by_id[number]
            refusal = self._store.refusal(photo)
            try:
                if refusal is not None:
                    raise refusal
                return photo, await self._patiently(photo, catalog, patience_until)
            except PhotosSyncError as error:
                problem = error
            deck.miss(number)
            if refusal is None and isinstance(problem, NasTimeout):
                break  # this client has waited long enough
        return await self._from_held(deck, album, problem)

    async def _patiently(self, photo: Photo, catalog: Catalog, patience_until: float) -> bytes:
        """Waits for the NAS for as long as it takes only if there is nothing else to show."""
        if photo.key in self._store.cache or not self._store.holds_any(catalog):
            return await self._store.get(photo)
        try:
            return await asyncio.wait_for(self._store.get(photo), max(0.0, patience_until - self._clock()))
        except TimeoutError:
            raise Busy("The NAS takes its time with this photo.", retry_after_seconds=1) from None

    async def _from_held(self, deck: Deck, album: str, problem: PhotosSyncError | None) -> tuple[Photo, bytes]:
        """Any photo that is in memory or on disk; if there is none, the first to arrive for another client."""
        for _ in range(_LANDINGS):
            catalog = self._sync.require_photos(album)
            try:
                return await self._held(deck, catalog)
            except Busy as error:
                problem = error
            except PhotosSyncError as error:
                problem = problem or error
            if not isinstance(problem, Busy) or not self._store.inflight:
                break
            await self._store.next_landing()
        raise problem or _nothing_held()

    async def _held(self, deck: Deck, catalog: Catalog) -> tuple[Photo, bytes]:
        """A photo of memory or disk; of memory alone when the disk fails. Raises PhotosSyncError."""
        problem: PhotosSyncError = _nothing_held()
        patience_until = self._clock() + _PATIENCE_SECONDS
        failures, held = 0, self._store.held
        for _ in range(len(held)):
            photo = catalog.by_id.get(deck.draw_held(held, catalog) or 0)
            if photo is not None and self._store.has(photo):
                try:
                    return photo, await self._patiently(photo, catalog, patience_until)
                except PhotosSyncError as error:  # a file that is not whole, a disk that is slow, or no room
                    problem = error
                    failures += 1
            if failures == _TRIES:
                break
        return self._from_memory(deck, catalog, problem)

    def _from_memory(self, deck: Deck, catalog: Catalog, problem: PhotosSyncError) -> tuple[Photo, bytes]:
        """The photo that was shown longest ago."""
        here = [photo for key in self._store.cache if (photo := catalog.by_id.get(key[0])) is not None]
        for photo in sorted(here, key=lambda photo: photo.id == deck.last):
            data = self._store.hold(photo)
            if data is not None:
                return photo, data
        raise problem

    def _fetch_ahead(self, deck: Deck, catalog: Catalog) -> None:
        for number in deck.upcoming(catalog, _AHEAD):
            self._store.fetch_ahead(catalog.by_id[number])


def _nothing_held() -> NothingSynced:
    return NothingSynced("There is no photo at the moment.", retry_after_seconds=1)
