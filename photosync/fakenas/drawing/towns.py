"""Towns and streets of the sample photos."""

from random import Random

from photosync.fakenas.drawing.primitives import (
    Canvas,
    arc,
    ellipse,
    mix,
    place,
    rect,
    rolling,
    smooth,
)
from photosync.fakenas.drawing.things import (
    blade,
    bush,
    cloud,
    house,
    person,
    sailboat,
    sun,
)


def city_dusk(c: Canvas) -> None:
    rng = Random(20)
    c.sky("#232a63", "#5a478c", "#c2648a", "#ff9f7a", "#ffd59a", bottom=700)
    c.stars(260, 3, 130)
    sun(c, 1880, 640, 60, "#fff0c4", "#ffc27e")
    for cx, cy, width in ((520, 330, 520), (1480, 260, 420), (2480, 380, 560)):
        cloud(c, cx, cy, width, ("#e58a98", "#8f5a92"), 0.65, cx)
    for layer, (tone, low, high) in enumerate((("#b8709a", 90, 300), ("#774f8c", 110, 390), ("#3f3468", 90, 460))):
        x = -20.0
        while x < c.w:
            wide = rng.uniform(60, 130)
            middle = 1 - abs(x - 1100) / 1900
            tall = rng.uniform(low, high) * (0.45 + 0.75 * middle)
            top = 700 - tall
            c.shape(
                rect(x, top, wide, tall),
                (mix(tone, "#ff9f7a", 0.12), mix(tone, "#ffb48a", 0.3 - layer * 0.12)),
            )
            c.shape(rect(x + wide * 0.7, top, wide * 0.3, tall), "#1d1740", alpha=0.16)
            if rng.random() < 0.3:
                c.line([(x + wide / 2, top), (x + wide / 2, top - rng.uniform(30, 70))], 3.5, tone)
            if rng.random() < 0.3:
                c.shape(rect(x + wide * 0.2, top - 22, wide * 0.6, 24), tone)
            for wy in range(int(top + 16), 680, 25):
                for k in range(int((wide - 12) // 18)):
                    if layer and rng.random() < 0.16 + 0.2 * layer:
                        lit = rng.choice(["#ffd98a", "#ffbe6a", "#fff0c0", "#f59f6a"])
                        c.shape(rect(x + 10 + k * 18, wy, 9, 13), lit, alpha=0.45 + 0.25 * layer)
            x += wide + (rng.uniform(0, 40) if layer == 2 and rng.random() < 0.5 else 0)
    c.shape(rect(2380, 250, 22, 450), ("#4a3b74", "#33295a"))
    c.shape(ellipse(2391, 268, 52, 24), ("#5c4a86", "#33295a"))
    c.shape(rect(2344, 264, 94, 6), "#ffd98a")
    c.line([(2391, 248), (2391, 130)], 5, "#4a3b74")
    c.glow(2391, 130, 30, "#ff7a6a", 0.9)
    c.shape(rect(-10, 690, c.w + 20, 16), "#2c2452")
    for x in range(20, 3000, 66):
        c.glow(x, 690, 26, "#ffd48a", 0.9)
    c.reflect(706, "#33306e", 0.35, 9, 1.8, 3.5)
    c.ripples(716, 995, "#ffc79a", 5, 260, 0.3)
    for x, y, size in ((760, 900, 150), (2150, 850, 110)):
        sailboat(c, x, y, size, "#2a2048", ("#ffd9b8", "#e8a08c"))


def rainy_street(c: Canvas) -> None:
    rng = Random(15)
    c.sky("#2f3f66", "#5f6d92", "#b59a9c", "#f4c48a", bottom=900)
    c.glow(500, 800, 460, "#ffdf9e", 0.85)
    for layer in range(4):
        near = layer / 3
        for side in (-1, 1):
            edge = 500 + side * (80 + 350 * near**1.15)
            outer = -20 if side < 0 else 1020
            top = 470 - 420 * near
            tone = mix("#c99a86", ("#37324f" if side < 0 else "#45364f"), 0.25 + 0.75 * near)
            c.shape(
                [(outer, top - 120 * near), (edge, top), (edge, 935 + 120 * near), (outer, 935 + 190 * near)],
                (mix(tone, "#8fa0c8", 0.2), tone, mix(tone, "#e8a56a", 0.3)),
            )
            step = 34 + 26 * near
            for row in range(9):
                for col in range(3):
                    wx = edge + side * (18 + col * (46 + 34 * near))
                    wy = top + 40 + row * step * 1.7
                    if wy < 830 and rng.random() < 0.62:
                        glass = rng.choice([("#ffe7a6", "#ffb85e"), ("#ffd68a", "#e8924e"), ("#7f8fb4", "#59628c")])
                        c.shape(
                            rect(wx - (22 + 14 * near) * (side < 0), wy, 22 + 14 * near, step),
                            glass,
                            alpha=0.9,
                        )
            left, right = min(edge, edge + side * 150), max(edge, edge + side * 150)
            y = 800 + 20 * near
            c.shape(rect(left, y, right - left, 110 + 60 * near), ("#ffe9b0", "#ffb25a"), alpha=0.35 + 0.5 * near)
            stripes = 8
            for k in range(stripes):
                c.shape(
                    rect(left + k * (right - left) / stripes, y - 26, (right - left) / stripes, 34),
                    ("#c9483f", "#fff1dc")[k % 2] if side < 0 else ("#2f7f84", "#fff1dc")[k % 2],
                )
    street_lamps(c)
    c.reflect(1000, "#3d3f68", 0.42, 12, 1.5)
    c.shape(rect(0, 960, c.w, 70), "#5b5878", alpha=0.4, blur=16)
    c.ripples(1010, 1495, "#ffd99a", 8, 150, 0.35)
    passers_by(c, rng)


def street_lamps(c: Canvas) -> None:
    """Four lamps along the street."""
    for x, y, size in ((330, 985, 0.75), (668, 985, 0.75), (170, 1060, 1.15), (835, 1060, 1.15)):
        c.line([(x, y), (x, y - 420 * size)], 9 * size, "#231f38")
        c.shape(place([(-17, -40), (17, -40), (11, 0), (-11, 0)], x, y - 420 * size, size), ("#fff9da", "#ffd675"))
        c.shape(place([(-22, -40), (0, -60), (22, -40)], x, y - 420 * size, size), "#231f38")
        c.glow(x, y - 440 * size, 150 * size, "#ffdf94", 0.85)


def passers_by(c: Canvas, rng: Random) -> None:
    """Three people under umbrellas, and the rain."""
    for x, y, tall, coat, shade in (
        (690, 1130, 250, "#7a4a5a", "#f0b54a"),
        (300, 1190, 300, "#34506e", "#3d8f94"),
        (505, 1330, 420, "#c9a27a", "#d8433f"),
    ):
        c.shape(
            [
                (x - tall * 0.16, y),
                (x + tall * 0.16, y),
                (x + tall * 0.3, y + tall * 0.7),
                (x - tall * 0.3, y + tall * 0.7),
            ],
            mix(coat, "#1c1a38", 0.55),
            alpha=0.6,
            blur=9,
            fade=(1, 0),
        )
        person(c, x, y, tall, coat, "#3a2a30")
        umbrella(c, x + tall * 0.06, y - tall * 0.84, tall * 0.52, shade)
    for _ in range(190):
        drop, top, length = rng.uniform(0, 1040), rng.uniform(-40, 1500), rng.uniform(24, 70)
        c.line([(drop, top), (drop - length * 0.16, top + length)], 1.7, "#e8efff", alpha=rng.uniform(0.12, 0.38))


def umbrella(c: Canvas, x: float, y: float, half: float, tone: str) -> None:
    c.line([(x, y - half * 0.7), (x, y)], half * 0.035, "#2a2236")
    for i in range(4):
        left, right = x - half + i * half / 2, x - half / 2 + i * half / 2
        edge = arc((left + right) / 2, y, half / 4, half * 0.09, 0, -180)
        lean = (tone, mix(tone, "#ffffff", 0.16), mix(tone, "#200c30", 0.12), mix(tone, "#200c30", 0.34))[i]
        panel = [
            *edge,
            *smooth([(left, y), (x + (left - x) * 0.8, y - half * 0.42), (x, y - half * 0.76)]),
            *smooth([(x, y - half * 0.76), (x + (right - x) * 0.8, y - half * 0.42), (right, y)]),
        ]
        c.shape(panel, (mix(lean, "#ffffff", 0.15), lean))
    c.line([(x, y - half * 0.74), (x, y - half * 0.86)], half * 0.05, "#2a2236")


def river_bridge(c: Canvas) -> None:
    rng = Random(19)
    c.sky("#f2b899", "#fbd6b0", "#fff0d2", bottom=600)
    sun(c, 1060, 300, 46, "#fffdf0", "#fff0c4")
    for y, far in ((400, "#d9b5ac"), (450, "#b79f9f"), (500, "#8f958c")):
        c.ground(rolling(c.w, y, 60, y, 3), (far, mix(far, "#ffeccc", 0.5)))
    for x, wide, high, wall in (
        (110, 90, 150, "#f0d3ae"),
        (200, 80, 110, "#e3b894"),
        (285, 96, 135, "#f6e2c6"),
        (1180, 90, 130, "#efcfa6"),
        (1275, 100, 165, "#e6bd98"),
        (1380, 90, 120, "#f4dcbc"),
    ):
        house(c, x, 600, wide, high, wall, "#a85a48")
        for k in (0.2, 0.6):
            c.shape(rect(x + wide * k, 600 - high * 0.8, 16, 24), "#6f5a66")
    c.shape(rect(395, 380, 54, 220), ("#f2dabb", "#b8937f"), across=True)
    c.shape([(386, 384), (422, 290), (458, 384)], ("#7f8f8c", "#4f6468"))
    for i in range(15):
        bush(
            c,
            i * 108 + rng.uniform(-20, 20),
            600 + rng.uniform(-8, 12),
            52,
            rng.choice(["#c9b45c", "#a3b066", "#d99a4a"]),
            "#4f6a4c",
            i,
            14,
        )
    c.shape(rect(-10, 622, c.w + 20, 40), ("#8a7a62", "#5f5a54"))
    stone_bridge(c)
    c.reflect(662, "#8fa29a", 0.3, 8, 1.2)
    c.ripples(680, 990, "#fff3d6", 7, 110, 0.4)
    swans(c, rng)


def stone_bridge(c: Canvas) -> None:
    """A bridge of three arches, with walkers on it."""
    top = smooth([(-20, 560), (300, 520), (750, 470), (1200, 520), (1520, 560)])
    arches: list[tuple[float, float]] = []
    for x, half in ((1270, 120), (750, 190), (230, 120)):
        arches += arc(x, 662, half, half * 0.84, 0, -180)
    bridge = [*top, (1520, 662), *arches, (-20, 662)]
    c.shadow(bridge, 0, -8, 10, 0.3)
    c.shape(bridge, ("#d8b08c", "#b98a72", "#8f6a64"))
    for x, half in ((1270, 120), (750, 190), (230, 120)):
        c.shape(
            [*arc(x, 662, half, half * 0.84, 180, 360), *arc(x + 14, 662, half - 14, half * 0.84, 360, 180)],
            "#5f4a50",
            alpha=0.55,
        )
        for turn in range(-170, 0, 14):
            near, far = (
                arc(x, 662, half, half * 0.84, turn, turn)[0],
                arc(x, 662, half + 24, half * 0.84 + 24, turn, turn)[0],
            )
            c.line([near, far], 2.2, "#7a564e", alpha=0.7)
        c.line(arc(x, 662, half + 24, half * 0.84 + 24, -176, -4), 2.2, "#7a564e", alpha=0.7)
    c.line([(x, y - 4) for x, y in top], 15, "#ecc9a2")
    for x, coat in ((660, "#b8473f"), (690, "#3f6a7a"), (905, "#6d5a4a")):
        person(c, x, 500 + abs(x - 750) * 0.04, 74, coat, "#4a3028")
    c.line([(x, y + 6) for x, y in top], 14, "#c99a78")


def swans(c: Canvas, rng: Random) -> None:
    """Swans on the river, reeds on its banks."""
    for x, y in ((480, 830), (560, 860), (420, 880)):
        c.shape(
            smooth(
                [
                    (x - 34, y - 8),
                    (x - 8, y - 6),
                    (x + 14, y - 12),
                    (x + 26, y - 3),
                    (x + 14, y + 8),
                    (x - 18, y + 8),
                ],
                closed=True,
            ),
            ("#ffffff", "#e3d5cc"),
        )
        c.line(smooth([(x + 18, y - 4), (x + 15, y - 22), (x + 21, y - 36), (x + 28, y - 34)]), 6, "#ffffff")
        c.line([(x + 29, y - 34), (x + 37, y - 31)], 4, "#e8854a")
    for _ in range(120):
        reed = rng.choice([rng.uniform(-10, 260), rng.uniform(1240, 1510)])
        blade(c, reed, 1015, rng.uniform(60, 190), rng.uniform(-40, 40), ("#8f9a58", "#3f5544"))
