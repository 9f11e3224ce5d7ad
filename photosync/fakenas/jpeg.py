"""Runs on any thread: pure functions.

Small JPEG files without an imaging library: a flat grey picture whose comment makes it one of its kind.
"""

from __future__ import annotations

START = b"\xff\xd8"
END = b"\xff\xd9"

_LONGEST_COMMENT = 65533
_QUANTIZATION = b"\xff\xdb\x00\x43\x00" + b"\x01" * 64
# One code in each Huffman table: "no change of brightness" and "end of block", one zero bit each.
_ONE_CODE = bytes([1] + [0] * 15) + b"\x00"
_HUFFMAN = b"\xff\xc4\x00\x14\x00" + _ONE_CODE + b"\xff\xc4\x00\x14\x10" + _ONE_CODE
_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"


def flat_jpeg(width: int = 8, height: int = 8, comment: str = "", size_bytes: int = 0) -> bytes:
    """A baseline JPEG that every decoder accepts; padded with comments to about `size_bytes`."""
    blocks = -(-width // 8) * -(-height // 8)
    whole, rest = divmod(blocks * 2, 8)
    # A trailing byte is filled up with ones, as the standard wants.
    pixels = b"\x00" * whole + (bytes([0xFF >> rest]) if rest else b"")
    frame = b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00"
    picture = START + _QUANTIZATION + frame + _HUFFMAN + _SCAN + pixels + END
    return commented(picture, comment, size_bytes)


def commented(picture: bytes, comment: str, size_bytes: int = 0) -> bytes:
    """The same picture with a comment in front: other bytes, equal pixels."""
    text = comment.encode()
    missing = max(0, size_bytes - len(picture) - len(text) - 4)
    text += b"." * missing
    parts = [text[at : at + _LONGEST_COMMENT] for at in range(0, len(text), _LONGEST_COMMENT)]
    segments = b"".join(b"\xff\xfe" + (len(part) + 2).to_bytes(2) + part for part in parts)
    return START + segments + picture[len(START) :]
