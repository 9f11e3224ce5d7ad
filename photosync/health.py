"""NasHealth: which calls to the NAS have failed, and which may be made now. Loop thread only."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from .breaker import Breaker, Quarantine
from .catalog import Catalog
from .errors import LoginRefused, NasCallRefused, NasError, NasTimeout, NasUnreachable, PhotoNotFound, PhotosSyncError
from .models import Photo

log = logging.getLogger(__name__)

_FAILING_PHOTOS = 3


class NasHealth:
    """`breaker` tells whether the NAS can be reached at all, `photo_breaker` whether it gives pictures,
    `quarantine` which photos fail while others do not.
    """

    def __init__(self, clock: Callable[[], float], rng: random.Random, longest_wait_seconds: float) -> None:
        self.breaker = Breaker(clock, rng, longest_seconds=longest_wait_seconds)
        self.photo_breaker = Breaker(clock, rng, threshold=_FAILING_PHOTOS, longest_seconds=longest_wait_seconds)
        self.quarantine = Quarantine(clock)
        self._told: set[str] = set()

    def wait_at_most(self, seconds: float) -> None:
        """Holds for waits that begin from now on."""
        self.breaker.longest_seconds = self.photo_breaker.longest_seconds = seconds

    @property
    def allows_downloads(self) -> bool:
        return self.breaker.allows and self.photo_breaker.allows

    @property
    def cause(self) -> PhotosSyncError | None:
        """Why no picture can be had from the NAS at the moment, if that is so, with the time until the next try."""
        for breaker in (self.breaker, self.photo_breaker):
            if breaker.is_open and breaker.cause is not None:
                return breaker.cause.after(breaker.wait_seconds)
        return None

    def reason_to_wait(self, photo: Photo) -> PhotosSyncError | None:
        """Why the NAS must not be asked for the photo now."""
        for breaker in (self.breaker, self.photo_breaker):
            if not breaker.allows and breaker.cause is not None:
                return breaker.cause.after(breaker.wait_seconds)
        wait, cause = self.quarantine.wait_seconds(photo.key), self.quarantine.cause(photo.key)
        # While all photos fail, any may be the probe: all of them could be in quarantine.
        if wait > 0 and cause is not None and not self.photo_breaker.is_open:
            return cause.after(wait)
        return None

    def start_download(self) -> None:
        self.breaker.start()
        self.photo_breaker.start()

    def abandon_download(self) -> None:
        """A download ended without telling anything of the NAS."""
        self.breaker.abandon()
        self.photo_breaker.abandon()

    def download_succeeded(self, photo: Photo) -> None:
        if self.photo_breaker.is_open:
            log.info("The NAS gives pictures again.")
        self._recover(self.breaker, self.photo_breaker)
        self.quarantine.success(photo.key)

    def download_failed(self, photo: Photo, error: NasError | PhotoNotFound, *, passing: bool = False) -> None:
        """A status 5xx or a time-out may be this photo's own trouble; whatever else is no answer is the NAS's.

        What is `passing` is another rendition than those that are listed, of whose pictures it tells nothing.
        """
        own = isinstance(error, NasError) and (error.kind.startswith("http_") or isinstance(error, NasTimeout))
        if isinstance(error, (NasUnreachable, LoginRefused)) and not own:
            self.photo_breaker.abandon()
            self.breaker.failure(error, at_least_seconds=error.retry_after_seconds)
            return
        if own:
            self.breaker.abandon()
        else:
            self.breaker.success()
        if isinstance(error, NasCallRefused) and error.kind not in self._told:  # perhaps a right that is missing
            self._told.add(error.kind)
            log.warning("Some photos cannot be had: %s", error.sentence)
        closed = not self.photo_breaker.is_open
        # A photo that failed before, while others did not, tells nothing new of them.
        known = closed and self.quarantine.cause(photo.key) is not None
        self.quarantine.failure(photo.key, error)
        if passing or known:
            self.photo_breaker.abandon()
            return
        self.photo_breaker.failure(error, subject=photo.id, at_least_seconds=error.retry_after_seconds)
        if closed and self.photo_breaker.is_open:
            log.error("The NAS gives no pictures: %s", error.sentence)

    def call_succeeded(self) -> None:
        self._recover(self.breaker)

    def call_failed(self, error: NasError) -> None:
        """Any answer, even a bad one, means that the NAS is there."""
        if isinstance(error, (NasUnreachable, LoginRefused)):
            self.breaker.failure(error, at_least_seconds=error.retry_after_seconds)
        else:
            self.breaker.success()

    def retain(self, catalog: Catalog) -> None:
        """Forgets photos that are gone, and old versions of changed ones."""
        keys = {photo.key for key in self.quarantine if (photo := catalog.by_id.get(key[0])) is not None}
        self.quarantine.retain(keys.__contains__)

    def _recover(self, *breakers: Breaker) -> None:
        """What failed during an outage was not the photos' own trouble."""
        if any(breaker.is_open for breaker in breakers):
            self.quarantine.retain(lambda key: False)
        for breaker in breakers:
            breaker.success()
