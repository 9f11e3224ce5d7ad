"""The simulated NAS, asked by clients that know nothing of it: py-synologydsm-api and synology-api."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from synology_api.auth import Authentication
from synology_api.base_api import BaseApi
from synology_api.exceptions import LoginError
from synology_api.photos import Photos
from synology_dsm import SynologyDSM
from synology_dsm.api.photos import SynoPhotos
from synology_dsm.exceptions import (
    SynologyDSMLogin2SAFailedException,
    SynologyDSMLogin2SAForcedException,
    SynologyDSMLogin2SARequiredException,
    SynologyDSMLoginInvalidException,
    SynologyDSMLoginPermissionDeniedException,
)

from photosync.fakenas import FakeNas


def with_client(
    nas: FakeNas, visit: Callable[[SynologyDSM], Awaitable[None]], password: str = "demo", **options: Any
) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as http:
            await visit(SynologyDSM(http, nas.host, nas.port, nas.username, password, **options))

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


@pytest.mark.parametrize("version", [3, 6, 7])
def test_it_enrols_with_a_code_and_comes_back_without_one(version: int) -> None:
    tokens: list[str | None] = []

    async def enrol(client: SynologyDSM) -> None:
        with pytest.raises(SynologyDSMLogin2SARequiredException):
            await client.login()
        with pytest.raises(SynologyDSMLogin2SAFailedException):
            await client.login("000000")
        assert await client.login(nas.otp_code)
        tokens.append(client.device_token)
        await client.logout()

    async def come_back(client: SynologyDSM) -> None:
        assert await client.login()
        albums = {album.name for album in await SynoPhotos(client).get_albums() or []}
        assert {"kitchen-dash", "Anna's garden"} <= albums
        assert client.device_token == tokens[0]

    with FakeNas() as nas:
        nas.otp = True
        nas.max_versions["SYNO.API.Auth"] = version
        with_client(nas, enrol)
        assert nas.devices == {tokens[0]: socket.gethostname()}
        for _ in range(2):
            with_client(nas, come_back, device_token=tokens[0])
        nas.forget_devices()
        with pytest.raises(SynologyDSMLogin2SARequiredException):
            with_client(nas, come_back, device_token=tokens[0])


def test_its_errors_for_missing_rights_are_the_right_ones() -> None:
    async def visit(client: SynologyDSM) -> None:
        await client.login()

    with FakeNas() as nas:
        nas.otp_enforced = True
        with pytest.raises(SynologyDSMLogin2SAForcedException):
            with_client(nas, visit)
        nas.otp_enforced, nas.photos_denied = False, 402
        with pytest.raises(SynologyDSMLoginPermissionDeniedException):
            with_client(nas, visit)


class TestSynologyApi:
    """Over http it encrypts the login for DSM, which this NAS does not read: here it sends it as over https."""

    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each test has a session of its own, and no proxy or .netrc of this machine takes part."""
        monkeypatch.setattr(Authentication, "encrypt_params", lambda self, fields: fields)
        monkeypatch.setattr(BaseApi, "shared_session", None)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    @pytest.fixture
    def nas(self) -> Iterator[FakeNas]:
        with FakeNas() as nas:
            nas.otp = True
            yield nas

    def client(self, nas: FakeNas, **options: Any) -> Photos:
        return Photos(nas.host, str(nas.port), nas.username, nas.password, dsm_version=6, debug=False, **options)

    def test_without_a_code_it_is_asked_for_one(self, nas: FakeNas) -> None:
        with pytest.raises(LoginError) as caught:
            self.client(nas)
        assert caught.value.error_code == 403

    def test_with_a_device_id_it_needs_no_code_and_lists_albums(self, nas: FakeNas) -> None:
        nas.devices = {"d" * 86: "frame"}
        photos = self.client(nas, device_id="d" * 86, device_name="frame")
        names = [album["name"] for album in photos.list_albums()["data"]["list"]]
        assert {"kitchen-dash", "Grandparents"} <= set(names)
        shared = photos.request_data(
            "SYNO.Foto.Sharing.Misc",
            "entry.cgi",
            {"version": 1, "method": "list_shared_with_me_album", "offset": 0, "limit": 100},
        )
        assert [album["name"] for album in shared["data"]["list"]] == ["Anna's garden"]
        assert photos.get_userinfo()["data"]["is_admin"] is False
        photos.logout()
        assert len(nas.sessions) == 1  # it names no session, and so it ends none

    def test_under_another_name_the_device_id_counts_for_nothing(self, nas: FakeNas) -> None:
        nas.devices = {"d" * 86: "frame"}
        with pytest.raises(LoginError) as caught:
            self.client(nas, device_id="d" * 86)
        assert caught.value.error_code == 403
