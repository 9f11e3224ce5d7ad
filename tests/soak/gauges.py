"""What the process of the service takes, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    at: float
    resident_bytes: int
    descriptors: int
    threads: int


def sample(pid: int, at: float) -> Sample:
    folder = Path(f"/proc/{pid}")
    pages = int((folder / "statm").read_text().split()[1])
    threads = len(list((folder / "task").iterdir()))
    return Sample(at, pages * os.sysconf("SC_PAGE_SIZE"), len(list((folder / "fd").iterdir())), threads)
