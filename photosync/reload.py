"""Reload: the configuration is read anew while photos are shown. Loop thread; files and the NAS on worker threads."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence, Set
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from .albums import AlbumView
from .calls import Calls
from .catalog import Catalog
from .degree import Degree
from .device import device_path
from .errors import ConfigError, LoginRefused, PhotosSyncError
from .listen import SYSTEMD_LISTENS
from .nas import SynologyClient
from .service import Service
from .settings import Settings
from .trial import try_out

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Known = tuple[Sequence[AlbumView], Catalog]
Way = tuple[SynologyClient, Sequence[AlbumView], Catalog]

_OF_THIS_MACHINE: Set[str] = {
    "max_cache_bytes",
    "max_disk_bytes",
    "interval_seconds",
    "server_port",
    "listen_address",
    "access",
    "tls_cert",
    "tls_key",
    "state_dir",
    "log_level",
    "log_format",
}
"""Settings that change nothing about what the NAS is asked for, and how."""

_PLACE: Set[str] = {"server_port", "listen_address"}


class Reload:
    """Each call reads the configuration by `load`, and lets it take effect unless something is wrong with it.

    Raises nothing: a configuration that is of no use is told in the log, and the one before stays. What leads to the
    NAS and its albums is tried out before, unless no photo can be shown anyway. `build` makes a NAS client
    that counts its calls on, `listen` opens sockets; without it they are none of the service's business.
    """

    def __init__(
        self,
        service: Service,
        settings: Settings,
        *,
        load: Callable[[], Settings],
        build: Callable[[Settings, Calls], SynologyClient],
        listen: Callable[[str, int], list[socket.socket]] | None,
        set_level: Callable[[str], None],
    ) -> None:
        self._service = service
        self._settings = settings
        self._authorities = _content(settings.ca_file)
        self._load = load
        self._build = build
        self._listen = listen
        self._set_level = set_level

    async def __call__(self) -> None:
        try:
            await self._reload()
        except ConfigError as error:
            for mistake in error.mistakes:
                log.error("The configuration before stays in use: %s", mistake)
        except PhotosSyncError as error:
            log.error("The configuration before stays in use: %s", error.sentence)
        except Exception:
            log.exception("The configuration before stays in use: an error that was not foreseen.")

    async def _reload(self) -> None:
        settings = await _in_worker(self._load)
        authorities = await _in_worker(_content, settings.ca_file)
        changed = _differences(self._settings, settings)
        sockets = await self._open(settings, changed)
        try:
            renewal = await self._service.load_tls(settings)
            client, views, catalog = await self._way(settings, changed, authorities)
        except BaseException:
            for listening in sockets:
                listening.close()
            raise
        # From here on nothing is refused any more.
        self._set_level(settings.log_level)
        self._tell(settings, changed)
        self._settings, self._authorities = settings, authorities
        await self._service.change(settings, client, views, catalog, sockets, renewal)

    async def _way(self, settings: Settings, changed: Set[str], authorities: bytes) -> Way:
        """The way to the NAS, which stays unless something about it has changed, and what there is to begin with."""
        client, sync = self._service.client, self._service.sync
        views: Sequence[AlbumView] = [sync.views.get(name) or AlbumView(name) for name in settings.albums]
        if changed - _OF_THIS_MACHINE or authorities != self._authorities or isinstance(sync.failure, LoginRefused):
            client = await _in_worker(self._build, settings, client.calls)
            return client, *await self._look(client, views, settings.source)
        return client, views, sync.catalog

    async def _look(self, client: SynologyClient, views: Sequence[AlbumView], source: str) -> Known:
        """What there is to begin with on another way to the NAS. Raises PhotosSyncError if the old way shows more."""
        catalog = self._service.sync.catalog
        if self._service.degree in (Degree.OK, Degree.STALE):
            views = [AlbumView(view.name, catalog=view.catalog) for view in views]  # the catalogs' slots go on
            return await _in_worker(try_out, client, views, catalog)
        if source == self._settings.source:
            return [AlbumView(view.name, catalog=view.catalog) for view in views], catalog
        return [AlbumView(view.name) for view in views], Catalog()

    async def _open(self, settings: Settings, changed: Set[str]) -> list[socket.socket]:
        """For another port; none where systemd listens, whatever the settings say.

        Another address with the same port is only looked at: nobody can listen there while the sockets before do.
        """
        if self._listen is None or not changed & _PLACE:
            return []
        port = settings.server_port if "server_port" in changed else 0
        sockets = await _in_worker(self._listen, settings.listen_address, port)
        if "server_port" in changed:
            return sockets
        for listening in sockets:
            listening.close()
        return []

    def _tell(self, settings: Settings, changed: Set[str]) -> None:
        for warning in settings.warnings:
            log.warning("%s", warning)
        if self._listen is None and changed & _PLACE:
            log.warning(SYSTEMD_LISTENS)
        waiting = {"state_dir", "log_format"}
        if self._listen is not None and "server_port" not in changed:
            waiting.add("listen_address")
        for name in sorted(waiting & changed):
            log.warning("Another %s is used from the next start on.", _in_words(name))
        names = ", ".join(sorted(map(_in_words, changed)))
        log.info("The configuration was read anew. %s", f"Changed: {names}." if names else "Nothing has changed.")


async def _in_worker(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, partial(function, *arguments, **options))


def _differences(before: Settings, after: Settings) -> set[str]:
    names = (field.name for field in fields(Settings) if field.compare)
    changed = {name for name in names if getattr(before, name) != getattr(after, name)}
    holder = after if after.state_dir is not None else before
    if "state_dir" in changed and holder.device_file == device_path(None, holder.state_dir, None):
        changed.discard("device_file")  # which follows from it
    return changed


def _in_words(name: str) -> str:
    return name.removesuffix("_bytes").removesuffix("_seconds").replace("_", "-")


def _content(path: Path | None) -> bytes:
    """What a certificate file holds: it may be renewed under its name."""
    try:
        return path.read_bytes() if path else b""
    except OSError:
        return b""
