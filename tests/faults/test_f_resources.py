"""Group F: descriptors, memory, threads."""

from __future__ import annotations

import gc
import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from conftest import PATIENCE_SECONDS, Running, canary_nas, settings_for, wait_until
from guest import ALBUM, AUTH, THUMBNAIL
from outside import ROOT, Process, connect, read_to_end

from photosync import fakenas
from photosync.calls import NAS_CALLS
from photosync.fakenas import FakeNas, Fault, Library
from photosync.server import MAX_CONNECTIONS
from photosync.settings import Settings

REQUEST = b"GET /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
NEW_CONNECTION = "No connection can be taken"


BASE_BYTES = 60_000_000
SEND_BUFFER_BYTES = 2 * 256 * 1024  # the kernel doubles what it is asked for


@contextmanager
def limited(process: Process, kind: int, most: int) -> Iterator[None]:
    before = resource.prlimit(process.pid, kind)
    resource.prlimit(process.pid, kind, (most, before[1]))
    yield
    resource.prlimit(process.pid, kind, before)


def open_descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_f1_without_descriptors_it_neither_spins_nor_fills_the_log(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path) as process, ExitStack() as crowd:
        process.wait_filled()
        process.session.close()
        assert process.stderr is not None
        with limited(process, resource.RLIMIT_NOFILE, open_descriptors(process.pid)):
            waiting = [crowd.enter_context(connect(process.port)) for _ in range(20)]
            process.stderr.wait_for(NEW_CONNECTION.encode() + rb".*Too many open files")
            logged, cpu = len(process.stderr.data), process.cpu_seconds()
            time.sleep(1.2)  # the time in which a loop that spins would show, and a second try would be told
            assert process.cpu_seconds() - cpu < 0.1
            assert len(process.stderr.data) - logged < 1000
        for connection in waiting:
            connection.sendall(REQUEST)
        assert {read_to_end(connection)[:15] for connection in waiting} == {b"HTTP/1.1 200 OK"}
        assert len([line for line in process.log if NEW_CONNECTION in line]) == 1
        process.signal()
        assert process.wait() == 0


INJECTED = {
    "accept4": "EMFILE",
    "socket": "EMFILE",
    "connect": "ENOBUFS",
    "sendto": "ENOBUFS",
    "recvfrom": "ENOMEM",
}


@contextmanager
def injected(process: Process, call: str, error: str, directory: Path) -> Iterator[None]:
    """The next of these system calls fails."""
    told = directory / f"strace {call}"
    with told.open("wb") as stream:
        faults = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when=1..1"]
        command = ["strace", "-f", "-p", str(process.pid), "-o", os.devnull, *faults]
        tracer = subprocess.Popen(command, stderr=stream)
    try:
        wait_until(lambda: b" attached" in told.read_bytes() or tracer.poll() is not None)
        if tracer.poll() is not None:
            pytest.skip(f"strace cannot attach here: {told.read_text()[:200]}")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(PATIENCE_SECONDS)


@pytest.mark.skipif(shutil.which("strace") is None, reason="Debian's package strace is not installed")
def test_f2_system_calls_that_fail_for_want_of_resources_are_got_over(tmp_path: Path) -> None:
    with ExitStack() as stack:
        pairs = {}
        for call, error in INJECTED.items():
            nas = stack.enter_context(canary_nas())
            process = stack.enter_context(Process(nas.url, tmp_path / call, "--interval", "1"))
            pairs[call] = (nas, process)
            process.wait_filled()
            process.session.close()
            stack.enter_context(injected(process, call, error, tmp_path))
            nas.library.add(nas.library.album("kitchen-dash"), id=99)
            nas.stop()  # connections to the NAS have to be made anew
            nas.start()
        for call, (_, process) in pairs.items():
            for _ in range(3):
                try:
                    process.get("/healthz")
                except OSError:
                    assert call in ("sendto", "recvfrom")  # the one connection that it happened to
        for _, process in pairs.values():
            assert process.wait_for("/files/99.jpg", lambda response: response.ok).content
            process.signal()
        for call, (_, process) in pairs.items():
            assert process.wait() == 0
            assert len(process.log) < 12, process.log
            assert call == "recvfrom" or not [line for line in process.log if "Traceback" in line]


def test_f4_a_picture_that_finds_no_memory_is_an_error_of_its_own(tmp_path: Path) -> None:
    with canary_nas(library=Library.synthetic(3)) as nas, Process(nas.url, tmp_path, "--interval", "1") as process:
        process.wait_filled()
        status = Path(f"/proc/{process.pid}/status").read_text()
        used = int(re.findall(r"VmData:\s+(\d+)", status)[0]) * 1024
        with limited(process, resource.RLIMIT_DATA, used + 4_000_000):
            large = [nas.library.add(nas.library.album("kitchen-dash"), picture=_heavy) for _ in range(2)]
            process.wait_for(f"/files/{large[0].id}.jpg", lambda response: response.status_code == 502)
            assert process.get("/files").status_code == 200
            assert process.get("/healthz").status_code == 200
        for item in large:
            whole = process.wait_for(f"/files/{item.id}.jpg", lambda response: response.ok)
            assert whole.content == _heavy("xl")
        process.signal()
        assert process.wait() == 0
        assert [line for line in process.log if "MemoryError" in line]


def _heavy(size: str) -> bytes:
    return b"\xff\xd8\xff" + bytes(20_000_000) + b"\xff\xd9"


def test_f5_the_limits_that_are_recommended_hold_what_the_service_may_take() -> None:
    cache = Settings(url="").max_cache_bytes
    slow_readers = MAX_CONNECTIONS * SEND_BUFFER_BYTES
    memory = int(re.findall(r"mem_limit: (\d+)m", (ROOT / "compose.yaml").read_text())[0]) * 1_000_000
    assert memory > 1.25 * cache + BASE_BYTES + slow_readers


def test_f5_after_a_kill_it_starts_as_if_nothing_had_been(nas: FakeNas, tmp_path: Path) -> None:
    for _ in range(2):
        with Process(nas.url, tmp_path) as process:
            process.wait_filled()
            assert process.get("/files").status_code == 200
            process.signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL


def test_f7_time_outs_leave_every_thread_free() -> None:
    with canary_nas(library=Library.synthetic(12)) as nas:
        hanging = nas.fault(fakenas.hang(), api=THUMBNAIL)
        with Running(settings_for(nas, timeout_seconds=0.4)) as running:
            running.wait_for("/readyz", lambda response: b"within 0.4 seconds" in response.content)
            running.wait_quiet()
            assert nas.concurrency_peak <= 4
            hanging.remove()
            running.call(running.service.store.health.photo_breaker.success)
            for item in nas.library.album("kitchen-dash").items:
                running.wait_for(f"/files/{item.id}.jpg", lambda response: response.ok)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_f10_a_log_on_a_full_disk_does_not_stop_the_service(nas: FakeNas, tmp_path: Path) -> None:
    onto_a_full_disk = ["sh", "-c", 'exec "$@" 2>/dev/full', "sh"]
    with Process(nas.url, tmp_path, "--log-level", "debug", under=onto_a_full_disk) as process:
        process.wait_ready()
        for _ in range(5):
            assert process.get("/files").status_code == 200
        process.signal()
        assert process.wait() == 0
        assert process.log == []


def written_bytes(pid: int) -> int:
    found = re.search(r"^write_bytes: (\d+)$", Path(f"/proc/{pid}/io").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def written_in_looks(count: int, process: Process, nas: FakeNas) -> int:
    """The bytes that are written while the album is looked at so often and photos are shown."""
    before, looks = written_bytes(process.pid), nas.count(ALBUM, "get")
    while nas.count(ALBUM, "get") < looks + count:
        assert process.get("/files").status_code == 200
    return written_bytes(process.pid) - before


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="this machine tells no /proc/PID/io")
def test_f11_looks_and_kiosks_write_nothing_to_disk(nas: FakeNas, tmp_path: Path) -> None:
    state = ["--state-dir", str(tmp_path / "state"), "--interval", "1"]
    with Process(nas.url, tmp_path, *state) as process:
        process.wait_for("/cache/stats", lambda answer: answer.json()["disk"]["entries"] == 28)
        wait_until((tmp_path / "state" / "decks").exists)
        wait_until(lambda: written_in_looks(1, process, nas) == 0)  # the last bytes of the state are on their way
        assert written_bytes(process.pid) > 0
        assert written_in_looks(3, process, nas) == 0


FAULTS: dict[str, Callable[[], Fault]] = {
    "reset": fakenas.reset,
    "status 500": lambda: fakenas.status(500),
    "page": fakenas.html,
    "dead session": lambda: fakenas.error(119),
    "half an answer": lambda: fakenas.cut(250),
}


@pytest.mark.parametrize("name", FAULTS)
def test_f12_whichever_call_fails_there_are_photos_afterwards_and_nothing_leaks(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls = _live_through(None, 0)
    threads, descriptors = threading.active_count(), open_descriptors(os.getpid())
    assert calls > 8
    for number in range(calls):
        _live_through(FAULTS[name](), number)
    gc.collect()
    wait_until(lambda: threading.active_count() <= threads and open_descriptors(os.getpid()) <= descriptors)
    assert "never retrieved" not in caplog.text
    assert "not foreseen" not in caplog.text


def _live_through(fault: Fault | None, number: int) -> int:
    """Boot, list, show the photos, lose the session, stop; the call of this number fails. Gives how many there were."""
    with canary_nas(library=Library.synthetic(4)) as nas:
        if fault is not None:
            nas.fault(fault, skip=number, times=1)
        with Running(settings_for(nas)) as running:
            _look_until_it_is_good(running)
            running.wait_for("/files", lambda response: response.ok)
            nas.expire_sessions()
            nas.library.add(nas.library.album("kitchen-dash"))
            _look_until_it_is_good(running)
            assert running.stats()["photos"] == 5
            shown = running.wait_for("/files", lambda response: response.ok)
            assert shown.content.startswith(b"\xff\xd8\xff")
            stats = running.stats()
            assert stats["bytes"] <= stats["max_bytes"]
        assert nas.count(AUTH, "login") <= 4
        return len(nas.calls)


def _look_until_it_is_good(running: Running) -> None:
    for _ in range(5):
        running.look_again()
        if running.service.sync.last_error is None:
            return
    raise AssertionError(running.service.sync.last_error)


def test_f12_two_hundred_visits_leave_no_descriptor_and_no_thread_behind(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    running.get("/metrics")  # loads its library, on a thread that stays
    running.wait_filled()  # from here on there are no new connections to the NAS
    threads, descriptors = threading.active_count(), open_descriptors(os.getpid())
    with caplog.at_level(logging.WARNING):
        for _ in range(200):
            with connect(running.service.port) as connection:
                connection.sendall(REQUEST)
                assert read_to_end(connection)
    assert threading.active_count() <= threads + NAS_CALLS  # which are started when they are needed
    assert open_descriptors(os.getpid()) <= descriptors + 2
    assert caplog.records == []
