"""Runs on the simulated NAS's own thread.

One webapi call after its session has been checked: the parameters as DSM reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .items import Album
from .library import TEAM, Library

MOST_ROWS = 5000


class ApiError(Exception):
    """The call is answered with this code, in a reply of status 200.

    The common codes mean the same everywhere; from 400 on they belong to the API that answers them.
    """

    def __init__(self, code: int, errors: Any = None) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


def invalid(name: str, reason: str = "condition") -> ApiError:
    return ApiError(120, {"name": name, "reason": reason})


@dataclass(frozen=True)
class Session:
    sid: str
    account: str
    token: str


@dataclass(frozen=True)
class Request:
    """A call of one API's method.

    Each parameter is read as JSON, and as plain text where it is none: a bare string works, bare digits are a number
    and no string. `link` is the passphrase of the share link that the call came through, "" for an account's.
    """

    api: str
    method: str
    params: Mapping[str, str]
    library: Library
    session: Session
    link: str = ""

    @property
    def team(self) -> bool:
        """Whether the call goes to the shared space's namespace."""
        return self.api.startswith("SYNO.FotoTeam.")

    @property
    def space_owner(self) -> int:
        return TEAM if self.team else self.library.user_id

    def opened_album(self) -> Album | None:
        """The album that the call's passphrase opens; through a share link only the link's own."""
        passphrase = self.text("passphrase")
        return self.library.album_by_passphrase(passphrase) if self.link in ("", passphrase) else None

    def value(self, name: str) -> Any:
        raw = self.params.get(name)
        if raw is None:
            return None
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            return raw

    def text(self, name: str, default: str = "") -> str:
        value = self.value(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise invalid(name, "type")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        value = self.value(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise invalid(name, "required")
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(name, "type")
        return value

    def ids(self, name: str) -> list[int] | None:
        """A JSON list of numbers, even for one."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(entry, int) for entry in value):
            raise invalid(name, "type")
        return value

    def names(self, name: str) -> list[str] | None:
        """A JSON list of words; those that are unknown are ignored later."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise invalid(name, "type")
        return [entry for entry in value if isinstance(entry, str)]

    def page(self) -> slice:
        """Offset and limit: both required, at most 5000 rows; a limit of 0 gives none."""
        offset, limit = self.integer("offset"), self.integer("limit")
        if offset < 0:
            raise invalid("offset")
        if not 0 <= limit <= MOST_ROWS:
            raise invalid("limit")
        return slice(offset, offset + limit)

    def choice(self, name: str, allowed: frozenset[str], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise invalid(name)
        return value
