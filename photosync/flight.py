"""Flight: one download and all who wait for it. Plain; loop thread only, the source's calls run on worker threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .health import NasHealth
from .models import Photo


class PictureSource(Protocol):
    """What the store needs of a NAS client: `SynologyClient.fetch`."""

    def fetch(self, photo: Photo, room: Callable[[int], None] | None = None) -> bytes: ...


@dataclass(slots=True, eq=False)
class Flight:
    """`waiting` counts those who await `landed`; without any it is made ahead of need.

    It ends with the `source` that it began with, whose failures are told to `health`.
    """

    photo: Photo
    source: PictureSource
    health: NasHealth
    landed: asyncio.Future[bytes]
    waiting: int = 0
    refused: bool = False
    passing: bool = False
    unwanted: bool = False  # the photo has left the catalog meanwhile
