"""LoginBrake on a simulated NAS: what a refusal costs, and when another login is tried."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import canary_nas, leaks
from guest import AUTH, MINUTE, Clock, Guest

from photosync import fakenas
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


class Restarts:
    """The program started anew on the same machine, again and again, with the clock that they all share."""

    def __init__(self, nas: FakeNas, folder: Path) -> None:
        self.nas = nas
        self.folder = folder
        self.clock = Clock()

    def __call__(self, password: str = "", *, account: str = "frame") -> Guest:
        refused = RefusedLogins(self.clock, self.folder, subject=f"nas {account}", address="nas", start="boot")
        guest = Guest(self.nas, self.clock, brake=LoginBrake(self.clock, refused))
        guest.password = password or self.nas.password
        return guest

    def log_in(self, password: str = "", *, account: str = "frame") -> str:
        """A restart and its login: the kind of the error, or "" if it succeeds."""
        guest = self(password, account=account)
        try:
            guest.client.login()
        except NasError as error:
            return error.kind
        guest.client.logout()
        return ""

    @property
    def logins(self) -> int:
        return self.nas.count(AUTH, "login")


@pytest.fixture
def restart(nas: FakeNas, tmp_path: Path) -> Restarts:
    return Restarts(nas, tmp_path / "state")


def test_twenty_restarts_with_a_wrong_password_are_two_logins_in_five_minutes(restart: Restarts) -> None:
    kinds = []
    for _ in range(20):
        kinds.append(restart.log_in("wrong"))
        restart.clock.now += 14.0
    assert kinds == ["login_400"] * 2 + ["refused_often"] * 18
    assert restart.nas.failed_logins == 2


def test_no_five_minutes_see_more_than_three_refused_logins(nas: FakeNas, restart: Restarts) -> None:
    failed_at: list[float] = []
    for number in range(300):
        restart.log_in(f"wrong {number % 7}")
        failed_at += [restart.clock.now] * (nas.failed_logins - len(failed_at))
        if number % 5 == 0:
            restart.log_in()
        restart.clock.now += 14.0
    assert len(failed_at) >= 36
    for earlier, later in zip(failed_at, failed_at[3:], strict=False):
        assert later - earlier >= 5 * MINUTE


@pytest.mark.parametrize("wrong", [["wrong"], ["wrong", "wrong too"]], ids=len)
def test_whoever_has_the_wrong_password_never_keeps_out_whoever_has_the_right_one(
    restart: Restarts, wrong: list[str]
) -> None:
    right = 0
    for number in range(300):
        restart.log_in(wrong[number % len(wrong)])
        restart.clock.now += 14.0
        if number % 3 == 0:
            assert restart.log_in() == ""
            right += 1
    assert restart.logins - restart.nas.failed_logins == right == 100
    assert restart.nas.failed_logins >= 24


def test_a_held_back_login_is_told_with_number_wait_and_the_cause_of_the_last_answer(restart: Restarts) -> None:
    for number, code in enumerate((400, 409, 401)):
        refuse(restart(f"wrong {number}"), code)
    guest = restart("wrong 3")
    guest.clock.now += 30
    error = refuse(guest, None)
    assert str(error) == (
        "3 logins were refused within five minutes, and the NAS blocks a machine that goes on: "
        "another one is possible in 5 minutes."
    )
    assert error.next_step == "The last answer was: The account is disabled."
    assert error.retry_after_seconds == 270
    guest.clock.now += 269
    assert str(refuse(guest, None)).endswith("in 1 second.")
    guest.clock.now += 1
    guest.password = restart.nas.password
    assert guest.client.list_albums()


def test_a_password_that_was_refused_twice_is_held_back_and_another_one_is_not(restart: Restarts) -> None:
    assert [restart.log_in("wrong") for _ in range(2)] == ["login_400"] * 2
    error = refuse(restart("wrong"), None)
    assert str(error) == (
        "2 logins were refused within five minutes, and the NAS blocks a machine that goes on: "
        "another one is possible in 5 minutes, or at once with another password."
    )
    assert restart.log_in() == ""


@pytest.mark.parametrize("code", [code for code in REFUSED if code not in (403, 407)])
def test_a_changed_password_lifts_the_pause_and_not_the_limit(restart: Restarts, code: int) -> None:
    guest = restart()
    for number in range(10):
        guest.password = f"wrong {number}"
        refuse(guest, code)
    assert guest.logins == 3
    guest.password = restart.nas.password
    assert refuse(guest, None).kind == "refused_often"
    guest.clock.now += 5 * MINUTE
    assert guest.client.list_albums()


def test_a_missing_code_pauses_the_program_and_is_not_remembered(restart: Restarts) -> None:
    restart.nas.login_error = 403
    guest = restart()
    for _ in range(3):
        assert refuse(guest, 403).kind == "login_403"
    assert restart.logins == 1
    assert [restart.log_in() for _ in range(5)] == ["login_403"] * 5
    restart.nas.login_error = None
    assert restart.log_in() == ""
    assert not (restart.folder / "logins").exists()


def test_a_blocked_address_is_tried_once_in_five_minutes_by_restarts_and_once_an_hour_without(
    restart: Restarts,
) -> None:
    guest = restart()
    refuse(guest, 407)
    for _ in range(4):
        guest.clock.now += MINUTE
        error = refuse(restart("another"), 407)
        assert error.kind == "refused_often"
        assert str(error).startswith("One login was refused within five minutes")
        assert str(error).endswith(("minutes.", "seconds."))
        assert "blocked this machine's address" in error.next_step
    guest.clock.now += MINUTE
    assert guest.logins == 1
    assert refuse(restart(), 407).kind == "login_407"
    assert refuse(guest, 407).kind == "login_407"
    assert guest.logins == 2
    guest.clock.now += 5 * MINUTE
    guest.nas.login_error = None
    assert restart().client.list_albums()


def test_a_blocked_address_holds_back_every_account_and_any_other_refusal_its_own(restart: Restarts) -> None:
    assert restart.log_in("wrong") == restart.log_in("wrong") == "login_400"
    assert restart.log_in("wrong", account="other") == "login_400"
    restart.nas.login_error = 407
    assert restart.log_in(account="third") == "login_407"
    restart.nas.login_error = None
    assert restart.log_in() == restart.log_in(account="other") == restart.log_in(account="fourth") == "refused_often"
    restart.clock.now += 5 * MINUTE
    assert restart.log_in() == restart.log_in(account="other") == restart.log_in(account="fourth") == ""


def test_logins_that_succeed_are_not_counted(restart: Restarts) -> None:
    assert [restart.log_in() for _ in range(40)] == [""] * 40
    assert restart.logins == 40
    assert os.listdir(restart.folder) == [".logins.lock"]


@pytest.mark.parametrize("code", [109, 498])
def test_a_nas_that_is_starting_is_not_remembered(restart: Restarts, code: int) -> None:
    restart.nas.login_error = code
    assert [restart.log_in() for _ in range(5)] == [f"api_{code}"] * 5
    assert not (restart.folder / "logins").exists()


def test_a_nas_that_cannot_be_reached_is_not_remembered(restart: Restarts) -> None:
    guests = [restart() for _ in range(5)]
    for guest in guests:
        guest.client.discover()
    restart.nas.stop()
    for guest in guests:
        with pytest.raises(NasUnreachable) as caught:
            guest.client.login()
        assert caught.value.kind == "refused"
    assert not (restart.folder / "logins").exists()


# Logins without an answer


def test_a_login_whose_answer_never_comes_counts_for_five_minutes(restart: Restarts) -> None:
    restart.nas.fault(fakenas.reset(), api=AUTH, method="login", times=3)
    assert [restart.log_in("wrong") for _ in range(6)] == ["reset"] * 3 + ["login_brake"] * 3
    assert restart.logins == 3
    error = caught_by(restart("wrong"))
    assert str(error) == ("3 logins of the last five minutes have no answer yet: another one is possible in 5 minutes.")
    assert 0 < (error.retry_after_seconds or 0) <= 20
    restart.clock.now += 5 * MINUTE
    assert restart.log_in() == ""


def caught_by(guest: Guest) -> NasError:
    with pytest.raises(NasError) as caught:
        guest.client.login()
    return caught.value


def test_a_login_without_an_answer_is_no_hindrance_once_its_password_is_accepted(restart: Restarts) -> None:
    for _ in range(10):
        restart.nas.fault(fakenas.reset(), api=AUTH, method="login", times=2)
        assert [restart.log_in() for _ in range(3)] == ["reset", "reset", ""]
    assert not (restart.folder / "logins").exists()


def test_a_password_that_is_accepted_leaves_the_logins_with_another_standing(restart: Restarts) -> None:
    restart.nas.fault(fakenas.reset(), api=AUTH, method="login", times=1)
    assert [restart.log_in("wrong") for _ in range(2)] == ["reset", "login_400"]
    assert restart.log_in() == ""
    assert restart.log_in("wrong") == "refused_often"


def test_refused_and_unanswered_logins_count_together(restart: Restarts) -> None:
    assert restart.log_in("wrong") == "login_400"
    restart.nas.fault(fakenas.reset(), api=AUTH, method="login", times=2)
    assert [restart.log_in(f"other {number}") for number in range(2)] == ["reset"] * 2
    error = caught_by(restart())
    assert str(error).startswith("3 logins were refused or not answered within five minutes, and ")
    assert error.next_step == "The last answer was: The NAS does not accept the account name or the password."


def test_what_is_remembered_holds_no_secret_and_too_little_to_find_one(restart: Restarts) -> None:
    refuse(restart(), 400)
    content = (restart.folder / "logins").read_bytes()
    assert not leaks(content)
    (row,) = json.loads(content)["logins"]["nas frame"]
    assert row[:3] == [1000.0, "login_400", "The NAS does not accept the account name or the password."]
    assert isinstance(row[3], int) and 0 <= row[3] < 256
