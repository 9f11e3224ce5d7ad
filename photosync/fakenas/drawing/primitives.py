"""Canvas and drawing primitives of the sample photos.

Coordinates are in units of a thousandth of the short side, so that a picture reads the same at any size.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

Point = tuple[float, float]
Points = list[Point]
Fill = str | tuple[str, ...]


def mix(first: str, second: str, share: float) -> str:
    """The colour between two colours; share 0 is the first, 1 the second."""
    pairs = zip(ImageColor.getrgb(first), ImageColor.getrgb(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Points:
    ry = rx if ry is None else ry
    turns = (math.tau * i / 120 for i in range(120))
    return [(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Points:
    """Points on an ellipse from one angle to another, in degrees clockwise from the right."""
    steps = max(40, round(abs(end - start) / 3))
    turns = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns]


def rect(x: float, y: float, width: float, height: float) -> Points:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def rounded(x: float, y: float, width: float, height: float, radius: float) -> Points:
    corners = [
        (x + width - radius, y + radius, -90),
        (x + width - radius, y + height - radius, 0),
        (x + radius, y + height - radius, 90),
        (x + radius, y + radius, 180),
    ]
    return [p for cx, cy, start in corners for p in arc(cx, cy, radius, radius, start, start + 90)]


def smooth(points: Sequence[Point], closed: bool = False, steps: int = 12) -> Points:
    """A Catmull-Rom curve through the points."""
    count = len(points)

    def at(i: int) -> Point:
        return points[i % count] if closed else points[min(max(i, 0), count - 1)]

    curve: Points = []
    for i in range(count if closed else count - 1):
        a, b, c, d = at(i - 1), at(i), at(i + 1), at(i + 2)
        for step in range(steps):
            t = step / steps
            x, y = (
                b[k]
                + 0.5
                * t
                * (c[k] - a[k] + t * (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k] + t * (3 * (b[k] - c[k]) + d[k] - a[k])))
                for k in (0, 1)
            )
            curve.append((x, y))
    return curve if closed else [*curve, points[-1]]


def jagged(start: Point, end: Point, rough: float, rng: Random, depth: int = 5) -> Points:
    """A rocky line from start to end, by midpoint displacement; the end itself is left out."""
    if not depth:
        return [start]
    length = math.dist(start, end)
    middle = (
        (start[0] + end[0]) / 2 + rng.uniform(-rough, rough) * length * 0.5,
        (start[1] + end[1]) / 2 + rng.uniform(-rough, rough) * length,
    )
    return jagged(start, middle, rough, rng, depth - 1) + jagged(middle, end, rough, rng, depth - 1)


def rolling(width: float, y: float, height: float, seed: int, waves: float = 2.0) -> Points:
    """A gentle hill line across the width."""
    rng = Random(seed)
    parts = [(waves * k * rng.uniform(0.8, 1.2), rng.uniform(0, math.tau), height / k**1.4) for k in (1, 2, 3, 5)]
    steps = [i / 160 for i in range(161)]
    return [(width * s, y + sum(a * math.sin(math.pi * f * s + p) for f, p, a in parts)) for s in steps]


def place(points: Sequence[Point], x: float, y: float, size: float = 1, turn: float = 0) -> Points:
    """The points scaled, turned by degrees and moved to (x, y)."""
    cos, sin = math.cos(math.radians(turn)) * size, math.sin(math.radians(turn)) * size
    return [(x + px * cos - py * sin, y + px * sin + py * cos) for px, py in points]


def ramp(size: tuple[int, int], stops: Sequence[str], across: bool = False) -> Image.Image:
    count = len(stops)
    strip = Image.new("RGB", (count, 1) if across else (1, count))
    for i, stop in enumerate(stops):
        strip.putpixel((i, 0) if across else (0, i), ImageColor.getrgb(stop)[:3])
    box = (0.5, 0, count - 0.5, 1) if across else (0, 0.5, 1, count - 0.5)
    return strip.resize(size, Image.Resampling.BILINEAR, box=box)


class Canvas:
    """A picture being drawn, oversampled so that its edges come out smooth."""

    def __init__(self, width: int, height: int, oversample: float = 2) -> None:
        unit = min(width, height) / 1000
        self.size = (width, height)
        self.w, self.h = width / unit, height / unit
        self.scale = unit * oversample
        self.image = Image.new("RGB", (round(width * oversample), round(height * oversample)))

    def _pixels(self, points: Sequence[Point], box: tuple[int, int, int, int]) -> list[tuple[float, float]]:
        return [(x * self.scale - box[0], y * self.scale - box[1]) for x, y in points]

    def _box(self, points: Sequence[Point], pad: float) -> tuple[int, int, int, int]:
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return (
            max(math.floor((min(xs) - pad) * self.scale), 0),
            max(math.floor((min(ys) - pad) * self.scale), 0),
            min(math.ceil((max(xs) + pad) * self.scale) + 1, self.image.width),
            min(math.ceil((max(ys) + pad) * self.scale) + 1, self.image.height),
        )

    def _paint(self, mask: Image.Image, box: tuple[int, int, int, int], fill: Fill, across: bool) -> None:
        if isinstance(fill, str):
            self.image.paste(ImageColor.getrgb(fill), box, mask)
        else:
            self.image.paste(ramp(mask.size, fill, across), box, mask)

    def shape(
        self,
        points: Sequence[Point],
        fill: Fill,
        *,
        alpha: float = 1,
        blur: float = 0,
        across: bool = False,
        fade: tuple[float, ...] = (),
    ) -> None:
        """Fill a polygon; a tuple fill is a gradient, fade are opacities from its top to its bottom."""
        box = self._box(points, blur * 3)
        size = (box[2] - box[0], box[3] - box[1])
        if min(size) < 1:
            return
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon(self._pixels(points, box), fill=round(255 * alpha))
        if fade:
            greys = [mix("#000000", "#ffffff", opacity) for opacity in fade]
            mask = ImageChops.multiply(mask, ramp(size, greys).getchannel(0))
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self.scale))
        self._paint(mask, box, fill, across)

    def shadow(
        self,
        points: Sequence[Point],
        dx: float,
        dy: float,
        blur: float = 8,
        alpha: float = 0.35,
        colour: str = "#1a1430",
    ) -> None:
        self.shape(place(points, dx, dy), colour, blur=blur, alpha=alpha)

    def line(self, points: Sequence[Point], width: float, fill: Fill, *, alpha: float = 1, blur: float = 0) -> None:
        """Stroke a line with round ends."""
        box = self._box(points, width + blur * 3)
        size = (box[2] - box[0], box[3] - box[1])
        if min(size) < 1:
            return
        mask = Image.new("L", size)
        draw, pixels, value = ImageDraw.Draw(mask), self._pixels(points, box), round(255 * alpha)
        thick = max(width * self.scale, 1)
        draw.line(pixels, fill=value, width=round(thick))
        # Pillow's own curved joints leave notches on tight bends.
        for x, y in pixels:
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=value)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self.scale))
        self._paint(mask, box, fill, False)

    def sky(self, *stops: str, top: float = 0, bottom: float | None = None) -> None:
        self.shape(rect(0, top, self.w, (self.h if bottom is None else bottom) - top), stops)

    def ground(self, ridge: Sequence[Point], fill: Fill, *, shadow: float = 0, blur: float = 0) -> None:
        """Fill from a ridge line down to the bottom, optionally with a paper-cut shadow above it."""
        points = [*ridge, (ridge[-1][0], self.h + 9), (ridge[0][0], self.h + 9)]
        if shadow:
            self.shadow(points, 0, -shadow * 20, blur=14, alpha=shadow)
        self.shape(points, fill, blur=blur)

    def glow(self, x: float, y: float, radius: float, colour: str, alpha: float = 0.6) -> None:
        """A round soft light."""
        box = tuple(round(v * self.scale) for v in (x - radius, y - radius, x + radius, y + radius))
        size = (box[2] - box[0], box[3] - box[1])
        mask = ImageOps.invert(Image.radial_gradient("L")).resize(size, Image.Resampling.BICUBIC)
        # Pillow's gradient only ends in the corners; 74 is its value at the middle of each side.
        mask = mask.point([round(255 * alpha * max(0, (v - 74) / 181) ** 1.6) for v in range(256)])
        self.image.paste(ImageColor.getrgb(colour), (box[0], box[1]), mask)

    @contextmanager
    def inside(self, points: Sequence[Point]) -> Iterator[None]:
        """Whatever is drawn meanwhile only shows inside the polygon."""
        before = self.image.copy()
        yield
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self._pixels(points, (0, 0, 0, 0)), fill=255)
        self.image = Image.composite(self.image, before, mask)

    def soften(self, radius: float) -> None:
        """Put all that is drawn so far out of focus."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * self.scale))

    def reflect(
        self,
        y: float,
        tint: str,
        alpha: float = 0.35,
        wobble: float = 6,
        squash: float = 1,
        blur: float = 1.6,
    ) -> None:
        """Mirror what is above y into the water below it."""
        width, height = self.image.size
        level = round(y * self.scale)
        depth = height - level
        source = min(round(depth * squash), level)
        mirror = self.image.crop((0, level - source, width, level)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        mirror = mirror.resize((width, depth)).filter(ImageFilter.GaussianBlur(blur * self.scale))
        mirror = Image.blend(mirror, Image.new("RGB", mirror.size, tint), alpha)
        for row in range(0, depth, 3):
            near = row / depth
            wave = math.sin(row / (6 + 40 * near) / self.scale * 2.4) + 0.6 * math.sin(row / self.scale / 5.3)
            shift = round(wave * wobble * (0.15 + near) * self.scale)
            strip = mirror.crop((0, row, width, row + 3))
            self.image.paste(strip, (0, level + row))
            self.image.paste(strip, (shift, level + row))

    def ripples(
        self,
        top: float,
        bottom: float,
        colour: str,
        seed: int,
        count: int = 60,
        alpha: float = 0.3,
        left: float = 0,
        right: float | None = None,
    ) -> None:
        """Thin lens-shaped glints on water, larger the nearer."""
        rng = Random(seed)
        for _ in range(count):
            near = rng.random() ** 1.5
            x = rng.uniform(left, self.w if right is None else right)
            length = (20 + 110 * near) * rng.uniform(0.5, 1.3)
            self.shape(
                ellipse(x, top + (bottom - top) * near, length, 0.8 + 2.6 * near),
                colour,
                alpha=alpha * rng.uniform(0.4, 1),
            )

    def stars(self, bottom: float, seed: int, count: int = 260) -> None:
        rng = Random(seed)
        for _ in range(count):
            x, y, size = rng.uniform(0, self.w), rng.uniform(0, bottom), rng.random() ** 4 * 2.4 + 0.7
            if size > 2.5:
                self.glow(x, y, size * 6, "#dfe9ff", 0.5)
            self.shape(ellipse(x, y, size), "#f4f6ff", alpha=rng.uniform(0.35, 1) * (1 - 0.6 * y / bottom))

    def finish(self, vignette: float = 0.22) -> Image.Image:
        """The picture at its final size, with a vignette and a breath of paper grain."""
        image = self.image.resize(self.size, Image.Resampling.LANCZOS, reducing_gap=2)
        shade = Image.radial_gradient("L").resize(self.size, Image.Resampling.BICUBIC)
        shade = shade.point([round(255 * vignette * max(0, v / 255 - 0.35) ** 1.6) for v in range(256)])
        image.paste((12, 8, 24), (0, 0), shade)
        tile = Image.frombytes("L", (256, 256), Random(7).randbytes(65536)).filter(ImageFilter.GaussianBlur(0.7))
        grain = Image.new("L", self.size)
        for x in range(0, self.size[0], 256):
            for y in range(0, self.size[1], 256):
                grain.paste(tile, (x, y))
        return Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.02)
