"""What the kiosk page costs a browser: memory over many photo changes, and frames drawn between them.

python bench/page.py [CHANGES [OPTIONS]], such as: python bench/page.py 2000 "clock=1&fit=blur"

Needs Playwright (pip install -e '.[test]') and Chromium as /usr/bin/chromium. The page's own clock is moved for each
change, so that nobody waits: it has no setting that would make it faster than one photo in two seconds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from processes import free_port, resident_bytes, service_command, started

from photosync.fakenas import FakeNas

CHANGES = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
OPTIONS = sys.argv[2] if len(sys.argv) > 2 else "fit=blur"
QUIET_SECONDS = 20
SHOWN = "before => (document.querySelector('.front img') || {src: before}).src !== before"


def browser_bytes(profile: str) -> int:
    """Resident memory of all processes of the browser with this profile; what they share counts several times."""
    found = subprocess.run(["pgrep", "-f", "--", profile], capture_output=True, text=True, check=True)
    return sum(resident_bytes(int(pid)) for pid in found.stdout.split() if Path(f"/proc/{pid}").exists())


def measure(session: Any, profile: str) -> dict[str, float]:
    """After a garbage collection: heap and resident memory in bytes, and what the page's engine counts."""
    session.send("HeapProfiler.collectGarbage")
    counted = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    names = ("JSHeapUsedSize", "Nodes", "JSEventListeners", "Documents")
    return {name: counted[name] for name in names} | {"resident": browser_bytes(profile)}


def frames_drawn(browser: Any, page: Any, seconds: float) -> int:
    """In that time, by the browser's own trace."""
    browser.start_tracing(
        page=page, categories=["disabled-by-default-devtools.timeline.frame", "devtools.timeline", "cc"]
    )
    page.wait_for_timeout(seconds * 1000)
    return int(browser.stop_tracing().decode("utf-8", "replace").count('"name":"DrawFrame"'))


def report(changes: int, found: dict[str, float]) -> None:
    print(
        f"{changes:5d} changes: JS heap {found['JSHeapUsedSize'] / 1e6:.2f} MB, {found['Nodes']:.0f} nodes, "
        f"{found['JSEventListeners']:.0f} listeners, browser {found['resident'] / 1e6:.0f} MB",
        flush=True,
    )


def main() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        FakeNas() as nas,
        started(service_command(nas, port), f"{url}/readyz"),
        tempfile.TemporaryDirectory() as profile,
        sync_playwright() as driver,
    ):
        context = driver.chromium.launch_persistent_context(
            profile,
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox"],
            viewport={"width": 1280, "height": 800},
        )
        page = context.pages[0]
        page.clock.install()
        page.goto(f"{url}/?{OPTIONS}")
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        shown = ""
        for change in range(CHANGES + 1):
            page.wait_for_function(SHOWN, arg=shown, polling=20)
            shown = page.evaluate("document.querySelector('.front img').src")
            if change % (CHANGES // 10) == 0:
                report(change, measure(session, profile))
            page.clock.fast_forward(15_000)
        context.close()
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{url}/?{OPTIONS}&seconds=3600")
        page.wait_for_function(SHOWN, arg="", polling=20)
        page.wait_for_timeout(3000)
        quiet = frames_drawn(browser, page, QUIET_SECONDS)
        page.keyboard.press("ArrowRight")
        fading = frames_drawn(browser, page, 3)
        print(f"{quiet} frames drawn in {QUIET_SECONDS} seconds between changes, {fading} for a change")
        browser.close()


main()
