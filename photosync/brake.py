"""LoginBrake: when another login may be tried. Runs on worker threads, one at a time: the session holds its lock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from . import dsm
from .errors import LoginRefused, NasUnreachable
from .refused import WINDOW_SECONDS, Refused, RefusedLogins

_REFUSED_SECONDS = 30 * 60
_BLOCKED_SECONDS = 60 * 60
_REFUSED_PER_WINDOW = 3
_LOGINS_PER_WINDOW = 6
_LOGIN_WINDOW_SECONDS = 10 * 60


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: LoginRefused
    secret: object
    until: float


class LoginBrake:
    """A NAS blocks an address after a few failed logins, so a refusal stands until its cause can be gone.

    A restart or a changed secret may be the cure; but more than three logins are not refused within five minutes,
    nor more than one by a NAS that has blocked this machine already. `refused` remembers them over restarts.
    """

    def __init__(self, clock: Callable[[], float], refused: RefusedLogins | None = None) -> None:
        self._clock = clock
        self._refused = refused or RefusedLogins(clock)
        self._refusal: _Refusal | None = None
        self._logins: deque[float] = deque()

    def check(self, secret: object) -> None:
        """Raises the LoginRefused that still stands for this secret, LoginRefused("refused_often"), or
        NasUnreachable("login_brake").
        """
        now = self._clock()
        refusal = self._refusal
        if refusal is not None and refusal.secret == secret and now < refusal.until:
            raise refusal.error.with_traceback(None)
        self._refusal = None
        self._check_refused(self._refused.recent(), now)
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

    def note_refusal(self, error: LoginRefused, secret: object) -> None:
        pause = _BLOCKED_SECONDS if error.kind == dsm.BLOCKED_KIND else _REFUSED_SECONDS
        self._refusal = _Refusal(error, secret, self._clock() + pause)
        self._refused.add(error.kind, error.sentence)

    def _check_refused(self, recent: list[Refused], now: float) -> None:
        standing = [one.at for one in recent if one.kind == dsm.BLOCKED_KIND]
        if len(recent) >= _REFUSED_PER_WINDOW:
            standing.append(recent[-_REFUSED_PER_WINDOW].at)
        if not standing:
            return
        wait = max(standing) + WINDOW_SECONDS - now
        count = "One login was" if len(recent) == 1 else f"{len(recent)} logins were"
        raise LoginRefused(
            "refused_often",
            f"{count} refused within five minutes, and the NAS blocks a machine that goes on: the next one is made in "
            f"{_in_words(wait)}.",
            f"The last answer was: {recent[-1].sentence}",
            retry_after_seconds=wait,
        )


def _in_words(seconds: float) -> str:
    count, unit = (math.ceil(seconds / 60), "minute") if seconds > 90 else (math.ceil(seconds), "second")
    return f"{count} {unit}{'s' * (count > 1)}"
