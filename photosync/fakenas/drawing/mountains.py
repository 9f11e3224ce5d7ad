"""Mountains, lakes and nights outdoors of the sample photos."""

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
    rolling,
    smooth,
)
from photosync.fakenas.drawing.things import bird, blade, bush, cloud, house, mountain, pine, sun, window


def lake_dawn(c: Canvas) -> None:
    c.sky("#5b6fa8", "#a98fb8", "#f2b5a0", "#ffdcae", bottom=620)
    sun(c, 960, 405, 42, "#fff6dc", "#ffe0a0")
    for y, height, far, seed in ((430, 90, "#b79bb8", 3), (490, 80, "#8f83ab", 8), (550, 55, "#64688f", 12)):
        c.ground(rolling(c.w, y, height, seed, 3), (far, mix(far, "#ffd9b8", 0.55), "#ffd9b8"))
    c.shape(rect(-20, 560, c.w + 40, 60), "#ffe3c4", alpha=0.75, blur=18)
    c.ground(rolling(c.w, 607, 6, 5), "#4b5276")
    for x in range(0, 420, 26):
        pine(c, x, 618, 150 - x * 0.26 + 26 * math.sin(x), ("#3b456c", "#2c3459"))
    c.shape(arc(720, 622, 120, 38, 180, 360), ("#47507a", "#343c63"))
    for x, height in ((640, 46), (664, 60), (690, 48), (786, 54), (808, 42)):
        pine(c, x, 606, height, "#343d63", 0.5)
    house(c, 716, 596, 44, 26, "#fff0dc", "#9c5a58")
    c.shape(rect(748, 530, 20, 66), ("#fff3e2", "#d9c3bc"))
    c.shape([(745, 532), (758, 484), (771, 532)], "#8a4c52")
    c.reflect(620, "#8c86b4", 0.25, 7, 1.4)
    c.ripples(635, 990, "#ffe9cf", 4, 80, 0.35)
    c.ripples(640, 980, "#fff2d6", 9, 40, 0.55, 880, 1040)
    boat = smooth([(300, 842), (340, 872), (470, 876), (530, 836)])
    c.shape(place(boat, 0, 16), "#2a2f52", alpha=0.35, blur=6)
    c.shape([*boat, (415, 852)], ("#8d4f4c", "#4a2c3c"))
    for x, coat in ((385, "#d98a5a"), (448, "#4f7d8f")):
        c.shape(smooth([(x - 20, 850), (x - 14, 812), (x, 800), (x + 14, 812), (x + 20, 850)]), coat)
        c.shape(ellipse(x, 788, 11, 13), "#4a332f")
    c.line([(340, 890), (410, 826)], 4, "#4a2c3c")
    for x, y in ((560, 250), (610, 226), (655, 262)):
        bird(c, x, y, 20, "#56557f")


def dunes(c: Canvas) -> None:
    c.sky("#f6b27a", "#fbd09a", "#ffe6bd", bottom=600)
    sun(c, 1090, 280, 58, "#fff4d6", "#ffdf9e")
    c.ground(rolling(c.w, 470, 40, 31, 3), ("#eab382", "#f3c592"))
    crests = (
        (
            [(-20, 560), (240, 470), (430, 500), (700, 610)],
            "#e89a5c",
            "#b5623f",
            [(240, 470), (300, 560), (260, 700)],
        ),
        (
            [(600, 640), (900, 520), (1080, 470), (1260, 540), (1540, 600)],
            "#ea9e5e",
            "#ab5a3d",
            [(1080, 470), (1040, 590), (1130, 760)],
        ),
        (
            [(-20, 760), (200, 690), (520, 560), (760, 700), (1040, 790), (1540, 800)],
            "#e58d50",
            "#96483a",
            [(520, 560), (480, 690), (620, 860), (560, 1020)],
        ),
        (
            [(-20, 960), (500, 900), (880, 800), (1180, 700), (1540, 850)],
            "#dc7d49",
            "#7d3a36",
            [(1180, 700), (1120, 800), (1230, 900), (1130, 1020)],
        ),
    )
    for crest, light, dark, spine in crests:
        ridge = smooth(crest)
        c.ground(ridge, (mix(light, "#fff0cc", 0.35), light, mix(light, "#a0503c", 0.25)), shadow=0.16)
        top = spine[0]
        left = [p for p in ridge if p[0] <= top[0]]
        c.shape([*left, *smooth(spine), (-20, 1020)], (mix(dark, light, 0.25), dark))
    for i in range(7):
        c.line(
            smooth([(1190, 810 + i * 27), (1300, 822 + i * 27), (1420, 806 + i * 28), (1520, 830 + i * 27)]),
            2.2,
            "#ffd9a4",
            alpha=0.25,
        )
    caravan(c)


def caravan(c: Canvas) -> None:
    """Camels walking down a crest."""
    for i in range(4):
        x, y = 640 + i * 62, 640 + i * 33 + (i > 1) * 4
        for leg in (-12, -5, 8, 14):
            c.line([(x + leg, y - 18), (x + leg, y + 10)], 3.5, "#4f2a30")
        c.shape(
            smooth(
                [
                    (x - 20, y - 20),
                    (x - 10, y - 34),
                    (x, y - 52),
                    (x + 10, y - 34),
                    (x + 18, y - 24),
                    (x + 14, y - 12),
                    (x - 16, y - 12),
                ],
                closed=True,
            ),
            "#4f2a30",
        )
        c.line(smooth([(x - 16, y - 22), (x - 30, y - 28), (x - 33, y - 46), (x - 42, y - 47)]), 6, "#4f2a30")


def aurora_peaks(c: Canvas) -> None:
    c.sky("#070d2b", "#10204d", "#1d4a6d", "#3d8a8a", bottom=720)
    c.stars(620, 5, 420)
    ribbons = (
        ([(-50, 520), (300, 380), (640, 470), (980, 300), (1550, 380)], "#48f0a8", 300),
        ([(-50, 330), (420, 250), (820, 330), (1200, 180), (1550, 230)], "#7be8d8", 240),
        ([(200, 470), (620, 400), (900, 470), (1300, 400)], "#a877f0", 330),
    )
    for curve, colour, height in ribbons:
        path = smooth(curve, steps=60)
        for i, (x, y) in enumerate(path):
            tall = height * (0.75 + 0.25 * math.sin(i / 9) * math.sin(i / 23))
            c.shape(
                rect(x - 24, y - tall, 48, tall * 1.12),
                colour,
                alpha=0.065 * min(1, i / 30, (len(path) - i) / 30),
                fade=(0, 0.25, 0.6, 1, 0),
                blur=8,
            )
    c.ground([(0, 760), (c.w, 760)], "#5f95b0")
    for x, y, half, seed in ((120, 500, 330, 2), (1420, 520, 330, 9), (760, 500, 330, 4)):
        mountain(c, (x, y), half, 760, ("#86b9c8", "#3d6a8c"), ("#3f6f92", "#27476f"), seed)
    mountain(c, (430, 400), 420, 800, ("#e9fbf6", "#9fd0d8", "#4a7c9c"), ("#6fa3ba", "#315680"), 21)
    mountain(c, (1120, 370), 470, 810, ("#f2fffa", "#a6d6da", "#4a7c9c"), ("#6c9fb8", "#2c4f7a"), 14)
    c.ground(rolling(c.w, 770, 26, 8), ("#8fc3cf", "#5f95b0"), shadow=0.2)
    for x in [*range(10, 460, 24), *range(1020, 1500, 25)]:
        pine(c, x, 800 + 14 * math.sin(x), 110 + 34 * math.sin(x * 1.7), ("#204660", "#132a45"))
    c.ground(rolling(c.w, 850, 28, 17), ("#cdeceb", "#7fb0c6", "#557fa6"), shadow=0.2)
    c.glow(770, 838, 190, "#ffc46b", 0.55)
    house(c, 710, 866, 130, 62, "#4d2f2c", "#e9f7f5")
    for x in (730, 790):
        window(c, x, 822, 30, 30, ("#fff0b0", "#ffb84d"), "#2e1a1c")
    c.shape([(700, 868), (850, 868), (960, 990), (640, 990)], "#ffd27a", alpha=0.3, blur=16, fade=(1, 0))
    for x, height in (
        (600, 210),
        (560, 150),
        (915, 190),
        (960, 130),
        (80, 330),
        (180, 240),
        (1430, 340),
        (1330, 220),
    ):
        pine(c, x, 890 + height * 0.3, height, ("#2a5a6c", "#0e2038"))


def mountain_hut(c: Canvas) -> None:
    rng = Random(9)
    c.sky("#3f8fc9", "#8cc4e4", "#d8eef2", bottom=650)
    cloud(c, 1060, 170, 330, ("#ffffff", "#dcebf2"), 0.95, 4)
    cloud(c, 160, 260, 260, ("#ffffff", "#dcebf2"), 0.9, 9)
    mountain(c, (1010, 300), 420, 700, ("#f4f8fb", "#b9cbd9", "#9db8bd"), ("#8fa8c0", "#7d9bab"), 6)
    mountain(
        c,
        (500, 130),
        520,
        720,
        ("#ffffff", "#e2eaf0", "#aab9c4", "#93aca4"),
        ("#9db2c8", "#7d93aa", "#6f8f92"),
        33,
    )
    c.ground(rolling(c.w, 590, 40, 6, 2), ("#7fae86", "#5d946f"))
    for x in range(-10, 1350, 21):
        pine(
            c,
            x,
            650 + 20 * math.sin(x * 0.013) + 10 * math.sin(x),
            95 + 35 * math.sin(x * 2.1),
            ("#4a8067", "#2f5c52"),
        )
    c.ground(
        smooth([(-20, 640), (300, 690), (700, 640), (1100, 660), (1360, 610)]),
        ("#a6cc6f", "#74ab58", "#4f8a4b"),
        shadow=0.25,
    )
    c.shape(
        [
            *smooth([(770, 752), (700, 820), (820, 900), (640, 1020)]),
            *smooth([(830, 1020), (900, 900), (770, 820), (805, 752)]),
        ],
        ("#f1e0b4", "#d8bd87"),
    )
    chalet(c, rng)
    for x, y, height in (
        (60, 830, 330),
        (190, 770, 230),
        (1230, 800, 300),
        (1130, 720, 190),
        (1320, 880, 400),
    ):
        c.shape(ellipse(x + 30, y, height * 0.28, 12), "#2d5540", alpha=0.35, blur=8)
        pine(c, x, y, height, ("#4c8766", "#1f4a41"))
    meadow_flowers(c, rng)


def chalet(c: Canvas, rng: Random) -> None:
    """A wooden hut on a stone base, its shutters red."""
    c.shadow(rect(650, 680, 320, 70), 24, 10, 12, 0.3)
    c.shape(rect(650, 610, 290, 140), ("#a86f47", "#7a4a33"))
    for y in range(618, 745, 17):
        c.line([(650, y), (940, y)], 2, "#5c3626", alpha=0.5)
    c.shape(rect(650, 706, 290, 46), ("#c9c2b8", "#9a938c"))
    c.shape([(655, 612), (795, 505), (935, 612)], ("#94603e", "#7f4d36"))
    c.line([(625, 632), (795, 498), (965, 632)], 20, ("#6e4438", "#4a2c2a"))
    c.shape(rect(868, 500, 26, 70), "#8c8279")
    for i in range(5):
        c.glow(884 + i * 14, 488 - i * 26, 26 + i * 9, "#ffffff", 0.6 - i * 0.1)
    c.shape(rect(772, 668, 46, 82), ("#5c3428", "#3e231f"))
    c.line([(772, 668), (818, 668)], 5, "#d8b98a")
    for x in (676, 854):
        window(c, x, 640, 56, 50, ("#dff2f7", "#9cc8da"), "#f6ead6")
        for side in (-20, 58):
            c.shape(rect(x + side, 638, 18, 54), "#b8433a")
        for i in range(9):
            c.shape(
                ellipse(x + i * 7, 698 + 3 * math.sin(i * 2), 6),
                rng.choice(["#e0484b", "#f58a8a", "#5f9950"]),
            )
    window(c, 776, 560, 38, 36, ("#dff2f7", "#9cc8da"), "#f6ead6")


def meadow_flowers(c: Canvas, rng: Random) -> None:
    """Dots of flowers, none of them on the path."""
    for _ in range(230):
        near = rng.random()
        dx, dy = rng.uniform(0, c.w), 800 + 200 * near
        if not 640 < dx < 900:
            c.shape(
                ellipse(dx, dy, 2 + 4 * near, 2 + 3 * near),
                rng.choice(["#ffffff", "#ffe16b", "#f2a7c3", "#c9e58c"]),
            )


def tent_stars(c: Canvas) -> None:
    rng = Random(2)
    c.sky("#0b1036", "#1d2560", "#46408a", "#a2648f", "#e79a80", bottom=780)
    for i in range(130):
        t = i / 130
        x, y = 250 + 1000 * t + rng.gauss(0, 40), 620 - 720 * t + rng.gauss(0, 40)
        c.glow(x, y, rng.uniform(50, 120), rng.choice(["#8a8ae8", "#c9a0e8", "#7fb4ee"]), 0.09)
        for _ in range(7):
            c.shape(
                ellipse(x + rng.gauss(0, 60), y + rng.gauss(0, 60), rng.uniform(0.6, 1.5)),
                "#fff4ff",
                alpha=0.7,
            )
    c.stars(680, 8, 380)
    c.line([(1010, 130), (1180, 210)], 2.5, "#ffffff", alpha=0.5)
    c.line([(1130, 187), (1180, 210)], 3.5, "#ffffff")
    mountain(c, (300, 560), 420, 860, ("#6c5a94", "#8f6a94"), ("#4c4480", "#6d568c"), 5)
    mountain(c, (1180, 500), 480, 860, ("#66568f", "#8f6a94"), ("#463f7a", "#6d568c"), 8)
    c.ground(rolling(c.w, 770, 24, 22, 2), ("#453b74", "#3a3068"))
    for x in range(-10, 1520, 19):
        pine(c, x, 800 + 8 * math.sin(x), 60 + 26 * math.sin(x * 1.3), ("#352e63", "#241f4d"))
    c.ground(rolling(c.w, 830, 16, 4, 2), ("#2b2856", "#14132f"), shadow=0.25)
    c.glow(720, 850, 420, "#ffae5c", 0.6)
    c.shape(ellipse(720, 906, 330, 26), "#ffbe6b", alpha=0.45, blur=16)
    c.shape([(560, 905), (700, 690), (905, 905)], ("#ffe6a0", "#ffb852", "#f08438"))
    c.shape([(700, 690), (770, 675), (980, 890), (905, 905)], ("#e88f4c", "#b5542f"))
    c.shape([(640, 905), (700, 700), (742, 905)], ("#fff6d2", "#ffd98a"))
    c.shape([(700, 700), (742, 905), (766, 905)], ("#d9793a", "#c4622f"))
    c.line([(700, 690), (500, 915)], 2.5, "#ffdca8", alpha=0.6)
    c.line([(770, 675), (1030, 905)], 2.5, "#ffdca8", alpha=0.4)
    for x, coat, hair in ((392, "#b5523f", "#3d2630"), (446, "#3f7d80", "#6b4230")):
        c.shape(
            smooth([(x - 27, 925), (x - 22, 868), (x, 846), (x + 22, 868), (x + 27, 925)]),
            (coat, mix(coat, "#ffb45c", 0.35)),
            across=True,
        )
        c.shape(ellipse(x, 828, 17, 19), (hair, mix(hair, "#ffb45c", 0.4)), across=True)
    for x, height in ((60, 430), (160, 300), (1300, 330), (1420, 520)):
        pine(c, x, 945, height, ("#231f4a", "#0e0d26"))
    for _ in range(240):
        x = rng.uniform(0, c.w)
        blade(
            c,
            x,
            1010,
            rng.uniform(40, 110),
            rng.uniform(-25, 25),
            (mix("#4a3a5c", "#12112b", rng.random()), "#0c0b22"),
        )


def train_valley(c: Canvas) -> None:
    c.sky("#6aa6d6", "#b5d6e6", "#fbe7cf", bottom=720)
    sun(c, 2250, 300, 46, "#fffbe8", "#fff0c8")
    for x, y, width in ((500, 180, 420), (1500, 140, 360), (2700, 200, 380)):
        cloud(c, x, y, width, ("#ffffff", "#f0e2dc"), 0.9, x)
    for x, y, half, seed in (
        (700, 400, 420, 7),
        (1560, 390, 460, 8),
        (2260, 430, 400, 12),
        (2960, 400, 380, 9),
    ):
        mountain(c, (x, y), half, 760, ("#dfe8f0", "#c3d2de"), ("#b4c6d8", "#a5bccb"), seed)
    for x, y, half, seed in (
        (280, 290, 480, 1),
        (1180, 215, 560, 2),
        (1900, 350, 420, 3),
        (2640, 250, 560, 4),
    ):
        mountain(c, (x, y), half, 760, ("#ffffff", "#d5dde8", "#a9bccb"), ("#9fb4cc", "#8ca6b8"), seed)
    c.shape(rect(-20, 470, c.w + 40, 90), "#fdeedd", alpha=0.6, blur=36)
    for y, far in ((520, "#8fb0ac"), (600, "#7fa69c"), (700, "#5f9080")):
        c.ground(rolling(c.w, y, 60, y, 4), (far, mix(far, "#f2e6c8", 0.45)))
    for x in range(-10, 3020, 27):
        pine(c, x, 770 + 40 * math.sin(x * 0.004), 80 + 30 * math.sin(x * 1.9), ("#4c7d70", "#38655f"))
    c.ground(rolling(c.w, 860, 30, 12, 2), ("#a9c878", "#7aa860", "#5d8f55"))
    river = [
        *smooth([(1588, 846), (1530, 880), (1640, 920), (1500, 960), (1400, 1020)]),
        *smooth([(1860, 1020), (1760, 965), (1820, 920), (1640, 880), (1636, 846)]),
    ]
    c.shape(river, ("#e6f2f2", "#8fc0d4"))
    viaduct(c)
    train(c, 1020, 548)
    for x, height in (
        (40, 300),
        (150, 220),
        (640, 190),
        (2420, 210),
        (2860, 320),
        (2960, 240),
        (760, 140),
        (2290, 150),
    ):
        pine(c, x, 1010, height, ("#3f7560", "#1e4843"))


def viaduct(c: Canvas) -> None:
    """A viaduct across the whole picture."""
    stone, shade = ("#e0cdb2", "#b39a88"), ("#9c8478", "#7a6a6c")
    for i in range(17):
        x = 120 + i * 172
        c.shape(rect(x - 22, 590, 44, 360), stone)
        c.shape(rect(x + 10, 590, 14, 360), shade)
        bush(c, x, 962, 40, "#8fb56a", "#4f7f52", i, 14)
    deck: Points = [(-20, 560), (3020, 560), (3020, 640)]
    for i in range(17, -1, -1):
        deck += arc(34 + i * 172, 690, 62, 62, 0, -180)
    c.shape([*deck, (-20, 640)], ("#ecdcc2", "#cbb39a"))
    for i in range(18):
        c.line(arc(34 + i * 172, 690, 66, 66, 185, 355), 7, "#b39a88")
    c.shape(rect(-20, 548, 3040, 16), "#f6ead4")
    c.line([(-20, 566), (3020, 566)], 4, "#a58c7c")


def train(c: Canvas, x: float, y: float) -> None:
    """A red railcar with three coaches, its nose to the right."""
    for i in range(4):
        left = x + i * 232
        nose = 34 if i == 3 else 4
        body = [
            (left, y - 70),
            (left + 222 - nose, y - 70),
            (left + 222, y - 36),
            (left + 222, y - 8),
            (left, y - 8),
        ]
        c.shape(rect(left + 24, y - 12, 176, 12), "#3a2c34")
        c.shape(body, ("#e8584a", "#d63f3c", "#a82c38"))
        c.shape(
            [(left, y - 76), (left + 220 - nose, y - 76), (left + 224 - nose, y - 68), (left, y - 68)],
            "#e9e4dc",
        )
        c.shape(rect(left, y - 28, 218, 5), "#fff0dc")
        for k in range(6 if i < 3 else 5):
            c.shape(rect(left + 14 + k * 34, y - 60, 24, 24), ("#dff0f5", "#7fa6bd"))
        for k in (40, 62, 160, 182):
            c.shape(ellipse(left + k, y - 4, 8), "#2c222a")
    c.shape([(x + 888, y - 62), (x + 902, y - 62), (x + 916, y - 38), (x + 888, y - 38)], ("#dff0f5", "#7fa6bd"))
