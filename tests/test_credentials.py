"""Secrets in files, by systemd and as texts: what is taken, what is refused, and that nothing shows them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from photosync import parser
from photosync.errors import ConfigError
from photosync.settings import Secret, Settings, load_settings

BASE = ["-u", "me", "-U", "nas"]


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "DEFAULT_CONFIG", "/nonexistent/config.ini")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def load(arguments: list[str], environment: dict[str, str] | None = None) -> Settings:
    return load_settings(arguments, environment or {})


def mistakes(arguments: list[str], environment: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as failure:
        load(arguments, environment)
    return failure.value.mistakes


def secret_file(folder: Path, content: bytes | str = "open sesame\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


class TestSecretFiles:
    @pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440, 0o660])
    def test_a_file_that_others_cannot_read_is_accepted(self, mode: int, tmp_path: Path) -> None:
        settings = load([*BASE, "--password-file", str(secret_file(tmp_path, mode=mode))])
        assert settings.read_password().reveal() == "open sesame"

    @pytest.mark.parametrize("mode", [0o644, 0o444, 0o604, 0o777])
    def test_a_file_that_everybody_can_read_is_refused_with_the_command_that_helps(
        self, mode: int, tmp_path: Path
    ) -> None:
        path = secret_file(tmp_path, mode=mode)
        assert mistakes([*BASE, "--password-file", str(path)]) == (
            f"password-file (command line): every user of this machine can read '{path}'. Run: chmod 600 {path}",
        )
        subprocess.run(["chmod", "600", str(path)], check=True)
        assert load([*BASE, "--password-file", str(path)]).read_password().reveal() == "open sesame"

    @pytest.mark.parametrize(
        ("content", "password"),
        [
            (b"plain", "plain"),
            (b"newline\n", "newline"),
            (b"crlf\r\n", "crlf"),
            (b"\xef\xbb\xbfmark\n", "mark"),
            (b"\xef\xbb\xbfmark and crlf\r\nmore\r\n", "mark and crlf"),
            (b"first\nsecond\n", "first"),
            (b" spaces stay \n", " spaces stay "),
            ("größe\n".encode(), "größe"),
        ],
    )
    def test_the_first_line_is_the_password(self, content: bytes, password: str, tmp_path: Path) -> None:
        settings = load([*BASE, "--password-file", str(secret_file(tmp_path, content))])
        assert settings.read_password() == Secret(password)
        assert settings.password is None

    @pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"\xef\xbb\xbf\n", b"\nsecond"])
    def test_an_empty_first_line_is_a_mistake(self, content: bytes, tmp_path: Path) -> None:
        (mistake,) = mistakes([*BASE, "--password-file", str(secret_file(tmp_path, content))])
        assert mistake.startswith("password-file (command line): the first line of ") and "is empty" in mistake

    @pytest.mark.parametrize("path", ["/nonexistent/secret", "/dev", "nul\0byte"])
    def test_a_file_that_cannot_be_read_is_a_mistake(self, path: str) -> None:
        (mistake,) = mistakes(BASE, {"PHOTOS_SYNC_PASSWORD_FILE": path})
        assert mistake.startswith("password-file (environment PHOTOS_SYNC_PASSWORD_FILE): ")

    def test_a_file_that_is_no_text_is_a_mistake_that_does_not_show_it(self, tmp_path: Path) -> None:
        (mistake,) = mistakes([*BASE, "--password-file", str(secret_file(tmp_path, b"hunter2\xff\xfe"))])
        assert "not a UTF-8 text file" in mistake and "hunter2" not in mistake

    def test_a_changed_file_counts_without_a_restart(self, tmp_path: Path) -> None:
        settings = load([*BASE, "--password-file", str(secret_file(tmp_path, "old\n"))])
        assert settings.read_password() == Secret("old")
        path = secret_file(tmp_path, "new\n")
        assert settings.read_password() == Secret("new")
        path.unlink()
        with pytest.raises(ConfigError, match="cannot be read"):
            settings.read_password()


class TestSystemdCredentials:
    @pytest.fixture
    def credentials(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "credentials"
        folder.mkdir()
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
        return folder

    @pytest.mark.parametrize("mode", [0o400, 0o440, 0o444])
    def test_the_credential_is_used_by_itself_whatever_its_mode(self, mode: int, credentials: Path) -> None:
        (credentials / "password").write_text("from systemd\n")
        (credentials / "password").chmod(mode)
        settings = load(BASE, {"CREDENTIALS_DIRECTORY": str(credentials)})
        assert settings.password_file == credentials / "password"
        assert settings.read_password() == Secret("from systemd")

    def test_without_that_credential_the_password_is_missing(self, credentials: Path) -> None:
        (credentials / "something-else").write_text("x")
        (mistake,) = mistakes(BASE, {"CREDENTIALS_DIRECTORY": str(credentials)})
        assert mistake.startswith("password is missing")

    def test_an_empty_credential_is_a_mistake_that_says_where_it_came_from(self, credentials: Path) -> None:
        (credentials / "password").write_text("\n")
        (mistake,) = mistakes(BASE, {"CREDENTIALS_DIRECTORY": str(credentials)})
        assert mistake.startswith("password-file (CREDENTIALS_DIRECTORY)")

    def test_a_password_that_was_asked_for_comes_before_it(self, credentials: Path, tmp_path: Path) -> None:
        (credentials / "password").write_text("from systemd\n")
        environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
        named = load([*BASE, "--password-file", str(secret_file(tmp_path))], environment)
        assert named.read_password() == Secret("open sesame")
        assert load([*BASE, "-p", "plain"], environment).read_password() == Secret("plain")
