"""Screens that ask GET /files on time, whatever the last answer took. kiosks.py URL SCREENS PERIOD_SECONDS SECONDS

Prints the seconds from when each request was due to when its photo was there, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit


async def ask(host: str, port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read(-1)
    writer.close()
    assert answer.split(b" ", 2)[1] == b"200" and answer.endswith(b"\xff\xd9"), answer[:300]


async def screen(number: int, url: str, first_at: float, period: float, end_at: float, found: list[float]) -> None:
    address = urlsplit(url)
    assert address.hostname and address.port
    due = first_at
    while due < end_at:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await ask(address.hostname, address.port, f"{address.path}?client=kiosk{number}")
        found.append(time.monotonic() - due)
        due += period


async def main(url: str, screens: int, period: float, seconds: float) -> None:
    found: list[float] = []
    start = time.monotonic() + 0.1
    await asyncio.gather(
        *(screen(n, url, start + n * period / screens, period, start + seconds, found) for n in range(screens))
    )
    print(json.dumps(found))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
