"""The scenario "boot, list, show 20 photos, log in anew once, stop", with one call to the NAS failing in one way."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from clock import CLOCK
from conftest import Running, canary_nas, settings_for
from kinds import POWER_CUT_SECONDS, Kind
from watch import Watch

from photosync.fakenas import Call, FakeNas, Fault, Library

_ALBUM_PHOTOS = 24
_PHOTO_BYTES = 2000
_CACHE_BYTES = 10 * _PHOTO_BYTES
_SHOWN = 20
_STEP_SECONDS = 10.0
_MOST_NAS_CALLS = 4
_TURNS = 6  # of the loop, in which nothing is under way: timers that were due have begun their work by then
_CALMING_SECONDS = 20.0
_FORESEEN_STATUSES = (502, 503, 504)
_PAGES = ("/readyz", "/cache/stats", "/metrics", "/files/list?details=1", "/")


@dataclass
class Outcome:
    """`calls` are those that the NAS received, `is_met` says whether the fault's was among them. Times are by the
    service's clock: without a photo since the start, and not well since the fault.
    """

    problems: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    is_met: bool = False
    dark_seconds: float = 0.0
    ill_seconds: float = 0.0


class Met:
    """When the fault acted, by the service's clock."""

    def __init__(self) -> None:
        self.at: float | None = None

    def noting(self, fault: Fault) -> Fault:
        async def act(exchange: Any) -> None:
            self.at = time.monotonic()
            await fault.act(exchange)

        return Fault(act)


class Show:
    """A screen before a service on its NAS."""

    def __init__(self, nas: FakeNas, running: Running, outcome: Outcome, kind: Kind | None, met: Met) -> None:
        self.nas = nas
        self._running = running
        self._service = running.service
        self._outcome = outcome
        self._kind = kind
        self._met = met
        self._began_at = time.monotonic()
        self._power_back_at: float | None = None

    def play(self) -> None:
        self._boot()
        for number in range(_SHOWN):
            self._pass(_STEP_SECONDS)
            if number == _SHOWN // 2:
                self.nas.expire_sessions(119)
            self._require(self._photo_is_shown(), "a screen that had photos was shown none")
        self._recover()
        for page in _PAGES:
            self._require(self._get(page).status_code == 200, f"{page} is not well")
        self._require(self._photo_is_shown(), "no photo at the end")

    def _boot(self) -> None:
        self._calm()
        while not self._photo_is_shown():
            self._dark()
            for page in _PAGES if self._outcome.dark_seconds < _STEP_SECONDS else ():
                self._require(self._get(page).status_code in (200, *_FORESEEN_STATUSES), f"{page} is not foreseen")
            self._pass(max(1.0, self._outcome.dark_seconds / 20))
            self._dark()

    def _dark(self) -> None:
        self._outcome.dark_seconds = time.monotonic() - self._began_at
        allowed = self._kind.dark_seconds if self._kind else 0.0
        self._require(self._outcome.dark_seconds <= allowed, f"no photo after {allowed:.0f} seconds")

    def _recover(self) -> None:
        """Passes time until the service is well, if it is not."""
        while not self._is_well():
            since = time.monotonic() - (self._met.at or self._began_at)
            allowed = self._kind.ill_seconds if self._kind else 0.0
            self._require(since <= allowed, f"not well after {allowed:.0f} seconds: {self._get('/readyz').text}")
            self._pass(max(1.0, since / 20))

    def _is_well(self) -> bool:
        found = self._get("/readyz").json()["status"] == "ok" and not self._get("/cache/stats").json()["last_error"]
        return found and self._power_back_at is None

    def _pass(self, seconds: float) -> None:
        """Time goes by, though not while a call is under way, and what the service does then comes to its end."""
        self._calm()
        CLOCK.skip(seconds)
        self._calm()
        if self._outcome.ill_seconds == 0 and self._met.at is not None and self._is_well():
            self._outcome.ill_seconds = time.monotonic() - self._met.at

    def _calm(self) -> None:
        self._cut_power()
        self._running.call(self._nothing_under_way)
        self._cut_power()

    def _cut_power(self) -> None:
        if self._kind is None or not self._kind.power_cut or self._met.at is None:
            return
        back_at = self._met.at + POWER_CUT_SECONDS
        if self._power_back_at is None and time.monotonic() < back_at:
            self.nas.stop()
            self._power_back_at = back_at
        elif self._power_back_at is not None and time.monotonic() >= back_at:
            self.nas.start()
            self._power_back_at = None

    async def _nothing_under_way(self) -> None:
        """Returns when no call to the NAS is under way, and then looks through the books."""
        store, sync = self._service.store, self._service.sync
        deadline, turns = time.monotonic() + _CALMING_SECONDS, 0
        while turns < _TURNS:
            self._require(time.monotonic() < deadline, "calls to the NAS that do not end")
            busy = bool(store.inflight or store._running or sync._current)
            turns = 0 if busy else turns + 1
            await asyncio.sleep(0.001 if busy else 0)
        cache = store.cache
        held = sum(map(len, cache._resting.values())) + sum(len(lent.data) for lent in cache._lent.values())
        self._require(cache.bytes == held, f"the cache says {cache.bytes} bytes and holds {held}")
        self._require(cache.reserved_bytes == 0, f"{cache.reserved_bytes} bytes are reserved for nothing")
        self._require(cache.bytes <= cache.max_bytes, "the cache is over its limit")

    def _photo_is_shown(self) -> bool:
        answer = self._get("/files")
        if answer.status_code == 200:
            item = self.nas.library.items[int(answer.headers["Content-Location"][7:-4])]
            self._require(answer.content == item.data("xl"), "the photo is not what the NAS has")
            return True
        self._require(answer.status_code in _FORESEEN_STATUSES, f"/files answers {answer.status_code}")
        return False

    def _get(self, path: str) -> requests.Response:
        """The answer, which Running has searched for secrets; no connection outlives it."""
        return self._running.get(path, headers={"Connection": "close"})

    def _require(self, fact: bool, otherwise: str) -> None:
        if not fact:
            raise AssertionError(otherwise)


@dataclass(frozen=True)
class Place:
    """The `number`th call of one API and method: the same call in each run, though others may change places."""

    api: str
    method: str
    number: int


def places(calls: Sequence[Call]) -> list[Place]:
    """The place of each call of a run."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for call in calls:
        seen[call.api, call.method] += 1
        found.append(Place(call.api, call.method, seen[call.api, call.method]))
    return found


def run(kind: Kind | None = None, place: Place | None = None) -> Outcome:
    """The scenario, in which the call at that place meets with a fault of this kind; all that was wrong is told."""
    outcome = Outcome()
    with Watch() as watch, tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir, before = folder, tempfile.tempdir
        try:
            _run(outcome, kind, place)
        except Exception as error:
            outcome.problems.append(f"{type(error).__name__}: {error}")
        finally:
            tempfile.tempdir = before
    outcome.lines = watch.lines
    outcome.problems += watch.problems
    return outcome


def _run(outcome: Outcome, kind: Kind | None, place: Place | None) -> None:
    nas = canary_nas(library=Library.synthetic(_ALBUM_PHOTOS, photo_bytes=_PHOTO_BYTES))
    nas.keep_alive_seconds = 1e9  # time that is skipped closes no connection
    met = Met()
    if kind is not None and place is not None:
        nas.fault(met.noting(kind.make()), api=place.api, method=place.method, skip=place.number - 1, times=1)
    timeout_seconds = kind.timeout_seconds if kind else 10.0
    with nas:
        settings = settings_for(
            nas, max_cache_bytes=_CACHE_BYTES, interval_seconds=60.0, timeout_seconds=timeout_seconds
        )
        with Running(settings) as running:
            Show(nas, running, outcome, kind, met).play()
        tasks = [task for task in asyncio.all_tasks(running.io_loop.asyncio_loop) if not task.done()]
    outcome.calls = list(nas.calls)
    if tasks:
        outcome.problems.append(f"tasks left behind: {tasks}")
    outcome.is_met = met.at is not None
    if nas.concurrency_peak > _MOST_NAS_CALLS:
        outcome.problems.append(f"{nas.concurrency_peak} calls at a time")
