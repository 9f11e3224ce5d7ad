"""ShareLink: how an album's link is opened. Blocks: worker threads only; the session lets one in at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from . import dsm
from .account import AskOnce, Login, current
from .errors import AlbumProblem, LoginRefused, NasBadAnswer, NasCallRefused, NasError
from .secret import Secret

LOGIN = "SYNO.Core.Sharing.Login"
_ALBUM = "SYNO.Foto.Browse.Album"

# 101: the NAS does not know the cookie; 123: the link was open to all before.
_DEAD_SESSION = dsm.DEAD_SESSION | {101, 123}
_NO_ALBUM = frozenset({105, 160, 609, 642, 801, 803})

_INVITED_ONLY = (
    "The share link is only for those who were invited, and photos-sync has no account.",
    "In Synology Photos, open the album, choose Share, and let everybody who has the link view it.",
)
_LOGIN: Mapping[int, tuple[str, str]] = {
    123: _INVITED_ONLY,
    1000: (
        "The share link is wrong, has expired, or was taken back.",
        "If it does not work in a browser either, share the album in Synology Photos again, and give the new link.",
    ),
    1001: (
        "The NAS does not accept the password of the share link.",
        (
            "Correct --share-password. The service tries again in half an hour, or when it is restarted; "
            "with a --share-password-file, as soon as that changes."
        ),
    ),
}
_OF_ITS_OWN = (
    "the same account: give photos-sync an account of its own",
    "the same link: give photos-sync a link of its own",
)
_PASSWORD_MISSING = (
    "The share link asks for a password, and none was given.",
    "Put it into a file, and give that with --share-password-file.",
)


class ShareLink:
    """A share link, in its `folder`. `read_password` and `hide` are as in `Account`, the password may be ""."""

    thumbnail_paths: Sequence[str] = ("synofoto/api/v2/p/Thumbnail/get", "synofoto/api/v2/t/Thumbnail/get", "")
    """Photos 1.7 and later answer to one of the first two, older ones to the last."""

    def __init__(
        self,
        passphrase: Secret,
        read_password: Callable[[], Secret],
        hide: Callable[[str], None],
        folder: str = "mo/sharing",
    ) -> None:
        self.folder = f"{folder}/webapi"
        self.passphrase = passphrase.reveal()
        self._read_password = read_password
        self._hide = hide

    def secret(self) -> Secret:
        """The link's password as it is now. LoginRefused("password_file") if it can't be had."""
        return current(self._read_password, "password_file", "the password")

    def log_in(self, ask: AskOnce, password: Secret) -> Login:
        """One login. Raises LoginRefused if it is about the link, otherwise another NasError."""
        fields = {"sharing_id": self.passphrase}
        if password.reveal():
            self._hide(password.reveal())
            fields["password"] = password.reveal()
        reply = ask(LOGIN, "login", fields, {})
        if reply.error_code is not None:
            raise _login_error(reply.error_code, password)
        data = reply.envelope.get("data") if reply.envelope else None
        sid = data.get("sharing_sid") if isinstance(data, dict) else None
        if not dsm.is_session_text(sid):
            raise NasBadAnswer("bad_sid", "The NAS's login answer holds no usable session.", "It is tried again.")
        self._hide(sid)
        return Login({"Cookie": f"sharing_sid={sid}", "X-SYNO-SHARING": self.passphrase})

    def log_out(self, ask: AskOnce, headers: Mapping[str, str]) -> None:
        """Nothing: a NAS offers links no logout, their sessions end by themselves."""

    def dead_codes(self, api: str) -> frozenset[int]:
        return _DEAD_SESSION

    def call_error(self, api: str, code: int) -> NasError:
        """`dsm.call_error`, in words for somebody without an account."""
        if code == 123:
            return NasCallRefused(code, *_INVITED_ONLY)
        if code == 102 and api == LOGIN:
            return NasCallRefused(code, "This NAS offers no share links.", "Update DSM and Synology Photos.")
        if code in _NO_ALBUM and api == _ALBUM:
            return AlbumProblem(
                "link_no_album",
                "The share link opens no album: it is a folder's, or the album is gone.",
                "In Synology Photos, put the photos into an album, share that, and give its link with --share-link.",
            )
        if code in _NO_ALBUM:
            return NasCallRefused(code, "The share link does not open this photo.", "It is asked for again later.")
        return dsm.call_error(api, code)

    def advice(self, next_step: str) -> str:
        return next_step.replace(*_OF_ITS_OWN)


def _login_error(code: int, password: Secret) -> NasError:
    if code == 1001 and not password.reveal():
        return LoginRefused("login_1001", *_PASSWORD_MISSING)
    if code in _LOGIN:
        return LoginRefused(f"login_{code}", *_LOGIN[code])
    error = dsm.login_error(code)
    if isinstance(error, LoginRefused) and error.kind != dsm.BLOCKED_KIND:  # in words for an account
        cause = f"The NAS refused the share link with its error code {code}."
        return LoginRefused(
            error.kind, cause, "Open the link in a browser, and give a new one if it does not work there."
        )
    return error
