"""Outings in the sample photos: a ride, the fair, balloons."""

import math
from random import Random

from photosync.fakenas.drawing.primitives import (
    Canvas,
    arc,
    ellipse,
    mix,
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
    person,
    pot,
    sun,
    window,
)


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
