"""Runs on the simulated NAS's own thread; pure functions of the call and the library.

Share links (Synology Photos API: share links): who may open one, what can be called through it, and its page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .library import Library
from .request import ApiError, Request
from .wire import Call, Reply, html_page

LOGIN = "SYNO.Core.Sharing.Login"
PAGES = "/mo/sharing/"
_PAGE = re.compile(r"/[a-z]{2}/sharing/([^/]+)/?")
_DOOR = re.compile(r"/[a-z]{2}/sharing/webapi/entry\.cgi(/.*)?")

# Everything else is for accounts.
ALLOWED: Mapping[str, frozenset[str]] = {
    "SYNO.Foto.Browse.Album": frozenset({"get"}),
    "SYNO.Foto.Browse.NormalAlbum": frozenset({"get"}),
    "SYNO.Foto.Browse.ConditionAlbum": frozenset({"get"}),
    "SYNO.Foto.Browse.Item": frozenset({"get", "list"}),
    "SYNO.Foto.Download": frozenset({"download"}),
    "SYNO.Foto.Sharing.Passphrase": frozenset({"get_permission"}),
    "SYNO.Foto.Thumbnail": frozenset({"get"}),
    "SYNO.FotoTeam.Thumbnail": frozenset({"get"}),
}

_NO_LINK = "Execute Error: login fail"
_WRONG_PASSWORD = "Execute Error: wrong protect passwd"


def is_at_the_door(call: Call) -> bool:
    """The suffix in `entry.cgi/<API>` is decoration here, too."""
    return _DOOR.fullmatch(call.path) is not None


def opened_by(call: Call, library: Library) -> str:
    """The passphrase of the link that a login opens; the password is read as JSON, so bare digits are a number."""
    passphrase, password = _json(call, "sharing_id"), _json(call, "password")
    if not isinstance(passphrase, str) or passphrase not in library.links():
        raise ApiError(1000, _NO_LINK)
    check(passphrase, library)
    album = library.album_by_passphrase(passphrase)
    if album is not None and album.link_password and password != album.link_password:
        raise ApiError(1001, _WRONG_PASSWORD)
    return passphrase


def check(passphrase: str, library: Library) -> None:
    """Whether the link may still be used: it can expire, and be for invited accounts alone."""
    album = library.album_by_passphrase(passphrase)
    if album is not None and album.is_expired:
        raise ApiError(1000, _NO_LINK)
    if album is not None and album.privacy == "private":
        raise ApiError(123)


def get_permission(request: Request) -> dict[str, Any]:
    album = request.opened_album()
    if album is None:
        raise ApiError(642)
    rights = {"download": album.gives_files(by_link=bool(request.link)), "view": True}
    others = dict.fromkeys(("manage", "own", "upload"), False)
    if request.link:
        return {"permission": rights | others, "user_id": -1, "username": ""}
    return {"permission": rights | others, "user_id": request.library.user_id, "username": request.session.account}


def passphrase_of(call: Call) -> str:
    """What a link's page is asked with, "" at any other address."""
    found = _PAGE.fullmatch(call.path)
    return found[1] if found else ""


def page(passphrase: str, library: Library) -> Reply:
    """What a browser shows at the link: a page whose script tells how it is protected."""
    album = library.album_by_passphrase(passphrase)
    if album is None or album.is_expired:
        return html_page(200, "Sorry, this link is invalid or has expired.")
    if album.privacy == "private":
        target = f"/?launchApp=SYNO.Foto.Sharing.AppInstance&passphrase={passphrase}&photos_action=login"
        return html_page(302, headers={"Location": target})
    protected = "true" if album.link_password else "false"
    status = "password" if album.link_password else "none"
    script = (
        f'FotoSharing: {{ enable_password: {protected}, privacy_type: "{album.privacy}" }}, sharing_status: "{status}"'
    )
    return html_page(200, f"<script>window.SYNO = {{ {script} }};</script>")


def _json(call: Call, name: str) -> Any:
    raw = call.params.get(name, "")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw
