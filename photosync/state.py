"""Files that outlive the program: whole or not there at all, and for their owner alone; used on every thread."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

_LOCK_SECONDS = 2.0


def state_folder(named: str | None, environment: Mapping[str, str]) -> Path | None:
    """The state directory: the one that was named, or the first that systemd has made."""
    text = named or environment.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(text) if text else None


def prepare_folder(folder: Path) -> str:
    """Makes the state directory, for its owner alone, if it is missing; "" or why nothing can be kept there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = "" if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
    except FileExistsError:
        problem = "it is not a directory"
    except (OSError, ValueError) as error:  # a path that holds a NUL is a ValueError
        problem = str(getattr(error, "strerror", error))
    if not problem:
        return ""
    return (
        f"The state directory '{folder}' cannot be written ({problem}), so nothing is kept over a restart. "
        "Correct its owner and mode, or --state-dir."
    )


class Claim:
    """A state directory is one service's: two would remove each other's photos."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def claim(folder: Path) -> Claim | None:
    """The directory for this process alone, until it ends; None if another one has it, which the log is told.

    A directory that can't be opened can't be claimed by anybody, and is told by whoever uses it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return Claim(-1)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        log.error(
            "Another photos-sync uses the state directory %s, so this one keeps nothing. "
            "Give each a --state-dir of its own.",
            folder,
        )
        return None
    return Claim(descriptor)


class StateTrouble:
    """What the log is told of a state directory that cannot be used: once that it is so, and once that it is over."""

    def __init__(self, folder: Path, *, is_on: bool = False) -> None:
        self.is_on = is_on
        self._folder = folder

    def met(self, error: OSError) -> None:
        if not self.is_on:
            log.error(
                "Nothing can be kept in %s (%s). The service goes on without; after a restart photos have to come from "
                "the NAS. Make room, or choose another --state-dir.",
                self._folder,
                error.strerror or error,
            )
        self.is_on = True

    def is_over(self) -> None:
        if self.is_on:
            log.info("Photos are kept in %s again.", self._folder)
        self.is_on = False


def keep(path: Path, lines: Iterable[str], *, durable: bool = True) -> None:
    """Writes the file, so that a power cut leaves the old one or the new one; unless `durable`, perhaps neither.

    What root writes belongs to the folder's owner: a service's account has to read it. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # readable by its owner alone
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            _give(stream.fileno(), path.parent)
            stream.writelines(lines)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def clear_unfinished(path: Path) -> None:
    """Removes what `keep` has left of this file when it was killed; for its only writer, or under its lock.

    Raises OSError.
    """
    for left in path.parent.glob(f".{path.name}-*"):
        left.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Keeps out other programs that want the lock of this name; waits a moment for one that has it. Raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(folder / name, flags, 0o600)
    try:
        _give(descriptor, folder)
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """A program that was suspended while it had the lock must not hold up the others for ever."""
    patience_until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > patience_until:
                raise
        time.sleep(0.01)


def _give(descriptor: int, folder: Path) -> None:
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
