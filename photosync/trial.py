"""What another configuration would show, tried before it takes effect. Blocks: worker threads only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from .albums import AlbumSource, AlbumView, look
from .catalog import Catalog
from .errors import PhotosSyncError
from .flight import PictureSource

_PICTURES = 3


class Source(AlbumSource, PictureSource, Protocol):
    """What is tried of a NAS client."""

    def close(self) -> None: ...


def try_out(source: Source, views: Sequence[AlbumView], previous: Catalog) -> tuple[Sequence[AlbumView], Catalog]:
    """The albums and the catalog of all of them, to follow `previous`, after the calls that the service will make.

    Raises the PhotosSyncError that keeps an album from being listed, or each of a few pictures from being had; then
    the source is closed.
    """
    try:
        return _look(source, views, previous)
    except BaseException:
        source.close()
        raise


def _look(source: Source, views: Sequence[AlbumView], previous: Catalog) -> tuple[Sequence[AlbumView], Catalog]:
    found = look(source, views, previous, now=time.monotonic())
    for view in found.views:
        if view.problem is not None:
            raise view.problem
    catalog = found.catalog or previous
    problem: PhotosSyncError | None = None
    for photo in catalog.photos[:_PICTURES]:
        try:
            source.fetch(photo)
            return found.views, catalog
        except PhotosSyncError as error:
            problem = error
    if problem is not None:
        raise problem
    return found.views, catalog
