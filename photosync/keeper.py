"""Keeper: catalog and decks outlive the program. Loop thread; the files are read and written on a worker thread."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tornado.ioloop import IOLoop

from . import saved
from .deck import Decks
from .state import StateTrouble, clear_unfinished, keep
from .sync import AlbumSync

log = logging.getLogger(__name__)

T = TypeVar("T")

_PAUSE_SECONDS = 3600.0
_SPACING_SECONDS = 300.0  # an album that is being filled changes with every look


class Keeper:
    """Reads at the start what the last run has left in `folder`, and writes it when the catalog has changed and at
    the end; in between no more than every five minutes, and nothing while nothing changes.

    Nothing here raises: a folder that cannot be written is told by `trouble`.
    """

    def __init__(self, folder: Path, trouble: StateTrouble, source: str, sync: AlbumSync, decks: Decks) -> None:
        self._catalog_file = folder / "catalog"
        self._decks_file = folder / "decks"
        self._source = source
        self._sync = sync
        self._decks = decks
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._written = self._state()
        self._timer: object | None = None
        self._trouble = trouble
        self._not_before = 0.0

    async def restore(self) -> None:
        """Gives sync and decks what there is. Before the first look."""
        for path in (self._catalog_file, self._decks_file):
            with self._telling():
                await self._run(clear_unfinished, path)
        with self._telling():
            found = await self._run(saved.load, self._catalog_file, self._source, list(self._sync.views))
            if found is not None and found.catalog.photos:
                self._sync.restore(found.views, found.catalog)
                self._written = self._state()
                self._decks.restore(await self._run(_rows, self._decks_file), self._sync.catalog_of)
        self._sync.on_replaced = self._note_replaced

    def follow(self, sync: AlbumSync, source: str) -> None:
        """Goes on with the albums of another configuration."""
        self._sync, self._source = sync, source
        sync.on_replaced = self._note_replaced
        if self._written != self._state():
            self._note_replaced()

    async def close(self) -> None:
        """Writes what has changed."""
        if self._timer is not None:
            IOLoop.current().remove_timeout(self._timer)
        await self._write()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _note_replaced(self) -> None:
        if self._timer is None:
            IOLoop.current().add_callback(self._write)
            self._timer = IOLoop.current().call_later(_SPACING_SECONDS, self._after_a_pause)

    def _after_a_pause(self) -> None:
        self._timer = None
        if self._written != self._state():
            self._note_replaced()

    def _state(self) -> list[tuple[str, array[int]]]:
        """What the catalog's file depends on."""
        catalogs = [self._sync.catalog, *(view.catalog for view in self._sync.views.values())]
        return [(catalog.tag, catalog.slots) for catalog in catalogs]

    async def _write(self) -> None:
        """The catalog if it is another one, and then the decks, which fit to it or to the one before."""
        if time.monotonic() < self._not_before:
            return
        if not (self._sync.has_synced or self._sync.catalog.photos):
            return  # it could only replace what is known of the album
        state = self._state()
        if self._written != state:
            views, catalog = tuple(self._sync.views.values()), self._sync.catalog
            with self._telling():
                await self._run(saved.save, self._catalog_file, self._source, views, catalog)
                self._written = state
        text = json.dumps(self._decks.to_list(), separators=(",", ":"))
        with self._telling():
            await self._run(keep, self._decks_file, [text])

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Ends what fails, and tells why."""
        try:
            yield
        except saved.Unreadable:
            log.warning("The file %s is not whole or not of this service; it is not used.", self._catalog_file)
        except OSError as error:
            self._trouble.met(error)
            self._not_before = time.monotonic() + _PAUSE_SECONDS


def _rows(path: Path) -> list[Any]:
    try:
        rows = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return []
    return rows if isinstance(rows, list) else []
