"""DsmSession on a simulated NAS: discovery, versions, login and what it costs, as its client meets them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PATIENCE_SECONDS, canary_nas, wait_until
from guest import (
    ALBUM,
    AUTH,
    ITEM,
    MINUTE,
    MISC,
    TEAM_THUMBNAIL,
    THUMBNAIL,
    Guest,
    own,
    shared_space,
)

from photosync import fakenas
from photosync.errors import (
    NasBadAnswer,
    NasCallRefused,
    NasError,
    NasUnreachable,
)
from photosync.fakenas import FakeNas, Fault


@pytest.fixture
def guest(nas: FakeNas) -> Guest:
    return Guest(nas)


# Discovery


VERSIONS = {
    "1.3": {AUTH: 6, ALBUM: 1, ITEM: 3, MISC: 1, THUMBNAIL: 1, TEAM_THUMBNAIL: 1},
    "1.6": {AUTH: 6, ALBUM: 2, ITEM: 4, MISC: 1, THUMBNAIL: 2, TEAM_THUMBNAIL: 2},
    "1.9": {AUTH: 6, ALBUM: 2, ITEM: 4, MISC: 1, THUMBNAIL: 2, TEAM_THUMBNAIL: 2},
}


@pytest.mark.parametrize("era", ["1.3", "1.6", "1.9"])
def test_every_call_has_the_highest_version_that_both_sides_know(era: str) -> None:
    with canary_nas(era=era) as nas:
        guest = Guest(nas)
        for photo in (guest.photo(own), guest.photo(shared_space)):
            assert guest.client.fetch(photo) == guest.item(photo).data("xl")
        versions = {call.api: call.version for call in nas.calls}
    assert versions == {"SYNO.API.Info": 1} | VERSIONS[era]


@pytest.mark.parametrize(("era", "version"), [("1.3", 1), ("1.6", 2), ("1.9", 2)])
def test_originals_are_asked_for_in_a_version_that_both_sides_know(era: str, version: int) -> None:
    with canary_nas(era=era) as nas:
        guest = Guest(nas, photo_size="original")
        photo = guest.photo(own)
        assert guest.client.fetch(photo) == guest.item(photo).data("original")
        assert nas.calls[-1].version == version


def test_a_nas_between_the_eras_is_asked_in_its_own_versions(guest: Guest, nas: FakeNas) -> None:
    nas.max_versions = {ITEM: 2, ALBUM: 1}
    assert guest.photos()
    assert {call.version for call in nas.calls if call.api == ITEM} == {2}
    assert {call.version for call in nas.calls if call.api == ALBUM} == {1}


def test_what_is_offered_is_asked_once(guest: Guest, nas: FakeNas) -> None:
    guest.photos()
    guest.photos()
    assert nas.count("SYNO.API.Info") == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (fakenas.html(), "not_dsm"),
        (fakenas.status(404), "not_dsm"),
        (fakenas.json_body({"success": True, "data": {}}), "not_dsm"),
        (fakenas.json_body({"success": True, "data": []}), "not_dsm"),
        (fakenas.json_body({"success": True, "data": {AUTH: {"maxVersion": "6"}}}), "not_dsm"),
        (fakenas.json_body("<!DOCTYPE HTML><HTML></HTML>"), "not_dsm"),
        (fakenas.json_body([]), "bad_json"),
        (fakenas.json_body({"hello": "world"}), "bad_json"),
    ],
)
def test_what_is_no_dsm_is_told(guest: Guest, nas: FakeNas, fault: Fault, kind: str) -> None:
    nas.fault(fault, api="SYNO.API.Info")
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.discover()
    assert caught.value.kind == kind
    assert guest.logins == 0


def test_a_nas_without_photos_is_told_and_found_once_it_has_them(guest: Guest, nas: FakeNas) -> None:
    nas.photos_installed = False
    with pytest.raises(NasCallRefused, match="not installed") as caught:
        guest.client.login()
    assert caught.value.code == 102
    assert "Package Center" in caught.value.next_step
    assert guest.logins == 0
    nas.photos_installed = True
    guest.client.login()
    assert guest.logins == 1


# Dead sessions


@pytest.mark.parametrize("code", [105, 106, 107, 119])
def test_a_dead_session_costs_one_login_and_one_more_try(guest: Guest, nas: FakeNas, code: int) -> None:
    album, photo = guest.album(), guest.photo(own)
    nas.expire_sessions(code)
    before = nas.count(ALBUM, "get")
    assert guest.client.album_state(album) == album
    assert (guest.logins, nas.count(ALBUM, "get") - before) == (2, 2)
    nas.expire_sessions(code)
    assert guest.client.fetch(photo) == guest.item(photo).data("xl")
    assert (guest.logins, nas.count(THUMBNAIL)) == (3, 2)


@pytest.mark.parametrize("size", ["xl", "original"])
def test_a_dead_session_in_the_shared_space_looks_like_no_permission(nas: FakeNas, size: str) -> None:
    guest = Guest(nas, photo_size=size)
    photo = guest.photo(shared_space)
    nas.expire_sessions(119)
    assert guest.client.fetch(photo) == guest.item(photo).data(size)
    assert guest.logins == 2


def test_803_outside_the_shared_space_is_told_without_another_login(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(own)
    nas.fault(fakenas.error(803), api=THUMBNAIL)
    with pytest.raises(NasCallRefused) as caught:
        guest.client.fetch(photo)
    assert caught.value.code == 803
    assert guest.logins == 1


@pytest.mark.parametrize("code", [105, 106, 107, 119])
def test_the_second_failure_is_told(guest: Guest, nas: FakeNas, code: int) -> None:
    album, photo = guest.album(), guest.photo(own)
    nas.fault(fakenas.error(code))
    for ask in (lambda: guest.client.album_state(album), lambda: guest.client.fetch(photo)):
        nas.calls.clear()
        guest.clock.now += 31 * MINUTE
        nas.clear_faults()
        nas.fault(fakenas.error(code), api=ALBUM)
        nas.fault(fakenas.error(code), api=THUMBNAIL)
        with pytest.raises(NasCallRefused) as caught:
            ask()
        assert caught.value.code == code
        assert guest.logins == 1
        assert len(nas.calls) == 3


@pytest.mark.parametrize("code", [106, 107, 119])
def test_a_session_that_died_twice_is_renewed_at_the_next_call(guest: Guest, nas: FakeNas, code: int) -> None:
    album = guest.album()
    nas.fault(fakenas.error(code), api=ALBUM, times=2)
    with pytest.raises(NasCallRefused):
        guest.client.album_state(album)
    nas.expire_sessions(code)
    assert guest.client.album_state(album) == album


def test_twenty_calls_on_a_dead_session_make_one_login(guest: Guest, nas: FakeNas) -> None:
    album = guest.album()
    nas.expire_sessions()
    go = threading.Event()
    nas.fault(fakenas.hold(go), api=ALBUM, method="get", times=20)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(guest.client.album_state, album) for _ in range(20)]
        wait_until(lambda: nas.answering == 4)
        go.set()
        assert [answer.result(PATIENCE_SECONDS) for answer in answers] == [album] * 20
    assert guest.logins == 2
    assert len(nas.sessions) == 1


def test_the_nas_is_asked_at_most_four_things_at_a_time(guest: Guest, nas: FakeNas) -> None:
    album, photos = guest.album(), guest.photos()[:6]
    nas.latency = 0.02
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(guest.client.fetch, photo) for photo in photos]
        answers += [pool.submit(guest.client.album_state, album) for _ in range(6)]
        assert all(answer.result(PATIENCE_SECONDS) for answer in answers)
    assert nas.concurrency_peak == 4


def test_twenty_calls_without_any_session_make_one_login(guest: Guest) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(guest.client.list_albums) for _ in range(20)]
        assert all(answer.result(PATIENCE_SECONDS) for answer in answers)
    assert guest.logins == 1


def test_photos_that_the_account_may_not_see_cost_no_login_each(guest: Guest, nas: FakeNas) -> None:
    photos = guest.photos()
    forbidden, allowed = guest.photo(shared_space), guest.photo(own)
    nas.fault(fakenas.error(803), api=TEAM_THUMBNAIL)
    for _ in range(10):
        with pytest.raises(NasCallRefused) as caught:
            guest.client.fetch(forbidden)
        assert caught.value.code == 803
    assert guest.logins <= 2
    assert guest.client.fetch(allowed) == guest.item(allowed).data("xl")
    assert len(photos) > 10


def test_a_missing_permission_costs_no_login_at_each_look(guest: Guest, nas: FakeNas) -> None:
    album = guest.album()
    nas.fault(fakenas.error(105), api=ALBUM)
    for _ in range(10):
        guest.clock.now += MINUTE
        with pytest.raises(NasCallRefused) as caught:
            guest.client.album_state(album)
        assert caught.value.code == 105
        assert "Synology Photos" in caught.value.sentence
    assert guest.logins <= 2


# Logging out


def test_logging_out_ends_the_session_at_the_nas(guest: Guest, nas: FakeNas) -> None:
    guest.client.login()
    assert nas.sessions
    guest.client.logout()
    assert nas.sessions == []
    assert nas.calls[-1].http_method == "POST"
    guest.client.logout()
    assert nas.count(AUTH, "logout") == 1
    assert guest.client.list_albums()
    assert guest.logins == 2


def test_closing_ends_the_session_for_good(guest: Guest, nas: FakeNas) -> None:
    guest.client.login()
    guest.client.close()
    assert nas.sessions == []
    with pytest.raises(NasError, match="Another configuration"):
        guest.client.list_albums()
    assert guest.logins == 1


def test_logging_out_of_a_nas_that_is_gone_raises_nothing(guest: Guest, nas: FakeNas) -> None:
    guest.client.login()
    nas.stop()
    guest.client.logout()
    assert nas.count(AUTH, "logout") == 0


def test_a_nas_that_was_updated_is_asked_anew_what_it_offers(guest: Guest, nas: FakeNas) -> None:
    album = guest.album()
    before = nas.count("SYNO.API.Info")
    nas.fault(fakenas.error(104), api=ALBUM, times=1)
    with pytest.raises(NasCallRefused):
        guest.client.album_state(album)
    assert guest.client.album_state(album).id == album.id
    assert nas.count("SYNO.API.Info") == before + 1


def test_a_nas_whose_photos_package_was_still_starting_is_asked_anew(guest: Guest, nas: FakeNas) -> None:
    complete = guest.client
    offered = {"SYNO.API.Auth": {"maxVersion": 7, "minVersion": 1, "path": "entry.cgi"}}
    offered[ITEM] = {"maxVersion": 5, "minVersion": 1, "path": "entry.cgi", "requestFormat": "JSON"}
    nas.fault(fakenas.json_body({"success": True, "data": offered}), api="SYNO.API.Info", times=1)
    with pytest.raises(NasCallRefused):
        complete.list_albums()
    assert complete.list_albums()


def test_those_who_waited_for_a_login_that_failed_get_its_error(guest: Guest, nas: FakeNas) -> None:
    arrived, go_on = threading.Event(), threading.Event()
    nas.fault(fakenas.hold(go_on), api=AUTH, method="login", times=1)
    nas.login_error = 498
    guest.client.discover()
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(lambda: (arrived.set(), guest.client.list_albums())) for _ in range(4)]
        assert arrived.wait(PATIENCE_SECONDS)
        wait_until(lambda: threads._work_queue.qsize() == 0)
        go_on.set()
        assert [type(future.exception(PATIENCE_SECONDS)) for future in waiting] == [NasUnreachable] * 4
    assert guest.logins < 4
