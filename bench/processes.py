"""Starts the service and its rivals as processes of their own on loopback, and ends them by process id."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from photosync.fakenas import FakeNas

BARE = Path(__file__).with_name("bare.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once `url` answers 200; stopped at the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(url, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer")


def service_command(nas: FakeNas, port: int, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "photosync", "--url", nas.url, "--username", nas.username),
        *("--password", nas.password, "--server-port", str(port), "--listen-address", "127.0.0.1", *options),
    ]


def resident_bytes(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """User and system time of the process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(url: str, connections: int, seconds: int, *headers: str) -> float:
    """Requests per second by wrk (Debian: wrk); fails on any error."""
    options = [part for header in headers for part in ("-H", header)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *options, url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output and not headers:
        raise RuntimeError(output)
    found = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    assert found is not None
    return float(found[1])
