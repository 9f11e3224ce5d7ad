"""Home and family in the sample photos."""

from random import Random

from PIL import ImageOps

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
from photosync.fakenas.drawing.things import bird, bush, cloud, pine, pot, sun, tree


def cat_window(c: Canvas) -> None:
    c.sky("#5c3f4e", "#6d4a52", "#4a3242")
    c.shape(rect(120, 110, 760, 880), "#f0ddc6")
    frame = rect(150, 140, 700, 830)
    c.shape(frame, ("#7f9fd0", "#f2b7a4", "#ffe0a8"))
    with c.inside(frame):
        sun(c, 640, 640, 58, "#fff6d8", "#ffdf9a")
        cloud(c, 330, 330, 280, ("#ffe3d8", "#f0b8b0"), 0.85, 3)
        for y, far in ((690, "#c99aa8"), (760, "#a37d98"), (840, "#7a6488")):
            c.ground(rolling(c.w, y, 60, y, 3), (far, mix(far, "#ffd9b0", 0.4)))
        for x in (210, 260, 300, 760, 810):
            pine(c, x, 990, 150 + x % 60, "#57486e")
        c.shape([(150, 140), (400, 140), (150, 600)], "#ffffff", alpha=0.12)
    c.shape(rect(488, 140, 22, 830), ("#fff3e0", "#d9bfa8"), across=True)
    c.shape(rect(150, 420, 700, 18), ("#fff3e0", "#d9bfa8"))
    c.shape([(190, 1040), (810, 1040), (900, 1333), (100, 1333)], "#ffcf8a", alpha=0.2, blur=26, fade=(1, 0.2))
    c.shape(rect(60, 965, 880, 56), ("#fff0dc", "#d9bba2"))
    c.shape(rect(60, 1021, 880, 16), "#8f6a66")
    for side in (-1, 1):
        edge = 500 + side * 500
        for k in range(5):
            x = edge - side * k * 44
            fold = smooth([(x, -20), (x - side * 10, 500), (x + side * (30 - k * 14), 760), (x - side * 4, 1400)])
            tone = mix("#d98a6a", "#8f4a52", (k % 2) * 0.55)
            c.shape(
                [*fold, (edge + side * 30, 1400), (edge + side * 30, -20)]
                if not k
                else [*fold, *reversed([(px + side * 64, py) for px, py in fold])],
                (tone, mix(tone, "#4a2438", 0.4)),
            )
    c.shape(rect(-10, 60, 1020, 20), ("#c99a6a", "#7a5038"))
    pot(c, 700, 970, 120, "#4f8a8c")
    for turn in (-62, -38, -15, 8, 30, 55):
        leaf = smooth([(0, 0), (26, -90), (0, -190), (-26, -90)], closed=True)
        c.shape(place(leaf, 700, 865, 1, turn), ("#8fb574", "#3f7158"))
        c.line(place([(0, -10), (0, -170)], 700, 865, 1, turn), 2.5, "#c9dca0", alpha=0.5)
    cat(c)


def cat(c: Canvas) -> None:
    """A cat seen from behind, its tail hanging down."""
    coat = ("#4a3644", "#2a1e30")
    c.shape(ellipse(395, 972, 150, 16), "#5a3a3c", alpha=0.5, blur=8)
    c.line(smooth([(470, 950), (560, 968), (600, 1010), (584, 1080), (620, 1120)]), 34, ("#33242f", "#241a2a"))
    c.shape(
        smooth(
            [
                (390, 640),
                (450, 670),
                (478, 780),
                (508, 900),
                (486, 968),
                (390, 976),
                (290, 968),
                (272, 900),
                (304, 780),
                (330, 670),
            ],
            closed=True,
        ),
        coat,
    )
    for ear in (-1, 1):
        c.shape([(390 + ear * 18, 560), (390 + ear * 86, 505), (390 + ear * 84, 620)], "#4a3644")
    c.shape(ellipse(390, 622, 92, 78), ("#4a3644", "#463340"))
    c.line(arc(390, 622, 90, 76, -70, 40), 5, "#ffcf9a", alpha=0.7, blur=2)
    c.line(smooth([(456, 690), (482, 790), (510, 900)]), 5, "#ffcf9a", alpha=0.6, blur=2)


def first_car(c: Canvas) -> None:
    """A scanned sepia print with its white border."""
    rng = Random(62)
    c.sky("#9a9a9a", "#c8c8c8", "#eeeeee", bottom=600)
    cloud(c, 380, 230, 360, ("#ffffff", "#d4d4d4"), 0.9, 2)
    cloud(c, 960, 170, 300, ("#ffffff", "#d4d4d4"), 0.9, 8)
    for y, far in ((420, "#a2a2a2"), (490, "#8a8a8a"), (560, "#9c9c9c")):
        c.ground(rolling(c.w, y, 80, y, 3), (far, mix(far, "#e0e0e0", 0.4)))
    for x, height in ((180, 300), (1120, 360), (1020, 210)):
        tree(c, x, 690, height, "#909090", "#3a3a3a", x)
    for _ in range(30):
        bush(c, rng.uniform(0, c.w), 680, 26, "#909090", "#4c4c4c", rng.randrange(99), 8)
    c.ground([(0, 690), (c.w, 690)], ("#b0b0b0", "#8c8c8c"))
    c.shape([(0, 760), (c.w, 740), (c.w, 1010), (0, 1010)], ("#dadada", "#bcbcbc"))
    car(c)
    grandparents(c)
    for x, y in ((560, 330), (620, 300), (690, 340)):
        bird(c, x, y, 20, "#5c5c5c")
    c.image = ImageOps.colorize(c.image.convert("L"), black="#33231a", mid="#a98a66", white="#f9eeda")
    for left, top, wide, high in (
        (0, 0, c.w, 46),
        (0, c.h - 46, c.w, 46),
        (0, 0, 46, c.h),
        (c.w - 46, 0, 46, c.h),
    ):
        c.shape(rect(left, top, wide, high), "#f4ead8")
    c.glow(170, 880, 420, "#fff0d0", 0.3)


def car(c: Canvas) -> None:
    """A small round car of its time."""
    c.shape(ellipse(660, 868, 340, 26), "#222222", alpha=0.55, blur=12)
    body = smooth(
        [
            (350, 830),
            (345, 745),
            (400, 700),
            (480, 682),
            (560, 580),
            (700, 560),
            (800, 590),
            (870, 680),
            (950, 712),
            (980, 770),
            (975, 830),
        ]
    )
    c.shape(body, ("#f2f2f2", "#c2c2c2", "#7c7c7c"))
    c.shape(smooth([(515, 680), (575, 604), (650, 588), (650, 680)]), ("#3c3c3c", "#6c6c6c"))
    c.shape(smooth([(672, 586), (760, 604), (830, 680), (672, 680)]), ("#3c3c3c", "#6c6c6c"))
    c.line(smooth([(352, 752), (500, 742), (800, 742), (972, 760)]), 6, "#fafafa")
    c.line([(662, 690), (654, 826)], 3, "#6a6a6a")
    c.line([(690, 722), (724, 722)], 8, "#fafafa")
    c.line([(338, 826), (988, 826)], 15, ("#fafafa", "#8c8c8c"))
    for x in (455, 865):
        c.shape(arc(x, 834, 88, 96, 180, 360), "#5a5a5a")
        c.shape(ellipse(x, 836, 66), "#262626")
        c.shape(ellipse(x, 836, 40), ("#fafafa", "#9c9c9c"))
        c.shape(ellipse(x, 836, 14), "#707070")
    c.shape(ellipse(362, 752, 20, 27), ("#ffffff", "#bcbcbc"))


def grandparents(c: Canvas) -> None:
    """A couple in front of their car."""
    c.line([(232, 720), (228, 880)], 24, "#3a3a3a")
    c.line([(262, 720), (268, 880)], 24, "#303030")
    for x in (222, 276):
        c.shape(ellipse(x, 888, 25, 10), "#1c1c1c")
    c.shape(smooth([(205, 735), (208, 600), (247, 575), (288, 600), (290, 735)]), ("#7a7a7a", "#444444"))
    c.shape([(236, 580), (258, 580), (247, 650)], "#f4f4f4")
    c.shape(ellipse(247, 540, 27, 33), "#d8d8d8")
    c.shape(arc(247, 530, 30, 32, 180, 360), "#2c2c2c")
    c.shape(rect(205, 524, 84, 8), "#2c2c2c")
    for x in (1066, 1094):
        c.line([(x, 800), (x, 880)], 13, "#d0d0d0")
        c.shape(ellipse(x, 884, 15, 7), "#303030")
    dress = smooth(
        [(1052, 610), (1080, 596), (1108, 610), (1104, 690), (1148, 825), (1012, 825), (1056, 690)],
        closed=True,
    )
    c.shape(dress, ("#fafafa", "#bcbcbc"))
    with c.inside(dress):
        for i in range(60):
            c.shape(ellipse(1006 + i % 6 * 27 + i // 6 % 2 * 13, 612 + i // 6 * 23, 6), "#7c7c7c")
    c.line([(1056, 622), (1010, 690), (985, 660)], 13, "#d8d8d8")
    c.shape(ellipse(1080, 562, 25, 30), "#dcdcdc")
    c.shape(
        smooth(
            [(1052, 580), (1050, 540), (1080, 522), (1112, 540), (1110, 585), (1098, 555), (1062, 552)],
            closed=True,
        ),
        "#444444",
    )
