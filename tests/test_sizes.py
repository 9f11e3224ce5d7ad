"""Photos in the size that a screen asks for, over real sockets against the simulated NAS."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

pytest.importorskip("PIL", reason="Pillow is not installed: there is no wheel of it for this machine")

import requests
from conftest import Running, canary_nas, link_settings, settings_for, share, wait_until
from hypothesis import given, settings
from hypothesis import strategies as some
from outside import Process
from pictures import claiming, jpeg, opened, quartered, segments
from test_store import Crowd

from photosync.fakenas import FakeNas, Item, Library, error, hold
from photosync.fakenas.items import BROKEN
from photosync.fit import Fit
from photosync.models import Photo
from photosync.sizes import MOST_WAITING

THUMBNAIL, DOWNLOAD = "SYNO.Foto.Thumbnail", "SYNO.Foto.Download"
SHORT_SIDES = {"sm": 240, "m": 320, "xl": 1280}
WIDTH, HEIGHT = 3000, 2000

Stage = tuple[Running, FakeNas]


@cache
def rendition(size: str, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A photo as the NAS gives it; of each size a picture of its own."""
    scale = min(1.0, SHORT_SIDES.get(size, HEIGHT) / min(width, height))
    return jpeg(quartered(round(width * scale), round(height * scale)), comment=f"{size} of the kitchen".encode())


def library_of(count: int, **fields: Any) -> Library:
    library = Library()
    album = library.new_album("kitchen-dash")
    for number in range(count):
        usual = {"filename": f"{number}.jpg", "width": WIDTH, "height": HEIGHT, "picture": rendition}
        library.add(album, **usual | fields)
    return library


@contextmanager
def service_on(library: Library, **changes: Any) -> Iterator[Stage]:
    """The service with every photo in memory."""
    with canary_nas(library=library) as nas, Running(settings_for(nas, **changes)) as running:
        running.wait_filled()
        yield running, nas


@pytest.fixture
def small() -> Iterator[Stage]:
    with service_on(library_of(3)) as (running, nas):
        yield running, nas


def first(running: Running) -> str:
    """The address of the first photo."""
    return str(running.service.sync.catalog.photos[0].url)


def size_of(answer: requests.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.content[:300]
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert any(marker == 0xC0 for marker, _ in segments(answer.content))
    assert not [marker for marker, _ in segments(answer.content) if marker == 0xFE or 0xE1 <= marker <= 0xEF]
    return opened(answer.content).size


def made(running: Running) -> int:
    return running.service.sizes.made


def idle(running: Running) -> None:
    """Waits until nothing is made, ahead or not."""
    wait_until(lambda: not running.service.sizes.waiting)


def fetched(nas: FakeNas) -> list[str]:
    """The sizes that the NAS was asked for, in order."""
    calls = [call for call in nas.calls if call.api in (THUMBNAIL, DOWNLOAD)]
    return [call.params.get("size", "original").strip('"') for call in calls]


@contextmanager
def held_up(running: Running) -> Iterator[None]:
    """Nothing can be resized meanwhile."""
    running.call(running.service.sizes.load)
    go = threading.Event()
    running.service.sizes._thread.submit(go.wait)
    try:
        yield
    finally:
        go.set()


# what is answered


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("w=800&h=480&fit=cover", (800, 480)),
        ("w=800&h=480&fit=contain", (720, 480)),
        ("w=800&h=480", (720, 480)),
        ("w=300", (300, 200)),
        ("h=200&quality=20", (300, 200)),
        ("w=3840&h=3840", (3000, 2000)),
        ("w=3840&h=2160&fit=cover", (3000, 1687)),
        ("w=1&h=1", (1, 1)),
    ],
)
def test_a_screen_gets_the_size_it_asks_for(small: Stage, query: str, size: tuple[int, int]) -> None:
    running, _ = small
    for path in (f"/files?client=hall&{query}", f"{first(running)}?{query}", f"/files/2.jpg?{query}"):
        assert size_of(running.get(path)) == size


def test_the_parameters_go_together_with_client_and_album(small: Stage) -> None:
    running, _ = small
    dealt = [running.get("/files?client=hall&album=kitchen-dash&w=90&nonce=1") for _ in range(3)]
    assert {size_of(answer) for answer in dealt} == {(90, 60)}
    assert {answer.headers["Content-Location"] for answer in dealt} == {
        f"{photo.url}?w=90" for photo in running.service.sync.catalog.photos
    }
    assert {answer.headers["Cache-Control"] for answer in dealt} == {"no-store"}


def test_the_address_that_is_told_gives_the_same_picture(small: Stage) -> None:
    running, _ = small
    answer = running.get("/files?w=800&h=480&fit=cover&quality=60")
    again = running.get(answer.headers["Content-Location"])
    assert again.content == answer.content
    assert "Content-Location" not in again.headers
    named = running.get("/files/0.jpg?h=480&w=800")
    assert named.headers["Content-Location"] == f"{first(running)}?w=800&h=480"
    assert running.get(named.headers["Content-Location"]).headers["ETag"] == named.headers["ETag"]


def test_json_tells_the_address_of_the_picture_in_that_size(small: Stage) -> None:
    running, _ = small
    told = running.get("/files?format=json&w=90&h=90&fit=cover").json()
    assert told["url"] == f"/files/{told['id']}.jpg?w=90&h=90&fit=cover"
    assert (told["width"], told["height"]) == (WIDTH, HEIGHT)
    assert size_of(running.get(told["url"])) == (90, 90)


@pytest.mark.parametrize("path", ["/files?w=100", "photo"])
def test_head_tells_what_get_tells(small: Stage, path: str) -> None:
    running, _ = small
    path = f"{first(running)}?w=100" if path == "photo" else path
    head, get = running.request("HEAD", path), running.get(path)
    assert head.content == b""
    assert {**head.headers, "Date": ""} == {**get.headers, "Date": ""}
    assert int(head.headers["Content-Length"]) == len(get.content)


def test_a_photo_of_a_screen_without_parameters_is_what_the_nas_gave(small: Stage) -> None:
    running, _ = small
    for path in ("/files", first(running), f"{first(running)}?fit=cover&quality=1", "/files?quality=9&fit=contain"):
        assert running.get(path).content == rendition("xl")
    assert made(running) == 0


@pytest.mark.parametrize(
    "query",
    [
        "w=0",
        "w=3841",
        "h=-1",
        "w=",
        "w=800&h=",
        "w=1.5",
        "w=5&quality=0",
        "h=5&quality=96",
        "w=5&fit=blur",
        "quality=0",
    ],
)
@pytest.mark.parametrize("path", ["/files?", "/files?format=json&", "/files/0.jpg?"])
def test_what_has_no_meaning_is_told_even_to_a_screen(small: Stage, path: str, query: str) -> None:
    running, _ = small
    answer = running.get(path + query, headers={"Accept": "image/*"})
    assert answer.status_code == 400
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.headers.keys() & {"ETag", "Retry-After", "Content-Location"}
    assert answer.json()["error"].split()[0] in ("w", "h", "quality", "fit")
    assert answer.json()["next_step"]


def test_whatever_is_asked_for_has_an_answer() -> None:
    words = some.sampled_from(["cover", "contain"])
    hostile = some.none() | some.text(max_size=20) | some.integers(-5, 5000).map(str) | words

    @settings(max_examples=60, deadline=None)
    @given(some.fixed_dictionaries(dict.fromkeys(("w", "h", "fit", "quality"), hostile)))
    def ask(parameters: dict[str, str | None]) -> None:
        said = [f"{name}={quote(value)}" for name, value in parameters.items() if value is not None]
        answer = running.get(f"/files/0.jpg?{'&'.join(said)}")
        assert answer.status_code in (200, 400), (said, answer.content)
        if answer.status_code == 200:
            opened(answer.content)

    with service_on(library_of(1, width=90, height=60, picture=lambda size: rendition(size, 90, 60))) as (running, _):
        ask()


# what it is made from


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("w=240&h=240", "sm"),
        ("w=361&h=241", "m"),
        ("w=480&h=320&fit=cover", "m"),
        ("w=1921", "original"),
        ("w=2000", "original"),
    ],
)
def test_the_nas_is_asked_for_the_smallest_rendition_that_suffices(small: Stage, query: str, source: str) -> None:
    running, nas = small
    before = len(fetched(nas))
    size_of(running.get(f"{first(running)}?{query}"))
    assert fetched(nas)[before:] == [source]


def test_of_what_is_in_memory_a_size_is_made_without_the_nas(small: Stage) -> None:
    running, nas = small
    before = len(fetched(nas))
    assert size_of(running.get(f"{first(running)}?w=1920&h=1280&fit=cover")) == (1920, 1280)
    assert len(fetched(nas)) == before


def test_another_rendition_than_the_listed_one_is_not_kept(small: Stage) -> None:
    running, _ = small
    size_of(running.get(f"{first(running)}?w=2500"))
    sizes = running.call(lambda: sorted(key[2] for key in running.service.store.cache))
    assert sizes == ["original-2500x0-contain-85-1", "xl", "xl", "xl"]


def test_no_original_is_asked_for_where_it_is_no_jpeg_or_not_given() -> None:
    with service_on(library_of(1, filename="0.HEIC")) as (running, nas):
        answer = running.get(f"{first(running)}?w=3000")
        assert size_of(answer) == (1920, 1280)
        assert "ETag" in answer.headers
        assert set(fetched(nas)) == {"xl"}
    with canary_nas(library=library_of(1)) as nas:
        share(nas)
        with Running(link_settings(nas)) as running:
            running.wait_filled()
            assert size_of(running.get(f"{first(running)}?w=3000")) == (1920, 1280)
            assert set(fetched(nas)) == {"xl"}


def test_a_link_that_allows_downloads_gives_the_original() -> None:
    with canary_nas(library=library_of(1)) as nas:
        share(nas, privacy="public-download")
        with Running(link_settings(nas)) as running:
            running.wait_filled()
            assert size_of(running.get(f"{first(running)}?w=3000")) == (3000, 2000)


def test_a_rendition_that_is_not_ready_is_not_asked_for() -> None:
    with service_on(library_of(1, thumbnails={**BROKEN, "m": "ready", "xl": "ready"})) as (running, nas):
        assert size_of(running.get(f"{first(running)}?w=90")) == (90, 60)
        assert fetched(nas) == ["xl", "m"]


def test_originals_that_are_refused_cost_no_screen_its_picture(small: Stage) -> None:
    running, nas = small
    nas.fault(error(804), api=DOWNLOAD)
    for photo in running.service.sync.catalog.photos:
        for _ in range(2):
            answer = running.get(f"{photo.url}?w=2500")
            assert size_of(answer) == (1920, 1280)
            assert answer.headers["Cache-Control"] == "no-store"  # a better one may come
            assert "ETag" not in answer.headers
    assert made(running) == 3
    assert running.get("/readyz").json() == {"status": "ok"}


# what it costs


def test_what_was_made_is_not_made_again(small: Stage) -> None:
    running, _ = small
    queries = ("w=90&h=90", "h=90&w=90&x=1", "w=90&h=90&fit=contain")
    answers = [running.get(f"{first(running)}?{query}") for query in queries]
    assert len({answer.content for answer in answers}) == 1
    assert made(running) == 1
    running.get(f"{first(running)}?w=90&h=90&quality=84")
    assert made(running) == 2


@pytest.mark.parametrize("tag", ["W/{tag}", "{tag}", '"a", W/{tag}', "*"])
def test_a_client_that_has_it_costs_neither_work_nor_a_call(small: Stage, tag: str) -> None:
    running, nas = small
    path = f"{first(running)}?w=240&h=160"
    etag = f'"{running.service.sync.catalog.photos[0].etag[1:-1].removesuffix("xl")}sm-240x160-contain-85-1"'
    nas.stop()
    before = running.stats()
    for method in ("GET", "HEAD"):
        answer = running.request(method, path, headers={"If-None-Match": tag.format(tag=etag)})
        assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, f"W/{etag}", b"")
    assert [running.stats()[name] for name in ("hits", "misses")] == [before[name] for name in ("hits", "misses")]
    assert made(running) == 0


def test_each_size_of_a_photo_has_a_tag_of_its_own(small: Stage) -> None:
    running, _ = small
    paths = [f"{first(running)}{query}" for query in ("", "?w=90", "?h=60", "?w=90&quality=9", "?w=9&h=9&fit=cover")]
    tags = [running.get(path).headers["ETag"] for path in paths]
    assert len(set(tags)) == len(tags)
    for path, tag in zip(paths, tags[1:] + tags[:1], strict=True):
        assert running.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_two_servers_of_one_nas_give_the_same_bytes_and_tags(small: Stage) -> None:
    running, nas = small
    with Running(settings_for(nas, photo_size="m")) as other:
        other.wait_ready()
        for query in ("w=90", "w=800&h=480&fit=cover", "w=2500&quality=30"):
            one, two = (server.get(f"{first(running)}?{query}") for server in (running, other))
            assert (one.headers["ETag"], one.content) == (two.headers["ETag"], two.content)


def test_many_that_ask_for_one_size_wait_for_one_picture(small: Stage) -> None:
    running, nas = small
    before = len(fetched(nas))
    with held_up(running):
        crowd = Crowd(running, [f"{first(running)}?w=240"] * 12)
        crowd.arrived(12)
    assert {size_of(answer) for answer in crowd.answers()} == {(240, 160)}
    assert made(running) == 1
    assert fetched(nas)[before:] == ["sm"]


def test_a_full_queue_asks_for_patience(small: Stage) -> None:
    running, _ = small
    running.get(f"{first(running)}?w=99")
    with held_up(running):
        crowd = Crowd(running, [f"{first(running)}?w={100 + number}" for number in range(MOST_WAITING)])
        wait_until(lambda: running.service.sizes.waiting == MOST_WAITING)
        refused = running.get(f"{first(running)}?w=98")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
        assert "resized" in refused.json()["error"]
        shown = running.get("/files?w=98", headers={"Accept": "image/*"})
        assert (shown.status_code, opened(shown.content).size) == (503, (1280, 800))  # which waits for nothing
        assert running.get(f"{first(running)}?w=99").status_code == 200  # which is in memory
        assert running.get("/files").status_code == 200
    assert {size_of(answer)[0] for answer in crowd.answers()} == set(range(100, 100 + MOST_WAITING))
    assert size_of(running.get(f"{first(running)}?w=98")) == (98, 65)


def test_the_next_picture_of_a_screen_is_made_ahead(small: Stage) -> None:
    running, _ = small
    for count in range(2, 4):  # of three photos
        running.get("/files?client=hall&w=90")
        wait_until(lambda count=count: made(running) == count)  # type: ignore[misc]
    told = running.get("/files?client=desk&format=json&w=80").json()
    wait_until(lambda: made(running) == 4)
    idle(running)
    size_of(running.get(told["url"]))
    assert made(running) == 4


def test_nothing_is_made_ahead_while_another_picture_is_made(small: Stage) -> None:
    running, _ = small
    sizes, (photo, other, _) = running.service.sizes, running.service.sync.catalog.photos
    with held_up(running):
        crowd = Crowd(running, [f"{photo.url}?w=90"])
        wait_until(lambda: sizes.waiting == 1)
        running.call(lambda: sizes.make_ahead(other, Fit(80, 0)))
        assert sizes.waiting == 1
    assert size_of(crowd.answers()[0]) == (90, 60)
    idle(running)
    running.call(lambda: sizes.make_ahead(other, Fit(80, 0)))
    wait_until(lambda: made(running) == 2)


def test_nothing_is_made_ahead_of_a_photo_that_cannot_be_had(small: Stage) -> None:
    running, nas = small
    service = running.service
    nas.stop()
    running.look()

    def begun(photo: Photo) -> int:
        service.sizes.make_ahead(photo, Fit(80, 0))
        return service.sizes.waiting

    gone, held, _ = service.sync.catalog.photos
    running.call(lambda: service.store.cache.discard(gone.key))
    assert running.call(lambda: begun(gone)) == 0
    assert running.call(lambda: begun(held)) == 1


def test_what_was_sent_is_held_by_nobody(small: Stage) -> None:
    running, _ = small
    for path in (f"{first(running)}?w=90", f"{first(running)}?w=2500", "/files?w=80", "/files?w=70&format=json"):
        for method in ("GET", "HEAD"):
            running.request(method, path)
    wait_until(lambda: not running.service.traffic.active)
    idle(running)
    cache = running.service.store.cache
    running.call(lambda: [cache.discard(key) for key in list(cache)])
    assert running.call(lambda: cache.bytes) == 0


@pytest.mark.parametrize("has_landed", [False, True])
def test_who_leaves_while_a_picture_is_made_holds_nothing(small: Stage, has_landed: bool) -> None:
    running, _ = small
    sizes, photo = running.service.sizes, running.service.sync.catalog.photos[0]

    async def ask_and_leave() -> None:
        visit = asyncio.ensure_future(sizes.get(photo, Fit(90, 60)))
        await asyncio.sleep(0)
        (flight,) = sizes._flights.values()
        if has_landed:
            flight.landed.add_done_callback(lambda _: visit.cancel())
        else:
            visit.cancel()
        await asyncio.wait([visit])
        assert visit.cancelled()

    running.call(ask_and_leave)
    idle(running)
    assert made(running) == 1
    assert not running.service.store.cache._lent


def test_what_leaves_no_room_is_told() -> None:
    with service_on(library_of(1), max_cache_bytes=len(rendition("xl")) + 1000) as (running, _):
        store, photo = running.service.store, running.service.sync.catalog.photos[0]
        running.call(lambda: store.hold(photo))  # as if it were being sent
        answer = running.get(f"{photo.url}?w=1900")
        assert answer.status_code == 503
        assert "--max-cache" in answer.json()["next_step"]
        running.call(lambda: store.release(photo))
        assert size_of(running.get(f"{photo.url}?w=1900")) == (1900, 1267)


# while the NAS is away


def test_while_the_nas_is_away_a_size_is_made_of_what_is_held(small: Stage) -> None:
    running, nas = small
    nas.stop()
    answer = running.get(f"{first(running)}?w=240")
    assert size_of(answer) == (240, 160)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    dealt = [running.get("/files?w=2500") for _ in range(6)]
    assert {size_of(answer) for answer in dealt} == {(1920, 1280)}
    assert len({answer.headers["Content-Location"] for answer in dealt}) == 3


def test_what_was_made_of_another_rendition_is_made_once_and_held_by_nobody(small: Stage) -> None:
    running, nas = small
    nas.stop()
    assert len({running.get(f"{first(running)}?w=240").content for _ in range(3)}) == 1
    assert made(running) == 1
    wait_until(lambda: not running.service.traffic.active)
    assert not running.service.store.cache._lent


def test_where_nothing_is_held_the_best_rendition_is_waited_for(small: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    running, nas = small
    monkeypatch.setattr("photosync.sizes._PATIENCE_SECONDS", 0.0)
    photo = running.service.sync.catalog.photos[0]
    running.call(lambda: running.service.store.cache.discard(photo.key))
    before = len(fetched(nas))
    answer = running.get(f"{photo.url}?w=240")
    assert size_of(answer) == (240, 160)
    assert "ETag" in answer.headers
    assert fetched(nas)[before:] == ["sm"]


def test_while_the_nas_is_away_no_size_costs_more_than_the_room_of_one_picture() -> None:
    limit = 14 * len(rendition("xl"))
    with service_on(library_of(12), max_cache_bytes=limit) as (running, nas):
        nas.stop()
        running.look()
        for width in range(1700, 1730):
            assert size_of(running.get(f"/files?w={width}"))[0] == width
            idle(running)
        assert len(running.service.store.held) >= 10  # one for the picture that is sent, one for that made ahead


def test_a_slow_nas_keeps_nobody_waiting_for_a_better_rendition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.sizes._PATIENCE_SECONDS", 0.05)
    go = threading.Event()
    with service_on(library_of(3), timeout_seconds=60.0) as (running, nas):
        nas.fault(hold(go), api=THUMBNAIL)
        try:
            assert size_of(running.get("/files?w=240")) == (240, 160)
        finally:
            go.set()


def test_a_rendition_that_comes_late_is_there_for_those_who_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.sizes._PATIENCE_SECONDS", 0.05)
    go = threading.Event()
    with service_on(library_of(3), timeout_seconds=60.0) as (running, nas):
        nas.fault(hold(go), api=THUMBNAIL)
        path, store = f"{first(running)}?w=240", running.service.store
        number = running.service.sync.catalog.photos[0].id
        try:
            early = [running.get(path) for _ in range(3)]
            assert {size_of(answer) for answer in early} == {(240, 160)}
            assert {answer.headers["Cache-Control"] for answer in early} == {"no-store"}
        finally:
            go.set()
        wait_until(lambda: "sm-240x0-contain-85-1" in keys_of(running, number))
        answer = running.get(path)
        assert "ETag" in answer.headers
        assert fetched(nas).count("sm") == 1
        wait_until(lambda: running.call(lambda: not store.cache._lent and not running.service.sizes._late))
        assert "sm" not in keys_of(running, number)


def test_a_rendition_that_never_comes_is_not_waited_for_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.sizes._PATIENCE_SECONDS", 0.05)
    go = threading.Event()
    with service_on(library_of(1), timeout_seconds=60.0) as (running, nas):
        nas.fault(hold(go), api=THUMBNAIL)
        assert size_of(running.get(f"{first(running)}?w=240")) == (240, 160)
        assert running.call(lambda: len(running.service.sizes._late)) == 1
        nas.stop()
        go.set()
        wait_until(lambda: running.call(lambda: not running.service.sizes._late))
        assert size_of(running.get(f"{first(running)}?w=240")) == (240, 160)


def test_the_pictures_that_say_what_is_wrong_have_the_size_too() -> None:
    with canary_nas() as nas:
        nas.stop()
        with Running(settings_for(nas)) as running:
            answer = running.get("/files?w=300&h=300&fit=cover", headers={"Accept": "image/*"})
        assert answer.status_code == 503
        assert opened(answer.content).size == (300, 188)  # all of it


def test_the_pictures_that_say_what_is_wrong_are_made_once_for_each_size() -> None:
    with canary_nas() as nas:
        nas.stop()
        with Running(settings_for(nas)) as running:
            running.wait_for("/readyz", lambda answer: answer.json()["status"] == "nas_down")
            for width in (300, 200, 300, 200):
                answer = running.get(f"/files?w={width}", headers={"Accept": "image/*"})
                assert opened(answer.content).width == width
            assert made(running) == 2
            for width in range(100, 140):
                running.get(f"/files?w={width}", headers={"Accept": "image/*"})
            assert running.call(lambda: len(running.service.sizes._notices)) == 16


# photos that are no pictures


def test_what_cannot_be_resized_is_told_and_left_out(small: Stage) -> None:
    running, nas = small
    broken = {0: claiming(rendition("xl"), 60_000, 60_000), 1: rendition("xl")[:300] + b"\xff\xd9"}
    items = nas.library.album("kitchen-dash").items
    for number, data in broken.items():
        items[number].picture = lambda size, data=data: data  # type: ignore[misc]
        nas.library.edit(items[number])
    running.look()
    told = [running.get(f"/files/{number}.jpg?w=800") for number in broken]
    assert [answer.status_code for answer in told] == [502, 502]
    assert "3600 million pixels" in told[0].json()["error"]
    assert "cannot be decoded" in told[1].json()["error"]
    for _ in range(4):
        assert running.get("/files?w=800").headers["Content-Location"] == f"/files/{items[2].id}.jpg?w=800"


def test_what_cannot_be_resized_is_tried_once(small: Stage) -> None:
    running, nas = small
    (item, *_) = nas.library.album("kitchen-dash").items
    item.picture = lambda size: rendition(size)[:300] + b"\xff\xd9"
    nas.library.edit(item)
    running.look()
    running.wait_filled()
    path = f"/files/{item.id}.jpg?w=2500"
    answers = [running.get(path)]
    tried = fetched(nas)
    with held_up(running):
        answers += [running.get(path) for _ in range(2)]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].status_code == 502
    assert fetched(nas) == tried
    nas.library.edit(item)
    item.picture = rendition
    running.look()
    assert size_of(running.get(path)) == (2500, 1667)


def test_no_more_than_some_of_what_cannot_be_resized_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.sizes._MOST_UNUSABLE", 3)
    with service_on(library_of(1, picture=lambda size: rendition(size)[:300] + b"\xff\xd9")) as (running, _):
        for width in (10, 20, 30, 40, 50):
            assert running.get(f"{first(running)}?w={width}").status_code == 502
        assert running.call(lambda: len(running.service.sizes._unusable)) == 3


def test_too_little_memory_is_not_remembered(small: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    running, _ = small
    path = f"{first(running)}?w=90"
    with monkeypatch.context() as patch:
        patch.setattr("PIL.JpegImagePlugin.JpegImageFile.load_prepare", full)
        assert running.get(path).status_code == 502
    assert running.get(path).status_code == 200


def test_head_leaves_out_what_get_leaves_out() -> None:
    library = library_of(12)
    for item in library.album("kitchen-dash").items[:7]:
        item.picture = lambda size: rendition(size)[:300] + b"\xff\xd9"
    with service_on(library) as (running, _):
        for screen in range(4):
            head, get = (running.request(method, f"/files?client={screen}&w=90") for method in ("HEAD", "GET"))
            assert (head.status_code, get.status_code) == (200, 200)
            assert head.headers["Content-Location"] == get.headers["Content-Location"]


def test_a_photo_that_had_to_wait_for_others_is_not_lost_for_the_round() -> None:
    with service_on(library_of(12, picture=lambda size: rendition(size, 90, 60))) as (running, _):
        with held_up(running):
            crowd = Crowd(running, [f"{first(running)}?w={1 + number}" for number in range(MOST_WAITING)])
            wait_until(lambda: running.service.sizes.waiting == MOST_WAITING)
            for method in ("GET", "GET", "HEAD", "GET", "GET"):
                assert running.request(method, "/files?client=hall&w=20").status_code == 503
        crowd.answers()
        dealt = [running.get("/files?client=hall&w=20").headers["Content-Location"] for _ in range(12)]
        assert len(set(dealt)) == 12


def test_what_was_not_foreseen_is_told_and_logged(
    small: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running, _ = small

    def failing(*_: object) -> bytes:
        raise LookupError("unheard of")

    with monkeypatch.context() as broken:
        broken.setattr("photosync.resize.resized", failing)
        answer = running.get(f"{first(running)}?w=90")
    assert answer.status_code == 502
    assert "LookupError" in answer.json()["error"]
    assert "unheard of" in caplog.text
    assert size_of(running.get(f"{first(running)}?w=90")) == (90, 60)


def test_when_no_photo_can_be_resized_it_is_told() -> None:
    flat = library_of(3, picture=lambda size: claiming(rendition(size), 60_000, 60_000))
    with service_on(flat) as (running, _):
        answer = running.get("/files?w=800")
        assert answer.status_code == 502
        assert "million pixels" in answer.json()["error"]
        assert running.get("/files").status_code == 200


# what is kept, and for how long


def keys_of(running: Running, number: int) -> set[str]:
    return running.call(lambda: {key[2] for key in running.service.store.cache if key[0] == number})  # type: ignore[no-any-return]


@pytest.mark.parametrize("change", [Library.delete, Library.edit])
def test_with_a_photo_go_the_pictures_that_were_made_of_it(
    small: Stage, change: Callable[[Library, Item], None]
) -> None:
    running, nas = small
    gone, stays = running.service.sync.catalog.photos[:2]
    for photo in (gone, stays):
        size_of(running.get(f"{photo.url}?w=90"))
    before = running.get(f"{gone.url}?w=90").headers["ETag"]
    change(nas.library, nas.library.items[gone.id])
    running.look()
    assert "sm-90x0-contain-85-1" not in keys_of(running, gone.id)
    assert keys_of(running, stays.id) == {"xl", "sm-90x0-contain-85-1"}
    again = running.get(f"{gone.url}?w=90", headers={"If-None-Match": before})
    assert again.status_code == (404 if change is Library.delete else 200)


def test_a_picture_of_a_photo_that_left_while_it_was_made_is_not_kept(small: Stage) -> None:
    running, nas = small
    photo = running.service.sync.catalog.photos[0]
    with held_up(running):
        crowd = Crowd(running, [f"{photo.url}?w=90"])
        wait_until(lambda: running.service.sizes.waiting == 1)
        nas.library.delete(nas.library.items[photo.id])
        running.look()
    crowd.answers()
    idle(running)
    wait_until(lambda: keys_of(running, photo.id) == set())


def test_what_was_made_outlives_a_restart_without_the_nas(tmp_path: Path) -> None:
    with canary_nas(library=library_of(3)) as nas:
        changes = settings_for(nas, state_dir=tmp_path)
        with Running(changes) as running:
            running.wait_filled()
            path = f"{first(running)}?w=240"
            before = running.get(path)
            wait_until(lambda: len(list((tmp_path / "photos").glob("*-sm-240x0-contain-85-1.*.jpg"))) == 1)
            wait_until(lambda: running.stats()["disk"]["entries"] == 4)
        nas.stop()
        with Running(changes) as running:
            running.wait_ready()
            again = running.get(path)
            assert (again.content, again.headers["ETag"]) == (before.content, before.headers["ETag"])
            assert made(running) == 0
            assert size_of(running.get("/files?w=90")) == (90, 60)


def test_what_was_made_leaves_the_disk_with_its_photo(tmp_path: Path) -> None:
    with service_on(library_of(2), state_dir=tmp_path) as (running, nas):
        size_of(running.get(f"{first(running)}?w=240"))
        wait_until(lambda: running.stats()["disk"]["entries"] == 3)
        nas.library.delete(nas.library.items[running.service.sync.catalog.photos[0].id])
        running.look()
        wait_until(lambda: running.stats()["disk"]["entries"] == 1)
        assert len(list((tmp_path / "photos").glob("*.jpg"))) == 1


def test_stopping_waits_for_nothing_that_is_made(small: Stage) -> None:
    running, _ = small
    running.call(lambda: running.service.sizes.make_ahead(running.service.sync.catalog.photos[0], Fit(90, 60)))
    running.stop()
    assert running.service.sizes.waiting == 0


def test_once_it_stops_nothing_more_is_resized(small: Stage, caplog: pytest.LogCaptureFixture) -> None:
    running, nas = small
    go = threading.Event()
    nas.fault(hold(go), api=THUMBNAIL)
    crowd = Crowd(running, [f"{first(running)}?w=240"])
    wait_until(lambda: nas.answering == 1)
    running.call(lambda: running.service.sizes.close(0.0))
    go.set()
    (answer,) = crowd.answers()
    assert answer.status_code == 503
    assert "stopping" in answer.json()["error"]
    assert made(running) == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# without Pillow, and before it is used


def test_without_pillow_a_501_names_the_extra_and_all_else_works(tmp_path: Path) -> None:
    code = "import sys; sys.modules['PIL'] = None; from photosync.__main__ import console; console()"
    with canary_nas() as nas, Process(nas.url, tmp_path, program=("-c", code)) as service:
        service.wait_ready()
        number = service.get("/files?format=json").json()["id"]
        for path in ("/files?w=800&h=480", f"/files/{number}.jpg?w=800", "/files?format=json&h=1"):
            answer = service.get(path, headers={"Accept": "image/*"})
            assert answer.status_code == 501
            assert "Retry-After" not in answer.headers
            assert "In the environment of photos-sync, run: pip install Pillow" in answer.json()["next_step"]
        assert service.get("/files").headers["Content-Type"] == "image/jpeg"
        assert service.get("/files?w=0").status_code == 400


def test_pillow_costs_nothing_before_a_size_is_asked_for(tmp_path: Path) -> None:
    with canary_nas(library=library_of(1)) as nas, Process(nas.url, tmp_path) as service:
        service.wait_ready()
        maps = Path(f"/proc/{service.pid}/maps")
        service.get("/files")
        assert "_imaging" not in maps.read_text()
        assert size_of(service.get("/files?w=90")) == (90, 60)
        assert "_imaging" in maps.read_text()
