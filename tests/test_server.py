"""Connection limit, and what systemd is told. What clients can do to a server is in test_hostile_http.py."""

from __future__ import annotations

import os
import resource
import socket
import threading
from pathlib import Path

import pytest
from conftest import Running, settings_for
from outside import connect, read_header

from photosync import service
from photosync.fakenas import FakeNas
from photosync.server import MAX_CONNECTIONS, connection_limit, notify_systemd, watchdog_seconds


@pytest.mark.parametrize(("descriptors", "limit"), [(64, 24), (20, 4), (4096, MAX_CONNECTIONS)])
def test_connections_leave_descriptors_for_everything_else(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, limit: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (descriptors, descriptors))
    assert connection_limit() == limit


def test_a_limit_that_is_no_limit_is_the_servers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert connection_limit() == MAX_CONNECTIONS


def test_systemd_is_told_by_one_datagram(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        notify_systemd({"NOTIFY_SOCKET": path}, "READY=1")
        assert listener.recv(100) == b"READY=1"


def test_an_abstract_socket_is_told_too() -> None:
    name = f"photos-sync-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        notify_systemd({"NOTIFY_SOCKET": "@" + name}, "WATCHDOG=1")
        assert listener.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_systemd_nothing_happens(environment: dict[str, str]) -> None:
    notify_systemd(environment, "READY=1")


def test_the_watchdog_is_heeded_if_it_is_meant_for_this_process() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000"}) == 30
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}) == 30
    assert watchdog_seconds({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_seconds({"WATCHDOG_USEC": "0"}) is None
    assert watchdog_seconds({}) is None


def test_a_connection_that_was_accepted_before_the_end_is_still_answered(
    nas: FakeNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_HEAR_SECONDS", 60.0)
    with Running(settings_for(nas)) as running:
        running.wait_ready()
        port = running.service.port
        with connect(port) as connection:
            running.session.close()
            running.get("/healthz")  # the one before it has been accepted, too
            ending = threading.Thread(target=running.stop)
            ending.start()
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 5).close()
                except ConnectionError:
                    break
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_header(connection).startswith(b"HTTP/1.1 200 ")
            ending.join(20)
