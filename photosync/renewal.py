"""Renewal: the certificate that is served, also once it was renewed, without a restart. Loop thread only."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tornado.ioloop import PeriodicCallback

from .errors import ConfigError
from .tls import load_tls, stamp

log = logging.getLogger(__name__)

T = TypeVar("T")

_SECONDS = 60.0


class Renewal:
    """Hands the context that its two files make to `use`, and again when they have changed, for new connections.

    Files that cannot be used any more are told once, and what was served goes on being served.
    """

    def __init__(self, cert: Path, key: Path, use: Callable[[ssl.SSLContext], None], seconds: float = _SECONDS) -> None:
        self._files = cert, key
        self._use = use
        self._seen: object = None
        self._loaded: ssl.SSLContext | None = None
        self._timer = PeriodicCallback(self.look, seconds * 1000)

    async def load(self) -> None:
        """Comes before `start`, which hands the context on. Raises ConfigError if the files cannot be used."""
        try:
            self._seen = await self._in_worker(stamp, *self._files)
            self._loaded = (await self._in_worker(load_tls, *self._files)).context
        except (OSError, ValueError) as error:
            raise ConfigError([f"tls-cert, tls-key: {error}"]) from None

    def start(self) -> None:
        if self._loaded is not None:
            self._use(self._loaded)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    async def look(self) -> None:
        try:
            seen = await self._in_worker(stamp, *self._files)
            if seen == self._seen:
                return
            self._seen = seen
            context, warning = await self._in_worker(load_tls, *self._files)
        except OSError:
            return  # being replaced, or gone for now
        except ValueError as error:
            log.error("The new certificate cannot be served, the old one goes on being served: %s", error)
            return
        if not self._timer.is_running():
            return
        self._use(context)
        log.info("A renewed certificate is served. %s", warning)

    async def _in_worker(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)
