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

from photosync import parser
from photosync.errors import ConfigError
from photosync.options import OPTIONS
from photosync.settings import Secret, Settings, load_settings

BASE = ["-u", "me", "-U", "nas"]
PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture(autouse=True, scope="module")
def _nothing_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))  # where a state directory of any name may be made
        patch.setattr(parser, "DEFAULT_CONFIG", "/nonexistent/config.ini")
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
            "port (command line): '0' is not a whole number from 1 to 65535.",
            "password is missing: give the password of the NAS account by --password-file FILE (or -p PASS)",
            "url is missing: give the NAS's host name or address by -U HOST",
        ):
            assert part in told
        assert len(found) == 12

    def test_the_port_is_checked_with_the_url(self) -> None:
        assert mistakes([*BASE, "-p", "x", "-P", "http"]) == (
            "port (command line): 'http' is not a whole number from 1 to 65535.",
        )

    @pytest.mark.parametrize("address", [[], ["-U", ""], ["-U", "http://nas:5000/mo/sharing/AbCdEfGhI"]])
    def test_the_port_is_checked_whatever_the_url_is(self, address: list[str]) -> None:
        found = mistakes(["-u", "me", "-p", "x", "-m", "abc", "-P", "99999", "-i", "0", *address])
        assert len(found) == 4
        assert "port (command line): '99999' is not a whole number from 1 to 65535." in found

    def test_a_missing_account_says_how_to_give_it(self) -> None:
        (mistake,) = mistakes(["-p", "x", "-U", "nas"])
        assert mistake == (
            "username is missing: give the NAS account by -u NAME, PHOTOS_SYNC_USERNAME, "
            "or 'username = …' in the configuration file. A share link (--share-link) needs none."
        )

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
            "tls-fingerprint (command line): there is no certificate at http://nas:5000; the address has to begin with https://.",
        )

    @pytest.mark.parametrize("text", ["", "ab", "ab" * 20, "xy" * 32, "ab" * 33, "sha1=" + "ab" * 20])
    def test_what_is_no_sha_256_fingerprint_is_a_mistake(self, text: str) -> None:
        (mistake,) = mistakes(["-u", "me", "-p", "x", "-U", "https://nas", f"--tls-fingerprint={text}"])
        assert mistake.startswith(f"tls-fingerprint (command line): '{text}' is not a SHA-256 fingerprint")


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


PASSPHRASE = "NiXlv1i2N"
LINK = f"http://nas.local:5000/mo/sharing/{PASSPHRASE}"
IN_ENVIRONMENT = {"PHOTOS_SYNC_SHARE_LINK": LINK}


class TestAShareLink:
    def test_it_is_all_that_is_needed(self) -> None:
        settings = load([], IN_ENVIRONMENT)
        assert settings.share_link == Secret(PASSPHRASE)
        assert (settings.url, settings.username, settings.albums) == ("http://nas.local:5000", "", ("",))
        assert settings.read_password() == Secret("")
        assert settings.warnings == ()
        assert PASSPHRASE not in repr(settings)

    @pytest.mark.parametrize(
        ("name", "value", "instead"),
        [
            ("username", "me", "needs no account"),
            ("password", "x", "share-password"),
            ("password-file", "FILE", "share-password-file"),
            ("url", "nas.local", "holds the NAS's address"),
            ("port", "5000", "holds the NAS's port"),
            ("album", "kitchen-dash", "leads to one album"),
        ],
    )
    def test_whatever_belongs_to_an_account_contradicts_it(self, name: str, value: str, instead: str) -> None:
        (mistake,) = mistakes([f"--{name}={value}"], IN_ENVIRONMENT)
        assert mistake.startswith(f"{name} (command line) and share-link (environment PHOTOS_SYNC_SHARE_LINK) are both")
        assert instead in mistake
        assert PASSPHRASE not in mistake

    @pytest.mark.parametrize("name", ["share-password", "share-password-file"])
    def test_its_password_is_of_no_use_to_an_account(self, name: str) -> None:
        assert mistakes([*BASE, "-p", "x", f"--{name}=y"]) == (
            f"{name} (command line) is of no use without share-link.",
        )

    def test_a_link_in_the_place_of_the_address_is_told_and_not_shown(self) -> None:
        (mistake,) = mistakes(["-u", "me", "-p", "x", "-U", LINK])
        assert mistake == "url (command line) is a share link: give it with --share-link, and no account."

    @pytest.mark.parametrize("link", [f"nas.local/{PASSPHRASE}", f"https://gofile.me/7x/{PASSPHRASE}", LINK + "/x"])
    def test_one_that_is_none_is_told_with_its_source_and_not_shown(self, link: str, tmp_path: Path) -> None:
        file = tmp_path / "config.ini"
        file.write_text(f"\nshare-link = {link}\n")
        (mistake,) = mistakes(["-c", str(file)])
        assert mistake.startswith(f"share-link ({file}:2): it ")
        assert PASSPHRASE not in mistake

    def test_where_others_can_read_it_there_is_a_warning(self, tmp_path: Path) -> None:
        (warning,) = load(["--share-link", LINK]).warnings
        assert warning.startswith("The share link is on the command line") and "ps" in warning
        file = tmp_path / "config.ini"
        file.write_text(f"share-link = {LINK}\n")
        file.chmod(0o644)
        (warning,) = load(["-c", str(file)]).warnings
        assert warning == f"{file} holds the share link and every user can read it. Run: chmod 600 {file}"
        file.chmod(0o600)
        assert load(["-c", str(file)]).warnings == ()

    @pytest.mark.parametrize("password", ODD_PASSWORDS)
    def test_its_password_may_hold_any_character(self, password: str, tmp_path: Path) -> None:
        file = tmp_path / "config.ini"
        file.write_text(f"share-password = {password}\n", "utf-8")
        sources = [
            load([f"--share-password={password}"], IN_ENVIRONMENT),
            load([], IN_ENVIRONMENT | {"PHOTOS_SYNC_SHARE_PASSWORD": password}),
            load(["-c", str(file)], IN_ENVIRONMENT),
            load(["--share-password-file", str(secret_file(tmp_path, password))], IN_ENVIRONMENT),
        ]
        assert [settings.read_password().reveal() for settings in sources] == [password] * 4

    def test_its_password_follows_the_rules_of_an_accounts(self, tmp_path: Path) -> None:
        (warning,) = load(["--share-password", "hunter2"], IN_ENVIRONMENT).warnings
        assert "--share-password-file" in warning and "hunter2" not in warning
        assert mistakes(["--share-password="], IN_ENVIRONMENT) == ("share-password (command line) is empty.",)
        path = secret_file(tmp_path, mode=0o644)
        (mistake,) = mistakes([f"--share-password-file={path}"], IN_ENVIRONMENT)
        assert mistake.startswith("share-password-file (command line): every user of this machine can read")
        path.chmod(0o600)
        (mistake,) = mistakes([f"--share-password-file={path}", "--share-password=x"], IN_ENVIRONMENT)
        assert "share-password-file (command line) are both given" in mistake

    def test_systemds_credential_has_a_name_of_its_own(self, tmp_path: Path) -> None:
        for name in ("password", "share-password"):
            (tmp_path / name).write_text(f"the {name}\n")
            (tmp_path / name).chmod(0o444)
        environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        assert load([], IN_ENVIRONMENT | environment).read_password() == Secret("the share-password")
        assert load(BASE, environment).read_password() == Secret("the password")

    def test_a_demo_has_no_use_for_it(self) -> None:
        assert load(["--demo"], IN_ENVIRONMENT).share_link is None


class TestShareLinkFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "share-link"
        file.write_text(f"{LINK}\n")
        file.chmod(0o600)
        return file

    def test_its_first_line_is_the_link(self, file: Path) -> None:
        assert load(["--share-link-file", str(file)]) == load([], {"PHOTOS_SYNC_SHARE_LINK": LINK})

    def test_the_higher_source_counts(self, file: Path) -> None:
        settings = load(["--share-link-file", str(file)], {"PHOTOS_SYNC_SHARE_LINK": "http://nas/mo/sharing/other"})
        assert settings.share_link == Secret(PASSPHRASE)

    def test_both_at_once_are_a_mistake(self, file: Path) -> None:
        told = mistakes(["--share-link-file", str(file), "--share-link", LINK])
        assert any("share-link-file (command line) are both given" in mistake for mistake in told)

    def test_a_file_that_everybody_can_read_is_refused(self, file: Path) -> None:
        file.chmod(0o644)
        (mistake,) = mistakes(["--share-link-file", str(file)])
        assert mistake.endswith(f"Run: chmod 600 {file}")

    def test_what_is_no_link_is_told_with_its_place_and_not_shown(self, file: Path) -> None:
        file.write_text("canary-pass\n")
        (mistake,) = mistakes(["--share-link-file", str(file)])
        assert mistake.startswith(f"share-link ({file}): ")
        assert "canary-pass" not in mistake

    def test_an_account_beside_it_is_a_mistake(self, file: Path) -> None:
        (mistake,) = mistakes(["--share-link-file", str(file), "-u", "frame"])
        assert mistake.startswith(f"username (command line) and share-link ({file}) are both given")


class TestUrl:
    @pytest.mark.parametrize("path", ["mo/sharing", "aa/sharing", "aa/request", "MO/Sharing", "mo/%73haring"])
    def test_a_share_link_given_as_address_is_refused_without_being_shown(self, path: str) -> None:
        told = mistakes(["-U", f"http://nas/x/{path}/canaryLINK9?x=1", "-u", "me", "-p", "x"])
        assert "url (command line) is a share link: give it with --share-link, and no account." in told
        assert "canaryLINK9" not in str(told)

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
            ("küche.local", None, "http://xn--kche-0ra.local:5000"),
            ("[fe80::1%25eth0]:5001", None, "https://[fe80::1%eth0]:5001"),
            ("nas/photö", None, "http://nas:5000/phot%C3%B6"),
            ("nas/phot%c3%b6", None, "http://nas:5000/phot%C3%B6"),
            ("nas/%70hoto", None, "http://nas:5000/photo"),
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
    @settings(max_examples=300)
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
    @settings(max_examples=250)
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
    @settings(max_examples=100)
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


class TestStateAndDevice:
    ID = "canary_device_id"

    def flags(self, *more: str) -> list[str]:
        return [*BASE, "-p", "x", *more]

    def test_the_state_directory_is_made_for_its_owner_alone(self, tmp_path: Path) -> None:
        folder = tmp_path / "state"
        assert load(self.flags("--state-dir", str(folder))).state_dir == folder
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_systemds_state_directory_is_used_by_itself_and_given_way_to(self, tmp_path: Path) -> None:
        first, second, named = (tmp_path / name for name in ("first", "second", "named"))
        environment = {"STATE_DIRECTORY": f"{first}:{second}"}
        assert load(self.flags(), environment).state_dir == first
        assert load(self.flags("--state-dir", str(named)), environment).state_dir == named
        assert load(self.flags()).state_dir is None

    def test_the_runtime_directory_is_the_one_that_systemd_names(self) -> None:
        assert load(self.flags(), {"XDG_RUNTIME_DIR": "/run/user/1000"}).runtime_dir == Path("/run/user/1000")
        assert load(self.flags(), {"XDG_RUNTIME_DIR": ""}).runtime_dir is None
        assert load(self.flags()).runtime_dir is None

    def test_a_state_directory_that_cannot_be_written_is_warned_about(self) -> None:
        settings = load(self.flags("--state-dir", "/dev/null"))
        assert [text for text in settings.warnings if "state directory '/dev/null' cannot be written" in text]

    def test_the_device_file_is_beside_what_there_is(self, tmp_path: Path) -> None:
        config = tmp_path / "config.ini"
        config.write_text("interval = 5\n")
        state = tmp_path / "state"
        assert load(self.flags()).device_file is None
        assert load(self.flags("-c", str(config))).device_file == tmp_path / "device-id"
        assert load(self.flags("-c", str(config), "--state-dir", str(state))).device_file == state / "device-id"
        assert load(self.flags("-c", str(config), "--device-file", "x")).device_file == Path("x")
        assert load(["--demo", "-c", str(config)]).device_file is None

    def test_the_default_configuration_file_counts_only_if_it_was_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parser, "DEFAULT_CONFIG", str(tmp_path / "config.ini"))
        assert load(self.flags()).device_file is None
        (tmp_path / "config.ini").write_text("interval = 5\n")
        assert load(self.flags()).device_file == tmp_path / "device-id"

    def test_enrolling_demands_a_place_for_the_device_id(self) -> None:
        (mistake,) = mistakes(self.flags("--enrol"))
        assert mistake == (
            "device-file is missing: give the file for the device id by --device-file FILE, "
            "PHOTOS_SYNC_DEVICE_FILE, or 'device-file = …' in the configuration file."
        )

    def test_the_device_id_is_read_anew_each_time(self, tmp_path: Path) -> None:
        path = tmp_path / "device-id"
        settings = load(self.flags("--device-file", str(path)))
        assert settings.read_device() is None
        path.write_text(self.ID)
        path.chmod(0o600)
        assert settings.read_device() == Secret(self.ID)
        path.chmod(0o644)
        with pytest.raises(ConfigError, match="every user") as caught:
            settings.read_device()
        assert self.ID not in str(caught.value)

    def test_a_device_file_that_cannot_be_used_is_a_mistake_but_where_it_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "device-id"
        path.write_text(self.ID)
        path.chmod(0o644)
        (mistake,) = mistakes(self.flags("--device-file", str(path)))
        assert mistake.startswith(f"device-file: every user of this machine can read '{path}'. Run: chmod 600 {path}")
        assert load(self.flags("--device-file", str(path), "--enrol")).device_file == path

    @pytest.mark.parametrize("code", ["12345", "1234567", "12345x", "canary"])
    def test_a_code_is_six_digits_and_is_not_shown(self, code: str) -> None:
        (mistake,) = mistakes(self.flags("--otp-code", code))
        assert mistake == "otp-code (command line): it has to be the six digits of the authenticator app."

    def test_neither_code_nor_device_id_is_shown(self) -> None:
        settings = load(self.flags("--otp-code", "471147"))
        assert settings.otp_code == Secret("471147")
        assert "471147" not in repr(settings)

    def test_a_code_is_warned_about_where_it_is_of_no_use(self, tmp_path: Path) -> None:
        flags = self.flags("--otp-code", "471147", "--device-file", str(tmp_path / "id"))
        told = "otp-code (command line) is of use for --enrol alone."
        assert told in load(flags).warnings
        assert told in load([*flags, "--check"]).warnings
        assert told not in load([*flags, "--enrol"]).warnings
