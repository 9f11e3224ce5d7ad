"""What can go wrong, in words for somebody who runs a picture frame; used on every thread.

    PhotosSyncError             a cause, and the next step
    ├── ConfigError             the configuration cannot be used (every mistake, told at once)
    ├── PhotoNotFound           no photo of that id or name is in the album
    ├── NoSuchAlbum             no album of that name is among those that are served
    ├── NothingSynced           no listing of the album has been completed yet
    ├── Busy                    this server has no room for one more download at the moment
    ├── WrongHost               asked for under a name that may not be this server's
    ├── TokenWanted             asked for without the access token, or with a wrong one
    ├── TooManyGuesses          asked for with too many wrong access tokens
    ├── BadParameter            a client asked for something in a way that has no meaning
    ├── NotInstalled            what was asked for takes a package that is not installed
    └── NasError                the NAS is the cause
        ├── NasUnreachable      it could not be reached, or asked for patience: worth another try
        │   └── NasTimeout      it did not answer completely in time
        ├── NasBadAnswer        it answered something that cannot be used
        │   └── NasRedirects    it sent us to another address, where nobody follows
        ├── NasCallRefused      it refused this one call (an error code that no login cures)
        ├── LoginRefused        it refused the account: not tried again until that can have changed
        └── AlbumProblem        the album cannot be served (missing, ambiguous, empty)

HTTP statuses are no concern of these classes: `web.STATUSES` maps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

LOOK_FOR_IT = "photos-sync --check looks for the right one."
"""Ends the next step where the address may be wrong; --check puts what it found in its place."""

LOOK_AT_IT = "photos-sync --check shows the certificate, and how to trust it."
"""Ends the next step where a certificate is not trusted; --check leaves it out and shows the certificate."""


class PhotosSyncError(Exception):
    """`str()` is one sentence that names the cause; `next_step` says what to do about it ("" if nothing).

    Neither ever holds a secret. `retry_after_seconds` is set where waiting helps.
    """

    def __init__(self, cause: str, next_step: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(cause)
        self.next_step = next_step
        self.retry_after_seconds = retry_after_seconds

    def after(self, seconds: float) -> Self:
        """The same error, remembered, with the time that is left until the next try."""
        copy = type(self).__new__(type(self), *self.args)
        vars(copy).update(vars(self))
        copy.retry_after_seconds = max(1.0, seconds)
        return copy

    @property
    def sentence(self) -> str:
        """Cause and next step, for a log line or a terminal."""
        return f"{self} {self.next_step}".strip()


class ConfigError(PhotosSyncError):
    """`mistakes` holds one sentence for each thing that is wrong."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class PhotoNotFound(PhotosSyncError):
    """No such photo in the catalog, or the NAS says that it is gone."""


class NoSuchAlbum(PhotosSyncError):
    """A client asked for an album that is not among those of --album."""


class NothingSynced(PhotosSyncError):
    """Asked for a photo before the first listing of the album was complete."""


class Busy(PhotosSyncError):
    """Too many downloads are waiting, or the memory limit is taken by photos still being sent."""


class WrongHost(PhotosSyncError):
    """The host name of a request is neither of this network nor one of --allowed-host."""


class TokenWanted(PhotosSyncError):
    """A request has no access token, or a wrong one."""


class TooManyGuesses(PhotosSyncError):
    """An address has sent so many wrong access tokens that none from there is looked at for a while."""


class BadParameter(PhotosSyncError):
    """A parameter of an address is out of its bounds."""


class NotInstalled(PhotosSyncError):
    """An extra of this distribution is missing."""


class NasError(PhotosSyncError):
    """`kind` is one word for logs and metrics (`dns`, `refused`, `timeout`, `tls`, `http_500`, `api_119`, …)."""

    def __init__(self, kind: str, cause: str, next_step: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(cause, next_step, retry_after_seconds=retry_after_seconds)
        self.kind = kind


class NasUnreachable(NasError):
    """Connection, name or network trouble, 5xx, or an error code that means "busy"."""


class NasTimeout(NasUnreachable):
    """No complete answer within the time-out."""


class NasBadAnswer(NasError):
    """Not JSON, not a JPEG, too large, cut short, a redirect, or not a Synology NAS at all."""


class NasRedirects(NasBadAnswer):
    """`target` is the base address to put into --url; "" if the NAS named none that could be one."""

    def __init__(self, target: str, cause: str, next_step: str) -> None:
        super().__init__("redirect", cause, next_step)
        self.target = target


class NasCallRefused(NasError):
    """`code` is DSM's error code."""

    def __init__(self, code: int, cause: str, next_step: str = "") -> None:
        super().__init__(f"api_{code}", cause, next_step)
        self.code = code


class LoginRefused(NasError):
    """Raised by the refused login, and by every later call until another login is allowed."""


class AlbumProblem(NasError):
    """No album of that name, several of them, or an album that cannot be listed."""
