"""LoginBrake: when another login may be tried. Runs on worker threads, one at a time: the session holds its lock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol

from . import dsm
from .errors import LoginRefused, NasError, NasUnreachable
from .refused import UNANSWERED, WINDOW_SECONDS, Refused, RefusedLogins

_REFUSED_SECONDS = 30 * 60
_BLOCKED_SECONDS = 60 * 60
_REFUSED_PER_WINDOW = 3
_LOGINS_PER_WINDOW = 6
_LOGIN_WINDOW_SECONDS = 10 * 60
_UNDER_WAY_SECONDS = 20.0

# The login did not reach DSM, was accepted, or had the right password and lacks a code only.
_NO_REFUSAL: Collection[str] = ("dns", "refused", "unreachable", "bad_sid", dsm.CODE_WANTED_KIND)


class Revealing(Protocol):
    def reveal(self) -> str: ...


class _Refusal(NamedTuple):
    error: LoginRefused
    secret: Revealing
    until: float


class LoginBrake:
    """A NAS blocks an address after a few failed logins, so a refusal stands until its cause can be gone.

    A restart or a changed secret may be the cure; but more than three logins are not refused within five minutes, nor
    more than one by a NAS that has blocked this machine already. The last of the three is kept for another secret than
    those that were refused, so that whoever has the wrong one does not keep out whoever has the right one. A login
    counts from before it is sent, and goes on counting if no answer comes. `refused` remembers all this over restarts.
    """

    def __init__(self, clock: Callable[[], float], refused: RefusedLogins | None = None) -> None:
        self._clock = clock
        self._refused = refused or RefusedLogins(clock)
        self._refusal: _Refusal | None = None
        self._logins: deque[float] = deque()

    @contextmanager
    def login(self, secret: Revealing) -> Iterator[None]:
        """Around the one login that is made with this secret; what it raises tells what came of it.

        Raises the LoginRefused that still stands for this secret, LoginRefused("refused_often"), or
        NasUnreachable("login_brake").
        """
        self._check_refusal(secret)
        self._check_rate()
        under_way = Refused(self._clock(), UNANSWERED, "", self._refused.mark(secret.reveal()))
        self._refused.change(lambda recent: [*_allowed(recent, under_way), under_way])
        try:
            yield
        except NasError as error:
            self._note_failure(error, secret, under_way)
            raise
        self._logins.append(self._clock())
        self._refused.change(lambda recent: [one for one in recent if not _was_right(one, under_way)])

    def _check_refusal(self, secret: Revealing) -> None:
        refusal = self._refusal
        if refusal is not None and refusal.secret == secret and self._clock() < refusal.until:
            raise refusal.error.with_traceback(None)
        self._refusal = None

    def _check_rate(self) -> None:
        now = self._clock()
        while self._logins and self._logins[0] <= now - _LOGIN_WINDOW_SECONDS:
            self._logins.popleft()
        if len(self._logins) >= _LOGINS_PER_WINDOW:
            raise NasUnreachable(
                "login_brake",
                f"{len(self._logins)} logins were needed within ten minutes, so no more are made for a while.",
                "Perhaps something else uses the same account: give photos-sync an account of its own.",
                retry_after_seconds=self._logins[0] + _LOGIN_WINDOW_SECONDS - now,
            )

    def _note_failure(self, error: NasError, secret: Revealing, under_way: Refused) -> None:
        now = self._clock()
        if isinstance(error, LoginRefused):
            pause = _BLOCKED_SECONDS if error.kind == dsm.BLOCKED_KIND else _REFUSED_SECONDS
            self._refusal = _Refusal(error, secret, now + pause)
        if error.kind in _NO_REFUSAL or error.kind.startswith("api_"):
            self._refused.change(lambda recent: _without(recent, under_way))
        elif isinstance(error, LoginRefused):
            refused = Refused(now, error.kind, str(error), under_way.mark)
            self._refused.change(lambda recent: [*_without(recent, under_way), refused])


def _without(recent: list[Refused], one: Refused) -> list[Refused]:
    rest = list(recent)
    with suppress(ValueError):
        rest.remove(one)
    return rest


def _was_right(one: Refused, accepted: Refused) -> bool:
    """What was not answered was no refusal either if its secret is accepted now."""
    return one.kind == UNANSWERED and one.mark == accepted.mark


def _allowed(recent: list[Refused], login: Refused) -> list[Refused]:
    """`recent`, if it lets this login be made. Raises LoginRefused or NasUnreachable."""
    refused = [one for one in recent if one.kind != UNANSWERED]
    is_known = any(one.mark == login.mark for one in refused)
    most = _REFUSED_PER_WINDOW - 1 if is_known else _REFUSED_PER_WINDOW
    standing = [one.at for one in refused if one.kind == dsm.BLOCKED_KIND]
    is_blocked = bool(standing)
    if len(recent) >= most:
        standing.append(recent[-most].at)
    if standing:
        wait = max(standing) + WINDOW_SECONDS - login.at
        raise _held_back(recent, refused, wait, is_cured_by_change=not is_blocked and len(recent) < _REFUSED_PER_WINDOW)
    return recent


def _held_back(recent: list[Refused], refused: list[Refused], wait: float, *, is_cured_by_change: bool) -> NasError:
    count = "One login" if len(recent) == 1 else f"{len(recent)} logins"
    # One that is under way may be accepted in a moment.
    retry_after = wait if len(refused) == len(recent) else min(wait, _UNDER_WAY_SECONDS)
    if not refused:
        return NasUnreachable(
            "login_brake",
            f"{count} of the last five minutes have no answer yet: another one is possible in {_in_words(wait)}.",
            "The NAS may be busy; a larger --timeout gives it more time to answer.",
            retry_after_seconds=retry_after,
        )
    came = f"{'was' if len(recent) == 1 else 'were'} refused{'' if len(refused) == len(recent) else ' or not answered'}"
    cure = ", or at once with another password" if is_cured_by_change else ""
    return LoginRefused(
        "refused_often",
        f"{count} {came} within five minutes, and the NAS blocks a machine that goes on: another one is possible in "
        f"{_in_words(wait)}{cure}.",
        f"The last answer was: {refused[-1].cause}",
        retry_after_seconds=retry_after,
    )


def _in_words(seconds: float) -> str:
    count, unit = (math.ceil(seconds / 60), "minute") if seconds > 90 else (math.ceil(seconds), "second")
    return f"{count} {unit}{'s' * (count > 1)}"
