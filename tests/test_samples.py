"""The sample photos of the demo: whole JPEGs in every size, and small enough for a package."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import photosync.fakenas
from photosync.fakenas.samples import SamplePhoto, sample_photos

FOLDER = Path(photosync.fakenas.__file__).with_name("samples")
PHOTOS = sample_photos()
SHORT_SIDES = {"sm": 240, "m": 320, "xl": 1280}
FILES = sorted(FOLDER.glob("*.jpg"))


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height, by the frame header (ITU T.81, B.2.2); every segment up to the scan is walked through."""
    place = 2
    found = (0, 0)
    while data[place + 1] != 0xDA:
        assert data[place] == 0xFF, place
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1] in (0xC0, 0xC1, 0xC2):
            found = (
                int.from_bytes(data[place + 7 : place + 9], "big"),
                int.from_bytes(data[place + 5 : place + 7], "big"),
            )
        place += 2 + length
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_a_whole_jpeg(path: Path) -> None:
    data = path.read_bytes()
    assert data[:3] == b"\xff\xd8\xff"
    assert data[-2:] == b"\xff\xd9"
    width, height = size_of(data)
    assert min(width, height) == SHORT_SIDES[path.stem.rpartition("-")[2]]


def test_every_file_can_be_decoded_to_its_last_row() -> None:
    images = pytest.importorskip("PIL.Image", reason="Pillow is an extra")
    for path in FILES:
        with images.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
            assert image.format == "JPEG"


def test_there_are_at_least_24_photos_in_under_3_megabytes() -> None:
    assert len(PHOTOS) >= 24
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_every_photo_has_each_size_and_there_are_no_other_files() -> None:
    names = [entry["name"] for entry in json.loads((FOLDER / "index.json").read_text("utf-8"))]
    assert len(set(names)) == len(names)
    wanted = {f"{name}-{size}.jpg" for name in names for size in SHORT_SIDES}
    assert {path.name for path in FOLDER.iterdir()} == wanted | {"index.json"}


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.filename)
def test_the_sizes_of_a_photo_show_one_picture_in_one_shape(photo: SamplePhoto) -> None:
    shapes = [size_of(photo.picture(size)) for size in SHORT_SIDES]
    for width, height in shapes:
        assert width / height == pytest.approx(photo.width / photo.height, rel=0.02)
    assert photo.picture("original") == photo.picture("xl")


def test_no_two_photos_are_the_same_picture() -> None:
    assert len({photo.picture("xl") for photo in PHOTOS}) == len(PHOTOS)
