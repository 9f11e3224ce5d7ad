"""The fault proxy does what its words say, and ends when it is told to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from outside import closed_port, connect, read_to_end
from proxy import Proxy, Toxics

from photosync.fakenas import FakeNas

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def line(nas: FakeNas) -> Iterator[Proxy]:
    with Proxy(nas.port) as proxy:
        yield proxy


def ask(line: Proxy, toxics: Toxics) -> bytes:
    line.toxics = toxics
    with connect(line.port) as connection:
        connection.sendall(REQUEST)
        return read_to_end(connection)


def test_without_toxics_it_carries_everything(line: Proxy) -> None:
    answer = ask(line, Toxics())
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"</html>\r\n")


@pytest.mark.parametrize("toxics", [Toxics(slicer=7), Toxics(latency=0.01, jitter=0.01), Toxics(bandwidth=1e6)])
def test_a_slow_line_carries_everything_too(line: Proxy, toxics: Toxics) -> None:
    assert len(ask(line, toxics)) == len(ask(line, Toxics()))


@pytest.mark.parametrize("limit", [0, 1, 20, 150])
def test_it_closes_after_so_many_bytes(line: Proxy, limit: int) -> None:
    before, after = b"", ask(line, Toxics())
    while before != after:  # each tells the second it was sent in
        before, cut, after = after, ask(line, Toxics(limit_data=limit)), ask(line, Toxics())
    assert cut == before[:limit]


@pytest.mark.parametrize("limit", [None, 20])
def test_it_resets(line: Proxy, limit: int | None) -> None:
    line.toxics = Toxics(reset_peer=True, limit_data=limit)
    with connect(line.port) as connection:
        connection.sendall(REQUEST)
        taken = b""
        with pytest.raises(ConnectionResetError):
            while True:
                taken += connection.recv(1000)
                assert len(taken) <= (limit or 0)


@pytest.mark.parametrize("limit", [None, 20])
def test_it_falls_silent_and_stays(line: Proxy, limit: int | None) -> None:
    line.toxics = Toxics(timeout=True, limit_data=limit)
    with connect(line.port) as connection:
        connection.sendall(REQUEST)
        taken = b""
        while len(taken) < (limit or 0):
            taken += connection.recv(1000)
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1000)


def test_pieces_are_as_small_as_it_slices_them(line: Proxy) -> None:
    line.toxics = Toxics(slicer=5, latency=0.5)
    with connect(line.port) as connection:
        connection.sendall(REQUEST)
        assert 1 <= len(connection.recv(1000)) <= 5


def test_a_narrow_line_takes_its_time_and_a_close_may_be_slow(line: Proxy) -> None:
    length = len(ask(line, Toxics()))
    for toxics in (Toxics(bandwidth=length / 0.2), Toxics(slow_close=0.2)):
        started_at = time.monotonic()
        assert len(ask(line, toxics)) == length
        assert time.monotonic() - started_at > 0.15


def test_connections_that_stand_meet_new_toxics(line: Proxy) -> None:
    with connect(line.port) as connection:
        connection.sendall(REQUEST.replace(b"close", b"keep-alive"))
        while not connection.recv(1000).endswith(b"</html>\r\n"):
            pass
        line.toxics = Toxics(limit_data=15)
        connection.sendall(REQUEST)
        assert read_to_end(connection) == b"HTTP/1.1 200 OK"


def test_down_cuts_and_refuses_until_it_is_up_again(line: Proxy) -> None:
    with connect(line.port) as connection:
        line.down()
        assert read_to_end(connection) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", line.port))
    line.up()
    assert ask(line, Toxics()).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_nas_that_is_off_ends_the_connection() -> None:
    with closed_port() as port, Proxy(port) as line, connect(line.port) as connection:
        assert read_to_end(connection) == b""


def test_it_ends_with_connections_that_stand_and_leaves_no_thread(nas: FakeNas) -> None:
    before = set(threading.enumerate())
    with Proxy(nas.port) as line:
        line.toxics = Toxics(timeout=True)
        connections = [connect(line.port) for _ in range(3)]
        for connection in connections:
            connection.sendall(REQUEST)
    for connection in connections:
        assert read_to_end(connection) == b""
        connection.close()
    assert set(threading.enumerate()) == before
