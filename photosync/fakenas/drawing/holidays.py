"""Holidays at home in the sample photos: autumn, snow, Christmas."""

import math
from random import Random

from photosync.fakenas.drawing.primitives import (
    Canvas,
    ellipse,
    mix,
    place,
    rect,
    rolling,
    rounded,
    smooth,
)
from photosync.fakenas.drawing.things import pine, sun, window


def snowman(c: Canvas) -> None:
    rng = Random(21)
    c.sky("#7fa8d4", "#b9d3ea", "#f3e2e6", "#ffe3cc", bottom=900)
    sun(c, 850, 400, 44, "#fffdf0", "#fff0d0")
    for y, far in ((700, "#c3d2e8"), (770, "#b0c6e2"), (830, "#cfdff0")):
        c.ground(rolling(c.w, y, 60, y, 3), (far, mix(far, "#ffffff", 0.6)))
    for x, y, height in (
        (90, 900, 340),
        (200, 880, 220),
        (860, 890, 270),
        (950, 930, 410),
        (300, 860, 130),
        (740, 862, 120),
    ):
        pine(c, x, y, height, ("#ffffff", "#7fa6b8", "#3f6f80"))
    c.ground(
        smooth([(-20, 930), (300, 870), (640, 900), (1020, 850)]),
        ("#ffffff", "#dfeaf6", "#b4cbe6"),
        shadow=0.14,
    )
    c.shape(ellipse(600, 1195, 330, 44), "#7f9cc4", alpha=0.5, blur=18)
    for side, tip, twigs in (
        (-1, (210, 650), ((235, 590), (180, 610))),
        (1, (800, 640), ((770, 575), (830, 600))),
    ):
        start = (500 + side * 140, 790)
        c.line([start, tip], 13, "#6a4638")
        for twig in twigs:
            c.line([(tip[0] - side * 26, tip[1] + 14), twig], 9, "#6a4638")
    for y, r in ((1050, 205), (800, 158), (600, 118)):
        ball = ellipse(500, y, r, r * 0.95)
        c.shadow(ball, 8, 14, 16, 0.22, "#4a6a9c")
        c.shape(ball, ("#ffffff", "#f3f7fc", "#b9cfe8"))
        c.shape(ellipse(500 - r * 0.25, y - r * 0.25, r * 0.55), "#ffffff", alpha=0.7, blur=r * 0.12)
    face(c)
    scarf_and_hat(c)
    c.shape(ellipse(770, 1130, 20, 14), ("#c9554a", "#8f3a3c"))
    c.shape(ellipse(786, 1118, 11), "#6a4a42")
    c.shape([(796, 1116), (808, 1119), (796, 1122)], "#f0a03c")
    for _ in range(210):
        size = rng.random() ** 3 * 9 + 2
        c.shape(
            ellipse(rng.uniform(0, 1000), rng.uniform(0, 1333), size),
            "#ffffff",
            alpha=rng.uniform(0.5, 0.95),
            blur=0 if size < 6 else 2,
        )


def face(c: Canvas) -> None:
    """The snowman's buttons, eyes, smile and carrot."""
    for y in (770, 830, 960, 1030):
        c.shape(ellipse(500, y, 15), ("#5a5264", "#2a2434"))
    for x in (458, 540):
        c.shape(ellipse(x, 575, 13, 15), "#2a2434")
        c.shape(ellipse(x - 4, 570, 4), "#ffffff")
    for i in range(6):
        x = 446 + i * 21
        c.shape(ellipse(x, 642 + 16 * math.sin(math.pi * i / 5), 7), "#2a2434")
    c.shadow([(500, 592), (500, 620), (620, 622)], 2, 10, 6, 0.25)
    c.shape(
        smooth([(496, 590), (560, 604), (622, 622), (560, 624), (496, 618)], closed=True),
        ("#ffab4f", "#e8742f"),
    )


def scarf_and_hat(c: Canvas) -> None:
    """The snowman's scarf and top hat."""
    scarf = ("#e8544f", "#b8323f")
    c.shape(smooth([(560, 700), (610, 800), (600, 920), (660, 930), (672, 800), (610, 690)], closed=True), scarf)
    for i in range(5):
        c.line([(604 + i * 12, 918), (602 + i * 13, 950)], 6, "#b8323f")
    c.shape(smooth([(392, 668), (500, 716), (608, 668), (624, 708), (500, 768), (376, 708)], closed=True), scarf)
    for x, y in ((430, 704), (480, 730), (530, 730), (575, 705), (634, 800), (632, 860)):
        c.shape(ellipse(x, y, 11), "#fff0df")
    c.shape(ellipse(500, 508, 150, 24), ("#4a4460", "#2a2438"))
    c.shape([(410, 505), (424, 350), (576, 350), (590, 505)], ("#5a5272", "#3a3450", "#221d30"), across=True)
    c.shape(ellipse(500, 350, 76, 13), "#5a5272")
    c.shape([(411, 490), (414, 452), (586, 452), (589, 490)], scarf)
    c.shape(
        smooth([(412, 352), (440, 326), (500, 336), (556, 324), (588, 352), (500, 364)], closed=True),
        "#ffffff",
    )


def pumpkin(c: Canvas, x: float, y: float, size: float, tone: str = "#ee8434") -> None:
    c.shape(ellipse(x + size * 0.2, y, size * 1.15, size * 0.16), "#2a1420", alpha=0.5, blur=size * 0.08)
    for share in (-0.74, 0.74, -0.42, 0.42, 0):
        light = mix(mix(tone, "#ffd08a", 0.3), mix(tone, "#a83c24", 0.3), 0.5 + 0.6 * share)
        rib = ellipse(
            x + share * size * 0.84,
            y - size * 0.64,
            size * (0.44 - 0.14 * abs(share)),
            size * (0.68 - 0.1 * abs(share)),
        )
        c.shadow(rib, 0, 0, size * 0.04, 0.45, "#6a2018")
        c.shape(rib, (mix(light, "#fff0c8", 0.12), light, mix(light, "#7a2424", 0.45)))
    c.shape(
        smooth(
            [
                (x - size * 0.1, y - size * 1.26),
                (x - size * 0.02, y - size * 1.6),
                (x + size * 0.2, y - size * 1.66),
                (x + size * 0.12, y - size * 1.24),
            ],
            closed=True,
        ),
        ("#8fa05a", "#4f6a3c"),
    )


def pumpkin_porch(c: Canvas) -> None:
    rng = Random(31)
    c.sky("#6f8f96", "#5a7a84", "#4a6672")
    for y in range(0, 790, 46):
        c.line([(0, y), (c.w, y)], 4, "#3c5662", alpha=0.6)
        c.line([(0, y + 4), (c.w, y + 4)], 2, "#9cb8b8", alpha=0.4)
    c.glow(330, 330, 460, "#ffd08a", 0.5)
    c.shadow(rect(470, 90, 390, 690), 10, 10, 14, 0.35)
    front_door(c, rng)
    window(c, 985, 150, 250, 370, ("#ffe3a0", "#f2a852"), "#fbf0de")
    c.glow(1110, 340, 330, "#ffc878", 0.4)
    c.shape(rect(970, 520, 280, 22), "#e6d6c0")
    c.shape(rect(300, 210, 60, 14), "#2a2430")
    c.shape([(296, 300), (364, 300), (352, 400), (308, 400)], ("#fff6c8", "#ffc45c"))
    c.shape([(284, 300), (330, 246), (376, 300)], "#2a2430")
    c.line([(330, 215), (330, 250)], 7, "#2a2430")
    c.shape(rect(302, 398, 56, 12), "#2a2430")
    c.glow(330, 350, 150, "#ffe3a0", 0.8)
    for y, left, high in ((790, 0, 70), (860, 0, 150)):
        c.shape(rect(left, y, c.w, high), ("#b8977a", "#8f6f60", "#6f5450"))
        c.shape(rect(left, y, c.w, 12), "#d6b898")
    c.shape(rect(530, 800, 270, 42), ("#8a7a4c", "#6a5a3c"))
    for _ in range(80):
        leaf = smooth([(-1, 0), (0, -0.55), (1, 0), (0, 0.55)], closed=True)
        c.shape(
            place(leaf, rng.uniform(0, c.w), rng.uniform(850, 995), rng.uniform(9, 17), rng.uniform(0, 180)),
            rng.choice(["#e8923c", "#c9562e", "#f2bd4f", "#a83f2c"]),
        )
    for x, y, size, tone in (
        (330, 815, 92, "#f2a04a"),
        (150, 830, 130, "#ee8434"),
        (960, 820, 110, "#ee8434"),
        (1210, 835, 140, "#f0d9b0"),
        (430, 870, 62, "#f0d9b0"),
        (1080, 900, 84, "#f2a04a"),
        (250, 935, 96, "#e2702c"),
        (900, 925, 64, "#e2702c"),
        (1300, 960, 92, "#ee8434"),
    ):
        pumpkin(c, x, y, size, tone)


def front_door(c: Canvas, rng: Random) -> None:
    """A red door with a wreath of leaves."""
    c.shape(rect(460, 80, 400, 710), ("#fbf0de", "#dccab4"))
    c.shape(rect(500, 120, 320, 670), ("#c9553f", "#a83f38", "#7f2f34"))
    for x, y, high in ((530, 420, 330), (675, 420, 330)):
        c.shape(rect(x, y, 115, high), "#7f2f34")
        c.shape(rect(x + 7, y + 9, 108, high - 9), ("#c45241", "#963a38"))
    c.shape(rect(530, 150, 260, 230), "#7f2f34")
    window(c, 536, 156, 248, 218, ("#ffe9a8", "#f7b45c"), "#b8493d")
    for i in range(46):
        turn = math.tau * i / 46
        lx, ly = (
            660 + 88 * math.cos(turn) + rng.uniform(-9, 9),
            285 + 88 * math.sin(turn) + rng.uniform(-9, 9),
        )
        leaf = smooth([(-1, 0), (0, -0.6), (1, 0), (0, 0.6)], closed=True)
        c.shape(
            place(leaf, lx, ly, rng.uniform(22, 32), rng.uniform(0, 180)),
            rng.choice(["#e8923c", "#c9562e", "#f2bd4f", "#8a9a4a", "#a83f2c"]),
        )
    c.shape(ellipse(782, 570, 13), ("#ffe3a0", "#b8863c"))


def christmas_tree(c: Canvas) -> None:
    rng = Random(25)
    c.sky("#2c4a5f", "#365a6c", "#2a4456")
    for x in range(0, 1001, 125):
        c.line([(x, 0), (x, 1200)], 3, "#22394c", alpha=0.6)
    c.shape(rect(0, 1190, 1000, 320), ("#a8704a", "#7f4c38", "#5a342e"))
    c.shape(rect(0, 1160, 1000, 34), "#ecdcc6")
    c.shape(rect(64, 190, 270, 440), "#f3e6d4")
    window(c, 78, 204, 242, 412, ("#16244f", "#3f5a94", "#8fa6cc"), "#f3e6d4")
    for _ in range(60):
        c.shape(ellipse(rng.uniform(90, 310), rng.uniform(220, 600), rng.uniform(1.5, 4.5)), "#ffffff", alpha=0.85)
    c.shape(rect(50, 628, 300, 22), "#fff6ea")
    c.glow(560, 800, 720, "#ffcf8a", 0.55)
    c.shape(ellipse(560, 1310, 420, 46), "#3a1c20", alpha=0.5, blur=20)
    c.shape(ellipse(560, 1310, 370, 56), ("#c9483f", "#8f2c38"))
    c.shape(rect(528, 1210, 64, 100), ("#7a5238", "#4a2e28"), across=True)
    fir(c)
    tree_star(c)
    for x, y, wide, high, tone, ribbon in (
        (150, 1340, 190, 150, "#3f7f8c", "#f6e6c8"),
        (700, 1330, 210, 130, "#e9dcc6", "#c9483f"),
        (330, 1390, 160, 105, "#f0b24a", "#b83a42"),
        (860, 1400, 130, 170, "#b83a42", "#f2cf7a"),
        (560, 1420, 190, 90, "#5f9f7a", "#fff3df"),
    ):
        gift(c, x, y, wide, high, tone, ribbon)


def fir(c: Canvas) -> None:
    """Six tiers of branches with lights and baubles."""
    for tier in range(5, -1, -1):
        top, half = 270 + tier * 140, 130 + tier * 52
        low = top + 290
        edge = [(560 + half * (1 - i / 5), low + (26 if i % 2 else -6) - 14 * abs(5 - i) / 5) for i in range(11)]
        layer = [
            (560, top),
            *smooth([(560 + half * 0.4, top + 150), edge[0]]),
            *smooth(edge),
            *smooth([edge[-1], (560 - half * 0.4, top + 150)]),
        ]
        c.shadow(layer, 0, 14, 12, 0.3, "#06221f")
        c.shape(layer, ("#4f9a66", "#4a9464", "#226350"))
        with c.inside(layer):
            c.shape(
                [(560, top), (560 + half * 1.2, low + 60), (560 + half * 0.25, low + 60)],
                "#0c3a38",
                alpha=0.28,
                blur=14,
            )
        garland = smooth([(560 - half * 0.66, low - 88), (560, low - 30), (560 + half * 0.66, low - 92)])
        c.line(garland, 6, "#f2cf7a", alpha=0.85)
        for x, y in garland[::3]:
            c.glow(x, y, 30, "#fff0b8", 0.9)
            c.shape(ellipse(x, y, 5), "#fffbe6")
    for tier in range(6):
        half, low = 130 + tier * 52, 540 + tier * 140
        for i in range(2 + tier // 2):
            x = 560 + (i - (1 + tier // 2) / 2 + 0.3 * (tier % 2 - 0.5)) * half * 1.15 / (2 + tier // 2)
            bauble(
                c,
                x,
                low - 26 - abs(x - 560) * 0.12,
                25,
                ("#e8484a", "#f2b84a", "#e8eef4", "#4f9ad0")[(tier + i) % 4],
            )


def bauble(c: Canvas, x: float, y: float, size: float, tone: str) -> None:
    c.shadow(ellipse(x, y, size), 4, 8, 6, 0.35, "#06221f")
    c.shape(rect(x - 6, y - size - 7, 12, 11), "#f2cf7a")
    c.shape(ellipse(x, y, size), (mix(tone, "#ffffff", 0.25), tone, mix(tone, "#30081c", 0.45)))
    c.shape(ellipse(x - size * 0.34, y - size * 0.36, size * 0.22), "#ffffff", alpha=0.8, blur=1)


def tree_star(c: Canvas) -> None:
    """The star on top of the tree."""
    star = [
        (560 + r * math.sin(math.pi * i / 5), 262 - r * math.cos(math.pi * i / 5)) for i, r in enumerate((64, 27) * 5)
    ]
    c.glow(560, 262, 210, "#ffe9a0", 0.9)
    c.shape(star, ("#fff3b8", "#f7bf4a"))


def gift(c: Canvas, x: float, y: float, wide: float, high: float, tone: str, ribbon: str) -> None:
    c.shadow(rect(x - wide / 2, y - high, wide, high), 10, 8, 10, 0.4)
    c.shape(
        rect(x - wide / 2, y - high, wide, high),
        (mix(tone, "#ffffff", 0.14), tone, mix(tone, "#200c20", 0.3)),
    )
    c.shape(rect(x - wide * 0.08, y - high, wide * 0.16, high), (ribbon, mix(ribbon, "#200c20", 0.25)))
    c.shape(
        rounded(x - wide * 0.53, y - high - 8, wide * 1.06, high * 0.22, 5),
        (mix(tone, "#ffffff", 0.25), tone),
    )
    c.shape(rect(x - wide * 0.08, y - high - 8, wide * 0.16, high * 0.22), ribbon)
    for side in (-1, 1):
        loop = smooth([(0, 0), (side * 0.5, -0.55), (side * 0.95, -0.3), (side * 0.6, 0.02)], closed=True)
        c.shape(place(loop, x, y - high - 8, wide * 0.3), (ribbon, mix(ribbon, "#200c20", 0.3)))
