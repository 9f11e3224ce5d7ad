"""From a restart on a state directory to the first photo, while the NAS is switched off.

python bench/restart.py [RUNS [PHOTOS [PHOTO_BYTES]]]
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import requests
from processes import free_port, service_command, started

from photosync.fakenas import FakeNas, Library

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
PHOTOS = int(sys.argv[2]) if len(sys.argv) > 2 else 300
PHOTO_BYTES = int(sys.argv[3]) if len(sys.argv) > 3 else 300_000


def fill(nas: FakeNas, folder: str) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with started(service_command(nas, port, "--state-dir", folder, "--max-cache", "2000"), f"{base}/readyz"):
        deadline = time.monotonic() + 300
        while requests.get(f"{base}/cache/stats", timeout=5).json()["disk"]["entries"] < PHOTOS:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def restart(command: list[str], port: int) -> tuple[float, float]:
    """Seconds from the start to the open port, and from there to a photo."""
    started_at = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < started_at + 60
            time.sleep(0.001)
        listening_at = time.monotonic()
        while True:
            answer = requests.get(f"http://127.0.0.1:{port}/files", timeout=10)
            if answer.status_code == 200:
                assert len(answer.content) > PHOTO_BYTES / 2
                return listening_at - started_at, time.monotonic() - listening_at
            time.sleep(0.002)
    finally:
        process.terminate()
        process.wait(15)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        nas = FakeNas(library=Library.synthetic(PHOTOS, photo_bytes=PHOTO_BYTES))
        nas.start()
        fill(nas, folder)
        nas.stop()
        port = free_port()
        command = service_command(nas, port, "--state-dir", folder)
        found = [restart(command, port) for _ in range(RUNS)]
    for name, column in (("start to listening", 0), ("listening to photo", 1)):
        seconds = sorted(row[column] for row in found)
        median = statistics.median(seconds)
        print(f"{name}: {median * 1000:.0f} ms ({seconds[0] * 1000:.0f} to {seconds[-1] * 1000:.0f})")


main()
