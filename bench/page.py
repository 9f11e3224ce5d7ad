"""What the kiosk page costs a browser: memory over many photo changes, and frames drawn between them.

python bench/page.py [CHANGES [OPTIONS]], such as: python bench/page.py 2000 "clock=1&fit=blur"

Needs Chromium as /usr/bin/chromium. Every photo is another one, and is painted before the next is asked for; the page
is told each time that its change is due, so that nobody waits. The rival is a page with nothing but two images, which
loads the same photos in turn: what grows there too is the browser's own. At the end the browser is told that memory is
short, as it is on a small device.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from processes import end_in_order, free_port, service_command, started
from tornado.websocket import WebSocketClientConnection, websocket_connect

from photosync.fakenas import FakeNas, Library

CHROMIUM = "/usr/bin/chromium"
CHANGES = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
OPTIONS = sys.argv[2] if len(sys.argv) > 2 else "fit=blur"
STOPS = 8
QUIET_SECONDS = 20
# Two frames: the second one begins once the first was painted.
CHANGE = """async count => {
  const frame = () => new Promise(drawn => requestAnimationFrame(drawn));
  while (typeof place === 'undefined' || place < 0) await frame();
  for (let n = 0; n < count; n++) {
    const before = past[place];
    due = 0;
    tick();
    while (past[place] === before) await frame();
    await frame();
    await frame();
  }
}"""
RIVAL = """async count => {
  const frame = () => new Promise(drawn => requestAnimationFrame(drawn));
  if (!window.images) {
    document.body.innerHTML = '<img><img>';
    window.images = Array.from(document.images);
    for (const img of images) img.style = 'position: absolute; top: 0; left: 0; width: 100%; height: 100%';
  }
  for (let n = 0; n < count; n++) {
    const answer = await fetch('files?format=json'), photo = await answer.json();
    const img = images.reverse()[0];
    img.src = photo.url;
    await img.decode();
    img.style.zIndex = 1;
    images[1].style.zIndex = 0;
    await frame();
    await frame();
  }
}"""


def family_of(ancestor: int) -> set[int]:
    """The process, and all that descend from it."""
    family, parents = {ancestor}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # one that has ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    while children := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= children
    return family


def memory_bytes(ancestor: int) -> dict[str, int]:
    """By kind of process: the proportional set size (PSS) without the pages of files, which several browsers share."""
    found = {"renderer": 0, "gpu-process": 0, "others": 0}
    for pid in family_of(ancestor):
        kind = re.search(r"--type=([a-z-]+)", Path(f"/proc/{pid}/cmdline").read_text())
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kilobytes = sum(map(int, re.findall(r"^Pss_(?:Anon|Shmem): +(\d+) kB", rollup, re.MULTILINE)))
        found[kind[1] if kind and kind[1] in found else "others"] += kilobytes * 1024
    return found


class Browser:
    """Headless Chromium on one page. It is told what to do by the devtools protocol without any further listener: where
    the Network domain is on, as in Playwright, the page's process keeps what was loaded, up to 200 MB of it.
    """

    def __init__(self, page: WebSocketClientConnection, root: int) -> None:
        self._page = page
        self._numbers = itertools.count(1)
        self.root = root

    @classmethod
    async def on(cls, url: str, page: str, root: int) -> Browser:
        browser = cls(await websocket_connect(page, max_message_size=1 << 30), root)
        await browser.send("Page.navigate", url=url)
        loaded = {"expression": f"document.readyState === 'complete' && location.href === '{url}'"}
        while not (await browser.send("Runtime.evaluate", **loaded))["result"]["value"]:
            pass
        return browser

    async def send(self, method: str, **params: Any) -> Any:
        """The result of a command; `frames` counts those drawn that are told of meanwhile."""
        number, frames = next(self._numbers), 0
        await self._page.write_message(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(await self._page.read_message() or "{}")
            frames += sum(event["name"] == "DrawFrame" for event in message.get("params", {}).get("value", []))
            if message.get("id") == number and method != "Tracing.end":
                return message["result"]
            if message.get("method") == "Tracing.tracingComplete":
                return frames

    async def run(self, script: str) -> None:
        """Runs it to its end, promises included."""
        answer = await self.send("Runtime.evaluate", expression=script, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])


@contextmanager
def chromium() -> Iterator[tuple[str, int]]:
    """The address of its page's devtools, and its first process."""
    port = free_port()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--no-first-run", "--window-size=1280,800"]
        command += [f"--remote-debugging-port={port}", f"--user-data-dir={profile}"]
        with started(command, f"http://127.0.0.1:{port}/json/list") as process:
            pages = requests.get(f"http://127.0.0.1:{port}/json/list", timeout=5).json()
            yield next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"), process.pid


async def report(name: str, changes: int, browser: Browser) -> None:
    """After a garbage collection."""
    await browser.send("HeapProfiler.collectGarbage")
    metrics = (await browser.send("Performance.getMetrics"))["metrics"]
    counted = {one["name"]: one["value"] for one in metrics}
    memory = memory_bytes(browser.root)
    print(
        f"{name:6s} {changes:5d} changes: JS heap {counted['JSHeapUsedSize'] / 1e6:5.2f} MB, "
        f"{counted['Nodes']:4.0f} nodes, {counted['JSEventListeners']:3.0f} listeners; "
        + ", ".join(f"{kind} {size / 1e6:4.0f}" for kind, size in memory.items())
        + f", together {sum(memory.values()) / 1e6:4.0f} MB",
        flush=True,
    )


async def grow(name: str, change: str, url: str, *chromium: Any) -> None:
    browser = await Browser.on(url, *chromium)
    await browser.send("Performance.enable")
    await browser.run(f"({change})(1)")
    await report(name, 1, browser)
    for stop in range(1, STOPS + 1):
        await browser.run(f"({change})({CHANGES // STOPS})")
        await report(name, stop * (CHANGES // STOPS), browser)
    await browser.send("Memory.simulatePressureNotification", level="critical")
    await asyncio.sleep(3)
    await report("spared", CHANGES, browser)


async def frames_drawn(browser: Browser, script: str, seconds: float) -> int:
    """In that time, by the browser's own trace."""
    await browser.send("Tracing.start", categories="disabled-by-default-devtools.timeline.frame,devtools.timeline,cc")
    await browser.run(script)
    await asyncio.sleep(seconds)
    return int(await browser.send("Tracing.end"))


async def count_frames(url: str, *chromium: Any) -> None:
    browser = await Browser.on(url, *chromium)
    await browser.run(f"({CHANGE})(1)")
    await asyncio.sleep(3)
    quiet = await frames_drawn(browser, "0", QUIET_SECONDS)
    fading = await frames_drawn(browser, "move(1)", 3)
    print(f"{quiet} frames drawn in {QUIET_SECONDS} seconds between changes, {fading} for a change")


def library() -> Library:
    """As many photos as there are changes, with the sample pictures in turn."""
    photos = Library()
    album = photos.new_album("kitchen-dash")
    pictures = itertools.cycle([item.picture for item in Library.samples().album("kitchen-dash").items])
    for number in range(CHANGES):
        photos.add(album, filename=f"{number}.jpg", width=1920, height=1280, picture=next(pictures))
    return photos


def main() -> None:
    end_in_order()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    page = f"{url}/?{OPTIONS}&seconds=3600"
    with FakeNas(library=library()) as nas, started(service_command(nas, port), f"{url}/readyz"):
        with chromium() as started_one:
            asyncio.run(grow("page", CHANGE, page, *started_one))
        with chromium() as started_one:
            asyncio.run(grow("rival", RIVAL, f"{url}/healthz", *started_one))
        with chromium() as started_one:
            asyncio.run(count_frames(page, *started_one))


main()
