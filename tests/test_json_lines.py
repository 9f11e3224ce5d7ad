"""JSON log lines: one object a line, without secrets and without anything a terminal would obey."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import CANARY_PASSWORD
from hypothesis import given, settings
from hypothesis import strategies as st
from outside import Process

from photosync.errors import ConfigError
from photosync.fakenas import FakeNas
from photosync.json_lines import JsonLines
from photosync.log import Logging, Redactor
from photosync.settings import load_settings

ACCOUNT = ["-u", "frame", "-p", "x", "-U", "nas.local"]


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.hide(CANARY_PASSWORD)
    return redactor


@pytest.fixture(autouse=True)
def _root_logger_as_before() -> Iterator[None]:
    root, pools = logging.getLogger(), logging.getLogger("urllib3")
    levels = root.level, pools.level
    yield
    root.setLevel(levels[0])
    pools.setLevel(levels[1])


def shown(redactor: Redactor, message: str, *arguments: object) -> str:
    record = logging.LogRecord("photosync.test", logging.WARNING, "file.py", 1, message, arguments, None)
    return JsonLines(redactor).format(record)


def test_a_line_has_time_level_logger_and_message(redactor: Redactor) -> None:
    line: dict[str, Any] = json.loads(shown(redactor, "hello %s", "you"))
    moment = datetime.fromisoformat(line.pop("timestamp"))
    assert line == {"level": "WARNING", "logger": "photosync.test", "message": "hello you"}
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_secrets_are_hidden(redactor: Redactor) -> None:
    line = shown(redactor, "it is %s", CANARY_PASSWORD)
    assert json.loads(line)["message"] == "it is (hidden)"
    assert "canary" not in line


@pytest.mark.parametrize("before", range(3980, 4001))
def test_no_part_of_a_secret_is_left_where_a_line_is_cut(redactor: Redactor, before: int) -> None:
    assert "can" not in shown(redactor, "-" * before + CANARY_PASSWORD + "-" * 50)


def test_a_line_is_cut(redactor: Redactor) -> None:
    assert 4000 <= len(shown(redactor, "x" * 60_000)) < 4200


@given(text=st.text(max_size=80) | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=20))
@settings(deadline=None, max_examples=200)
def test_it_is_one_line_of_printable_ascii_whatever_is_told(text: str) -> None:
    line = shown(Redactor(), "%s", text)
    assert line.isascii() and line.isprintable()
    json.loads(line)


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b31m", "\x7f", "\u202e", "\u2028"])
def test_a_program_that_prints_the_message_prints_nothing_a_terminal_would_obey(redactor: Redactor, text: str) -> None:
    line = shown(redactor, "GET %s", text)
    assert line.isprintable()
    assert json.loads(line)["message"].isprintable()


def test_a_secret_that_looks_like_json_leaves_the_line_whole() -> None:
    redactor = Redactor()
    redactor.hide('", "')
    assert json.loads(shown(redactor, 'a", "b'))["message"] == "a(hidden)b"


def test_an_exception_is_in_the_message_of_its_line(redactor: Redactor) -> None:
    stream = io.StringIO()
    lines = Logging("info", redactor, stream, JsonLines(redactor))
    lines.start()
    try:
        raise ValueError(f"two\nlines of {CANARY_PASSWORD}")
    except ValueError:
        logging.getLogger("photosync.test_json_lines").exception("It failed.")
    lines.stop()
    (only,) = stream.getvalue().splitlines()
    message = json.loads(only)["message"]
    assert message.startswith("It failed.\nTraceback") and "ValueError: two\nlines of (hidden)" in message


def test_every_line_of_a_whole_run_is_an_object(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, "--log-format", "json", "--log-level", "debug") as process:
        process.wait_ready()
        process.get("/files")
        process.signal()
        assert process.wait() == 0
        lines = [json.loads(line) for line in process.log]
    assert {"timestamp", "level", "logger", "message"} == {key for line in lines for key in line}
    assert [line for line in lines if "photos in the album" in line["message"]]
    assert [line for line in lines if '"GET /files HTTP/1.1" 200' in line["message"]]


def test_so_is_a_line_of_the_login_that_begins_before_all_else(nas: FakeNas, tmp_path: Path) -> None:
    (tmp_path / f"photos-sync-{os.geteuid()}").symlink_to("/proc")  # not the folder of this user's own
    with Process(nas.url, tmp_path, "--log-format", "json") as process:
        process.wait_ready()
        process.signal()
        assert process.wait() == 0
        messages = [json.loads(line)["message"] for line in process.log]
    assert [message for message in messages if message.startswith("Refused logins cannot be remembered")]


def test_without_the_package_the_configuration_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pythonjsonlogger", None)
    with pytest.raises(ConfigError) as found:
        load_settings([*ACCOUNT, "--log-format", "json"], {})
    (mistake,) = found.value.mistakes
    assert "log-format (command line)" in mistake and "pip install 'python-json-logger" in mistake
    assert load_settings(ACCOUNT, {}).log_format == "text"


def test_any_other_format_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"log-format \(command line\): 'xml' is not one of text, json"):
        load_settings([*ACCOUNT, "--log-format", "xml"], {})
