"""Group G: starting, stopping, and standing still."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from operator import le
from pathlib import Path

import pytest
import requests
from conftest import PATIENCE_SECONDS, canary_nas
from outside import ROOT, Process

from photosync import fakenas
from photosync.fakenas import FakeNas
from photosync.watchdog import EXIT_FROZEN

FREEZES_AT_SIGUSR1 = """
import signal, time
from photosync import watchdog
from photosync.__main__ import console

watchdog.LOOK_SECONDS = {look_seconds}
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(60))  # in the loop's own thread
console()
"""


def freezing(look_seconds: float) -> list[str]:
    return ["-c", FREEZES_AT_SIGUSR1.format(look_seconds=look_seconds)]


def pid_namespace_works() -> bool:
    tool = shutil.which("unshare")
    return tool is not None and subprocess.run([tool, "--pid", "--fork", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not pid_namespace_works(), reason="unshare --pid needs root")
def test_g6_as_process_1_of_a_container_it_heeds_sigterm(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, under=["unshare", "--pid", "--fork", "--kill-child"]) as process:
        process.wait_ready()
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert re.search(r"^NSpid:\s+\d+\s+1$", Path(f"/proc/{child}/status").read_text(), re.MULTILINE)
        subprocess.run(["kill", "-TERM", child], check=True)
        assert process.wait() == 0
    assert nas.sessions == []


def size_of(pid: int) -> tuple[int, int]:
    """Its threads and its descriptors."""
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))


def test_g7_a_hundred_sighups_under_load_cost_no_request_and_only_changes_cost_a_login(
    nas: FakeNas, tmp_path: Path
) -> None:
    config, path = tmp_path / "config.ini", tmp_path / "notify"
    good = f"url = {nas.url}\nusername = frame\npassword-file = {tmp_path / 'password'}\n"
    config.write_text(good)
    stop, failed, asked = threading.Event(), [], [0] * 3

    def ask(process: Process, number: int) -> None:
        with requests.Session() as session:
            while not stop.is_set():
                answer = session.get(f"http://127.0.0.1:{process.port}/files?client={number}", timeout=20)
                asked[number] += 1
                if answer.status_code != 200 or not answer.content.startswith(b"\xff\xd8\xff"):
                    failed.append(answer.status_code)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(30)
        with (
            Process(nas.url, tmp_path, way_in=["-c", str(config)], environment={"NOTIFY_SOCKET": str(path)}) as process,
            ThreadPoolExecutor(len(asked)) as pool,
        ):
            process.wait_for("/cache/stats", lambda response: response.json()["entries"] == 28)
            asking = [pool.submit(ask, process, number) for number in range(len(asked))]

            def reload(text: str) -> None:
                config.write_text(text)
                process.signal(signal.SIGHUP)
                while not listener.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC="):
                    pass
                assert listener.recv(4096).startswith(b"READY=1\n")

            try:
                sizes = [size_of(process.pid)]
                for number in range(100):
                    album = "Grandparents" if number % 20 >= 10 else "kitchen-dash"
                    bad = "interval = soon\n" if number % 4 == 3 else ""
                    reload(f"{good}album = {album}\nmax-cache = {100 + number}\n{bad}")
                    sizes.append(size_of(process.pid))
            finally:
                stop.set()
            for one in asking:
                one.result(30)
            assert failed == []
            assert min(asked) > 100
            threads, descriptors = (max(size[kind] for size in sizes[:25]) for kind in range(2))
            most = [threads + 6, descriptors]  # thread pools fill up by and by
            process.wait_for("/healthz", lambda _: all(map(le, size_of(process.pid), most)))
            assert nas.count("SYNO.API.Auth", "login") == 1 + 9  # the first, and each change of the album
            assert len(nas.sessions) == 1
            assert sum("'soon' is not a number" in line for line in process.log) == 25
            process.signal()
            assert process.wait(10) == 0


def test_g9_a_frozen_loop_feeds_no_watchdog_and_sigabrt_tells_where_it_stands(nas: FakeNas, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "100000"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(PATIENCE_SECONDS)
        with Process(nas.url, tmp_path, environment=environment, program=freezing(10)) as process:
            process.wait_ready()
            while not listener.recv(4096).startswith(b"WATCHDOG=1\n"):
                pass
            process.signal(signal.SIGUSR1)
            with pytest.raises(TimeoutError):  # some may have been on their way
                for _ in range(100):
                    listener.settimeout(0.5)
                    listener.recv(4096)
            process.signal(signal.SIGABRT)
            assert process.wait() == -signal.SIGABRT
            told = "\n".join(process.log)
            assert "Fatal Python error: Aborted" in told
            assert 'File "<string>", line 7 in <lambda>' in told


def test_g11_a_frozen_loop_ends_the_process_so_that_it_is_started_again(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, program=freezing(0.1)) as process:
        process.wait_ready()
        process.signal(signal.SIGUSR1)
        assert process.wait() == EXIT_FROZEN
        told = "\n".join(process.log)
        assert "stood still" in told
        assert 'File "<string>", line 7 in <lambda>' in told
    assert "restart: unless-stopped" in (ROOT / "compose.yaml").read_text()


def test_g11_a_nas_that_hangs_is_no_frozen_loop(tmp_path: Path) -> None:
    with canary_nas() as nas:
        nas.fault(fakenas.hang())
        with Process(nas.url, tmp_path, program=freezing(0.1)) as process:
            started = time.monotonic()
            process.wait_for("/healthz", lambda response: time.monotonic() - started > 0.8)
            process.signal()
            assert process.wait() == 0


def test_h6_a_process_that_was_stopped_goes_on_and_is_not_taken_for_a_frozen_one(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, program=freezing(0.1)) as process:
        process.wait_ready()
        process.signal(signal.SIGSTOP)
        time.sleep(0.8)  # longer than a frozen loop is borne with
        process.signal(signal.SIGCONT)
        for _ in range(20):
            assert process.get("/files").status_code == 200
        process.signal()
        assert process.wait() == 0


def test_g13_the_readme_tells_of_the_hardware_watchdog() -> None:
    assert "RuntimeWatchdogSec=" in (ROOT / "README.md").read_text()
