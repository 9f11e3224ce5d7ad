"""Group D: the way to the NAS."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import PATIENCE_SECONDS, Running, canary_nas, settings_for
from guest import THUMBNAIL
from outside import ROOT, Process
from proxy import Proxy, Toxics

from photosync import fakenas
from photosync.fakenas import FakeNas, Library
from photosync.wire import CONNECT_SECONDS

SHORT_SECONDS = 1.0


class BadLine:
    """The service beyond a proxy, with one photo in memory; another one is wanted, and waits at the NAS."""

    def __init__(self, nas: FakeNas, line: Proxy, running: Running, go: threading.Event) -> None:
        self.nas, self.line, self.running = nas, line, running
        self._go = go
        self.held, self.wanted = nas.library.album("kitchen-dash").items
        self._key = running.service.sync.catalog.by_id[self.wanted.id].key
        self._quarantine = running.service.store.health.quarantine

    def fetch(self, toxics: Toxics) -> requests.Response:
        """The answer to whoever asks for the wanted photo while the line is like this; asked for again by itself it
        is after five minutes, as at the second failure, and not in a second.
        """
        self.line.toxics = toxics
        self._go.set()
        answer = self.running.get(f"/files/{self.wanted.id}.jpg")
        cause = self._quarantine.cause(self._key)
        assert cause is not None
        self.running.call(lambda: self._quarantine.failure(self._key, cause))
        return answer

    def fetched_whole(self) -> bool:
        """Whether a good line brings all of it."""
        self.line.toxics = Toxics()
        self.running.call(lambda: self._quarantine.success(self._key))
        path = f"/files/{self.wanted.id}.jpg"
        return bool(self.running.wait_for(path, lambda response: response.ok).content == self.wanted.data("xl"))

    @property
    def asked(self) -> int:
        """How often the NAS was asked for the wanted photo."""
        return sum(call.params.get("id") == str(self.wanted.unit_id) for call in list(self.nas.calls))

    @property
    def is_at_rest(self) -> bool:
        """Nothing of the photo was kept, no thread works for it, and the screen shows the other one."""
        stats = self.running.stats()
        shown = self.running.get("/files")
        return (stats["entries"], stats["inflight"]) == (1, 0) and shown.content == self.held.data("xl")


@contextmanager
def bad_line(timeout_seconds: float = SHORT_SECONDS) -> Iterator[BadLine]:
    go = threading.Event()
    with canary_nas(library=Library.synthetic(2, photo_bytes=8000)) as nas, Proxy(nas.port) as line:
        wanted = nas.library.album("kitchen-dash").items[1]
        nas.fault(fakenas.hold(go), api=THUMBNAIL, item=wanted.unit_id)
        settings = settings_for(nas, url=line.url, timeout_seconds=timeout_seconds)
        with Running(settings) as running:
            running.wait_for("/cache/stats", lambda response: response.json()["entries"] == 1)
            yield BadLine(nas, line, running, go)


def test_d1_a_nas_that_is_off_is_asked_rarely_and_all_photos_in_memory_go_on() -> None:
    with (
        canary_nas(library=Library.synthetic(3)) as nas,
        Proxy(nas.port) as line,
        Running(settings_for(nas, url=line.url)) as running,
    ):
        running.wait_filled()
        line.down()
        for _ in range(30):
            running.look()
            assert running.get("/files").status_code == 200
        assert 1 <= running.service.sync.failures <= 3
        assert "photosync_nas_up 0.0" in running.get("/metrics").text
        line.up()
        running.look_again()
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is None)
        assert "photosync_nas_up 1.0" in running.get("/metrics").text


def test_d3_a_slow_name_service_holds_up_nothing_but_the_call_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, go, threads = socket.getaddrinfo, threading.Event(), []

    def slow(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "nas.test":
            return resolve(host, *arguments, **options)
        threads.append(threading.current_thread().name)
        assert go.wait(PATIENCE_SECONDS)
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with canary_nas() as nas, Running(settings_for(nas, url=f"http://nas.test:{nas.port}")) as running:
        running.wait_for("/healthz", lambda response: threads != [])
        for path in ("/healthz", "/metrics", "/cache/stats", "/"):
            assert running.get(path).status_code == 200
        assert running.get("/files").status_code == 503
        go.set()
        running.wait_ready()
    assert {name.partition("_")[0] for name in threads} == {"nas"}


def test_d3_a_name_that_does_not_resolve_is_told_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, known = socket.getaddrinfo, threading.Event()

    def forgetful(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "nas.test" and not known.is_set():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve("127.0.0.1" if host == "nas.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", forgetful)
    with canary_nas() as nas, Running(settings_for(nas, url=f"http://nas.test:{nas.port}")) as running:
        answer = running.wait_for("/files", lambda response: "nas.test does not resolve" in response.text)
        assert answer.status_code == 503
        known.set()
        running.look_again()
        running.wait_ready()


def test_d4_a_nas_that_got_another_address_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, addresses = socket.getaddrinfo, ["127.0.0.1"]

    def by_lease(host: Any, *arguments: Any, **options: Any) -> Any:
        return resolve(addresses[0] if host == "nas.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", by_lease)
    library = Library.synthetic(3)
    with (
        canary_nas(library=library) as before,
        Running(settings_for(before, url=f"http://nas.test:{before.port}")) as running,
    ):
        running.wait_filled()
        before.stop()
        addresses[0] = "127.0.0.2"
        with canary_nas(library=library, host="127.0.0.2", port=before.port) as after:
            after.library.add(after.library.album("kitchen-dash"))
            running.look()
            running.wait_filled()


def test_d5_a_connection_that_falls_silent_costs_one_time_out() -> None:
    with bad_line() as bad:
        assert bad.fetch(Toxics(timeout=True, limit_data=3000)).status_code == 504
        assert bad.is_at_rest
        connections = bad.line.connections
        assert bad.fetched_whole()
        assert bad.line.connections == connections + 1


def test_d7_a_reset_in_the_middle_of_a_picture_is_tried_once_more_and_then_told() -> None:
    with bad_line(20.0) as bad:
        answer = bad.fetch(Toxics(reset_peer=True, limit_data=3000))
        assert (answer.status_code, bad.asked) == (502, 2)
        assert "cut short" in answer.json()["error"]
        assert bad.is_at_rest
        assert bad.fetched_whole()


def test_d8_a_dripping_answer_ends_at_the_time_out_and_frees_its_thread() -> None:
    with bad_line() as bad:
        assert bad.fetch(Toxics(slicer=1, latency=0.02)).status_code == 504
        assert bad.is_at_rest
        assert bad.fetched_whole()


def test_d9_latency_is_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    with canary_nas(library=Library.synthetic(12)) as nas, Proxy(nas.port) as line:
        line.toxics = Toxics(latency=0.02, jitter=0.02)
        settings = settings_for(nas, url=line.url)
        with caplog.at_level(logging.INFO, "photosync"), Running(settings) as running:
            running.wait_filled()
            for _ in range(3):
                running.look()
            assert "photosync_nas_up 1.0" in running.get("/metrics").text
            assert running.stats()["last_error"] is None
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []
    # Wi-Fi that saves power answers after seconds; a lost SYN is sent again after one and after three.
    assert CONNECT_SECONDS >= 5
    assert type(settings)(url="").timeout_seconds >= 5


def test_d10_a_picture_too_large_for_the_line_is_not_asked_for_again_and_again() -> None:
    with bad_line() as bad:
        assert bad.fetch(Toxics(bandwidth=2000)).status_code == 504
        asked = bad.asked
        for _ in range(20):
            assert bad.is_at_rest
            assert bad.running.get(f"/files/{bad.wanted.id}.jpg").status_code == 504
        assert bad.asked == asked == 1


GARBAGE = {
    "HTTP/0.9": Library.synthetic(1).items[20_001].data("xl"),
    "300 headers": b"HTTP/1.1 200 OK\r\n" + b"X-Header: value\r\n" * 300 + b"Content-Length: 0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "an odd status": b"HTTP/1.1 two OK\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_d13_garbage_in_place_of_http_is_a_502(name: str) -> None:
    with canary_nas(library=Library.synthetic(2)) as nas:
        bad = nas.library.album("kitchen-dash").items[1]
        nas.fault(fakenas.raw(GARBAGE[name]), api=THUMBNAIL, item=bad.unit_id)
        with Running(settings_for(nas)) as running:
            running.wait_ready()
            answer = running.get(f"/files/{bad.id}.jpg")
            assert answer.status_code == 502
            assert "does not speak HTTP" in answer.json()["error"]
            assert running.get("/files").status_code == 200


def test_d14_a_listen_address_that_is_not_there_yet_is_waited_for_by_systemd(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, "--listen-address", "192.0.2.1") as process:
        assert process.wait() == 1
        assert len(process.log) == 1
        assert "192.0.2.1" in process.log[0]
        assert "--listen-address" in process.log[0]
    assert nas.calls == []
    unit = (ROOT / "systemd" / "photos-sync.service").read_text()
    for setting in ("Restart=always", "RestartSec=5", "StartLimitIntervalSec=0"):
        assert re.search(rf"^{setting}$", unit, re.MULTILINE)
