"""Resident memory after twenty times the cache limit went through the cache, and with eight stalled clients.

python bench/memory.py [LIMIT_MEGABYTES [PHOTO_BYTES]]
"""

from __future__ import annotations

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from processes import free_port, resident_bytes, service_command, started

from photosync.fakenas import FakeNas, Library

LIMIT = int(sys.argv[1]) if len(sys.argv) > 1 else 50
PHOTO_BYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 300_000
CLIENTS = 8
TIMES = 20


def base_bytes() -> int:
    """The same service with a handful of tiny photos."""
    port = free_port()
    with FakeNas(library=Library.synthetic(5, photo_bytes=2_000)) as nas:
        command = service_command(nas, port, "--max-cache", str(LIMIT))
        with started(command, f"http://127.0.0.1:{port}/readyz") as process:
            for _ in range(200):
                requests.get(f"http://127.0.0.1:{port}/files", timeout=5)
            return resident_bytes(process.pid)


def churn(base: str, urls: list[str], pid: int) -> int:
    """Fetches every photo by several clients at once; the highest resident memory seen."""
    highest = 0
    with ThreadPoolExecutor(CLIENTS) as clients, requests.Session() as session:
        for number, answer in enumerate(clients.map(lambda url: session.get(base + url, timeout=30), urls)):
            assert answer.status_code == 200, answer.text
            if number % 20 == 0:
                highest = max(highest, resident_bytes(pid))
    return highest


def stall(port: int, url: str) -> list[socket.socket]:
    """Clients that ask for a photo and never read it."""
    stalled = []
    for _ in range(CLIENTS):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(f"GET {url} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        stalled.append(client)
    time.sleep(1)
    return stalled


def main() -> None:
    base = base_bytes()
    count = 3 * LIMIT * 1_000_000 // PHOTO_BYTES  # in rounds through so many, none is still in memory
    port = free_port()
    with FakeNas(library=Library.synthetic(count, photo_bytes=PHOTO_BYTES)) as nas:
        command = service_command(nas, port, "--max-cache", str(LIMIT))
        address = f"http://127.0.0.1:{port}"
        with started(command, f"{address}/readyz") as process:
            photos = [photo["url"] for photo in requests.get(f"{address}/files/list?details=1", timeout=30).json()]
            highest = churn(address, photos * (TIMES // 3 + 1), process.pid)
            after = resident_bytes(process.pid)
            clients = stall(port, photos[-1])
            stalled = resident_bytes(process.pid)
            stats = requests.get(f"{address}/cache/stats", timeout=5).json()
            for client in clients:
                client.close()
    allowed = base + 1.15 * LIMIT * 1e6
    print(
        f"limit {LIMIT} MB, {count} photos of {PHOTO_BYTES} bytes: base {base / 1e6:.1f} MB,"
        f" highest {highest / 1e6:.1f} MB, after {after / 1e6:.1f} MB, with 8 stalled clients {stalled / 1e6:.1f} MB;"
        f" allowed {allowed / 1e6:.1f} MB; above base per limit: {(highest - base) / LIMIT / 1e6:.2f};"
        f" cache {stats['bytes'] / 1e6:.1f} MB, {stats['evictions']} evictions"
    )


main()
