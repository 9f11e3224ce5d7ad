"""Group B: listings that fail, shrink or never end."""

from __future__ import annotations

import gc
import itertools
import json
import logging
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Running, canary_nas, settings_for
from guest import ALBUM, ITEM, THUMBNAIL, guest_of

from photosync import fakenas
from photosync.catalog import Catalog
from photosync.fakenas import Fault, Library

MOST_BYTES_OF_A_PHOTO = 550


def test_b3_an_album_that_shrinks_is_believed_at_once_without_a_storm(caplog: pytest.LogCaptureFixture) -> None:
    with canary_nas(library=Library.synthetic(20)) as nas, Running(settings_for(nas)) as running:
        running.wait_for("/cache/stats", lambda response: response.json()["entries"] == 20)
        album = nas.library.album("kitchen-dash")
        for item in album.items[2:]:
            nas.library.delete(item)
        with caplog.at_level(logging.INFO, "photosync"):
            running.look()
            nas.library.bump(album)
            running.look()
        stats = running.stats()
        assert (stats["photos"], stats["entries"]) == (2, 2)
        assert nas.count(THUMBNAIL) == 20  # nothing was fetched again
        shown = {running.get("/files").headers["Content-Location"] for _ in range(6)}
        assert shown == {f"/files/{item.id}.jpg" for item in album.items}
    assert len([record for record in caplog.records if "in the album" in record.message]) == 1


@pytest.mark.parametrize(
    ("make", "times"),
    [(fakenas.html, 1), (lambda: fakenas.json_body('{"success":tr'), 1), (lambda: fakenas.cut(300), 2)],
    ids=["html", "half JSON", "cut twice"],
)
def test_b4_whichever_call_of_a_look_fails_it_is_the_whole_listing_or_none(
    make: Callable[[], Fault], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photosync.nas._PAGE_ROWS", 3)
    with canary_nas(library=Library.synthetic(6)) as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        for skip in itertools.count():
            before = running.get("/files/list").json()
            added = nas.library.add(nas.library.album("kitchen-dash"))
            failing = nas.fault(make(), api=ALBUM if skip == 0 else ITEM, skip=max(0, skip - 1), times=times)
            running.look()
            nas.clear_faults()
            if failing.hits == 0:
                break
            assert running.stats()["last_error"]
            assert running.get("/files/list").json() == before
            running.look()
            assert running.stats()["last_error"] is None
            assert set(running.get("/files/list").json()) == {*before, added.filename}
            assert skip < 20
        assert skip >= 4  # the state of the album, and three pages at least


def test_b6_a_large_listing_is_read_on_worker_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: dict[str, set[str]] = {"parse": set(), "build": set()}
    parse, build = json.loads, Catalog.build

    def parsing(text: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(text, bytes) and b"cache_key" in text:
            threads["parse"].add(threading.current_thread().name)
        return parse(text, *arguments, **options)

    def building(*arguments: Any, **options: Any) -> Catalog:
        threads["build"].add(threading.current_thread().name)
        return build(*arguments, **options)

    monkeypatch.setattr(json, "loads", parsing)
    monkeypatch.setattr(Catalog, "build", building)
    with canary_nas(library=Library.synthetic(2500)) as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        assert running.stats()["photos"] == 2500
    for names in threads.values():
        assert {name.partition("_")[0] for name in names} == {"nas"}


def test_b6_a_photo_of_the_catalog_costs_little_memory() -> None:
    count = 4000
    with guest_of(Library.synthetic(count)) as guest:
        guest.client.list_albums()
        gc.collect()
        tracemalloc.start()
        try:
            catalog = Catalog.build(guest.photos(), {})
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(catalog.photos) == count
    assert held / count < MOST_BYTES_OF_A_PHOTO


def test_b7_a_listing_without_end_is_given_up_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.session._JSON_LIMIT_BYTES", 500_000)
    with canary_nas(library=Library.synthetic(4)) as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        nas.library.add(nas.library.album("kitchen-dash"))
        nas.fault(fakenas.endless("application/json"), api=ITEM)
        running.look()
        assert "larger than 0.5 MB" in running.stats()["last_error"]
        assert running.stats()["photos"] == 4
        nas.clear_faults()
        running.look()
        assert running.stats()["photos"] == 5
