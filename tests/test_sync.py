"""The catalog follows the album: what it costs, what survives a bad listing, and how an outage is waited out."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from conftest import Running, canary_nas, leaks, settings_for, until, wait_until
from guest import ALBUM, ITEM, Clock, client_of

from photosync import fakenas
from photosync.cache import PhotoCache
from photosync.errors import NasUnreachable, NothingSynced
from photosync.fakenas import FakeNas, Item, Library
from photosync.nas import SynologyClient
from photosync.store import PhotoStore
from photosync.sync import AlbumSync

HOUR = 3600.0
MEGABYTE = 1_000_000


class Stage:
    """Sync and store on one NAS, on the running loop, with a clock for tests to move."""

    def __init__(self, nas: FakeNas, *albums: str, longest_wait_seconds: float = 60.0, seed: int = 1) -> None:
        self.nas = nas
        self.clock = Clock()
        client = client_of(nas, max_photo_bytes=MEGABYTE, clock=self.clock)
        self.store = PhotoStore(
            client,
            PhotoCache(20 * MEGABYTE),
            rng=random.Random(seed),
            longest_wait_seconds=longest_wait_seconds,
            clock=self.clock,
        )
        self.sync = AlbumSync(client, self.store, albums or ("kitchen-dash",), HOUR, clock=self.clock)

    async def look(self) -> None:
        await self.sync.refresh()

    @property
    def ids(self) -> list[int]:
        return [photo.id for photo in self.sync.catalog.photos]


@asynccontextmanager
async def stage_on(nas: FakeNas, *albums: str, **options: Any) -> AsyncIterator[Stage]:
    stage = Stage(nas, *albums, **options)
    try:
        yield stage
    finally:
        await stage.sync.stop()
        await stage.store.close(2.0)


@contextmanager
def small_nas(count: int = 6) -> Iterator[FakeNas]:
    with canary_nas(library=Library.synthetic(count)) as nas:
        yield nas


def kitchen_items(nas: FakeNas) -> list[Item]:
    return [item for item in nas.library.album("kitchen-dash").items if item.thumbnails.get("xl") == "ready"]


def names_over_http(running: Running) -> list[str]:
    names: list[str] = running.get("/files/list").json()
    return names


def dealt(running: Running, client: str) -> int:
    location = running.get(f"/files?client={client}").headers["Content-Location"]
    return int(location.removeprefix("/files/").removesuffix(".jpg"))


# What looks cost


def test_an_interval_without_a_change_costs_exactly_one_call(nas: FakeNas, running: Running) -> None:
    running.wait_filled()
    nas.calls.clear()
    for _ in range(3):
        running.look()
    assert [(call.api, call.method) for call in nas.calls] == [(ALBUM, "get")] * 3
    assert running.stats()["last_error"] is None


def test_a_changed_album_is_listed_again_once(nas: FakeNas, running: Running) -> None:
    running.wait_filled()
    nas.library.add(nas.library.album("kitchen-dash"), filename="new.jpg")
    nas.calls.clear()
    running.look()
    running.look()
    assert (nas.count(ALBUM, "get"), nas.count(ITEM, "list")) == (2, 1)
    assert "new.jpg" in names_over_http(running)


@pytest.mark.gen_test
async def test_an_unchanged_album_is_listed_again_every_six_hours(io_loop: Any) -> None:
    with small_nas() as nas:
        async with stage_on(nas) as stage:
            await stage.look()
            item = nas.library.album("kitchen-dash").items[3]
            nas.library.edit(item, bump=False)
            old = stage.sync.catalog.by_id[item.id].etag
            stage.clock.now += 6 * HOUR - 1
            await stage.look()
            assert nas.count(ITEM) == 1
            assert stage.sync.catalog.by_id[item.id].etag == old
            stage.clock.now += 1
            await stage.look()
            assert nas.count(ITEM) == 2
            assert stage.sync.catalog.by_id[item.id].etag != old
            await stage.look()
            assert nas.count(ITEM) == 2


@pytest.mark.gen_test
async def test_whoever_asks_during_a_look_gets_that_look(io_loop: Any) -> None:
    with small_nas() as nas:
        async with stage_on(nas) as stage:
            go = threading.Event()
            nas.fault(fakenas.hold(go), api=ALBUM)
            looks = [_task(stage.sync.refresh()) for _ in range(5)]
            await until(lambda: nas.answering == 1)
            go.set()
            for look in looks:
                await look
            assert nas.count(ALBUM, "list") == 1
            assert len(stage.ids) == 6


def _task(work: Awaitable[None]) -> Any:
    return asyncio.ensure_future(work)


def test_a_look_never_writes_over_a_newer_one(nas: FakeNas, running: Running) -> None:
    go = threading.Event()
    nas.library.add(nas.library.album("kitchen-dash"), filename="first.jpg")
    holding = nas.fault(fakenas.hold(go), api=ITEM, times=1)
    looks = [threading.Thread(target=running.look) for _ in range(3)]
    for look in looks:
        look.start()
    wait_until(lambda: holding.hits)
    nas.library.add(nas.library.album("kitchen-dash"), filename="second.jpg")
    go.set()
    for look in looks:
        look.join()
    running.look()
    assert {"first.jpg", "second.jpg"} <= set(names_over_http(running))


# What changes do


def test_a_deletion_takes_effect_everywhere_at_once(nas: FakeNas, running: Running) -> None:
    entries = running.wait_filled()["entries"]
    gone = kitchen_items(nas)[2]
    assert running.get(f"/files/{gone.id}.jpg").status_code == 200
    assert dealt(running, "a screen") > 0
    nas.library.delete(gone)
    running.look()
    answer = running.get(f"/files/{gone.id}.jpg")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")
    assert running.get(f"/files/{gone.filename}").status_code == 404
    assert gone.filename not in names_over_http(running)
    assert running.stats()["entries"] == entries - 1
    shown = {dealt(running, "a screen") for _ in range(2 * running.stats()["photos"])}
    assert shown == {item.id for item in kitchen_items(nas)}


def test_a_photo_that_was_asked_for_with_its_tag_is_gone_too(nas: FakeNas, running: Running) -> None:
    gone = kitchen_items(nas)[2]
    etag = running.get(f"/files/{gone.id}.jpg").headers["ETag"]
    assert running.get(f"/files/{gone.id}.jpg", headers={"If-None-Match": etag}).status_code == 304
    nas.library.delete(gone)
    running.look()
    assert running.get(f"/files/{gone.id}.jpg", headers={"If-None-Match": etag}).status_code == 404


@pytest.mark.parametrize("draws_before", [0, 1, 5, 24])
def test_an_added_photo_is_dealt_within_three_draws(nas: FakeNas, running: Running, draws_before: int) -> None:
    clients = [f"screen {n}" for n in range(5)]
    for client in clients:
        for _ in range(draws_before):
            dealt(running, client)
    new = nas.library.add(nas.library.album("kitchen-dash"))
    running.look()
    for client in clients[: 5 if draws_before else 0]:
        assert new.id in [dealt(running, client) for _ in range(3)]
    assert f"{new.filename}" in names_over_http(running)


def test_an_edited_photo_has_other_bytes_and_another_tag_after_a_listing(nas: FakeNas, running: Running) -> None:
    item = kitchen_items(nas)[2]
    before = running.get(f"/files/{item.id}.jpg")
    assert before.content == item.data("xl")
    nas.library.edit(item)
    running.look()
    after = running.get(f"/files/{item.id}.jpg", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.content == item.data("xl") != before.content
    assert after.headers["ETag"] != before.headers["ETag"]
    assert running.wait_filled()["entries"] == len(kitchen_items(nas))


def test_several_albums_are_one_catalog_without_doubles(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=("kitchen-dash", "Grandparents", "Anna's garden"))) as running:
        running.wait_ready()
        photos = running.get("/files/list?details=1").json()
        ids = [photo["id"] for photo in photos]
        garden = [item.id for item in nas.library.album("Anna's garden").items]
        assert len(ids) == len(set(ids)) == len(kitchen_items(nas)) + len(garden)
        for photo in photos:
            assert running.get(photo["url"]).status_code == 200


# Bad listings


FAILURES = {
    "status": lambda: fakenas.status(500),
    "html": fakenas.html,
    "refused": lambda: fakenas.error(120),
    "busy": lambda: fakenas.error(117),
    "reset": fakenas.reset,
    "nonsense": lambda: fakenas.json_body({"success": True, "data": None}),
    "half": lambda: fakenas.edit_rows(lambda rows: rows[: len(rows) // 2]),
    "nothing": lambda: fakenas.edit_rows(lambda rows: []),
    "null rows": lambda: fakenas.edit_rows(lambda rows: [None]),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_listing_keeps_the_last_good_one_and_says_so(failure: str) -> None:
    with small_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        before = running.stats()
        names = names_over_http(running)
        nas.library.add(nas.library.album("kitchen-dash"))
        nas.fault(FAILURES[failure](), api=ITEM)
        running.look()
        after = running.stats()
        sync = running.service.sync
        assert sync.last_sync_at is not None
        assert sync.last_success_at is not None
        assert sync.last_sync_at > sync.last_success_at
        assert names_over_http(running) == names
        assert after["last_error"]
        assert after["photos"] == before["photos"] == 6
        assert after["last_success_at"] == before["last_success_at"]
        assert running.get("/files").status_code == 200
        assert running.get("/readyz").status_code == 200


def test_a_failing_later_page_keeps_the_last_good_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.nas._PAGE_ROWS", 2)
    with small_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        nas.library.add(nas.library.album("kitchen-dash"))
        failing = nas.fault(fakenas.error(120), api=ITEM, skip=2)
        running.look()
        assert failing.hits == 1
        assert running.stats()["photos"] == 6
        assert running.stats()["last_error"]
        nas.clear_faults()
        running.look()
        assert running.stats()["photos"] == 7
        assert running.stats()["last_error"] is None


def test_an_album_that_is_suddenly_empty_empties_the_catalog_only_at_the_second_look() -> None:
    with small_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        running.wait_filled()
        album = nas.library.album("kitchen-dash")
        for item in list(album.items):
            nas.library.remove(album, item)
        running.look()
        assert running.stats()["photos"] == 6
        assert "empty" in running.stats()["last_error"]
        assert running.get("/files").status_code == 200
        running.look()
        assert (running.stats()["photos"], running.stats()["entries"]) == (0, 0)
        answer = running.get("/files")
        assert answer.status_code == 503
        assert "empty" in answer.json()["error"]
        nas.library.add(album)
        running.look()
        assert running.get("/files").status_code == 200


@pytest.mark.gen_test
async def test_an_album_that_was_empty_only_once_keeps_its_catalog(io_loop: Any) -> None:
    with small_nas() as nas:
        album = nas.library.album("kitchen-dash")
        async with stage_on(nas) as stage:
            await stage.look()
            for _ in range(3):
                items = list(album.items)
                for item in items:
                    nas.library.remove(album, item)
                await stage.look()
                assert len(stage.ids) == 6
                assert isinstance(stage.sync.last_error, NothingSynced)
                for item in items:
                    nas.library.add(album, item)
                await stage.look()
                assert len(stage.ids) == 6
                assert stage.sync.last_error is None


def test_photos_that_are_gone_are_not_shown_because_a_video_is_left() -> None:
    with small_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        album = nas.library.album("kitchen-dash")
        nas.library.add(album, type="video")
        for item in album.items[:-1]:
            nas.library.delete(item)
        running.look()
        running.look()
        assert running.stats()["photos"] == 0
        assert running.get("/files").status_code == 503
        nas.library.bump(album)
        running.look()
        assert "1 video" in running.stats()["last_error"]


# Looks that fail


class Unforeseen:
    """A source that fails as no NAS can: the next calls raise whatever they are told to."""

    def __init__(self, client: SynologyClient, errors: list[BaseException]) -> None:
        self._client, self._errors = client, errors

    def __getattr__(self, name: str) -> Any:
        if self._errors:
            raise self._errors.pop(0)
        return getattr(self._client, name)


@pytest.mark.gen_test
async def test_a_look_that_fails_unforeseen_does_not_stop_the_next(
    io_loop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with small_nas() as nas:
        async with stage_on(nas) as stage:
            client = stage.sync._source
            errors: list[BaseException] = [RuntimeError("one"), MemoryError("two"), RecursionError("three")]
            stage.sync._source = Unforeseen(client, errors)  # type: ignore[arg-type,assignment]
            kinds = []
            for _ in range(3):
                await stage.look()
                kinds.append(str(stage.sync.last_error))
            assert [next(word for word in kind.split("(")[1:]).rstrip(").") for kind in kinds] == [
                "RuntimeError",
                "MemoryError",
                "RecursionError",
            ]
            assert stage.sync.failures == 3
            await stage.look()
            assert len(stage.ids) == 6
            assert stage.sync.last_error is None
    assert "never retrieved" not in caplog.text


def test_a_password_file_that_cannot_be_read_is_told_by_its_cause(nas: FakeNas, tmp_path: Any) -> None:
    path = tmp_path / "password"
    path.write_text(nas.password)
    path.chmod(0o600)
    with Running(replace(settings_for(nas), password=None, password_file=path)) as running:
        running.wait_filled()
        path.unlink()
        nas.expire_sessions()
        running.look()
        assert "password" in running.stats()["last_error"]
        assert str(tmp_path) not in running.stats()["last_error"]
        assert running.get("/metrics").status_code == 200
        assert running.get("/files").status_code == 200
        path.write_text(nas.password)
        path.chmod(0o600)
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is None)


# Outages


@pytest.mark.gen_test
async def test_an_outage_of_an_hour_costs_few_connections_and_ever_longer_waits(io_loop: Any) -> None:
    with small_nas() as nas:
        async with stage_on(nas, longest_wait_seconds=300.0) as stage:
            await stage.look()
            nas.stop()
            tries: list[float] = []
            for _ in range(3600):
                before = stage.sync.failures
                await stage.look()
                if stage.sync.failures > before:
                    tries.append(stage.clock.now)
                stage.clock.now += 1
            in_five_minutes = [at for at in tries if at < tries[0] + 300]
            assert 4 <= len(in_five_minutes) <= 12
            waits = [after - before for before, after in pairwise(tries)]
            assert max(waits) <= 301
            assert min(waits[-8:]) >= 150
            assert len(set(waits[-8:])) > 1
            assert len(stage.ids) == 6
            nas.start()
            await stage.look()
            stage.clock.now += 301
            await stage.look()
            assert stage.sync.last_error is None
            assert stage.sync.failures == 0
            assert not stage.store.health.breaker.is_open


@pytest.mark.gen_test
async def test_looks_and_downloads_wait_for_each_others_failures(io_loop: Any) -> None:
    with small_nas() as nas:
        async with stage_on(nas) as stage:
            await stage.look()
            await until(lambda: len(stage.store.cache) == 6)
            breaker, photo = stage.store.health.breaker, stage.sync.catalog.photos[0]
            stage.store.cache.discard(photo.key)
            nas.stop()
            with pytest.raises(NasUnreachable):
                await stage.store.get(photo)
            assert breaker.is_open
            await stage.look()
            assert stage.sync.failures == 0  # it was not made
            stage.clock.now += breaker.wait_seconds
            await stage.look()
            assert stage.sync.failures == 1
            with pytest.raises(NasUnreachable) as refused:
                await stage.store.get(photo)
            assert refused.value.retry_after_seconds == pytest.approx(breaker.wait_seconds)


@pytest.mark.gen_test
async def test_two_frames_do_not_come_back_in_step(io_loop: Any) -> None:
    waits = []
    for seed in (1, 2):
        with canary_nas() as nas:
            nas.stop()
            async with stage_on(nas, seed=seed) as stage:
                await stage.look()
                waits.append(stage.store.health.breaker.wait_seconds)
    assert waits[0] != waits[1]
    assert all(1.0 <= wait <= 2.0 for wait in waits)


def test_the_interval_is_kept_once_the_nas_is_back() -> None:
    with small_nas(2) as nas, Running(settings_for(nas, interval_seconds=0.2)) as running:
        running.wait_filled()
        nas.stop()
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is not None)
        nas.start()
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is None)
        nas.calls.clear()
        wait_until(lambda: len(nas.calls) >= 8)
        assert {(call.api, call.method) for call in nas.calls} == {(ALBUM, "get")}
        gap = median(after.at - before.at for before, after in pairwise(nas.calls))
        assert 0.1 < gap < 1.0  # neither two timers at once nor the shortest wait of an outage


def test_a_service_that_starts_without_its_nas_serves_once_it_is_there(nas: FakeNas) -> None:
    nas.stop()
    with Running(settings_for(nas)) as running:
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is not None)
        answer = running.get("/files")
        assert answer.status_code == 503
        assert "refused" in answer.json()["error"]
        assert int(answer.headers["Retry-After"]) >= 1
        assert running.get("/healthz").status_code == 200
        assert running.get("/readyz").status_code == 503
        nas.start()
        running.wait_for("/files", lambda response: response.status_code == 200)


def test_an_outage_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "photosync"), small_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        caplog.clear()
        nas.stop()
        for _ in range(3):
            running.look_again()
        nas.start()
        running.look_again()
        lines = [record.message for record in caplog.records if record.name == "photosync.sync"]
    assert len(lines) == 2
    assert lines[0].startswith("The album cannot be read: Nothing answers")
    assert re.search(r"again, after ([3-9]|\d\d) failed looks", lines[1])  # more, if it has looked by itself meanwhile
    assert not leaks("\n".join(lines))


@pytest.mark.parametrize("code", [400, 403, 407])
def test_a_refused_account_is_told_and_never_asked_again_by_itself(nas: FakeNas, code: int) -> None:
    nas.login_error = code
    with Running(settings_for(nas, interval_seconds=0.05)) as running:
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is not None)
        for _ in range(5):
            running.look_again()
        assert nas.count("SYNO.API.Auth", "login") == 1
        answer = running.get("/files")
        assert answer.status_code == 502
        assert answer.json()["next_step"]
        assert running.get("/readyz").status_code == 503


@pytest.mark.parametrize(
    "fault", [fakenas.html(), fakenas.json_body("{"), fakenas.error(102)], ids=["page", "half an answer", "error"]
)
def test_a_first_look_that_fails_in_any_way_is_repeated_soon(fault: Any) -> None:
    with small_nas() as nas:
        failing = nas.fault(fault, api="SYNO.Foto.Browse.Item", method="list")
        with Running(settings_for(nas)) as running:  # whose interval is an hour
            running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is not None)
            failing.remove()
            running.wait_for("/files", lambda response: response.status_code == 200)


def test_pictures_that_cannot_be_had_are_told_though_the_album_can_be_listed() -> None:
    with small_nas() as nas:
        failing = nas.fault(fakenas.status(500), api="SYNO.Foto.Thumbnail")
        with Running(settings_for(nas)) as running:
            answer = running.wait_for("/readyz", lambda response: b"HTTP status 500" in response.content)
            assert answer.status_code == 503
            assert "HTTP status 500" in running.stats()["last_error"]
            failing.remove()
            running.wait_for("/files", lambda response: response.status_code == 200)
            assert running.stats()["last_error"] is None
            assert running.get("/readyz").status_code == 200


# Several albums

BOTH = ("Grandparents", "Anna's garden")


def told_of(running: Running) -> dict[str, tuple[int, str | None]]:
    """/cache/stats of each album: photos and error."""
    return {album["name"]: (album["photos"], album["error"]) for album in running.stats()["albums"]}


def test_the_stats_tell_each_album(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=(*BOTH, "kitchen-dush"))) as running:
        running.wait_ready()
        told = told_of(running)
        assert list(told) == [*BOTH, "kitchen-dush"]
        assert told["Grandparents"] == (8, None)
        assert told["Anna's garden"] == (5, None)
        photos, error = told["kitchen-dush"]
        assert photos == 0
        assert "no album named 'kitchen-dush'" in str(error) and "'kitchen-dash'" in str(error)
        stats = running.stats()
        assert stats["last_error"] == error
        assert stats["photos"] == 13
        assert stats["last_success_at"] is not None
        assert running.get("/readyz").status_code == 200


def test_a_nas_that_is_away_is_the_error_of_every_album(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=BOTH)) as running:
        running.wait_filled()
        nas.stop()
        running.look()
        errors = {error for _, error in told_of(running).values()}
        assert errors == {running.stats()["last_error"]}
        assert errors != {None}
        nas.start()
        running.look_again()
        assert {error for _, error in told_of(running).values()} == {running.stats()["last_error"]} == {None}


def test_an_album_that_goes_takes_its_photos_along_and_the_others_change_as_ever(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=BOTH)) as running:
        running.wait_filled()
        garden = nas.library.album("Anna's garden")
        gone = garden.items[0]
        nas.library.delete_album(garden)
        nas.library.add(nas.library.album("Grandparents"), filename="new.jpg")
        running.look()
        assert told_of(running)["Grandparents"] == (9, None)
        assert told_of(running)["Anna's garden"][0] == 5
        assert "new.jpg" in names_over_http(running)
        assert running.get(f"/files/{gone.id}.jpg").status_code == 200
        running.look()
        assert told_of(running)["Anna's garden"][0] == 0
        assert running.get(f"/files/{gone.id}.jpg").status_code == 404
        assert running.wait_filled()["entries"] == 9
        assert {dealt(running, "a screen") for _ in range(18)} == {
            item.id for item in nas.library.album("Grandparents").items
        }
        nas.library.albums.append(garden)
        running.look()
        assert told_of(running)["Anna's garden"] == (5, None)
        assert running.stats()["last_error"] is None


def test_when_all_albums_are_gone_the_screens_stay_on(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=BOTH)) as running:
        running.wait_ready()
        nas.library.albums.clear()
        for _ in range(4):
            running.look()
        assert running.stats()["photos"] == 13
        assert "no album named 'Grandparents'" in running.stats()["last_error"]
        assert running.get("/files").status_code == 200
        assert running.get("/readyz").status_code == 200


def test_an_albums_problem_is_logged_once_and_its_end_once(nas: FakeNas, caplog: pytest.LogCaptureFixture) -> None:
    with Running(settings_for(nas, albums=BOTH)) as running:
        running.wait_filled()
        garden = nas.library.album("Anna's garden")
        with caplog.at_level(logging.INFO, "photosync.sync"):
            nas.library.delete_album(garden)
            for _ in range(3):
                running.look()
            nas.library.albums.append(garden)
            running.look()
        lines = [record.message for record in caplog.records if "read" in record.message]
    assert len(lines) == 2
    assert lines[0].startswith("The album 'Anna's garden' cannot be read: The account sees no album named")
    assert lines[1] == "The album 'Anna's garden' can be read again, after 3 failed looks."
    assert not leaks("\n".join(lines))


def test_an_outage_is_logged_once_for_all_albums(nas: FakeNas, caplog: pytest.LogCaptureFixture) -> None:
    with Running(settings_for(nas, albums=(*BOTH, "missing"))) as running:
        running.wait_filled()
        caplog.clear()
        with caplog.at_level(logging.INFO, "photosync.sync"):
            nas.stop()
            for _ in range(3):
                running.look_again()
            nas.start()
            running.look_again()
        lines = [record.message for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith("The NAS cannot be read: Nothing answers")
    assert re.fullmatch(r"The NAS can be read again, after ([3-9]|\d\d) failed looks.", lines[1])


@pytest.mark.gen_test
async def test_a_problem_that_stays_is_logged_again_after_an_hour(
    io_loop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with canary_nas() as nas:
        async with stage_on(nas, "Grandparents", "missing") as stage:
            for _ in range(120):
                await stage.look()
                stage.clock.now += 60
    lines = [record.message for record in caplog.records if "'missing' cannot be read" in record.message]
    assert len(lines) == 2


@pytest.mark.gen_test
async def test_an_album_that_is_listed_in_vain_rests_while_the_others_are_looked_at(io_loop: Any) -> None:
    with canary_nas() as nas:
        garden = nas.library.album("Anna's garden")
        async with stage_on(nas, *BOTH) as stage:
            stage.sync._interval_seconds = 60.0
            await stage.look()
            nas.library.add(garden)
            garden.claimed_count = 99
            nas.calls.clear()
            for _ in range(60):  # an hour, a minute at a time
                await stage.sync._tick()
                stage.clock.now += 60
            gets = [call.params for call in nas.calls if (call.api, call.method) == (ALBUM, "get")]
            garden_looks = sum("passphrase" in params for params in gets)
            assert len(gets) - garden_looks == 60
            assert 4 <= nas.count(ITEM, "list") / 2 <= 7
            assert garden_looks <= 14
            assert stage.sync.problem_of(stage.sync.views["Anna's garden"]) is not None
            garden.claimed_count = None
            stage.clock.now += HOUR
            await stage.sync._tick()
            assert stage.sync.last_error is None
            assert len(stage.ids) == 14


@pytest.mark.gen_test
async def test_an_album_that_could_be_read_again_rests_no_longer(io_loop: Any) -> None:
    with small_nas() as nas:
        album = nas.library.album("kitchen-dash")
        async with stage_on(nas) as stage:
            await stage.look()
            nas.library.add(album)
            album.claimed_count = 99
            await stage.look()
            nas.calls.clear()
            await stage.sync._tick()
            assert nas.count(ALBUM) == 0
            album.claimed_count = None
            await stage.look()
            assert len(stage.ids) == 7
            nas.calls.clear()
            await stage.sync._tick()
            assert nas.count(ALBUM, "get") == 1


@pytest.mark.gen_test
async def test_before_anything_is_listed_missing_albums_are_looked_for_again_soon(io_loop: Any) -> None:
    with canary_nas() as nas:
        async with stage_on(nas, "missing", "away") as stage:
            await stage.look()
            assert stage.sync.failures == 1
            assert not stage.sync.has_synced
            nas.library.add(nas.library.new_album("away"))
            await until(lambda: stage.sync.has_synced)  # though the interval is an hour
            assert len(stage.ids) == 1
