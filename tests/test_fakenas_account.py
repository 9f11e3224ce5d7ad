"""The simulated NAS's account, seen through a client without opinions: second factor, trusted devices, rights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from test_fakenas import ALBUM, DOWNLOAD, ITEM, ME, THUMBNAIL, Guest

from photosync.fakenas import FakeNas

FRAME = {"device_name": "frame"}
ENROL = {"enable_device_token": "yes", **FRAME}


@pytest.fixture
def nas() -> Iterator[FakeNas]:
    with FakeNas() as nas:
        nas.otp = True
        yield nas


@pytest.fixture
def guest(nas: FakeNas) -> Guest:
    return Guest(nas)


def code_of(answer: Any) -> int:
    assert not answer["success"], answer
    code: int = answer["error"]["code"]
    return code


def enrol(guest: Guest, version: int = 6, **params: Any) -> str:
    """The id of a device that the NAS trusts from now on."""
    guest.nas.otp_window_seconds = 0.0
    data = guest.login(version, otp_code=guest.nas.otp_code, **ENROL | params)["data"]
    device: str = data["device_id" if version == 7 else "did"]
    return device


# Second factor


def test_a_second_factor_is_asked_for_in_the_recorded_shape(guest: Guest) -> None:
    asked = guest.login()
    assert code_of(asked) == 403
    assert [kind["type"] for kind in asked["error"]["errors"]["types"]] == ["authenticator", "fido", "otp"]
    assert isinstance(asked["error"]["errors"]["token"], str)
    assert code_of(guest.login(otp_code="")) == 403
    assert guest.nas.failed_logins == 0


def test_a_wrong_code_is_404_and_counts_as_a_failed_login(guest: Guest) -> None:
    guest.nas.auto_block_after = 2
    assert [code_of(guest.login(otp_code="000000")) for _ in range(3)] == [404, 404, 407]


def test_a_code_counts_once_in_its_window(guest: Guest) -> None:
    assert guest.login(otp_code=guest.nas.otp_code)["success"]
    assert code_of(guest.login(otp_code=guest.nas.otp_code)) == 404
    guest.nas.otp_code = "135790"
    assert guest.login(otp_code="135790")["success"]
    guest.nas.otp_window_seconds = 0.0
    assert guest.login(otp_code="135790")["success"]


def test_a_wrong_password_is_told_before_a_code_is_asked_for(guest: Guest) -> None:
    assert code_of(guest.login(passwd="wrong")) == 400


def test_a_second_factor_that_was_never_set_up_is_406(guest: Guest) -> None:
    guest.nas.otp_enforced = True
    assert code_of(guest.login()) == 403
    guest.nas.otp = False
    assert code_of(guest.login()) == 406


# Trusted devices


@pytest.mark.parametrize("version", [3, 6, 7])
def test_a_trusted_device_needs_no_code(guest: Guest, version: int) -> None:
    device = enrol(guest, version)
    assert len(device) == 86
    for _ in range(3):
        answer = guest.login(version, device_id=device, **FRAME)
        assert answer["success"]
        assert not answer["data"]["device_id" if version == 7 else "did"]


def test_a_device_is_trusted_by_its_id_and_its_name_together(guest: Guest) -> None:
    device = enrol(guest)
    assert code_of(guest.login(device_id=device, device_name="another")) == 403
    assert code_of(guest.login(device_id=device)) == 403
    assert code_of(guest.login(device_id="unknown", **FRAME)) == 403
    assert code_of(guest.login(device_id="", **FRAME)) == 403
    assert guest.login(device_id=device, **FRAME)["success"]
    assert guest.nas.failed_logins == 0


def test_a_code_without_the_wish_for_a_device_id_brings_none(guest: Guest) -> None:
    answer = guest.login(otp_code=guest.nas.otp_code, **FRAME)
    assert answer["data"]["did"] == ""
    assert guest.nas.devices == {}


def test_forgotten_devices_need_a_code_again(guest: Guest) -> None:
    device = enrol(guest)
    guest.nas.forget_devices()
    assert code_of(guest.login(device_id=device, **FRAME)) == 403
    assert guest.login(device_id=enrol(guest), **FRAME)["success"]


def test_a_device_id_does_not_stand_for_the_password(guest: Guest) -> None:
    device = enrol(guest)
    assert code_of(guest.login(device_id=device, passwd="wrong", **FRAME)) == 400


def test_the_format_sid_leaves_the_device_id_empty(guest: Guest) -> None:
    assert enrol(guest, 7, format="sid") == ""
    assert list(guest.nas.devices.values()) == ["frame"]


def test_without_a_second_factor_versions_up_to_6_tell_an_id_that_is_worth_nothing(guest: Guest) -> None:
    guest.nas.otp = False
    devices = [guest.login(version)["data"]["did"] for version in (3, 6)]
    assert [len(device) for device in devices] == [86, 86]
    assert guest.login(7)["data"]["device_id"] == ""
    guest.nas.otp = True
    assert code_of(guest.login(device_id=devices[1], **FRAME)) == 403


# Rights


@pytest.fixture
def insider(nas: FakeNas) -> Guest:
    """With a session of its own."""
    nas.otp = False
    guest = Guest(nas)
    guest.http.cookies.set("id", guest.login()["data"]["sid"])
    return guest


def test_a_label_of_another_application_is_402(guest: Guest) -> None:
    guest.nas.otp = False
    assert code_of(guest.login(session="FileStation")) == 402
    assert guest.login(session="webui")["success"]
    assert guest.login(session="")["success"]


@pytest.mark.parametrize("code", [105, 160])
def test_without_the_right_to_photos_its_calls_say_so_and_others_do_not(insider: Guest, code: int) -> None:
    insider.nas.photos_denied = code
    for api, method in ((ALBUM, "list"), (ITEM, "list"), (THUMBNAIL, "get"), ("SYNO.FotoTeam.Thumbnail", "get")):
        assert insider.code(api, method) == code
    assert insider.data("SYNO.DSM.Info", "getinfo")
    assert insider.login()["success"]


def test_without_the_right_to_photos_a_login_may_be_402(guest: Guest) -> None:
    guest.nas.otp = False
    guest.nas.photos_denied = 402
    assert code_of(guest.login()) == 402


@pytest.mark.parametrize("code", [801, 803])
def test_without_access_the_shared_spaces_calls_say_so_and_others_do_not(insider: Guest, code: int) -> None:
    insider.nas.team_denied = code
    unit = next(item.unit_id for item in insider.nas.library.items.values() if item.owner_user_id == 0)
    assert insider.thumbnail(unit, "SYNO.FotoTeam.Thumbnail").json()["error"] == {"code": code}
    assert insider.code("SYNO.FotoTeam.Browse.Item", "list", offset=0, limit=1) == code
    assert insider.data(ITEM, "list", offset=0, limit=1)


def test_an_album_that_is_shared_no_more_is_gone_from_lists_and_its_passphrase_opens_nothing(insider: Guest) -> None:
    garden = insider.nas.library.album("Anna's garden")
    passphrase = f'"{garden.passphrase}"'
    assert insider.data(ALBUM, "get", passphrase=passphrase)["list"]
    insider.nas.library.unshare(garden)
    assert insider.code(ALBUM, "get", passphrase=passphrase) == 642
    assert insider.code(ALBUM, "get", id=f"[{garden.id}]") == 642
    assert insider.data("SYNO.Foto.Sharing.Misc", "list_shared_with_me_album", offset=0, limit=9)["list"] == []


def test_an_album_to_look_at_gives_thumbnails_and_no_files(insider: Guest) -> None:
    garden = insider.nas.library.album("Anna's garden")
    garden.downloadable = False
    unit = garden.items[0].unit_id
    passphrase = f'"{garden.passphrase}"'
    assert insider.thumbnail(unit, passphrase=passphrase).content.startswith(b"\xff\xd8\xff")
    assert insider.code(DOWNLOAD, "download", unit_id=f"[{unit}]", passphrase=passphrase) == 804


def test_the_account_is_no_administrator(insider: Guest) -> None:
    assert insider.data(ME, "me")["is_admin"] is False


def test_run_alone_it_tells_the_code_to_use() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "photosync.fakenas", "--otp"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
    assert lines[2] == "second factor: code 246810, good once in every 30 seconds\n"
