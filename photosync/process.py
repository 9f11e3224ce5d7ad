"""The process around the service: signals, and what systemd is told. Loop thread, once it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping

from tornado.ioloop import PeriodicCallback

from .server import connection_limit, notify_systemd, watchdog_seconds
from .service import MonotonicIOLoop, Service
from .watchdog import Watchdog

log = logging.getLogger(__name__)

_OLDEST_CLOCK = 1_767_225_600  # 2026: this program did not exist before


def run(
    service: Service,
    environment: Mapping[str, str],
    announce: Callable[[int], None],
    reload: Callable[[], Awaitable[None]],
) -> None:
    """Serves until SIGTERM or SIGINT; a second one ends the process at once. `announce` is told the port.

    SIGHUP calls `reload`, unless it came because the terminal was closed: then the service ends with it.
    """
    MonotonicIOLoop().run_sync(_Process(service, environment, announce, reload).main)


class _Process:
    def __init__(
        self,
        service: Service,
        environment: Mapping[str, str],
        announce: Callable[[int], None],
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        self._service = service
        self._environment = environment
        self._announce = announce
        self._reload = reload
        self._stopping = asyncio.Event()
        self._hung_up = asyncio.Event()
        self._has_terminal = os.isatty(0)

    async def main(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._heed, number)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        await self._service.start()
        self._announce(self._service.port)
        log.info("Listening on port %d, at most %d connections.", self._service.port, connection_limit())
        _check_clock()
        self._tell_systemd("READY=1")
        guard = Watchdog(loop, self._service.traffic.note_lag)
        guard.start()
        period = watchdog_seconds(self._environment)
        watchdog = PeriodicCallback(lambda: self._tell_systemd("WATCHDOG=1"), period * 1000 / 2) if period else None
        if watchdog is not None:
            watchdog.start()
        reloading = loop.create_task(self._reload_when_asked())
        await self._stopping.wait()
        reloading.cancel()
        notify_systemd(self._environment, "STOPPING=1")
        log.info("Stopping.")
        await self._service.stop()
        guard.stop()
        if watchdog is not None:
            watchdog.stop()

    def _heed(self, number: int) -> None:
        if self._stopping.is_set():
            os._exit(128 + number)
        self._stopping.set()

    def _hang_up(self) -> None:
        if self._has_terminal and not os.isatty(0):
            self._heed(signal.SIGHUP)
        else:
            self._hung_up.set()

    async def _reload_when_asked(self) -> None:
        while await self._hung_up.wait():
            self._hung_up.clear()
            moment = time.monotonic_ns() // 1000
            notify_systemd(self._environment, f"RELOADING=1\nMONOTONIC_USEC={moment}")
            await self._reload()
            self._tell_systemd("READY=1")

    def _tell_systemd(self, state: str) -> None:
        notify_systemd(self._environment, f"{state}\nSTATUS={self._service.degree}")


def _check_clock() -> None:
    """No timer follows the wall clock; certificates do."""
    if time.time() < _OLDEST_CLOCK:
        log.warning(
            "The clock of this machine is wrong, it says %s. Photos are shown all the same; "
            "a NAS on https may be refused until the clock is set.",
            time.strftime("%Y-%m-%d", time.gmtime()),
        )
