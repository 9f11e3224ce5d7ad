"""How long the loop stands still, and how long an answer takes, while 100,000 photos are being listed.

python bench/lag.py
"""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from interval import ALBUM, add_photo, pages_of, wait_until
from processes import CORES, HERE, free_port, pinned, service_command, started, wait_for_photos
from report import Table, Target, show

from photosync.fakenas import FakeNas, Library

PHOTOS = 100_000
RUNS = 5
IDLE_SECONDS = 1.0
COLUMNS = (
    "timer late, p99, ms",
    "timer late, most, ms",
    "longest callback, processor, ms",
    "/healthz, p99, ms",
    "/healthz, longest, ms",
)

Span = tuple[float, float]
"""From one monotonic time to another."""


def ping(port: int, is_over: Callable[[], bool]) -> tuple[Span, list[float]]:
    """The seconds that each /healthz took, one every five milliseconds."""
    began = time.monotonic()
    found: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while not is_over():
        asked_at = time.monotonic()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        found.append(time.monotonic() - asked_at)
        time.sleep(0.005)
    connection.close()
    return (began, time.monotonic()), found


def listing(nas: FakeNas, port: int) -> tuple[Span, list[float]]:
    """One photo is added, and the whole album listed because of it."""
    nas.calls.clear()
    add_photo(nas)
    pages = pages_of(len(nas.library.album(ALBUM).items))
    settled: list[float] = []

    def is_over() -> bool:
        if not settled and nas.count("SYNO.Foto.Browse.Item", "list") >= pages:
            settled.append(time.monotonic() + 1.0)  # what is made of the last page
        return bool(settled) and time.monotonic() > settled[0]

    return ping(port, is_over)


def idle(port: int) -> tuple[Span, list[float]]:
    end = time.monotonic() + IDLE_SECONDS
    return ping(port, lambda: time.monotonic() > end)


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def put(table: Table, row: str, probe: dict[str, list[Span]], spans: list[tuple[Span, list[float]]]) -> None:
    def within(name: str, span: Span) -> list[float]:
        return [value for at, value in probe[name] if span[0] <= at <= span[1]] or [0.0]

    late = [within("ticks", span) for span, _ in spans]
    took = [within("callbacks", span) for span, _ in spans]
    pings = [found for _, found in spans]
    runs = [
        [percentile(values, 0.99) for values in late],
        *([max(values) for values in group] for group in (late, took)),
        [percentile(values, 0.99) for values in pings],
        [max(values) for values in pings],
    ]
    for column, values in zip(COLUMNS, runs, strict=True):
        table.put(row, column, (value * 1000 for value in values))


def measure(nas: FakeNas, output: Path) -> tuple[list[tuple[Span, list[float]]], list[tuple[Span, list[float]]]]:
    """The spans in which nothing happened, and those of a listing."""
    port = free_port()
    program = (str(HERE / "probed.py"), str(output))
    command = service_command(nas, port, "--interval", "1", "--max-cache", "1", program=program)
    base = f"http://127.0.0.1:{port}"
    with started(pinned(CORES[-1], command), f"{base}/readyz"):
        wait_for_photos(base, 5)
        quiet = [idle(port) for _ in range(RUNS)]
        busy = []
        for _ in range(RUNS):
            busy.append(listing(nas, port))
            wait_until(lambda: nas.count("SYNO.Foto.Browse.Album", "get") > 0)
        return quiet, busy


def run() -> list[Table]:
    table = Table(f"The loop while {PHOTOS:,} photos are listed", COLUMNS)
    nas = FakeNas(library=Library.synthetic(PHOTOS, photo_bytes=20_000))
    with nas, tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "probe.json"
        quiet, busy = measure(nas, output)
        probe = json.loads(output.read_text())
    put(table, "idle", probe, quiet)
    put(table, "being listed", probe, busy)
    table.targets.append(Target("being listed: loop stands still, ms", table.at("being listed", COLUMNS[1]), 20))
    table.notes.append("A timer of 2 ms on the service's own loop; what it is late when idle is the machine's share.")
    return [table]


if __name__ == "__main__":
    show(run)
