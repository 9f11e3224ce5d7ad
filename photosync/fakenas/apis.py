"""Runs on the simulated NAS's own thread.

Which APIs there are, in which versions, and which function answers which method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import browse, media, sharing
from .browse import JsonText
from .request import Request
from .wire import Reply

Answer = dict[str, Any] | JsonText | Reply | None
Method = Callable[[Request], Answer]

# Versions of Photos between which the answers differ: 1.5 brought newer calls and /synofoto for accounts, 1.7 moved the
# thumbnails of share links there.
ERAS = ("1.3", "1.6", "1.9")
# The highest version of each API: up to Photos 1.3, and since 1.5.
MAX_VERSIONS: Mapping[str, tuple[int, int]] = {
    "SYNO.API.Auth": (7, 7),
    "SYNO.API.Info": (1, 1),
    "SYNO.Core.Sharing.Login": (1, 1),
    "SYNO.Core.Sharing.Session": (1, 1),
    "SYNO.DSM.Info": (2, 2),
    "SYNO.Foto.Browse.Album": (1, 5),
    "SYNO.Foto.Browse.ConditionAlbum": (1, 3),
    "SYNO.Foto.Browse.Diff": (1, 5),
    "SYNO.Foto.Browse.Folder": (1, 2),
    "SYNO.Foto.Browse.Item": (3, 6),
    "SYNO.Foto.Browse.NormalAlbum": (1, 3),
    "SYNO.Foto.Browse.RecentlyAdded": (2, 5),
    "SYNO.Foto.Browse.Timeline": (2, 5),
    "SYNO.Foto.Browse.Unit": (1, 2),
    "SYNO.Foto.Download": (1, 2),
    "SYNO.Foto.Index": (1, 1),
    "SYNO.Foto.Search.Search": (2, 6),
    "SYNO.Foto.Setting.Guest": (1, 1),
    "SYNO.Foto.Setting.TeamSpace": (1, 1),
    "SYNO.Foto.Setting.User": (1, 1),
    "SYNO.Foto.Sharing.Misc": (1, 2),
    "SYNO.Foto.Sharing.Passphrase": (1, 1),
    "SYNO.Foto.Streaming": (1, 2),
    "SYNO.Foto.Thumbnail": (1, 2),
    "SYNO.Foto.UserInfo": (1, 1),
    "SYNO.FotoTeam.Browse.Folder": (1, 2),
    "SYNO.FotoTeam.Browse.Item": (3, 6),
    "SYNO.FotoTeam.Browse.Timeline": (2, 5),
    "SYNO.FotoTeam.Browse.Unit": (1, 2),
    "SYNO.FotoTeam.Download": (1, 2),
    "SYNO.FotoTeam.Search.Search": (2, 6),
    "SYNO.FotoTeam.Streaming": (1, 2),
    "SYNO.FotoTeam.Thumbnail": (1, 2),
}
# These take plain strings; every other API reads each parameter as JSON.
PLAIN_TEXT_APIS = frozenset({"SYNO.API.Auth"})
# Callable by guests with a reduced view: a dead session has no permission there instead of being unknown.
GUEST_APIS = frozenset(
    f"SYNO.FotoTeam.{name}"
    for name in ("Browse.Folder", "Browse.Item", "Browse.Unit", "Download", "Thumbnail", "Streaming")
)


def user_info_me(request: Request) -> dict[str, Any]:
    user_id = request.library.user_id
    return {
        "enabled": True,
        "id": user_id,
        "is_admin": False,
        "is_migration_finished": True,
        "name": request.session.account,
        "profile": {},
        "uid": 1024 + user_id,
    }


def dsm_info(request: Request) -> dict[str, Any]:
    return {
        "codepage": "enu",
        "model": "DS220+",
        "ram": 2048,
        "serial": "SIMULATED0001",
        "temperature": 41,
        "temperature_warn": False,
        "time": "Sun Jun 25 09:54:40 2023",
        "uptime": 86_400,
        "version": "72806",
        "version_string": "DSM 7.2.2-72806",
    }


def guest_setting(request: Request) -> dict[str, Any]:
    return {
        "alias": "photo",
        "default_thumbnail_size": "sm",
        "display_photo_info_to_guest": True,
        "enable_home_service": True,
        "enable_team_space": True,
    }


def _each(names: str, methods: Mapping[str, Method]) -> dict[str, Mapping[str, Method]]:
    return dict.fromkeys(names.split(), methods)


METHODS: Mapping[str, Mapping[str, Method]] = {
    "SYNO.DSM.Info": {"getinfo": dsm_info},
    "SYNO.Foto.UserInfo": {"me": user_info_me},
    "SYNO.Foto.Setting.Guest": {"get": guest_setting},
    "SYNO.Foto.Browse.Album": {
        "list": browse.albums_list,
        "get": browse.albums_get,
        "count": browse.albums_count,
    },
    "SYNO.Foto.Sharing.Misc": {"list_shared_with_me_album": browse.shared_with_me_list},
    **_each(
        "SYNO.Foto.Browse.NormalAlbum SYNO.Foto.Browse.ConditionAlbum",
        {
            "list": browse.typed_albums_list,
            "get": browse.typed_albums_get,
            "count": browse.typed_albums_count,
        },
    ),
    **_each(
        "SYNO.Foto.Browse.Item SYNO.FotoTeam.Browse.Item",
        {"list": browse.items_list, "get": browse.items_get, "count": browse.items_count},
    ),
    "SYNO.Foto.Sharing.Passphrase": {"get_permission": sharing.get_permission},
    **_each("SYNO.Foto.Thumbnail SYNO.FotoTeam.Thumbnail", {"get": media.thumbnail}),
    **_each("SYNO.Foto.Download SYNO.FotoTeam.Download", {"download": media.download}),
}
