"""The composition root: builds everything, listens, heeds signals, stops in order. Loop thread, once it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from tornado.ioloop import PeriodicCallback
from tornado.platform.asyncio import AsyncIOLoop

from .cache import PhotoCache
from .deck import Decks
from .degree import Degree, present_degree
from .disk import PhotoDisk
from .guard import Guard
from .keeper import Keeper
from .nas import SynologyClient
from .renewal import Renewal
from .screens import Screens
from .server import Server, Traffic, connection_limit, notify_systemd, watchdog_seconds
from .settings import Settings
from .shelf import Shelf
from .sizes import Sizes
from .state import StateTrouble, claim
from .store import PhotoStore
from .sync import AlbumSync
from .watchdog import Watchdog
from .web import make_app

log = logging.getLogger(__name__)

_DRAIN_SECONDS = 8.0
_RECALL_SECONDS = 10.0
_KEEP_SECONDS = 2.0
_LOGOUT_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 300.0
_SHORTEST_LONGEST_RETRY_SECONDS = 60.0
_OLDEST_CLOCK = 1_767_225_600  # 2026: this program did not exist before


class MonotonicIOLoop(AsyncIOLoop):
    """An IOLoop whose timers do not follow the wall clock: a Pi boots in 1970, and steps when it finds the time."""

    def time(self) -> float:
        return time.monotonic()


class Service:
    """The whole service, on one set of settings and on listening sockets.

    `start` and `stop` want a running MonotonicIOLoop.
    """

    def __init__(
        self,
        settings: Settings,
        client: SynologyClient,
        sockets: list[socket.socket],
        *,
        stall_seconds: float = 30.0,
    ) -> None:
        rng = random.Random()
        self.client = client
        cache, shelf, self.keeper = PhotoCache(settings.max_cache_bytes), None, None
        folder = settings.state_dir
        self._claim = claim(folder) if folder is not None else None
        if self._claim is None:
            folder = None
        if folder is not None:
            trouble = StateTrouble(folder, is_on=not settings.state_writable)
            shelf = Shelf(PhotoDisk(folder / "photos", settings.max_disk_bytes, trouble), cache)
        self.store = PhotoStore(
            self.client,
            cache,
            rng=rng,
            shelf=shelf,
            longest_wait_seconds=min(
                max(settings.interval_seconds, _SHORTEST_LONGEST_RETRY_SECONDS), _LONGEST_RETRY_SECONDS
            ),
        )
        self.sync = AlbumSync(self.client, self.store, settings.albums, settings.interval_seconds)
        self.screens = Screens(self.sync, self.store, Decks(rng))
        self.sizes = Sizes(self.sync, self.store)
        if folder is not None:
            self.keeper = Keeper(folder, trouble, settings.source, self.sync, self.screens.decks)
        self.traffic = Traffic()
        self.guard = Guard(settings.access)
        self.server = Server(
            make_app(self.sync, self.store, self.screens, self.sizes, self.traffic, client.calls, self.guard),
            stall_seconds=stall_seconds,
            is_proxy=self.guard.proxies.trusts,
        )
        self.renewal = None
        if settings.tls_cert is not None and settings.tls_key is not None:
            self.renewal = Renewal(settings.tls_cert, settings.tls_key, partial(setattr, self.server, "ssl_options"))
        self._sockets = sockets

    @property
    def port(self) -> int:
        """The port that is listened on, which the system chose if the settings say 0."""
        return int(self._sockets[0].getsockname()[1])

    @property
    def degree(self) -> Degree:
        return present_degree(self.sync, self.store)[0]

    async def start(self) -> None:
        """Serves, first what an earlier run has left, then looks at the album for the first time."""
        if self.renewal is not None:
            await self.renewal.start()
        self.server.add_sockets(self._sockets)
        if self.store.shelf is not None and self.keeper is not None:
            with suppress(TimeoutError):  # a disk that hangs
                await asyncio.wait_for(self._recall(self.store.shelf, self.keeper), _RECALL_SECONDS)
        self.sync.start()

    async def _recall(self, shelf: Shelf, keeper: Keeper) -> None:
        await shelf.open()
        await keeper.restore()

    async def stop(self) -> None:
        """Accepts nothing new, finishes what is being sent, logs out. Takes about ten seconds at most."""
        self.server.stop()
        if self.renewal is not None:
            self.renewal.stop()
        await self.traffic.drain(_DRAIN_SECONDS)
        await self.sync.stop()
        if self.keeper is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.keeper.close(), _KEEP_SECONDS)
        await self.sizes.close(timeout_seconds=0.5)
        await self.store.close(timeout_seconds=0.5)
        await self.server.close_all_connections()
        with suppress(TimeoutError):
            logout = asyncio.get_running_loop().run_in_executor(None, self.client.logout)
            await asyncio.wait_for(asyncio.shield(logout), _LOGOUT_SECONDS)
        if self._claim is not None:
            self._claim.close()


def run(service: Service, environment: Mapping[str, str], announce: Callable[[int], None]) -> None:
    """Serves until SIGTERM or SIGINT; a second one ends the process at once. `announce` is told the port."""
    io_loop = MonotonicIOLoop()
    stopping = asyncio.Event()
    notify = partial(notify_systemd, environment)

    def tell_systemd(state: str) -> None:
        notify(f"{state}\nSTATUS={service.degree}")

    def heed(number: int) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, heed, number)
        await service.start()
        announce(service.port)
        log.info("Listening on port %d, at most %d connections.", service.port, connection_limit())
        _check_clock()
        tell_systemd("READY=1")
        guard = Watchdog(loop, service.traffic.note_lag)
        guard.start()
        period = watchdog_seconds(environment)
        watchdog = PeriodicCallback(lambda: tell_systemd("WATCHDOG=1"), period * 1000 / 2) if period else None
        if watchdog is not None:
            watchdog.start()
        await stopping.wait()
        notify("STOPPING=1")
        log.info("Stopping.")
        await service.stop()
        guard.stop()
        if watchdog is not None:
            watchdog.stop()

    io_loop.run_sync(main)


def _check_clock() -> None:
    """No timer follows the wall clock; certificates do."""
    if time.time() < _OLDEST_CLOCK:
        log.warning(
            "The clock of this machine is wrong, it says %s. Photos are shown all the same; "
            "a NAS on https may be refused until the clock is set.",
            time.strftime("%Y-%m-%d", time.gmtime()),
        )
