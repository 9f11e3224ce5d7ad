"""Starts servers as processes of their own on loopback, measures them, and ends them by process id."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from photosync.fakenas import FakeNas

HERE = Path(__file__).parent
CORES = sorted(os.sched_getaffinity(0))
"""Measured servers have the last core for themselves, the load comes from the first: so each is one worker."""


def end_in_order() -> None:
    """From now on SIGTERM is as good as Ctrl-C, also in the background: what was started is ended, too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(core: int, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command]


@contextlib.contextmanager
def running(command: list[str], **options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, in a session of its own, so that a Ctrl-C here ends it in order; stopped at the end."""
    quiet = subprocess.DEVNULL
    environment = os.environ | options
    process = subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, env=environment
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def started(command: list[str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once `url` answers 200; stopped at the end."""
    with running(command) as process:
        wait_for(url, process)
        yield process


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer")


def wait_for_photos(base: str, count: int, seconds: float = 120.0) -> None:
    """Until that many photos are in the service's memory."""
    deadline = time.monotonic() + seconds
    while requests.get(f"{base}/cache/stats", timeout=30).json()["entries"] < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{base} does not fill its cache")
        time.sleep(0.05)


def service_command(
    nas: FakeNas, port: int, *options: str, program: tuple[str, ...] = ("-m", "photosync")
) -> list[str]:
    return [
        *(sys.executable, *program, "--url", nas.url, "--username", nas.username),
        *("--password", nas.password, "--server-port", str(port), "--listen-address", "127.0.0.1", *options),
    ]


def family(pid: int) -> list[int]:
    """The process and all that it has started."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents.setdefault(int(_stat_fields(path)[1]), []).append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def _stat_fields(path: Path) -> list[str]:
    """What stands behind the name: state, parent, …"""
    return path.read_text().rpartition(")")[2].split()


def resident_bytes(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """User and system time so far of the process and all that it has started, to a hundredth of a second."""
    ticks = 0
    for one in family(pid):
        fields = _stat_fields(Path(f"/proc/{one}/stat"))
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def thread_seconds(pid: int) -> float:
    """Processor time of the threads that the process has now, to the nanosecond."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def wrk(url: str, connections: int, seconds: int, *headers: str) -> float:
    """Answers per second by wrk (Debian: wrk)."""
    options = [part for header in headers for part in ("-H", header)]
    command = pinned(CORES[0], ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *options, url])
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output and not headers:
        raise RuntimeError(output)
    found = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    assert found is not None
    return float(found[1])
