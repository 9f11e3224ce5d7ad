"""From start to the first photo, cold and with a state directory, against a twelve-line script; imports counted.

Nothing is pinned to a core: the service logs in while it loads the rest of itself.

python bench/start.py
"""

from __future__ import annotations

import compileall
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import requests
from processes import HERE, free_port, running, service_command, started
from report import Table, Target, ratio, show

import photosync
from photosync.fakenas import FakeNas, Library

LATENCIES = (0.0, 0.02, 0.2)
RUNS = 5
PHOTOS = 100
PHOTO_BYTES = 300_000
SECONDS = "seconds"
LIBRARIES = ("requests", "tornado.httpserver", "tornado.web", "configargparse")
IMPORTED = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +([\w.]+)")


def first_photo(port: int) -> None:
    """Asks every millisecond, by the barest client, until a photo comes."""
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as asking:
            asking.sendall(b"GET /files HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b"".join(iter(lambda: asking.recv(65536), b""))
            if answer.startswith(b"HTTP/1.1 200"):
                assert answer.endswith(b"\xff\xd9") and len(answer) > PHOTO_BYTES / 2
                return
        time.sleep(0.004)


def service_seconds(nas: FakeNas, *options: str) -> float:
    port = free_port()
    command = service_command(nas, port, *options)
    started_at = time.monotonic()
    with running(command):
        first_photo(port)
        return time.monotonic() - started_at


def script_seconds(nas: FakeNas, *more: str) -> float:
    script = [sys.executable, str(HERE / "script.py"), nas.url, nas.username, nas.password, "kitchen-dash", *more]
    started_at = time.monotonic()
    photo = subprocess.run(script, capture_output=True, check=True).stdout
    assert photo.endswith(b"\xff\xd9")
    return time.monotonic() - started_at


def libraries_seconds() -> float:
    """What any service on these libraries needs before its own first line."""
    started_at = time.monotonic()
    subprocess.run([sys.executable, "-c", f"import {', '.join(LIBRARIES)}"], check=True)
    return time.monotonic() - started_at


def fill(nas: FakeNas, folder: str) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with started(service_command(nas, port, "--state-dir", folder), f"{base}/readyz"):
        deadline = time.monotonic() + 120
        while requests.get(f"{base}/cache/stats", timeout=5).json()["disk"]["entries"] < PHOTOS:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def measure_cold(table: Table, nas: FakeNas) -> None:
    for latency in LATENCIES:
        nas.latency = latency
        away = f"NAS {latency * 1000:g} ms away"
        runs = [(service_seconds(nas), script_seconds(nas), script_seconds(nas, "with-care")) for _ in range(RUNS)]
        ours, script, careful = zip(*runs, strict=True)
        found = table.put(f"cold, {away}", SECONDS, ours), table.put(f"twelve-line script, {away}", SECONDS, script)
        table.put(f"the script, asking first whether that is a NAS, {away}", SECONDS, careful)
        table.targets.append(Target(f"cold, {away}: by the script", ratio(*found), 1.15))


def measure_warm(table: Table, nas: FakeNas) -> None:
    """Leaves the NAS dark."""
    nas.latency = 0.0
    with tempfile.TemporaryDirectory() as folder:
        fill(nas, folder)
        for latency in LATENCIES:
            nas.latency = latency
            runs = [service_seconds(nas, "--state-dir", folder) for _ in range(RUNS)]
            table.put(f"state directory, NAS {latency * 1000:g} ms away", SECONDS, runs)
        nas.stop()
        dark = table.put(
            "state directory, NAS dark", SECONDS, (service_seconds(nas, "--state-dir", folder) for _ in range(RUNS))
        )
    table.targets.append(Target("state directory, NAS dark: seconds", dark, 0.6))


def imports() -> dict[str, tuple[int, float]]:
    """Modules, and milliseconds for themselves, of the package, the libraries and Python itself at the start."""
    command = [sys.executable, "-X", "importtime", "-c", "import photosync.service, photosync.__main__"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = {"photosync": (0, 0.0), "libraries": (0, 0.0), "Python": (0, 0.0)}
    for own, _, module in IMPORTED.findall(told):
        top = module.partition(".")[0]
        part = top if top == "photosync" else "Python" if top in sys.stdlib_module_names else "libraries"
        found[part] = (found[part][0] + 1, found[part][1] + int(own) / 1000)
    return found


def measure_imports(table: Table) -> None:
    runs = [imports() for _ in range(RUNS)]
    for part, (count, _) in runs[0].items():
        table.put(f"{part}: {count} modules", "milliseconds", (run[part][1] for run in runs))


def run() -> list[Table]:
    compileall.compile_dir(Path(photosync.__file__).parent, quiet=1)  # as pip does for what it installs
    table = Table("From start to the first photo", [SECONDS])
    table.put(f"{', '.join(LIBRARIES)} imported, no more", SECONDS, (libraries_seconds() for _ in range(RUNS)))
    with FakeNas(library=Library.synthetic(PHOTOS, photo_bytes=PHOTO_BYTES)) as nas:
        nas.token_required = False
        measure_cold(table, nas)
        measure_warm(table, nas)
    imported = Table("Imports, by -X importtime", ["milliseconds"])
    measure_imports(imported)
    return [table, imported]


if __name__ == "__main__":
    show(run)
