"""From start to the first photo served, against a twelve-line script that fetches one photo.

python bench/start.py [LATENCY_SECONDS [RUNS]]
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from processes import free_port, service_command

from photosync.fakenas import FakeNas, Library

LATENCY = float(sys.argv[1]) if len(sys.argv) > 1 else 0.02
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 11
SCRIPT = Path(__file__).with_name("script.py")


def first_photo(port: int) -> bytes:
    """Asks every millisecond, by the barest client, until a photo comes."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as asking:
            asking.sendall(b"GET /files HTTP/1.0\r\nHost: bench\r\n\r\n")
            answer = b"".join(iter(lambda: asking.recv(65536), b""))
            if answer.startswith(b"HTTP/1.1 200"):
                return answer
        time.sleep(0.001)


def service_seconds(nas: FakeNas) -> float:
    port = free_port()
    command = service_command(nas, port)
    started_at = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert first_photo(port).endswith(b"\xff\xd9")
        return time.monotonic() - started_at
    finally:
        process.terminate()
        process.wait(15)


def script_seconds(nas: FakeNas) -> float:
    command = [sys.executable, str(SCRIPT), nas.url, nas.username, nas.password, "kitchen-dash"]
    started_at = time.monotonic()
    photo = subprocess.run(command, capture_output=True, check=True).stdout
    assert photo.endswith(b"\xff\xd9")
    return time.monotonic() - started_at


with FakeNas(latency=LATENCY, library=Library.synthetic(28, photo_bytes=100_000)) as nas:
    nas.token_required = False
    pairs = [(service_seconds(nas), script_seconds(nas)) for _ in range(RUNS)]
ratios = sorted(ours / script for ours, script in pairs)
print(
    f"first photo, {LATENCY * 1000:g} ms of NAS latency: "
    f"{statistics.median(ours for ours, _ in pairs) * 1000:.0f} ms,"
    f" script {statistics.median(script for _, script in pairs) * 1000:.0f} ms,"
    f" ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
)
