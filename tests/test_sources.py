"""Sources: what each of them says, and what is wrong with it."""

from __future__ import annotations

import pytest
from test_settings import BASE, load, mistakes


def test_what_the_command_line_parser_finds_comes_with_the_rest() -> None:
    found = mistakes([*BASE, "-p"], {"PHOTOS_SYNC_INSECURE": "perhaps"})
    assert found == (
        "insecure (environment PHOTOS_SYNC_INSECURE): 'perhaps' is not yes or no.",
        "Command line: argument -p/--password: expected one argument.",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, text) for name in ("max-cache", "interval", "timeout", "max-photo") for text in ("nan", "inf", "-1")),
        *((name, text) for name in ("max-cache", "interval", "timeout", "max-photo") for text in ("0", "x", "1e9")),
        *(("server-port", text) for text in ("65536", "1.5", "٣", "", "http")),
        *(("port", text) for text in ("0", "65536", "-1", "")),
        ("photo-size", "XXL"),
        ("log-level", "trace"),
        ("album", "id:"),
        ("album", "id:-3"),
        ("album", ""),
        ("ca-file", "/nonexistent.pem"),
        ("ca-file", "/dev"),
        ("ca-file", "nul\0byte"),
    ],
)
def test_a_value_out_of_range_names_its_option(name: str, text: str) -> None:
    (mistake,) = mistakes([*BASE, "-p", "x", f"--{name}={text}"])
    assert mistake.startswith(f"{name} (command line)")


def test_two_commands_contradict_each_other() -> None:
    assert mistakes([*BASE, "-p", "x", "--check", "--list-albums"]) == (
        "check and list-albums (command line) contradict each other: keep one of them.",
    )


def test_an_unknown_variable_is_warned_about_since_others_may_have_set_it() -> None:
    found = load([*BASE, "-p", "x"], {"PHOTOS_SYNC_MAXCACHE": "9", "PHOTOS": "1"}).warnings
    assert (
        "The environment variable PHOTOS_SYNC_MAXCACHE is not an option and has no effect. "
        "Did you mean PHOTOS_SYNC_MAX_CACHE?"
    ) in found


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pasword", "hunter2"],
        ["--pasword=hunter2"],
        ["-p", "a", "hunter2"],
        ["hunter2"],
        ["-xhunter2"],
        ["--", "hunter2"],
    ],
)
def test_a_password_behind_a_misspelled_flag_is_not_shown(arguments: list[str]) -> None:
    assert "hunter2" not in "\n".join(mistakes([*BASE, "-p", "x", *arguments]))


def test_a_command_without_its_dashes_is_understood_well_enough_for_a_suggestion() -> None:
    assert mistakes([*BASE, "-p", "x", "check"]) == (
        "Command line: there is a value without an option before it (not shown: it could be a password).",
    )
