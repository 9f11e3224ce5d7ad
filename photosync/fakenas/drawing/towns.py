"""Towns, streets and fairs of the sample photos."""

import math
from random import Random

from photosync.fakenas.drawing.primitives import (
    Canvas,
    arc,
    ellipse,
    mix,
    place,
    rect,
    rolling,
    rounded,
    smooth,
)
from photosync.fakenas.drawing.things import (
    blade,
    bush,
    cloud,
    flower,
    house,
    person,
    pot,
    sailboat,
    sun,
    window,
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


def bicycle(c: Canvas) -> None:
    rng = Random(23)
    c.shape(rect(0, 0, c.w, 800), ("#f3c98f", "#e9b377", "#d99c68"))
    for _ in range(46):
        x, y = rng.uniform(0, c.w), rng.uniform(0, 760)
        c.shape(rounded(x, y, rng.uniform(50, 90), 26, 5), "#c98a5a", alpha=rng.uniform(0.12, 0.3))
    c.shape([(0, 0), (620, 0), (150, 800), (0, 800)], "#fff0c4", alpha=0.28, blur=14)
    c.sky("#b59a8c", "#8f7a78", "#6a5c68", top=800)
    for row in range(7):
        y = 812 + row * row * 4 + row * 6
        for k in range(-1, 24 - row):
            wide = 62 + row * 9
            x = k * wide + (row % 2) * wide / 2
            c.shape(
                rounded(x, y, wide - 6, 12 + row * 7, 6),
                mix("#d9bfa6", "#7a6a74", rng.uniform(0, 0.5)),
                alpha=0.6,
            )
    c.shape(rect(0, 770, c.w, 34), ("#a87a5c", "#7d5a50"))
    shuttered_window(c, rng)
    for wheel in (340, 730):
        c.shape(ellipse(wheel + 20, 886, 150, 14), "#2c2030", alpha=0.4, blur=9)
    bike(c, 340, 740, 730, 140)
    for x, y, size in ((1240, 880, 110), (1370, 910, 140), (90, 890, 130)):
        c.shape(ellipse(x + 20, y, size * 0.6, 13), "#2c2030", alpha=0.4, blur=8)
        for _ in range(26):
            blade(
                c,
                x + rng.uniform(-0.3, 0.3) * size,
                y - size * 0.85,
                size * rng.uniform(0.6, 1.3),
                rng.uniform(-70, 70),
                (rng.choice(["#8fbf62", "#5f9f58"]), "#2f6a48"),
            )
        pot(c, x, y, size)


def shuttered_window(c: Canvas, rng: Random) -> None:
    """A window with blue shutters and a flower box."""
    c.shadow(rect(880, 160, 300, 360), 12, 16, 14, 0.3)
    c.shape(rect(872, 150, 296, 372), "#f7e7cd")
    window(c, 890, 168, 260, 336, ("#7fa6b8", "#4a6d86"), "#fff6e6")
    c.shape([(900, 180), (1010, 180), (930, 330), (900, 330)], "#ffffff", alpha=0.2)
    for x in (716, 1178):
        shutter = rect(x, 150, 146, 372)
        c.shadow(shutter, 12, 12, 9, 0.35)
        c.shape(shutter, ("#3f88a8", "#2f6a8c"))
        for y in range(168, 505, 17):
            c.shape(rect(x + 16, y, 114, 10), ("#2a5c7c", "#5fa4c0"))
    c.shape(rect(860, 516, 320, 16), "#e3cda8")
    for x in range(884, 1170, 26):
        bush(c, x, 506, 24, "#8fbf62", "#3f7a4c", x, 9)
        for _ in range(3):
            flower(
                c,
                x + rng.uniform(-18, 18),
                498 + rng.uniform(-22, 26),
                12,
                rng.choice(["#e8484a", "#f59ab4", "#ffffff"]),
                "#ffd45a",
                5,
            )
    c.shape(rounded(876, 524, 286, 44, 6), ("#c9714e", "#9c4f3c"))


def bike(c: Canvas, rear: float, y: float, front: float, radius: float) -> None:
    crank, seat, head = (rear + 165, y + 10), (rear + 120, y - 190), (front - 62, y - 190)
    for x in (rear, front):
        for i in range(18):
            turn = math.tau * i / 18
            c.line([(x, y), (x + radius * math.cos(turn), y + radius * math.sin(turn))], 1.4, "#5f5560")
        c.line(arc(x, y, radius, radius, 0, 360), 11, "#2f2a38")
        c.line(arc(x, y, radius - 9, radius - 9, 0, 360), 4, "#e6dccb")
        c.line(arc(x, y, radius + 16, radius + 16, 190, 320 if x == rear else 300), 8, "#2f7f7a")
        c.shape(ellipse(x, y, 12), "#4a4250")
    for a, b in (
        ((rear, y), crank),
        ((rear, y), seat),
        (crank, seat),
        (crank, head),
        (seat, (head[0] - 6, head[1] + 20)),
        ((head[0] - 8, head[1] - 50), (front, y)),
    ):
        c.line([a, b], 12, "#2f8f88")
        c.line([(a[0] - 2, a[1] - 3), (b[0] - 2, b[1] - 3)], 3, "#7fd0c4", alpha=0.8)
    c.line([seat, (seat[0] - 12, seat[1] - 44)], 9, "#6a6470")
    c.shape(
        smooth(
            [
                (seat[0] - 62, seat[1] - 62),
                (seat[0], seat[1] - 56),
                (seat[0] + 40, seat[1] - 52),
                (seat[0] + 10, seat[1] - 42),
                (seat[0] - 50, seat[1] - 36),
            ],
            closed=True,
        ),
        ("#a5623c", "#6a3a2a"),
    )
    c.line(
        smooth(
            [
                (head[0] - 10, head[1] - 52),
                (head[0] + 12, head[1] - 92),
                (head[0] - 40, head[1] - 108),
                (head[0] - 84, head[1] - 92),
            ]
        ),
        9,
        "#5f5864",
    )
    c.line([(head[0] - 58, head[1] - 104), (head[0] - 88, head[1] - 90)], 15, "#8a4f34")
    pedals(c, *crank)
    flower_basket(c, head[0] + 6, head[1] - 66)


def pedals(c: Canvas, x: float, y: float) -> None:
    c.shape(ellipse(x, y, 34), "#4a4250")
    c.shape(ellipse(x, y, 24), "#b8aeb0")
    c.line([(x - 30, y - 44), (x + 30, y + 44)], 8, "#3a3444")
    for side in (-1, 1):
        c.line(
            [(x + side * 50, y + side * 44), (x + side * 14, y + side * 44)],
            9,
            "#2a2432",
        )


def flower_basket(c: Canvas, left: float, top: float) -> None:
    """A basket full of flowers."""
    for i in range(9):
        flower(
            c,
            left + 8 + i * 15,
            top - 14 - 14 * (i % 3),
            23,
            ("#f0667a", "#ffffff", "#f7b84a")[i % 3],
            "#f7d45a",
            6,
            i * 9,
        )
    c.shape(
        [(left - 10, top), (left + 140, top), (left + 120, top + 92), (left + 10, top + 92)],
        ("#d9a566", "#9c6a3c"),
    )
    for i in range(4):
        c.line(
            [(left - 6 + i * 4, top + 12 + i * 22), (left + 136 - i * 4, top + 12 + i * 22)],
            4,
            "#7a4f2e",
            alpha=0.6,
        )
    c.line([(left - 12, top), (left + 142, top)], 10, "#b8834c")


def ferris_wheel(c: Canvas) -> None:
    rng = Random(17)
    c.sky("#26336f", "#5f5aa0", "#d07a9c", "#ffb38a", bottom=860)
    c.stars(330, 12, 120)
    cloud(c, 260, 560, 420, ("#f0a0a8", "#a06a9c"), 0.6, 2)
    cloud(c, 1330, 380, 340, ("#d98aa8", "#8060a0"), 0.6, 6)
    c.ground(rolling(c.w, 760, 30, 2, 3), ("#7a5a92", "#a56f94"))
    x, y, radius = 860, 440, 340
    for foot in (-210, 210):
        c.line([(x, y), (x + foot, 880)], 15, ("#f2d6c8", "#8a5f86"))
    spots = [(x + radius * math.cos(math.tau * i / 16), y + radius * math.sin(math.tau * i / 16)) for i in range(16)]
    for spot in spots:
        c.line([(x, y), spot], 3, "#ffe3c8", alpha=0.75)
    for ring, wide in ((radius, 8), (radius * 0.93, 4), (radius * 0.35, 4)):
        c.line(arc(x, y, ring, ring, 0, 361), wide, "#ffe3c8")
    for i in range(64):
        turn = math.tau * i / 64
        bx, by = x + radius * 0.965 * math.cos(turn), y + radius * 0.965 * math.sin(turn)
        c.glow(bx, by, 16, "#ffe08a", 0.9)
        c.shape(ellipse(bx, by, 3.5), "#fff8dc")
    for i, (gx, gy) in enumerate(spots):
        tone = ("#e8544f", "#f7b84a", "#4fa8a8", "#f090a8")[i % 4]
        c.line([(gx, gy), (gx, gy + 16)], 4, "#4a3866")
        c.shape(arc(gx, gy + 36, 29, 24, 180, 360), (mix(tone, "#ffffff", 0.3), tone))
        c.shape(rect(gx - 24, gy + 36, 48, 14), "#fff0c4")
        c.shape(rounded(gx - 29, gy + 48, 58, 24, 9), (tone, mix(tone, "#2a1440", 0.35)))
    c.glow(x, y, 90, "#fff0c0", 0.8)
    c.shape(ellipse(x, y, 34), ("#fff3df", "#f0b8a0"))
    fair(c, rng)


def fair(c: Canvas, rng: Random) -> None:
    """Booths, visitors and a string of lights."""
    c.ground(rolling(c.w, 876, 6, 8, 2), ("#4a3a70", "#2a2450"), shadow=0.2)
    for tx, tone in ((130, "#e8544f"), (360, "#4fa8a8"), (1330, "#f7b84a")):
        c.glow(tx, 850, 190, "#ffcf8a", 0.6)
        c.shape(rect(tx - 86, 800, 172, 96), ("#fff0c4", "#ffbe6a"))
        for k in range(6):
            left, right = tx - 110 + k * 36.7, tx - 73.3 + k * 36.7
            c.shape(
                [(tx - 8 + k * 2.6, 700), (tx - 5 + k * 2.6, 700), (right, 800), (left, 800)],
                tone if k % 2 else "#fff6e6",
            )
            c.shape(arc((left + right) / 2, 799, 18.4, 15, 0, 180), tone if k % 2 else "#fff6e6")
    for px, tall in (
        (480, 104),
        (520, 66),
        (560, 110),
        (700, 100),
        (1010, 106),
        (1060, 96),
        (1130, 62),
        (1220, 104),
    ):
        person(c, px, 925, tall, rng.choice(["#b8473f", "#34607f", "#c98a4a", "#6d5a8a"]), "#2f2030")
    string = [(i * 50, 610 + 70 * math.sin(math.pi * ((i % 10) / 10)) - 90) for i in range(31)]
    c.line(string, 2.5, "#2a2046")
    for i, (bx, by) in enumerate(string):
        c.glow(bx, by + 8, 34, "#ffdf94", 0.9)
        c.shape(ellipse(bx, by + 8, 7), ("#fff3c8", "#ffd0c0")[i % 2])


def balloons(c: Canvas) -> None:
    c.sky("#6c9fd6", "#b9c8e4", "#fbd5c0", "#ffe6b4", bottom=820)
    sun(c, 250, 690, 48, "#fffbe2", "#ffe7ac")
    for y, far, seed in ((690, "#c9b4c8", 4), (740, "#a79bb8", 8), (790, "#7f8fa0", 15)):
        c.ground(rolling(c.w, y, 60, seed, 3), (far, mix(far, "#ffe3c0", 0.55)))
    for x, y, size, tones in (
        (1120, 520, 44, ("#e8665a", "#fff1dc")),
        (150, 420, 52, ("#5f8fb8", "#f7d488")),
        (545, 610, 36, ("#f0a54a", "#b8503f")),
        (930, 400, 62, ("#8a6fb0", "#f6c6b0")),
        (390, 470, 84, ("#3f9a94", "#fbe3a8")),
        (1180, 250, 105, ("#e8544f", "#f8b84e")),
        (720, 250, 165, ("#d8433f", "#fff3df")),
    ):
        balloon(c, x, y, size, tones)
    c.ground(rolling(c.w, 860, 26, 30, 2), ("#a3b06a", "#6f8f58"), shadow=0.2)
    for x in range(10, 1340, 62):
        bush(c, x + 20 * math.sin(x), 872 + 10 * math.sin(x * 2), 30, "#9fb362", "#4f7050", x, 10)
    c.ground(rolling(c.w, 930, 16, 44, 2), ("#7f9a56", "#3f6448"), shadow=0.2)
    for i, x in enumerate((980, 1030, 1066, 1110)):
        person(c, x, 955, (92, 86, 56, 88)[i], ("#b8473f", "#34607f", "#f0b54a", "#6d5a8a")[i], "#4a3028")


def balloon(c: Canvas, x: float, y: float, size: float, tones: tuple[str, str]) -> None:
    def side(share: float) -> list[tuple[float, float]]:
        return smooth(
            [
                (x, y - size * 1.1),
                (x + share * size * 0.72, y - size * 0.86),
                (x + share * size, y - size * 0.1),
                (x + share * size * 0.66, y + size * 0.72),
                (x + share * size * 0.2, y + size * 1.24),
            ]
        )

    edges = (-1, -0.72, -0.36, 0, 0.36, 0.72, 1)
    for i in range(6):
        tone = mix(tones[i % 2], "#3a1c50", 0.06 * i)
        c.shape(
            [*side(edges[i]), *reversed(side(edges[i + 1]))],
            (mix(tone, "#ffffff", 0.22), tone, mix(tone, "#3a1c50", 0.28)),
        )
    for dx in (-0.18, 0.18):
        c.line([(x + dx * size, y + size * 1.24), (x + dx * size * 0.7, y + size * 1.52)], size * 0.02, "#4a3038")
    c.shape(rounded(x - size * 0.15, y + size * 1.5, size * 0.3, size * 0.24, size * 0.05), ("#a8704a", "#5f3a30"))
