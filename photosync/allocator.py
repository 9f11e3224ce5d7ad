"""Memory that is given back; called once, before any thread starts."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_MMAP_THRESHOLD = -3
_ARENA_MAX = -8


def tune_allocator() -> None:
    """Lets glibc give photos back to the system when they are evicted.

    By default it keeps buffers of this size in per-thread arenas, where they nearly double the memory of a busy
    cache: mallopt(3), M_MMAP_THRESHOLD and M_ARENA_MAX. Elsewhere (musl, macOS) this does nothing.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, 32 * 1024)
        mallopt(_ARENA_MAX, 2)
