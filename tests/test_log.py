"""Log lines: one record is one line, without secrets and without anything a terminal would obey."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import unicodedata
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from conftest import PATIENCE_SECONDS
from hypothesis import given, settings
from hypothesis import strategies as st

from photosync.errors import NasBadAnswer
from photosync.fakenas import FakeNas, cut
from photosync.log import LineFormatter, Logging, Redactor
from photosync.wire import Wire

PASSWORD = 'pa"ss wörd/\\&+#\t%20'
SPELLINGS = {
    "plain": PASSWORD,
    "in a path": quote(PASSWORD),
    "in a query": quote(PASSWORD, safe=""),
    "in a form": quote_plus(PASSWORD),
    "in a form, lower case": re.sub("%..", lambda found: found[0].lower(), quote_plus(PASSWORD)),
    "in a repr": repr(PASSWORD),
    "in JSON": json.dumps(PASSWORD),
    "in JSON of other letters": json.dumps(PASSWORD, ensure_ascii=False),
    "in HTML": escape(PASSWORD),
}


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.hide(PASSWORD)
    return redactor


@pytest.fixture(autouse=True)
def _root_logger_as_before() -> Iterator[None]:
    root, pools = logging.getLogger(), logging.getLogger("urllib3")
    levels = root.level, pools.level
    yield
    root.setLevel(levels[0])
    pools.setLevel(levels[1])


def line(redactor: Redactor, message: str, *arguments: object, error: BaseException | None = None) -> str:
    information = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("photosync.test", logging.INFO, "file.py", 1, message, arguments, information)
    return LineFormatter(redactor).format(record)


def pieces(secret: str, length: int = 4) -> set[str]:
    return {secret[start : start + length] for start in range(len(secret) - length + 1)}


class TestRedactor:
    @pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
    def test_a_secret_is_hidden_however_it_is_spelled(self, redactor: Redactor, spelling: str) -> None:
        shown = redactor(f"before {spelling} after")
        assert "(hidden)" in shown
        assert shown.startswith("before ") and shown.endswith(" after")
        assert "ss" not in shown and "rd" not in shown

    def test_several_are_hidden_and_the_longest_spelling_wins(self) -> None:
        redactor = Redactor()
        for secret in ("open", "open-sesame", "token99"):
            redactor.hide(secret)
        assert redactor("open-sesame token99 open") == "(hidden) (hidden) (hidden)"

    def test_very_short_ones_would_eat_the_log(self) -> None:
        redactor = Redactor()
        for secret in ("", "a", "abc"):
            redactor.hide(secret)
        assert redactor("abc and a") == "abc and a"

    def test_without_secrets_nothing_changes(self) -> None:
        assert Redactor()("any text") == "any text"

    @given(secret=st.text(min_size=4, max_size=20), before=st.text(max_size=20), after=st.text(max_size=20))
    @settings(max_examples=200)
    def test_no_secret_survives_in_plain_or_quoted_text(self, secret: str, before: str, after: str) -> None:
        try:
            secret.encode()
        except UnicodeEncodeError:
            return
        redactor = Redactor()
        redactor.hide(secret)
        for spelling in (
            secret,
            repr(secret)[1:-1],
            quote(secret, safe=""),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
        ):
            assert spelling not in redactor(f"{before}|{spelling}|{after}").replace("(hidden)", "\ue000")

    def test_it_can_be_told_secrets_by_many_threads(self) -> None:
        redactor = Redactor()
        secrets = [f"secret-{number:03d}" for number in range(200)]
        threads = [threading.Thread(target=redactor.hide, args=(secret,)) for secret in secrets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert redactor(" ".join(secrets)) == " ".join(["(hidden)"] * 200)


class TestLines:
    def test_a_line_has_time_level_and_message(self, redactor: Redactor) -> None:
        date, time, level, message = line(redactor, "hello %s", "you").split(" ", 3)
        assert (len(date), len(time), level, message) == (10, 8, "INFO", "hello you")

    @pytest.mark.parametrize(
        "text",
        [
            "\x1b[31m",
            "\x9b31m",
            "a\r\nb",
            "a\nb",
            "\x00",
            "\x7f",
            "\u202e",
            "\u2066",
            "\u061c",
            "\u200f",
            "\u2028",
            "\ud800",
        ],
    )
    def test_what_a_terminal_would_obey_is_spelled_out(self, redactor: Redactor, text: str) -> None:
        shown = line(redactor, "GET %s", text)
        assert shown.isprintable()
        assert len(shown.splitlines()) == 1
        assert "\\x" in shown or "\\n" in shown

    @given(text=st.text(max_size=80) | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=20))
    @settings(max_examples=300)
    def test_no_control_character_gets_through(self, text: str) -> None:
        shown = line(Redactor(), "%s", text)
        assert len(shown.splitlines()) == 1
        bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
        assert not [
            letter for letter in shown if unicodedata.bidirectional(letter) in bidi or letter in "\u061c\u200e\u200f"
        ]

    def test_letters_of_all_languages_stay(self, redactor: Redactor) -> None:
        assert line(redactor, "Größe & café – 夏の日 🌞").endswith("Größe & café – 夏の日 🌞")

    def test_a_line_is_cut(self, redactor: Redactor) -> None:
        assert 4000 <= len(line(redactor, "x" * 60_000)) < 4100

    @pytest.mark.parametrize("before", range(3980, 4001))
    def test_no_part_of_a_secret_is_left_where_a_line_is_cut(self, redactor: Redactor, before: int) -> None:
        shown = line(redactor, "-" * before + PASSWORD + "-" * 50)
        assert not [piece for piece in pieces(PASSWORD) if piece in shown]

    def test_no_part_of_a_secret_is_left_where_a_letter_is_spelled_out(self) -> None:
        redactor = Redactor()
        redactor.hide("tab\tnew\nesc\x1b end")
        assert line(redactor, "=tab\tnew\nesc\x1b end=").endswith("=(hidden)=")

    def test_a_secret_in_an_exception_is_hidden(self, redactor: Redactor) -> None:
        try:
            raise ValueError(f"bad password {PASSWORD}")
        except ValueError as error:
            shown = line(redactor, "It failed.", error=error)
        assert "ValueError: bad password (hidden)" in shown


class StuckStream(io.StringIO):
    """A terminal that takes nothing until `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.reached = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        self.go.wait(PATIENCE_SECONDS)
        return super().write(text)


class TestLogging:
    def test_what_is_logged_is_written_by_the_time_it_has_stopped(self, redactor: Redactor) -> None:
        stream = io.StringIO()
        lines = Logging("info", redactor, stream)
        lines.start()
        logger = logging.getLogger("photosync.test_log")
        logger.info("password %s", PASSWORD)
        logger.debug("too quiet")
        lines.stop()
        logger.info("too late")
        (only,) = stream.getvalue().splitlines()
        assert only.endswith("INFO password (hidden)")
        assert lines.dropped == 0

    def test_the_level_is_heeded(self, redactor: Redactor) -> None:
        stream = io.StringIO()
        lines = Logging("error", redactor, stream)
        lines.start()
        logging.getLogger("photosync.test_log").warning("quiet")
        logging.getLogger("photosync.test_log").error("loud")
        lines.stop()
        assert [text.split(" ", 2)[2] for text in stream.getvalue().splitlines()] == ["ERROR loud"]

    def test_connection_pools_are_quiet_even_at_debug_level(self, redactor: Redactor) -> None:
        stream = io.StringIO()
        lines = Logging("debug", redactor, stream)
        lines.start()
        logging.getLogger("urllib3.connectionpool").debug("Starting new connection")
        logging.getLogger("photosync.test_log").debug("mine")
        lines.stop()
        assert stream.getvalue().count("\n") == 1

    def test_connection_pools_do_not_tell_of_an_answer_that_was_cut(self, redactor: Redactor, nas: FakeNas) -> None:
        nas.fault(cut(100))
        stream = io.StringIO()
        lines = Logging("debug", redactor, stream)
        lines.start()
        with pytest.raises(NasBadAnswer):
            Wire(nas.url, 5.0, None, False).exchange("GET", "", {}, headers={}, limit_bytes=10_000)
        lines.stop()
        assert stream.getvalue() == ""

    def test_an_exception_is_one_line_with_its_cause(self, redactor: Redactor) -> None:
        stream = io.StringIO()
        lines = Logging("info", redactor, stream)
        lines.start()
        try:
            raise ValueError(f"two\nlines of {PASSWORD}")
        except ValueError:
            logging.getLogger("photosync.test_log").exception("It failed.")
        lines.stop()
        (only,) = stream.getvalue().splitlines()
        assert "It failed." in only and "ValueError: two" in only
        assert not [piece for piece in pieces(PASSWORD) if piece in only]

    def test_a_stuck_terminal_delays_nobody_and_lines_are_dropped_and_counted(self, redactor: Redactor) -> None:
        stream = StuckStream()
        lines = Logging("info", redactor, stream)
        lines.start()
        logger = logging.getLogger("photosync.test_log")
        logger.info("first")
        assert stream.reached.wait(PATIENCE_SECONDS)
        for number in range(1500):
            logger.info("line %d", number)
        assert lines.dropped == 500
        others = set(threading.enumerate())
        lines.stop(timeout_seconds=0.01)
        stream.go.set()
        for thread in set(threading.enumerate()) - others:
            thread.join(PATIENCE_SECONDS)
        assert stream.getvalue().count("\n") == 1001
        assert set(threading.enumerate()) < others

    def test_a_closed_terminal_is_no_error(self, redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
        complaints = io.StringIO()
        monkeypatch.setattr(sys, "stderr", complaints)
        stream = io.StringIO()
        lines = Logging("info", redactor, stream)
        lines.start()
        stream.close()
        logging.getLogger("photosync.test_log").info("nobody reads this")
        lines.stop()
        assert complaints.getvalue() == ""
