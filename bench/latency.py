"""How long 20 kiosks wait for GET /files over a fast NAS and a slow one: cold, warm, and while the album is listed.

python bench/latency.py
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from processes import CORES, HERE, free_port, pinned, service_command, started, wait_for_photos
from report import Figure, Table, Target, ratio, show
from rivals import FLASK, OURS, flask_command, missing

from photosync.fakenas import FakeNas, Library

SLOW_SECONDS = 0.3
KIOSKS = 20
PHOTOS = 1500
PHOTO_BYTES = 30_000
RUNS = 5
COLD_RUNS = 2
COLUMNS = ("p50, ms", "p99, ms", "longest, ms")


def kiosks(base: str, period: float, seconds: float) -> list[float]:
    """Milliseconds for each photo."""
    command = [sys.executable, str(HERE / "kiosks.py"), f"{base}/files", str(KIOSKS), str(period), str(seconds)]
    done = subprocess.run(pinned(CORES[0], command), capture_output=True, text=True, check=True)
    return sorted(value * 1000 for value in json.loads(done.stdout))


def percentile(values: Sequence[float], part: float) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, int(len(values) * part))]


def put(table: Table, row: str, runs: list[list[float]]) -> Figure:
    """The figure is that of the 99th percentile."""
    table.put(row, COLUMNS[0], (percentile(run, 0.5) for run in runs))
    table.put(row, COLUMNS[2], (run[-1] for run in runs))
    return table.put(row, COLUMNS[1], (percentile(run, 0.99) for run in runs))


def synthetic_nas(latency: float) -> FakeNas:
    nas = FakeNas(latency=latency, library=Library.synthetic(PHOTOS, photo_bytes=PHOTO_BYTES))
    nas.token_required = False
    return nas


def command_of(name: str, nas: FakeNas, port: int) -> list[str]:
    if name == OURS:
        return service_command(nas, port, "--interval", "1")
    return flask_command("flask", nas, port, interval=1)


def cold_run(name: str, latency: float) -> list[float]:
    """The first three seconds after the album is known; each kiosk asks every two seconds."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with synthetic_nas(latency) as nas, started(pinned(CORES[-1], command_of(name, nas, port)), f"{base}/readyz"):
        return kiosks(base, 2.0, 3.0)


@contextlib.contextmanager
def warm(latency: float) -> Iterator[tuple[str, FakeNas]]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with synthetic_nas(0.0) as nas, started(pinned(CORES[-1], command_of(OURS, nas, port)), f"{base}/readyz"):
        wait_for_photos(base, PHOTOS)
        nas.latency = latency
        yield base, nas


@contextlib.contextmanager
def changing(nases: list[FakeNas]) -> Iterator[None]:
    """Their albums show a change all the time, so that every look lists them."""
    ended = threading.Event()

    def change() -> None:
        while not ended.wait(0.2):
            for nas in nases:
                nas.library.bump(nas.library.album("kitchen-dash"))

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def measure_warm(table: Table) -> dict[str, Figure]:
    """The slow NAS's p99 by that of the fast one, run by run."""
    found: dict[str, Figure] = {}
    with ExitStack() as stack:
        places = {latency: stack.enter_context(warm(latency)) for latency in (0.0, SLOW_SECONDS)}
        nases = [nas for _, nas in places.values()]
        for state, context in (("warm", contextlib.nullcontext()), ("warm, being listed", changing(nases))):
            runs: dict[float, list[list[float]]] = {latency: [] for latency in places}
            with context:
                for _ in range(RUNS):
                    for latency, (base, _) in places.items():
                        runs[latency].append(kiosks(base, 0.1, 1.5))
            tails = [put(table, f"{OURS}, {state}, {where(latency)}", runs[latency]) for latency in places]
            found[state] = ratio(tails[1], tails[0])
    return found


def where(latency: float) -> str:
    return f"NAS {latency * 1000:.0f} ms away"


def run() -> list[Table]:
    table = Table(f"GET /files for {KIOSKS} kiosks", COLUMNS)
    for name in (OURS, FLASK):
        if how := missing(name):
            table.notes.append(f"Not installed: {name} ({how}).")
            continue
        for latency in (0.0, SLOW_SECONDS) if name == OURS else (SLOW_SECONDS,):
            runs = list(map(partial(cold_run, name), [latency] * COLD_RUNS))
            put(table, f"{name}, cold, {where(latency)}", runs)
    for state, found in measure_warm(table).items():
        table.targets.append(Target(f"p99, {state}: slow NAS by fast NAS", found, 1.5))
    table.notes.append(
        "Cold: each kiosk asks every two seconds for three seconds from when the album is known, nothing is in memory. "
        "Warm: ten times a second, every photo is in memory."
    )
    return [table]


if __name__ == "__main__":
    show(run)
