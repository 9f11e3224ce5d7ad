"""Draws the notices, `python photosync/static/draw.py`, on the one thread of a process of its own; needs Pillow.

Screens crop them (`object-fit: cover`), a tall one down to the middle third, so everything is written and drawn there.
The tones are mid ones: no glare in a dark room, and readable in a bright one. The typeface is the one that comes with
Pillow, Aileron, which is in the public domain (CC0).
"""

import io
import math
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).with_name("notices")
WIDTH, HEIGHT = 1280, 800
COLUMN = 426
FINER = 2  # drawn so many times as large, and then reduced
TOP, BOTTOM = (96, 116, 126), (70, 86, 98)
HILLS = ((84, 104, 108), (74, 94, 98), (64, 82, 88))
INK, SOFT = (247, 243, 234), (221, 224, 220)

Pen = ImageDraw.ImageDraw
Motif = Callable[[Pen, float, float], None]


def line(pen: Pen, *points: tuple[float, float], width: float = 9) -> None:
    """A line with round ends and corners."""
    scaled = [(x * FINER, y * FINER) for x, y in points]
    pen.line(scaled, fill=INK, width=round(width * FINER), joint="curve")
    for x, y in (scaled[0], scaled[-1]):
        radius = width * FINER / 2
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=INK)


def box(pen: Pen, x: float, y: float, width: float, height: float, radius: float = 12, filled: bool = False) -> None:
    corners = tuple(value * FINER for value in (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    pen.rounded_rectangle(corners, radius * FINER, INK if filled else None, INK, 9 * FINER)


def disc(pen: Pen, x: float, y: float, radius: float, filled: bool = True) -> None:
    corners = tuple(value * FINER for value in (x - radius, y - radius, x + radius, y + radius))
    pen.ellipse(corners, INK if filled else None, INK, 9 * FINER)


def frame(pen: Pen, x: float, y: float) -> None:
    """A picture frame that hangs on its nail."""
    line(pen, (x - 42, y - 42), (x, y - 76), (x + 42, y - 42), width=5)
    box(pen, x, y + 16, 168, 122, 8)


def waiting(pen: Pen, x: float, y: float) -> None:
    frame(pen, x, y)
    for step in (-1, 0, 1):
        disc(pen, x + 38 * step, y + 16, 9)


def mountains(pen: Pen, x: float, y: float) -> None:
    frame(pen, x, y)
    line(pen, (x - 56, y + 52), (x - 18, y + 8), (x + 8, y + 36), (x + 26, y + 20), (x + 56, y + 52), width=7)
    disc(pen, x + 36, y - 12, 9)


def question(pen: Pen, x: float, y: float) -> None:
    frame(pen, x, y)
    arc = [(x + 22 * math.cos(t / 20), y + 4 + 22 * math.sin(t / 20)) for t in range(-63, 22)]
    line(pen, *arc, (x, y + 30), (x, y + 36), width=8)
    disc(pen, x, y + 54, 6)


def unplugged(pen: Pen, x: float, y: float) -> None:
    """A NAS with two disks, and a cable that does not reach it."""
    box(pen, x + 46, y + 6, 118, 140)
    for side in (20, 72):
        box(pen, x + side, y - 8, 30, 76, 4, filled=True)
    disc(pen, x + 84, y + 54, 6)
    line(pen, (x - 128, y + 46), (x - 96, y + 46))
    box(pen, x - 84, y + 46, 26, 44, 5, filled=True)
    for side in (-10, 10):
        line(pen, (x - 70, y + 46 + side), (x - 56, y + 46 + side), width=6)


def padlock(pen: Pen, x: float, y: float) -> None:
    arc = [(x + 38 * math.cos(math.radians(t)), y - 26 + 42 * math.sin(math.radians(t))) for t in range(180, 361, 4)]
    line(pen, (x - 38, y - 8), *arc, (x + 38, y - 8), width=11)
    box(pen, x, y + 38, 128, 92, 12)
    disc(pen, x, y + 30, 9)
    line(pen, (x, y + 30), (x, y + 54), width=8)


TITLE, SENTENCE, FOOT = 56, 36, 28  # pixels
MOTIF_HEIGHT = 170
MORE = "The page /readyz says more."
NOTICES: dict[str, tuple[Motif, str, str, str]] = {
    "starting": (
        waiting,
        "Waiting for\nthe NAS",
        "Its album is being listed.\nPhotos will appear\nby themselves.",
        "",
    ),
    "nas_down": (
        unplugged,
        "The NAS cannot\nbe reached",
        "Is it switched on and\nconnected? Photos will\nappear by themselves.",
        MORE,
    ),
    "auth": (
        padlock,
        "The NAS refuses\nthe login",
        "Check account, password\nand rights, or the\nshare link.",
        MORE,
    ),
    "album": (
        question,
        "The album\ncannot be found",
        "Check its name, or share\nit with the account.",
        MORE,
    ),
    "empty": (
        mountains,
        "No photos in\nthe album yet",
        "Add some in Synology\nPhotos. They will appear\nby themselves.",
        MORE,
    ),
}
"""Motif, title, next step and foot of each, by the name of its degree."""


def background() -> Image.Image:
    image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER))
    pen = ImageDraw.Draw(image)
    for y in range(image.height):
        share = y / image.height
        tone = tuple(round(a + (b - a) * share) for a, b in zip(TOP, BOTTOM, strict=True))
        pen.line((0, y, image.width, y), fill=tone)
    for number, tone in enumerate(HILLS):
        ridge = [
            (
                x,
                image.height
                * (0.87 + 0.05 * number + 0.03 * math.sin(x / image.width * (5 + 2 * number) + number * 2)),
            )
            for x in range(0, image.width + 1, 16)
        ]
        pen.polygon([*ridge, (image.width, image.height), (0, image.height)], fill=tone)
    return image


def height(text: str, size: int) -> float:
    return len(text.split("\n")) * size * 1.22 if text else 0


def write(pen: Pen, y: float, text: str, size: int, tone: tuple[int, int, int], weight: int = 0) -> float:
    """Centred lines from `y` down; where they end."""
    font = ImageFont.load_default(size * FINER)
    for number, words in enumerate(text.split("\n")):
        assert font.getlength(words) <= COLUMN * FINER, words
        place = (WIDTH * FINER / 2, (y + height("x", size) * number) * FINER)
        pen.text(place, words, tone, font, anchor="ma", stroke_width=weight, stroke_fill=tone)
    return y + height(text, size)


def notice(motif: Motif, title: str, sentence: str, foot: str) -> Image.Image:
    image = background()
    pen = ImageDraw.Draw(image)
    total = MOTIF_HEIGHT + 36 + height(title, TITLE) + 20 + height(sentence, SENTENCE) + 16 + height(foot, FOOT)
    top = (HEIGHT - total) / 2 - 20
    motif(pen, WIDTH / 2, top + MOTIF_HEIGHT / 2)
    y = write(pen, top + MOTIF_HEIGHT + 36, title, TITLE, INK, weight=1)
    y = write(pen, y + 20, sentence, SENTENCE, INK)
    write(pen, y + 16, foot, FOOT, SOFT)
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, parts in NOTICES.items():
        data = io.BytesIO()
        notice(*parts).save(data, "JPEG", quality=76, optimize=True)
        (FOLDER / f"{name}.jpg").write_bytes(data.getvalue())


if __name__ == "__main__":
    main()
