"""RefusedLogins: logins that were refused or not answered, over restarts. Runs on worker threads, one at a time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import dsm
from .state import clear_unfinished, keep, locked

log = logging.getLogger(__name__)

WINDOW_SECONDS = 5 * 60
UNANSWERED = "unanswered"
"""The kind of a login that is under way, or whose answer never came."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOST_BYTES = 100_000
_FILE = "logins"


class Refused(NamedTuple):
    """`at` counts from the start of the machine; `cause` is what was told, without a secret.

    `mark` tells the login's secret from others, mostly; None if it was of another start of the machine.
    """

    at: float
    kind: str
    cause: str
    mark: int | None


_Table = dict[str, list[Refused]]


def since_start() -> float:
    """Seconds since the machine was started: its wall clock may be wrong, and this counts for all programs."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def this_start() -> str:
    """A name for this start of the machine, "" where the system has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


class RefusedLogins:
    """Those of one subject (a NAS and an account), in a file that all programs of this user share.

    That a NAS has blocked this machine counts for all accounts at its `address`. Whatever is wrong with the file,
    nothing is raised: then only what this program has met with counts, and the log says so once.
    Logins of another start of the machine count as if they were of the first moment of this one.
    """

    def __init__(
        self,
        clock: Callable[[], float] = since_start,
        folder: Path | None = None,
        *,
        private: Sequence[Path] = (),
        subject: str = "",
        address: str = "",
        start: str = "",
    ) -> None:
        """The file is in `folder`, or in the first of `private` that will do: those must be this user's own, since they
        lie where everybody may make folders.
        """
        self._clock = clock
        self._folders = [*([folder] if folder else []), *private]
        self._private = frozenset(private)
        self._subject = subject
        self._address = f"at {address}"
        self._start = start
        self._own: list[Refused] = []
        self._told = False

    def mark(self, secret: str) -> int:
        """One of 256, so that it fits far too many secrets to find one by it."""
        return hashlib.sha256("\n".join((self._start, self._subject, secret)).encode()).digest()[0]

    def change(self, edit: Callable[[list[Refused]], list[Refused]]) -> None:
        """One step among all programs: `edit` is given the logins of the last five minutes, oldest first, and returns
        those that stand from now on. What it raises leaves all as it was; it may be called again.
        """
        for folder in self._folders if self._start else ():
            try:
                self._change_in(folder, edit)
                return
            except (OSError, ValueError):  # a path that holds a NUL is a ValueError
                continue
        if self._folders and not self._told:
            self._told = True
            log.warning("Refused logins cannot be remembered over a restart: no folder for that can be used.")
        self._own = edit(self._recent([]))

    def _change_in(self, folder: Path, edit: Callable[[list[Refused]], list[Refused]]) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder in self._private:
            _make_safe(folder)
        with locked(folder, f".{_FILE}.lock"):
            clear_unfinished(folder / _FILE)
            table = self._read(folder)
            kept = table.get(self._subject, []) + table.get(self._address, [])
            after = edit(self._recent(kept))
            if after != kept:
                blocked = [one for one in after if one.kind == dsm.BLOCKED_KIND]
                others = [one for one in after if one.kind != dsm.BLOCKED_KIND]
                self._write(folder, table | {self._subject: others, self._address: blocked})
        self._own = [one for one in after if one in self._own or one not in kept]

    def _recent(self, kept: list[Refused]) -> list[Refused]:
        now = self._clock()
        found = kept + [one for one in self._own if one not in kept]
        return sorted((one for one in found if now - WINDOW_SECONDS < one.at <= now), key=lambda one: one.at)

    def _write(self, folder: Path, table: _Table) -> None:
        earliest = self._clock() - WINDOW_SECONDS
        rows = {
            subject: [[one.at, one.kind, one.cause, one.mark] for one in logins]
            for subject, logins in table.items()
            if any(one.at > earliest for one in logins)
        }
        if rows:
            text = json.dumps({"start": self._start, "logins": rows})
            keep(folder / _FILE, [text], durable=False)  # every login waits for this
        else:
            (folder / _FILE).unlink(missing_ok=True)

    def _read(self, folder: Path) -> _Table:
        """All subjects', with times of this start; nothing if the file is not what this program writes."""
        try:
            content = json.loads(_bytes_of(folder / _FILE))
            is_ours = content["start"] == self._start
            return {subject: [_login(row, is_ours) for row in rows] for subject, rows in content["logins"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
            return {}


def _make_safe(folder: Path) -> None:
    """PermissionError if it is another user's, or no folder."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _bytes_of(path: Path) -> bytes:
    """The first of a plain file, OSError or ValueError if it is anything else; waits for nobody."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError("not a file of logins")
        return stream.read(_MOST_BYTES)


def _login(row: list[Any], is_ours: bool) -> Refused:
    """ValueError, TypeError or ArithmeticError if a row is not what this program writes."""
    at, kind, cause, mark = row
    if not (isinstance(kind, str) and isinstance(cause, str) and isinstance(mark, int | None)):
        raise ValueError("not a login")
    return Refused(float(at), kind, cause, mark) if is_ours else Refused(0.0, kind, cause, None)
