"""Runs on any thread: reads the sample photos that come with the package.

The renditions stand beside `index.json` as `<name>-sm.jpg`, `<name>-m.jpg` and `<name>-xl.jpg`; the original is the
`xl` one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.resources import files
from typing import Any

from .items import ORIGINAL

_FOLDER = files(__package__) / "samples"


@dataclass(frozen=True)
class SamplePhoto:
    """What is known of a sample photo, and its bytes by size."""

    filename: str
    taken: datetime
    width: int
    height: int
    place: dict[str, str]
    description: str
    picture: Callable[[str], bytes]


def sample_photos() -> list[SamplePhoto]:
    entries = json.loads((_FOLDER / "index.json").read_text("utf-8"))
    return [_from_index(entry) for entry in entries]


def _from_index(entry: dict[str, Any]) -> SamplePhoto:
    return SamplePhoto(
        filename=entry["filename"],
        taken=datetime.fromisoformat(entry["taken"]).replace(tzinfo=UTC),
        width=entry["width"],
        height=entry["height"],
        place=entry.get("place") or {},
        description=entry.get("description") or "",
        picture=partial(_rendition, entry["name"]),
    )


@cache
def _rendition(name: str, size: str) -> bytes:
    return (_FOLDER / f"{name}-{'xl' if size == ORIGINAL else size}.jpg").read_bytes()
