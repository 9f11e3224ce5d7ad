"""Direct: the short way gives the very answers of the long one, and holds photos no longer than it needs them."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network

import pytest
from conftest import Running, canary_nas, settings_for, wait_until
from outside import connect, read_header, read_to_end, talk

from photosync import direct, handler, web
from photosync.errors import NasUnreachable
from photosync.fakenas import Library
from photosync.guard import Access
from photosync.models import Photo

LONG_WAY = "?long"  # an address with a query is left to a handler


@contextmanager
def service_with(photo_bytes: int, **options: float) -> Iterator[Running]:
    """A photo of that size, in memory."""
    library = Library.synthetic(1, photo_bytes=photo_bytes)
    with canary_nas(library=library) as nas, Running(settings_for(nas), **options) as running:
        running.wait_filled()
        yield running


@pytest.fixture(params=[4_000, 300_000, 8_000_000], ids=["short", "long", "huge"])
def one(request: pytest.FixtureRequest) -> Iterator[Running]:
    with service_with(request.param) as running:
        yield running


def photo_of(running: Running) -> Photo:
    photo: Photo = running.service.sync.catalog.photos[0]
    return photo


def lent(running: Running) -> int:
    """How many answers hold a photo now."""
    return running.call(lambda: sum(one.holders for one in running.service.store.cache._lent.values()))


def wait_until_nothing_is_lent(running: Running) -> None:
    wait_until(lambda: not lent(running) and not running.service.traffic.active)


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


@pytest.mark.parametrize("is_stale", [False, True], ids=["fresh", "stale"])
def test_the_next_photo_has_the_headers_and_bytes_that_a_handler_gives(one: Running, is_stale: bool) -> None:
    if is_stale:
        one.call(lambda: one.service.store.health.call_failed(NasUnreachable("refused", "The NAS is gone.")))
    handled = one.get("/files" + LONG_WAY)
    for address in ("/files", "/files?client=hall.2"):
        short = one.get(address)
        assert short.content == handled.content
        assert {**short.headers, "Date": ""} == {**handled.headers, "Date": ""}
        assert short.headers["Date"] and short.headers["Content-Location"] == photo_of(one).url
    assert (short.status_code, short.reason) == (handled.status_code, handled.reason)
    wait_until_nothing_is_lent(one)


@pytest.mark.parametrize("name", ["", "hall", "Küche"])
def test_both_ways_deal_from_one_deck(name: str) -> None:
    with canary_nas(library=Library.synthetic(12)) as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        named = {"client": name} if name else {}
        shown = []
        for way in ({}, {"long": "1"}, {}) * 4:
            shown.append(running.get("/files", params=named | way).headers["Content-Location"])
        assert len(set(shown)) == 12
        assert running.get("/files", params={"client": "another"}).status_code == 200
        assert len(running.service.screens.decks) == 2


def test_a_photo_that_is_not_in_memory_stays_the_next_one() -> None:
    with canary_nas(library=Library.synthetic(3)) as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        due = running.call(lambda: running.service.screens.upcoming("name hall"))
        running.call(lambda: running.service.store.cache.discard(due.key))
        assert running.call(lambda: running.service.screens.next_in_memory("name hall")) is None
        before = nas.count("SYNO.Foto.Thumbnail")
        assert running.get("/files?client=hall").headers["Content-Location"] == due.url
        assert nas.count("SYNO.Foto.Thumbnail") == before + 1


def test_the_photos_after_one_in_memory_are_fetched_ahead() -> None:
    with canary_nas(library=Library.synthetic(12)) as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        due = running.call(lambda: running.service.screens.upcoming("name hall"))
        for photo in running.service.sync.catalog.photos:
            if photo.id != due.id:
                running.call(lambda key=photo.key: running.service.store.cache.discard(key))
        assert running.get("/files?client=hall").headers["Content-Location"] == due.url
        following = running.call(lambda: running.service.screens.upcoming("name hall"))
        wait_until(lambda: running.call(lambda: following.key in running.service.store.cache))


def test_screens_behind_a_trusted_proxy_have_decks_of_their_own() -> None:
    access = Access(trusted_proxies=(ip_network("127.0.0.0/8"),))
    with canary_nas(library=Library.synthetic(12)) as nas, Running(settings_for(nas, access=access)) as running:
        running.wait_filled()
        for screen in ("192.168.1.7", "192.168.1.8", "192.168.1.7"):
            assert running.get("/files", headers={"X-Forwarded-For": screen}).status_code == 200
        assert len(running.service.screens.decks) == 2


def test_next_photos_are_counted_as_by_a_handler(one: Running) -> None:
    before, answers = one.stats(), one.service.traffic.responses.copy()
    for way in ("", LONG_WAY):
        one.get("/files" + way)
    assert one.stats()["hits"] == before["hits"] + 2
    assert (one.service.traffic.responses - answers)["NextPhoto", 200] == 2


@pytest.mark.parametrize("host", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a/b\r\n", b"Host: a b\r\n"])
def test_a_request_whose_host_is_missing_or_odd_is_refused(one: Running, host: bytes) -> None:
    photo = photo_of(one)
    for more in (b"", b"If-None-Match: " + photo.etag.encode() + b"\r\n", b"Connection: close\r\n"):
        with connect(one.service.port) as client:
            client.sendall(b"GET %b HTTP/1.1\r\n%b%b\r\n" % (photo.url.encode(), host, more))
            assert read_header(client).startswith(b"HTTP/1.1 400 ")


ASKED = {
    "HTTP/1.1": (b"HTTP/1.1", b"", True),
    "keep-alive": (b"HTTP/1.1", b"Connection: Keep-Alive\r\n", True),
    "close": (b"HTTP/1.1", b"Connection: close\r\n", False),
    "upgrade": (b"HTTP/1.1", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", False),
    "HTTP/1.0": (b"HTTP/1.0", b"", False),
    "HTTP/1.0, keep-alive": (b"HTTP/1.0", b"Connection: keep-alive\r\n", False),
}


@pytest.mark.parametrize("asked", ASKED)
def test_only_requests_that_say_nothing_of_the_connection_need_no_handler(
    one: Running, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, more, is_short = ASKED[asked]
    handled: list[str] = []
    for kind in (web.OnePhoto, web.NextPhoto):
        monkeypatch.setattr(kind, "prepare", lambda handler: handled.append(handler.request.path))
    kept = asked not in ("close", "HTTP/1.0")
    with connect(one.service.port) as client:
        for count, path in enumerate((photo_of(one).url, "/files")[: 2 if kept else 1], 1):
            client.sendall(b"GET %b %b\r\nHost: x\r\n%b\r\n" % (path.encode(), version, more))
            header, _, body = read_header(client).partition(b"\r\n\r\n")
            length = int(header.lower().partition(b"content-length: ")[2].split()[0])
            while len(body) < length:
                body += client.recv(1_000_000)
            assert body.endswith(b"\xff\xd9")
            assert len(handled) == (0 if is_short else count)
        assert (b"Connection: close" in header) == (asked == "close")
        assert (b"Connection: Keep-Alive" in header) == (asked == "HTTP/1.0, keep-alive")


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


def test_a_client_that_leaves_or_stalls_holds_the_photo_no_longer() -> None:
    with service_with(8_000_000, stall_seconds=2.0) as one, ExitStack() as staying:
        with connect(one.service.port, receive_buffer=4096) as leaving:
            stalled = staying.enter_context(connect(one.service.port, receive_buffer=4096))
            for client in (stalled, leaving):
                client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % photo_of(one).url.encode())
                assert read_header(client).startswith(b"HTTP/1.1 200 OK")
            assert lent(one) == 2
            assert one.service.traffic.active == 2
        wait_until_nothing_is_lent(one)


@pytest.mark.parametrize("one", [4_000], indirect=True)
@pytest.mark.parametrize("has_it", [False, True], ids=["photo", "304"])
def test_a_client_that_leaves_while_its_answer_is_made_is_no_error(
    one: Running, has_it: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    photo, tag = photo_of(one), f"If-None-Match: {photo_of(one).etag}\r\n" if has_it else ""
    with connect(one.service.port) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it is reset when it is closed
        monkeypatch.setattr(direct, "staleness", lambda *_: client.close())
        client.sendall(f"GET {photo.url} HTTP/1.1\r\nHost: x\r\n{tag}\r\n".encode())
        wait_until(lambda: client.fileno() < 0 and not one.call(lambda: one.service.server._open))
    wait_until_nothing_is_lent(one)
    assert not caplog.records


@pytest.mark.parametrize("query", ["", LONG_WAY], ids=["direct", "handler"])
def test_no_answer_takes_longer_than_its_limit(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (direct, handler):
        monkeypatch.setattr(module, "LONGEST_RESPONSE_SECONDS", 0.5)
    with service_with(8_000_000) as running, connect(running.service.port, receive_buffer=4096) as client:
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
    with connect(one.service.port, receive_buffer=65536) as client:
        client.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % photo.url.encode())
        body = read_header(client).partition(b"\r\n\r\n")[2]
        one.io_loop.add_callback(one._stopping.set)  # type: ignore[union-attr]
        while len(body) < len(expected):
            piece = client.recv(1_000_000)
            assert piece
            body += piece
    assert body == expected


def told_of(photo: Photo, caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for record in [*caplog.records] if photo.url in (line := record.getMessage())]


@pytest.mark.parametrize("one", [4_000], indirect=True)
def test_each_request_is_logged_when_debugging(one: Running, caplog: pytest.LogCaptureFixture) -> None:
    photo = photo_of(one)
    with caplog.at_level(logging.DEBUG, "photosync"):
        one.get(photo.url)
        one.get(photo.url, headers={"If-None-Match": photo.etag})
        wait_until(lambda: len(told_of(photo, caplog)) >= 2)
    assert [line.split('"')[1:] for line in told_of(photo, caplog)] == [
        [f"GET {photo.url} HTTP/1.1", " 200 4000"],
        [f"GET {photo.url} HTTP/1.1", " 304 -"],
    ]
