"""What a look at the album costs, unchanged and with one photo added: calls to the NAS, bytes from it, processor time.

python bench/interval.py
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import IO

import requests
from processes import CORES, HERE, free_port, pinned, service_command, started, thread_seconds, wait_for_photos
from report import Table, Target, figure, show
from rivals import FLASK, OURS, PYTHON, has_module

from photosync.fakenas import FakeNas, Library
from photosync.fakenas.wire import Call, Reply

SIZES = (100, 10_000, 100_000)
RUNS = 5
ENGINES = {"flask": "flask", "py-synologydsm-api": "synology_dsm", "synology-api": "synology_api"}
"""By the module each needs."""
COLUMNS = ("calls", "KB from the NAS", "processor, ms")
ALBUM = "kitchen-dash"
ADDED_BYTES = 50_000
PAGE_ROWS = 1000


class CountingNas(FakeNas):
    """Counts the bytes of its answers."""

    answered_bytes = 0

    def answer(self, call: Call) -> Reply:
        reply = super().answer(call)
        self.answered_bytes += len(reply.head()) + len(reply.framed_body())
        return reply


class Meter:
    """What has happened at the NAS since the last reading."""

    def __init__(self, nas: CountingNas) -> None:
        self._nas = nas
        self.read()

    def read(self) -> tuple[int, float]:
        """Calls and kilobytes."""
        found = len(self._nas.calls), self._nas.answered_bytes / 1000
        self._nas.calls.clear()
        self._nas.answered_bytes = 0
        return found


Cost = tuple[float, float, float]
"""As COLUMNS."""


def add_photo(nas: CountingNas) -> None:
    nas.library.add(nas.library.album(ALBUM), size_bytes=ADDED_BYTES)


def put(table: Table, row: str, costs: list[Cost]) -> None:
    for place, column in enumerate(COLUMNS):
        table.put(row, column, (cost[place] for cost in costs))


def unchanged(nas: CountingNas, meter: Meter, pid: int) -> Cost:
    """Of one look, by the service's own clock; whatever else it does meanwhile counts too."""
    meter.read()
    before = thread_seconds(pid)
    wait_until(lambda: nas.count("SYNO.Foto.Browse.Album", "get") > 0)
    time.sleep(0.1)  # what follows the answer
    used = thread_seconds(pid) - before
    return (*meter.read(), used * 1000)


def one_added(nas: CountingNas, meter: Meter, pid: int, base: str) -> Cost:
    """From the change until the new photo is in the catalog."""
    wanted = len(nas.library.album(ALBUM).items) + 1
    meter.read()
    before = thread_seconds(pid)
    add_photo(nas)
    wait_until(lambda: nas.count("SYNO.Foto.Browse.Item", "list") == pages_of(wanted))
    time.sleep(0.5)  # what follows the last page
    used = thread_seconds(pid) - before
    cost = (*meter.read(), used * 1000)
    wait_until(lambda: requests.get(f"{base}/cache/stats", timeout=60).json()["photos"] == wanted)
    return cost


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError("what the album's change should bring does not come")
        time.sleep(0.02)


def pages_of(count: int) -> int:
    """A listing ends with a page that is not full."""
    return count // PAGE_ROWS + 1


def pace() -> float:
    """Milliseconds of processor time for a piece of Python that is always the same."""
    before = time.thread_time()
    sum(number * number for number in range(20_000))
    return (time.thread_time() - before) * 1000


def measure_ours(table: Table, nas: CountingNas, count: int) -> list[float]:
    """The machine's pace between the looks."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    # A few photos fill the memory, so that none is fetched meanwhile.
    command = service_command(nas, port, "--interval", "1", "--max-cache", "1")
    meter = Meter(nas)
    with started(pinned(CORES[-1], command), f"{base}/readyz") as process:
        wait_for_photos(base, 10)
        time.sleep(1)
        runs = [(unchanged(nas, meter, process.pid), pace()) for _ in range(RUNS)]
        put(table, row_of(OURS, count, "unchanged"), [cost for cost, _ in runs])
        put(table, row_of(OURS, count, "one added"), [one_added(nas, meter, process.pid, base) for _ in range(RUNS)])
    return [milliseconds for _, milliseconds in runs]


@contextlib.contextmanager
def engine(name: str, nas: CountingNas) -> Iterator[subprocess.Popen[str]]:
    """Logged in, and with a first look behind it."""
    command = [str(PYTHON), str(HERE / "engine.py"), name, nas.url, nas.username, nas.password, ALBUM]
    process = subprocess.Popen(
        pinned(CORES[-1], command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{name} does not start")
        look(process)
        yield process
    finally:
        process.kill()
        process.wait()


def look(process: subprocess.Popen[str]) -> float:
    """Milliseconds of processor time."""
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None and stdout is not None
    return ask(stdin, stdout) * 1000


def ask(stdin: IO[str], stdout: IO[str]) -> float:
    stdin.write("\n")
    stdin.flush()
    return float(stdout.readline().split()[0])


def measure_engine(table: Table, nas: CountingNas, name: str, count: int) -> None:
    shown = FLASK if name == "flask" else name
    meter = Meter(nas)
    with engine(name, nas) as process:
        for state in ("unchanged", "one added"):
            costs: list[Cost] = []
            for _ in range(RUNS if count < 10_000 else 2 if count < 100_000 else 1):
                meter.read()
                if state == "one added":
                    add_photo(nas)
                used = look(process)
                costs.append((*meter.read(), used))
            put(table, row_of(shown, count, state), costs)


def row_of(name: str, count: int, state: str) -> str:
    return f"{name}, {count:,} photos, {state}"


def set_targets(table: Table) -> None:
    calls, _, processor = COLUMNS
    for count in SIZES:
        row = row_of(OURS, count, "unchanged")
        table.targets.append(Target(f"{count:,} photos, unchanged: calls", table.at(row, calls), 1))
        table.targets.append(Target(f"{count:,} photos, unchanged: processor, ms", table.at(row, processor), 2))
    count = SIZES[-1]
    pages = pages_of(count)
    besides = figure(value - pages for value in table.at(row_of(OURS, count, "one added"), calls).values)
    table.targets.append(Target(f"{count:,} photos, one added: calls besides the {pages} pages", besides, 3))


def run() -> list[Table]:
    table = Table("One look at the album", COLUMNS)
    installed = [name for name, module in ENGINES.items() if has_module(module)]
    paces: list[float] = []
    for count in SIZES:
        with CountingNas(library=Library.synthetic(count, photo_bytes=ADDED_BYTES)) as nas:
            nas.token_required = False
            paces += measure_ours(table, nas, count)
            for name in installed:
                measure_engine(table, nas, name, count)
    set_targets(table)
    table.notes.append(f"Noise: between the looks, a piece of Python that is always the same took {figure(paces)} ms.")
    if left_out := [name for name in ENGINES if name not in installed]:
        table.notes.append(f"Not installed: {', '.join(left_out)} (make bench-tools).")
    table.notes.append(
        "One added: until it is in the catalog; its bytes are fetched later. Each lists 1,000 photos a page. The "
        "Flask design and py-synologydsm-api, whose albums carry no version, list the album at every look."
    )
    return [table]


if __name__ == "__main__":
    show(run)
