"""The simulated NAS, asked by a client that knows nothing of it: py-synologydsm-api."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from synology_dsm import SynologyDSM
from synology_dsm.api.photos import SynoPhotos
from synology_dsm.exceptions import SynologyDSMLogin2SARequiredException, SynologyDSMLoginInvalidException

from photosync.fakenas import FakeNas


def with_client(nas: FakeNas, visit: Callable[[SynologyDSM], Awaitable[None]], password: str = "demo") -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as http:
            await visit(SynologyDSM(http, nas.host, nas.port, nas.username, password))

    asyncio.run(run())


@pytest.mark.parametrize("era", ["1.3", "1.6", "1.9"])
def test_it_logs_in_lists_fetches_a_picture_and_logs_out(era: str) -> None:
    async def visit(client: SynologyDSM) -> None:
        assert await client.login()
        assert client.apis["SYNO.Foto.Browse.Item"]["path"] == "entry.cgi"
        photos = SynoPhotos(client)
        albums = {album.name: album for album in await photos.get_albums() or []}
        assert {"kitchen-dash", "Grandparents", "Anna's garden"} <= set(albums)
        items = await photos.get_items_from_album(albums["Grandparents"]) or []
        assert len(items) == albums["Grandparents"].item_count == 8
        units = {item.unit_id for item in nas.library.album("Grandparents").items}
        # This client takes the item's id for the unit's: it can see only photos where they agree.
        item = next(item for item in items if item.item_id in units)
        picture = await photos.download_item_thumbnail(item)
        assert picture is not None and picture.startswith(b"\xff\xd8\xff")
        assert await client.logout()

    with FakeNas(era=era) as nas:
        with_client(nas, visit)
        assert nas.sessions == []
        assert nas.count("SYNO.API.Auth", "login") == 1


def test_it_sees_what_others_share_and_the_shared_space() -> None:
    async def visit(client: SynologyDSM) -> None:
        await client.login()
        photos = SynoPhotos(client)
        album = next(album for album in await photos.get_albums() or [] if album.passphrase)
        items = await photos.get_items_from_album(album) or []
        assert len(items) == 5
        units = {item.unit_id for item in nas.library.items.values()}
        seen = next(item for item in items if item.item_id in units)
        assert (await photos.download_item_thumbnail(seen) or b"").startswith(b"\xff\xd8\xff")
        shared = await photos.get_items_from_shared_space() or []
        assert [item.is_shared for item in shared] == [True, True]

    with FakeNas() as nas:
        with_client(nas, visit)


def test_its_errors_for_a_wrong_password_and_a_second_factor_are_the_right_ones() -> None:
    async def visit(client: SynologyDSM) -> None:
        await client.login()

    with FakeNas() as nas:
        with pytest.raises(SynologyDSMLoginInvalidException):
            with_client(nas, visit, password="wrong")
        nas.otp = True
        with pytest.raises(SynologyDSMLogin2SARequiredException):
            with_client(nas, visit)
