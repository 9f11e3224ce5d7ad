"""Each screen's next photo, over HTTP: its own deck, no photo twice in a round, never a black screen."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
import requests
from conftest import Running, canary_nas, settings_for

from photosync import screens
from photosync.errors import NasTimeout
from photosync.fakenas import FakeNas, Library, error, hang, hold, html

SMALL_CACHE_BYTES = 500_000  # room for about six of the sample photos


@pytest.fixture
def small(nas: FakeNas) -> Iterator[Running]:
    """The service with room for a few photos only, and nothing on its way."""
    with Running(settings_for(nas, max_cache_bytes=SMALL_CACHE_BYTES)) as running:
        running.wait_ready()
        running.wait_quiet()
        yield running


def number_of(response: requests.Response) -> int:
    assert response.status_code == 200, response.content
    location: str = response.headers["Content-Location"]
    return int(location.removeprefix("/files/").removesuffix(".jpg"))


def dealt(running: Running, client: str, count: int) -> list[int]:
    return [number_of(running.get(f"/files?client={client}")) for _ in range(count)]


def catalog_ids(running: Running) -> set[int]:
    return {photo["id"] for photo in running.get("/files/list?details=1").json()}


def held_ids(running: Running) -> set[int]:
    return running.call(lambda: {key[0] for key in running.service.store.cache})  # type: ignore[no-any-return]


def due_id(running: Running, client: str) -> int:
    """The photo that this client gets next, without asking for it."""
    service = running.service
    return running.call(lambda: service.screens.decks.deck(f"name {client}").upcoming(service.sync.catalog, 1)[0])  # type: ignore[no-any-return]


def client_whose_due_photo_is_not_here(running: Running) -> tuple[str, int]:
    for attempt in range(1000):
        client = f"screen{attempt}"
        number = due_id(running, client)
        if number not in held_ids(running):
            return client, number
    raise AssertionError("every photo is here")


def test_every_photo_comes_once_before_any_comes_again(running: Running) -> None:
    everything = catalog_ids(running)
    first, second = (dealt(running, "kitchen", len(everything)) for _ in range(2))
    assert set(first) == set(second) == everything
    assert first != second
    assert all(one != other for one, other in pairwise(first + second))


def test_two_screens_have_their_own_decks(running: Running) -> None:
    everything = catalog_ids(running)
    kitchen, hall = [], []
    for _ in everything:
        kitchen += dealt(running, "kitchen", 1)
        hall += dealt(running, "hall", 1)
    assert set(kitchen) == set(hall) == everything
    assert kitchen != hall


def test_without_a_name_the_address_is_the_client(running: Running) -> None:
    everything = catalog_ids(running)
    seen = {number_of(running.get("/files")) for _ in everything}
    assert seen == everything
    assert running.call(lambda: len(running.service.screens.decks)) == 1


def test_head_does_not_use_up_the_photo(running: Running) -> None:
    everything = catalog_ids(running)
    seen = []
    for _ in everything:
        announced = [number_of(running.request("HEAD", "/files?client=x")) for _ in range(2)]
        seen += dealt(running, "x", 1)
        assert announced == [seen[-1]] * 2
    assert set(seen) == everything


def test_the_next_photos_are_fetched_ahead_so_that_they_are_cache_hits(small: Running) -> None:
    cache = small.service.store.cache
    for _ in range(12):
        small.call(lambda: [cache.discard(key) for key in list(cache)])
        before = small.wait_quiet()
        dealt(small, "kitchen", 1)
        between = small.wait_quiet()
        dealt(small, "kitchen", 1)
        after = small.wait_quiet()
        assert (between["misses"], between["hits"]) == (before["misses"] + 1, before["hits"])
        assert (after["misses"], after["hits"]) == (between["misses"], between["hits"] + 1)


def test_with_the_nas_gone_the_photos_that_are_held_keep_coming(small: Running, nas: FakeNas) -> None:
    dealt(small, "kitchen", 3)
    small.wait_quiet()
    held = held_ids(small)
    assert 2 <= len(held) < len(catalog_ids(small))
    nas.stop()
    seen = dealt(small, "kitchen", 6 * len(held))
    assert set(seen) == held
    assert all(one != other for one, other in pairwise(seen))
    # Two rounds, and at most a part of another at either end, of the deck and of what is in memory.
    assert max(Counter(seen[-2 * len(held) :]).values()) <= 5


def test_with_the_nas_gone_a_new_screen_gets_photos_too(small: Running, nas: FakeNas) -> None:
    held = held_ids(small)
    nas.stop()
    assert set(dealt(small, "new", 2 * len(held))) <= held


def test_when_the_nas_is_back_all_photos_come_again(small: Running, nas: FakeNas) -> None:
    everything = catalog_ids(small)
    nas.stop()
    dealt(small, "kitchen", 3)
    nas.start()
    small.wait_for("/metrics", lambda response: _asked_again(small, nas, response))
    seen: set[int] = set()
    for _ in range(3 * len(everything)):
        seen |= set(dealt(small, "kitchen", 1))
        small.wait_quiet()
        if seen == everything:
            return
    raise AssertionError(f"{everything - seen} did not come again")


def _asked_again(running: Running, nas: FakeNas, _: requests.Response) -> bool:
    running.look()
    return running.stats()["last_error"] is None and not running.call(
        lambda: running.service.store.health.breaker.is_open
    )


@pytest.mark.parametrize("fault", [html(), error(642)], ids=["html", "gone"])
def test_if_the_due_photo_cannot_be_had_the_next_one_is_sent_and_the_missed_one_comes_back(
    small: Running, nas: FakeNas, fault: object
) -> None:
    client, due = client_whose_due_photo_is_not_here(small)
    installed = nas.fault(fault, item=nas.library.items[due].unit_id, times=1)  # type: ignore[arg-type]
    assert dealt(small, client, 1) != [due]
    assert installed.hits == 1
    photo = small.call(lambda: small.service.sync.catalog.by_id[due])
    small.wait_for("/readyz", lambda _: small.call(lambda: small.service.store.refusal(photo)) is None)
    assert due in dealt(small, client, 15)  # long before its next round


def test_a_photo_that_always_fails_keeps_no_other_from_coming(nas: FakeNas) -> None:
    bad = nas.library.album("kitchen-dash").items[4]
    nas.fault(html(), item=bad.unit_id)
    with Running(settings_for(nas)) as running:
        running.wait_ready()
        everything = catalog_ids(running)
        seen = Counter(dealt(running, "kitchen", 3 * (len(everything) - 1)))
    assert set(seen) == everything - {bad.id}
    assert set(seen.values()) == {3}


def test_a_photo_that_was_too_slow_before_keeps_no_other_from_its_turn() -> None:
    with canary_nas(library=Library.synthetic(12)) as nas:
        slow = nas.library.album("kitchen-dash").items[5]
        nas.fault(hang(), item=slow.unit_id)
        with Running(settings_for(nas, timeout_seconds=1.0)) as running:
            quarantine = running.service.store.health.quarantine
            running.wait_for("/cache/stats", lambda response: response.json()["entries"] == 11)
            running.wait_for("/cache/stats", lambda response: len(quarantine) == 1)
            (key,) = quarantine
            cause = quarantine.cause(key)
            assert isinstance(cause, NasTimeout)
            running.call(lambda: quarantine.failure(key, cause))  # for five minutes now
            others = catalog_ids(running) - {slow.id}
            for _ in range(3):
                assert set(dealt(running, "kitchen", 11)) == others


def test_a_removed_photo_is_never_dealt_again_and_an_added_one_comes_within_three(
    running: Running, nas: FakeNas
) -> None:
    album = nas.library.album("kitchen-dash")
    dealt(running, "kitchen", 5)
    gone = album.items[0]
    nas.library.remove(album, gone)
    running.look()
    everything = catalog_ids(running)
    assert gone.id not in everything
    assert set(dealt(running, "kitchen", 2 * len(everything))) == everything
    added = nas.library.add(album)
    running.look()
    assert added.id in dealt(running, "kitchen", 3)


def test_a_screen_that_waits_is_not_held_up_by_a_nas_that_takes_its_time(
    small: Running, nas: FakeNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert screens._PATIENCE_SECONDS <= 5
    monkeypatch.setattr(screens, "_PATIENCE_SECONDS", 0.2)
    client, due = client_whose_due_photo_is_not_here(small)
    go = threading.Event()
    nas.fault(hold(go), item=nas.library.items[due].unit_id)
    try:
        response = small.get(f"/files?client={client}")
    finally:
        go.set()
    assert number_of(response) != due
    assert response.elapsed.total_seconds() < 15  # of the twenty that the NAS is waited for


def test_before_anything_is_synced_there_is_a_reason_and_a_time_to_come_back(nas: FakeNas) -> None:
    nas.fault(html())
    with Running(settings_for(nas)) as running:
        response = running.get("/files")
        assert response.status_code in (502, 503)
        assert response.json()["error"]
        assert response.headers["Cache-Control"] == "no-store"


# Several albums

BOTH = ("Grandparents", "Anna's garden")


@pytest.fixture(params=["1.3", "1.9"])
def family(request: pytest.FixtureRequest) -> Iterator[tuple[Running, FakeNas]]:
    """Two albums, an own one and one shared with the account, and a smart one, on NASes of both eras."""
    with (
        canary_nas(era=request.param) as nas,
        Running(settings_for(nas, albums=(*BOTH, "Summer days"))) as running,
    ):
        running.wait_ready()
        running.wait_quiet()
        yield running, nas


def shown(nas: FakeNas, album: str) -> set[int]:
    return {item.id for item in nas.library.album(album).items if item.thumbnails.get("xl") == "ready"}


def dealt_of(running: Running, album: str, count: int, client: str = "kitchen") -> list[int]:
    return [number_of(running.get("/files", params={"client": client, "album": album})) for _ in range(count)]


def test_an_album_is_dealt_in_whole_rounds_of_its_own(family: tuple[Running, FakeNas]) -> None:
    running, nas = family
    for album in (*BOTH, "Summer days"):
        photos = shown(nas, album)
        seen = dealt_of(running, album, 3 * len(photos))
        for start in range(0, len(seen), len(photos)):
            assert set(seen[start : start + len(photos)]) == photos
        assert all(one != other for one, other in pairwise(seen))


def test_a_screen_that_changes_between_albums_keeps_every_round(family: tuple[Running, FakeNas]) -> None:
    running, nas = family
    seen: dict[str, list[int]] = {"": [], BOTH[0]: [], BOTH[1]: []}
    for _ in range(24):
        for album, numbers in seen.items():
            numbers += dealt_of(running, album, 1)
    for album, numbers in seen.items():
        size = len(shown(nas, album)) if album else len(catalog_ids(running))
        assert all(set(round) == set(numbers[:size]) for round in rounds(numbers, size))
        assert len(set(numbers[:size])) == size
    assert running.call(lambda: len(running.service.screens.decks)) == 3


def rounds(numbers: list[int], size: int) -> list[list[int]]:
    return [numbers[start : start + size] for start in range(0, len(numbers) - size + 1, size)]


def test_an_added_photo_comes_within_three_draws_of_its_album_and_of_all(family: tuple[Running, FakeNas]) -> None:
    running, nas = family
    dealt_of(running, "Anna's garden", 2)
    dealt_of(running, "", 2)
    dealt_of(running, "Grandparents", 2)
    new = nas.library.add(nas.library.album("Anna's garden"))
    running.look()
    assert new.id in dealt_of(running, "Anna's garden", 3)
    assert new.id in dealt_of(running, "", 3)
    assert new.id not in dealt_of(running, "Grandparents", 16)


def test_a_photo_that_left_one_album_is_dealt_in_the_other_alone(family: tuple[Running, FakeNas]) -> None:
    running, nas = family
    grandparents = nas.library.album("Grandparents")
    item = next(item for item in grandparents.items if item.id in shown(nas, "Summer days"))
    dealt_of(running, "Grandparents", 3)
    nas.library.remove(grandparents, item)
    running.look()
    assert item.id not in dealt_of(running, "Grandparents", 2 * len(grandparents.items))
    assert item.id in dealt_of(running, "Summer days", len(shown(nas, "Summer days")))
    assert item.id in dealt_of(running, "", len(catalog_ids(running)))


def test_with_the_nas_gone_an_album_is_served_from_its_own_photos_in_memory(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=("kitchen-dash", "Anna's garden"))) as running:
        running.wait_ready()
        running.wait_filled()
        nas.stop()
        garden = shown(nas, "Anna's garden")
        keep = sorted(garden)[:2]
        cache = running.service.store.cache
        running.call(lambda: [cache.discard(key) for key in list(cache) if key[0] in garden - set(keep)])
        for client in range(20):
            assert set(dealt_of(running, "Anna's garden", 4, f"screen {client}")) == set(keep)


def test_with_the_nas_gone_an_album_of_which_nothing_is_held_says_why(nas: FakeNas) -> None:
    with Running(settings_for(nas, albums=("kitchen-dash", "Anna's garden"))) as running:
        running.wait_ready()
        running.wait_filled()
        nas.stop()
        garden = shown(nas, "Anna's garden")
        cache = running.service.store.cache
        running.call(lambda: [cache.discard(key) for key in list(cache) if key[0] in garden])
        answer = running.get("/files?album=Anna's garden")
        assert answer.status_code == 503
        assert "Nothing answers" in answer.json()["error"]
        assert running.get("/files").status_code == 200


def test_the_next_photos_of_the_album_are_fetched_ahead(nas: FakeNas) -> None:
    with Running(
        settings_for(nas, albums=("kitchen-dash", "Anna's garden"), max_cache_bytes=SMALL_CACHE_BYTES)
    ) as running:
        running.wait_ready()
        running.wait_quiet()
        cache = running.service.store.cache
        for _ in range(6):
            running.call(lambda: [cache.discard(key) for key in list(cache)])
            dealt_of(running, "Anna's garden", 1)
            before = running.wait_quiet()
            dealt_of(running, "Anna's garden", 1)
            assert running.stats()["misses"] == before["misses"]


def test_a_screen_of_an_album_waits_for_its_photo_while_others_are_in_memory(
    nas: FakeNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screens, "_PATIENCE_SECONDS", 0.0)
    with Running(settings_for(nas, albums=("kitchen-dash", "Anna's garden"))) as running:
        running.wait_ready()
        running.wait_quiet()
        garden = shown(nas, "Anna's garden")
        cache = running.service.store.cache
        running.call(lambda: [cache.discard(key) for key in list(cache) if key[0] in garden])
        assert dealt_of(running, "Anna's garden", 1)[0] in garden
