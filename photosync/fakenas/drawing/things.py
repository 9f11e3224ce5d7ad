"""Things that several of the sample photos show: mountains, trees, clouds, birds, people…"""

import math
from random import Random

from photosync.fakenas.drawing.primitives import (
    Canvas,
    Fill,
    Point,
    Points,
    ellipse,
    jagged,
    mix,
    place,
    rect,
    rounded,
    smooth,
)


def sun(c: Canvas, x: float, y: float, radius: float, colour: str = "#fff3d0", halo: str = "#ffe2a0") -> None:
    c.glow(x, y, radius * 9, halo, 0.55)
    c.glow(x, y, radius * 3.2, halo, 0.7)
    c.shape(ellipse(x, y, radius), colour)


def mountain(c: Canvas, peak: Point, half: float, base: float, light: Fill, dark: Fill, seed: int) -> None:
    """A peak with a lit left face and a shaded right one."""
    rng = Random(seed)
    left = [*jagged((peak[0] - half, base), peak, 0.09, rng), peak]
    right = [*jagged(peak, (peak[0] + half * 1.1, base), 0.09, rng), (peak[0] + half * 1.1, base)]
    spine = [*jagged(peak, (peak[0] + half * 0.1, base), 0.16, rng), (peak[0] + half * 0.1, base)]
    c.shape([*left, *right], light)
    c.shape([*spine, *reversed(right)], dark)


def pine(c: Canvas, x: float, y: float, height: float, fill: Fill, wide: float = 0.42) -> None:
    tiers, left, right = 6, [], []
    for i in range(tiers):
        top, low = i / tiers, (i + 1.25) / tiers
        reach = height * wide * 0.5 * (0.25 + 0.75 * low)
        inner = height * wide * 0.5 * top * 0.6
        left += [(x - inner, y - height * (1 - top)), (x - reach, y - height * max(1 - low, 0.06))]
        right += [(x + inner, y - height * (1 - top)), (x + reach, y - height * max(1 - low, 0.06))]
    c.shape(rect(x - height * 0.025, y - height * 0.1, height * 0.05, height * 0.11), "#3a2a26")
    c.shape([*left, *reversed(right)], fill)


def bush(c: Canvas, x: float, y: float, size: float, light: str, dark: str, seed: int, blobs: int = 26) -> None:
    """A round crown of foliage, lit from the upper left."""
    rng = Random(seed)
    spots = []
    for _ in range(blobs):
        turn, reach = rng.uniform(0, math.tau), math.sqrt(rng.random())
        spots.append((reach * math.cos(turn), reach * math.sin(turn) * 0.8))
    for px, py in sorted(spots, key=lambda s: s[0] * -0.6 - s[1]):
        share = min(max((px * 0.55 + py + 1.2) / 2.4, 0), 1)
        r = size * rng.uniform(0.26, 0.4)
        c.shape(
            ellipse(x + px * size * 0.75, y + py * size * 0.75, r),
            (mix(light, dark, share * 0.8), mix(light, dark, min(share * 0.8 + 0.35, 1))),
        )


def tree(c: Canvas, x: float, y: float, height: float, light: str, dark: str, seed: int) -> None:
    trunk = height * 0.035
    c.shape(
        [
            (x - trunk, y),
            (x - trunk * 0.6, y - height * 0.6),
            (x + trunk * 0.6, y - height * 0.6),
            (x + trunk, y),
        ],
        ("#5a4234", "#3e2c26"),
    )
    bush(c, x, y - height * 0.66, height * 0.34, light, dark, seed)


def cloud(c: Canvas, x: float, y: float, width: float, fill: Fill, alpha: float = 0.95, seed: int = 0) -> None:
    """A flat-bottomed heap of puffs; fill runs from its top to its bottom."""
    rng = Random(seed)
    puffs = []
    for i in range(7):
        share = (i + 0.5) / 7
        puffs.append(
            (
                x + width * (share - 0.5),
                width * (0.05 + 0.11 * math.sin(math.pi * share) * rng.uniform(0.6, 1.2)),
            )
        )
    outline: Points = []
    for step in range(121):
        px = x + width * (step / 120 - 0.5)
        tops = [math.sqrt(max(r * r - (px - cx) ** 2, 0)) + r * 0.35 for cx, r in puffs if abs(px - cx) < r]
        outline.append((px, y - max(tops, default=0)))
    base = [(x + width * 0.4, y + width * 0.035), (x - width * 0.4, y + width * 0.035)]
    c.shape([*outline, *base], fill, alpha=alpha, fade=(1, 1, 0.85, 0.25))


def bird(c: Canvas, x: float, y: float, size: float, colour: str, turn: float = 0) -> None:
    wing = [
        (-1, -0.25),
        (-0.55, -0.42),
        (0, 0.06),
        (0.55, -0.42),
        (1, -0.25),
        (0.5, -0.22),
        (0, 0.2),
        (-0.5, -0.22),
    ]
    c.shape(smooth(place(wing, x, y, size, turn), closed=True), colour)


def person(c: Canvas, x: float, y: float, height: float, coat: str, hair: str, legs: str = "#2c2f45") -> None:
    """A small standing figure seen from behind."""
    u = height / 8
    for side in (-0.45, 0.45):
        c.line([(x + side * u, y - 3 * u), (x + side * u * 1.1, y - 0.2 * u)], u * 0.75, legs)
        c.shape(ellipse(x + side * u * 1.2, y, u * 0.5, u * 0.28), "#1c1a28")
    body = [
        (x - 0.7 * u, y - 6.5 * u),
        (x + 0.7 * u, y - 6.5 * u),
        (x + 1.15 * u, y - 5.6 * u),
        (x + 1.35 * u, y - 2.6 * u),
        (x - 1.35 * u, y - 2.6 * u),
        (x - 1.15 * u, y - 5.6 * u),
    ]
    c.shape(body, (mix(coat, "#ffffff", 0.12), mix(coat, "#000020", 0.25)))
    c.shape(ellipse(x, y - 7.2 * u, u * 0.72, u * 0.82), hair)


def sailboat(c: Canvas, x: float, y: float, size: float, hull: str, sails: tuple[str, str]) -> None:
    c.line([(x, y - size * 0.1), (x, y - size * 1.5)], size * 0.025, "#4a3a38")
    main = smooth([(-0.04, -1.45), (-0.22, -0.8), (-0.62, -0.24)])
    jib = smooth([(0.04, -1.3), (0.3, -0.7), (0.56, -0.2)])
    for sail, corner, tone in ((main, (-0.04, -0.24), sails[0]), (jib, (0.04, -0.2), sails[1])):
        c.shape(place([*sail, corner], x, y, size), (tone, mix(tone, "#6a6a90", 0.27)))
    keel = [
        (x - size * 0.7, y - size * 0.14),
        (x + size * 0.74, y - size * 0.16),
        (x + size * 0.5, y + size * 0.04),
        (x - size * 0.52, y + size * 0.04),
    ]
    c.shape(keel, (mix(hull, "#ffffff", 0.2), mix(hull, "#000020", 0.3)))
    c.line([keel[0], keel[1]], size * 0.03, "#fff4e2")


def house(c: Canvas, x: float, y: float, width: float, height: float, wall: str, roof: str) -> None:
    """A gabled house standing on y."""
    c.shape(rect(x, y - height, width, height), (wall, mix(wall, "#302040", 0.22)))
    c.shape(
        [
            (x - width * 0.08, y - height),
            (x + width / 2, y - height - width * 0.45),
            (x + width * 1.08, y - height),
        ],
        (roof, mix(roof, "#201020", 0.25)),
    )


def window(c: Canvas, x: float, y: float, width: float, height: float, glass: Fill, frame: str) -> None:
    c.shape(rect(x, y, width, height), frame)
    bar = width * 0.07
    for i in (0, 1):
        for j in (0, 1):
            c.shape(
                rect(
                    x + bar + i * (width - bar) / 2,
                    y + bar + j * (height - bar) / 2,
                    (width - 3 * bar) / 2,
                    (height - 3 * bar) / 2,
                ),
                glass,
            )


def pot(c: Canvas, x: float, y: float, size: float, colour: str = "#c46a48") -> None:
    sides = [
        (x - size * 0.45, y - size * 0.8),
        (x + size * 0.45, y - size * 0.8),
        (x + size * 0.33, y),
        (x - size * 0.33, y),
    ]
    c.shape(sides, (mix(colour, "#ffffff", 0.15), colour, mix(colour, "#200818", 0.4)), across=True)
    c.shape(
        rounded(x - size * 0.52, y - size * 0.95, size * 1.04, size * 0.22, size * 0.05),
        (mix(colour, "#ffffff", 0.25), mix(colour, "#200818", 0.25)),
        across=True,
    )


def flower(
    c: Canvas, x: float, y: float, size: float, colour: str, heart: str, petals: int = 6, turn: float = 0
) -> None:
    for i in range(petals):
        angle = turn + 360 * i / petals
        petal = smooth([(0, 0), (0.5, -0.42), (0.95, -0.3), (1.05, 0), (0.95, 0.3), (0.5, 0.42)], closed=True, steps=5)
        c.shape(place(petal, x, y, size, angle), mix(colour, "#ffffff" if i % 2 else "#5a2050", 0.1))
    c.shape(ellipse(x, y, size * 0.3), heart)


def blade(c: Canvas, x: float, y: float, height: float, lean: float, fill: Fill) -> None:
    """A blade of grass."""
    c.shape(
        [
            *smooth([(x - height * 0.035, y), (x + lean * 0.3, y - height * 0.6), (x + lean, y - height)], steps=5),
            *smooth(
                [
                    (x + lean, y - height),
                    (x + lean * 0.35 + height * 0.04, y - height * 0.55),
                    (x + height * 0.035, y),
                ],
                steps=5,
            ),
        ],
        fill,
    )
