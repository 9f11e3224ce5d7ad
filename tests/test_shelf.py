"""Shelf: behind memory and before the NAS, on real files, with a whole store around it."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE_SECONDS, until
from guest import THUMBNAIL, client_of
from test_store import MEGABYTE, Stage, nas_with

from photosync import fakenas, shelf
from photosync.catalog import Catalog
from photosync.deck import Deck, Decks
from photosync.disk import PhotoDisk
from photosync.errors import Busy, NasUnreachable
from photosync.fakenas import FakeNas
from photosync.models import Photo
from photosync.screens import Screens
from photosync.shelf import Shelf
from photosync.state import StateTrouble
from photosync.store import PhotoStore
from photosync.sync import AlbumSync


class DiskStage(Stage):
    """A store with a shelf, on one NAS."""

    def __init__(self, nas: FakeNas, folder: Path, cache_bytes: int = MEGABYTE, disk_bytes: int = MEGABYTE) -> None:
        super().__init__(nas, cache_bytes, 20.0)
        self.disk = PhotoDisk(folder, disk_bytes, StateTrouble(folder), free_bytes=0)
        self.shelf = Shelf(self.disk, self.cache)
        self.store = PhotoStore(
            client_of(nas, clock=self.clock), self.cache, rng=random.Random(1), shelf=self.shelf, clock=self.clock
        )


class CountingDeck(Deck):
    draws = 0

    def draw_held(self, held: Sequence[int], catalog: Catalog) -> int | None:
        self.draws += 1
        return super().draw_held(held, catalog)


@asynccontextmanager
async def stage_on(nas: FakeNas, folder: Path, **options: int) -> AsyncIterator[DiskStage]:
    stage = DiskStage(nas, folder, **options)
    await stage.shelf.open()
    try:
        yield stage
    finally:
        await stage.store.close(2.0)


def forget(stage: DiskStage, photo: Photo) -> None:
    """Memory lets the photo go."""
    stage.cache.discard(photo.key)
    assert photo.key not in stage.cache


async def shelved(stage: DiskStage, photo: Photo) -> bytes:
    """The photo's bytes, which are on disk from now on and not in memory."""
    data = await stage.get(photo)
    await until(lambda: photo.key in stage.shelf)
    forget(stage, photo)
    return data


async def settled(stage: DiskStage) -> None:
    """Waits until the disk has removed and written what it was given."""
    await asyncio.get_running_loop().run_in_executor(stage.shelf._writers, lambda: None)
    await until(lambda: stage.shelf._writing is None)


def only_file(folder: Path) -> Path:
    (file,) = folder.glob("*.jpg")
    return file


def make_unreadable(folder: Path) -> None:
    for file in folder.glob("*.jpg"):
        file.unlink()
        file.mkdir()


@pytest.mark.gen_test
async def test_a_photo_that_memory_let_go_comes_from_disk_without_the_nas(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas, tmp_path) as stage:
            photo = stage.photos[0]
            data = await shelved(stage, photo)
            assert stage.store.has(photo)
            assert stage.store.held == (photo.id,)
            assert await stage.get(photo) == data
            assert nas.count(THUMBNAIL) == 1
            assert photo.key in stage.cache


@pytest.mark.gen_test
async def test_a_later_run_serves_from_disk_while_the_nas_is_dark(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas, tmp_path) as stage:
            photo, other, _ = stage.photos
            data = await shelved(stage, photo)
        calls = nas.count(THUMBNAIL)
        async with stage_on(nas, tmp_path) as stage:
            stage.store.health.call_failed(NasUnreachable("refused", "The NAS is off."))
            assert await stage.get(photo) == data
            assert "off" in str(await stage.failure(other))
        assert nas.count(THUMBNAIL) == calls


@pytest.mark.gen_test
async def test_a_hundred_who_ask_at_once_make_one_read(
    io_loop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas, tmp_path) as stage:
            photo = stage.photos[0]
            data = await shelved(stage, photo)
            reads = 0
            read = PhotoDisk.read

            def counted(self: PhotoDisk, key: object) -> bytes | None:
                nonlocal reads
                reads += 1
                return read(self, key)  # type: ignore[arg-type]

            monkeypatch.setattr(PhotoDisk, "read", counted)
            assert await asyncio.gather(*(stage.get(photo) for _ in range(100))) == [data] * 100
            assert (reads, nas.count(THUMBNAIL)) == (1, 1)


@pytest.mark.gen_test
async def test_a_torn_file_is_replaced_from_the_nas(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas, tmp_path) as stage:
            photo = stage.photos[0]
            data = await shelved(stage, photo)
            file = only_file(tmp_path)
            file.write_bytes(data[:-1])
            assert await stage.get(photo) == data
            assert (nas.count(THUMBNAIL), stage.disk.put_aside) == (2, 1)
            await until(lambda: photo.key in stage.shelf)
            assert file.read_bytes() == data


@pytest.mark.gen_test
async def test_a_torn_file_while_the_nas_is_dark_is_the_error_of_the_nas(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas, tmp_path) as stage:
            photo = stage.photos[0]
            await shelved(stage, photo)
            file = only_file(tmp_path)
            file.write_bytes(b"torn")
            stage.store.health.call_failed(NasUnreachable("refused", "The NAS is off."))
            assert "off" in str(await stage.failure(photo))
            assert (stage.cache.bytes, stage.cache.reserved_bytes, stage.store.inflight) == (0, 0, 0)


@pytest.mark.gen_test
async def test_downloads_that_hang_do_not_keep_a_photo_on_disk_waiting(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(6) as nas:
        async with stage_on(nas, tmp_path) as stage:
            photo, *others = stage.photos
            data = await shelved(stage, photo)
            go = threading.Event()
            nas.fault(fakenas.hold(go), api=THUMBNAIL)
            stuck = [asyncio.create_task(stage.get(other)) for other in others]
            await until(lambda: nas.answering == 3)
            assert await stage.get(photo) == data
            go.set()
            await asyncio.gather(*stuck)


@pytest.mark.gen_test
async def test_memory_stays_within_its_limit_while_photos_come_from_disk(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(8, photo_bytes=100_000) as nas:
        async with stage_on(nas, tmp_path, cache_bytes=250_000, disk_bytes=10 * MEGABYTE) as stage:
            for photo in stage.photos:
                await stage.get(photo)
                await until(lambda photo=photo: photo.key in stage.shelf)  # type: ignore[misc]
            calls = nas.count(THUMBNAIL)
            for photo in [*stage.photos, *stage.photos]:
                await stage.get(photo)
                assert stage.cache.bytes + stage.cache.reserved_bytes <= 250_000
            assert nas.count(THUMBNAIL) == calls


@pytest.mark.gen_test
async def test_a_photo_that_has_left_the_album_leaves_the_disk(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas, tmp_path) as stage:
            for photo in stage.photos:
                await stage.get(photo)
            await until(lambda: len(stage.disk) == 3)
            stage.store.retain(Catalog.build(stage.photos[1:], {}))
            await until(lambda: len(list(tmp_path.glob("*.jpg"))) == 2)
            assert stage.photos[0].key not in stage.shelf
            assert not stage.store.has(stage.photos[0])
            forget(stage, stage.photos[1])
            assert sorted(stage.store.held) == [photo.id for photo in stage.photos[1:]]
            newer = replace(stage.photos[1], version="1_1")
            stage.store.retain(Catalog.build([newer, stage.photos[2]], {}))
            await until(lambda: len(list(tmp_path.glob("*.jpg"))) == 1)
            await until(lambda: stage.store.held == (stage.photos[2].id,))


@pytest.mark.gen_test
async def test_what_the_disk_has_no_room_for_stays_the_least_recently_used(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(6, photo_bytes=100_000) as nas:
        async with stage_on(nas, tmp_path, disk_bytes=350_000) as stage:
            for photo in stage.photos:
                await stage.get(photo)
            await settled(stage)
            kept = list(stage.disk)
            assert len(kept) == 3
            asked = [*stage.photos[:2], *stage.photos[:3:-1]]
            for photo in asked:
                await stage.get(photo)
            used = list(stage.cache)
            stage.store.retain(stage.catalog)
            await settled(stage)
            assert (list(stage.cache), list(stage.disk)) == (used, kept)
            stage.store.retain(Catalog.build(stage.photos[1:], {}))  # which leaves room for one
            await settled(stage)
            assert len(stage.disk) == 3
            (written,) = set(stage.disk) - set(kept)
            left = [key for key in used if key in stage.cache]
            assert list(stage.cache) == [*(key for key in left if key != written), written]


@pytest.mark.gen_test
async def test_a_disk_that_fails_leaves_the_order_of_use_as_it_is(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(4) as nas:
        async with stage_on(nas, tmp_path) as stage:
            for photo in stage.photos[:2]:
                await stage.get(photo)
            await until(lambda: len(stage.disk) == 2)
            stage.disk._free_bytes = 10**18
            for photo in [*stage.photos[2:], stage.photos[0]]:
                await stage.get(photo)
            await settled(stage)
            used = list(stage.cache)
            stage.store.retain(stage.catalog)
            await settled(stage)
            assert (list(stage.cache), len(stage.disk)) == (used, 2)


@pytest.mark.gen_test
async def test_a_disk_that_hangs_is_passed_over_until_it_moves_again(
    io_loop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas, tmp_path) as stage:
            photo = stage.photos[0]
            data = await shelved(stage, photo)
            go = threading.Event()
            read = PhotoDisk.read
            monkeypatch.setattr(PhotoDisk, "read", lambda self, key: go.wait(PATIENCE_SECONDS) and read(self, key))
            monkeypatch.setattr(shelf, "_LONGEST_READ_SECONDS", 0.05)
            waiting = asyncio.create_task(stage.get(photo))
            await until(lambda: photo.key not in stage.shelf)
            assert stage.store.held == (photo.id,)
            assert not stage.store.has(photo)
            assert stage.cache.reserved_bytes == len(data)
            go.set()
            assert await waiting == data
            assert photo.key in stage.shelf


@pytest.mark.gen_test
async def test_a_disk_that_cannot_be_written_changes_nothing_else(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(3) as nas:
        folder = tmp_path / "photos"
        folder.write_text("in the way")
        async with stage_on(nas, folder) as stage:
            for photo in stage.photos:
                await stage.get(photo)
                assert await stage.get(photo)
            await until(lambda: stage.shelf._writing is None)
            assert (len(stage.disk), nas.count(THUMBNAIL)) == (0, 3)


@pytest.mark.gen_test
async def test_what_memory_cannot_hold_is_not_kept_on_disk_either(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(1, photo_bytes=100_000) as nas:
        async with stage_on(nas, tmp_path, cache_bytes=50_000) as stage:
            assert isinstance(await stage.failure(stage.photos[0]), Busy)
            assert len(stage.disk) == 0


@pytest.mark.gen_test
async def test_a_disk_of_which_nothing_can_be_read_costs_a_screen_a_few_tries(io_loop: Any, tmp_path: Path) -> None:
    with nas_with(30) as nas:
        async with stage_on(nas, tmp_path) as stage:
            for photo in stage.photos:
                await stage.get(photo)
            await until(lambda: len(stage.disk) == 30)
            for photo in stage.photos:
                forget(stage, photo)
            make_unreadable(tmp_path)
            nas.stop()
            deck = CountingDeck(random.Random(1))
            sync = AlbumSync(client_of(nas), stage.store, ["kitchen-dash"], 60.0)
            sync.catalog = stage.catalog
            screens = Screens(sync, stage.store, Decks(random.Random(1)))
            with pytest.raises(NasUnreachable):
                await screens._from_held(deck, "", None)
            assert deck.draws == 8
