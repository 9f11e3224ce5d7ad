"""Clients that mean harm, or are merely broken: none of them takes the service down."""

from __future__ import annotations

import gc
import logging
import re
import select
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import CANARY_ACCESS, Running, canary_nas, settings_for, wait_until
from hostile import MALFORMED, PATHS, REFUSED
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from outside import Process, connect, read_header, read_to_end, talk

from photosync.fakenas import FakeNas, Library, hold
from photosync.metrics import resident_bytes
from photosync.server import _HEADER_SECONDS

BIG = 8_000_000


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """The service with the whole album in memory: whatever reaches the NAS now was caused by a client."""
    with canary_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_filled()
        running.nas = nas  # type: ignore[attr-defined]
        yield running


@pytest.fixture(params=[30.0])
def big(request: pytest.FixtureRequest) -> Iterator[Running]:
    """One photo of 8 MB; clients are let go after so many seconds without progress."""
    library = Library.synthetic(1, photo_bytes=BIG)
    with canary_nas(library=library) as nas, Running(settings_for(nas), stall_seconds=request.param) as running:
        running.wait_filled()
        yield running


@pytest.fixture
def half_a_second_for_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.server._HEADER_SECONDS", 0.5)


def calls(running: Running) -> int:
    return len(running.nas.calls)  # type: ignore[attr-defined]


def is_alive(running: Running) -> bool:
    return talk(running.service.port, b"GET /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 200 OK\r\n"
    )


def asks(connection: socket.socket) -> bytes:
    """The header of the answer, which is read to its end."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    header = read_header(connection)
    length = re.search(rb"Content-Length: (\d+)", header)
    assert length
    connection.recv(int(length[1]), socket.MSG_WAITALL)
    return header


# J4: addresses


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path[:40]))
def test_an_address_that_leads_elsewhere_is_a_404_without_a_nas_call(service: Running, path: bytes) -> None:
    before = calls(service)
    answer = talk(service.service.port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n"), answer[:300]
    assert b"root:" not in answer
    assert b"\nX-Injected" not in answer
    assert calls(service) == before


def test_there_are_two_hundred_of_them_and_more() -> None:
    assert len({*REFUSED.values(), *MALFORMED.values()}) == len(REFUSED) + len(MALFORMED) >= 200


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_for_what_is_not_offered_is_the_clients_error(service: Running, case: str) -> None:
    before = calls(service)
    answer = talk(service.service.port, REFUSED[case])
    assert re.match(rb"HTTP/1\.1 4\d\d [A-Z]", answer), answer[:300]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert re.search(rb"\r\nCache-Control: no-store\r\n", answer)
    assert b"Traceback" not in answer and b"\nX-Injected" not in answer
    assert calls(service) == before
    assert is_alive(service)


@hypothesis_settings(max_examples=60, database=None)
@given(
    st.one_of(
        st.text(min_size=1, max_size=60).filter(lambda name: name != "list"),
        st.integers(min_value=40_000).map("{}.jpg".format),
    )
)
def test_no_made_up_name_is_found_or_reaches_the_nas(service: Running, name: str) -> None:
    before = calls(service)
    path = "/files/" + quote(name, safe="", errors="surrogatepass")
    response = service.get(path, allow_redirects=False)
    assert response.status_code in (404, 400)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert calls(service) == before


@hypothesis_settings(max_examples=60, database=None)
@given(st.binary(min_size=1, max_size=40))
def test_no_bytes_in_an_address_are_more_than_an_error(service: Running, name: bytes) -> None:
    before = calls(service)
    path = "/files/" + quote(name, safe="")
    assert service.get(path).status_code in (400, 404)
    assert service.get("/files/list?details=" + quote(name, safe="")).status_code in (200, 400)
    assert service.get("/files?client=" + quote(name, safe="")).status_code in (200, 400)
    assert calls(service) == before


# J8: requests that two parsers could read in two ways

HANDLERS = ("Alive", "Page", "Nowhere")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def answered(running: Running) -> list[int]:
    """How many requests got to where the ambiguous ones and the smuggled one would lead."""
    counts = running.service.traffic.responses
    return [sum(count for (name, _), count in counts.items() if name == handler) for handler in HANDLERS]


@pytest.mark.parametrize("case", MALFORMED)
def test_an_ambiguous_request_is_refused_and_its_connection_closed(service: Running, case: str) -> None:
    before = answered(service)
    answer = talk(service.service.port, MALFORMED[case] + SMUGGLED)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert answered(service) == before
    assert is_alive(service)


def test_pipelined_requests_are_answered_in_order(service: Running) -> None:
    paths = (b"/healthz", b"/nowhere", b"/files/list", b"/healthz")
    requests = b"".join(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)
    last = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answers = re.findall(rb"HTTP/1.1 (\d+)", talk(service.service.port, requests + last))
    assert answers == [b"200", b"404", b"200", b"200", b"200"]


@pytest.mark.parametrize(
    "framing", ["Content-Length: 17000", "Content-Length: 99999999999", "Transfer-Encoding: chunked"]
)
def test_a_large_request_body_is_refused_early(service: Running, framing: str) -> None:
    with connect(service.service.port) as connection:
        connection.sendall(f"POST /nowhere HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode())
        if framing.startswith("T"):
            connection.sendall(b"8000\r\n" + b"x" * 0x4000)
        answer = read_to_end(connection)  # before the body was sent
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert is_alive(service)


def test_a_header_over_16_kb_is_refused(service: Running) -> None:
    with connect(service.service.port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 17_000)
        assert read_to_end(connection) == b""
    assert is_alive(service)


def test_half_a_request_header_is_let_go_after_the_header_timeout(
    nas: FakeNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _HEADER_SECONDS == 15
    monkeypatch.setattr("photosync.server._HEADER_SECONDS", 0.25)
    with Running(settings_for(nas)) as running, ExitStack() as clients:
        connections = {}
        for sent in (b"GET /files HTTP/1.1\r\nHos", b"", b"\x16\x03\x01\x02\x00"):
            connections[clients.enter_context(connect(running.service.port))] = time.monotonic()
            list(connections)[-1].sendall(sent)
            time.sleep(0.05)  # each has a time of its own
        for connection, started in connections.items():
            assert read_to_end(connection) == b""
            assert 0.2 < time.monotonic() - started < 12
        with connect(running.service.port) as later:
            assert read_to_end(later) == b""


def test_each_silent_connection_is_let_go_and_one_that_asks_stays(
    nas: FakeNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photosync.server._HEADER_SECONDS", 3.0)
    deadline = time.monotonic() + 20
    with Running(settings_for(nas)) as running, ExitStack() as clients:
        asking, *silent = (clients.enter_context(connect(running.service.port)) for _ in range(4))
        for connection in silent:
            assert asks(connection).startswith(b"HTTP/1.1 200 ")
        while not select.select(silent[-1:], [], [], 0.05)[0]:
            assert time.monotonic() < deadline
            assert asks(asking).startswith(b"HTTP/1.1 200 ")
        assert [connection.recv(1) for connection in silent] == [b"", b"", b""]
        assert asks(asking).startswith(b"HTTP/1.1 200 ")


def test_a_request_that_came_while_the_loop_stood_still_is_answered(
    half_a_second_for_headers: None, nas: FakeNas
) -> None:
    with Running(settings_for(nas)) as running, connect(running.service.port) as connection:
        assert asks(connection).startswith(b"HTTP/1.1 200 ")
        stands = threading.Event()
        running.io_loop.add_callback(lambda: (stands.set(), time.sleep(1.0)))
        assert stands.wait(20)
        assert asks(connection).startswith(b"HTTP/1.1 200 ")


def test_half_a_request_body_is_let_go_after_the_body_timeout(nas: FakeNas) -> None:
    with Running(settings_for(nas)) as running:
        assert running.service.server.conn_params.body_timeout == 10
        running.service.server.conn_params.body_timeout = 0.4
        started = time.monotonic()
        request = b"POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
        assert not talk(running.service.port, request).startswith(b"HTTP/1.1 2")
        assert 0.3 < time.monotonic() - started < 9


# J7: what gets into the log

LINES = [
    b"/files/%0aERROR%20all%20is%20lost",
    b"/%0d%0aINFO%20fake",
    b"/files/%1b%5b2J%1b%5d0;owned%07",
    b"/files/\xc2\x9b31m",
    b"/files/%c2%9b31m",
    b"/\x9b31m",
    b"/files/%e2%80%ae%e2%80%8fgpj.exe",
    b"/files/\xe2\x80\xae\xe2\x80\x8fgpj.exe",
    b"/files/%ed%a0%80",
    b"/files/%f3%a0%80%81",
    b"/" + b"long" * 3900,
    b"/files?client=%0a%1b[2J\xe2\x80\xae",
]


def test_no_client_can_write_what_it_likes_into_the_log(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, "--log-level", "debug") as process:
        process.wait_ready()
        for line in LINES:
            talk(process.port, b"GET " + line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            talk(process.port, b"GET /x HTTP/1.1\r\nHost: " + line + b"\r\n\r\n")
            talk(process.port, line[1:] + b" / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            talk(
                process.port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: " + line + b"\r\n\r\n"
            )
        for request in (*REFUSED.values(), *MALFORMED.values()):
            talk(process.port, request)
        process.get("/the-last-one")
        assert process.stderr is not None
        process.stderr.wait_for(rb"/the-last-one")
        process.signal()
        assert process.wait() == 0
        assert len(process.log) > len(LINES)
        for line_read in process.log:
            assert line_read.isprintable(), line_read
            assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR) ", line_read), line_read
            assert len(line_read) < 4100
        told = [line_read for line_read in process.log if re.match(r".{19} (WARNING|ERROR) ", line_read)]
        assert len(told) == 1 and "--allowed-host" in told[0]  # the first strange name


def test_the_password_in_a_header_that_cannot_be_read_is_not_told(nas: FakeNas, tmp_path: Path) -> None:
    password = b64encode(f"frame:{CANARY_ACCESS}".encode())
    with Process(nas.url, tmp_path, "--log-level", "debug") as process:
        answer = talk(
            process.port, b"GET /files HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + password + b"\x01\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 400 ")
        process.get("/the-last-one")
        assert process.stderr is not None
        process.stderr.wait_for(rb"/the-last-one")
        assert password not in process.stderr.data


def test_hostile_requests_leave_no_line_in_the_log_of_a_quiet_day(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path) as process:
        process.wait_ready()
        assert process.stderr is not None
        process.stderr.wait_for(rb"photos in the album")
        before = process.log
        for request in (*REFUSED.values(), *MALFORMED.values()):
            talk(process.port, request)
        process.signal()
        assert process.wait() == 0
        assert len(process.log) <= len(before) + 3, process.log[-5:]


# E1, E4: clients that do not take what they asked for


def stalled(running: Running) -> socket.socket:
    """A client that reads the header of its photo, and then nothing any more."""
    photo = running.service.sync.catalog.photos[0]
    connection = connect(running.service.port, receive_buffer=4096)
    connection.sendall(f"GET {photo.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert read_header(connection).startswith(b"HTTP/1.1 200 OK\r\n")
    return connection


@pytest.mark.parametrize("big", [2.0], indirect=True)
def test_a_client_that_never_reads_is_let_go_and_its_photo_with_it(big: Running) -> None:
    photo = big.service.sync.catalog.photos[0]
    cache, traffic = big.service.store.cache, big.service.traffic
    started = time.monotonic()
    with stalled(big):
        assert traffic.active == 1
        big.call(lambda: cache.discard(photo.key))
        assert cache.bytes >= BIG  # still owed to the client, and counted
        wait_until(lambda: traffic.active == 0)
        assert 1.5 < time.monotonic() - started < 25
    assert big.call(lambda: cache.bytes) == 0
    assert big.get(photo.url).content == big.get("/files").content


@pytest.mark.parametrize("big", [2.0], indirect=True)
def test_the_second_photo_of_a_stalled_pipeline_is_counted_too(big: Running) -> None:
    photo = big.service.sync.catalog.photos[0]
    cache, traffic = big.service.store.cache, big.service.traffic
    with connect(big.service.port, receive_buffer=4096) as connection:
        request = f"GET {photo.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        connection.sendall(2 * request)
        for whole in (True, False):
            length = re.search(rb"Content-Length: (\d+)", read_header(connection))
            missing = int(length[1]) if length and whole else 0
            while missing:
                missing -= len(connection.recv(min(missing, 65536)))
        wait_until(lambda: traffic.responses["OnePhoto", 200] == 2)
        big.call(lambda: cache.discard(photo.key))
        assert traffic.active == 1
        assert cache.bytes >= BIG
        wait_until(lambda: traffic.active == 0)
    assert big.call(lambda: cache.bytes) == 0


@pytest.mark.parametrize("big", [1.0], indirect=True)
def test_a_slow_client_that_makes_progress_gets_everything(half_a_second_for_headers: None, big: Running) -> None:
    photo = big.service.sync.catalog.photos[0]
    started, taken = time.monotonic(), 0
    with connect(big.service.port, receive_buffer=65536) as connection:
        connection.sendall(f"GET {photo.url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        read_header(connection)
        while piece := connection.recv(65536):
            taken += len(piece)
            if time.monotonic() - started < 1.5:  # longer than the stall time, in all
                time.sleep(0.05)
    assert time.monotonic() - started > 1.4
    assert taken == len(big.service.store.cache.hold(photo.key) or b"")
    big.call(lambda: big.service.store.release(photo))


def test_eight_stalled_clients_of_one_photo_hold_one_copy(big: Running) -> None:
    cache = big.service.store.cache
    with ExitStack() as clients:
        clients.enter_context(stalled(big))
        before = resident_bytes()
        for _ in range(7):
            clients.enter_context(stalled(big))
        assert big.service.traffic.active == 8
        assert resident_bytes() - before < BIG
        assert len(cache) == 1
        assert cache.bytes < BIG + 1000
    wait_until(lambda: big.service.traffic.active == 0)


def test_two_hundred_clients_that_leave_midway_leave_no_trace(big: Running, caplog: pytest.LogCaptureFixture) -> None:
    photo = big.service.sync.catalog.photos[0]
    traffic, server = big.service.traffic, big.service.server
    with caplog.at_level(logging.DEBUG):
        for _ in range(200):
            stalled(big).close()
        wait_until(lambda: traffic.responses["OnePhoto", 200] == 200 and traffic.active == 0)
        gc.collect()
        assert is_alive(big)
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG] == []
    wait_until(lambda: not server._open.keys() - {"127.0.0.1"} and server._open["127.0.0.1"] <= 1)
    big.call(lambda: big.service.store.cache.discard(photo.key))
    assert big.service.store.cache.bytes == 0


def test_a_client_that_leaves_before_its_photo_came_leaves_no_trace(
    nas: FakeNas, caplog: pytest.LogCaptureFixture
) -> None:
    item = nas.library.album("kitchen-dash").items[0]
    barrier = threading.Event()
    nas.fault(hold(barrier), api="SYNO.Foto.Thumbnail", item=item.unit_id)
    with Running(settings_for(nas)) as running, caplog.at_level(logging.INFO):
        running.wait_ready()
        before = len(caplog.records)
        with connect(running.service.port) as connection:
            connection.sendall(f"GET /files/{item.id}.jpg HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            wait_until(lambda: running.service.traffic.active == 1)
        wait_until(lambda: not running.service.server._open["127.0.0.1"] > 1)
        barrier.set()
        wait_until(lambda: running.service.traffic.active == 0)
        running.wait_filled()
        gc.collect()
        assert [record.getMessage() for record in caplog.records[before:] if record.levelno > logging.INFO] == []
        assert running.get(f"/files/{item.id}.jpg").content == item.data("xl")


# F1: connections


def test_connections_stay_below_the_descriptor_limit(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, most_descriptors=64) as process, ExitStack() as connections:
        process.wait_filled()
        process.session.close()
        assert process.stderr is not None
        process.stderr.wait_for(rb"at most 24 connections")
        logged = len(process.stderr.data)
        crowd = [
            connections.enter_context(connect(process.port, source=f"127.0.0.{1 + number % 4}"))
            for number in range(100)
        ]
        wait_until(lambda: len(select.select(crowd, [], [], 0)[0]) >= 100 - 24)
        refused = select.select(crowd, [], [], 0)[0]
        answers = [read_to_end(connection) for connection in refused]
        assert all(re.match(rb"HTTP/1.1 503 .*\r\nRetry-After: 5\r\n", answer, re.DOTALL) for answer in answers)
        assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) < 64
        cpu = process.cpu_seconds()
        time.sleep(1.0)  # in which a loop that spins would show
        assert 100 - 24 <= len(select.select(crowd, [], [], 0)[0]) <= 100 - 20
        assert process.cpu_seconds() - cpu < 0.2
        assert len(process.stderr.data) - logged < 1000
        connections.close()
        process.wait_for("/files", lambda response: response.status_code == 200)


def test_one_address_cannot_take_all_connections(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, most_descriptors=64) as process, ExitStack() as connections:
        process.wait_ready()
        for _ in range(40):
            connections.enter_context(connect(process.port, source="127.0.0.9"))
        request = b"GET /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert talk(process.port, request).startswith(b"HTTP/1.1 200 OK\r\n")
