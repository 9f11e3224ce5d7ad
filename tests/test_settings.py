"""One frozen Settings out of three sources, or every mistake at once; and no secret in either."""

from __future__ import annotations

import os
import string
import subprocess
import sys
import tempfile
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosync import options
from photosync.errors import ConfigError
from photosync.options import OPTIONS
from photosync.settings import Secret, Settings, load_settings

BASE = ["-u", "me", "-U", "nas"]
PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture(autouse=True, scope="module")
def _nothing_of_this_machine() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "DEFAULT_CONFIG", "/nonexistent/config.ini")
        patch.delenv("CREDENTIALS_DIRECTORY", raising=False)
        yield


def load(arguments: list[str], environment: dict[str, str] | None = None) -> Settings:
    return load_settings(arguments, environment or {})


def mistakes(arguments: list[str], environment: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as failure:
        load(arguments, environment)
    return failure.value.mistakes


def load_or_mistakes(arguments: list[str], environment: dict[str, str]) -> Settings | tuple[str, ...]:
    """Whatever else is raised is a failure."""
    try:
        return load_settings(arguments, environment)
    except ConfigError as error:
        return error.mistakes


def secret_file(folder: Path, content: bytes | str = "open sesame\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


class TestMistakes:
    def test_all_are_told_at_once_with_option_and_source(self, tmp_path: Path) -> None:
        file = tmp_path / "config.ini"
        file.write_text("intervall = 5\ntimeout = never\nalbum = id:seven\n")
        found = mistakes(
            [
                "-c",
                str(file),
                "-u",
                "me",
                "--port=0",
                "--lisen-address=all",
                "--photo-size",
                "huge",
                "--max-photo=9999",
            ],
            {"PHOTOS_SYNC_MAX_CACHE": "lots", "PHOTOS_SYNC_INSECURE": "perhaps", "PHOTOS_SYNC_SERVER_PORT": "-1"},
        )
        told = "\n".join(found)
        for part in (
            f"intervall ({file}:1) is not an option. Did you mean interval?",
            f"timeout ({file}:2): 'never' is not a number from 1 to 600.",
            f"album ({file}:3): 'id:seven' is not id: followed by a number.",
            "--lisen-address (command line) is not an option. Did you mean --listen-address?",
            "photo-size (command line): 'huge' is not one of sm, m, xl, original.",
            "max-photo (command line): '9999' is not a number from 0.1 to 1,000.",
            "max-cache (environment PHOTOS_SYNC_MAX_CACHE): 'lots' is not a number from 1 to 1,000,000.",
            "insecure (environment PHOTOS_SYNC_INSECURE): 'perhaps' is not yes or no.",
            "server-port (environment PHOTOS_SYNC_SERVER_PORT): '-1' is not a whole number from 0 to 65535.",
            "password is missing: give the password of the NAS account by --password-file FILE (or -p PASS)",
            "url is missing: give the NAS's host name or address by -U HOST",
        ):
            assert part in told
        assert len(found) == 11

    def test_the_port_is_checked_with_the_url(self) -> None:
        assert mistakes([*BASE, "-p", "x", "-P", "http"]) == (
            "port (command line): 'http' is not a whole number from 1 to 65535.",
        )

    def test_a_missing_account_says_how_to_give_it(self) -> None:
        (mistake,) = mistakes(["-p", "x", "-U", "nas"])
        assert mistake == (
            "username is missing: give the NAS account by -u NAME, PHOTOS_SYNC_USERNAME, "
            "or 'username = …' in the configuration file."
        )

    def test_what_the_command_line_parser_finds_comes_with_the_rest(self) -> None:
        found = mistakes([*BASE, "-p"], {"PHOTOS_SYNC_INSECURE": "perhaps"})
        assert found == (
            "insecure (environment PHOTOS_SYNC_INSECURE): 'perhaps' is not yes or no.",
            "Command line: argument -p/--password: expected one argument.",
        )

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            *(
                (name, text)
                for name in ("max-cache", "interval", "timeout", "max-photo")
                for text in ("nan", "inf", "-1")
            ),
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
    def test_a_value_out_of_range_names_its_option(self, name: str, text: str) -> None:
        (mistake,) = mistakes([*BASE, "-p", "x", f"--{name}={text}"])
        assert mistake.startswith(f"{name} (command line)")

    def test_a_ca_file_that_holds_no_certificate_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("nothing")
        (mistake,) = mistakes([*BASE, "-p", "x", "--ca-file", str(tmp_path / "ca.pem")])
        assert mistake.endswith("ca.pem' holds no PEM certificate.")

    def test_a_ca_file_and_insecure_contradict_each_other(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text(PEM)
        assert mistakes([*BASE, "-p", "x", "--insecure", "--ca-file", str(tmp_path / "ca.pem")]) == (
            "ca-file (command line) and insecure (command line) contradict each other: keep one of them.",
        )

    @pytest.mark.parametrize("other", [["--insecure"], ["--ca-file", "PEM"]])
    def test_a_fingerprint_and_another_trust_contradict_each_other(self, tmp_path: Path, other: list[str]) -> None:
        (tmp_path / "PEM").write_text(PEM)
        other = [word.replace("PEM", str(tmp_path / "PEM")) for word in other]
        arguments = ["-u", "me", "-p", "x", "-U", "https://nas", "--tls-fingerprint", "ab" * 32, *other]
        name = other[0].removeprefix("--")
        assert mistakes(arguments) == (
            f"tls-fingerprint (command line) and {name} (command line) contradict each other: keep one of them.",
        )

    def test_a_fingerprint_needs_an_https_address(self) -> None:
        assert mistakes([*BASE, "-p", "x", "--tls-fingerprint", "ab" * 32]) == (
            "tls-fingerprint (command line): there is no certificate at http://nas:5000; write https:// in --url.",
        )

    @pytest.mark.parametrize("text", ["", "ab", "ab" * 20, "xy" * 32, "ab" * 33, "sha1=" + "ab" * 20])
    def test_what_is_no_sha_256_fingerprint_is_a_mistake(self, text: str) -> None:
        (mistake,) = mistakes(["-u", "me", "-p", "x", "-U", "https://nas", f"--tls-fingerprint={text}"])
        assert mistake.startswith(f"tls-fingerprint (command line): '{text}' is not a SHA-256 fingerprint")

    def test_two_commands_contradict_each_other(self) -> None:
        assert mistakes([*BASE, "-p", "x", "--check", "--list-albums"]) == (
            "check and list-albums (command line) contradict each other: keep one of them.",
        )

    def test_an_unknown_variable_is_warned_about_since_others_may_have_set_it(self) -> None:
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
    def test_a_password_behind_a_misspelled_flag_is_not_shown(self, arguments: list[str]) -> None:
        assert "hunter2" not in "\n".join(mistakes([*BASE, "-p", "x", *arguments]))

    def test_a_command_without_its_dashes_is_understood_well_enough_for_a_suggestion(self) -> None:
        assert mistakes([*BASE, "-p", "x", "check"]) == (
            "Command line: there is a value without an option before it (not shown: it could be a password).",
        )


class TestCommands:
    def test_without_one_the_service_runs(self) -> None:
        assert load([*BASE, "-p", "x"]).command == "run"

    @pytest.mark.parametrize("command", ["check", "list-albums"])
    def test_others_want_the_same_settings(self, command: str) -> None:
        assert load([*BASE, "-p", "x", f"--{command}"]).command == command
        assert len(mistakes([f"--{command}"])) == 3

    def test_a_demo_wants_neither_account_nor_address(self) -> None:
        settings = load(["--demo", "-a", "Grandparents"], {"PHOTOS_SYNC_INTERVAL": "5"})
        assert (settings.command, settings.albums, settings.interval_seconds) == ("demo", ("Grandparents",), 5.0)
        assert settings.password is None and settings.url == ""


ODD_PASSWORDS = [
    "two  words",
    "#hash",
    "; semicolon",
    '"quoted"',
    "'quoted'",
    "-dash",
    "--username=root",
    "-h",
    "=equals",
    "a=b=c",
    "[brackets]",
    "[a, b]",
    "[section]",
    "{curly} %(percent)s $HOME `id` \\n \\",
    "ünïcödé 夏 🌞",
    "@file",
    "true",
    "%20+&?/:",
]


class TestPasswords:
    @pytest.mark.parametrize("password", ODD_PASSWORDS)
    def test_any_character_comes_through_from_every_source(self, password: str, tmp_path: Path) -> None:
        file = tmp_path / "config.ini"
        file.write_text(f"password = {password}\n", "utf-8")
        sources = [
            load([*BASE, f"--password={password}"]),
            load([*BASE, f"-p{password}"]) if not password.startswith("=") else load([*BASE, f"-p={password}"]),
            load(BASE, {"PHOTOS_SYNC_PASSWORD": password}),
            load([*BASE, "-c", str(file)]),
            load([*BASE, "--password-file", str(secret_file(tmp_path, password))]),
        ]
        assert [settings.read_password().reveal() for settings in sources] == [password] * 5
        if not password.startswith("-"):
            assert load([*BASE, "-p", password]).read_password().reveal() == password

    def test_on_the_command_line_it_works_and_is_warned_about(self) -> None:
        for arguments in (["-p", "hunter2"], ["-phunter2"], ["--password=hunter2"]):
            (warning,) = load([*BASE, *arguments], {"PHOTOS_SYNC_PASSWORD": "other"}).warnings
            assert "command line" in warning and "ps" in warning and "--password-file" in warning
            assert "hunter2" not in warning

    def test_in_environment_and_guarded_files_there_is_nothing_to_warn_about(self, tmp_path: Path) -> None:
        file = tmp_path / "config.ini"
        file.write_text("password = x\n")
        file.chmod(0o600)
        assert load(BASE, {"PHOTOS_SYNC_PASSWORD": "x"}).warnings == ()
        assert load([*BASE, "-c", str(file)]).warnings == ()
        assert load([*BASE, "--password-file", str(secret_file(tmp_path))]).warnings == ()

    def test_a_configuration_file_with_a_password_that_everybody_can_read_is_warned_about(self, tmp_path: Path) -> None:
        file = tmp_path / "config.ini"
        file.write_text("password = x\n")
        file.chmod(0o644)
        (warning,) = load([*BASE, "-c", str(file)]).warnings
        assert warning.endswith(f"Run: chmod 600 {file}")

    def test_an_empty_one_is_a_mistake(self, tmp_path: Path) -> None:
        file = tmp_path / "config.ini"
        file.write_text("\npassword =\n")
        assert mistakes([*BASE, "-p", ""]) == ("password (command line) is empty.",)
        assert mistakes([*BASE, "-c", str(file)]) == (f"password ({file}:2) is empty.",)

    def test_both_password_and_file_is_a_mistake_that_names_both(self, tmp_path: Path) -> None:
        secret = str(secret_file(tmp_path))
        both = "are both given: keep one of them."
        assert mistakes([*BASE, "-p", "x", "--password-file", secret]) == (
            f"password (command line) and password-file (command line) {both}",
        )
        environment = {"PHOTOS_SYNC_PASSWORD": "x", "PHOTOS_SYNC_PASSWORD_FILE": secret}
        assert len(mistakes(BASE, environment)) == 1

    def test_of_password_and_file_the_one_from_the_stronger_source_counts(self, tmp_path: Path) -> None:
        secret = str(secret_file(tmp_path))
        settings = load([*BASE, "-p", "x"], {"PHOTOS_SYNC_PASSWORD_FILE": secret})
        assert settings.read_password() == Secret("x")
        settings = load([*BASE, "--password-file", secret], {"PHOTOS_SYNC_PASSWORD": "x"})
        assert settings.password is None


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


class TestUrl:
    @pytest.mark.parametrize(
        ("text", "port", "url"),
        [
            ("nas", None, "http://nas:5000"),
            ("nas.local", "5000", "http://nas.local:5000"),
            ("192.168.1.2", None, "http://192.168.1.2:5000"),
            ("nas", "5001", "https://nas:5001"),
            ("nas", "443", "https://nas:443"),
            ("nas", "80", "http://nas:80"),
            ("nas:5001", None, "https://nas:5001"),
            ("nas:5001", "5001", "https://nas:5001"),
            ("nas/photo", None, "http://nas:5000/photo"),
            ("nas:443/photo/", None, "https://nas:443/photo"),
            ("http://nas", None, "http://nas:5000"),
            ("http://nas", "443", "http://nas:443"),
            ("https://nas", None, "https://nas:5001"),
            ("https://nas", "8443", "https://nas:8443"),
            ("HTTPS://NAS.Example/", None, "https://nas.example:5001"),
            ("https://nas.example/photo", None, "https://nas.example:5001/photo"),
            ("https://nas.example:443/photo/", None, "https://nas.example:443/photo"),
            ("fe80::1", None, "http://[fe80::1]:5000"),
            ("fe80::1", "5001", "https://[fe80::1]:5001"),
            ("fe80::1/photo", None, "http://[fe80::1]:5000/photo"),
            ("fe80::1%eth0", None, "http://[fe80::1%eth0]:5000"),
            ("[::1]", None, "http://[::1]:5000"),
            ("[::1]:5001", None, "https://[::1]:5001"),
            ("https://[2001:db8::2]/photo", None, "https://[2001:db8::2]:5001/photo"),
            ("my_nas", None, "http://my_nas:5000"),
            ("größe.local", None, "http://größe.local:5000"),
            (" nas ", None, "http://nas:5000"),
            ("nas:", None, "http://nas:5000"),
            ("http://nas:5000/?launchApp=SYNO.Foto.AppInstance#/album/8", None, "http://nas:5000"),
            ("https://nas/photo/#/shared_space/folder/3", None, "https://nas:443/photo"),
            ("http://nas/#/album/8", None, "http://nas:80"),
            ("https://nas/photo/#/album/8", "5001", "https://nas:5001/photo"),
        ],
    )
    def test_a_name_an_address_or_a_whole_url_becomes_the_base_address(
        self, text: str, port: str | None, url: str
    ) -> None:
        arguments = ["-u", "me", "-p", "x", "-U", text, *(["-P", port] if port else [])]
        assert load(arguments).url == url

    @pytest.mark.parametrize(
        "text",
        [
            "ftp://nas",
            "file:///etc/passwd",
            "http://",
            "http:///photo",
            "//nas",
            "/nas",
            "nas?x=1",
            "my nas",
            "http://nas/my photos",
            "nas\\share",
            "nas:0",
            "nas:65536",
            "nas:http",
            "http:nas",
            "nas:5000:5001",
            "http://[::1",
            "http://[nas]",
            ".",
            "nul\0byte",
            "line\u2028separator",
        ],
    )
    def test_what_is_no_address_is_a_mistake_of_url(self, text: str) -> None:
        (mistake,) = mistakes(["-u", "me", "-p", "x", f"--url={text}"])
        assert mistake.startswith("url (command line): ")

    @pytest.mark.parametrize(
        "text", ["http://me:hunter2@nas", "me:hunter2@nas", "https://me@nas/hunter2", "nas/@hunter2"]
    )
    def test_an_account_in_the_address_is_refused_and_not_shown(self, text: str) -> None:
        (mistake,) = mistakes(["-u", "me", "-p", "x", "-U", text])
        assert mistake.startswith("url (command line): leave the account out of the address")
        assert "hunter2" not in mistake

    @pytest.mark.parametrize(
        "text",
        [
            "https://myhome.quickconnect.to",
            "myhome.de7.quickconnect.to",
            "http://gofile.me/4A1b/xyz",
            "QuickConnect.to",
        ],
    )
    def test_quickconnect_is_refused_with_what_to_use_instead(self, text: str) -> None:
        (mistake,) = mistakes(["-u", "me", "-p", "x", "-U", text])
        assert mistake.startswith("url (command line): ")
        assert "QuickConnect" in mistake
        assert "IP address in your network" in mistake

    def test_two_ports_that_differ_contradict_each_other(self) -> None:
        assert mistakes(["-u", "me", "-p", "x", "-U", "http://nas:5000", "-P", "5001"]) == (
            "url (command line): it says port 5000, and --port says 5001: keep one of them.",
        )

    @given(text=st.text(string.printable + "ö[]:/@%\0\u2028", max_size=30))
    @settings(deadline=None, max_examples=300)
    def test_any_text_is_an_address_or_a_mistake(self, text: str) -> None:
        outcome = load_or_mistakes(["-u", "me", "-p", "x", f"--url={text}"], {})
        if isinstance(outcome, Settings):
            assert outcome.url.startswith(("http://", "https://"))
            assert not set(outcome.url) & set(" \t\r\n@?#\\\0")
        else:
            assert outcome[0].startswith(("url (command line): ", "url is missing"))


SECRET = "zq9!Kanari"
words = st.text(string.ascii_letters + string.digits + " -=[]\"'#;%\\ö@:./\t\0\u2028", max_size=12).filter(
    lambda word: not word.startswith(("-h", "-p"))
)
names = st.sampled_from(
    [*(option.name for option in OPTIONS if "password" not in option.name), "intervall", "x", "max_cache"]
)
values = words | st.sampled_from(["5", "0", "yes", "no", "xl", "id:3", "https://nas", "nan", "/dev/null", "443"])


class TestAnyInput:
    """Whatever is given: Settings or ConfigError, and the password in neither."""

    @given(
        lines=st.lists(st.tuples(names, values).map(" = ".join) | words, max_size=6),
        flags=st.lists(st.tuples(names, values).map(lambda pair: f"--{pair[0]}={pair[1]}") | words, max_size=5),
        variables=st.dictionaries(names.map(lambda name: "PHOTOS_SYNC_" + name.upper().replace("-", "_")), values),
        where=st.sampled_from(["flag", "variable", "file", "secret file", "typo", "word"]),
        newline=st.sampled_from(["\n", "\r\n"]),
    )
    @settings(deadline=None, max_examples=250)
    def test_random_sources_give_settings_or_every_mistake_without_the_secret(
        self, lines: list[str], flags: list[str], variables: dict[str, str], where: str, newline: str
    ) -> None:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "config.ini"
            secret = secret_file(Path(name), SECRET)
            given_by = {
                "flag": lambda: flags.append(f"--password={SECRET}"),
                "variable": lambda: variables.update(PHOTOS_SYNC_PASSWORD=SECRET),
                "file": lambda: lines.append(f"password = {SECRET}"),
                "secret file": lambda: flags.append(f"--password-file={secret}"),
                "typo": lambda: flags.extend(["--pasword", SECRET]),
                "word": lambda: lines.append(f"password: {SECRET}"),
            }
            given_by[where]()
            file.write_bytes(newline.join(lines).encode())
            outcome = load_or_mistakes(["-u", "me", "-U", "nas", "-c", str(file), *flags], variables)
            if isinstance(outcome, Settings):
                assert outcome.read_password() == Secret(SECRET)
                assert SECRET not in f"{outcome}{outcome!r}{outcome.warnings}"
            else:
                assert outcome and SECRET not in "".join(outcome)

    @given(content=st.binary(max_size=200))
    @settings(deadline=None, max_examples=100)
    def test_random_bytes_as_a_file_give_settings_or_mistakes(self, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "config.ini"
            file.write_bytes(content)
            outcome = load_or_mistakes([*BASE, "-p", "x", "-c", str(file)], {})
            if isinstance(outcome, Settings):
                assert outcome.url == "http://nas:5000"
            else:
                assert all(str(file) in mistake for mistake in outcome)


class TestTheProgram:
    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PHOTOS_SYNC_")}
        return subprocess.run(
            [sys.executable, "-m", "photosync", *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            env=inherited | environment,
        )

    def test_mistakes_end_it_with_status_2_and_a_line_each(self) -> None:
        ended = self.run("--intervall=5", "-U", "me:hunter2@nas", "-phunter2", PHOTOS_SYNC_MAX_CACHE="much")
        assert ended.returncode == 2
        assert ended.stdout == ""
        unknown, account, address, cache, help_line = ended.stderr.splitlines()
        assert unknown == "photos-sync: --intervall (command line) is not an option. Did you mean --interval?"
        assert account.startswith("photos-sync: username is missing: give the NAS account by -u NAME")
        assert address.startswith("photos-sync: url (command line): leave the account out of the address")
        assert cache.startswith("photos-sync: max-cache (environment PHOTOS_SYNC_MAX_CACHE): 'much' is not a number")
        assert help_line == "photos-sync --help shows every option."


def test_an_unchecked_certificate_is_warned_about() -> None:
    settings = load_settings(["-U", "nas", "-u", "frame", "-p", "secret", "--insecure"], {})
    assert any("insecure (command line)" in warning and "--tls-fingerprint" in warning for warning in settings.warnings)
    settings = load_settings(["-U", "nas", "-u", "frame"], {"PHOTOS_SYNC_PASSWORD": "secret"})
    assert settings.warnings == ()


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        load([*BASE, "-p", "x"]).url = "http://elsewhere"  # type: ignore[misc]
