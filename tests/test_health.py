"""What has failed at the NAS, and what may be asked. How downloads heed it is in test_store.py."""

from __future__ import annotations

import logging
import random

import pytest
from guest import Clock

from photosync.catalog import Catalog
from photosync.errors import LoginRefused, NasBadAnswer, NasCallRefused, NasTimeout, NasUnreachable, PhotoNotFound
from photosync.health import NasHealth
from photosync.models import Photo


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> NasHealth:
    return NasHealth(clock, random.Random(1), longest_wait_seconds=60)


def photo(number: int, version: str = "1_1") -> Photo:
    return Photo(number, number, version, "xl", f"{number}.jpg", 0, 3, 2, "album")


@pytest.mark.parametrize("error", [NasUnreachable("refused", "gone"), LoginRefused("login_400", "no")])
def test_a_nas_that_cannot_be_asked_holds_every_photo_up(health: NasHealth, error: NasUnreachable) -> None:
    health.start_download()
    health.download_failed(photo(1), error)
    assert str(health.cause) == str(error)
    assert str(health.reason_to_wait(photo(2))) == str(error)
    assert len(health.quarantine) == 0


@pytest.mark.parametrize(
    "error",
    [
        NasUnreachable("http_500", "ill"),
        NasTimeout("timeout", "slow"),
        NasBadAnswer("not_jpeg", "odd"),
        PhotoNotFound("x"),
    ],
)
def test_a_photo_that_fails_holds_only_itself_up(health: NasHealth, error: NasUnreachable) -> None:
    health.start_download()
    health.download_failed(photo(1), error)
    assert health.reason_to_wait(photo(1)) is not None
    assert health.reason_to_wait(photo(2)) is None
    assert health.cause is None


def test_a_repaired_photo_is_not_held_up_by_its_old_version(health: NasHealth) -> None:
    for _ in range(2):
        health.download_failed(photo(1), NasBadAnswer("not_jpeg", "odd"))
    assert health.reason_to_wait(photo(1)) is not None
    assert health.reason_to_wait(photo(1, "1_2")) is None
    health.retain(Catalog.build([photo(1, "1_2")], {}))
    assert list(health.quarantine) == []


def test_three_photos_that_fail_in_a_row_are_told_once(health: NasHealth, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for number in range(1, 7):
        health.download_failed(photo(number), NasBadAnswer("not_jpeg", "odd"))
    assert health.cause is not None
    assert health.reason_to_wait(photo(9)) is not None
    health.download_succeeded(photo(9))
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert health.reason_to_wait(photo(1)) is None


def test_photos_that_fail_again_and_again_are_no_reason_to_think_that_all_do(health: NasHealth, clock: Clock) -> None:
    for number in range(5):
        health.start_download()
        health.download_failed(photo(number), NasCallRefused(803, "no right"))
        health.start_download()
        health.download_succeeded(photo(99))
    for _ in range(3):
        clock.now += 86_400
        for number in range(5):
            assert health.reason_to_wait(photo(number)) is None
            health.start_download()
            health.download_failed(photo(number), NasCallRefused(803, "no right"))
    assert health.cause is None and health.allows_downloads


def test_a_wait_that_is_told_to_one_does_not_change_the_cause(health: NasHealth) -> None:
    cause = NasUnreachable("refused", "gone")
    health.call_failed(cause)
    told = health.reason_to_wait(photo(1))
    assert told is not None
    assert told.retry_after_seconds == health.breaker.wait_seconds > 0
    assert health.cause is not None
    assert health.cause.retry_after_seconds == health.breaker.wait_seconds
    assert cause.retry_after_seconds is None


def test_a_bad_answer_means_that_the_nas_is_there(health: NasHealth) -> None:
    health.call_failed(NasUnreachable("refused", "gone"))
    health.call_failed(NasBadAnswer("bad_json", "odd"))
    assert health.cause is None
    assert health.allows_downloads


def test_a_right_that_is_missing_for_some_photos_is_told_once(
    health: NasHealth, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for number in range(1, 9):
        health.download_failed(photo(number), NasCallRefused(801, "No shared space.", "Ask for it."))
        health.download_succeeded(photo(100 + number))
    assert [record.message for record in caplog.records] == ["Some photos cannot be had: No shared space. Ask for it."]


def test_another_rendition_that_fails_says_nothing_of_those_that_are_listed(health: NasHealth) -> None:
    for number in range(1, 9):
        health.start_download()
        health.download_failed(photo(number), NasCallRefused(804, "No downloads."), passing=True)
    assert health.reason_to_wait(photo(1)) is not None
    assert health.reason_to_wait(photo(9)) is None
    assert health.cause is None
    health.download_failed(photo(1), NasUnreachable("refused", "gone"), passing=True)
    assert health.cause is not None


def test_another_rendition_that_fails_leaves_the_next_probe_to_others(health: NasHealth, clock: Clock) -> None:
    for number in range(1, 4):
        health.download_failed(photo(number), NasBadAnswer("not_jpeg", "odd"))
    clock.now += health.photo_breaker.wait_seconds
    health.start_download()
    health.download_failed(photo(9), NasBadAnswer("not_jpeg", "odd"), passing=True)
    assert health.allows_downloads
