"""Group H: clocks that are wrong, step, stand still or have run for long."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
from conftest import Running, canary_nas, settings_for, wait_until
from guest import ALBUM, AUTH, THUMBNAIL
from hypothesis import given
from hypothesis import strategies as st
from outside import Process
from tornado.ioloop import PeriodicCallback

from photosync import fakenas
from photosync.fakenas import FakeNas, Library
from photosync.models import Photo
from photosync.service import MonotonicIOLoop

IN_2099 = 4_080_000_000.0
FIFTY_DAYS = 2**32 / 1000
needs_faketime = pytest.mark.skipif(
    shutil.which("faketime") is None, reason="Debian's package faketime is not installed"
)


@contextmanager
def process_at(moment: str, nas: FakeNas, directory: Path, *arguments: str) -> Iterator[Process]:
    """The service whose wall clock stands still at this moment, or (with an "@") starts there; the file `clock` in the
    directory moves it.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    clock = directory / "clock"
    clock.write_text(f"{moment}\n")
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with Process(nas.url, directory, *arguments, environment=environment) as process:
        yield process
        process.signal()
        assert process.wait() == 0
        for left_behind in Path("/dev/shm").glob(f"*faketime_s*_{process.pid}"):  # noqa: S108 - libfaketime's own
            left_behind.unlink()


@needs_faketime
def test_h1_a_boot_in_1970_the_jump_to_today_and_a_step_back_cost_nothing(nas: FakeNas, tmp_path: Path) -> None:
    with process_at("@1970-01-01 00:00:30", nas, tmp_path, "--interval", "1") as process:
        process.wait_filled()
        pictures = nas.count(THUMBNAIL)
        (tmp_path / "clock").write_text("+0\n")
        stats = process.wait_for("/cache/stats", lambda response: response.json()["last_success_at"] > "2026").json()
        assert stats["last_error"] is None
        (tmp_path / "clock").write_text("-3600\n")
        looks = nas.count(ALBUM, "get")
        wait_until(lambda: nas.count(ALBUM, "get") >= looks + 2)
        assert nas.count(THUMBNAIL) == pictures
        assert nas.count(AUTH, "login") == 1
    assert len([line for line in process.log if "clock of this machine is wrong" in line]) == 1


@needs_faketime
def test_h3_a_clock_that_stands_still_in_1970_is_told_and_photos_are_shown(nas: FakeNas, tmp_path: Path) -> None:
    with process_at("1970-01-01 00:00:00", nas, tmp_path, "--interval", "1") as process:
        process.wait_ready()
        looks = nas.count(ALBUM, "get")
        wait_until(lambda: nas.count(ALBUM, "get") > looks)
        answer = process.get("/files")
        assert (answer.status_code, answer.headers["Date"][:16]) == (200, "Thu, 01 Jan 1970")
    told = [line for line in process.log if "clock" in line]
    assert len(told) == 1, process.log
    assert "WARNING The clock of this machine is wrong, it says 1970-01-01." in told[0]


def test_h2_no_timer_of_the_service_follows_the_wall_clock(nas: FakeNas, monkeypatch: pytest.MonkeyPatch) -> None:
    wall_clock, step = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: wall_clock() + step[0])
    with Running(settings_for(nas, interval_seconds=0.05)) as running:
        running.wait_ready()
        for step[0] in (-3600.0, 3600.0, -50 * 365 * 86400.0):
            looks = nas.count(ALBUM, "get")
            wait_until(lambda looks=looks: nas.count(ALBUM, "get") >= looks + 3)  # type: ignore[misc]
        # An outage is waited out, too.
        running.service.store.health.breaker._first_seconds = 0.1
        failing = nas.fault(fakenas.status(503), api=ALBUM)
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is not None)
        step[0] -= 86400.0
        failing.remove()
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is None)


@given(
    seconds=st.integers(1_577_836_800, 2_208_988_800), zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"])
)
def test_h4_the_time_a_photo_was_taken_is_the_cameras_in_every_zone_and_season(seconds: int, zone: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        photo = Photo(1, 1, "1_1", "xl", "1.jpg", seconds, 3, 2, "album")
        assert photo.taken == time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    time.tzset()


def test_h5_with_a_wrong_clock_nothing_is_dated_but_the_answer_itself(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.wait_filled()
    photo = running.get("/files/list?details=1").json()[0]
    monkeypatch.setattr(time, "time", lambda: IN_2099)
    for path in ("/files", photo["url"], "/files/list", "/readyz"):
        headers = running.get(path).headers
        assert "2099" in headers["Date"]
        assert not {"Expires", "Last-Modified", "Age"} & set(headers)
    etag = running.get(photo["url"]).headers["ETag"]
    # A browser with the right time asks with its tag, and what it has of before is good.
    dated = {"If-None-Match": etag, "If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    assert running.get(photo["url"], headers=dated).status_code == 304


class Suspended(MonotonicIOLoop):
    """A loop that was not run for some time."""

    for_seconds = 0.0

    def time(self) -> float:
        return super().time() + self.for_seconds


def test_h6_ten_minutes_of_suspension_cost_one_tick_and_not_thousands() -> None:
    loop = Suspended(make_current=False)
    ticks: list[float] = []
    interval = 0.05

    def tick() -> None:
        ticks.append(loop.time())
        if len(ticks) == 2:
            loop.for_seconds = 600.0
        if len(ticks) == 9:
            loop.stop()

    try:
        periodic = PeriodicCallback(tick, interval * 1000)
        loop.add_callback(periodic.start)
        loop.start()
    finally:
        loop.close(all_fds=True)
    waits = [after - before for before, after in pairwise(ticks)]
    assert waits[1] >= 600.0
    assert median(waits[2:]) > interval / 2


@pytest.mark.parametrize("uptime", [FIFTY_DAYS - 0.2, 2**53 / 1e6])
def test_h7_a_long_uptime_changes_nothing(uptime: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic, since = time.monotonic, time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() - since + uptime)
    with canary_nas(library=Library.synthetic(3)) as nas, Running(settings_for(nas, interval_seconds=0.1)) as running:
        running.wait_ready()
        looks = nas.count(ALBUM, "get")
        wait_until(lambda: nas.count(ALBUM, "get") >= looks + 3)
        failing = nas.fault(fakenas.html(), api=ALBUM)
        running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is not None)
        failing.remove()
        answer = running.wait_for("/cache/stats", lambda response: response.json()["last_error"] is None)
        assert re.match(r"20\d\d-", answer.json()["last_success_at"])
