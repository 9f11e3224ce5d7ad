"""The options of what is served: what they become, and what is told of mistakes in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from conftest import CANARY_ACCESS, leaks
from served import write_certificate

from photosync import parser
from photosync.errors import ConfigError
from photosync.guard import Access
from photosync.settings import Secret, Settings, load_settings

BASE = ["-u", "me", "-p", "x", "-U", "nas"]


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "DEFAULT_CONFIG", "/nonexistent/config.ini")


def load(*arguments: str, environment: dict[str, str] | None = None) -> Settings:
    return load_settings([*BASE, *arguments], environment or {})


def mistake(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """The only one."""
    with pytest.raises(ConfigError) as failure:
        load(*arguments, environment=environment)
    (told,) = failure.value.mistakes
    assert not leaks(told)
    return str(told)


def secret_file(folder: Path, content: str, mode: int = 0o600) -> str:
    path = folder / "access-token"
    path.write_text(content)
    path.chmod(mode)
    return str(path)


def test_without_them_everybody_may_look_and_nothing_is_believed() -> None:
    assert load().access == Access()
    assert (load().tls_cert, load().tls_key) == (None, None)


def test_names_origins_and_proxies_can_be_given_several_times() -> None:
    access = load(
        "--allowed-host=a.example",
        "--allowed-host=A.example",
        "--allowed-host=*.b.example",
        "--allow-origin=http://a",
        "--allow-origin=http://b:80",
        "--trusted-proxy=::1",
        "--trusted-proxy=10.0.0.0/8",
    ).access
    assert access.allowed_hosts == ("a.example", "*.b.example")
    assert access.origins == ("http://a", "http://b:80")
    assert access.trusted_proxies == (ip_network("::1"), ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    "text",
    ["http://a.example", "a.example:5000", "*", "a.*.example", "*.", "a b", "größe.example", "a/b", "-", "@"][:-2],
)
def test_what_is_no_host_name_is_a_mistake(text: str) -> None:
    assert mistake(f"--allowed-host={text}") == (
        f"allowed-host (command line): '{text}' is not a host name such as *.example.org."
    )


@pytest.mark.parametrize(
    "text", ["*", "null", "dashboard.local", "http://a/path", "http://a b", "ftp://a", "http://u@a"]
)
def test_what_is_no_origin_is_a_mistake(text: str) -> None:
    assert mistake(f"--allow-origin={text}").startswith(f"allow-origin (command line): '{text}' is not an origin")


@pytest.mark.parametrize("text", ["proxy.local", "10.0.0.0/33", "*", "10.0.0", "127.0.0.1:80"])
def test_what_is_no_address_is_a_mistake(text: str) -> None:
    assert mistake(f"--trusted-proxy={text}").startswith(f"trusted-proxy (command line): '{text}' is not an IP address")


@pytest.mark.parametrize(
    ("text", "path"), [("/", ""), ("frames", "/frames"), ("/frames/", "/frames"), ("/a/b-c/~d.e_f", "/a/b-c/~d.e_f")]
)
def test_a_base_path_has_a_slash_in_front_and_none_behind(text: str, path: str) -> None:
    assert load(f"--base-path={text}").access.base_path == path


@pytest.mark.parametrize("text", ["/a b", "/a//b", "/../a", "/a/.", "/a?b", "/%61", "http://a/b", "/ä", "/a\\b"])
def test_what_is_no_plain_path_is_a_mistake(text: str) -> None:
    assert mistake(f"--base-path={text}") == f"base-path (command line): '{text}' is not a path such as /frames."


class TestTheAccessToken:
    def test_it_comes_from_each_source_and_is_shown_by_none(self, tmp_path: Path) -> None:
        file = secret_file(tmp_path, f"{CANARY_ACCESS}\nmore\n")
        for settings in (
            load(f"--access-token={CANARY_ACCESS}"),
            load(environment={"PHOTOS_SYNC_ACCESS_TOKEN": CANARY_ACCESS}),
            load("--access-token-file", file),
            load(environment={"PHOTOS_SYNC_ACCESS_TOKEN_FILE": file}),
            load(environment={"CREDENTIALS_DIRECTORY": str(tmp_path)}),
        ):
            assert settings.access.token == Secret(CANARY_ACCESS)
            assert not leaks(f"{settings}{settings!r}{settings.warnings}")

    def test_on_the_command_line_it_is_warned_about(self) -> None:
        (_, warning) = load(f"--access-token={CANARY_ACCESS}").warnings
        assert warning == (
            "The access token is on the command line, where every user of this machine can read it (ps). "
            "Put it into a file and use --access-token-file."
        )

    @pytest.mark.parametrize("token", ["1234567", "x" * 257, "with blank", "tab\tinside", "größe-größe"])
    def test_one_that_is_short_or_cannot_be_sent_is_a_mistake_that_does_not_show_it(
        self, token: str, tmp_path: Path
    ) -> None:
        expected = "it has to have 8 to 256 letters, digits or signs, and no blank. openssl rand -hex 16 makes one."
        told = mistake(environment={"PHOTOS_SYNC_ACCESS_TOKEN": token})
        assert told == f"access-token (environment PHOTOS_SYNC_ACCESS_TOKEN): {expected}"
        told = mistake("--access-token-file", secret_file(tmp_path, token))
        assert told == f"access-token-file (command line): {expected}"

    def test_a_file_that_everybody_can_read_is_refused(self, tmp_path: Path) -> None:
        file = secret_file(tmp_path, CANARY_ACCESS, 0o644)
        assert mistake("--access-token-file", file).endswith(f"Run: chmod 600 {file}")

    def test_an_empty_file_or_token_is_a_mistake_and_not_no_token(self, tmp_path: Path) -> None:
        assert mistake("--access-token=") == "access-token (command line) is empty."
        file = secret_file(tmp_path, "\n")
        assert mistake("--access-token-file", file) == (
            f"access-token-file (command line): the first line of '{file}' is empty; it has to be the access token."
        )

    def test_both_are_a_mistake(self, tmp_path: Path) -> None:
        told = mistake("--access-token", CANARY_ACCESS, "--access-token-file", secret_file(tmp_path, CANARY_ACCESS))
        assert told.endswith("are both given: keep one of them.")


class TestTheCertificate:
    def test_it_is_checked_with_its_key(self, tmp_path: Path) -> None:
        cert, key = write_certificate(tmp_path)
        settings = load("--tls-cert", str(cert), "--tls-key", str(key))
        assert (settings.tls_cert, settings.tls_key) == (cert, key)
        assert [warning for warning in settings.warnings if "tls" in warning] == []

    def test_one_without_the_other_is_a_mistake(self, tmp_path: Path) -> None:
        cert, key = write_certificate(tmp_path)
        assert mistake("--tls-cert", str(cert)) == "tls-cert (command line) is of no use without tls-key."
        assert mistake("--tls-key", str(key)) == "tls-key (command line) is of no use without tls-cert."

    def test_files_that_cannot_be_used_are_a_mistake_that_says_why(self, tmp_path: Path) -> None:
        cert, _ = write_certificate(tmp_path)
        told = mistake("--tls-cert", str(cert), "--tls-key", str(tmp_path / "missing"))
        assert told == (
            "tls-cert (command line), tls-key (command line): "
            f"'{tmp_path / 'missing'}' cannot be read (No such file or directory)."
        )

    def test_one_that_has_ended_is_warned_about_and_used(self, tmp_path: Path) -> None:
        past = datetime.now(UTC) - timedelta(days=40)
        cert, key = write_certificate(tmp_path, valid_from=past, valid_until=past + timedelta(days=9))
        settings = load("--tls-cert", str(cert), "--tls-key", str(key))
        assert settings.tls_cert == cert
        (warning,) = [warning for warning in settings.warnings if warning.startswith("tls-cert")]
        assert f"ended on {past + timedelta(days=9):%Y-%m-%d}: clients refuse it." in warning

    def test_a_key_that_everybody_can_read_is_warned_about(self, tmp_path: Path) -> None:
        cert, key = write_certificate(tmp_path)
        key.chmod(0o644)
        files = ["--tls-cert", str(cert), "--tls-key", str(key)]
        assert load(*files).warnings[-1].endswith(f"Run: chmod 600 {key}")
        guarded = load(*files, environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})
        assert [warning for warning in guarded.warnings if "tls-key" in warning] == []
