"""Which words a failure gets where a real one is hard to come by; the others are in test_wire.py."""

from __future__ import annotations

import errno
import ssl

import pytest

from photosync.address import URL_OPTION
from photosync.errors import LOOK_FOR_IT
from photosync.trouble import clock_hint, tls_port, translate

YEAR_2023 = 1_690_000_000.0
YEAR_2026 = 1_780_000_000.0
NOT_YET_VALID, EXPIRED = 9, 10


@pytest.mark.parametrize(
    ("code", "now", "suspect"),
    [
        (NOT_YET_VALID, YEAR_2026, True),
        (NOT_YET_VALID, 0.0, True),
        (EXPIRED, YEAR_2026, False),
        (EXPIRED, YEAR_2023, True),
    ],
)
def test_a_clock_that_cannot_be_right_is_suspected(code: int, now: float, suspect: bool) -> None:
    assert ("timedatectl" in clock_hint(code, now)) is suspect


def test_a_suspected_clock_is_told_as_it_is_read() -> None:
    assert "1970-01-01 00:00 UTC" in clock_hint(NOT_YET_VALID, 0.0)


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN])
def test_a_network_that_is_not_there_is_told(number: int) -> None:
    error = translate(OSError(number, "x"), "http://nas:5000", 5.0)
    assert error.kind == "unreachable"
    assert "There is no way to http://nas:5000" in str(error)


@pytest.mark.parametrize("reason", ["WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"])
def test_every_word_of_openssl_for_no_tls_means_a_plain_port(reason: str) -> None:
    cause = ssl.SSLError(1, "x")
    cause.reason = reason
    assert translate(cause, "https://nas:5000", 5.0).kind == "http_port"


def test_the_address_to_use_keeps_port_and_alias() -> None:
    assert tls_port("http://nas:5001/photo", URL_OPTION).next_step.endswith(" --url https://nas:5001/photo")


def test_where_the_address_may_be_wrong_a_check_is_recommended() -> None:
    for cause in (OSError(errno.ECONNREFUSED, "x"), ValueError("x")):
        assert translate(cause, "http://nas:5000", 5.0).next_step.endswith(LOOK_FOR_IT)
