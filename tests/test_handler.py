"""What errors become, over a real socket; what each address answers is in test_web.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tornado.web import Application

from photosync import handler
from photosync.errors import Busy, LoginRefused, NasTimeout, PhotoNotFound
from photosync.handler import Handler
from photosync.server import Traffic

FAILURES: list[tuple[BaseException, int, str | None]] = [
    (Busy("x", retry_after_seconds=2.1), 503, "3"),
    (Busy("x", retry_after_seconds=0.01), 503, "1"),
    (Busy("x"), 503, "5"),
    (NasTimeout("timeout", "x"), 504, "5"),
    (LoginRefused("login_400", "x", retry_after_seconds=1800), 502, "1800"),
    (PhotoNotFound("x", retry_after_seconds=300), 404, "300"),
    (PhotoNotFound("x"), 404, None),
    (ZeroDivisionError("the cause"), 500, None),
]


class Failing(Handler):
    """Has begun an answer when it fails."""

    async def answer(self, *path: str) -> None:
        self.set_header("ETag", '"x"')
        raise FAILURES[int(path[0])][0]


@pytest.fixture
def app() -> Application:
    return Application([(r"/([0-9])", Failing, {"traffic": Traffic()})])


@pytest.mark.gen_test
async def test_an_error_becomes_its_status_and_tells_when_to_come_back(http_client: Any, base_url: str) -> None:
    for number, (error, status, wait) in enumerate(FAILURES):
        answer = await http_client.fetch(f"{base_url}/{number}", raise_error=False)
        assert (answer.code, answer.headers.get("Retry-After")) == (status, wait)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "photos-sync"
        assert "ETag" not in answer.headers
        cause = str(error) if status != 500 else "Internal Server Error."
        assert json.loads(answer.body) == {"error": cause, "next_step": ""}


@pytest.mark.gen_test
async def test_only_what_was_not_foreseen_is_logged(
    http_client: Any, base_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(len(FAILURES)):
        await http_client.fetch(f"{base_url}/{number}", raise_error=False)
    assert [record.getMessage() for record in caplog.records if record.name == handler.__name__] == [
        "A request failed in a way that was not foreseen."
    ]
