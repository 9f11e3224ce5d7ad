"""The option table: every option from the command line, the environment and a file, and which of them wins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from served import pems

from photosync import parser
from photosync.options import OPTIONS, Option
from photosync.settings import Settings, load_settings

# For each option: what it looks like in Settings, and (text, value) pairs: three values that differ, none the default.
VALUES: dict[str, tuple[Callable[[Settings], object], list[tuple[str, object]]]] = {
    "username": (lambda settings: settings.username, [("anna", "anna"), ("bert", "bert"), ("cleo", "cleo")]),
    "password": (
        lambda settings: settings.password and settings.password.reveal(),
        [("one", "one"), ("two", "two"), ("three", "three")],
    ),
    "password-file": (lambda settings: str(settings.password_file), [("FILE1", "FILE1"), ("FILE2", "FILE2")] * 2),
    "share-link": (
        lambda settings: settings.share_link and (settings.url, settings.share_link.reveal()),
        [
            ("http://nas1:5000/mo/sharing/one1", ("http://nas1:5000", "one1")),
            ("https://nas2/photo/mo/sharing/two2#/", ("https://nas2:443/photo", "two2")),
            ("http://nas3/mo/sharing/three3/", ("http://nas3:80", "three3")),
        ],
    ),
    "share-password": (
        lambda settings: settings.password and settings.password.reveal(),
        [("one", "one"), ("two", "two"), ("1234", "1234")],
    ),
    "share-password-file": (lambda settings: str(settings.password_file), [("FILE1", "FILE1"), ("FILE2", "FILE2")] * 2),
    "device-file": (lambda settings: str(settings.device_file), [("ID1", "ID1"), ("ID2", "ID2"), ("ID3", "ID3")]),
    "otp-code": (
        lambda settings: settings.otp_code and settings.otp_code.reveal(),
        [("123456", "123456"), ("000000", "000000"), ("654321", "654321")],
    ),
    "state-dir": (lambda settings: str(settings.state_dir), [("DIR1", "DIR1"), ("DIR2", "DIR2"), ("a/b", "a/b")]),
    "url": (
        lambda settings: settings.url,
        [("nas1", "http://nas1:5000"), ("nas2", "http://nas2:5000"), ("nas3", "http://nas3:5000")],
    ),
    "port": (
        lambda settings: settings.url,
        [("5001", "https://nas:5001"), ("443", "https://nas:443"), ("80", "http://nas:80")],
    ),
    "album": (lambda settings: settings.albums, [("a", ("a",)), ("b", ("b",)), ("id:7", ("id:7",))]),
    "max-cache": (
        lambda settings: settings.max_cache_bytes,
        [("1", 1_000_000), ("99", 99_000_000), ("0.5e3", 500_000_000)],
    ),
    "max-disk": (
        lambda settings: settings.max_disk_bytes,
        [("1", 1_000_000), ("0", 0), ("0.5e3", 500_000_000)],
    ),
    "interval": (lambda settings: settings.interval_seconds, [("1", 1.0), ("2.5", 2.5), ("86400", 86400.0)]),
    "server-port": (lambda settings: settings.server_port, [("0", 0), ("8080", 8080), ("65535", 65535)]),
    "listen-address": (
        lambda settings: settings.listen_address,
        [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("10.0.0.1", "10.0.0.1")],
    ),
    "allowed-host": (
        lambda settings: settings.access.allowed_hosts,
        [("a.example", ("a.example",)), ("*.B.example", ("*.b.example",)), ("c.example.", ("c.example",))],
    ),
    "access-token": (
        lambda settings: settings.access.token and settings.access.token.reveal(),
        [("token-number-1", "token-number-1"), ("token-number-2", "token-number-2"), ("#!'token'", "#!'token'")],
    ),
    "access-token-file": (
        lambda settings: settings.access.token and settings.access.token.reveal(),
        [("TOKEN1", "token-number-1"), ("TOKEN2", "token-number-2")] * 2,
    ),
    "allow-origin": (
        lambda settings: settings.access.origins,
        [
            ("http://a:8123", ("http://a:8123",)),
            ("https://B.example/", ("https://b.example",)),
            ("http://[::1]:80", ("http://[::1]:80",)),
        ],
    ),
    "tls-cert": (lambda settings: str(settings.tls_cert), [("CERT1", "CERT1"), ("CERT2", "CERT2")] * 2),
    "tls-key": (lambda settings: str(settings.tls_key), [("KEY1", "KEY1"), ("KEY2", "KEY2")] * 2),
    "trusted-proxy": (
        lambda settings: [str(network) for network in settings.access.trusted_proxies],
        [("10.0.0.1", ["10.0.0.1/32"]), ("10.1.2.3/8", ["10.0.0.0/8"]), ("fe80::/10", ["fe80::/10"])],
    ),
    "base-path": (
        lambda settings: settings.access.base_path,
        [("/frames", "/frames"), ("a/b/", "/a/b"), ("/c", "/c")],
    ),
    "photo-size": (lambda settings: settings.photo_size, [("sm", "sm"), ("M", "m"), ("original", "original")]),
    "max-photo": (
        lambda settings: settings.max_photo_bytes,
        [("1", 1_000_000), ("0.5", 500_000), ("100", 100_000_000)],
    ),
    "timeout": (lambda settings: settings.timeout_seconds, [("1", 1.0), ("5", 5.0), ("600", 600.0)]),
    "ca-file": (lambda settings: str(settings.ca_file), [("PEM1", "PEM1"), ("PEM2", "PEM2")] * 2),
    "tls-fingerprint": (
        lambda settings: settings.tls_fingerprint,
        [
            ("ab" * 32, "AB:" * 31 + "AB"),
            ("CD:" * 31 + "CD", "CD:" * 31 + "CD"),
            ("sha256 Fingerprint=" + "12:" * 31 + "12", "12:" * 31 + "12"),
        ],
    ),
    "insecure": (lambda settings: settings.insecure, [("yes", True), ("no", False), ("on", True)]),
    "log-level": (
        lambda settings: settings.log_level,
        [("debug", "debug"), ("WARNING", "warning"), ("error", "error")],
    ),
    "log-format": (lambda settings: settings.log_format, [("json", "json"), ("TEXT", "text"), ("JSON", "json")]),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Holds the files that the values name; no configuration file of this machine is read."""
    monkeypatch.setattr(parser, "DEFAULT_CONFIG", str(tmp_path / "default.ini"))
    monkeypatch.chdir(tmp_path)
    for name in ("FILE1", "FILE2", "FILE3"):
        (tmp_path / name).write_text("secret\n")
        (tmp_path / name).chmod(0o600)
    for number in ("1", "2"):
        (tmp_path / f"TOKEN{number}").write_text(f"token-number-{number}\n")
        for name, text in zip(("CERT", "KEY"), pems(), strict=True):
            (tmp_path / f"{name}{number}").write_text(text)
    for path in tmp_path.iterdir():
        path.chmod(0o600)
    for name in ("PEM1", "PEM2"):
        (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----\n")
    return tmp_path


def required(option: Option) -> list[str]:
    """The flags without which nothing loads, but for the option itself."""
    if option.name.startswith("share-"):
        return ["--share-link=http://nas/mo/sharing/abcd"] if "password" in option.name else []
    flags = {"username": "--username=me", "password": "--password=x", "url": "--url=nas"}
    if option.name == "password-file":
        del flags["password"]
    if option.name == "tls-fingerprint":
        flags["url"] = "--url=https://nas"
    if option.name in ("tls-cert", "tls-key"):
        flags |= {"tls-cert": "--tls-cert=CERT1", "tls-key": "--tls-key=KEY1"}
    return [flag for name, flag in flags.items() if name != option.name]


def on_command_line(option: Option, text: str) -> list[str]:
    if option.flag:
        return [f"--{option.name}"] if text in ("yes", "on") else []
    return [f"--{option.name}", text]


def load(arguments: list[str], environment: dict[str, str] | None = None, file: str | None = None) -> Settings:
    if file is not None:
        path = Path("config.ini")
        path.write_text(file, "utf-8")
        arguments = [*arguments, "--config", str(path)]
    return load_settings(arguments, environment or {})


def test_these_tests_know_every_option() -> None:
    assert set(VALUES) == {option.name for option in OPTIONS}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
class TestEveryOption:
    def test_it_can_be_given_by_its_flag(self, option: Option) -> None:
        read, values = VALUES[option.name]
        for text, value in values:
            assert read(load([*required(option), *on_command_line(option, text)])) == value

    def test_it_can_be_given_by_flag_and_equals_sign(self, option: Option) -> None:
        read, [(text, value), *_] = VALUES[option.name]
        arguments = [f"--{option.name}"] if option.flag else [f"--{option.name}={text}"]
        assert read(load([*required(option), *arguments])) == value

    def test_it_can_be_given_by_the_environment(self, option: Option) -> None:
        read, values = VALUES[option.name]
        for text, value in values:
            assert read(load(required(option), {option.variable: text})) == value

    def test_it_can_be_given_by_a_file(self, option: Option) -> None:
        read, values = VALUES[option.name]
        for text, value in values:
            assert read(load(required(option), file=f"{option.name} = {text}\n")) == value

    def test_a_file_may_spell_it_with_underscores(self, option: Option) -> None:
        read, [(text, value), *_] = VALUES[option.name]
        assert read(load(required(option), file=f"{option.dest}={text}")) == value

    def test_the_command_line_beats_the_environment_which_beats_the_file(self, option: Option) -> None:
        read, [(first, flagged), (second, from_environment), (third, from_file), *_] = VALUES[option.name]
        environment, file = {option.variable: second}, f"{option.name} = {third}\n"
        assert read(load(required(option), file=file)) == from_file
        assert read(load(required(option), environment, file)) == from_environment
        assert read(load([*required(option), *on_command_line(option, first)], environment, file)) == flagged

    def test_an_empty_variable_or_line_counts_as_not_given(self, option: Option) -> None:
        read, [(text, value), *_] = VALUES[option.name]
        flags = [*required(option), *on_command_line(option, text)]
        assert read(load(flags, {option.variable: ""})) == value
        assert read(load(required(option), {option.variable: ""}, f"{option.name} = {text}")) == value
        if not option.password:
            assert read(load(flags, file=f"{option.name} =\n")) == value

    def test_the_default_that_help_shows_is_the_default(self, option: Option) -> None:
        read, _ = VALUES[option.name]
        if option.default and option.name != "port":
            assert read(load(required(option))) == read(load([*required(option), f"--{option.name}={option.default}"]))
        elif option.flag:
            assert read(load(required(option))) is False


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.short], ids=lambda option: option.name)
class TestEveryShortFlag:
    def test_it_is_the_same_as_the_long_one(self, option: Option) -> None:
        read, [(text, value), *_] = VALUES[option.name]
        for arguments in ([f"-{option.short}", text], [f"-{option.short}{text}"], [f"-{option.short}={text}"]):
            assert read(load([*required(option), *arguments])) == value

    def test_a_value_stuck_to_it_beats_environment_and_file_as_well(self, option: Option) -> None:
        read, [(first, value), (second, _), (third, _), *_] = VALUES[option.name]
        environment, file = {option.variable: second}, f"{option.name} = {third}\n"
        assert read(load([*required(option), f"-{option.short}{first}"], environment, file)) == value


def test_the_default_port_is_5000_or_5001_for_https() -> None:
    port = next(option for option in OPTIONS if option.name == "port")
    assert port.default == "5000, 5001 for https"
    assert load(["-u", "me", "-p", "x", "-U", "nas"]).url == "http://nas:5000"
    assert load(["-u", "me", "-p", "x", "-U", "https://nas"]).url == "https://nas:5001"


def test_the_defaults_are_those_of_the_contract() -> None:
    assert {option.name: option.default for option in OPTIONS if option.default} == {
        "port": "5000, 5001 for https",
        "album": "kitchen-dash",
        "max-cache": "250",
        "max-disk": "1000",
        "interval": "60",
        "server-port": "5000",
        "listen-address": "all",
        "photo-size": "xl",
        "max-photo": "32",
        "timeout": "30",
        "log-level": "info",
        "log-format": "text",
    }


def test_the_short_flags_are_those_of_the_contract() -> None:
    assert {option.short: option.name for option in OPTIONS if option.short} == {
        "u": "username",
        "p": "password",
        "U": "url",
        "P": "port",
        "a": "album",
        "m": "max-cache",
        "i": "interval",
        "s": "server-port",
    }


BASE = ["-u", "me", "-p", "x", "-U", "nas"]


class TestSeveralAlbums:
    def test_the_flag_can_be_given_several_times(self) -> None:
        assert load([*BASE, "-a", "one", "-atwo", "--album=one"]).albums == ("one", "two")

    def test_a_file_can_hold_several_lines(self) -> None:
        assert load(BASE, file="album = one\nalbum = two\n").albums == ("one", "two")

    def test_a_variable_can_hold_a_json_list(self) -> None:
        assert load(BASE, {"PHOTOS_SYNC_ALBUM": '["one", "two, three"]'}).albums == ("one", "two, three")

    @pytest.mark.parametrize("name", ["[Family]", "[2024]", "a, b", '"quoted"', "[", "{}", "2024", "null"])
    def test_any_other_variable_is_one_name_as_it_stands(self, name: str) -> None:
        assert load(BASE, {"PHOTOS_SYNC_ALBUM": name}).albums == (name,)

    def test_sources_are_not_mixed(self) -> None:
        file = "album = file1\nalbum = file2\n"
        assert load([*BASE, "-aflag"], {"PHOTOS_SYNC_ALBUM": "variable"}, file).albums == ("flag",)
        assert load(BASE, {"PHOTOS_SYNC_ALBUM": "variable"}, file).albums == ("variable",)
