"""What is asked for, and what it takes of a photo: by example, and for any photo and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from photosync.errors import BadParameter
from photosync.fit import Fit
from photosync.models import RENDITIONS, Photo

PHOTO = Photo(7, 407, "407_1", "xl", "7.jpg", 0, 6000, 4000, "album", renditions=RENDITIONS)
SHORT_SIDES = {"sm": 240, "m": 320, "xl": 1280, "original": 10**6}

sides = some.integers(1, 30_000)
wanted = some.integers(1, 3840)


def asked(query: str) -> Fit | None:
    return Fit.asked_for(dict(parse_qsl(query, keep_blank_values=True)).get)


def rendition(width: int, height: int, size: str) -> tuple[int, int]:
    """What the NAS makes of a photo: the short side is fixed, and nothing is enlarged."""
    scale = min(Fraction(1), Fraction(SHORT_SIDES[size], min(width, height)))
    return int(width * scale), int(height * scale)


# what is asked for


@pytest.mark.parametrize(
    ("query", "fit"),
    [
        ("w=800&h=480&fit=cover", Fit(800, 480, cover=True)),
        ("w=800&h=480&fit=contain&quality=1", Fit(800, 480, quality=1)),
        ("w=3840&h=3840&quality=95", Fit(3840, 3840, quality=95)),
        ("w=1", Fit(1, 0)),
        ("h=0480&nonce=1", Fit(0, 480)),
        ("h=480&fit=cover", Fit(0, 480)),  # nothing is cut off if one side alone is bounded
        ("", None),
        ("fit=cover&quality=9", None),
    ],
)
def test_the_parameters_say_what_is_wanted(query: str, fit: Fit | None) -> None:
    assert asked(query) == fit


@pytest.mark.parametrize(
    "value", ["", "0", "3841", "-1", "+1", "1.0", " 1", "1e3", "0x10", "٣", "99999999999999999999", "a"]
)
@pytest.mark.parametrize("name", ["w", "h"])
def test_a_side_is_a_whole_number_within_bounds(name: str, value: str) -> None:
    with pytest.raises(BadParameter, match=f"^{name} is not a whole number from 1 to 3840.$") as caught:
        Fit.asked_for({"w": "5", "h": "5", name: value}.get)
    assert "?w=" in caught.value.next_step


@pytest.mark.parametrize("value", ["", "0", "96", "100", "high"])
def test_the_quality_is_from_1_to_95(value: str) -> None:
    with pytest.raises(BadParameter, match="quality is not a whole number from 1 to 95"):
        Fit.asked_for({"w": "5", "quality": value}.get)


@pytest.mark.parametrize("value", ["Cover", "fill", "blur", "contain,cover"])
def test_there_are_two_ways_to_fit(value: str) -> None:
    with pytest.raises(BadParameter, match="fit is neither contain nor cover"):
        Fit.asked_for({"h": "5", "fit": value}.get)


@given(wanted | some.none(), wanted | some.none(), some.sampled_from(["contain", "cover", None]), some.integers(1, 95))
def test_the_query_asks_for_the_same_again(
    width: int | None, height: int | None, how: str | None, quality: int
) -> None:
    given_ones: Mapping[str, object] = {"w": width, "h": height, "fit": how, "quality": quality}
    fit = Fit.asked_for({name: str(value) for name, value in given_ones.items() if value is not None}.get)
    if fit is not None:
        assert asked(fit.query) == fit


# the shape of what comes out


@pytest.mark.parametrize(
    ("fit", "photo", "size"),
    [
        (Fit(800, 480), (6000, 4000), (720, 480)),
        (Fit(800, 480), (4000, 6000), (320, 480)),
        (Fit(800, 480), (640, 480), (640, 480)),
        (Fit(800, 480), (12_000, 1000), (800, 67)),
        (Fit(800, 480), (100, 100), (100, 100)),
        (Fit(800, 0), (6000, 4000), (800, 533)),
        (Fit(0, 480), (6000, 4000), (720, 480)),
        (Fit(3840, 1), (30_000, 30_000), (1, 1)),
        (Fit(800, 480, cover=True), (6000, 4000), (800, 480)),
        (Fit(800, 480, cover=True), (480, 800), (480, 288)),
        (Fit(800, 480, cover=True), (2000, 400), (666, 400)),
        (Fit(800, 480, cover=True), (800, 480), (800, 480)),
        (Fit(3840, 1, cover=True), (10, 10_000), (10, 1)),
    ],
)
def test_the_size_of_what_comes_out(fit: Fit, photo: tuple[int, int], size: tuple[int, int]) -> None:
    assert fit.of(*photo)[0] == size


def test_cover_shows_the_middle() -> None:
    assert Fit(500, 500, cover=True).of(6000, 4000)[1] == (Fraction(2, 3), 1)
    assert Fit(800, 400, cover=True).of(4000, 4000)[1] == (1, Fraction(1, 2))


@given(sides, sides, wanted, wanted, some.sampled_from("wh "))
@example(1, 30_000, 3840, 1, " ")
def test_contain_shows_all_of_a_photo_as_large_as_may_be(width: int, height: int, w: int, h: int, alone: str) -> None:
    fit = Fit(0 if alone == "h" else w, 0 if alone == "w" else h)
    (across, down), part = fit.of(width, height)
    assert part == (1, 1)
    assert 1 <= across <= width and 1 <= down <= height
    assert across <= (fit.width or width) and down <= (fit.height or height)
    assert (across, down) == (width, height) or across == fit.width or down == fit.height
    assert abs(Fraction(width * down, height) - across) <= max(1, Fraction(width, height))


@given(sides, sides, wanted, wanted)
@example(10, 10_000, 3840, 1)
def test_cover_is_exact_as_far_as_the_photo_allows(width: int, height: int, w: int, h: int) -> None:
    (across, down), part = Fit(w, h, cover=True).of(width, height)
    if width >= w and height >= h:
        assert (across, down) == (w, h)
    assert 1 <= across <= min(width, w) and 1 <= down <= min(height, h)
    shown_width, shown_height = part[0] * width, part[1] * height
    assert across <= shown_width <= width and down <= shown_height <= height  # nothing is enlarged
    assert 1 in part  # nothing is cut off on two sides
    if min(shown_width, shown_height) > 1:
        assert shown_width * h == shown_height * w  # nothing is distorted


# what it is made from


@pytest.mark.parametrize(
    ("fit", "source"),
    [
        (Fit(360, 240), "sm"),
        (Fit(360, 240, cover=True), "sm"),
        (Fit(361, 240, cover=True), "m"),
        (Fit(361, 0), "m"),
        (Fit(800, 480), "xl"),
        (Fit(1920, 1280), "xl"),
        (Fit(1921, 0), "original"),
        (Fit(1920, 1281, cover=True), "original"),
        (Fit(3840, 200), "sm"),
    ],
)
def test_the_smallest_rendition_that_suffices_is_taken(fit: Fit, source: str) -> None:
    assert fit.sources(PHOTO)[0] == source


@given(sides, sides, wanted, wanted, some.booleans())
def test_of_the_rendition_comes_what_would_come_of_the_photo(
    width: int, height: int, w: int, h: int, cover: bool
) -> None:
    fit = Fit(w, h, cover)
    source = fit.sources(replace(PHOTO, width=width, height=height))[0]
    made, best = fit.of(*rendition(width, height, source))[0], fit.of(width, height)[0]
    if cover and width >= w and height >= h:
        assert made == best == (w, h)
    assert all(abs(one - other) <= 1 + other // 100 for one, other in zip(made, best, strict=True))


@given(sides, sides, wanted, wanted, some.booleans())
def test_no_smaller_rendition_would_do(width: int, height: int, w: int, h: int, cover: bool) -> None:
    fit = Fit(w, h, cover)
    source = fit.sources(replace(PHOTO, width=width, height=height))[0]
    for size in RENDITIONS[: RENDITIONS.index(source)]:
        scale = max(Fraction(one, other) for one, other in zip(fit.of(width, height)[0], (width, height), strict=True))
        assert Fraction(SHORT_SIDES[size], min(width, height)) < scale + Fraction(1, min(width, height))


def test_what_the_nas_does_not_have_is_not_asked_for() -> None:
    heic = replace(PHOTO, filename="7.HEIC", renditions=("sm", "m", "xl"))
    assert Fit(3840, 2160).sources(heic) == ("xl",)
    assert Fit(100, 100).sources(replace(PHOTO, renditions=("xl", "original"))) == ("xl",)
    assert Fit(3840, 0).sources(replace(PHOTO, size="sm", renditions=("sm",))) == ("sm",)
    assert Fit(100, 100).sources(replace(PHOTO, size="m", renditions=())) == ("m",)


def test_what_cannot_be_had_is_made_of_xl_or_of_what_is_listed() -> None:
    assert Fit(3840, 0).sources(replace(PHOTO, size="sm")) == ("original", "xl", "sm")
    assert Fit(100, 0).sources(replace(PHOTO, size="original")) == ("sm", "xl", "original")
    assert Fit(800, 0).sources(PHOTO) == ("xl",)


@pytest.mark.parametrize(
    ("fit", "source"), [(Fit(320, 240), "sm"), (Fit(320, 240, cover=True), "m"), (Fit(320, 0), "m")]
)
def test_of_a_photo_of_unknown_shape_every_side_has_to_do(fit: Fit, source: str) -> None:
    assert fit.sources(replace(PHOTO, width=0, height=0))[0] == source


def test_every_size_is_a_picture_of_its_own() -> None:
    fits = [Fit(8, 9), Fit(9, 8), Fit(8, 9, cover=True), Fit(8, 9, quality=1), Fit(8, 0), Fit(0, 8)]
    pictures = [fit.picture_of(PHOTO, source) for fit in fits for source in RENDITIONS] + [PHOTO]
    assert len({picture.key for picture in pictures}) == len({picture.etag for picture in pictures}) == len(pictures)
    assert {picture.key[:2] for picture in pictures} == {(7, "407_1")}
