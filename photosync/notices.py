"""Notices: the pictures that say in words why there is no photo, and which clients want one. Loop thread only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .degree import Degree

_FOLDER = Path(__file__).with_name("static") / "notices"
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


@cache
def notice(degree: Degree) -> bytes:
    """The JPEG for a degree at which no photo can be had; `static/draw.py` draws it."""
    return (_FOLDER / f"{degree}.jpg").read_bytes()


def wants_picture(accept: str | None) -> bool:
    """Whether a client with this Accept header shows pictures to somebody, rather than reading JSON.

    A browser names image types, or `text/html` when somebody opens the address. Frames that send no Accept at all come
    for a picture, too, since it is all that they can show. Scripts and health checks say `*/*`.
    """
    if not accept:
        return True
    ranges = dict(_ranges(accept))
    if ranges.get("image/jpeg") == 0:
        return False
    pictures = [quality for kind, quality in ranges.items() if kind.startswith("image/") or kind == "text/html"]
    return max(pictures, default=0) > ranges.get("application/json", 0)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Each media range with its weight (RFC 9110, section 12.5.1)."""
    for one in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in one.split(";"))
        weights = [part.removeprefix("q=") for part in parameters if part.startswith("q=")]
        yield kind, float(weights[0]) if weights and _QUALITY.fullmatch(weights[0]) else 1.0
