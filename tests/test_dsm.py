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
