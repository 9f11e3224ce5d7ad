"""The one door to the NAS under load and under faults: single flight, order, bounds, quarantine."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import requests
from conftest import PATIENCE_SECONDS, Running, canary_nas, settings_for, until, wait_until
from guest import MINUTE, THUMBNAIL, Clock, client_of

from photosync import fakenas
from photosync.albums import AlbumView, look
from photosync.cache import PhotoCache
from photosync.calls import NAS_CALLS
from photosync.catalog import Catalog
from photosync.errors import Busy, NasBadAnswer, NasError, NasUnreachable, PhotosSyncError
from photosync.fakenas import FakeNas, Library
from photosync.models import Photo
from photosync.store import PhotoStore

MEGABYTE = 1_000_000


@contextmanager
def nas_with(count: int, photo_bytes: int = 0, **options: Any) -> Iterator[FakeNas]:
    with canary_nas(library=Library.synthetic(count, photo_bytes=photo_bytes), **options) as nas:
        yield nas


class Stage:
    """A store on one NAS, on the running loop, without anything that fills it."""

    def __init__(self, nas: FakeNas, max_bytes: int, timeout_seconds: float) -> None:
        self.nas = nas
        self.clock = Clock()
        self.client = client_of(nas, timeout_seconds=timeout_seconds, max_photo_bytes=max_bytes, clock=self.clock)
        self.cache = PhotoCache(max_bytes)
        self.store = PhotoStore(self.client, self.cache, rng=random.Random(1), clock=self.clock)
        found = look(self.client, [AlbumView("kitchen-dash")], Catalog(), now=0.0)
        assert found.catalog is not None
        self.catalog = found.catalog
        self.photos = found.catalog.photos

    async def get(self, photo: Photo) -> bytes:
        """One whole visit: the bytes, released at once."""
        data = await self.store.get(photo)
        self.store.release(photo)
        return data

    async def failure(self, photo: Photo) -> PhotosSyncError:
        with pytest.raises(PhotosSyncError) as caught:
            await self.store.get(photo)
        return caught.value


@asynccontextmanager
async def stage_on(nas: FakeNas, max_bytes: int = 20 * MEGABYTE, timeout_seconds: float = 20.0) -> AsyncIterator[Stage]:
    stage = Stage(nas, max_bytes, timeout_seconds)
    try:
        yield stage
    finally:
        await stage.store.close(2.0)


@contextmanager
def held_back(count: int) -> Iterator[tuple[FakeNas, Running, threading.Event]]:
    """The service, two of whose downloads ahead are under way at a NAS that gives no picture before the event."""
    go = threading.Event()
    with nas_with(count) as nas:
        nas.fault(fakenas.hold(go), api=THUMBNAIL)
        with Running(settings_for(nas)) as running:
            wait_until(lambda: nas.answering == 2 and nas.count(THUMBNAIL) == 2)
            yield nas, running, go


class Crowd:
    """Clients that ask at once, each over a connection of its own."""

    def __init__(self, running: Running, paths: list[str]) -> None:
        self._running = running
        self._pool = ThreadPoolExecutor(len(paths))
        self._answers = [self._pool.submit(self._ask, path) for path in paths]

    def _ask(self, path: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(self._running.url + path, timeout=PATIENCE_SECONDS)

    def arrived(self, count: int) -> None:
        """Waits until so many are being answered."""
        wait_until(lambda: self._running.service.traffic.active >= count)

    @property
    def answered(self) -> int:
        return sum(answer.done() for answer in self._answers)

    def answers(self) -> list[requests.Response]:
        try:
            return [answer.result(PATIENCE_SECONDS) for answer in self._answers]
        finally:
            self._pool.shutdown()


def path_of(photo: Any) -> str:
    return f"/files/{photo.id}.jpg"


def units_asked(nas: FakeNas) -> list[int]:
    return [int(call.params["id"]) for call in list(nas.calls) if call.api == THUMBNAIL]


# One flight for all who wait


def test_a_hundred_requests_for_one_cold_photo_make_one_call() -> None:
    with held_back(10) as (nas, running, go):
        cold = nas.library.album("kitchen-dash").items[-1]
        crowd = Crowd(running, [path_of(cold)] * 100)
        crowd.arrived(100)
        go.set()
        answers = crowd.answers()
        assert [answer.status_code for answer in answers] == [200] * 100
        assert {answer.content for answer in answers} == {cold.data("xl")}
        assert units_asked(nas).count(cold.unit_id) == 1
        assert running.service.store.shared == 99


@pytest.mark.gen_test
async def test_a_second_wave_is_answered_from_memory(io_loop: Any) -> None:
    with nas_with(2) as nas:
        async with stage_on(nas) as stage:
            first = await asyncio.gather(*[stage.get(stage.photos[0]) for _ in range(10)])
            second = await asyncio.gather(*[stage.get(stage.photos[0]) for _ in range(10)])
            assert first == second
            assert nas.count(THUMBNAIL) == 1
            assert (stage.cache.misses, stage.cache.hits) == (10, 10)


def test_a_download_whose_first_client_leaves_lands_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with held_back(10) as (nas, running, go):
        cold = nas.library.album("kitchen-dash").items[-1]
        with socket.create_connection(("127.0.0.1", running.service.port)) as leader:
            leader.sendall(f"GET {path_of(cold)} HTTP/1.1\r\nHost: frame\r\n\r\n".encode())
            wait_until(lambda: cold.unit_id in units_asked(nas))
        follower = Crowd(running, [path_of(cold)])
        follower.arrived(1)
        go.set()
        (answer,) = follower.answers()
        assert answer.content == cold.data("xl")
        assert running.get(path_of(cold)).status_code == 200
        assert units_asked(nas).count(cold.unit_id) == 1
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.gen_test
async def test_a_download_that_everybody_has_left_is_kept_and_held_by_nobody(io_loop: Any) -> None:
    go = threading.Event()
    with nas_with(2) as nas:
        async with stage_on(nas) as stage:
            nas.fault(fakenas.hold(go), api=THUMBNAIL)
            visits = [asyncio.ensure_future(stage.store.get(stage.photos[0])) for _ in range(3)]
            await until(lambda: nas.answering == 1)
            for visit in visits:
                visit.cancel()
            await asyncio.wait(visits)
            go.set()
            await until(lambda: stage.photos[0].key in stage.cache)
            stage.cache.discard(stage.photos[0].key)
            assert stage.cache.bytes == 0


def test_everybody_who_waits_gets_the_error_at_once() -> None:
    with held_back(10) as (nas, running, go):
        cold = nas.library.album("kitchen-dash").items[-1]
        nas.fault(fakenas.status(500), item=cold.unit_id)
        crowd = Crowd(running, [path_of(cold)] * 50)
        crowd.arrived(50)
        assert crowd.answered == 0
        go.set()
        answers = crowd.answers()
        assert {answer.status_code for answer in answers} == {503}
        assert len({answer.json()["error"] for answer in answers}) == 1
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
        assert units_asked(nas).count(cold.unit_id) == 1


# Photos that fail


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "fault", [fakenas.status(500), fakenas.status(404), fakenas.error(120), fakenas.bytes_body(b"<html>")]
)
async def test_one_photo_that_always_fails_is_asked_for_ever_more_rarely(io_loop: Any, fault: Any) -> None:
    with nas_with(3) as nas:
        async with stage_on(nas) as stage:
            bad, *good = stage.photos
            failing = nas.fault(fault, item=bad.unit_id)
            for _ in range(6 * 60):
                error = await stage.failure(bad)
                assert 0 < (error.retry_after_seconds or 1) <= 6 * 3600
                for photo in good:
                    assert await stage.get(photo)
                stage.clock.now += 10
            # At 0, 10 s, 5 min, 15 min and 35 min, more or less.
            assert failing.hits == 5
            assert not stage.store.health.breaker.is_open
            assert not stage.store.health.photo_breaker.is_open
            failing.remove()
            stage.clock.now += 40 * MINUTE
            assert await stage.get(bad)
            assert stage.store.health.quarantine.cause(bad.key) is None


def test_screens_never_see_a_photo_that_fails_and_get_it_back_when_it_is_well() -> None:
    with nas_with(6) as nas:
        bad = nas.library.album("kitchen-dash").items[3]
        failing = nas.fault(fakenas.status(500), item=bad.unit_id)
        with Running(settings_for(nas)) as running:
            running.wait_ready()
            shown = [running.get("/files").headers["Content-Location"] for _ in range(20)]
            assert len(set(shown)) == 5
            assert path_of(bad) not in shown
            failing.remove()
            key = running.service.sync.catalog.by_id[bad.id].key
            running.call(lambda: running.service.store.health.quarantine.success(key))
            assert path_of(bad) in [running.get("/files").headers["Content-Location"] for _ in range(12)]


@pytest.mark.gen_test
async def test_a_nas_that_gives_no_picture_at_all_is_asked_rarely(io_loop: Any) -> None:
    with nas_with(200) as nas:
        async with stage_on(nas) as stage:
            failing = nas.fault(fakenas.status(500), api=THUMBNAIL)
            rng = random.Random(1)
            for _ in range(600):
                error = await stage.failure(rng.choice(stage.photos))
                assert isinstance(error, NasError)
                stage.clock.now += 1
            # Three to open the breaker, then probes after 2, 4, 8, 16, 32, 60, 60 ... seconds at most, half at least.
            assert 8 <= failing.hits <= 3 + 6 + 600 / 30
            assert not stage.store.health.breaker.is_open
            error = await stage.failure(stage.photos[0])
            assert 1 <= (error.retry_after_seconds or 0) <= 60 * MINUTE
            failing.remove()
            stage.clock.now += 61
            assert await stage.get(stage.photos[0])
            assert not stage.store.health.photo_breaker.is_open


@pytest.mark.gen_test
async def test_an_outage_leaves_no_photo_in_quarantine(io_loop: Any) -> None:
    with nas_with(8) as nas:
        async with stage_on(nas) as stage:
            failing = nas.fault(fakenas.status(502), api=THUMBNAIL)
            rng = random.Random(3)
            for _ in range(200):
                for photo in rng.sample(stage.photos, len(stage.photos)):
                    await stage.failure(photo)
                stage.clock.now += 10
            assert {stage.store.health.quarantine.wait_seconds(photo.key) > 61 for photo in stage.photos} == {True}
            failing.remove()
            stage.clock.now += 61
            for photo in stage.photos:
                assert await stage.get(photo)


@pytest.mark.gen_test
async def test_a_nas_that_is_off_is_no_photos_fault(io_loop: Any) -> None:
    with nas_with(8) as nas:
        async with stage_on(nas) as stage:
            nas.stop()
            for photo in stage.photos:
                error = await stage.failure(photo)
                assert (type(error), getattr(error, "kind", "")) == (NasUnreachable, "refused")
            assert stage.store.health.breaker.is_open
            assert len(stage.store.health.quarantine) == 0
            nas.start()
            stage.clock.now += 2
            assert await stage.get(stage.photos[0])
            assert not stage.store.health.breaker.is_open


@pytest.mark.gen_test
async def test_one_probe_at_a_time_finds_out_whether_the_nas_is_back(io_loop: Any) -> None:
    go = threading.Event()
    with nas_with(8) as nas:
        async with stage_on(nas) as stage:
            nas.stop()
            await stage.failure(stage.photos[0])
            nas.start()
            stage.clock.now += 2
            nas.calls.clear()
            nas.fault(fakenas.hold(go), api=THUMBNAIL)
            visits = [asyncio.ensure_future(stage.get(photo)) for photo in stage.photos]
            await until(lambda: nas.answering == 1)
            others = await asyncio.gather(*visits[1:], return_exceptions=True)
            assert {type(outcome) for outcome in others} == {NasUnreachable}
            assert nas.count(THUMBNAIL) == 1
            go.set()
            assert await visits[0]
            assert await stage.get(stage.photos[1])


# Order and bounds


def test_at_most_four_calls_are_made_at_a_time_under_any_load() -> None:
    go = threading.Event()
    with nas_with(60, latency=0.01) as nas, Running(settings_for(nas)) as running:
        running.wait_for("/files/list", lambda response: response.status_code == 200)
        nas.fault(fakenas.hold(go))
        items = nas.library.album("kitchen-dash").items
        looks = [threading.Thread(target=running.look) for _ in range(3)]
        crowd = Crowd(running, [path_of(item) for item in items[-16:]] + ["/files"] * 8)
        for n, look_once in enumerate(looks):
            nas.library.add(nas.library.album("kitchen-dash"), filename=f"{n}.jpg")
            look_once.start()
        wait_until(lambda: nas.answering == 4)
        go.set()
        answers = crowd.answers()
        for look_once in looks:
            look_once.join()
        running.look()
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert sum(answer.status_code == 200 for answer in answers) >= 16
        assert nas.concurrency_peak == NAS_CALLS == 4


def test_waiting_clients_come_before_downloads_that_nobody_waits_for() -> None:
    with held_back(40) as (nas, running, go):
        wanted = nas.library.album("kitchen-dash").items[-6:]
        crowd = Crowd(running, [path_of(item) for item in wanted])
        crowd.arrived(6)
        # One of them has a thread at once, although the downloads ahead wait for the NAS.
        wait_until(lambda: nas.answering == 3)
        assert units_asked(nas)[2] in [item.unit_id for item in wanted]
        go.set()
        assert {answer.status_code for answer in crowd.answers()} == {200}
        # The last of them may be overtaken on its way.
        assert set(units_asked(nas)[2:10]) >= {item.unit_id for item in wanted}


def test_a_full_queue_refuses_and_screens_still_get_a_photo() -> None:
    go = threading.Event()
    with nas_with(1000) as nas:
        nas.fault(fakenas.hold(go), api=THUMBNAIL, skip=4)
        with Running(settings_for(nas, timeout_seconds=PATIENCE_SECONDS)) as running:
            running.wait_for("/cache/stats", lambda response: response.json()["entries"] == 4)
            wait_until(lambda: nas.answering == 2)
            cold = nas.library.album("kitchen-dash").items[-40:]
            crowd = Crowd(running, [path_of(item) for item in cold])
            # One is being fetched and sixteen wait.
            wait_until(lambda: crowd.answered == 40 - 17 and nas.answering == 3)
            assert running.get("/files").status_code == 200
            assert running.get("/healthz").status_code == 200
            go.set()
            answers = crowd.answers()
            refused = [answer for answer in answers if answer.status_code == 503]
            assert len(refused) == 23
            assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
            assert {answer.headers["Cache-Control"] for answer in refused} == {"no-store"}
            assert sum(answer.status_code == 200 for answer in answers) == 17


@pytest.mark.gen_test
async def test_photos_that_are_being_sent_leave_no_room_for_more(io_loop: Any) -> None:
    with nas_with(5, photo_bytes=300_000) as nas:
        async with stage_on(nas, max_bytes=MEGABYTE) as stage:
            lent = stage.photos[:3]
            for photo in lent:
                await stage.store.get(photo)
            error = await stage.failure(stage.photos[3])
            assert isinstance(error, Busy)
            assert error.retry_after_seconds
            assert "--max-cache" in error.next_step
            assert len(await stage.get(lent[0])) == pytest.approx(300_000, rel=0.01)
            stage.store.release(lent[0])
            assert await stage.get(stage.photos[3])
            assert lent[0].key not in stage.cache


@pytest.mark.gen_test
@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_memory_and_downloads_together_never_pass_the_limit(io_loop: Any, chunked: bool) -> None:
    with nas_with(30, photo_bytes=250_000) as nas:
        nas.chunked = chunked
        async with stage_on(nas, max_bytes=MEGABYTE) as stage:
            peaks: list[int] = []
            reserved: list[int] = []
            rng = random.Random(2)

            async def visit() -> None:
                for _ in range(15):
                    photo = rng.choice(stage.photos)
                    try:
                        await stage.store.get(photo)
                    except Busy:
                        continue
                    await asyncio.sleep(0)
                    stage.store.release(photo)

            async def watch() -> None:
                while True:
                    peaks.append(stage.cache.bytes + stage.cache.reserved_bytes)
                    reserved.append(stage.cache.reserved_bytes)
                    await asyncio.sleep(0)

            watching = asyncio.ensure_future(watch())
            await asyncio.gather(*[visit() for _ in range(6)])
            watching.cancel()
            assert max(peaks) <= MEGABYTE
            assert max(peaks) > 700_000
            assert max(reserved) > 0
            await until(lambda: stage.store.inflight == 0)
            assert stage.cache.reserved_bytes == 0


@pytest.mark.gen_test
async def test_a_photo_larger_than_the_whole_memory_is_refused_and_evicts_nothing(io_loop: Any) -> None:
    with nas_with(4, photo_bytes=300_000) as nas:
        big = nas.library.add(nas.library.album("kitchen-dash"), size_bytes=2 * MEGABYTE)
        async with stage_on(nas, max_bytes=MEGABYTE) as stage:
            for photo in stage.photos[:3]:
                await stage.get(photo)
            error = await stage.failure(stage.catalog.by_id[big.id])
            assert isinstance(error, NasBadAnswer)
            assert error.kind == "too_big"
            assert (len(stage.cache), stage.cache.evictions, stage.cache.reserved_bytes) == (3, 0, 0)


@pytest.mark.gen_test
async def test_an_endless_picture_is_given_up_and_gives_its_room_back(io_loop: Any) -> None:
    with nas_with(4, photo_bytes=300_000) as nas:
        async with stage_on(nas, max_bytes=MEGABYTE) as stage:
            nas.fault(fakenas.endless(), item=stage.photos[0].unit_id)
            error = await stage.failure(stage.photos[0])
            assert isinstance(error, (NasBadAnswer, Busy))
            assert (stage.cache.bytes, stage.cache.reserved_bytes, stage.store.inflight) == (0, 0, 0)
            assert await stage.get(stage.photos[1])


@pytest.mark.gen_test
async def test_a_photo_that_is_deleted_while_it_is_fetched_does_not_stay(io_loop: Any) -> None:
    go = threading.Event()
    with nas_with(3) as nas:
        async with stage_on(nas) as stage:
            gone, other = stage.photos[:2]
            nas.fault(fakenas.hold(go), api=THUMBNAIL)
            stage.store.fetch_ahead(gone)
            visit = asyncio.ensure_future(stage.store.get(other))
            await until(lambda: nas.answering == 2)
            stage.store.retain(Catalog.build(stage.photos[2:], {}))
            go.set()
            assert await visit
            await until(lambda: stage.store.inflight == 0)
            assert gone.key not in stage.cache
            assert other.key not in stage.cache
            stage.store.release(other)
            assert stage.cache.bytes == 0


@pytest.mark.gen_test
async def test_wishes_ahead_are_bounded_and_the_oldest_go_first(io_loop: Any) -> None:
    go = threading.Event()
    with nas_with(100) as nas:
        async with stage_on(nas) as stage:
            nas.fault(fakenas.hold(go), api=THUMBNAIL)
            for photo in stage.photos:
                stage.store.fetch_ahead(photo)
            assert stage.store.inflight == 2 + 64
            go.set()
            await until(lambda: stage.store.inflight == 0)
            units = units_asked(nas)
            assert len(units) == 66
            assert stage.photos[-1].unit_id in units[-2:]
            assert stage.photos[2].unit_id not in units


@pytest.mark.gen_test
async def test_a_photo_that_was_wished_for_is_fetched_at_once_when_a_client_comes(io_loop: Any) -> None:
    go = threading.Event()
    with nas_with(20) as nas:
        async with stage_on(nas) as stage:
            nas.fault(fakenas.hold(go), api=THUMBNAIL)
            for photo in stage.photos:
                stage.store.fetch_ahead(photo)
            await until(lambda: nas.answering == 2)
            visit = asyncio.ensure_future(stage.get(stage.photos[-1]))
            await until(lambda: nas.answering == 3)
            assert units_asked(nas)[2] == stage.photos[-1].unit_id
            go.set()
            assert await visit


def test_filling_stops_when_the_memory_is_full() -> None:
    with nas_with(30, photo_bytes=100_000) as nas:
        settings = settings_for(nas, max_cache_bytes=MEGABYTE)
        with Running(settings) as running:
            running.wait_for("/cache/stats", lambda response: response.json()["entries"] >= 8)
            stats = running.wait_quiet()
            assert stats["bytes"] <= stats["max_bytes"] == MEGABYTE
            assert stats["evictions"] == 0
            assert 8 <= nas.count(THUMBNAIL) <= 10


def test_an_edit_of_the_album_does_not_end_the_first_filling() -> None:
    go = threading.Event()
    with nas_with(20) as nas:
        nas.fault(fakenas.hold(go), api=THUMBNAIL)
        with Running(settings_for(nas)) as running:
            running.wait_for("/files/list", lambda response: response.status_code == 200)
            nas.library.add(nas.library.album("kitchen-dash"))
            running.look()
            go.set()
            running.wait_filled()


@pytest.mark.gen_test
async def test_filling_goes_on_once_the_nas_gives_pictures_again(io_loop: Any) -> None:
    with nas_with(20) as nas:
        async with stage_on(nas) as stage:
            failing = nas.fault(fakenas.status(500), api=THUMBNAIL)
            stage.store.fill(stage.photos)
            while stage.store.inflight:
                await stage.store.next_landing()
            assert stage.store.health.photo_breaker.is_open
            failing.remove()
            stage.clock.now += 61
            await stage.store.call(lambda: None)
            while len(stage.cache) < 10:
                await stage.store.next_landing()
                stage.clock.now += 61
                await stage.store.call(lambda: None)


@pytest.mark.gen_test
async def test_a_download_that_fails_unforeseen_is_an_error_of_this_photo_alone(
    io_loop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def fetch(self, photo: Photo, room: Callable[[int], None] | None = None) -> bytes:
            raise MemoryError

    store = PhotoStore(Broken(), PhotoCache(1000), rng=random.Random(1), clock=Clock())
    photo = Photo(1, 1, "1_1", "xl", "1.jpg", 0, 3, 2, "album")
    with pytest.raises(NasError, match="MemoryError"):
        await store.get(photo)
    with pytest.raises(NasError, match="MemoryError"):
        await store.get(photo)  # in quarantine: not tried again
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert store.inflight == 0
    await store.close(1)


@pytest.mark.gen_test
async def test_a_download_that_finds_no_room_is_given_up_before_its_end(io_loop: Any) -> None:
    with nas_with(2, photo_bytes=600_000) as nas:
        async with stage_on(nas, max_bytes=1_000_000) as stage:
            first, second = stage.photos
            await stage.store.get(first)  # and held, as if it were being sent
            nas.fault(fakenas.drip(every=0.5, header=False, chunk=60_000), item=second.unit_id)
            started_at = time.monotonic()
            assert isinstance(await stage.failure(second), Busy)
            assert time.monotonic() - started_at < 4  # of the five seconds that all of it takes
            assert stage.cache.reserved_bytes == 0
            stage.store.release(first)
