"""The composition root: builds everything, listens, changes, stops in order. Loop thread, once it runs."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from tornado.httputil import HTTPServerConnectionDelegate
from tornado.platform.asyncio import AsyncIOLoop

from .albums import AlbumView, Look
from .cache import PhotoCache
from .catalog import Catalog
from .deck import Decks
from .degree import Degree, present_degree
from .disk import PhotoDisk
from .guard import Guard
from .keeper import Keeper
from .nas import SynologyClient
from .renewal import Renewal
from .screens import Screens
from .server import Server, Traffic
from .settings import Settings
from .shelf import Shelf
from .sizes import Sizes
from .state import StateTrouble, claim
from .store import PhotoStore
from .sync import AlbumSync
from .web import make_app

_HEAR_SECONDS = 1.0
_DRAIN_SECONDS = 8.0
_RECALL_SECONDS = 10.0
_KEEP_SECONDS = 2.0
_LOGOUT_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 300.0
_SHORTEST_LONGEST_RETRY_SECONDS = 60.0


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
        first_look: Callable[[], Look] | None = None,
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
            longest_wait_seconds=_longest_wait(settings),
        )
        self.sync = AlbumSync(
            self.client, self.store, settings.albums, settings.interval_seconds, first_look=first_look
        )
        self.screens = Screens(self.sync, self.store, Decks(rng))
        self.sizes = Sizes(self.sync, self.store)
        if folder is not None:
            self.keeper = Keeper(folder, trouble, settings.source, self.sync, self.screens.decks)
        self.traffic = Traffic()
        self.guard = Guard(settings.access)
        self.server = Server(self._app(), stall_seconds=stall_seconds, is_proxy=self._is_proxy)
        self.renewal = self._renewal(settings)
        self._sockets = sockets

    def _app(self) -> HTTPServerConnectionDelegate:
        return make_app(self.sync, self.store, self.screens, self.sizes, self.traffic, self.client.calls, self.guard)

    def _is_proxy(self, address: str) -> bool:
        return self.guard.proxies.trusts(address)

    def _renewal(self, settings: Settings) -> Renewal | None:
        if settings.tls_cert is None or settings.tls_key is None:
            return None
        return Renewal(settings.tls_cert, settings.tls_key, self._use_tls)

    def _use_tls(self, context: ssl.SSLContext | None) -> None:
        """For connections from now on."""
        self.server.ssl_options = context

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
            await self.renewal.load()
            self.renewal.start()
        self.server.add_sockets(self._sockets)
        if self.store.shelf is not None and self.keeper is not None:
            with suppress(TimeoutError):  # a disk that hangs
                await asyncio.wait_for(self._recall(self.store.shelf, self.keeper), _RECALL_SECONDS)
        self.sync.start()

    async def _recall(self, shelf: Shelf, keeper: Keeper) -> None:
        await shelf.open()
        await keeper.restore()

    async def load_tls(self, settings: Settings) -> Renewal | None:
        """The certificate to `change` to. Raises ConfigError, and changes nothing, if it cannot be used."""
        renewal = self._renewal(settings)
        if renewal is not None:
            await renewal.load()
        return renewal

    async def change(
        self,
        settings: Settings,
        client: SynologyClient,
        views: Sequence[AlbumView],
        catalog: Catalog,
        sockets: list[socket.socket],
        renewal: Renewal | None,
    ) -> None:
        """Goes on with other settings, and with what is known of the albums already if `client` is another one. Every
        answer under way ends as it began; photos, decks and connections stay. `sockets`, if there are any, take the
        place of those before; `renewal` is what `load_tls` gave.
        """
        self._change_tls(renewal)
        former_sync, former_client = self.sync, self.client
        self.store.cache.resize(settings.max_cache_bytes)
        if client is former_client:
            self.store.health.wait_at_most(_longest_wait(settings))
        else:
            self._turn_to(settings, client, views, catalog)
        if self.sync.has_synced:
            self.store.fill(self.sync.catalog.photos)
        if settings.access != self.guard.access:
            self.guard = Guard(settings.access)
        if self.store.shelf is not None:
            self.store.shelf.disk.max_bytes = settings.max_disk_bytes
        self.server.request_callback = self._app()
        if sockets:
            self.server.move_to(sockets)
            self._sockets = sockets
        self.sync.restart(settings.interval_seconds)
        if client is not former_client:
            await former_sync.stop()
            await self.store.landing_from(former_client)
            await asyncio.get_running_loop().run_in_executor(None, former_client.close)

    def _turn_to(
        self, settings: Settings, client: SynologyClient, views: Sequence[AlbumView], catalog: Catalog
    ) -> None:
        """Another way to the NAS, of whose health nothing is known yet."""
        former, self.client = self.sync, client
        self.store.turn_to(client, _longest_wait(settings))
        self.sync = AlbumSync(client, self.store, settings.albums, settings.interval_seconds)
        self.sync.follow(former)
        self.sync.restore(views, catalog)
        if self.sync.has_synced:
            self.store.retain(catalog)
        self.screens = Screens(self.sync, self.store, self.screens.decks)
        self.sizes.follow(self.sync)
        if self.keeper is not None:
            self.keeper.follow(self.sync, settings.source)

    def _change_tls(self, renewal: Renewal | None) -> None:
        if self.renewal is not None:
            self.renewal.stop()
        self.renewal = renewal
        if renewal is not None:
            renewal.start()
        else:
            self._use_tls(None)

    async def stop(self) -> None:
        """Accepts nothing new, finishes what is being sent, logs out. Takes about ten seconds at most."""
        self.server.stop()
        await self.server.hear_out(_HEAR_SECONDS)
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
            logout = asyncio.get_running_loop().run_in_executor(None, self.client.close)
            await asyncio.wait_for(asyncio.shield(logout), _LOGOUT_SECONDS)
        if self._claim is not None:
            self._claim.close()


def _longest_wait(settings: Settings) -> float:
    return min(max(settings.interval_seconds, _SHORTEST_LONGEST_RETRY_SECONDS), _LONGEST_RETRY_SECONDS)
