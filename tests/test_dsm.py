"""DSM's error codes in words."""

from __future__ import annotations

import pytest

from photosync import dsm
from photosync.errors import LoginRefused, NasCallRefused, NasUnreachable


@pytest.mark.parametrize("code", sorted(dsm.TRANSIENT))
def test_a_busy_nas_is_no_refusal(code: int) -> None:
    assert isinstance(dsm.login_error(code), NasUnreachable)
    assert isinstance(dsm.call_error("SYNO.Foto.Browse.Item", code), NasUnreachable)


@pytest.mark.parametrize("code", range(400, 412))
def test_each_refused_login_says_what_to_do(code: int) -> None:
    error = dsm.login_error(code)
    assert isinstance(error, LoginRefused)
    assert str(error).endswith(".")
    assert error.next_step.endswith(".")
    assert str(code) not in str(error)


def test_unknown_codes_are_told_as_they_are() -> None:
    assert "471" in str(dsm.login_error(471))
    error = dsm.call_error("SYNO.Foto.Browse.Item", 999)
    assert isinstance(error, NasCallRefused)
    assert error.code == 999
    assert "999" in str(error)


def test_a_dead_session_in_the_shared_space_may_look_like_a_missing_right() -> None:
    assert dsm.DEAD_SESSION | {803} == dsm.DEAD_SHARED_SPACE_SESSION


def test_a_code_that_is_wanted_has_a_way_out_for_each_case() -> None:
    unknown, forgotten = dsm.login_error(403), dsm.login_error(403, with_device=True)
    assert unknown.kind == forgotten.kind == dsm.CODE_WANTED_KIND
    assert "--enrol" in unknown.next_step and "without 2FA" in unknown.next_step
    assert "no longer knows this device" in str(forgotten)
    assert forgotten.next_step == "Run photos-sync --enrol again."
    assert str(dsm.login_error(400, with_device=True)) == str(dsm.login_error(400))


@pytest.mark.parametrize("code", [801, 803])
def test_a_call_of_the_shared_space_names_its_right(code: int) -> None:
    assert "shared space" in str(dsm.call_error("SYNO.FotoTeam.Thumbnail", code))
    assert ("shared space" in str(dsm.call_error("SYNO.Foto.Thumbnail", code))) == (code == 801)


@pytest.mark.parametrize("code", [102, 104, 105, 150, 160, 609, 642, 801, 803, 804])
def test_each_refused_call_that_has_a_known_cause_says_what_to_do(code: int) -> None:
    error = dsm.call_error("SYNO.Foto.Browse.Album", code)
    assert str(error).endswith(".") and error.next_step.endswith(".")
    assert str(code) not in error.sentence


def test_a_session_text_is_what_fits_into_a_header_and_nothing_else() -> None:
    assert all(map(dsm.is_session_text, ("a", "Z9_.-", "a" * 256)))
    assert not any(map(dsm.is_session_text, ("", "a b", "a\n", "a;b", "ä", "a" * 257, None, 5)))
