"""The service as a process: starting, stopping, and what it says meanwhile."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
import requests
from conftest import (
    CANARY_LINK_PASSWORD,
    CANARY_PASSPHRASE,
    CANARY_PASSWORD,
    CANARY_SESSION,
    CANARY_TOKEN,
    PATIENCE_SECONDS,
    Running,
    canary_nas,
    link_settings,
    settings_for,
    share,
    until,
    wait_until,
)
from outside import Process, closed_port, connect, read_header, read_to_end, talk
from tornado.ioloop import PeriodicCallback

from photosync.fakenas import (
    FakeNas,
    Fault,
    Library,
    bytes_body,
    cut,
    error,
    hang,
    hold,
    html,
    json_body,
    raw,
    redirect,
    reset,
    status,
)
from photosync.server import notify_systemd, watchdog_seconds
from photosync.service import _DRAIN_SECONDS, MonotonicIOLoop

THUMBNAIL = "SYNO.Foto.Thumbnail"
ALBUM = "SYNO.Foto.Browse.Album"


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_service_stops_at_once_with_status_0_and_logs_out(
    nas: FakeNas, tmp_path: Path, number: signal.Signals
) -> None:
    with Process(nas.url, tmp_path) as process:
        process.wait_ready()
        assert len(nas.sessions) == 1
        process.signal(number)
        assert process.wait(_DRAIN_SECONDS) == 0  # it does not wait for answers that nobody is sent
    assert nas.sessions == []
    assert nas.count("SYNO.API.Auth", "logout") == 1


def test_a_photo_that_is_being_fetched_is_still_sent_whole_after_sigterm(nas: FakeNas, tmp_path: Path) -> None:
    item = nas.library.album("kitchen-dash").items[0]
    barrier = threading.Event()
    nas.fault(hold(barrier), api=THUMBNAIL, item=item.unit_id)
    with Process(nas.url, tmp_path) as process:
        process.wait_ready()
        with connect(process.port) as connection:
            connection.sendall(f"GET /files/{item.id}.jpg HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            process.wait_for("/cache/stats", lambda response: response.json()["misses"] >= 1)
            process.signal()
            process.wait_until_it_accepts_no_more()
            barrier.set()
            assert read_header(connection).startswith(b"HTTP/1.1 200 OK\r\n")
            assert read_to_end(connection) == item.data("xl")
        assert process.wait() == 0
    assert nas.sessions == []


def test_a_photo_that_is_half_sent_is_sent_whole_after_sigterm(tmp_path: Path) -> None:
    library = Library.synthetic(1, photo_bytes=8_000_000)
    item = library.album("kitchen-dash").items[0]
    with canary_nas(library=library) as nas, Process(nas.url, tmp_path) as process:
        process.wait_ready()
        with connect(process.port, receive_buffer=65536) as connection:
            connection.sendall(f"GET /files/{item.id}.jpg HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            read_header(connection)
            process.signal()
            process.wait_until_it_accepts_no_more()
            assert read_to_end(connection) == item.data("xl")
        assert process.wait() == 0


def test_a_second_sigterm_ends_it_at_once(nas: FakeNas, tmp_path: Path) -> None:
    item = nas.library.album("kitchen-dash").items[0]
    nas.fault(hang(), api=THUMBNAIL, item=item.unit_id)
    with Process(nas.url, tmp_path) as process:
        process.wait_ready()
        with connect(process.port) as connection:
            connection.sendall(f"GET /files/{item.id}.jpg HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            process.wait_for("/cache/stats", lambda response: response.json()["misses"] >= 1)
            process.signal()
            process.wait_until_it_accepts_no_more()
            process.signal()
            assert process.wait(_DRAIN_SECONDS) == 128 + signal.SIGTERM


def test_a_nas_that_hangs_does_not_hold_up_the_end(nas: FakeNas, tmp_path: Path) -> None:
    fault = nas.fault(hang(), api="SYNO.Foto.Browse.Item")
    with Process(nas.url, tmp_path) as process:
        process.wait_for("/healthz", lambda response: response.status_code == 200)
        wait_until(lambda: fault.hits > 0)
        process.signal()
        assert process.wait() == 0


# Starting


def test_a_service_that_starts_before_its_nas_shows_photos_once_it_is_there(tmp_path: Path) -> None:
    with canary_nas() as nas:
        nas.stop()
        with Process(nas.url, tmp_path) as process:
            response = process.wait_for("/files", lambda response: "refused" in response.text)
            assert response.status_code == 503
            assert process.get("/healthz").status_code == 200
            started = time.monotonic()
            nas.start()
            response = process.wait_for("/files", lambda response: response.status_code == 200)
            assert time.monotonic() - started < 30  # before the interval is over
            assert response.content.startswith(b"\xff\xd8\xff")
            process.signal()
            assert process.wait() == 0
            assert [line.split(" ", 2)[2][:40] for line in process.log if " ERROR " in line] == [
                "ERROR The album cannot be read: Nothing "
            ]


def test_a_port_that_is_taken_is_told_in_one_line(nas: FakeNas, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with Process(nas.url, tmp_path, "--server-port", str(port)) as process:
            assert process.wait() == 1
            assert len(process.log) == 1
            assert str(port) in process.log[0]
            assert "--server-port" in process.log[0]
            assert process.stdout.data == b""
    # A unit that systemd restarts every few seconds would otherwise leave a session, or a failed login, each time.
    assert nas.count("SYNO.API.Auth", "login") == 0


# systemd


def usual_gap(moments: Sequence[float]) -> float:
    """The median of the times between: a machine that is busy for a moment does not change it."""
    return median(after - before for before, after in pairwise(moments))


@contextmanager
def notify_socket(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(PATIENCE_SECONDS)
        yield listener


def messages_until(listener: socket.socket, word: bytes) -> list[bytes]:
    found: list[bytes] = []
    while not found or word not in found[-1]:
        found.append(listener.recv(4096))
    return found


def test_systemd_is_told_ready_watchdog_and_stopping(nas: FakeNas, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "300000"}
    with notify_socket(path) as listener, Process(nas.url, tmp_path, environment=environment) as process:
        assert listener.recv(4096) == b"READY=1\nSTATUS=starting"
        moments = []
        process.wait_ready()
        messages_until(listener, b"STATUS=ok")
        for _ in range(6):
            assert listener.recv(4096) == b"WATCHDOG=1\nSTATUS=ok"
            moments.append(time.monotonic())
        assert 0.1 < usual_gap(moments) < 0.3
        process.signal()
        assert messages_until(listener, b"STOPPING=1")[-1] == b"STOPPING=1"
        assert process.wait() == 0


def test_systemd_hears_of_readiness_and_the_watchdog_while_the_nas_is_away(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000", "WATCHDOG_PID": ""}
    with (
        closed_port() as port,
        notify_socket(path) as listener,
        Process(f"http://127.0.0.1:{port}", tmp_path, environment=environment) as process,
    ):
        assert b"READY=1" in listener.recv(4096)
        process.wait_for("/readyz", lambda response: "refused" in response.text)
        assert messages_until(listener, b"WATCHDOG=1\nSTATUS=nas_down")
        assert process.get("/readyz").status_code == 503


def test_the_watchdog_of_another_process_is_not_fed() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "600000"}) == 0.6
    assert watchdog_seconds({"WATCHDOG_USEC": "600000", "WATCHDOG_PID": str(os.getpid())}) == 0.6
    assert watchdog_seconds({"WATCHDOG_USEC": "600000", "WATCHDOG_PID": "1"}) is None
    for text in ("", "0", "-1", "soon"):
        assert watchdog_seconds({"WATCHDOG_USEC": text}) is None


def test_the_notify_socket_may_be_abstract_or_gone(tmp_path: Path) -> None:
    name = f"photosync-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(PATIENCE_SECONDS)
        notify_systemd({"NOTIFY_SOCKET": "@" + name}, "READY=1")
        assert listener.recv(100) == b"READY=1"
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}):
        notify_systemd(environment, "READY=1")


# H1, H2: the wall clock


@pytest.mark.parametrize("step", [-3600.0, 30 * 365 * 86400.0])
def test_a_step_of_the_wall_clock_delays_no_timer(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    wall_clock = time.time
    loop = MonotonicIOLoop(make_current=False)

    async def count() -> None:
        ticks: list[float] = []
        periodic = PeriodicCallback(lambda: ticks.append(time.monotonic()), 20)
        periodic.start()
        await until(lambda: ticks)
        monkeypatch.setattr(time, "time", lambda: wall_clock() + step)
        before = len(ticks)
        await until(lambda: len(ticks) >= before + 10)
        assert usual_gap(ticks[before:]) > 0.01  # nor does it hurry
        periodic.stop()

    try:
        loop.run_sync(count)
    finally:
        loop.close(all_fds=True)


@pytest.mark.parametrize("step", [-3600.0, 30 * 365 * 86400.0])
def test_the_album_is_looked_at_in_time_after_the_wall_clock_stepped(
    nas: FakeNas, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall_clock = time.time
    with Running(settings_for(nas, interval_seconds=0.05)) as running:
        running.wait_ready()
        monkeypatch.setattr(time, "time", lambda: wall_clock() + step)
        before = nas.count(ALBUM, "get")
        wait_until(lambda: nas.count(ALBUM, "get") >= before + 8)
        looks = [call.at for call in nas.calls if (call.api, call.method) == (ALBUM, "get")]
        assert usual_gap(looks[before:]) > 0.025
        logins = nas.count("SYNO.API.Auth", "login")
    assert logins == 1


@pytest.mark.skipif(shutil.which("faketime") is None, reason="Debian's package faketime is not installed")
def test_the_watchdog_is_fed_while_the_clock_of_the_whole_process_steps_back(nas: FakeNas, tmp_path: Path) -> None:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    clock, path = tmp_path / "clock", tmp_path / "notify"
    clock.write_text("+0\n")
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NOTIFY_SOCKET": str(path),
        "WATCHDOG_USEC": "200000",
    }
    with notify_socket(path) as listener, Process(nas.url, tmp_path, environment=environment) as process:
        process.wait_ready()
        clock.write_text("-3600\n")
        for _ in range(6):  # not an hour later
            messages_until(listener, b"WATCHDOG=1")
        process.signal()
        assert process.wait() == 0
        for left_behind in Path("/dev/shm").glob(f"*faketime_s*_{process.pid}"):  # noqa: S108 - libfaketime's own
            left_behind.unlink()


# F10: nobody reads what it says


def test_a_stderr_that_nobody_reads_does_not_stop_the_service(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, "--log-level", "debug", reads_stderr=False) as process:
        process.wait_ready()
        process.shrink_stderr()
        path = b"/" + b"x" * 200
        batch = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path * 400
        last = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path
        for _ in range(3):  # 1,200 lines, more than the pipe and the queue take together
            assert talk(process.port, batch + last).count(b"HTTP/1.1 404 ") == 401
        assert process.get("/files").status_code == 200
        process.signal()
        assert process.wait() == 0


def test_a_stderr_that_is_closed_does_not_stop_the_service(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, "--log-level", "debug") as process:
        process.wait_ready()
        assert process.stderr is not None
        process.stderr.close()
        for _ in range(5):
            assert process.get("/files").status_code == 200
        process.signal()
        assert process.wait() == 0


# I8 and the log: what it says, and what it must not


def everything_fails(make: Callable[[], Fault], *apis: str) -> Callable[[FakeNas], None]:
    def install(nas: FakeNas) -> None:
        for api in apis or (None,):
            nas.fault(make(), api=api)

    return install


def refuse_login(nas: FakeNas) -> None:
    nas.login_error = 400


ECHO = f"{CANARY_PASSWORD} id={CANARY_SESSION} SynoToken={CANARY_TOKEN} passwd=canary-pass%23word"
LOGIN = "SYNO.API.Auth"


def fail_each_picture_in_its_own_way(nas: FakeNas) -> None:
    faults = (reset(80), hang(), redirect(f"https://[bad/?{ECHO}"), html(), error(803, {"name": ECHO}), cut(500))
    for fault, item in zip(faults, nas.library.album("kitchen-dash").items, strict=False):
        nas.fault(fault, api="SYNO.Foto.Thumbnail", item=item.unit_id)


TROUBLES = {
    "the login is refused": refuse_login,
    "the login is redirected": everything_fails(lambda: redirect(f"http://evil.example/?{ECHO}", 307), LOGIN),
    "the login answer has no session": everything_fails(lambda: json_body({"success": True, "data": ECHO}), LOGIN),
    "the login answer is cut": everything_fails(lambda: cut(60), LOGIN),
    "everything echoes the secrets": everything_fails(lambda: html_with(ECHO)),
    "no answer is HTTP": everything_fails(lambda: raw(b"\x00\x01" + ECHO.encode() + b"\r\n\r\n")),
    "sessions die at once": everything_fails(lambda: error(119), ALBUM, "SYNO.Foto.Browse.Item"),
    "pictures fail": fail_each_picture_in_its_own_way,
}


def html_with(text: str) -> Fault:
    return bytes_body(f"<html>{text}</html>".encode(), "text/html", {"X-Echo": text.encode().hex()})


def tells_more(answer: requests.Response, expected: Sequence[int]) -> bool:
    """Whether it is what comes after the first look has ended."""
    return answer.status_code in expected and "first time" not in answer.text


def test_no_secret_is_told_whatever_the_nas_does(tmp_path: Path) -> None:
    with ExitStack() as stack:
        processes = {}
        for number, (trouble, install) in enumerate(TROUBLES.items()):
            nas = stack.enter_context(canary_nas())
            install(nas)
            options = ("--timeout", "1", "--log-level", "debug" if number % 3 else "info")
            directory = tmp_path / str(number)
            processes[trouble] = stack.enter_context(
                Process(nas.url, directory, *options, password_in_file=number % 2 == 0)
            )
        for trouble, process in processes.items():
            expected = (200,) if trouble == "pictures fail" else (502, 503)
            process.wait_for("/files", lambda answer, expected=expected: tells_more(answer, expected))  # type: ignore[misc]
            for number in range(20_001, 20_008):
                process.get(f"/files/{number}.jpg")
            for path in ("/files/list?details=1", "/readyz", "/cache/stats", "/metrics", "/"):
                process.get(path)
        for process in processes.values():
            process.signal()
        for number, process in enumerate(processes.values()):
            assert process.wait() == 0
            assert process.log
            warned = [line for line in process.log if "command line" in line]
            assert len(warned) == number % 2
    # Process searches all of it for the canaries when it is left.


def test_the_log_tells_once_that_the_nas_is_gone_and_once_that_it_is_back(
    running: Running, nas: FakeNas, caplog: pytest.LogCaptureFixture
) -> None:
    running.wait_filled()
    sync = running.service.sync
    running.service.store.health.breaker._first_seconds = 0.01  # minutes of retries in a second
    with caplog.at_level(logging.INFO):
        at_work = nas.fault(status(503))
        for failures, fault in enumerate((status(503), reset(), error(117), raw(b""), status(500), status(502)), 1):
            before, at_work = at_work, nas.fault(fault)
            before.remove()  # there is no moment without any
            running.call(sync.refresh)
            wait_until(lambda failures=failures: sync.failures >= failures)  # type: ignore[misc]
            assert running.get("/files").status_code == 200  # every photo is in memory
        nas.clear_faults()
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is None)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("photosync")]
    assert [message[:27] for message in messages] == ["The album cannot be read: T", "The album can be read again"]
    assert int(re.findall(r"after (\d+) failed looks", messages[1])[0]) >= 6


# On a share link


@pytest.mark.parametrize("era", ["1.3", "1.6", "1.9"])
def test_the_whole_service_runs_on_a_link(era: str, tmp_path: Path) -> None:
    with canary_nas(era=era) as nas:
        secret = tmp_path / "link-password"
        secret.write_text(CANARY_LINK_PASSWORD + "\n", "utf-8")
        secret.chmod(0o600)
        environment = {"PHOTOS_SYNC_SHARE_LINK": share(nas, password=CANARY_LINK_PASSWORD)}
        options = ("--log-level", "debug")
        with Process(
            nas.url, tmp_path, *options, way_in=["--share-password-file", str(secret)], environment=environment
        ) as process:
            process.wait_ready()
            assert len(process.get("/files/list").json()) == 28
            for path in ("/files/list?details=1", "/cache/stats", "/metrics", "/readyz", "/", "/files"):
                assert process.get(path).status_code == 200
            process.wait_filled()
            process.signal()
            assert process.wait() == 0
    # Process has searched all of it for the canaries.


@pytest.mark.parametrize("code", [101, 119])
def test_a_links_session_that_ends_is_renewed_unseen(nas: FakeNas, code: int) -> None:
    share(nas)
    with Running(link_settings(nas)) as running:
        running.wait_filled()
        nas.expire_sessions(code)
        running.look()
        assert running.stats()["last_error"] is None
        assert nas.count("SYNO.Core.Sharing.Login", "login") == 2


def test_photos_in_memory_outlive_their_link_and_the_log_tells_once(
    nas: FakeNas, caplog: pytest.LogCaptureFixture
) -> None:
    share(nas)
    with Running(link_settings(nas)) as running:
        running.wait_filled()
        nas.library.unshare(nas.library.album("kitchen-dash"))
        with caplog.at_level(logging.INFO):
            for _ in range(3):
                running.look()
        assert "was taken back" in running.stats()["last_error"]
        for _ in range(28):
            assert running.get("/files").status_code == 200
        assert nas.count("SYNO.Core.Sharing.Login", "login") == 2
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert told[0].startswith("The album cannot be read: The share link is wrong, has expired, or was taken back.")
    assert CANARY_PASSPHRASE not in caplog.text


def test_a_password_that_is_changed_in_its_file_opens_the_link_again(nas: FakeNas, tmp_path: Path) -> None:
    secret = tmp_path / "link-password"
    secret.write_text("canary-pass-old\n")
    secret.chmod(0o600)
    share(nas, password="canary-pass-new")
    settings = link_settings(nas, password_file=secret)
    with Running(settings) as running:
        running.wait_for("/readyz", lambda response: "password of the share link" in response.text)
        secret.write_text("canary-pass-new\n")
        running.service.store.health.breaker.success()  # as after the wait that a refusal asks for
        running.look()
        assert running.get("/files").status_code == 200
    assert nas.count("SYNO.Core.Sharing.Login", "login") == 2
