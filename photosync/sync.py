"""AlbumSync: keeps the catalog up to date by a PeriodicCallback. Loop thread; each look runs on a worker thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from tornado.ioloop import IOLoop, PeriodicCallback

from .albums import AlbumSource, Look, look
from .errors import AlbumProblem, NasError, NasUnreachable, NothingSynced, PhotosSyncError
from .models import Album, Catalog, left_out
from .store import PhotoStore

log = logging.getLogger(__name__)

RELIST_SECONDS = 6 * 3600.0
REMINDER_SECONDS = 3600.0
_SHORTEST_RETRY_SECONDS = 0.1
_LONGEST_FIRST_RETRY_SECONDS = 60.0
_LONGEST_COSTLY_WAIT_SECONDS = 3600.0
_COSTLY = frozenset({"incomplete", "endless"})  # failures that are only met after a whole listing


class AlbumSync:
    """The last good catalog, and how the last look went.

    A failed look changes nothing but `last_error`, and is repeated by itself: earlier than after the interval as
    long as the store's breaker asks for short waits, later when it asks for long ones.
    """

    def __init__(
        self,
        source: AlbumSource,
        store: PhotoStore,
        albums: Sequence[str],
        interval_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.catalog = Catalog()
        self.last_error: PhotosSyncError | None = None
        self.last_sync_at: datetime | None = None
        self.last_success_at: datetime | None = None
        self.has_synced = False
        self.failures = 0  # looks in a row that failed
        self._source = source
        self._store = store
        self._wanted = tuple(albums)
        self._clock = clock
        self._known: tuple[Album, ...] = ()
        self._listed_at = 0.0
        self._empty_looks = 0
        self._reminded_at = 0.0
        self._told: set[str] = set()  # the states that the log knows of since the last good look
        self._interval_seconds = interval_seconds
        self._not_before = 0.0
        self._periodic = PeriodicCallback(self._tick, interval_seconds * 1000)
        self._retry: object | None = None
        self._retry_at = 0.0
        self._current: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Looks at once, then after every interval."""
        self._periodic.start()
        IOLoop.current().add_callback(self.refresh)

    async def stop(self) -> None:
        self._periodic.stop()
        self._cancel_retry()
        if self._current is not None:
            self._current.cancel()
            await asyncio.wait([self._current])

    async def _tick(self) -> None:
        if self._clock() >= self._not_before:
            await self.refresh()

    async def refresh(self) -> None:
        """One look at the albums; whoever asks while one is under way gets that one. Raises nothing."""
        if self._current is None:
            self._cancel_retry()
            if not self._store.health.breaker.allows:
                self._retry_later(self._store.health.breaker.wait_seconds)
                return
            self._current = asyncio.get_running_loop().create_task(self._refresh())
            self._current.add_done_callback(self._ended)
        await asyncio.wait([self._current])

    def require_photos(self) -> Catalog:
        """The catalog, if it has photos; otherwise raises what stands in the way."""
        if self.catalog.photos:
            return self.catalog
        if self.last_error is not None and not self.has_synced:
            raise self.last_error.after(self._retry_at - self._clock())
        if not self.has_synced:
            raise NothingSynced("The album is being listed for the first time.", retry_after_seconds=1)
        raise AlbumProblem(
            "empty", "The album is empty.", "Put photos into it in Synology Photos.", retry_after_seconds=10
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._current = None
        if not task.cancelled():
            task.result()

    async def _refresh(self) -> None:
        self.last_sync_at = datetime.now(UTC)
        relist = not self._known or self._clock() - self._listed_at >= RELIST_SECONDS
        work = partial(look, self._source, self._wanted, self._known, self.catalog, relist=relist)
        try:
            self._take(await self._store.call(work))
        except NasError as error:
            self._note_failure(error)
        except Exception as error:
            log.exception("The look at the album failed in a way that was not foreseen.")
            self._note_failure(NasError("unforeseen", f"The look at the album failed ({type(error).__name__})."))

    def _take(self, found: Look) -> None:
        """The result of a good look."""
        confirmed = self._is_confirmed(found)
        if confirmed:
            self._known = found.albums
        if found.catalog is not None and confirmed:
            self._listed_at = self._clock()
            self._replace(found)
        recovered = self.failures > 0
        if confirmed:
            self._note_success()
        if recovered and found.catalog is None:
            self._store.fill(self.catalog.photos)  # what was dropped for want of room may have it now

    def _is_confirmed(self, found: Look) -> bool:
        """An empty album replaces a full one only when a second look finds it empty too."""
        if found.catalog is None or not found.empty or not self.catalog.photos:
            self._empty_looks = 0
            return True
        self._empty_looks += 1
        if self._empty_looks >= 2:
            return True
        self.last_error = NothingSynced(
            "The NAS says that the album is empty.", "The last good listing stays in use until it says so again."
        )
        self._known = ()
        return False

    def _replace(self, found: Look) -> None:
        assert found.catalog is not None
        before, self.catalog = self.catalog, found.catalog
        self.has_synced = True
        self._store.retain(self.catalog)
        self._store.fill(chain(found.fresh, self.catalog.photos))
        if before.tag != self.catalog.tag:
            log.info(
                "%d photos in the album (%d new or changed; left out: %s).",
                len(self.catalog.photos),
                len(found.fresh),
                left_out(self.catalog.skipped) or "none",
            )

    def _note_success(self) -> None:
        if self.failures:
            log.info("The album can be read again, after %d failed looks.", self.failures)
        self.failures = 0
        self._not_before = 0.0
        self._told.clear()
        self.last_error = None
        self.last_success_at = datetime.now(UTC)

    def _note_failure(self, error: NasError) -> None:
        """Each state is told once, and the present one once an hour; the looks between are only counted."""
        now = self._clock()
        changed = _state(error) not in self._told
        self._told.add(_state(error))
        self.failures += 1
        self.last_error = error
        if changed or now - self._reminded_at >= REMINDER_SECONDS:
            self._reminded_at = now
            log.error("The album cannot be read: %s", error.sentence)
        if self._store.health.breaker.is_open:
            self._retry_later(self._store.health.breaker.wait_seconds)
        elif not self.has_synced:
            self._retry_later(min(2.0**self.failures, _LONGEST_FIRST_RETRY_SECONDS))
        elif error.kind in _COSTLY:
            waits = 2.0 ** min(self.failures, 16) - 1
            self._not_before = now + min(self._interval_seconds * waits, _LONGEST_COSTLY_WAIT_SECONDS)

    def _retry_later(self, wait_seconds: float) -> None:
        wait_seconds = max(wait_seconds, _SHORTEST_RETRY_SECONDS)
        self._retry_at = self._clock() + wait_seconds
        self._retry = IOLoop.current().call_later(wait_seconds, self.refresh)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            IOLoop.current().remove_timeout(self._retry)
            self._retry = None


def _state(error: PhotosSyncError | None) -> str:
    """What the log tells apart: a NAS that restarts fails in many ways, and all of them mean that it is away."""
    if isinstance(error, NasUnreachable) or (isinstance(error, NasError) and error.kind == "truncated"):
        return "away"
    return error.kind if isinstance(error, NasError) else ""
