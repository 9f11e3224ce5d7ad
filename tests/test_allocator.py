"""Memory that is given back: what the C library does with a photo that is dropped."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROBE = """
from photosync.allocator import tune_allocator
from photosync.metrics import resident_bytes
{call}
photos = [bytes([1]) * 60_000 for _ in range(2_000)]
kept = photos[1::2]
full = resident_bytes()
del photos
print(full - resident_bytes())
"""


def given_back(call: str) -> int:
    """Bytes that the system has again after every second photo of 120 MB was dropped."""
    command = [sys.executable, "-c", PROBE.format(call=call)]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is tuned")
def test_dropped_photos_go_back_to_the_system_one_by_one() -> None:
    assert given_back("") < 20_000_000
    assert given_back("tune_allocator()") > 50_000_000
