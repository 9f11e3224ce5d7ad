"""Resident memory: at the start, for each photo in the album, after a churn, and with 50 stalled clients.

python bench/memory.py
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests
from processes import free_port, resident_bytes, service_command, started
from report import Figure, Table, Target, figure, show
from rivals import FLASK, OURS, flask_command, missing

from photosync.fakenas import FakeNas, Library

LIMIT = 50
"""Megabytes of photos in memory."""
PHOTO_BYTES = 300_000
SMALL_BYTES = 20_000
ROUNDS = 3
"""Each through three times the limit of photos, so that none is still in memory when its turn comes."""
CLIENTS = 8
STALLED = 50
MANY = 100_000
FEW = 100
RUNS = {OURS: 5, FLASK: 1}
AT_ONCE = 2
"""Other than time, what a service holds at rest is the same beside another."""
MB = 1e6
COLUMNS = ("MB", "bytes for each photo")


@contextlib.contextmanager
def serving(name: str, nas: FakeNas, max_cache: int) -> Iterator[tuple[str, int]]:
    """Its address and process id."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    ours = service_command(nas, port, "--max-cache", str(max_cache), "--interval", "3600")
    command = ours if name == OURS else flask_command("flask", nas, port, max_cache, 3600)
    nas.token_required = False
    with started(command, f"{base}/readyz") as process:
        yield base, process.pid


def base_bytes(name: str) -> float:
    """The same service with a handful of tiny photos."""
    with (
        FakeNas(library=Library.synthetic(5, photo_bytes=2_000)) as nas,
        serving(name, nas, LIMIT) as (base, pid),
        requests.Session() as session,
    ):
        for _ in range(200):
            session.get(f"{base}/files", timeout=30)
        return resident_bytes(pid)


def listed_bytes(name: str, count: int) -> float:
    """The album is known, and as good as no photo is in memory."""
    with FakeNas(library=Library.synthetic(count, photo_bytes=SMALL_BYTES)) as nas, serving(name, nas, 1) as (_, pid):
        time.sleep(2)
        return resident_bytes(pid)


def churned_bytes(name: str) -> tuple[float, float]:
    """The highest seen while photos come and go, and with stalled clients on top."""
    count = 3 * LIMIT * 1_000_000 // PHOTO_BYTES
    with (
        FakeNas(library=Library.synthetic(count, photo_bytes=PHOTO_BYTES)) as nas,
        serving(name, nas, LIMIT) as (base, pid),
    ):
        ids = requests.get(f"{base}/files/list?details=1", timeout=30).json()
        paths = [photo["url"] if isinstance(photo, dict) else f"/files/{photo}.jpg" for photo in ids]
        highest = churn(base, paths * ROUNDS, pid)
        with stalled(base):
            return highest, resident_bytes(pid)


def churn(base: str, paths: list[str], pid: int) -> int:
    highest = 0
    with ThreadPoolExecutor(CLIENTS) as clients, requests.Session() as session:
        for number, answer in enumerate(clients.map(lambda path: session.get(base + path, timeout=60), paths)):
            assert answer.status_code == 200, answer.text
            if number % 20 == 0:
                highest = max(highest, resident_bytes(pid))
    return max(highest, resident_bytes(pid))


@contextlib.contextmanager
def stalled(base: str) -> Iterator[None]:
    """Clients that ask for a photo each, and never read it."""
    clients = []
    for number in range(STALLED):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(base.rpartition(":")[2])))
        client.sendall(f"GET /files?client=stalled{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        clients.append(client)
    time.sleep(2)
    try:
        yield
    finally:
        for client in clients:
            client.close()


def measure(table: Table, name: str) -> None:
    runs = range(RUNS[name])
    with ThreadPoolExecutor(AT_ONCE) as several:
        base = table.put(f"{name}: base", "MB", several.map(lambda _: base_bytes(name) / MB, runs))
        few = listed_bytes(name, FEW)
        many = several.map(lambda _: listed_bytes(name, MANY), runs)
        each = table.put(f"{name}: photos", COLUMNS[1], ((value - few) / (MANY - FEW) for value in many))
        table.put(f"{name}: 10,000 photos in the album, more", "MB", (value * 10_000 / MB for value in each.values))
    churned = [churned_bytes(name) for _ in runs]
    highest = table.put(f"{name}: churned, limit {LIMIT} MB", "MB", (high / MB for high, _ in churned))
    table.put(f"{name}: and {STALLED} stalled clients", "MB", (later / MB for _, later in churned))
    if name == OURS:
        set_targets(table, base, each, highest)


def set_targets(table: Table, base: Figure, each: Figure, highest: Figure) -> None:
    above = figure((high - base.median) / LIMIT for high in highest.values)
    table.targets += [
        Target("base, MB", base, 42),
        Target("churned: above the base, by the limit", above, 1.1),
        Target("bytes for each photo in the album", each, 400),
    ]


def run() -> list[Table]:
    table = Table("Resident memory", COLUMNS)
    for name in (OURS, FLASK):
        if how := missing(name):
            table.notes.append(f"Not installed: {name} ({how}).")
        else:
            measure(table, name)
    table.notes.append("Each value is of a process of its own; memory hardly differs from one to the next.")
    return [table]


if __name__ == "__main__":
    show(run)
