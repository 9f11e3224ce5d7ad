"""The degrees of failure: what each is called everywhere, and what a screen is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from conftest import Running, canary_nas, settings_for
from prometheus_client.parser import text_string_to_metric_families

from photosync.degree import Degree
from photosync.fakenas import FakeNas, Library, error, hang, hold, html, status
from photosync.notices import notice
from photosync.settings import Secret

ITEMS = "SYNO.Foto.Browse.Item"
ALBUM = "SYNO.Foto.Browse.Album"
THUMBNAIL = "SYNO.Foto.Thumbnail"
IMAGE = {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"}
CACHE_STATUS = "photos-sync; hit; detail=stale"
ANSWERS_OF_PHOTOS = ("/files", "/files?format=json", "/files/list", "/files/list?details=1")

Scene = Callable[[], AbstractContextManager[Running]]


@contextmanager
def service(nas: FakeNas, words: str, **changes: Any) -> Iterator[Running]:
    """The service, once /readyz says these words."""
    with Running(settings_for(nas, **changes)) as running:
        running.wait_for("/readyz", lambda response: words in response.text)
        yield running


@contextmanager
def faulty(words: str, fault: Any, **where: Any) -> Iterator[Running]:
    with canary_nas(library=Library.synthetic(6)) as nas:
        nas.fault(fault, **where)
        with service(nas, words) as running:
            yield running


@contextmanager
def being_listed() -> Iterator[Running]:
    barrier = threading.Event()
    with faulty("first time", hold(barrier), api=ITEMS) as running:
        yield running
        barrier.set()


@contextmanager
def off() -> Iterator[Running]:
    with canary_nas() as nas:
        nas.stop()
        with service(nas, "refused") as running:
            yield running


@contextmanager
def too_slow() -> Iterator[Running]:
    with canary_nas() as nas:
        nas.fault(hang())
        with service(nas, "0.3 seconds", timeout_seconds=0.3) as running:
            yield running


@contextmanager
def few_photos_all_ill() -> Iterator[Running]:
    """So few that they do not speak for the NAS."""
    with canary_nas(library=Library.synthetic(2)) as nas:
        nas.fault(status(500), api=THUMBNAIL)
        with service(nas, "nas_down") as running:  # a second after its first failure each is tried again
            quarantine = running.service.store.health.quarantine
            photos = running.service.sync.catalog.photos
            running.wait_for("/files", lambda _: all(quarantine.wait_seconds(photo.key) > 60 for photo in photos))
            yield running


@contextmanager
def wrong_password() -> Iterator[Running]:
    with canary_nas() as nas, service(nas, "password", password=Secret("not it")) as running:
        yield running


@contextmanager
def no_such_album() -> Iterator[Running]:
    with canary_nas() as nas, service(nas, "kitchen-dush", albums=("kitchen-dush",)) as running:
        yield running


@contextmanager
def two_albums_of_one_name() -> Iterator[Running]:
    library = Library.synthetic(2)
    library.add(library.new_album("kitchen-dash"))
    with canary_nas(library=library) as nas, service(nas, "There are 2 albums") as running:
        yield running


@contextmanager
def album_without_items() -> Iterator[Running]:
    library = Library()
    library.new_album("kitchen-dash")
    with canary_nas(library=library) as nas, service(nas, "album is empty") as running:
        yield running


@contextmanager
def album_of_videos() -> Iterator[Running]:
    library = Library()
    library.add(library.new_album("kitchen-dash"), type="video")
    with canary_nas(library=library) as nas, service(nas, "1 video") as running:
        yield running


WITHOUT_PHOTOS: Mapping[str, tuple[Scene, Degree, int]] = {
    "being listed": (being_listed, Degree.STARTING, 503),
    "off": (off, Degree.NAS_DOWN, 503),
    "too slow": (too_slow, Degree.NAS_DOWN, 504),
    "starting itself": (lambda: faulty("just starting", error(117)), Degree.NAS_DOWN, 503),
    "answers with a page": (lambda: faulty('"nas_down"', html()), Degree.NAS_DOWN, 502),
    "gives no pictures": (lambda: faulty("HTTP status 500", status(500), api=THUMBNAIL), Degree.NAS_DOWN, 503),
    "few photos, all ill": (few_photos_all_ill, Degree.NAS_DOWN, 503),
    "wrong password": (wrong_password, Degree.AUTH, 502),
    "no right to Synology Photos": (lambda: faulty('"auth"', error(105), api=ALBUM), Degree.AUTH, 502),
    "no such album": (no_such_album, Degree.ALBUM, 503),
    "two albums of one name": (two_albums_of_one_name, Degree.ALBUM, 503),
    "album not open to the account": (lambda: faulty('"album"', error(642), api=ITEMS), Degree.ALBUM, 502),
    "album without items": (album_without_items, Degree.EMPTY, 503),
    "album of videos": (album_of_videos, Degree.EMPTY, 503),
}


def told(running: Running) -> set[str]:
    """The words of /readyz, /cache/stats and /metrics."""
    return {running.get("/readyz").json()["status"], running.stats()["status"], *from_metrics(running)}


def from_metrics(running: Running) -> set[str]:
    """The words whose sample is 1."""
    families = text_string_to_metric_families(running.get("/metrics").text)
    samples = [one for family in families if family.name == "photosync_status" for one in family.samples]
    assert {one.labels["status"] for one in samples} == set(Degree)
    return {one.labels["status"] for one in samples if one.value}


@pytest.mark.parametrize("scene", WITHOUT_PHOTOS)
def test_a_service_without_photos_says_why_in_one_word_and_in_a_picture(scene: str) -> None:
    start, degree, status_code = WITHOUT_PHOTOS[scene]
    with start() as running:
        assert told(running) == {degree}
        ready = running.get("/readyz")
        assert ready.status_code == 503
        assert ready.json().keys() == {"status", "error", "next_step"}
        assert int(ready.headers["Retry-After"]) >= 1

        shown = running.get("/files", headers=IMAGE)
        assert shown.status_code == status_code
        assert shown.headers["Content-Type"] == "image/jpeg"
        assert shown.content == notice(degree)
        head = running.request("HEAD", "/files", headers=IMAGE)
        assert (head.status_code, head.content) == (status_code, b"")
        assert head.headers.keys() == shown.headers.keys()
        assert head.headers["Content-Length"] == str(len(shown.content))

        read = running.get("/files", headers={"Accept": "*/*"})
        assert read.status_code == status_code
        assert read.json() == {name: ready.json()[name] for name in ("error", "next_step")}
        for answer in (shown, head, read):
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Vary"] == "Accept"
            assert not answer.headers.keys() & {"ETag", "Content-Location", "Cache-Status"}

        asked = running.get("/files?format=json", headers=IMAGE)
        assert (asked.status_code, asked.json()) == (status_code, read.json())
        assert "Vary" not in asked.headers


@contextmanager
def filled(count: int = 6) -> Iterator[tuple[FakeNas, Running]]:
    """The service with the whole album in memory."""
    with canary_nas(library=Library.synthetic(count)) as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        yield nas, running


def answers_of_photos(running: Running) -> list[Any]:
    url = running.get("/files?format=json").json()["url"]
    tag = {"If-None-Match": "*"}
    answers = [running.get(path) for path in (*ANSWERS_OF_PHOTOS, url, url + "?long")]
    answers += [running.request("HEAD", path) for path in (*ANSWERS_OF_PHOTOS, url)]
    return answers + [running.get(path, headers=tag) for path in ("/files/list", url, url + "?long")]


def test_while_all_is_well_nothing_is_marked() -> None:
    with filled() as (_, running):
        assert told(running) == {Degree.OK}
        assert running.get("/readyz").json() == {"status": "ok"}
        for answer in answers_of_photos(running):
            assert answer.status_code in (200, 304)
            assert not answer.headers.keys() & {"Cache-Status", "Vary"}


def failed_listing(nas: FakeNas) -> None:
    nas.fault(html(), api=ALBUM)


def suddenly_empty(nas: FakeNas) -> None:
    album = nas.library.album("kitchen-dash")
    for item in list(album.items):
        nas.library.remove(album, item)


@pytest.mark.parametrize("trouble", [FakeNas.stop, failed_listing, suddenly_empty])
def test_answers_from_an_old_catalog_are_photos_and_say_that_they_are_stale(trouble: Callable[[FakeNas], None]) -> None:
    with filled() as (nas, running):
        trouble(nas)
        running.look()
        assert told(running) == {Degree.STALE}
        ready = running.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["error"] + " " + ready.json()["next_step"] == running.stats()["last_error"]
        answers = answers_of_photos(running)
        assert {answer.status_code for answer in answers} == {200, 304}
        assert {answer.headers.get("Cache-Status") for answer in answers} == {CACHE_STATUS}
        assert running.get("/files", headers=IMAGE).content not in {notice(degree) for degree in without_photos()}


def without_photos() -> set[Degree]:
    return set(Degree) - {Degree.OK, Degree.STALE}


def test_what_is_no_photo_is_never_marked_as_stale() -> None:
    with filled() as (nas, running):
        nas.stop()
        running.look()
        for path in ("/files/1.jpg", "/nowhere", "/readyz", "/cache/stats", "/healthz", "/metrics", "/"):
            assert "Cache-Status" not in running.get(path).headers


def test_the_word_goes_through_its_degrees_and_back() -> None:
    with canary_nas(library=Library.synthetic(6)) as nas:
        nas.stop()
        with service(nas, "nas_down") as running:
            nas.start()
            running.wait_ready()
            running.wait_filled()
            assert told(running) == {Degree.OK}
            nas.stop()
            running.look()
            assert told(running) == {Degree.STALE}
            nas.start()
            running.wait_for("/readyz", lambda response: response.json()["status"] == "ok")
            assert "Cache-Status" not in running.get("/files").headers


def test_once_a_photo_can_be_had_screens_see_no_notice_any_more() -> None:
    """One photo in memory, all others refused, then the NAS off: it is shown again and again."""
    with canary_nas(library=Library.synthetic(6)) as nas:
        kept = nas.library.album("kitchen-dash").items[0]
        for item in nas.library.album("kitchen-dash").items[1:]:
            nas.fault(status(500), api=THUMBNAIL, item=item.unit_id)
        with Running(settings_for(nas)) as running:
            running.wait_for("/cache/stats", lambda response: response.json()["entries"] == 1)
            for _ in range(2):
                for _ in range(8):
                    shown = running.get("/files", headers=IMAGE)
                    assert (shown.status_code, shown.content) == (200, kept.data("xl"))
                nas.stop()
                running.look()
            assert told(running) == {Degree.STALE}


def test_a_client_is_told_to_come_back_when_the_nas_is_asked_again() -> None:
    with faulty("nas_down", status(503, headers={"Retry-After": "100"})) as running:
        for path in ("/files", "/files?format=json", "/files/list", "/files/1.jpg", "/readyz"):
            assert 80 <= int(running.get(path).headers["Retry-After"]) <= 100


def test_a_client_of_a_missing_album_is_told_when_it_is_looked_for_again() -> None:
    with no_such_album() as running:
        waits = []
        for _ in range(3):
            running.look()
            waits.append(int(running.get("/files").headers["Retry-After"]))
        assert waits == sorted(set(waits))
        assert waits[-1] > 10
