"""photos-sync with a probe on its loop: probed.py FILE OPTIONS...

At the end it writes into FILE, as JSON: `ticks`, pairs of a monotonic time and how late a timer was then, and
`callbacks`, pairs of a time and the processor time that a callback took (above a millisecond); all in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.events import Handle
from pathlib import Path

from photosync.__main__ import main
from photosync.service import Service

TICK_SECONDS = 0.002
NOTABLE_SECONDS = 0.001

ticks: list[tuple[float, float]] = []
callbacks: list[tuple[float, float]] = []
run_callback = Handle._run
start = Service.start


def timed(handle: Handle) -> None:
    began, used = time.monotonic(), time.thread_time()
    run_callback(handle)
    took = time.thread_time() - used
    if took > NOTABLE_SECONDS:
        callbacks.append((began, took))


async def tick() -> None:
    while True:
        due = time.monotonic() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        now = time.monotonic()
        ticks.append((now, now - due))


async def start_probed(service: Service) -> None:
    service.probe = asyncio.get_running_loop().create_task(tick())  # type: ignore[attr-defined]
    await start(service)


Handle._run = timed  # type: ignore[method-assign]
Service.start = start_probed  # type: ignore[method-assign]
target = Path(sys.argv.pop(1))
try:
    status = main(sys.argv[1:])
finally:
    target.write_text(json.dumps({"ticks": ticks, "callbacks": callbacks}))
sys.exit(status)
