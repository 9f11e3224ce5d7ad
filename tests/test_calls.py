"""What calls to a simulated NAS are counted as."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import canary_nas
from guest import ALBUM, AUTH, ITEM, THUMBNAIL, Guest, client_of, own

from photosync import fakenas
from photosync.calls import OUTCOMES, Calls
from photosync.errors import Busy, NasError, NasTimeout, PhotoNotFound
from photosync.fakenas import FakeNas, Fault, hold
from photosync.reply import Reply
from photosync.wire import Answer

FINE = Reply(Answer("application/json", b"{}", announced=True), {"success": True})


@pytest.fixture
def guest(nas: FakeNas) -> Guest:
    return Guest(nas)


def outcomes(guest: Guest, api: str) -> dict[str, int]:
    return {outcome: count for (name, _, outcome), count in guest.client.calls.counts.items() if name == api}


def test_every_call_that_reaches_the_nas_is_counted_once(guest: Guest, nas: FakeNas) -> None:
    guest.client.fetch(guest.photo(own))
    guest.client.logout()
    counted = [(api, method) for (api, method, _), count in guest.client.calls.counts.items() for _ in range(count)]
    assert sorted(counted) == sorted((call.api, call.method) for call in nas.calls)
    assert (AUTH, "login") in counted
    assert {outcome for _, _, outcome in guest.client.calls.counts} == {"ok"}


def test_each_api_has_its_durations(guest: Guest, nas: FakeNas) -> None:
    guest.photos()
    for api, histogram in guest.client.calls.seconds.items():
        assert histogram.buckets[-1] == ("+Inf", nas.count(api))
        assert 0 < histogram.sum_seconds < 60
    assert {ALBUM, ITEM, AUTH} <= set(guest.client.calls.seconds)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (fakenas.error(150), "refused"),
        (fakenas.status(503), "unreachable"),
        (fakenas.status(403), "bad_answer"),
        (fakenas.html(), "bad_answer"),
        (fakenas.json_body([1]), "bad_answer"),
    ],
    ids=["error code", "status 503", "status 403", "a page", "no envelope"],
)
def test_a_call_that_fails_is_counted_by_what_it_came_to(
    guest: Guest, nas: FakeNas, fault: Fault, outcome: str
) -> None:
    guest.client.login()
    nas.fault(fault, api=ALBUM)
    with pytest.raises(NasError):
        guest.client.list_albums()
    assert outcomes(guest, ALBUM) == {outcome: nas.count(ALBUM)}


def test_a_picture_that_is_not_there_was_refused(guest: Guest, nas: FakeNas) -> None:
    photo = guest.photo(own)
    nas.fault(fakenas.status(404), api=THUMBNAIL)
    with pytest.raises(PhotoNotFound):
        guest.client.fetch(photo)
    assert outcomes(guest, THUMBNAIL) == {"refused": 1}


def test_a_picture_that_nobody_wants_any_more_was_given_up(guest: Guest) -> None:
    def no_room(size: int) -> None:
        raise Busy("no room")

    photo = guest.photo(own)
    with pytest.raises(Busy):
        guest.client.fetch(photo, no_room)
    assert outcomes(guest, THUMBNAIL) == {"given_up": 1}


def test_a_nas_that_is_too_slow_is_counted(nas: FakeNas) -> None:
    barrier = threading.Event()
    nas.fault(hold(barrier), api="SYNO.API.Info")
    client = client_of(nas, timeout_seconds=1)
    with pytest.raises(NasTimeout):
        client.discover()
    barrier.set()
    assert client.calls.counts == {("SYNO.API.Info", "query", "timeout"): 1}


def test_a_nas_that_is_away_is_counted() -> None:
    with canary_nas() as nas:
        guest = Guest(nas)
    with pytest.raises(NasError):
        guest.client.login()
    assert outcomes(guest, "SYNO.API.Info") == {"unreachable": 1}


def test_no_call_is_lost_when_threads_count_at_once() -> None:
    calls = Calls()
    with ThreadPoolExecutor(8) as threads:
        for _ in range(4000):
            threads.submit(calls.counted, "api", "get", lambda: FINE)
    assert calls.counts == {("api", "get", "ok"): 4000}
    assert calls.seconds["api"].buckets[-1] == ("+Inf", 4000)


def test_what_was_read_does_not_change() -> None:
    calls = Calls()
    before = calls.counts, calls.seconds
    calls.counted("api", "get", lambda: FINE)
    assert before == ({}, {})


def test_each_outcome_is_one_of_those_that_metrics_tell() -> None:
    assert {"ok", "refused", "unreachable", "bad_answer", "timeout", "given_up"} == set(OUTCOMES)
