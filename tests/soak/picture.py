"""A soak in one picture: memory, descriptors, threads, latency and photos shown over time. Needs Pillow."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .run import Result

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 1400, 150, 70, 50, 45
_RIGHT = 40
_PAPER, _INK, _GRID, _DARK, _TROUBLE, _LINE = "white", "#222222", "#dddddd", "#b8bcc8", "#fdf0cf", "#1f5fa8"
_TICKS = 4

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    title: str
    points: Points
    dots: bool = False
    from_zero: bool = True


def panels(result: Result) -> list[Panel]:
    shown = [one for kiosk in result.kiosks for one in kiosk.showings if one.photo is not None]
    seconds = Counter(int(one.answered) for one in shown)
    samples = result.samples
    return [
        Panel("resident memory, MB", [(one.at, one.resident_bytes / 1e6) for one in samples], from_zero=False),
        Panel("descriptors", [(one.at, one.descriptors) for one in samples]),
        Panel("threads", [(one.at, one.threads) for one in samples]),
        Panel("latency of each photo, ms", [(one.answered, (one.answered - one.began) * 1000) for one in shown], True),
        Panel("photos shown in a second", [(at, seconds[at]) for at in range(int(result.seconds))]),
    ]


def draw(result: Result, path: Path) -> bool:
    """False if there is nothing to draw with."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        return False
    found = panels(result)
    image = Image.new("RGB", (_WIDTH, _TOP + len(found) * (_HEIGHT + _GAP)), _PAPER)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    verdict = f"{len(result.problems)} problems" if result.problems else "passed"
    legend = "grey: the NAS is dark; yellow: it fails"
    pen.text((_LEFT, 8), f"{result.seconds / 60:g} minutes, {verdict} ({legend})", _INK, font)
    for number, panel in enumerate(found):
        _draw(pen, font, panel, result, _TOP + number * (_HEIGHT + _GAP))
    image.save(path)
    return True


def _round_up(value: float) -> float:
    """To a number that can be divided by the ticks."""
    scale = 10.0 ** math.floor(math.log10(max(value, 1.0)))
    return next(scale * step for step in (1, 2, 4, 6, 8, 10) if scale * step >= value)


def _draw(pen: Any, font: Any, panel: Panel, result: Result, top: int) -> None:
    values = [value for _, value in panel.points] or [0.0]
    low = 0.0 if panel.from_zero else math.floor(min(values))
    high = low + _round_up(max(values) - low)
    across, bottom = _WIDTH - _LEFT - _RIGHT, top + _HEIGHT

    def x(at: float) -> float:
        return _LEFT + across * min(at / result.seconds, 1.0)

    def y(value: float) -> float:
        return bottom - _HEIGHT * (value - low) / (high - low)

    for colour, stretches in ((_TROUBLE, result.troubles.stretches), (_DARK, result.dark)):
        for begin, end in stretches:
            pen.rectangle((x(begin), top, x(end), bottom), fill=colour)
    for tick in range(_TICKS + 1):
        value = low + (high - low) * tick / _TICKS
        pen.line((_LEFT, y(value), _WIDTH - _RIGHT, y(value)), fill=_GRID)
        pen.text((8, y(value) - 8), f"{value:.4g}", _INK, font)
        minute = result.seconds * tick / _TICKS
        pen.text((x(minute), bottom + 3), f"{minute / 60:.3g} min", _INK, font, anchor="ma")
    pen.text((_LEFT, top - 19), panel.title, _INK, font)
    places = [(x(at), y(value)) for at, value in panel.points]
    if panel.dots:
        for place in places:
            pen.circle(place, 1.5, fill=_LINE)
    elif len(places) > 1:
        pen.line(places, fill=_LINE, width=2)
