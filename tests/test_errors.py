"""The error tree: a cause, the next step, and nothing of HTTP."""

from __future__ import annotations

import inspect

import pytest

from photosync import errors
from photosync.errors import (
    AlbumProblem,
    ConfigError,
    LoginRefused,
    NasBadAnswer,
    NasCallRefused,
    NasError,
    NasTimeout,
    NasUnreachable,
    PhotoNotFound,
    PhotosSyncError,
)

CLASSES = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, PhotosSyncError)]


def test_a_sentence_is_cause_and_next_step() -> None:
    error = PhotosSyncError("It is broken.", "Mend it.", retry_after_seconds=5)
    assert str(error) == "It is broken."
    assert error.sentence == "It is broken. Mend it."
    assert error.retry_after_seconds == 5


def test_without_a_next_step_the_sentence_is_the_cause() -> None:
    assert PhotoNotFound("There is no such photo.").sentence == "There is no such photo."


def test_a_configuration_error_holds_every_mistake() -> None:
    error = ConfigError(["one", "two"])
    assert error.mistakes == ("one", "two")
    assert str(error) == "one\ntwo"


@pytest.mark.parametrize("kind", [NasError, NasUnreachable, NasTimeout, NasBadAnswer, LoginRefused, AlbumProblem])
def test_errors_of_the_nas_have_a_kind_for_logs_and_metrics(kind: type[NasError]) -> None:
    error = kind("timeout", "It was too slow.", "Wait.", retry_after_seconds=3)
    assert (error.kind, error.sentence, error.retry_after_seconds) == ("timeout", "It was too slow. Wait.", 3)


def test_a_refused_call_keeps_the_code() -> None:
    error = NasCallRefused(642, "It is gone.")
    assert (error.code, error.kind) == (642, "api_642")


def test_a_timeout_means_that_the_nas_could_not_be_reached() -> None:
    assert issubclass(NasTimeout, NasUnreachable)
    assert not issubclass(LoginRefused, NasUnreachable)


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.__name__)
def test_every_class_is_in_the_picture_at_the_top_and_explains_itself(found: type[PhotosSyncError]) -> None:
    assert found.__name__ in (errors.__doc__ or "")
    assert found.__doc__
