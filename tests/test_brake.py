"""LoginBrake on a simulated NAS: what a refusal costs, and when another login is tried."""

from __future__ import annotations

import pytest
from conftest import canary_nas, leaks
from guest import MINUTE, Guest

from photosync.errors import LoginRefused, NasError, NasUnreachable
from photosync.fakenas import FakeNas

REFUSED = range(400, 412)


@pytest.fixture
def guest(nas: FakeNas) -> Guest:
    return Guest(nas)


def refuse(guest: Guest, code: int | None) -> LoginRefused:
    guest.nas.login_error = code
    with pytest.raises(LoginRefused) as caught:
        guest.client.list_albums()
    return caught.value


@pytest.mark.parametrize("code", REFUSED)
def test_a_refused_login_is_not_repeated_until_its_cause_can_be_gone(guest: Guest, code: int) -> None:
    error = refuse(guest, code)
    assert error.kind == f"login_{code}"
    assert error.next_step
    assert not leaks(error.sentence)
    pause = (60 if code == 407 else 30) * MINUTE
    started_at = guest.clock.now
    for part in (0.0, 0.01, 0.5, 0.999):
        guest.clock.now = started_at + part * pause
        assert str(refuse(guest, None)) == str(error)
    assert guest.logins == 1
    guest.clock.now = started_at + pause
    assert guest.client.list_albums()
    assert guest.logins == 2


def test_each_refusal_has_a_sentence_and_a_next_step_of_its_own() -> None:
    told: list[tuple[str, str]] = []
    for code in REFUSED:
        with canary_nas() as nas:
            error = refuse(Guest(nas), code)
            told.append((str(error), error.next_step))
    assert len({sentence for sentence, _ in told}) == len(REFUSED)
    assert all(step.endswith(".") for _, step in told)
    words = {400: "password", 401: "disabled", 403: "second factor", 407: "blocked", 409: "expired", 411: "locked"}
    for code, word in words.items():
        assert word in told[code - 400][0]


def test_a_changed_password_is_tried_at_once(guest: Guest, nas: FakeNas) -> None:
    guest.password = "wrong"
    for _ in range(3):
        assert refuse(guest, None).kind == "login_400"
    assert (guest.logins, nas.failed_logins) == (1, 1)
    guest.password = "wrong again"
    assert refuse(guest, None).kind == "login_400"
    assert guest.logins == 2
    guest.password = nas.password
    assert guest.client.list_albums()
    assert guest.logins == 3


def test_a_second_factor_that_is_wanted_is_told(guest: Guest, nas: FakeNas) -> None:
    nas.otp = True
    error = refuse(guest, None)
    assert error.kind == "login_403"
    assert "2FA" in error.sentence


@pytest.mark.parametrize("code", [109, 110, 111, 117, 118, 498, 499])
def test_a_nas_that_is_starting_is_no_refusal_and_never_brakes_the_login(guest: Guest, code: int) -> None:
    guest.nas.login_error = code
    for _ in range(10):
        with pytest.raises(NasUnreachable) as caught:
            guest.client.list_albums()
        assert caught.value.kind == f"api_{code}"
        guest.clock.now += 20
    guest.nas.login_error = None
    assert guest.client.list_albums()


def test_sessions_that_end_again_and_again_brake_the_login(guest: Guest, nas: FakeNas) -> None:
    album = guest.album()
    errors: list[NasError] = []
    for _ in range(20):
        nas.expire_sessions(107)
        try:
            guest.client.album_state(album)
        except NasUnreachable as error:
            errors.append(error)
    assert 3 <= guest.logins <= 6
    assert [error.kind for error in errors] == ["login_brake"] * (21 - guest.logins)
    assert all(0 < (error.retry_after_seconds or 0) <= 10 * MINUTE for error in errors)
    assert "account of its own" in errors[0].next_step
    guest.clock.now += 10 * MINUTE
    assert guest.client.album_state(album) == album
