"""Direct: the short way gives the very answers of the long one, and holds photos no longer than it needs them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest
from conftest import Running, canary_nas, settings_for
from outside import connect, read_header, read_to_end, talk

from photosync import direct, handler
from photosync.errors import NasUnreachable
from photosync.fakenas import Library
from photosync.models import Photo

LONG_WAY = "?long"  # an address with a query is left to a handler


@pytest.fixture(params=[4_000, 300_000, 8_000_000], ids=["short", "long", "huge"])
def one(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A photo of that size, in memory."""
    library = Library.synthetic(1, photo_bytes=request.param)
    with canary_nas(library=library) as nas, Running(settings_for(nas), stall_seconds=0.5) as running:
        running.wait_ready()
        running.wait_for("/cache/stats", lambda answer: answer.json()["entries"] == 1)
        yield running


def photo_of(running: Running) -> Photo:
    photo: Photo = running.service.sync.catalog.photos[0]
    return photo


def lent(running: Running) -> int:
    """How many answers hold a photo now."""
    return running.call(lambda: sum(one.holders for one in running.service.store.cache._lent.values()))


def wait_until_nothing_is_lent(running: Running) -> None:
    deadline = time.monotonic() + 10
    while lent(running) or running.service.traffic.active:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("is_stale", [False, True], ids=["fresh", "stale"])
def test_a_photo_in_memory_has_the_headers_and_bytes_that_a_handler_gives(one: Running, is_stale: bool) -> None:
    if is_stale:
        one.call(lambda: one.service.store.health.call_failed(NasUnreachable("refused", "The NAS is gone.")))
    photo = photo_of(one)
    short, handled = one.get(photo.url), one.get(photo.url + LONG_WAY)
    assert short.content == handled.content
    different = {"Date", "Content-Location"}  # the second was asked for under another address
    assert {name: value for name, value in short.headers.items() if name not in different} == {
        name: value for name, value in handled.headers.items() if name not in different
    }
    assert short.headers["Date"]
    assert short.headers.get("Cache-Status") == ("photos-sync; hit; detail=stale" if is_stale else None)
    assert (short.status_code, short.reason) == (handled.status_code, handled.reason)
    wait_until_nothing_is_lent(one)


def test_a_304_has_what_a_cache_needs_and_nothing_else(one: Running) -> None:
    photo = photo_of(one)
    answer = one.get(photo.url, headers={"If-None-Match": photo.etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert {name.lower() for name in answer.headers} == {"date", "etag", "cache-control"}
    whole = one.get(photo.url)
    assert all(answer.headers[name] == whole.headers[name] for name in ("ETag", "Cache-Control"))


def test_hits_misses_and_answers_are_counted_as_by_a_handler(one: Running) -> None:
    photo = photo_of(one)
    before, answers = one.stats(), one.service.traffic.responses.copy()
    one.get(photo.url)
    one.get(photo.url, headers={"If-None-Match": photo.etag})
    assert one.stats()["hits"] == before["hits"] + 1
    one.call(lambda: one.service.store.cache.discard(photo.key))
    one.get(photo.url)
    after = one.stats()
    assert (after["hits"], after["misses"]) == (before["hits"] + 1, before["misses"] + 1)
    counted = one.service.traffic.responses - answers
    assert (counted["OnePhoto", 200], counted["OnePhoto", 304]) == (2, 1)


@pytest.mark.parametrize("host", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a/b\r\n", b"Host: a b\r\n"])
def test_a_request_whose_host_is_missing_or_odd_is_refused(one: Running, host: bytes) -> None:
    photo = photo_of(one)
    for tag in (b"", b"If-None-Match: " + photo.etag.encode() + b"\r\n"):
        request = b"GET %b HTTP/1.1\r\n%b%bConnection: close\r\n\r\n" % (photo.url.encode(), host, tag)
        assert talk(one.service.port, request).startswith(b"HTTP/1.1 400 ")


def test_a_request_with_a_body_is_answered_after_it(one: Running) -> None:
    photo = photo_of(one)
    one.session.headers["If-None-Match"] = photo.etag
    for _ in range(3):  # over one connection, which would be out of step otherwise
        assert one.get(photo.url, data=b"GET /healthz HTTP/1.1\r\n\r\n").status_code == 304


def test_requests_in_a_row_are_answered_in_their_order(one: Running) -> None:
    photo = photo_of(one)
    ask = b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n"
    tag = b"If-None-Match: " + photo.etag.encode() + b"\r\n"
    requests = [ask % (photo.url.encode(), b""), ask % (photo.url.encode(), tag), ask % (b"/healthz", b"")]
    answer = talk(one.service.port, b"".join(requests) + ask % (photo.url.encode(), tag + b"Connection: close\r\n"))
    places = [answer.index(b"HTTP/1.1 200 OK"), answer.index(b"HTTP/1.1 304 "), answer.index(b'{"status":"ok"}')]
    assert places == sorted(places)
    assert answer.rindex(b"HTTP/1.1 304 ") > places[2]


def test_a_client_whose_request_breaks_off_holds_no_photo(one: Running) -> None:
    photo = photo_of(one)
    with connect(one.service.port) as client:
        client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf" % photo.url.encode())
        deadline = time.monotonic() + 10
        while not lent(one):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    wait_until_nothing_is_lent(one)


@pytest.mark.parametrize("one", [8_000_000], indirect=True)
def test_a_client_that_leaves_or_stalls_holds_the_photo_no_longer(one: Running) -> None:
    ask = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % photo_of(one).url.encode()
    with connect(one.service.port, receive_buffer=4096) as stalled:
        with connect(one.service.port, receive_buffer=4096) as leaving:
            for client in (stalled, leaving):
                client.sendall(ask)
                assert read_header(client).startswith(b"HTTP/1.1 200 OK")
            assert lent(one) == 2
            assert one.service.traffic.active == 2
        wait_until_nothing_is_lent(one)


@pytest.mark.parametrize("query", ["", LONG_WAY], ids=["direct", "handler"])
def test_no_answer_takes_longer_than_its_limit(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (direct, handler):
        monkeypatch.setattr(module, "LONGEST_RESPONSE_SECONDS", 0.2)
    library = Library.synthetic(1, photo_bytes=8_000_000)
    with canary_nas(library=library) as nas, Running(settings_for(nas)) as running:
        running.wait_for("/cache/stats", lambda answer: answer.json()["entries"] == 1)
        with connect(running.service.port, receive_buffer=4096) as client:
            client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % (photo_of(running).url + query).encode())
            assert read_header(client).startswith(b"HTTP/1.1 200 OK")
            wait_until_nothing_is_lent(running)
            assert len(read_to_end(client)) < 8_000_000


@pytest.mark.parametrize("one", [4_000], indirect=True)
def test_a_service_that_stops_says_goodbye(one: Running) -> None:
    photo = photo_of(one)
    one.call(lambda: setattr(one.service.traffic, "stopping", True))
    for headers in ({}, {"If-None-Match": photo.etag}):
        assert one.get(photo.url, headers=headers).headers["Connection"] == "close"


@pytest.mark.parametrize("one", [8_000_000], indirect=True)
def test_a_photo_that_is_being_sent_is_sent_whole_when_the_service_stops(one: Running) -> None:
    photo = photo_of(one)
    expected = one.get(photo.url).content
    with connect(one.service.port, receive_buffer=4096) as client:
        client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % photo.url.encode())
        body = read_header(client).partition(b"\r\n\r\n")[2]
        one.io_loop.add_callback(one._stopping.set)  # type: ignore[union-attr]
        while len(body) < len(expected):
            piece = client.recv(1_000_000)
            assert piece
            body += piece
    assert body == expected


@pytest.mark.parametrize("one", [4_000], indirect=True)
def test_each_request_is_logged_when_debugging(one: Running, caplog: pytest.LogCaptureFixture) -> None:
    photo = photo_of(one)
    with caplog.at_level(logging.DEBUG, "photosync"):
        one.get(photo.url)
        one.get(photo.url, headers={"If-None-Match": photo.etag})
        deadline = time.monotonic() + 10
        told: list[str] = []
        while len(told) < 2:
            assert time.monotonic() < deadline
            told = [record.getMessage() for record in caplog.records if photo.url in record.getMessage()]
    assert [line.split('"')[1:] for line in told] == [
        [f"GET {photo.url} HTTP/1.1", " 200 4000"],
        [f"GET {photo.url} HTTP/1.1", " 304 -"],
    ]
