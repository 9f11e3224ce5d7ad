"""Fit: the size that a client asks for, and what it takes of a photo. Pure, used on every thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from .errors import BadParameter
from .models import Photo

if TYPE_CHECKING:
    from fractions import Fraction

LONGEST_SIDE = 3840
HIGHEST_QUALITY = 95
_QUALITY = 85
_FORMAT = 1  # another one when the same photo and size are to give other bytes
_SHORT_SIDES: Mapping[str, int] = {"sm": 240, "m": 320, "xl": 1280}
_ENDLESS = 1_000_000_000


class Fit(NamedTuple):
    """A picture within, or (`cover`) of, `width` by `height` pixels; 0 where the other side alone bounds it.

    Whatever the photo: it is never enlarged.
    """

    width: int
    height: int
    cover: bool = False
    quality: int = _QUALITY

    @classmethod
    def asked_for(cls, parameter: Callable[[str], str | None]) -> Fit | None:
        """What the parameters `w`, `h`, `fit` and `quality` say; None without `w` and `h`, where the others have no
        effect. Raises BadParameter.
        """
        how = parameter("fit") or "contain"
        if how not in ("contain", "cover"):
            raise BadParameter(
                "fit is neither contain nor cover.", "contain shows all of a photo, cover fills the size."
            )
        width, height = (_whole(name, parameter(name), 0, LONGEST_SIDE) for name in ("w", "h"))
        quality = _whole("quality", parameter("quality"), _QUALITY, HIGHEST_QUALITY)
        if not width and not height:
            return None
        return cls(width, height, how == "cover" and width > 0 and height > 0, quality)

    @property
    def query(self) -> str:
        """The parameters that ask for it, in their one order."""
        said = {"w": self.width, "h": self.height, "fit": "cover" if self.cover else ""}
        said["quality"] = self.quality if self.quality != _QUALITY else 0
        return urlencode({name: value for name, value in said.items() if value})

    def picture_of(self, photo: Photo, source: str) -> Photo:
        """The photo in this size as made from that rendition: with a key and an entity tag of its own."""
        how = "cover" if self.cover else "contain"
        return replace(photo, size=f"{source}-{self.width}x{self.height}-{how}-{self.quality}-{_FORMAT}")

    def sources(self, photo: Photo) -> tuple[str, ...]:
        """The renditions to make it from: the smallest that suffices, then what will do if that cannot be had."""
        ready = photo.renditions or (photo.size,)
        best = next((size for size in ready if self._suffices(size, photo)), ready[-1])
        return tuple(dict.fromkeys((best, *({"xl"} & set(ready)), photo.size)))

    def of(self, width: int, height: int) -> tuple[tuple[int, int], tuple[Fraction, Fraction]]:
        """The size in pixels of what becomes of a photo of that size, and the shares of the photo's width and height
        that it shows, from the middle.
        """
        if not self.cover:
            scale = self._scale(width, height)
            return (max(1, round(width * scale)), max(1, round(height * scale))), (_ratio(1), _ratio(1))
        part_width = max(_ratio(1), min(_ratio(width), _ratio(height * self.width, self.height)))
        part_height = max(_ratio(1), min(_ratio(height), _ratio(width * self.height, self.width)))
        size = min(self.width, int(part_width)), min(self.height, int(part_height))
        return size, (part_width / width, part_height / height)

    def _scale(self, width: int, height: int) -> Fraction:
        scales = [_ratio(most, side) for most, side in ((self.width, width), (self.height, height)) if most]
        return min(_ratio(1), max(scales) if self.cover else min(scales))

    def _suffices(self, size: str, photo: Photo) -> bool:
        """Of a photo of unknown shape every side has to do for both."""
        width, height = photo.width or _ENDLESS, photo.height or _ENDLESS
        short = _SHORT_SIDES.get(size, _ENDLESS)
        return _ratio(short, min(width, height)) >= self._scale(width, height)


def _ratio(part: int, whole: int = 1) -> Fraction:
    """Exact. Not loaded at the start, of which it would take a fiftieth: few clients ask for a size."""
    from fractions import Fraction

    return Fraction(part, whole)


def _whole(name: str, text: str | None, default: int, highest: int) -> int:
    if text is None:
        return default
    if re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= highest:
        return int(text)
    raise BadParameter(
        f"{name} is not a whole number from 1 to {highest}.", "An example: ?w=800&h=480&fit=cover&quality=85"
    )
