"""Fixtures: a simulated NAS, and the whole service in a thread of its own, both on real sockets.

Secrets are canaries: every byte of output that a test can see is searched for them.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
from tornado.ioloop import IOLoop

from photosync.connect import build_client
from photosync.fakenas import FakeNas
from photosync.listen import listen
from photosync.log import Redactor
from photosync.service import MonotonicIOLoop, Service
from photosync.settings import Secret, Settings

CANARY_PASSWORD = "canary-pass#word ö%20"
CANARY_SESSION = "canarysession"
CANARY_TOKEN = "canarytoken99"
CANARY_PASSPHRASE = "canaryLINK9"
CANARY_LINK_PASSWORD = "canary-pass#link ö%20"
CANARY_DEVICE = "canarydevice"
CANARY_ACCESS = "canary-access-token"
CANARIES = ("canary-pass", CANARY_SESSION, CANARY_TOKEN, CANARY_PASSPHRASE, CANARY_DEVICE, CANARY_ACCESS)
PATIENCE_SECONDS = 60.0
"""How long tests wait for what has to come, however slow the machine is. What is waited for is the fact itself."""


def leaks(output: bytes | str) -> list[str]:
    """The canaries found in some output."""
    text = output.decode("utf-8", "replace") if isinstance(output, bytes) else output
    return [canary for canary in CANARIES if canary in text]


def wait_until(
    fact: Callable[[], object], *, told: Callable[[], object] = lambda: "", pause_seconds: float = 0.002
) -> None:
    """Returns once there is the fact; fails in the end, with what is `told` then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not fact():
        assert time.monotonic() < deadline, told()
        time.sleep(pause_seconds)


async def until(fact: Callable[[], object]) -> None:
    """As `wait_until`, while the loop turns."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not fact():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """pytest-tornado's loop, with the service's own clock."""
    asyncio.set_event_loop(None)  # it would be made, kept until the end of this one, and never closed
    loop = MonotonicIOLoop(make_current=True)
    yield loop
    loop.close(all_fds=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """What hostile names leave in the log may be no text, which reports have to be to get from process to process."""
    report: Any = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def _no_memory_of_other_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused logins are remembered in the folder for temporary files: each test has its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Without the garbage collector, which may begin at the bottom of a text that is nested too deep, where finalizers
    of other tests' objects have no room to run.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def nas() -> Iterator[FakeNas]:
    """The sample library on a NAS whose secrets are canaries."""
    with canary_nas() as nas:
        yield nas


def canary_nas(**options: Any) -> FakeNas:
    return FakeNas(
        username="frame",
        password=CANARY_PASSWORD,
        session_prefix=CANARY_SESSION,
        token=CANARY_TOKEN,
        device_prefix=CANARY_DEVICE,
        **options,
    )


def settings_for(nas: FakeNas, **changes: Any) -> Settings:
    """Settings that lead to this NAS; the interval is long, so that tests decide when to look again."""
    settings = Settings(
        url=nas.url,
        username=nas.username,
        password=Secret(nas.password),
        server_port=0,
        listen_address="127.0.0.1",
        interval_seconds=3600.0,
        timeout_seconds=20.0,
    )
    return replace(settings, **changes)


def share(nas: FakeNas, album: str = "kitchen-dash", **options: Any) -> str:
    """Makes a share link of an album, whose passphrase is a canary."""
    found = nas.library.album(album)
    nas.library.share(found, passphrase=CANARY_PASSPHRASE, **options)
    return nas.share_url(found)


def link_settings(nas: FakeNas, **changes: Any) -> Settings:
    """Settings that lead through the link that `share` made."""
    link: dict[str, Any] = {"username": "", "share_link": Secret(CANARY_PASSPHRASE), "albums": ("",)}
    return settings_for(nas, **link | {"password": None} | changes)


class Running:
    """The service in a thread of its own; requests are made to it over a real socket."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self.redactor = Redactor()
        self._settings, self._options = settings, options
        self._started = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._main)
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._started.wait(PATIENCE_SECONDS)
        if self._problem is not None:
            raise self._problem
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive() and self._stopping is not None:
            self.io_loop.add_callback(self._stopping.set)
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.service.port}"

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET over a kept-alive connection; every answer is searched for the canaries."""
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        response = self.session.request(method, self.url + path, timeout=PATIENCE_SECONDS, **options)
        assert not leaks(repr(dict(response.headers)))
        assert response.headers.get("Content-Type") == "image/jpeg" or not leaks(response.content)
        return response

    def wait_for(self, path: str, fact: Callable[[requests.Response], object]) -> requests.Response:
        """Asks until the answer has it; fails with the last answer."""
        return asked_until(self.get, path, fact)

    def wait_ready(self) -> None:
        """Until any photo can be shown; others may still be on their way."""
        self.wait_for("/readyz", lambda response: response.status_code == 200)

    def wait_filled(self) -> dict[str, Any]:
        """Until all photos of the catalog are in memory, and the NAS is asked for no more of them; /cache/stats."""
        stats: dict[str, Any] = self.wait_for("/cache/stats", is_filled).json()
        return stats

    def wait_quiet(self) -> dict[str, Any]:
        """Until no download is wanted or under way, and none will be by itself; /cache/stats."""
        store = self.service.store
        wait_until(lambda: self.call(lambda: not (store.inflight or store._running or store._reading)))
        return self.stats()

    def call(self, function: Callable[[], Any]) -> Any:
        """Runs a function (or coroutine function) on the service's loop, and gives its result."""
        done: asyncio.Future[Any] = asyncio.run_coroutine_threadsafe(  # type: ignore[assignment]
            _awaited(function), self.io_loop.asyncio_loop
        )
        return done.result(PATIENCE_SECONDS)  # type: ignore[call-arg]

    def look(self) -> None:
        """One look at the album, now, to its end."""
        self.call(self.service.sync.refresh)

    def look_again(self) -> None:
        """A look without the wait that the last failure asks for."""
        self.call(self.service.store.health.breaker.success)
        self.look()

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/cache/stats").json()
        return found

    def _main(self) -> None:
        self.io_loop = MonotonicIOLoop(make_current=True)
        try:
            self.io_loop.run_sync(self._serve)
        finally:
            self._started.set()
            self.io_loop.close(all_fds=True)

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        try:
            self.service = Service(
                self._settings,
                build_client(self._settings, self.redactor),
                listen(self._settings.listen_address, self._settings.server_port),
                **self._options,
            )
            await self.service.start()
        except BaseException as error:
            self._problem = error
            return
        self._started.set()
        await self._stopping.wait()
        await self.service.stop()


def asked_until(
    get: Callable[[str], requests.Response], path: str, fact: Callable[[requests.Response], object]
) -> requests.Response:
    answers: list[requests.Response] = []

    def is_so() -> object:
        answers[:] = [get(path)]
        return fact(answers[0])

    wait_until(is_so, told=lambda: (answers[0].status_code, answers[0].content[:500]), pause_seconds=0.01)
    return answers[0]


def is_filled(answer: requests.Response) -> bool:
    """Whether this /cache/stats tells that every photo of a catalog is in memory."""
    stats = answer.json()
    return bool(stats["entries"] == stats["photos"] > 0 and not stats["inflight"])


async def _awaited(function: Callable[[], Any]) -> Any:
    result = function()
    return await result if asyncio.iscoroutine(result) or asyncio.isfuture(result) else result


@pytest.fixture
def running(nas: FakeNas) -> Iterator[Running]:
    """The service on the sample library, ready to serve."""
    with Running(settings_for(nas)) as running:
        running.wait_ready()
        yield running


# The same examples on every machine: a red run is then this change's doing.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,  # nor do they have to be quick
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeatable")
