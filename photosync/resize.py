"""Pictures in another size, by Pillow, which is loaded when first used. Blocks: a worker thread, one at a time."""

from __future__ import annotations

import io
import math
import re
import struct
from typing import TYPE_CHECKING, cast

from .errors import NasBadAnswer, NotInstalled
from .fit import Fit

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.JpegImagePlugin import JpegImageFile

MOST_PIXELS = 200_000_000
MOST_PROGRESSIVE_PIXELS = 24_000_000
"""A picture in several scans is in memory as a whole, with up to six bytes a pixel, before the first pixel is known."""
MOST_DECODED_PIXELS = 40_000_000
"""What may be left after decoding at reduced scale, with four bytes a pixel."""
MOST_SCANS = 100
"""Each one is decoded for the whole picture, however few bytes it has. A camera's or an editor's file has about ten."""
NO_MEMORY = "no_memory"
"""The `kind` of the one error that another try at the same bytes may not give."""

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # neither data that looks like one, nor a restart within a scan
_START_OF_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


def load() -> None:
    """Raises NotInstalled without Pillow."""
    try:
        import PIL.ImageCms
        import PIL.JpegImagePlugin  # noqa: F401  # imported for its effect
    except ImportError:
        raise NotInstalled(
            "Photos can be given in other sizes only with Pillow, which is not installed.",
            "In the environment of photos-sync, run: pip install Pillow. Then start the service again.",
        ) from None


def resized(data: bytes, fit: Fit, longest: int) -> bytes:
    """A JPEG in that size: baseline, upright, in sRGB, without any metadata. Equal bytes for equal ones.

    `longest` is the photo's longer side in pixels (0 if it is not known): no rendition counts for more than that.
    Raises NasBadAnswer.
    """
    try:
        picture, orientation, profile = _opened(data, fit, longest)
        return _encoded(_upright(_in_srgb(picture, profile), orientation), fit.quality)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        raise _unusable("not_decodable", "A picture that the NAS sent cannot be decoded.") from None
    except MemoryError:
        cause = "A picture that the NAS sent has too many pixels to be decoded in the memory that there is."
        raise _unusable(NO_MEMORY, cause) from None


def _opened(data: bytes, fit: Fit, longest: int) -> tuple[Image, int, bytes | None]:
    """The picture in its new size, still as the camera was held, with its orientation and ICC profile. What was decoded
    is not in memory any more.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    stream = io.BytesIO(data)
    picture = JpegImageFile(stream)
    in_scans = _is_in_scans(picture, data[: stream.tell()])
    _check(picture.size, MOST_PROGRESSIVE_PIXELS if in_scans else MOST_PIXELS)
    if in_scans:
        _check_scans(data, stream.tell())
    orientation = _orientation(picture)
    scaled = _scaled(picture, fit, longest, orientation in _SIDEWAYS)
    return scaled, orientation, picture.info.get("icc_profile")


def _is_in_scans(picture: JpegImageFile, header: bytes) -> bool:
    """Whether libjpeg has to read all of it first: progressive, or with a first scan of some of the colours alone."""
    colours = picture.layers
    whole = _START_OF_SCAN + struct.pack(">HB", 6 + 2 * colours, colours)
    return "progressive" in picture.info or header[-len(whole) - 2 * colours - 3 :][: len(whole)] != whole


def _orientation(picture: JpegImageFile) -> int:
    """As in Exif 2.32, section 4.6.4; 1, which is upright, where it cannot be read."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a camera's own idea of Exif makes Pillow raise just about anything
        return 1


def _check(size: tuple[int, int], most: int) -> None:
    """Before anything is decoded: only the header has been read."""
    pixels = size[0] * size[1]
    if pixels > most:
        raise _unusable(
            "too_many_pixels",
            f"A picture that the NAS sent has {pixels // 1_000_000} million pixels to be decoded; "
            f"more than {most // 1_000_000} million take too much memory.",
        )


def _check_scans(data: bytes, at: int) -> None:
    """The data of the first begin `at` that place. What follows the picture, such as a video, is not read."""
    scans = 1
    while (marker := _MARKER.search(data, at)) and marker[0] != _END:
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
        scans += marker[0] == _START_OF_SCAN
        if scans > MOST_SCANS:
            cause = f"A picture that the NAS sent has more than {MOST_SCANS} scans, which take too long to be decoded."
            raise _unusable("too_many_scans", cause)


def _unusable(kind: str, cause: str) -> NasBadAnswer:
    return NasBadAnswer(kind, cause, "It can be had as it is, without w and h.")


def _scaled(picture: JpegImageFile, fit: Fit, longest: int, sideways: bool) -> Image:
    """Decoded at the smallest scale that suffices, cut and scaled down."""
    from PIL.Image import Resampling

    counted = min(longest or max(picture.size), max(picture.size))
    width, height = (max(1, round(side * counted / max(picture.size))) for side in picture.size)
    size, part = fit.of(height, width) if sideways else fit.of(width, height)
    if sideways:
        size, part = size[::-1], part[::-1]
    picture.draft(None, (math.ceil(size[0] / part[0]), math.ceil(size[1] / part[1])))
    _check(picture.size, MOST_DECODED_PIXELS)
    left, top = (float(side * (1 - share) / 2) for side, share in zip(picture.size, part, strict=True))
    return picture.resize(size, Resampling.BICUBIC, (left, top, picture.width - left, picture.height - top))


def _in_srgb(picture: Image, profile: bytes | None) -> Image:
    """A picture without a profile, or with a broken one, counts as sRGB."""
    from PIL import ImageCms

    if profile:
        try:
            source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            return cast("Image", ImageCms.profileToProfile(picture, source, srgb, outputMode="RGB"))
        except (ImageCms.PyCMSError, OSError, ImportError):
            pass
    return picture.convert("RGB")


def _upright(picture: Image, orientation: int) -> Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def _encoded(picture: Image, quality: int) -> bytes:
    picture.info.clear()  # a comment would be written again
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=quality, subsampling="4:2:0", progressive=False, optimize=False)
    return memory.getvalue()
