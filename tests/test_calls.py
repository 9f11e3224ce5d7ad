"""What calls to a simulated NAS are counted as."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from conftest import canary_nas
from guest import ALBUM, AUTH, ITEM, THUMBNAIL, Guest, client_of, own

from photosync import fakenas
from photosync.calls import OUTCOMES, Calls
from photosync.errors import Busy, NasError, NasTimeout
from photosync.fakenas import FakeNas, Fault, hold
from photosync.reply import Reply
from photosync.wire import Answer

import threading

OK = Reply(Answer("application/json", b"{}", announced=True), {"success": True})


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


FAULTS = {
    "refused": fakenas.error_code(150),
    "unreachable": fakenas.status(503),
    "bad_answer": fakenas.body(b"<html>hello</html>", "text/html"),
}


@pytest.mark.parametrize("outcome", FAULTS)
def test_a_call_that_fails_is_counted_by_what_it_came_to(guest: Guest, nas: FakeNas, outcome: str) -> None:
    guest.photos()
    nas.fault(FAULTS[outcome], api=ITEM)
    with suppress(NasError):
        guest.photos()
    assert outcomes(guest, ITEM)[outcome] >= 1


def test_a_nas_that_is_too_slow_is_counted(nas: FakeNas) -> None:
    barrier = threading.Event()
    nas.fault(hold(barrier), api=AUTH)
    client = client_of(nas, timeout_seconds=1)
    with pytest.raises(NasTimeout):
        client.login()
    barrier.set()
    assert client.calls.counts[AUTH, "login", "timeout"] == 1
