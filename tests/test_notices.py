"""The pictures that say why there is no photo: whole, small, and shown to those who show pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_samples import size_of

import photosync
from photosync.degree import Degree
from photosync.notices import notice, wants_picture

FOLDER = Path(photosync.__file__).parent / "static" / "notices"
SHOWN = sorted(set(Degree) - {Degree.OK, Degree.STALE})


def test_there_is_a_picture_for_each_degree_without_photos_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{degree}.jpg" for degree in SHOWN}
    assert len({notice(degree) for degree in SHOWN}) == len(SHOWN)


@pytest.mark.parametrize("degree", SHOWN)
def test_each_is_a_whole_and_small_baseline_jpeg(degree: Degree) -> None:
    data = notice(degree)
    assert data.startswith(b"\xff\xd8\xff")
    assert data.endswith(b"\xff\xd9")
    assert b"\xff\xc0" in data and b"\xff\xc2" not in data
    assert size_of(data) == (1280, 800)
    assert len(data) < 40_000


@pytest.mark.parametrize("degree", SHOWN)
def test_each_is_of_mid_tones_with_its_words_in_the_middle_third(degree: Degree) -> None:
    images = pytest.importorskip("PIL.Image", reason="Pillow is an extra")
    with images.open(FOLDER / f"{degree}.jpg") as image:
        grey = image.convert("L")
        tones = grey.resize((64, 40)).tobytes()
        assert 60 < sum(tones) / len(tones) < 130
        bright = grey.point(lambda tone: 255 * (tone > 170))
        left, top, right, bottom = bright.getbbox()
    assert 420 <= left < right <= 860  # what a screen of 9:16 shows is 415 to 865
    assert 100 <= top < bottom <= 700


@pytest.mark.parametrize(
    "accept",
    [
        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",  # Chromium, <img>
        "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",  # Firefox, <img>
        "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",  # Safari, <img>
        "image/webp,*/*",
        "image/jpeg",
        "IMAGE/JPEG",
        "image/*",
        "image/*;q=0.001",
        "image/png ; q=0.2",
        "application/json;q=0.1, image/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",  # somebody opens the address
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "image/*;q=x",
        None,
        "",
    ],
)
def test_who_shows_pictures_gets_one(accept: str | None) -> None:
    assert wants_picture(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
        "application/json, image/*;q=0.5",
        "image/*, application/json",
        "text/plain",
        "image/*;q=0",
        "image/jpeg;q=0.000, */*",
        "image/*, image/jpeg;q=0",
        "text/html;q=0",
        "video/*",
        ";;,,;q=1",
        "q=1",
    ],
)
def test_who_reads_gets_json(accept: str) -> None:
    assert not wants_picture(accept)


def test_a_very_long_header_is_read_in_no_time() -> None:
    assert wants_picture("a/b;c=d;" * 8000 + ",image/*")
