"""Texts that must not be shown, and the files that hold them; used on every thread."""

from __future__ import annotations

from pathlib import Path

_MOST_BYTES = 65_536


class Secret:
    """A text that shows itself only to `reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def others_can_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o004)
    except OSError:
        return False


def secret_in(path: Path, what: str = "the password", *, guarded: bool = False) -> Secret:
    """The first line of a secret file; ValueError with the cause and the next step.

    A `guarded` file lies in a folder that only the service sees, and is read whatever its mode.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"'{path}' is far too large: its first line has to be {what}.")
        first_line = content.decode("utf-8-sig").split("\n", 1)[0].removesuffix("\r")
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ValueError(f"'{path}' is not a UTF-8 text file.") from None
    if others_can_read(path) and not guarded:
        raise ValueError(f"every user of this machine can read '{path}'. Run: chmod 600 {path}")
    if not first_line:
        raise ValueError(f"the first line of '{path}' is empty; it has to be {what}.")
    return Secret(first_line)
