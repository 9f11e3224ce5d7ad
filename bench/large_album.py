"""100,000 photos in the album: memory for each, speed of GET /files, and answers while the album is being listed.

python bench/large_album.py [PHOTOS [ALBUMS]], which share the photos evenly. Needs wrk (Debian).
"""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import time

import requests
from processes import free_port, resident_bytes, service_command, wait_for, wrk

from photosync.fakenas import FakeNas, Library

PHOTOS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
ALBUMS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
FEW = 100


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def library_of(count: int) -> Library:
    library = Library.synthetic(count, photo_bytes=50_000)
    kitchen = library.album("kitchen-dash")
    items = kitchen.items
    kitchen.items = items[::ALBUMS]
    for number in range(1, ALBUMS):
        library.new_album(f"album {number}").items = items[number::ALBUMS]
    return library


def measure(count: int) -> tuple[int, float, list[float]]:
    """Resident bytes once listed, GET /files per second, and the times of /healthz while it was being listed."""
    port = free_port()
    times: list[float] = []
    # So small a cache that it does not matter beside the catalog, and that either album is too large for it.
    with FakeNas(library=library_of(count)) as nas:
        command = service_command(
            nas, port, "--max-cache", "1", *(f"--album={album.name}" for album in nas.library.albums)
        )
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", process)
            connection = http.client.HTTPConnection("127.0.0.1", port)
            while requests.get(f"http://127.0.0.1:{port}/readyz", timeout=30).status_code != 200:
                for _ in range(20):
                    started_at = time.monotonic()
                    connection.request("GET", "/healthz")
                    connection.getresponse().read()
                    times.append(time.monotonic() - started_at)
                    time.sleep(0.002)
            connection.close()
            time.sleep(1)
            resident = resident_bytes(process.pid)
            rates = [wrk(f"http://127.0.0.1:{port}/files", 4, 2) for _ in range(3)]
            return resident, statistics.median(rates), times
        finally:
            process.terminate()
            process.wait(15)


few_bytes, few_rate, _ = measure(FEW)
many_bytes, many_rate, times = measure(PHOTOS)
print(f"memory: {few_bytes / 1e6:.1f} MB with {FEW} photos, {many_bytes / 1e6:.1f} MB with {PHOTOS}:", end=" ")
print(f"{(many_bytes - few_bytes) / (PHOTOS - FEW):.0f} bytes for each")
print(f"GET /files: {few_rate:.0f} /s with {FEW} photos, {many_rate:.0f} /s with {PHOTOS}:", end=" ")
print(f"ratio {many_rate / few_rate:.2f}")
print(f"/healthz while listing, {len(times)} requests: median {statistics.median(times) * 1000:.1f} ms,", end=" ")
print(f"p99 {percentile(times, 0.99) * 1000:.1f} ms, longest {max(times) * 1000:.1f} ms")
