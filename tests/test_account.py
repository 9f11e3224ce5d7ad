"""Account on a simulated NAS: what a login sends, what it brings, and what stays hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import pytest
from conftest import CANARY_PASSWORD, CANARY_TOKEN, leaks
from guest import AUTH, GARDEN_PASSPHRASE, Guest, own

from photosync import fakenas
from photosync.account import Account
from photosync.errors import ConfigError, LoginRefused, NasBadAnswer
from photosync.fakenas import FakeNas
from photosync.secret import Secret
from photosync.session import DsmSession
from photosync.wire import Wire


@pytest.fixture
def guest(nas: FakeNas) -> Guest:
    return Guest(nas)


def test_credentials_go_in_the_body_and_nothing_secret_into_an_address(nas: FakeNas) -> None:
    for size in ("xl", "original"):
        guest = Guest(nas, photo_size=size)
        for album in ("kitchen-dash", "Anna's garden"):
            for photo in guest.photos(album):
                guest.client.fetch(photo)
        guest.client.logout()
    login = next(call for call in nas.calls if call.method == "login")
    assert login.http_method == "POST"
    assert (login.params["account"], login.params["passwd"]) == (nas.username, CANARY_PASSWORD)
    addresses = " ".join(unquote_plus(f"{call.path}?{call.query_string}") for call in nas.calls)
    assert "SYNO.Foto.Thumbnail" in addresses
    assert not leaks(addresses)
    assert GARDEN_PASSPHRASE not in addresses


def test_every_call_but_the_login_carries_cookie_and_token(guest: Guest, nas: FakeNas) -> None:
    guest.client.fetch(guest.photo(own))
    calls = [call for call in nas.calls if call.api not in ("SYNO.API.Info", AUTH)]
    assert len(calls) >= 4
    assert {call.cookies["id"] for call in calls} == set(nas.sessions)
    assert {call.headers["X-SYNO-TOKEN"] for call in calls} == {CANARY_TOKEN}
    login = next(call for call in nas.calls if call.method == "login")
    assert "Cookie" not in login.headers


def test_every_secret_of_the_nas_is_hidden_from_the_log(guest: Guest, nas: FakeNas) -> None:
    guest.client.list_albums()
    assert {*nas.sessions, CANARY_TOKEN, GARDEN_PASSPHRASE} <= set(guest.hidden)


@pytest.mark.parametrize("token", [None, "", "--------"])
def test_a_login_without_a_token_is_a_login(guest: Guest, nas: FakeNas, token: str | None) -> None:
    nas.token_required = False
    row = {"sid": "s" * 40, "synotoken": token}
    nas.fault(fakenas.json_body({"success": True, "data": row}), api=AUTH)
    guest.client.login()
    # The log would hide common words.
    assert "none" not in guest.hidden
    assert "--------" not in guest.hidden


@pytest.mark.parametrize(
    "data",
    [
        *({"sid": sid} for sid in ("", None, 5, True, ["s"], "ä", "a b", "a;b", "a\r\nX: y", "a" * 257, "\ud800" * 9)),
        *({"sid": "s" * 40, "synotoken": token} for token in (5, ["t"], "a\nb", "ö", "t" * 257)),
        None,
        [],
        "sid",
    ],
    ids=lambda data: ascii(data)[:30],
)
def test_a_session_that_could_break_a_header_is_refused(guest: Guest, nas: FakeNas, data: Any) -> None:
    nas.fault(fakenas.json_body({"success": True, "data": data}), api=AUTH)
    with pytest.raises(NasBadAnswer) as caught:
        guest.client.login()
    assert caught.value.kind == "bad_sid"


# Second factor


class Frame:
    """Accounts of one device, whose logins are told apart by what they bring."""

    def __init__(self, nas: FakeNas) -> None:
        self.nas = nas
        self.hidden: list[str] = []
        nas.otp = True
        nas.otp_window_seconds = 0.0

    def account(self, device: Callable[[], Secret | None] = lambda: None, code: str | None = None) -> Account:
        password = Secret(self.nas.password)
        otp_code = None if code is None else Secret(code)
        return Account(self.nas.username, lambda: password, self.hidden.append, device, otp_code)

    def session(self, device: Callable[[], Secret | None] = lambda: None, code: str | None = None) -> DsmSession:
        return self.session_of(self.account(device, code))

    def session_of(self, account: Account) -> DsmSession:
        return DsmSession(Wire(self.nas.url, 5.0, None, False), account)

    def enrol(self) -> Secret:
        account = self.account(code=self.nas.otp_code)
        self.session_of(account).login()
        assert account.device is not None
        return account.device

    def refused(self, session: DsmSession) -> LoginRefused:
        with pytest.raises(LoginRefused) as caught:
            session.login()
        assert not leaks(caught.value.sentence)
        return caught.value


@pytest.fixture
def frame(nas: FakeNas) -> Frame:
    return Frame(nas)


@pytest.mark.parametrize("highest", [3, 6, 7])
def test_a_code_brings_a_device_id_that_needs_no_code_again(frame: Frame, highest: int) -> None:
    frame.nas.max_versions["SYNO.API.Auth"] = highest
    device = frame.enrol()
    for _ in range(3):
        frame.session(lambda: device).login()
    assert list(frame.nas.devices.items()) == [(device.reveal(), "photos-sync")]
    sent = [call.params for call in frame.nas.calls if call.method == "login"]
    assert [("otp_code" in params, params.get("device_id")) for params in sent] == [
        (True, None),
        *[(False, device.reveal())] * 3,
    ]


def test_code_and_device_id_are_hidden_and_in_no_address(frame: Frame) -> None:
    device = frame.enrol()
    assert {device.reveal(), frame.nas.otp_code} <= set(frame.hidden)
    frame.hidden.clear()
    login = frame.session(lambda: device).login()
    assert device.reveal() in frame.hidden
    addresses = " ".join(f"{call.path}?{call.query_string}" for call in frame.nas.calls)
    assert not leaks(addresses)
    assert frame.nas.otp_code not in addresses
    assert not leaks(repr(login))


def test_a_device_that_the_nas_has_forgotten_is_told_and_asked_no_more(frame: Frame) -> None:
    device = frame.enrol()
    frame.nas.forget_devices()
    session = frame.session(lambda: device)
    for _ in range(3):
        error = frame.refused(session)
        assert "no longer knows this device" in str(error)
        assert "--enrol again" in error.next_step
    assert frame.nas.count(AUTH, "login") == 2


def test_a_device_that_was_enrolled_since_is_tried_at_once(frame: Frame) -> None:
    devices: list[Secret | None] = [None]
    session = frame.session(lambda: devices[0])
    assert "this device is not enrolled" in str(frame.refused(session))
    assert "this device is not enrolled" in str(frame.refused(session))
    assert frame.nas.count(AUTH, "login") == 1
    devices[0] = frame.enrol()
    session.login()
    assert len(frame.nas.sessions) == 2  # the one that enrolled, and this


def test_a_wrong_code_is_refused_and_not_sent_again(frame: Frame) -> None:
    session = frame.session(code="000000")
    assert [frame.refused(session).kind for _ in range(2)] == ["login_404"] * 2
    assert frame.nas.failed_logins == 1


def test_a_file_that_cannot_be_used_is_told_and_nothing_is_sent(frame: Frame) -> None:
    def broken() -> Secret | None:
        raise ConfigError(["'/home/somebody/device-id' is not a UTF-8 text file."])

    error = frame.refused(frame.session(broken))
    assert error.kind == "device_file"
    assert error.sentence == "The file with the device id cannot be used. photos-sync --check tells why."
    assert frame.nas.count(AUTH, "login") == 0


@pytest.mark.parametrize("device", ["", None, 5, "a b", "ä", "a" * 257])
def test_a_device_id_that_could_not_be_kept_is_none(frame: Frame, device: Any) -> None:
    row = {"sid": "s" * 40, "synotoken": "t" * 10, "did": device}
    frame.nas.fault(fakenas.json_body({"success": True, "data": row}), api=AUTH)
    account = frame.account(code="123456")
    frame.session_of(account).login()
    assert account.device is None
