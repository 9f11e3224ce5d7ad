"""Woods, fields and gardens of the sample photos."""

from random import Random

from photosync.fakenas.drawing.primitives import Canvas, arc, ellipse, mix, place, rect, rolling, smooth
from photosync.fakenas.drawing.things import blade, bush, cloud, house, person, sun, tree


def autumn_forest(c: Canvas) -> None:
    rng = Random(11)
    c.sky("#fff1c4", "#ffdc95", "#f3b35f", "#d98a3e")
    c.glow(520, 560, 620, "#fffbe2", 0.95)
    for depth in range(5):
        near = depth / 4
        bark = mix("#e8b878", "#3b2226", near)
        for i in range(9 - depth):
            x = (i + rng.uniform(0.15, 0.85)) * c.w / (9 - depth)
            if abs(x - 520) < 60 + 190 * near:
                continue
            wide = 10 + 46 * near * rng.uniform(0.8, 1.2)
            foot = 880 + 330 * near
            c.shape(
                [
                    (x - wide * 0.7, foot + 20),
                    (x - wide * 0.42, 300),
                    (x - wide * 0.3, -20),
                    (x + wide * 0.3, -20),
                    (x + wide * 0.42, 300),
                    (x + wide * 0.8, foot + 20),
                ],
                (mix(bark, "#ffcf87", 0.35), bark, mix(bark, "#200c1c", 0.3)),
                across=True,
            )
        for _ in range(15):
            x, y = rng.uniform(-40, c.w + 40), rng.uniform(-60, 330 - 60 * near)
            y -= 230 * max(0, 1 - abs(x - 520) / 330) * near
            tone = mix(rng.choice(["#f6c65a", "#f0a03c", "#e5762f"]), "#9c2f22", near * rng.uniform(0.1, 0.8))
            bush(
                c,
                x,
                y,
                85 + 50 * near,
                mix(tone, "#ffe9a6", 0.5 - 0.3 * near),
                mix(tone, "#6d1f22", 0.3 * near),
                rng.randrange(99),
                14,
            )
        c.ground(
            rolling(c.w, 880 + 110 * near, 16, depth, 3),
            (mix("#f5cb7d", "#b04f28", near), mix("#e79d4a", "#5e2826", near)),
        )
        c.shape(rect(0, 760, c.w, 130), "#ffe9b4", alpha=0.5 * (1 - near), blur=40)
    forest_path(c, rng)


def forest_path(c: Canvas, rng: Random) -> None:
    """A path strewn with leaves and two walkers on it."""
    path = [
        *smooth([(500, 985), (540, 1060), (430, 1180), (470, 1320), (240, 1520)]),
        *smooth([(900, 1520), (700, 1320), (580, 1180), (590, 1060), (540, 985)]),
    ]
    c.shape(path, ("#ffe6ac", "#e8b878", "#a8683f"), blur=3)
    c.shape(ellipse(575, 1189, 60, 9), "#52201e", alpha=0.4, blur=5)
    person(c, 500, 1185, 150, "#a8322d", "#5a3426")
    person(c, 570, 1187, 96, "#2f6b78", "#d9a45a")
    for _ in range(420):
        near = rng.random()
        x, y = rng.uniform(0, c.w), 1010 + 490 * near
        c.shape(
            place(ellipse(0, 0, 4 + 9 * near, 2 + 5 * near), x, y, 1, rng.uniform(-40, 40)),
            rng.choice(["#f6b13f", "#e5762f", "#c64a2a", "#ffd56b"]),
            alpha=0.85,
        )
    for _ in range(34):
        leaf = smooth([(-1, 0), (0, -0.5), (1, 0), (0, 0.5)], closed=True)
        c.shape(
            place(leaf, rng.uniform(0, c.w), rng.uniform(330, 1050), rng.uniform(7, 15), rng.uniform(0, 180)),
            rng.choice(["#f08c2e", "#d9542b", "#ffce5c"]),
        )


def lavender_field(c: Canvas) -> None:
    rng = Random(3)
    c.sky("#7fb2dc", "#bcd6e6", "#fde3c8", "#ffd2b0", bottom=470)
    sun(c, 330, 350, 36, "#fffbe6", "#fff0c0")
    for x, y, width in ((1050, 150, 330), (620, 220, 220), (1320, 250, 200)):
        cloud(c, x, y, width, ("#ffffff", "#f6dccf"), 0.85, x)
    for y, height, far in ((400, 45, "#a9a6cf"), (430, 30, "#8b93b5"), (450, 16, "#7f9a86")):
        c.ground(rolling(c.w, y, height, y, 3), (far, mix(far, "#ffe2c4", 0.5)))
    c.ground([(0, 462), (c.w, 462)], ("#7d62a8", "#4b3380"))
    vx, steps = 980, 90
    for step in range(steps):
        near = (step / steps) ** 2.2
        y, gap = 464 + 590 * near, 8 + 150 * near
        for k in range(-90, 60):
            x = vx + k * gap + rng.uniform(-0.08, 0.08) * gap
            if not -150 < x < c.w + 150:
                continue
            tone = mix("#a487cf", "#6a45a6", near * rng.uniform(0.5, 1))
            high = (2 + 52 * near) * rng.uniform(0.85, 1.15)
            c.shape(ellipse(x, y - high * 0.3, gap * 0.36, high), (mix(tone, "#ffd9f2", 0.4), tone, "#3a2468"))
            for _ in range(5 if near > 0.12 else 0):
                lean = rng.uniform(-1, 1)
                c.shape(
                    ellipse(x + lean * gap * 0.36, y - high * (1.2 - 0.8 * lean * lean), gap * 0.05, high * 0.34),
                    mix(tone, rng.choice(["#d9bdf2", "#8a66c4", "#e6c8f2"]), 0.45),
                )
    farmhouse(c)
    tree(c, 560, 470, 130, "#a3b566", "#4c6a4c", 5)
    for _ in range(150):
        foot, lean = rng.uniform(0, c.w), rng.uniform(-50, 50)
        tip = 1010 - rng.uniform(0, 60)
        c.line(smooth([(foot, 1020), (foot + lean * 0.4, tip - 60), (foot + lean, tip - 120)]), 2.4, "#6f9463")
        for i in range(7):
            c.shape(
                ellipse(foot + lean * (0.62 + i * 0.07), tip - 82 - i * 10, 9 - i * 0.7, 8),
                mix("#8f66c9", "#e3c2f5", i / 8 * rng.random()),
            )


def farmhouse(c: Canvas) -> None:
    """A farmhouse between cypresses."""
    house(c, 1010, 466, 120, 62, "#f6e2c4", "#c9714e")
    house(c, 1112, 466, 70, 40, "#eed4b2", "#b8623f")
    for x in (1026, 1062, 1098):
        c.shape(rect(x, 424, 15, 22), "#6c86a0")
    for x, height in ((968, 120), (990, 150), (1205, 135), (1228, 105)):
        c.shape(
            smooth(
                [
                    (x - 9, 468),
                    (x - 12, 468 - height * 0.5),
                    (x, 468 - height),
                    (x + 12, 468 - height * 0.5),
                    (x + 9, 468),
                ]
            ),
            ("#5f8466", "#2e5247"),
        )


def cherry_blossom(c: Canvas) -> None:
    rng = Random(6)
    c.sky("#9fd0ec", "#d5e9f2", "#fdeaea", bottom=800)
    slopes = smooth([(220, 760), (480, 520), (600, 372), (640, 352), (690, 352), (735, 372), (860, 520), (1140, 760)])
    c.shape(slopes, ("#6f8fc0", "#9fb8da", "#dbe4f0"))
    with c.inside(slopes):
        drops = (
            (860, 430),
            (765, 442),
            (738, 486),
            (705, 436),
            (668, 500),
            (638, 440),
            (602, 482),
            (572, 436),
        )
        c.shape([(400, 330), (900, 330), *drops, (500, 470)], ("#ffffff", "#eef3fa"))
    c.shape(rect(-20, 640, c.w + 40, 90), "#ffffff", alpha=0.75, blur=32)
    for y, far in ((690, "#a9bfd2"), (720, "#7fa39c"), (745, "#5e8a78")):
        c.ground(rolling(c.w, y, 30, y, 3), (far, mix(far, "#ffffff", 0.3)))
    c.ground([(0, 770), (c.w, 770)], "#88b5c8")
    c.reflect(770, "#8fc0d8", 0.4, 6, 1.6)
    c.ripples(780, 995, "#ffffff", 3, 70, 0.4)
    blossom(c, rng)


def blossom(c: Canvas, rng: Random) -> None:
    """Branches in flower, and petals in the wind."""
    branches = (
        [(1360, 60), (1130, 150), (900, 170), (640, 110), (470, 140)],
        [(1130, 150), (1000, 260), (880, 290)],
        [(900, 170), (780, 230), (690, 225)],
        [(1360, 330), (1220, 400), (1100, 390)],
        [(1290, 90), (1210, 260), (1180, 300)],
        [(640, 110), (540, 60), (430, 40)],
    )
    for i, branch in enumerate(branches):
        path = smooth(branch)
        for j, point in enumerate(path[:-1]):
            c.line([point, path[j + 1]], (26 if i == 0 else 12) * (1 - 0.8 * j / len(path)) + 2, "#5b3f45")
    for i, branch in enumerate(branches):
        path = smooth(branch)
        for _ in range(70 if i == 0 else 34):
            x, y = rng.choice(path[len(path) // 5 :])
            x, y, size = x + rng.gauss(0, 30), y + rng.gauss(0, 26), rng.uniform(13, 25)
            tone = rng.choice(["#fbd3de", "#f7b3c8", "#fff0f3", "#f398b4"])
            for k in range(5):
                px, py = place([(size * 0.55, 0)], x, y, 1, 72 * k + size * 20)[0]
                c.shape(ellipse(px, py, size * 0.46), (mix(tone, "#ffffff", 0.35), tone))
            c.shape(ellipse(x, y, size * 0.2), "#d95f86")
    for _ in range(46):
        petal = smooth([(-1, 0), (0, -0.55), (1, 0), (0, 0.55)], closed=True)
        c.shape(
            place(petal, rng.uniform(0, c.w), rng.uniform(250, 980), rng.uniform(6, 11), rng.uniform(0, 180)),
            rng.choice(["#ffe3ea", "#f7b3c8", "#ffffff"]),
            alpha=0.9,
        )


def garden_flowers(c: Canvas) -> None:
    rng = Random(14)
    c.sky("#bfe3ea", "#e7f2cf", "#bcd98c", "#5f9a58")
    c.glow(1050, 160, 560, "#fffbe0", 0.9)
    for _ in range(60):
        c.shape(
            ellipse(rng.uniform(0, c.w), rng.uniform(330, 760), rng.uniform(20, 60)),
            rng.choice(["#d5e8a0", "#8fc078", "#f2a6a0", "#f6d98a", "#c9a6dc", "#6fae6a"]),
            alpha=0.5,
            blur=8,
        )
    c.soften(9)
    colours = (
        ("#e8493f", "#3a1f2c"),
        ("#ffffff", "#f7c13c"),
        ("#f6a13c", "#7a3a20"),
        ("#8b6fd0", "#ffe08a"),
        ("#f080a8", "#ffe9a0"),
    )
    for layer in range(3):
        near = layer / 2
        for _ in range(120):
            x, lean = rng.uniform(-30, c.w + 30), rng.uniform(-70, 70)
            tone = mix(rng.choice(["#8cc063", "#5fa050", "#3f8048"]), "#1f5040", near * 0.4)
            blade(
                c,
                x,
                1020,
                rng.uniform(150, 420) * (1.15 - 0.25 * near),
                lean,
                (tone, mix(tone, "#12382e", 0.6)),
            )
        for i in range(12):
            x = (i + rng.uniform(0.1, 0.9)) * c.w / 12
            y = rng.uniform(430, 640) + 150 * near * rng.uniform(0.6, 1.2)
            size = (44 + 36 * near) * rng.uniform(0.75, 1.15)
            c.line(
                smooth([(x + rng.uniform(-40, 40), 1020), (x + rng.uniform(-15, 15), (y + 1000) / 2), (x, y)]),
                5 + 3 * near,
                "#4a8a4c",
            )
            petal, heart = rng.choice(colours)
            c.shadow(ellipse(x, y, size * 0.8, size * 0.7), 8, 16, 12, 0.3, "#0e3028")
            flower_head(c, x, y, size, petal, heart, rng)
    butterflies(c)


def butterflies(c: Canvas) -> None:
    """Two butterflies above the flowers."""
    for x, y, size, tone in ((420, 300, 46, "#f5a33a"), (900, 230, 34, "#6fa8e0")):
        for side in (-1, 1):
            wing = smooth(
                [
                    (0, 0),
                    (side * 0.5, -0.9),
                    (side * 1.15, -0.75),
                    (side * 0.85, -0.05),
                    (side * 0.75, 0.55),
                    (side * 0.3, 0.5),
                ],
                closed=True,
            )
            c.shape(place(wing, x, y, size, -18), (mix(tone, "#ffffff", 0.3), mix(tone, "#5a1a20", 0.35)))
        c.line(place([(0, -0.4), (0, 0.5)], x, y, size, -18), 5, "#3a2430")


def flower_head(c: Canvas, x: float, y: float, size: float, petal: str, heart: str, rng: Random) -> None:
    count = 12 if petal == "#ffffff" else 7
    wide = 0.2 if count == 12 else 0.42
    spin = rng.uniform(0, 60)
    for i in range(count):
        leaf = smooth([(0.1, 0), (0.55, -wide), (1, -wide * 0.4), (1, wide * 0.4), (0.55, wide)], closed=True, steps=6)
        tone = mix(petal, "#ffffff" if i % 2 else "#703050", 0.16)
        points = [(px, y + (py - y) * 0.86) for px, py in place(leaf, x, y, size, spin + 360 * i / count)]
        c.shape(points, (mix(tone, "#ffffff", 0.18), mix(tone, "#601040", 0.16)))
    c.shape(ellipse(x, y, size * 0.27, size * 0.24), (mix(heart, "#ffffff", 0.2), mix(heart, "#200010", 0.25)))


def kite_meadow(c: Canvas) -> None:
    rng = Random(8)
    c.sky("#4fa3dc", "#9bd0ee", "#e6f4f2", bottom=720)
    for x, y, width in ((240, 210, 360), (1120, 330, 320), (640, 470, 260), (1280, 120, 240)):
        cloud(c, x, y, width, ("#ffffff", "#d8e9f3"), 0.95, x)
    for y, far in ((620, "#9cc7c0"), (660, "#86bd94"), (700, "#8cc472")):
        c.ground(rolling(c.w, y, 34, y, 2), (far, mix(far, "#f4f6c8", 0.3)))
    for x, height in ((1120, 130), (1190, 100), (1260, 150), (90, 120)):
        tree(c, x, 712, height, "#8cc069", "#3f7d55", x)
    c.ground(
        smooth([(-20, 800), (400, 740), (800, 770), (1360, 720)]),
        ("#c4dd6e", "#8fc05a", "#4f9450"),
        shadow=0.2,
    )
    string = smooth([(468, 790), (620, 640), (760, 420), (905, 250)])
    c.line(string, 1.8, "#ffffff", alpha=0.9)
    kite = [(960, 110), (1010, 235), (905, 300), (862, 190)]
    for i, tone in enumerate(("#f6b53c", "#e8543f", "#b83a48", "#f08a3c")):
        c.shape([kite[i], kite[(i + 1) % 4], (925, 212)], tone)
    tail = smooth([(905, 300), (890, 370), (930, 420), (900, 490), (945, 540)])
    c.line(tail, 3, "#b83a48")
    for i in (8, 18, 28, 38, 46):
        bx, by = tail[i]
        c.shape([(bx - 17, by - 9), (bx, by), (bx - 17, by + 9)], "#f6b53c")
        c.shape([(bx + 17, by - 9), (bx, by), (bx + 17, by + 9)], "#3f8fc4")
    running_child(c)
    for _ in range(420):
        near = rng.random() ** 0.7
        gx, gy = rng.uniform(0, c.w), 830 + 190 * near
        if rng.random() < 0.7:
            blade(
                c,
                gx,
                gy,
                22 + 60 * near,
                rng.uniform(-18, 24),
                (mix("#b4d767", "#3f8448", rng.random()), "#3f8448"),
            )
        else:
            c.shape(ellipse(gx, gy - 30, 3 + 5 * near), rng.choice(["#ffffff", "#ffd94f", "#f59ab4", "#e8543f"]))


def running_child(c: Canvas) -> None:
    """A child running with a kite."""
    c.shape(ellipse(455, 905, 90, 12), "#2c6040", alpha=0.4, blur=6)
    c.line([(440, 850), (480, 890), (505, 884)], 15, "#3a4f7d")
    c.line([(432, 850), (400, 886), (368, 880)], 15, "#32446e")
    c.shape(
        smooth([(418, 858), (424, 800), (440, 782), (462, 790), (462, 858)], closed=True),
        ("#f0574a", "#c43a40"),
    )
    c.line([(452, 802), (478, 815), (472, 788)], 11, "#f0574a")
    c.line([(428, 802), (402, 830), (384, 822)], 11, "#d84843")
    c.shape(ellipse(448, 756, 21, 23), "#f5c9a0")
    c.shape(arc(446, 753, 24, 25, 150, 330), "#7a4a2c")
