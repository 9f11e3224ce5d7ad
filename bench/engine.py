"""One interval of what one would use to watch the album: each line read is one, its processor seconds are printed.

engine.py ENGINE NAS_URL USERNAME PASSWORD ALBUM
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

ENGINE, BASE, USERNAME, PASSWORD, ALBUM = sys.argv[1:]
PAGE_ROWS = 1000
HOST, PORT = urlsplit(BASE).hostname or "", urlsplit(BASE).port or 0

Look = Callable[[], Awaitable[int]]
"""The number of photos."""


def serve(look: Look) -> Callable[[], Awaitable[None]]:
    async def lines() -> None:
        print("ready", flush=True)
        for _ in sys.stdin:
            before = time.process_time()
            count = await look()
            print(time.process_time() - before, count, flush=True)

    return lines


async def flask_design() -> None:
    """The whole album each time, as in flask_app.py."""
    sys.argv[1:] = ["flask", "0", BASE, USERNAME, PASSWORD, ALBUM, "250", "60"]
    import flask_app

    flask_app.call("SYNO.API.Auth", "login", 6, account=USERNAME, passwd=PASSWORD, format="cookie")

    async def look() -> int:
        return len(flask_app.list_photos())

    await serve(look)()


async def py_synologydsm_api() -> None:
    """Its albums carry no version, so the whole album is listed each time."""
    import aiohttp
    from synology_dsm import SynologyDSM
    from synology_dsm.api.photos import SynoPhotos

    async with aiohttp.ClientSession() as http:
        client = SynologyDSM(http, HOST, PORT, USERNAME, PASSWORD)
        await client.login()
        photos = SynoPhotos(client)

        async def look() -> int:
            album = next(album for album in await photos.get_albums() or [] if album.name == ALBUM)
            found: list[Any] = []
            while True:
                page = await photos.get_items_from_album(album, len(found), PAGE_ROWS) or []
                found += page
                if len(page) < PAGE_ROWS:
                    return len(found)

        await serve(look)()


async def synology_api() -> None:
    """It hands out the NAS's own rows, so that a careful user can compare the album's version."""
    from synology_api.auth import Authentication
    from synology_api.photos import Photos

    # Over http it encrypts the login in a way that the simulated NAS does not read.
    Authentication.encrypt_params = lambda self, fields: fields
    photos = Photos(HOST, str(PORT), USERNAME, PASSWORD, dsm_version=6, debug=False)
    album = next(album["id"] for album in photos.list_albums()["data"]["list"] if album["name"] == ALBUM)
    found: list[Any] = []
    version = -1

    async def look() -> int:
        nonlocal version
        now = photos.get_album(album)["data"]["list"][0]["version"]
        if now != version:
            found.clear()
            while True:
                answer = photos.list_items_in_album(
                    album, len(found), PAGE_ROWS, additional=["thumbnail", "resolution"]
                )
                found.extend(answer["data"]["list"])
                if len(answer["data"]["list"]) < PAGE_ROWS:
                    break
            version = now
        return len(found)

    await serve(look)()


ENGINES = {"flask": flask_design, "py-synologydsm-api": py_synologydsm_api, "synology-api": synology_api}
asyncio.run(ENGINES[ENGINE]())
