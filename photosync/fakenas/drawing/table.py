"""Meals of the sample photos, indoors and out."""

import math
from random import Random

from photosync.fakenas.drawing.primitives import (
    Canvas,
    Points,
    arc,
    ellipse,
    mix,
    place,
    rect,
    rounded,
    smooth,
)
from photosync.fakenas.drawing.things import blade, flower


def bokeh(c: Canvas, seed: int, colours: list[str], count: int, bottom: float) -> None:
    """Lights out of focus."""
    rng = Random(seed)
    for _ in range(count):
        x, y, size = rng.uniform(0, c.w), rng.uniform(0, bottom), rng.uniform(18, 62)
        tone = rng.choice(colours)
        c.shape(ellipse(x, y, size), tone, alpha=rng.uniform(0.12, 0.38), blur=3)
        c.line(arc(x, y, size - 2, size - 2, 0, 360), 2.5, tone, alpha=0.25, blur=1)


def birthday_cake(c: Canvas) -> None:
    rng = Random(5)
    c.sky("#2f5a6a", "#3f7880", "#5f9a94")
    bokeh(c, 9, ["#ffdf9a", "#ffb8a0", "#fff0d0", "#9ce0d4"], 34, 640)
    for row, y in enumerate((70, 20)):
        line = [(x, y + 70 * math.sin(math.pi * x / 1000)) for x in range(-20, 1021, 74)]
        c.line(smooth(line), 3, "#fff3df")
        for i, (x, fy) in enumerate(line):
            tone = ("#f0807a", "#f7c566", "#8fd0c4", "#f6e6d0")[(i + row) % 4]
            c.shadow([(x - 27, fy), (x + 27, fy), (x, fy + 62)], 5, 8, 5, 0.25)
            c.shape([(x - 27, fy), (x + 27, fy), (x, fy + 62)], (tone, mix(tone, "#5a2a4a", 0.15)))
    c.shape(rect(0, 820, 1000, 180), ("#f3dcc4", "#d9b094"))
    c.shape(ellipse(500, 902, 230, 26), "#7a4a48", alpha=0.45, blur=12)
    c.shape([(440, 820), (560, 820), (590, 895), (410, 895)], ("#ffffff", "#c9c0cc"), across=True)
    c.shape(ellipse(500, 895, 150, 18), "#e0d6de")
    c.shape(ellipse(500, 812, 370, 36), ("#ffffff", "#d3c8d2"))
    c.glow(500, 330, 520, "#ffdf9a", 0.6)
    tiers(c, rng)
    candles(c)


def tiers(c: Canvas, rng: Random) -> None:
    """Two tiers of cake with icing, sprinkles and cherries."""
    for left, top, wide, high, tone, icing in (
        (210, 590, 580, 220, "#f7d3c4", "#fff6ee"),
        (320, 410, 360, 190, "#f39a9c", "#fff0e6"),
    ):
        c.shape(
            [
                (left, top),
                (left + wide, top),
                (left + wide, top + high),
                *arc(left + wide / 2, top + high, wide / 2, 24, 0, 180),
            ],
            (mix(tone, "#ffffff", 0.3), tone, mix(tone, "#8f3a5a", 0.35)),
            across=True,
        )
        drips: Points = [(left, top)]
        for i in range(13):
            x = left + (i + 0.5) * wide / 13
            drips += [
                (x - wide / 40, top + 26),
                (x - wide / 70, top + 30 + rng.uniform(14, 60)),
                (x + wide / 70, top + 30 + rng.uniform(14, 60)),
                (x + wide / 40, top + 26),
            ]
        c.shape(
            [*smooth([*drips, (left + wide, top + 20)], steps=8), (left + wide, top)],
            (icing, mix(icing, "#d99aa0", 0.25)),
        )
        c.shape(ellipse(left + wide / 2, top, wide / 2, 26), (icing, mix(icing, "#f0c0b8", 0.3)))
        for _ in range(40):
            c.shape(
                ellipse(left + 14 + rng.random() * (wide - 28), top + 110 + rng.random() * (high - 130), 5),
                rng.choice(["#ffffff", "#f7c566", "#7fc9bd", "#e8615a"]),
            )
    for i in range(12):
        x = 236 + i * 48
        c.shape(ellipse(x, 594 + 20 * math.sin(math.pi * i / 11), 19), ("#f2545b", "#b82f48"))
        c.shape(ellipse(x - 6, 587 + 20 * math.sin(math.pi * i / 11), 5), "#ffffff", alpha=0.7)


def candles(c: Canvas) -> None:
    """Five burning candles."""
    for i, x in enumerate((380, 440, 500, 560, 620)):
        y = 412 + 12 * math.sin(math.pi * i / 4)
        c.shape(rect(x - 9, y - 110, 18, 110), ("#ffffff", "#e6d6e0"), across=True)
        for k in range(4):
            c.line(
                [(x - 9, y - 8 - k * 27), (x + 9, y - 22 - k * 27)],
                7,
                ("#f0807a", "#5fb8ac", "#f7b84a")[i % 3],
            )
        c.line([(x, y - 110), (x, y - 122)], 3, "#5a3a3a")
        c.glow(x, y - 142, 95, "#ffdf8a", 0.9)
        c.shape(
            smooth([(x, y - 182), (x + 15, y - 138), (x, y - 116), (x - 15, y - 138)], closed=True),
            ("#fff6c4", "#ffc54f", "#ff9a3c"),
        )
        c.shape(ellipse(x, y - 132, 6, 12), "#fffdf0")


def picnic(c: Canvas) -> None:
    rng = Random(13)
    c.shape(rect(0, 0, c.w, c.h), ("#a3c866", "#84b357", "#6a9f52"))
    for _ in range(1500):
        x, y = rng.uniform(0, c.w), rng.uniform(0, c.h + 20)
        blade(
            c,
            x,
            y,
            rng.uniform(12, 28),
            rng.uniform(-10, 10),
            rng.choice(["#b8d977", "#7aad52", "#5f9a4e", "#94c25f"]),
        )
    for _ in range(70):
        flower(
            c,
            rng.uniform(0, c.w),
            rng.uniform(0, c.h),
            11,
            rng.choice(["#ffffff", "#ffffff", "#f7d3e0"]),
            "#f7c13c",
            7,
        )
    cloth = place(rect(-430, -330, 860, 660), 670, 505, 1, -11)
    c.shadow(cloth, 10, 16, 14, 0.4, "#1f4a2c")
    c.shape(cloth, ("#fff8ee", "#f6e6d8"))
    for i in range(13):
        c.shape(place(rect(-430 + i * 66.2, -330, 33, 660), 670, 505, 1, -11), "#e0534f", alpha=0.5)
    for i in range(10):
        c.shape(place(rect(-430, -330 + i * 66.2, 860, 33), 670, 505, 1, -11), "#e0534f", alpha=0.5)
    for x, y, r in ((470, 330, 100), (900, 640, 108), (520, 700, 92)):
        c.shadow(ellipse(x, y, r), 12, 16, 10, 0.35, "#5a1f2c")
        c.shape(ellipse(x, y, r), ("#ffffff", "#e3e6ec"))
        c.shape(ellipse(x, y, r * 0.74), ("#eceff4", "#ffffff"))
    food(c)
    basket(c, 890, 265)
    for x, y, tone in ((690, 480, "#f7c24a"), (730, 590, "#f7c24a")):
        c.shadow(ellipse(x, y, 42), 14, 18, 8, 0.35, "#5a1f2c")
        c.shape(ellipse(x, y, 42), "#eef6f8")
        c.shape(ellipse(x, y, 34), (tone, mix(tone, "#e88a3c", 0.5)))
        c.shape(ellipse(x + 8, y - 4, 15), "#fff3c0", alpha=0.8)
    c.shadow(ellipse(235, 640, 130, 120), 14, 18, 12, 0.35, "#1f4a2c")
    c.shape(ellipse(235, 640, 130, 120), ("#f7dfa0", "#dcb668"))
    for r in (116, 98):
        c.line(arc(235, 640, r, r * 0.92, 0, 360), 3, "#c49a50", alpha=0.6)
    c.shape(ellipse(235, 634, 78, 72), "#3f6a8c")
    c.shape(ellipse(235, 626, 70, 62), ("#fbe8b4", "#e6c47a"))


def food(c: Canvas) -> None:
    """Melon, berries and bread for three plates."""
    for turn, x, y in ((20, 450, 340), (150, 500, 300), (265, 500, 372)):
        c.shape(place(arc(0, -26, 58, 58, 0, 180), x, y, 1, turn), "#3f8f55")
        c.shape(place(arc(0, -26, 51, 51, 0, 180), x, y, 1, turn), "#f3f0d0")
        c.shape(place(arc(0, -26, 46, 46, 0, 180), x, y, 1, turn), ("#f2666a", "#e2454f"))
        for k in (-22, 0, 22):
            c.shape(place(ellipse(k, -8 + abs(k) * -0.3, 3, 5), x, y, 1, turn), "#3a1c24")
    for i in range(17):
        spin, reach = i * 2.4, 15 * math.sqrt(i)
        bx, by = 900 + reach * math.cos(spin), 640 + reach * math.sin(spin)
        c.shape(ellipse(bx, by, 17), ("#f2545b", "#b02f45") if i % 3 else ("#6a7fc0", "#33457f"))
        c.shape(ellipse(bx - 5, by - 6, 4), "#ffffff", alpha=0.7)
    for k, tone in enumerate(("#f0c27a", "#e8b064", "#f3cc8a")):
        x, y = 488 + k * 36, 686 + k * 20
        c.shape(place(rounded(-38, -24, 76, 48, 20), x, y, 1, -30), (mix(tone, "#ffffff", 0.35), tone))
        c.line(place(rounded(-38, -24, 76, 48, 20), x, y, 1, -30), 4, "#a86a38")


def basket(c: Canvas, x: float, y: float) -> None:
    box = place(rounded(-135, -88, 270, 176, 26), x, y, 1, 8)
    c.shadow(box, 16, 20, 14, 0.4, "#5a1f2c")
    c.shape(box, ("#d9a25c", "#a8703a"))
    for row in range(9):
        for k in range(13):
            slat = rounded(-126 + k * 20 - (row % 2) * 6, -80 + row * 18, 16, 11, 4)
            c.shape(place(slat, x, y, 1, 8), mix("#e8ba78", "#b07a42", (k + row) % 2 * 0.7))
    napkin = place([(-128, -20), (-20, -92), (90, -86), (128, 10), (20, 60)], x, y, 1, 8)
    c.shadow(napkin, 5, 8, 6, 0.3)
    c.shape(napkin, ("#f7fbfc", "#cfe0e8"))
    for turn, dx, dy in ((-38, -20, -20), (-24, 36, -4)):
        loaf = place(rounded(-28, -120, 56, 240, 28), x + dx, y + dy, 1, turn + 80)
        c.shadow(loaf, 6, 10, 6, 0.35)
        c.shape(loaf, ("#f0c07a", "#c4843f"))
        for k in range(-2, 3):
            c.line(place([(-16, k * 42 - 10), (16, k * 42 + 10)], x + dx, y + dy, 1, turn + 80), 7, "#f9e0ae")
    c.line(place(arc(0, 0, 30, 118, -90, 90), x, y, 1, 8), 17, ("#c98f4c", "#8f5a2e"))


def hot_cup(c: Canvas) -> None:
    rng = Random(16)
    c.sky("#41506e", "#6f7590", "#a58a8a", "#c99a7c", bottom=720)
    bokeh(c, 4, ["#ffd98a", "#ffb878", "#fff0c8", "#f59a7a", "#9cc0e0"], 44, 660)
    c.soften(4)
    for _ in range(70):
        x, y, size = rng.uniform(0, 1000), rng.uniform(0, 700), rng.uniform(3, 9)
        c.shape(ellipse(x, y, size, size * 1.25), ("#c4d0e4", "#5a6480"), alpha=0.5)
        c.shape(ellipse(x - size * 0.3, y - size * 0.4, size * 0.3), "#ffffff", alpha=0.8)
    c.shape(rect(470, 0, 26, 712), ("#5a4450", "#3a2a38"), across=True)
    c.shape(rect(0, 700, 1000, 20), "#3a2a38")
    c.shape(rect(0, 715, 1000, 290), ("#b8774a", "#8f5638", "#643a30"))
    for y in (770, 850, 940):
        c.line(smooth([(-10, y), (300, y + 5), (700, y - 4), (1010, y + 3)]), 3, "#5a3228", alpha=0.5)
    c.shape(ellipse(560, 870, 330, 44), "#2f1a20", alpha=0.5, blur=14)
    for i, (left, wide, tone) in enumerate(((60, 300, "#3f6f7c"), (84, 270, "#c9574a"))):
        y = 842 - i * 52
        c.shape(rect(left, y, wide, 50), (mix(tone, "#ffffff", 0.15), mix(tone, "#200c20", 0.3)))
        c.shape(rect(left + 14, y + 8, wide - 10, 34), ("#fff3df", "#dcc4a8"))
        c.shape(rect(left, y, 30, 50), (tone, mix(tone, "#200c20", 0.4)))
    c.line([(110, 778), (300, 772)], 9, "#e0b04f")
    cup_and_saucer(c)
    for x, lean in ((500, 26), (585, 34)):
        steam = smooth([(x, 560), (x + lean, 470), (x - lean, 380), (x + lean, 280), (x, 190)])
        c.line(steam, 24, "#ffffff", alpha=0.3, blur=13)
    for x, y, turn in ((840, 900, 20), (900, 850, -30)):
        biscuit = place(rounded(-62, -30, 124, 60, 28), x, y, 1, turn)
        c.shadow(biscuit, 8, 12, 8, 0.4)
        c.shape(biscuit, ("#f0c888", "#c48a4c"))
        for _ in range(8):
            spot = place([(rng.uniform(-44, 44), rng.uniform(-16, 16))], x, y, 1, turn)[0]
            c.shape(ellipse(*spot, 6), "#5a3226")


def cup_and_saucer(c: Canvas) -> None:
    """A patterned cup on its saucer."""
    c.shape(ellipse(560, 862, 290, 40), ("#ffffff", "#cfc4cc"))
    c.shape(ellipse(560, 852, 210, 24), "#d6cad0")
    c.line(arc(745, 690, 78, 84, -110, 120), 34, ("#fdf6f0", "#cbb8be"))
    cup = [
        *smooth([(370, 580), (378, 690), (412, 780), (478, 845)]),
        *smooth([(478, 845), (520, 858), (600, 858), (642, 845)]),
        *smooth([(642, 845), (708, 780), (742, 690), (750, 580)]),
    ]
    c.shape(cup, ("#d9cdd2", "#ffffff", "#f3e9ea", "#bba9b4"), across=True)
    with c.inside(cup):
        for k in range(13):
            c.shape(place([(-20, -22), (0, 10), (20, -22)], 378 + k * 31, 690), "#d9695a")
        c.shape(rect(360, 655, 400, 12), "#3f6f7c")
        c.shape(rect(360, 712, 400, 8), "#3f6f7c")
        c.shape(rect(640, 560, 140, 320), "#4a2a48", alpha=0.16, blur=30)
    c.shape(ellipse(560, 580, 190, 38), ("#e6dade", "#ffffff"))
    c.shape(ellipse(560, 585, 172, 30), ("#5a3226", "#8f5a3c"))
    c.shape(
        smooth([(490, 584), (526, 570), (560, 580), (594, 570), (630, 584), (560, 608)], closed=True),
        "#f0d9b8",
    )
