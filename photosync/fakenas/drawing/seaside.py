"""The sea, its harbours and beaches in the sample photos."""

import math
from random import Random

from photosync.fakenas.drawing.primitives import (
    Canvas,
    arc,
    ellipse,
    jagged,
    mix,
    place,
    rect,
    rolling,
    rounded,
    smooth,
)
from photosync.fakenas.drawing.things import bird, bush, cloud, house, sailboat, sun, window


def lighthouse(c: Canvas) -> None:
    rng = Random(4)
    c.sky("#3c4f8a", "#7f78ad", "#e59a93", "#ffd3a0", bottom=860)
    cloud(c, 250, 330, 420, ("#f5b8a8", "#b98aa6"), 0.8, 3)
    cloud(c, 860, 500, 360, ("#ffd0b0", "#d396a0"), 0.8, 5)
    sun(c, 235, 770, 52, "#fff2cf", "#ffc98a")
    c.sky("#e8a08c", "#8a7aa8", "#3f5a8c", "#24406c", top=850)
    c.ripples(855, 1250, "#ffe2b4", 2, 60, 0.6, 150, 320)
    c.ripples(860, 1320, "#ffd0b8", 3, 90, 0.3)
    sailboat(c, 120, 868, 66, "#5a3a52", ("#fff0dc", "#ffd9b4"))
    for side in (-1, 1):
        c.shape(
            [(690, 322), (690 + side * 760, 200), (690 + side * 760, 400), (690, 338)],
            "#fff0b8",
            alpha=0.2,
            blur=10,
        )
    turf = jagged((470, 1010), (600, 900), 0.06, rng, 4)
    face = jagged((330, 1345), (470, 1010), 0.12, rng, 5)
    cliff = [*face, *turf, (600, 900), (800, 878), (1010, 846), (1010, 1340)]
    c.shape(cliff, ("#a87f7c", "#6d5470", "#3c3558"))
    c.shape(
        [
            *jagged((560, 1340), (600, 1080), 0.14, rng, 4),
            *jagged((600, 1080), (690, 930), 0.1, rng, 4),
            (1010, 900),
            (1010, 1340),
        ],
        ("#7d607a", "#4e4364", "#2c2a4c"),
    )
    fringe = smooth([(1010, 960), (880, 930), (800, 975), (700, 935), (640, 1000), (560, 985), (474, 1030)])
    c.shape([*turf, (600, 900), (800, 878), (1010, 846), *fringe], ("#a9b878", "#6f9163", "#4f7458"))
    for x, y in face[::2]:
        for _ in range(3):
            size = 8 + (y - 1000) / 14 * rng.uniform(0.5, 1.2)
            c.shape(
                ellipse(x - rng.uniform(-20, 40), y + rng.uniform(-20, 24), size, size * 0.24),
                "#fff3e6",
                alpha=rng.uniform(0.15, 0.5),
                blur=2,
            )
    house(c, 800, 902, 150, 74, "#fbeadd", "#b3524a")
    window(c, 828, 848, 30, 32, "#ffdf94", "#7a4a52")
    window(c, 890, 848, 30, 32, "#ffdf94", "#7a4a52")
    tower(c)


def tower(c: Canvas) -> None:
    """The striped tower, its lamp lit."""
    shaft = [(628, 915), (654, 378), (726, 378), (752, 915)]
    c.shape(shaft, ("#ffffff", "#f6e8e4", "#c5a3ac"), across=True)
    for top in (450, 600, 750):
        half = [36 + 26 * (y - 378) / 537 for y in (top, top + 75)]
        c.shape(
            [
                (690 - half[0], top),
                (690 + half[0], top),
                (690 + half[1], top + 75),
                (690 - half[1], top + 75),
            ],
            ("#e8615a", "#d34b4c", "#8f2f44"),
            across=True,
        )
    for y in (545, 700):
        c.shape(rounded(680, y, 20, 34, 9), "#5a4460")
    c.shape(rounded(672, 862, 38, 53, 14), "#6d3a42")
    c.shape(rect(636, 362, 108, 18), ("#6b4a60", "#33263f"), across=True)
    c.shape(rect(660, 300, 60, 62), ("#fff8d6", "#ffd978"))
    for x in (660, 679, 698, 716):
        c.shape(rect(x, 300, 4, 62), "#4a3550")
    c.shape([(648, 302), (690, 250), (732, 302)], ("#d34b4c", "#8f2f44"))
    c.shape(ellipse(690, 248, 7), "#8f2f44")
    c.glow(690, 330, 170, "#fff0b0", 0.8)
    for x, y, size in ((330, 560, 34), (420, 500, 26), (250, 640, 22), (860, 690, 24)):
        bird(c, x, y, size, "#fff4ea", -8)


def harbour(c: Canvas) -> None:
    rng = Random(12)
    c.sky("#6db3de", "#b9dcea", "#fdeed6", bottom=600)
    cloud(c, 330, 150, 380, ("#ffffff", "#e8e4e6"), 0.95, 1)
    cloud(c, 1180, 120, 300, ("#ffffff", "#e8e4e6"), 0.9, 7)
    c.ground(rolling(c.w, 380, 70, 5, 2), ("#93b7b4", "#b8cbb4"))
    c.ground(rolling(c.w, 450, 50, 9, 3), ("#6f9f88", "#8fb08a"))
    for _ in range(26):
        bush(c, rng.uniform(0, c.w), rng.uniform(420, 480), 26, "#8fb77e", "#3f7561", rng.randrange(99), 9)
    walls = (
        "#f4c46a",
        "#e8836b",
        "#f3e3cb",
        "#8fb8c4",
        "#f0a56a",
        "#d9695f",
        "#f7d9a8",
        "#a8c4a0",
        "#e9b0a0",
    )
    x, i = -30.0, 0
    while x < c.w:
        wide, high = rng.uniform(92, 138), rng.uniform(120, 215)
        house(c, x, 612, wide, high, walls[i % 9], rng.choice(["#b8574a", "#9c4a48", "#c46a50"]))
        for row in range(int(high // 56)):
            for col in range(3):
                wx, wy = x + wide * (0.12 + 0.29 * col), 612 - high + 16 + row * 54
                c.shape(rect(wx - 5, wy, wide * 0.17 + 10, 30), mix(walls[i % 9], "#2f5a6a", 0.55))
                c.shape(rect(wx, wy, wide * 0.17, 30), ("#fdf6e4", "#7f9fb4"))
        c.shape(rounded(x + wide * 0.4, 570, wide * 0.2, 50, 8), "#6b4038")
        if i % 2:
            for k in range(6):
                c.shape(
                    rect(x + 8 + k * (wide - 16) / 6, 556, (wide - 16) / 6, 18),
                    "#fff6e6" if k % 2 else "#d9564e",
                )
        x, i = x + wide, i + 1
    c.shape(rect(-10, 604, c.w + 20, 30), ("#e6d5bd", "#a58f86"))
    c.reflect(634, "#4f93b4", 0.35, 8, 1.1)
    for x, size, hull, sails in (
        (250, 120, "#2f5f86", ("#ffffff", "#f2ede2")),
        (1240, 110, "#b8473f", ("#fff6e4", "#f6c9a0")),
    ):
        c.shape(ellipse(x, 676, size * 0.6, size * 0.08), "#1f4f70", alpha=0.45, blur=6)
        sailboat(c, x, 668, size, hull, sails)
    c.ripples(690, 990, "#ffffff", 5, 110, 0.35)
    regatta(c)


def regatta(c: Canvas) -> None:
    """Boats in the foreground and gulls above."""
    for x, y, size, hull, sails in (
        (560, 800, 250, "#c9463f", ("#fffaf0", "#f4e6d2")),
        (1010, 750, 180, "#2c6c74", ("#ffe2ae", "#fff6e6")),
        (170, 880, 200, "#34527f", ("#ffffff", "#dfeaf0")),
    ):
        c.shape(ellipse(x, y + size * 0.12, size * 0.62, size * 0.09), "#1f4f70", alpha=0.45, blur=8)
        c.shape(
            [(x - size * 0.5, y), (x, y + size * 0.9), (x + size * 0.5, y)],
            "#ffffff",
            alpha=0.3,
            blur=12,
            fade=(1, 0),
        )
        sailboat(c, x, y, size, hull, sails)
        c.ripples(y + 8, y + size * 0.6, "#ffffff", x, 12, 0.6, x - size * 0.5, x + size * 0.5)
    for x, y, size in ((760, 260, 26), (840, 300, 20), (700, 330, 18), (1130, 300, 22)):
        bird(c, x, y, size, "#ffffff", 10)


def beach_parasols(c: Canvas) -> None:
    rng = Random(10)
    c.shape(rect(0, 0, c.w, c.h), ("#f8e2b6", "#f3d29c", "#eec98f"))
    for _ in range(90):
        c.shape(
            ellipse(rng.uniform(0, 900), rng.uniform(0, c.h), rng.uniform(20, 70), rng.uniform(4, 10)),
            "#e2b67c",
            alpha=0.16,
            blur=5,
        )
    for shift, tone in (
        (-40, "#dcb680"),
        (0, "#ffffff"),
        (26, "#a6e3dc"),
        (110, "#6fcdcc"),
        (230, "#3fb0c0"),
        (370, "#2a8fb0"),
    ):
        shore = smooth(
            [
                (940 + shift, -30),
                (890 + shift * 1.05, 180),
                (960 + shift, 400),
                (900 + shift * 1.1, 640),
                (985 + shift, 850),
                (920 + shift, 1040),
            ]
        )
        water = [*shore, (1400, 1040), (1400, -30)]
        c.shape(water, tone, alpha=0.5 if shift < 0 else 0.95, blur=4 if shift != 0 else 1)
        if shift > 40:
            c.line([(x + 16 * math.sin(y / 34), y) for x, y in shore], 4, "#e9fbf6", alpha=0.55, blur=1)
    shade(c, rng)
    for x, y, tone in ((1090, 300, "#f6d34f"), (1180, 640, "#f0807a")):
        c.shadow(ellipse(x, y, 36), 10, 16, 8, 0.35, "#0e4a6a")
        c.shape(ellipse(x, y, 36), tone)
        c.shape(ellipse(x, y, 17), "#3fb0c0")
        for turn in range(0, 360, 90):
            c.line(arc(x, y, 27, 27, turn, turn + 34), 18, "#ffffff")
    sail = [(1230, 880), (1290, 850), (1270, 930)]
    c.shadow(sail, 8, 14, 6, 0.3)
    c.shape(sail, "#ffffff")


def shade(c: Canvas, rng: Random) -> None:
    """Parasols with towels beside them."""
    spots = (
        (150, 170, "#e8544f"),
        (470, 130, "#2f8fa8"),
        (700, 330, "#f2a93c"),
        (330, 420, "#f2a93c"),
        (110, 640, "#2f8fa8"),
        (560, 640, "#e8544f"),
        (300, 860, "#5f9a6a"),
        (740, 880, "#2f8fa8"),
    )
    for x, y, tone in spots:
        for k in (0, 1):
            towel = place(rounded(-32, -75, 64, 150, 8), x + 70 + k * 84, y + 70 + 8 * k, 1, rng.uniform(-14, 14))
            c.shadow(towel, 5, 7, 5, 0.25, "#7a4a2c")
            c.shape(towel, mix(rng.choice(["#ffffff", "#7fc4d0", "#f59a8a", "#f9d77c", "#9cc79a"]), tone, 0.12))
            with c.inside(towel):
                for stripe in range(-2, 3):
                    c.line(
                        [(x - 30 + k * 84, y + 70 + stripe * 42), (x + 180 + k * 84, y + 80 + stripe * 42)],
                        9,
                        "#ffffff",
                        alpha=0.65,
                    )
        parasol(c, x, y, 92, tone)


def parasol(c: Canvas, x: float, y: float, radius: float, tone: str) -> None:
    """A parasol seen from above."""
    rim = [(x + radius * math.cos(math.tau * i / 12), y + radius * math.sin(math.tau * i / 12)) for i in range(12)]
    c.shadow(rim, 34, 40, 10, 0.32, "#6a3c28")
    for i in range(12):
        light = 0.5 + 0.5 * math.cos(math.tau * (i + 0.5) / 12 - math.radians(225))
        base = tone if i % 2 else "#fff8ea"
        c.shape([(x, y), rim[i], rim[(i + 1) % 12]], mix(mix(base, "#4a1c3a", 0.3), base, 0.25 + 0.75 * light))
    c.shape(ellipse(x, y, radius * 0.07), "#fff8ea")
