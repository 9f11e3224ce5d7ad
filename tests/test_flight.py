"""One download: it ends where it began."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tornado.ioloop import IOLoop

from photosync.cache import PhotoCache
from photosync.errors import NasError
from photosync.models import Photo
from photosync.store import PhotoStore

PHOTO = Photo(1, 1, "1", "xl", "a.jpg", 0, 1, 1, "album")
OTHER = Photo(2, 2, "1", "xl", "b.jpg", 0, 1, 1, "album")


class Source:
    def __init__(self, data: bytes | None) -> None:
        self.data = data

    def fetch(self, photo: Photo, room: Callable[[int], None] | None = None) -> bytes:
        if self.data is None:
            raise NasError("unforeseen", "broken")
        return self.data


def test_a_download_asks_the_source_that_it_began_with(io_loop: IOLoop) -> None:
    async def main() -> tuple[bytes, bytes]:
        before, after = Source(b"before"), Source(b"after")
        store = PhotoStore(before, PhotoCache(1000), rng=random.Random(1))
        store.fetch_ahead(PHOTO)
        store.turn_to(after, 60.0)
        store.fetch_ahead(OTHER)
        await store.landing_from(before)
        return await store.get(PHOTO), await store.get(OTHER)

    assert io_loop.run_sync(main) == (b"before", b"after")


def test_its_failure_says_nothing_of_the_source_after(io_loop: IOLoop) -> None:
    async def main() -> int:
        before = Source(None)
        store = PhotoStore(before, PhotoCache(1000), rng=random.Random(1))
        store.fetch_ahead(PHOTO)
        former = store.health
        store.turn_to(Source(b"after"), 60.0)
        await store.landing_from(before)
        assert list(former.quarantine) == [PHOTO.key]
        return len(list(store.health.quarantine))

    assert io_loop.run_sync(main) == 0


@pytest.mark.parametrize("data", [b"x", None])
def test_who_waits_for_a_source_waits_for_all_its_downloads_however_they_end(
    io_loop: IOLoop, data: bytes | None
) -> None:
    async def main() -> int:
        before = Source(data)
        store = PhotoStore(before, PhotoCache(1000), rng=random.Random(1))
        store.fetch_ahead(PHOTO)
        store.fetch_ahead(OTHER)
        await store.landing_from(before)
        return store.inflight

    assert io_loop.run_sync(main) == 0
