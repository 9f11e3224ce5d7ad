"""Pictures in another size, from bytes to bytes, on pictures that cameras make and on such as nobody should."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest

pytest.importorskip("PIL", reason="Pillow is not installed: there is no wheel of it for this machine")

from hypothesis import given, settings
from hypothesis import strategies as some
from pictures import CORNERS, alike, claiming, corners, display_p3, in_scans, jpeg, opened, quartered, segments
from PIL import Image

from photosync import resize
from photosync.errors import NasBadAnswer
from photosync.fit import Fit
from photosync.resize import resized

BASELINE, PROGRESSIVE, COMMENT = 0xC0, 0xC2, 0xFE
ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F
PHOTO = jpeg(quartered(1200, 800))
# Where each corner of the picture lies in the file (Exif 2.32, section 4.6.4): the stored corners, as seen upright.
SEEN = {1: "0123", 2: "1032", 3: "3210", 4: "2301", 5: "0213", 6: "2031", 7: "3120", 8: "1302"}


def exif(**places: int) -> Image.Exif:
    found = Image.Exif()
    found[MAKER] = "a camera of ours"
    found[ORIENTATION] = places.get("orientation", 1)
    found.get_ifd(GPS)[1], found.get_ifd(GPS)[2] = "N", (46.0, 22.0, 6.0)
    return found


@pytest.mark.parametrize(
    ("fit", "size"),
    [
        (Fit(600, 600), (600, 400)),
        (Fit(600, 600, cover=True), (600, 600)),
        (Fit(0, 100), (150, 100)),
        (Fit(3840, 2160), (1200, 800)),
        (Fit(3840, 2160, cover=True), (1200, 675)),
    ],
)
def test_the_picture_has_the_size_that_was_asked_for(fit: Fit, size: tuple[int, int]) -> None:
    made = resized(PHOTO, fit, 1200)
    assert opened(made).size == size
    assert all(map(alike, corners(made), CORNERS))


def test_cover_cuts_both_sides_alike() -> None:
    striped = Image.new("RGB", (900, 300), "red")
    striped.paste((255, 255, 255), (300, 0, 600, 300))
    made = opened(resized(jpeg(striped), Fit(300, 300, cover=True), 900))
    assert made.size == (300, 300)
    assert made.reduce(300).getpixel((0, 0)) == pytest.approx((255, 255, 255), abs=3)


@pytest.mark.parametrize("orientation", SEEN)
@pytest.mark.parametrize("fit", [Fit(300, 300), Fit(200, 100, cover=True)])
def test_the_orientation_is_applied(orientation: int, fit: Fit) -> None:
    made = resized(jpeg(quartered(1200, 800), exif=exif(orientation=orientation)), fit, 1200)
    upright = (800, 1200) if orientation >= 5 else (1200, 800)
    assert opened(made).size == fit.of(*upright)[0]
    expected = [CORNERS[int(place)] for place in SEEN[orientation]]
    assert all(map(alike, corners(made), expected))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(orientation: int) -> None:
    made = resized(jpeg(quartered(1200, 800), exif=exif(orientation=orientation)), Fit(300, 0), 1200)
    assert all(map(alike, corners(made), CORNERS))


@pytest.mark.filterwarnings("ignore:.*EXIF.*")
@pytest.mark.parametrize("broken", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12"])
def test_broken_exif_is_upright(broken: bytes) -> None:
    photo = jpeg(quartered(120, 80), exif=broken, dpi=(72, 72))  # without dpi Pillow looks there for them at once
    made = resized(photo, Fit(60, 0), 120)
    assert all(map(alike, corners(made), CORNERS))


@pytest.mark.parametrize("profile", [display_p3(), None])
def test_no_metadata_leaves_the_house(profile: bytes | None) -> None:
    xmp = b"<x:xmpmeta>GPSLatitude='46,22.1N'</x:xmpmeta>"
    extras = {"exif": exif(orientation=6), "comment": b"at home", "xmp": xmp, "icc_profile": profile, "dpi": (99, 99)}
    photo = jpeg(quartered(400, 300), **extras)
    assert {marker for marker, _ in segments(photo)} >= {0xE1, COMMENT}
    for fit in (Fit(100, 100), Fit(3840, 3840)):
        made = resized(photo, fit, 400)
        kinds = {marker for marker, _ in segments(made) if marker == COMMENT or 0xE0 <= marker <= 0xEF}
        assert kinds == {0xE0}  # JFIF
        assert b"at home" not in made and b"camera" not in made and b"GPS" not in made
        assert not opened(made).getexif()


@pytest.mark.parametrize("options", [{"progressive": True}, {}])
def test_the_picture_is_baseline_and_has_three_colours(options: dict[str, bool]) -> None:
    photo = jpeg(quartered(640, 480), **options)
    assert any(marker == (PROGRESSIVE if options else BASELINE) for marker, _ in segments(photo))
    frames = [(marker, body) for marker, body in segments(resized(photo, Fit(320, 0), 640)) if 0xC0 <= marker <= 0xC3]
    assert [marker for marker, _ in frames] == [BASELINE]
    assert frames[0][1][5] == 3
    assert frames[0][1][7] == 0x22  # brightness is kept for each pixel, colour for every four (4:2:0)


def test_a_wide_gamut_becomes_srgb() -> None:
    # Display P3 (200, 100, 50) is sRGB (215, 93, 31) by the matrices of CSS Color 4, section 18.
    photo = jpeg(Image.new("RGB", (64, 64), (200, 100, 50)), icc_profile=display_p3(), quality=95)
    assert alike(opened(resized(photo, Fit(32, 32), 64)).getpixel((16, 16)), (215, 93, 31), by=4)  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", [b"not a profile", display_p3()[:200]])
def test_a_broken_profile_counts_as_srgb(profile: bytes) -> None:
    photo = jpeg(Image.new("RGB", (64, 64), (200, 100, 50)), icc_profile=profile)
    assert alike(opened(resized(photo, Fit(32, 32), 64)).getpixel((16, 16)), (200, 100, 50), by=4)  # type: ignore[arg-type]


def test_cmyk_becomes_srgb() -> None:
    made = resized(jpeg(quartered(640, 480, "CMYK")), Fit(320, 0), 640)
    assert all(map(alike, corners(made), CORNERS))


def test_grey_stays_grey() -> None:
    made = resized(jpeg(Image.new("L", (640, 480), 130), subsampling=-1), Fit(320, 0), 640)
    assert alike(corners(made)[0], (130, 130, 130), by=2)


def test_a_profile_of_other_colours_than_the_picture_has_is_ignored() -> None:
    grey = jpeg(Image.new("L", (64, 64), 130), subsampling=-1, icc_profile=display_p3())
    assert alike(corners(resized(grey, Fit(32, 32), 64))[0], (130, 130, 130), by=2)


def test_equal_photos_give_equal_bytes_and_a_lower_quality_fewer() -> None:
    assert resized(PHOTO, Fit(600, 0), 1200) == resized(PHOTO, Fit(600, 0), 1200)
    noise = jpeg(Image.effect_noise((600, 400), 80).convert("RGB"))
    sizes = [len(resized(noise, Fit(300, 0, quality=quality), 600)) for quality in (95, 85, 40, 1)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4


def test_a_rendition_larger_than_the_photo_counts_no_more_than_the_photo() -> None:
    assert opened(resized(PHOTO, Fit(800, 0), 600)).size == (600, 400)
    assert opened(resized(PHOTO, Fit(800, 800, cover=True), 600)).size == (400, 400)


# what must not cost memory


def test_the_header_of_a_bomb_is_all_that_is_read() -> None:
    bomb = claiming(PHOTO, 65_500, 65_500)
    with pytest.raises(NasBadAnswer, match="4290 million pixels to be decoded") as caught:
        resized(bomb, Fit(10, 10), 1200)
    assert caught.value.kind == "too_many_pixels"


@pytest.mark.parametrize(("progressive", "side"), [(True, 4_900), (False, 14_143)])
def test_there_is_a_ceiling_and_a_lower_one_for_progressive_pictures(progressive: bool, side: int) -> None:
    photo = claiming(jpeg(quartered(64, 64), progressive=progressive), side, side)
    with pytest.raises(NasBadAnswer, match=f"{side * side // 1_000_000} million pixels to be decoded"):
        resized(photo, Fit(10, 10), 0)


@pytest.mark.parametrize("photo", [in_scans(quartered(64, 64)), jpeg(quartered(64, 64), progressive=True)])
def test_what_is_in_several_scans_has_the_lower_ceiling(photo: bytes) -> None:
    assert all(map(alike, corners(resized(photo, Fit(32, 32), 0)), CORNERS))
    with pytest.raises(NasBadAnswer, match="24 million pixels to be decoded"):
        resized(claiming(photo, 4_900, 4_900), Fit(10, 10), 0)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_what_is_in_one_scan_has_the_higher_ceiling(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resize, "MOST_PROGRESSIVE_PIXELS", 0)
    assert opened(resized(jpeg(quartered(64, 64, mode), subsampling=-1), Fit(10, 10), 0)).size == (10, 10)


def test_a_picture_of_very_many_scans_is_not_decoded() -> None:
    most = in_scans(quartered(64, 64), *[2] * 97)
    assert most.count(b"\xff\xda") == resize.MOST_SCANS
    assert all(map(alike, corners(resized(most, Fit(32, 32), 0)), CORNERS))
    with pytest.raises(NasBadAnswer, match="more than 100 scans") as caught:
        resized(in_scans(quartered(64, 64), *[2] * 98), Fit(32, 32), 0)
    assert caught.value.kind == "too_many_scans"


def test_scans_of_other_pictures_in_the_file_do_not_count() -> None:
    preview = video = b"\xff\xda\0\2" * 200
    photo = in_scans(quartered(64, 64))
    photo = photo[:2] + b"\xff\xef" + (2 + len(preview)).to_bytes(2) + preview + photo[2:] + b"\0\2" + video
    assert all(map(alike, corners(resized(photo, Fit(32, 32), 0)), CORNERS))


def test_an_end_that_is_none_hides_no_scans() -> None:
    hidden = in_scans(quartered(64, 64), *[2] * 98)
    at = hidden.index(b"\xff\xda", hidden.index(b"\xff\xda") + 2)
    with pytest.raises(NasBadAnswer, match="more than 100 scans"):
        resized(hidden[:at] + b"\xff\xfe\0\4\xff\xd9" + hidden[at:], Fit(32, 32), 0)


@pytest.mark.parametrize("ceiling", ["MOST_PIXELS", "MOST_PROGRESSIVE_PIXELS"])
def test_what_is_as_large_as_the_ceiling_is_resized(ceiling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = jpeg(quartered(64, 64), progressive="PROGRESSIVE" in ceiling)
    monkeypatch.setattr(resize, ceiling, 64 * 64)
    assert opened(resized(photo, Fit(10, 10), 0)).size == (10, 10)
    monkeypatch.setattr(resize, ceiling, 64 * 64 - 1)
    with pytest.raises(NasBadAnswer, match="too much memory"):
        resized(photo, Fit(10, 10), 0)


def test_a_picture_is_decoded_at_the_smallest_scale_that_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    for width, divided in ((1200, 1), (601, 1), (600, 2), (300, 4), (150, 8), (20, 8)):
        pixels = 1200 // divided * (800 // divided)
        monkeypatch.setattr(resize, "MOST_DECODED_PIXELS", pixels)
        assert opened(resized(PHOTO, Fit(width, 0), 1200)).width == width
        monkeypatch.setattr(resize, "MOST_DECODED_PIXELS", pixels - 1)
        with pytest.raises(NasBadAnswer, match="too much memory"):
            resized(PHOTO, Fit(width, 0), 1200)


def test_what_takes_more_memory_than_there_is_has_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load_prepare", full)
    with pytest.raises(NasBadAnswer, match="too many pixels") as caught:
        resized(PHOTO, Fit(10, 10), 0)
    assert caught.value.next_step


# what is no picture


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"GIF89a", PHOTO[:300] + b"\xff\xd9"])
def test_what_is_no_picture_is_told(data: bytes) -> None:
    with pytest.raises(NasBadAnswer) as caught:
        resized(data, Fit(10, 10), 0)
    assert caught.value.kind == "not_decodable"
    assert caught.value.next_step


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None)
@given(some.integers(0, 2**30), some.integers(0, 255), some.integers(0, 3))
def test_whatever_is_damaged_gives_a_picture_or_says_that_it_cannot(place: int, value: int, cuts: int) -> None:
    photo = bytearray(DAMAGED)
    photo[place % len(photo)] = value
    if cuts == 0:
        del photo[place % len(photo) :]
    with suppress(NasBadAnswer):
        assert opened(resized(bytes(photo), Fit(20, 20, cover=True), 120)).format == "JPEG"


DAMAGED = jpeg(quartered(120, 80), exif=exif(orientation=6), icc_profile=display_p3(), progressive=True)


def test_pillow_is_loaded_when_it_is_first_used() -> None:
    code = (
        "import sys, photosync.service; from photosync.resize import load\n"
        "before = 'PIL' in sys.modules; load(); print(before, 'PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "True"]
