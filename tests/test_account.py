"""Account on a simulated NAS: what a login sends, what it brings, and what stays hidden."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

import pytest
from conftest import CANARY_PASSWORD, CANARY_TOKEN, leaks
from guest import AUTH, GARDEN_PASSPHRASE, Guest, own

from photosync import fakenas
from photosync.errors import NasBadAnswer
from photosync.fakenas import FakeNas


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
        *({"sid": sid} for sid in ("", None, 5, True, ["s"], "ä", "a b", "a;b", "a\r\nX: y", "a" * 600, "\ud800" * 9)),
        *({"sid": "s" * 40, "synotoken": token} for token in (5, ["t"], "a\nb", "ö", "t" * 600)),
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
