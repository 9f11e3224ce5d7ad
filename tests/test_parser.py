"""The two syntaxes: flags, and the lines of a configuration file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from photosync import parser
from photosync.errors import ConfigError
from photosync.options import COMMANDS, OPTIONS
from photosync.parser import ConfigFile, build_parser, nearest, spell_out
from photosync.settings import Settings, load_settings

BASE = ["-u", "me", "-p", "x", "-U", "nas"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Holds the files; no configuration file of this machine is read."""
    monkeypatch.setattr(parser, "DEFAULT_CONFIG", str(tmp_path / "default.ini"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(arguments: list[str], environment: dict[str, str] | None = None, file: str | None = None) -> Settings:
    if file is not None:
        path = Path("config.ini")
        path.write_text(file, "utf-8")
        arguments = [*arguments, "--config", str(path)]
    return load_settings(arguments, environment or {})


class TestTheConfigurationFile:
    def test_the_default_file_is_read_if_it_is_there(self, folder: Path) -> None:
        assert load(BASE).interval_seconds == 60
        (folder / "default.ini").write_text("interval = 77\n")
        assert load(BASE).interval_seconds == 77

    @pytest.mark.parametrize("flags", [["-c", "other.ini"], ["-cother.ini"], ["--config", "other.ini"]])
    def test_a_file_that_is_named_is_the_only_one_read(self, folder: Path, flags: list[str]) -> None:
        (folder / "default.ini").write_text("interval = 77\nmax-cache = 9\n")
        (folder / "other.ini").write_text("interval = 5\n")
        settings = load([*BASE, *flags])
        assert (settings.interval_seconds, settings.max_cache_bytes) == (5, 250_000_000)
        assert load([*BASE, f"--config={folder / 'other.ini'}"]) == settings

    def test_comments_sections_blank_lines_windows_lines_and_a_byte_order_mark_are_fine(self, folder: Path) -> None:
        text = "\ufeffinterval = 5\r\n\r\n# max-cache = 1\r\n; max-cache = 2\r\n  [photos-sync]\r\n\tmax-cache=3  \r\n"
        (folder / "windows.ini").write_bytes(text.encode())
        settings = load([*BASE, "-c", "windows.ini"])
        assert (settings.interval_seconds, settings.max_cache_bytes) == (5, 3_000_000)

    @pytest.mark.parametrize("name", ["missing.ini", ".", "nul\0byte"])
    def test_a_file_that_cannot_be_read_is_named(self, name: str) -> None:
        with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
            load([*BASE, "-c", name])

    def test_a_file_that_is_not_text_is_named(self, folder: Path) -> None:
        (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
        with pytest.raises(ConfigError, match=r"photo\.jpg is not a UTF-8 text file"):
            load([*BASE, "-c", "photo.jpg"])

    def test_what_is_wrong_is_told_with_file_and_line(self) -> None:
        file = "intervall = 5\njust words\n\n= 7\nmax-cache = 1\nmax_cache = 2\ninsecure = perhaps\ntimeout = soon\n"
        with pytest.raises(ConfigError) as failure:
            load(BASE, file=file)
        assert failure.value.mistakes == (
            "intervall (config.ini:1) is not an option. Did you mean interval?",
            "config.ini:2: this line is not 'key = value', a comment or a [section].",
            "config.ini:4: this line is not 'key = value', a comment or a [section].",
            "max-cache (config.ini:6) was already given at config.ini:5.",
            "insecure (config.ini:7): 'perhaps' is not yes or no.",
            "timeout (config.ini:8): 'soon' is not a number from 1 to 600.",
        )

    @pytest.mark.parametrize("line", ["password: hunter=2", "hunter2", "hunter 2 = 3", "pasword = hunter2"])
    def test_a_line_that_may_hold_a_password_is_not_shown(self, line: str) -> None:
        with pytest.raises(ConfigError) as failure:
            load(BASE, file=line)
        assert "hunter" not in str(failure.value)

    def test_commands_do_not_belong_into_a_file(self) -> None:
        with pytest.raises(ConfigError, match=r"demo \(config\.ini:1\) is not an option"):
            load(BASE, file="demo = yes\n")

    def test_the_parser_itself_gives_texts_and_lists(self) -> None:
        reading = type("Reading", (ConfigFile,), {"mistakes": [], "lines": {}})
        stream = io.StringIO("album = a\nalbum = b\nport = 1\npassword =\nurl =\n")
        stream.name = "here"
        assert reading().parse(stream) == {"album": ["a", "b"], "port": "1", "password": ""}
        assert reading.lines["port"] == "here:3"


def test_help_tells_the_three_sources(capsys: pytest.CaptureFixture[str]) -> None:
    parser = build_parser(ConfigFile, default_file=False)
    text = " ".join(parser.format_help().split())
    assert "PHOTOS_SYNC_MAX_CACHE=250" in text
    assert "The command line beats the environment, which beats the file." in text
    for option in OPTIONS:
        assert f"--{option.name}" in text
    for command in COMMANDS:
        assert f"--{command}" in text


def test_short_flags_with_their_value_are_spelled_out() -> None:
    assert spell_out(["-m250", "-p=-x=y", "-a", "b", "--", "-m1"]) == [
        "--max-cache=250",
        "--password=-x=y",
        "-a",
        "b",
        "--",
        "-m1",
    ]
    assert spell_out([]) == []
    assert spell_out(["-cfile", "-h", "-", "-zzz"]) == ["-cfile", "-h", "-", "-zzz"]


def test_abbreviated_flags_are_mistakes() -> None:
    with pytest.raises(ConfigError, match=r"--user \(command line\) is not an option. Did you mean --username\?"):
        load(["--user", "me", "-p", "x", "-U", "nas"])


def test_the_nearest_name_is_suggested_only_if_there_is_one() -> None:
    assert nearest("intervall", ["interval", "timeout"]) == " Did you mean interval?"
    assert nearest("xyz", ["interval", "timeout"]) == ""
