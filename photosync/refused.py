"""RefusedLogins: the refused logins of the last minutes, over restarts. Runs on worker threads, one at a time."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .state import keep

WINDOW_SECONDS = 5 * 60
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOST_BYTES = 100_000
_LONGEST_SENTENCE = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """`at` counts from the start of the machine; `sentence` is what was told, without a secret."""

    at: float
    kind: str
    sentence: str


def since_start() -> float:
    """Seconds since the machine was started: its wall clock may be wrong, and this counts for all programs."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def this_start() -> str:
    """A name for this start of the machine, "" where the system has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


class RefusedLogins:
    """Those of one subject (a NAS and an account), in a file that all programs of this user share.

    Whatever is wrong with the file, nothing is raised: then only what this program has met with counts.
    Refusals of another start of the machine count as if they were of the first moment of this one.
    """

    def __init__(
        self,
        clock: Callable[[], float] = since_start,
        folder: Path | None = None,
        *,
        subject: str = "",
        private: bool = False,
        start: str = "",
    ) -> None:
        """`private` says that the folder must be this user's own: it lies where everybody may make folders."""
        self._clock = clock
        self._folder = folder if start else None
        self._private = private
        self._subject = subject
        self._start = start
        self._own: list[Refused] = []

    def recent(self) -> list[Refused]:
        """Those of the last five minutes, oldest first."""
        kept = self._read().get(self._subject, [])
        now = self._clock()
        found = kept + [refused for refused in self._own if refused not in kept]
        return sorted((one for one in found if now - WINDOW_SECONDS < one.at <= now), key=lambda one: one.at)

    def add(self, kind: str, sentence: str) -> None:
        self._own = [*self.recent(), Refused(self._clock(), kind, sentence[:_LONGEST_SENTENCE])]
        if self._folder is None:
            return
        with suppress(OSError, ValueError):  # a path that holds a NUL is a ValueError
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if self._is_safe(self._folder):
                self._write(self._folder, self._read() | {self._subject: self._own})

    def _write(self, folder: Path, table: dict[str, list[Refused]]) -> None:
        earliest = self._clock() - WINDOW_SECONDS
        rows = {
            subject: [[one.at, one.kind, one.sentence] for one in refused]
            for subject, refused in table.items()
            if any(one.at > earliest for one in refused)
        }
        keep(folder / "logins", [json.dumps({"start": self._start, "refused": rows})])

    def _read(self) -> dict[str, list[Refused]]:
        """All subjects', with times of this start; nothing if the file is not ours to trust."""
        try:
            if self._folder is None or not self._is_safe(self._folder):
                return {}
            with (self._folder / "logins").open("rb") as stream:
                content = json.loads(stream.read(_MOST_BYTES))
            is_ours = content["start"] == self._start
            return {subject: [_refused(row, is_ours) for row in rows] for subject, rows in content["refused"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def _is_safe(self, folder: Path) -> bool:
        if not self._private:
            return True
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _refused(row: list[Any], is_ours: bool) -> Refused:
    """ValueError or TypeError if a row is not what this program writes."""
    at, kind, sentence = row
    if not (isinstance(kind, str) and isinstance(sentence, str)):
        raise ValueError("not a refusal")
    return Refused(float(at) if is_ours else 0.0, kind, sentence)
