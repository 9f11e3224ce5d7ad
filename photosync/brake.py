"""LoginBrake: when another login may be tried. Runs on worker threads, one at a time: the session holds its lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from . import dsm
from .errors import LoginRefused, NasUnreachable
from .secret import Secret

_REFUSED_SECONDS = 30 * 60
_BLOCKED_SECONDS = 60 * 60
_LOGINS_PER_WINDOW = 6
_LOGIN_WINDOW_SECONDS = 10 * 60


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: LoginRefused
    secret: Secret
    until: float


class LoginBrake:
    """A NAS blocks an address after a few failed logins, so a refusal stands until its cause can be gone."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refusal: _Refusal | None = None
        self._logins: deque[float] = deque()

    def check(self, secret: Secret) -> None:
        """Raises the LoginRefused that still stands for this secret, or NasUnreachable("login_brake")."""
        now = self._clock()
        refusal = self._refusal
        if refusal is not None and refusal.secret == secret and now < refusal.until:
            raise refusal.error.with_traceback(None)
        self._refusal = None
        while self._logins and self._logins[0] <= now - _LOGIN_WINDOW_SECONDS:
            self._logins.popleft()
        if len(self._logins) >= _LOGINS_PER_WINDOW:
            raise NasUnreachable(
                "login_brake",
                f"{len(self._logins)} logins were needed within ten minutes, so no more are made for a while.",
                "Perhaps something else uses the same account: give photos-sync an account of its own.",
                retry_after_seconds=self._logins[0] + _LOGIN_WINDOW_SECONDS - now,
            )

    def note_login(self) -> None:
        self._logins.append(self._clock())

    def note_refusal(self, error: LoginRefused, secret: Secret) -> None:
        pause = _BLOCKED_SECONDS if error.kind == dsm.BLOCKED_KIND else _REFUSED_SECONDS
        self._refusal = _Refusal(error, secret, self._clock() + pause)
