"""LoginBrake on a simulated NAS: what a refusal costs, and when another login is tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import canary_nas, leaks
from guest import MINUTE, Clock, Guest

from photosync.brake import LoginBrake
from photosync.errors import LoginRefused, NasError, NasUnreachable
from photosync.fakenas import FakeNas
from photosync.refused import RefusedLogins

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


# Over restarts


@pytest.fixture
def restart(nas: FakeNas, tmp_path: Path) -> Callable[[], Guest]:
    """The program started anew on the same machine, with the clock that they all share."""
    clock = Clock()

    def start() -> Guest:
        refused = RefusedLogins(clock, tmp_path / "state", subject="nas frame", start="boot")
        return Guest(nas, clock, brake=LoginBrake(clock, refused))

    return start


def test_twenty_restarts_with_a_wrong_password_are_three_logins_in_five_minutes(
    nas: FakeNas, restart: Callable[[], Guest]
) -> None:
    kinds = []
    for _ in range(20):
        guest = restart()
        guest.password = "wrong"
        kinds.append(refuse(guest, None).kind)
        guest.clock.now += 14.0
    assert nas.failed_logins == 3
    assert kinds == ["login_400"] * 3 + ["refused_often"] * 17


def test_no_five_minutes_see_more_than_three_refused_logins(nas: FakeNas, restart: Callable[[], Guest]) -> None:
    clock = restart().clock
    failed_at: list[float] = []
    for _ in range(400):
        guest = restart()
        guest.password = "wrong"
        refuse(guest, None)
        failed_at += [clock.now] * (nas.failed_logins - len(failed_at))
        clock.now += 7.0
    assert len(failed_at) >= 24
    for earlier, later in zip(failed_at, failed_at[3:], strict=False):
        assert later - earlier >= 5 * MINUTE


def test_a_held_back_login_is_told_with_number_wait_and_the_last_answer(restart: Callable[[], Guest]) -> None:
    for code in (400, 409, 401):
        refuse(restart(), code)
    guest = restart()
    guest.clock.now += 30
    error = refuse(guest, None)
    assert str(error) == (
        "3 logins were refused within five minutes, and the NAS blocks a machine that goes on: "
        "the next one is made in 5 minutes."
    )
    assert error.next_step.startswith("The last answer was: The account is disabled. ")
    assert error.retry_after_seconds == 270
    guest.clock.now += 269
    assert str(refuse(guest, None)).endswith("in 1 second.")
    guest.clock.now += 1
    assert guest.client.list_albums()


@pytest.mark.parametrize("code", [code for code in REFUSED if code != 407])
def test_a_changed_password_lifts_the_pause_and_not_the_limit(
    nas: FakeNas, restart: Callable[[], Guest], code: int
) -> None:
    guest = restart()
    for number in range(10):
        guest.password = f"wrong {number}"
        refuse(guest, code)
    assert guest.logins == 3
    guest.password = nas.password
    assert refuse(guest, None).kind == "refused_often"
    guest.clock.now += 5 * MINUTE
    assert guest.client.list_albums()


def test_a_blocked_address_is_tried_once_in_five_minutes_by_restarts_and_once_an_hour_without(
    restart: Callable[[], Guest],
) -> None:
    guest = restart()
    refuse(guest, 407)
    for _ in range(4):
        guest.clock.now += MINUTE
        error = refuse(restart(), 407)
        assert error.kind == "refused_often"
        assert str(error).startswith("One login was refused within five minutes")
        assert "Auto Block" in error.next_step
    guest.clock.now += MINUTE
    assert guest.logins == 1
    assert refuse(restart(), 407).kind == "login_407"
    assert refuse(guest, 407).kind == "login_407"
    assert guest.logins == 2
    guest.clock.now += 5 * MINUTE
    guest.nas.login_error = None
    assert restart().client.list_albums()


def test_logins_that_succeed_are_not_counted(nas: FakeNas, restart: Callable[[], Guest], tmp_path: Path) -> None:
    for _ in range(100):
        guest = restart()
        guest.client.login()
        guest.client.logout()
    assert nas.count("SYNO.API.Auth", "login") == 100
    assert not (tmp_path / "state").exists()


def test_a_nas_that_is_starting_is_not_remembered(nas: FakeNas, restart: Callable[[], Guest], tmp_path: Path) -> None:
    nas.login_error = 498
    for _ in range(5):
        with pytest.raises(NasUnreachable):
            restart().client.login()
    assert not (tmp_path / "state").exists()


def test_what_is_remembered_holds_no_secret(restart: Callable[[], Guest], tmp_path: Path) -> None:
    refuse(restart(), 400)
    assert not leaks((tmp_path / "state" / "logins").read_bytes())
