"""Test pictures, made by Pillow, and what is in a JPEG file."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (240, 240, 240)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""Of `quartered`, from the upper left to the lower right."""

# The primaries of Display P3 against D50, as its ICC profile has them.
_P3 = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}


def quartered(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture with a colour in each of its quarters."""
    picture = Image.new("RGB", (width, height))
    for place, colour in enumerate(CORNERS):
        box = (width // 2 * (place % 2), height // 2 * (place // 2))
        picture.paste(colour, (*box, width, height))
    return picture.convert(mode)


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    memory = io.BytesIO()
    picture.save(memory, "JPEG", **{"quality": 92, "subsampling": "4:4:4"} | options)
    return memory.getvalue()


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def corners(data: bytes) -> list[tuple[int, int, int]]:
    """The colour in the middle of each quarter."""
    picture = opened(data)
    assert picture.mode == "RGB"
    width, height = picture.size
    places = [(width * (1 + 2 * (place % 2)) // 4, height * (1 + 2 * (place // 2)) // 4) for place in range(4)]
    return [picture.getpixel(place) for place in places]  # type: ignore[misc]


def alike(one: tuple[int, ...], other: tuple[int, ...], by: int = 8) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and contents of each part of a JPEG file before its first scan (ITU T.81, annex B)."""
    at = 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4])
        yield data[at + 1], data[at + 4 : at + 2 + length]
        at += 2 + length


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The file with other dimensions in its frame header."""
    at = data.index(b"\xff\xc0") if b"\xff\xc0" in data else data.index(b"\xff\xc2")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def in_scans(picture: Image.Image, *more: int) -> bytes:
    """A baseline JPEG with a scan for each colour (ITU T.81, A.2), and once more for those in `more`."""
    bands = [jpeg(band, subsampling=-1) for band in picture.convert("YCbCr").split()]
    (frame,) = (body for marker, body in segments(bands[0]) if marker == 0xC0)
    kept = [(marker, body) for marker, body in segments(bands[0]) if marker not in (0xC0, 0xE0)]
    colours = b"".join(bytes((place, 0x11, 0)) for place in (1, 2, 3))
    header = [*kept, (0xC0, frame[:5] + b"\x03" + colours)]
    scans = [band[band.index(b"\xff\xda") + 10 : -2] for band in bands]
    return b"".join(
        [b"\xff\xd8"]
        + [struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body for marker, body in header]
        + [struct.pack(">BBHBBBBBB", 0xFF, 0xDA, 8, 1, 1 + at, 0, 0, 63, 0) + scans[at] for at in (0, 1, 2, *more)]
        + [b"\xff\xd9"]
    )


def display_p3() -> bytes:
    """An ICC profile: that of sRGB with the primaries of Display P3 in their place."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for row in range(int.from_bytes(profile[128:132])):
        name, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * row)
        if name in _P3:
            struct.pack_into(">3i", profile, offset + 8, *(round(value * 65536) for value in _P3[name]))
    return bytes(profile)
