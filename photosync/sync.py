"""AlbumSync: keeps the catalog up to date by a PeriodicCallback. Loop thread; each look runs on a worker thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from tornado.ioloop import IOLoop, PeriodicCallback

from .albums import AlbumSource, AlbumView, Look, look
from .catalog import Catalog, left_out
from .errors import AlbumProblem, NasError, NasUnreachable, NoSuchAlbum, NothingSynced, PhotosSyncError
from .models import Album, Photo
from .store import PhotoStore

log = logging.getLogger(__name__)

REMINDER_SECONDS = 3600.0
_SHORTEST_RETRY_SECONDS = 0.1
_LONGEST_FIRST_RETRY_SECONDS = 60.0
_LONGEST_COSTLY_WAIT_SECONDS = 3600.0
_COSTLY = frozenset({"incomplete", "endless"})  # failures that are only met after a whole listing


class _Trouble:
    """What the log is told of one trouble: each of its states once, the present one once an hour, and its end.

    The looks between are only counted.
    """

    def __init__(self, subject: str, clock: Callable[[], float]) -> None:
        self.failures = 0  # looks in a row
        self._subject = subject
        self._clock = clock
        self._told: set[str] = set()
        self._reminded_at = 0.0

    def met(self, error: PhotosSyncError) -> None:
        self.failures += 1
        changed = _state(error) not in self._told
        self._told.add(_state(error))
        if changed or self._clock() - self._reminded_at >= REMINDER_SECONDS:
            self._reminded_at = self._clock()
            log.error("%s cannot be read: %s", self._subject, error.sentence)

    def is_over(self) -> None:
        if self.failures:
            log.info("%s can be read again, after %d failed looks.", self._subject, self.failures)
        self.failures = 0
        self._told.clear()


class AlbumSync:
    """The last good catalog, that of each album, and how the last look went.

    `first_look` gives, on a worker thread, what a look that has begun before comes to.

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
        first_look: Callable[[], Look] | None = None,
    ) -> None:
        self.catalog = Catalog()
        self.views: Mapping[str, AlbumView] = {name: AlbumView(name) for name in albums}
        self.failure: NasError | None = None  # what kept the last look from reading any album
        self.last_sync_at: datetime | None = None
        self.last_success_at: datetime | None = None
        self.failures = 0  # looks in a row at which no album could be read
        self.looks: dict[str, int] = dict.fromkeys(("ok", "partial", "failed"), 0)
        """How many could read all albums, some, or none."""
        self._source = source
        self._store = store
        self._clock = clock
        self._first_look = first_look
        self._fresh_at = clock()
        self._trouble = _Trouble("The album" if len(albums) == 1 else "The NAS", clock)
        self._troubles = {
            name: self._trouble if len(albums) == 1 else _Trouble(f"The album '{name}'", clock) for name in albums
        }
        self._interval_seconds = interval_seconds
        self._rests_until: dict[str, float] = {}
        self.on_replaced: Callable[[], None] = lambda: None
        """Called whenever the catalog was replaced, which happens at least every six hours while the NAS is there."""
        self._periodic = PeriodicCallback(self._tick, interval_seconds * 1000)
        self._retry: object | None = None
        self._retry_at = 0.0
        self._current: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Looks at once, then after every interval."""
        self._periodic.start()
        IOLoop.current().add_callback(self.refresh)

    def restart(self, interval_seconds: float) -> None:
        """As `start`, with another interval, whether or not it has started before."""
        self._periodic.stop()
        self._interval_seconds = interval_seconds
        self._periodic = PeriodicCallback(self._tick, interval_seconds * 1000)
        self.start()

    def follow(self, former: AlbumSync) -> None:
        """Goes on with the ages and counts of another one, before `start`."""
        self.last_sync_at, self.last_success_at = former.last_sync_at, former.last_success_at
        self.looks = former.looks
        self._fresh_at = former._fresh_at

    def restore(self, views: Sequence[AlbumView], catalog: Catalog) -> None:
        """Begins with what is known already, before `start`. Albums whose view has no listing are listed at once."""
        self.views = {view.name: view for view in views}
        self.catalog = catalog
        self._first_look = None

    async def stop(self) -> None:
        self._periodic.stop()
        self._cancel_retry()
        if self._current is not None:
            self._current.cancel()
            await asyncio.wait([self._current])

    async def _tick(self) -> None:
        now = self._clock()
        resting = {name for name, until in self._rests_until.items() if until > now}
        if len(resting) < len(self.views):
            await self.refresh(resting)

    async def refresh(self, resting: Collection[str] = ()) -> None:
        """One look at the albums but those `resting`; whoever asks while one is under way gets that one.

        Raises nothing.
        """
        if self._current is None:
            self._cancel_retry()
            if not self._store.health.breaker.allows:
                self._retry_later(self._store.health.breaker.wait_seconds)
                return
            self._current = asyncio.get_running_loop().create_task(self._refresh(resting))
            self._current.add_done_callback(self._ended)
        await asyncio.wait([self._current])

    @property
    def age_seconds(self) -> float:
        """How long ago an album was last looked at with success, or the start was. It follows no wall clock."""
        return self._clock() - self._fresh_at

    @property
    def last_error(self) -> PhotosSyncError | None:
        """What the last look met with: for all albums, or the first one's problem."""
        return next(filter(None, map(self.problem_of, self.views.values())), None)

    def problem_of(self, view: AlbumView) -> PhotosSyncError | None:
        """Why that album cannot be read at the moment, if that is so."""
        return self.failure or view.problem

    @property
    def unread(self) -> PhotosSyncError | None:
        """Why no album at all can be read at the moment, if that is so."""
        if all(map(self.problem_of, self.views.values())):
            return self.last_error
        if self.catalog.photos and not self.has_synced:
            return NothingSynced("The album has not been looked at since the start.", retry_after_seconds=1)
        return None

    @property
    def has_synced(self) -> bool:
        """Whether any album has been listed."""
        return any(view.listed_at is not None for view in self.views.values())

    def album_named(self, wanted: str) -> str:
        """The name, as configured, of the album that a client calls by its name or `id:NUMBER`. NoSuchAlbum if none."""
        if wanted in self.views:
            return wanted
        found = [view.name for view in self.views.values() if view.album and wanted in _names(view.album)]
        if len(found) == 1:
            return found[0]
        if found:
            named = ", ".join(f"'{name}'" for name in found)
            raise NoSuchAlbum("Several of the albums shown here have that name.", f"Ask for one of {named}.")
        for view in self.views.values():
            if _may_turn_out_as(wanted, view):
                self.require_listing(view.name)
        named = ", ".join(f"'{view.title}'" for view in self.views.values())
        raise NoSuchAlbum("No album of that name is shown here.", f"There are: {named}.")

    def catalog_of(self, album: str = "") -> Catalog:
        """The catalog of the album of that configured name; "" stands for all together."""
        return self.views[album].catalog if album else self.catalog

    def require_listing(self, album: str = "") -> Catalog:
        """That catalog, be it empty; if there is none, raises what stands in the way."""
        catalog = self.catalog_of(album)
        if catalog.photos:
            return catalog
        views = [self.views[album]] if album else list(self.views.values())
        if any(view.listed_at is not None and view.problem is None for view in views):
            return catalog
        problem = next(filter(None, map(self.problem_of, views)), None)
        if problem is None:
            raise NothingSynced("The album is being listed for the first time.", retry_after_seconds=1)
        wait = self._retry_at - self._clock()
        raise problem.after(wait if wait > 0 else self._interval_seconds)

    def require_photos(self, album: str = "") -> Catalog:
        """That catalog, if it has photos; otherwise raises what stands in the way."""
        catalog = self.require_listing(album)
        if catalog.photos:
            return catalog
        raise AlbumProblem(
            "empty", "The album is empty.", "Put photos into it in Synology Photos.", retry_after_seconds=10
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._current = None
        if not task.cancelled():
            task.result()

    async def _refresh(self, resting: Collection[str]) -> None:
        self.last_sync_at = datetime.now(UTC)
        views = tuple(self.views.values())
        work = self._first_look or partial(look, self._source, views, self.catalog, now=self._clock(), resting=resting)
        self._first_look = None
        try:
            self._take(await self._store.call(work), resting)
        except NasError as error:
            self._note_failure(error)
        except Exception as error:
            log.exception("The look at the album failed in a way that was not foreseen.")
            self._note_failure(NasError("unforeseen", f"The look at the album failed ({type(error).__name__})."))

    def _take(self, found: Look, resting: Collection[str]) -> None:
        """The result of a look that the NAS answered."""
        recovered, self.failure = self.failures > 0, None
        self.views = {view.name: view for view in found.views}
        if found.catalog is not None:
            self._replace(found.catalog, found.fresh)
        elif recovered:
            self._store.fill(self.catalog.photos)  # what was dropped for want of room may have it now
        looked_at = [view for view in found.views if view.name not in resting]
        readable = [view for view in looked_at if view.problem is None]
        if readable:
            self.looks["ok" if len(readable) == len(looked_at) else "partial"] += 1
            self._trouble.is_over()
            self.failures = 0
            self.last_success_at = datetime.now(UTC)
            self._fresh_at = self._clock()
        else:
            self._count_failure()
            self._retry_soon()
        for view in looked_at:
            self._note(view)

    def _replace(self, catalog: Catalog, fresh: Sequence[Photo]) -> None:
        before, self.catalog = self.catalog, catalog
        self._store.retain(self.catalog)
        self._store.fill(chain(fresh, self.catalog.photos))
        if before.tag != self.catalog.tag:
            log.info(
                "%d photos in the album%s (%d new or changed; left out: %s).",
                len(self.catalog.photos),
                "s" if len(self.views) > 1 else "",
                len(fresh),
                left_out(self.catalog.skipped) or "none",
            )
        self.on_replaced()

    def _note(self, view: AlbumView) -> None:
        """Each album's own problem."""
        trouble = self._troubles[view.name]
        if view.problem is None:
            trouble.is_over()
            self._rests_until.pop(view.name, None)
        else:
            trouble.met(view.problem)
            self._rest_after(view.problem, view.name, trouble.failures)

    def _note_failure(self, error: NasError) -> None:
        """What keeps all albums from being read."""
        self._count_failure()
        self.failure = error
        self._trouble.met(error)
        for name in self.views:
            self._rest_after(error, name, self.failures)
        self._retry_soon()

    def _count_failure(self) -> None:
        self.failures += 1
        self.looks["failed"] += 1

    def _rest_after(self, error: PhotosSyncError, name: str, failures: int) -> None:
        """An album that is listed in vain each time is looked at ever more rarely."""
        if isinstance(error, NasError) and error.kind in _COSTLY and self.has_synced:
            waits = 2.0 ** min(failures, 16) - 1
            wait_seconds = min(self._interval_seconds * waits, _LONGEST_COSTLY_WAIT_SECONDS)
            self._rests_until[name] = self._clock() + wait_seconds

    def _retry_soon(self) -> None:
        """Before the interval is over, while the NAS is away or nothing has been listed yet."""
        if self._store.health.breaker.is_open:
            self._retry_later(self._store.health.breaker.wait_seconds)
        elif not self.has_synced:
            self._retry_later(min(2.0**self.failures, _LONGEST_FIRST_RETRY_SECONDS))

    def _retry_later(self, wait_seconds: float) -> None:
        wait_seconds = max(wait_seconds, _SHORTEST_RETRY_SECONDS)
        self._retry_at = self._clock() + wait_seconds
        self._retry = IOLoop.current().call_later(wait_seconds, self.refresh)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            IOLoop.current().remove_timeout(self._retry)
            self._retry = None


def _may_turn_out_as(wanted: str, view: AlbumView) -> bool:
    """Whether an album that was not seen yet may be the wanted one: named by its id it may have any name, and by its
    name any id.
    """
    if view.album is not None or isinstance(view.problem, AlbumProblem):
        return False
    return not view.name or view.name.startswith("id:") != wanted.startswith("id:")


def _names(album: Album) -> tuple[str, str]:
    return (album.name, f"id:{album.id}")


def _state(error: PhotosSyncError | None) -> str:
    """What the log tells apart: a NAS that restarts fails in many ways, and all of them mean that it is away."""
    if isinstance(error, NasUnreachable) or (isinstance(error, NasError) and error.kind == "truncated"):
        return "away"
    return error.kind if isinstance(error, NasError) else ""
