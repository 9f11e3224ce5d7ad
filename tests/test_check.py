"""photos-sync --check and --list-albums: every step and every cause told to somebody at a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    CANARY_LINK_PASSWORD,
    CANARY_PASSPHRASE,
    CANARY_PASSWORD,
    PATIENCE_SECONDS,
    canary_nas,
    leaks,
    share,
)
from outside import closed_port, dark_port

from photosync import check, elsewhere, fakenas
from photosync.__main__ import main
from photosync.fakenas import Certificate, FakeNas, Library

AUTH = "SYNO.API.Auth"
PASSPHRASE = "gArd3nP4s"


class Command:
    """The command line on one NAS; all that it printed is searched for secrets."""

    def __init__(self, nas: FakeNas, secret: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.nas = nas
        self._secret = secret
        self._capture = capture
        self.text = ""

    def flags(self, *arguments: str, url: str = "") -> list[str]:
        account = ["-u", self.nas.username, "--password-file", str(self._secret), "-U", url or self.nas.url]
        return [*account, "--timeout", "20", *arguments]

    def run(self, *arguments: str, url: str = "") -> int:
        status = main(self.flags(*arguments, url=url))
        captured = self._capture.readouterr()
        self.text = captured.out + captured.err
        assert_no_secret(self.text)
        return status

    def check(self, *arguments: str, url: str = "") -> int:
        return self.run("--check", *arguments, url=url)


def assert_no_secret(text: str) -> None:
    assert not leaks(text)
    assert PASSPHRASE not in text
    assert "Traceback" not in text


@pytest.fixture
def command(
    nas: FakeNas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    for name in list(os.environ):
        if name.startswith("PHOTOS_SYNC_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(check, "PORTS", ())  # which ports are in use on this machine is no concern of tests
    secret = tmp_path / "secret"
    secret.write_text(f"{CANARY_PASSWORD}\n")
    secret.chmod(0o600)
    return Command(nas, secret, capsys)


def run_apart(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own with nothing of this one's environment."""
    environment = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(
        [sys.executable, "-m", "photosync", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE_SECONDS,
    )
    assert_no_secret(ended.stdout + ended.stderr)
    return ended


# All is well


def test_a_check_tells_each_step_and_ends_well(command: Command, tmp_path: Path) -> None:
    ended = run_apart("--check", *command.flags(), home=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    patterns = [
        r"ok      address 127\.0\.0\.1",
        rf"ok      DSM with Synology Photos at {re.escape(command.nas.url)}",
        r"ok      logged in as frame",
        r"ok      album id:1  kitchen-dash  \(30 items, own\)",
        r"ok      28 photos can be shown \(left out: 1 video, 1 without a preview\)",
        r"ok      first picture: [0-9,]+ bytes in [0-9]+ ms",
        r"ok      first picture of the account's own: [0-9,]+ bytes in [0-9]+ ms",
        r"All is well: photos-sync can serve this album\.",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line


def test_a_check_makes_the_calls_of_the_service_once_and_logs_out(command: Command) -> None:
    assert command.check() == 0
    called = [(call.api.removeprefix("SYNO."), call.method) for call in command.nas.calls]
    assert called[:2] == [("API.Info", "query"), ("API.Auth", "login")]
    assert called[-2][1] == "get"
    assert called[-1] == ("API.Auth", "logout")
    assert len(called) == 8
    assert command.nas.sessions == []


def test_a_check_of_several_albums_tells_them_all(command: Command) -> None:
    assert command.check("-a", "kitchen-dash", "-a", "Anna's garden") == 0
    assert "id:1  kitchen-dash" in command.text
    assert "id:5  Anna's garden  (5 items, shared with me)" in command.text
    assert command.text.endswith("All is well: photos-sync can serve these albums.\n")


def test_a_check_tells_the_missing_one_of_several_albums_and_goes_on(command: Command) -> None:
    assert command.check("-a", "Kitchen", "-a", "Anna's garden", "-a", "id:99", "-a", "Grandparents") == 1
    lines = command.text.splitlines()[3:]
    patterns = [
        r"FAILED  The account sees no album named 'Kitchen' among 5 albums\. The nearest names are: 'kitchen-dash'.*",
        r"        Correct --album, or share the album .*",
        r"ok      album id:5  Anna's garden  \(5 items, shared with me\)",
        r"FAILED  The account sees no album with id:99 among 5 albums\.",
        r"        photos-sync --list-albums .*",
        r"ok      album id:2  Grandparents  \(8 items, own\)",
        r"ok      13 photos can be shown",
        r"ok      first picture: [0-9,]+ bytes in [0-9]+ ms",
        r"ok      first picture of another owner: [0-9,]+ bytes in [0-9]+ ms",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line
    assert command.nas.sessions == []


def test_a_check_without_any_of_the_albums_tells_each_and_stops(command: Command) -> None:
    assert command.check("-a", "one", "-a", "two") == 1
    assert [line[:46] for line in command.text.splitlines() if line.startswith("FAILED")] == [
        "FAILED  The account sees no album named 'one' ",
        "FAILED  The account sees no album named 'two' ",
    ]
    assert "photos can be shown" not in command.text


def test_albums_are_listed_with_id_name_count_and_kind(command: Command, tmp_path: Path) -> None:
    ended = run_apart("--list-albums", *command.flags(), home=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "id:1  kitchen-dash  (30 items, own)",
        "id:2  Grandparents  (8 items, own)",
        "id:3  Summer days  (6 items, smart)",
        "id:4  (no name)  (3 items, own)",
        "id:5  Anna's garden  (5 items, shared with me)",
    ]
    assert command.nas.sessions == []


def test_an_account_without_albums_is_told_so(command: Command) -> None:
    command.nas.library.albums.clear()
    assert command.run("--list-albums") == 0
    assert "sees no album" in command.text


def test_a_name_that_a_terminal_would_obey_is_shown_harmless(command: Command) -> None:
    name = "\x1b[2Jclear\x07\u202e\nok      "
    command.nas.library.new_album(name)
    assert command.run("--list-albums") == 0
    assert "clear" in command.text
    assert command.text.count("\n") == 6
    texts = [command.text]
    for _ in range(2):
        assert command.check("-a", name) == 1
        texts.append(command.text)
        command.nas.library.new_album(name)
    assert "2 albums named" in texts[-1]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", "".join(texts))


# Each cause, and the next step


def fault(make: Callable[[], Any], **match: Any) -> Callable[[FakeNas], None]:
    return lambda nas: nas.fault(make(), **match) and None


def refuse_login(code: int) -> Callable[[FakeNas], None]:
    return lambda nas: setattr(nas, "login_error", code)


def second_of_that_name(nas: FakeNas) -> None:
    nas.library.new_album("kitchen-dash")


def without_photos(nas: FakeNas) -> None:
    nas.library.album("kitchen-dash").items.clear()


def with_videos_alone(nas: FakeNas) -> None:
    without_photos(nas)
    nas.library.add(nas.library.album("kitchen-dash"), type="video")


CAUSES: dict[str, tuple[Callable[[FakeNas], object], str, str]] = {
    "not a DSM": (fault(fakenas.html), "not a Synology NAS", "--port"),
    "not HTTP": (fault(lambda: fakenas.raw(b"SSH-2.0-x\r\n")), "does not speak HTTP", "--port"),
    "no Photos": (lambda nas: setattr(nas, "photos_installed", False), "not installed", "Package Center"),
    "wrong password": (lambda nas: setattr(nas, "password", "another"), "password", "--username"),
    "second factor": (lambda nas: setattr(nas, "otp", True), "second factor", "without 2FA"),
    "second factor enforced": (refuse_login(406), "second factor", "exempt"),
    "wrong session": (lambda nas: setattr(nas, "photos_denied", 402), "may not use Synology Photos", "Applications"),
    "no right to Photos": (lambda nas: setattr(nas, "photos_denied", 160), "may not use", "Applications"),
    "no shared space": (lambda nas: setattr(nas, "team_denied", 801), "the shared space", "Shared Space"),
    "no shared space, said otherwise": (lambda nas: setattr(nas, "team_denied", 803), "the shared space", "Settings"),
    "blocked": (refuse_login(407), "blocked", "Auto Block"),
    "disabled": (refuse_login(401), "disabled", "Enable"),
    "expired": (refuse_login(409), "expired", "change"),
    "no permission to log in": (refuse_login(402), "may not use Synology Photos", "Applications"),
    "no permission": (fault(lambda: fakenas.error(105), api="SYNO.Foto.Browse.Album"), "may not use", "Applications"),
    "starting": (refuse_login(498), "just starting", "again"),
    "redirect": (
        fault(lambda: fakenas.redirect("https://nas.example:5001/")),
        "redirects to https://nas.example:5001",
        "--url https://nas.example:5001",
    ),
    "busy": (fault(lambda: fakenas.status(503)), "status 503", "again"),
    "no such album": (lambda nas: setattr(nas.library.albums[0], "name", "kitchen"), "'kitchen'", "--list-albums"),
    "two albums": (second_of_that_name, "2 albums named 'kitchen-dash': id:1 ", "id"),
    "empty album": (without_photos, "The album is empty", "Put photos into it"),
    "videos alone": (with_videos_alone, "1 video", "Videos are not shown"),
    "incomplete": (lambda nas: setattr(nas.library.albums[0], "claimed_count", 99), "99 items", "listed again"),
    "no picture": (
        fault(lambda: fakenas.status(404), method="get", skip=0, api="SYNO.FotoTeam.Thumbnail"),
        "no pic",
        "",
    ),
    "hanging": (fault(fakenas.hang), "within 1 seconds", "--timeout"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_each_cause_is_told_with_its_next_step(command: Command, name: str) -> None:
    arrange, cause, step = CAUSES[name]
    arrange(command.nas)
    assert command.check("--timeout", "1") == 1
    *_, failed, advice = ("\n" + command.text.rstrip("\n")).splitlines()
    assert failed.startswith("FAILED  ")
    assert cause in failed
    assert advice.startswith("        ")
    assert step in advice
    assert "All is well" not in command.text


@pytest.mark.parametrize("name", ["not a DSM", "wrong password", "blocked", "redirect", "hanging"])
def test_listing_the_albums_tells_the_same_causes(command: Command, name: str) -> None:
    arrange, cause, step = CAUSES[name]
    arrange(command.nas)
    assert command.run("--list-albums", "--timeout", "1") == 1
    assert command.text.startswith("photos-sync: ")
    assert cause in command.text
    assert step in command.text
    assert command.text.count("\n") == 1


def test_a_list_of_albums_that_fails_leaves_no_session_behind(command: Command) -> None:
    go = threading.Event()
    command.nas.fault(fakenas.error(803), api="SYNO.Foto.Browse.Album")
    command.nas.fault(fakenas.hold(go), api="SYNO.Foto.Sharing.Misc")
    assert command.run("--list-albums") == 1
    go.set()  # the other list is answered when the command is done with the NAS
    for thread in [thread for thread in threading.enumerate() if thread.name.startswith("nas-albums")]:
        thread.join(PATIENCE_SECONDS)
    assert not command.nas.sessions


def test_a_failed_check_ends_with_status_1_as_a_process(command: Command, tmp_path: Path) -> None:
    command.nas.login_error = 400
    ended = run_apart("--check", *command.flags(), home=tmp_path)
    assert ended.returncode == 1
    assert "FAILED  The NAS does not accept the account name or the password." in ended.stdout


@pytest.mark.parametrize("host", ["nas.invalid", "a" * 64 + ".example"])
def test_a_name_that_does_not_resolve_is_told(command: Command, host: str) -> None:
    assert command.check(url=f"http://{host}:5000") == 1
    assert f"FAILED  The name {host} does not resolve to an address." in command.text
    assert "--url" in command.text


def test_a_refused_connection_is_told(command: Command) -> None:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        assert command.check(url=url) == 1
    assert f"FAILED  Nothing answers at {url} (connection refused)." in command.text
    assert "--port" in command.text


def test_a_dark_host_is_told_within_the_time(command: Command) -> None:
    with dark_port() as port:
        assert command.check("--timeout", "1", url=f"http://127.0.0.1:{port}") == 1
    assert "FAILED  Nothing answers at" in command.text
    assert "is on" in command.text


def test_a_failing_check_leaves_no_session_behind(command: Command) -> None:
    without_photos(command.nas)
    assert command.check() == 1
    assert command.nas.count(AUTH, "login") == 1
    assert command.nas.sessions == []


def test_a_wrong_password_is_tried_once(command: Command) -> None:
    command.nas.password = "another"
    assert command.check() == 1
    assert command.nas.failed_logins == 1
    # Whoever gave it by -p has no file.
    assert "in half an hour, or when it is restarted; with a --password-file, as soon as that changes." in command.text


def test_a_huge_album_is_checked_in_seconds(command: Command) -> None:
    with canary_nas(library=Library.synthetic(3000)) as nas:
        command.nas = nas
        assert command.check() == 0
    assert "3000 photos can be shown" in command.text


# By a share link


class LinkCommand(Command):
    """The same by the share link that `share` made; the secret is the link's password."""

    def flags(self, *arguments: str, url: str = "") -> list[str]:
        link = f"{url or self.nas.url}/mo/sharing/{CANARY_PASSPHRASE}"
        password = ["--share-password-file", str(self._secret)] if self._secret.exists() else []
        return ["--share-link", link, *password, "--timeout", "20", *arguments]


@pytest.fixture
def by_link(command: Command, capsys: pytest.CaptureFixture[str]) -> LinkCommand:
    share(command.nas, password=CANARY_LINK_PASSWORD)
    command._secret.write_text(CANARY_LINK_PASSWORD)
    return LinkCommand(command.nas, command._secret, capsys)


@pytest.mark.parametrize("era", ["1.3", "1.6", "1.9"])
def test_a_check_by_a_link_tells_each_step_and_ends_well(by_link: LinkCommand, era: str) -> None:
    by_link.nas.era = era
    assert by_link.check() == 0
    patterns = [
        r"ok      address 127\.0\.0\.1",
        rf"ok      DSM with Synology Photos at {re.escape(by_link.nas.url)}",
        r"ok      opened the share link",
        r"ok      album id:1  kitchen-dash  \(30 items, shared with me\)",
        r"ok      28 photos can be shown \(left out: 1 video, 1 without a preview\)",
        r"ok      first picture: [0-9,]+ bytes in [0-9]+ ms",
        r"All is well: photos-sync can serve this album\.",
        r"photos-sync: The share link is on the command line, .*",
    ]
    lines = by_link.text.splitlines()
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line


def test_a_check_by_a_link_needs_no_account(by_link: LinkCommand) -> None:
    assert by_link.check() == 0
    called = [(call.api.removeprefix("SYNO."), call.method) for call in by_link.nas.calls]
    assert called == [
        ("API.Info", "query"),
        ("Core.Sharing.Login", "login"),
        ("Foto.Browse.Album", "get"),
        ("Foto.Browse.Item", "list"),
        ("Foto.Thumbnail", "get"),
    ]


def test_originals_that_a_link_does_not_give_are_told(by_link: LinkCommand) -> None:
    assert by_link.check("--photo-size", "original") == 0
    assert "ok      the share link allows no downloads: photos come in size xl instead of original\n" in by_link.text
    share(by_link.nas, privacy="public-download", password=CANARY_LINK_PASSWORD)
    assert by_link.check("--photo-size", "original") == 0
    assert "no downloads" not in by_link.text


def test_the_album_of_a_link_is_listed(by_link: LinkCommand) -> None:
    assert by_link.run("--list-albums") == 0
    assert by_link.text.splitlines()[0] == "id:1  kitchen-dash  (30 items, shared with me)"
    assert by_link.text.count("id:") == 1


def take_back(nas: FakeNas) -> None:
    nas.library.unshare(nas.library.albums[0])


def expire(nas: FakeNas) -> None:
    nas.library.albums[0].expiration = 1


def make_it_a_folders(nas: FakeNas) -> None:
    take_back(nas)
    nas.library.folder_links.add(CANARY_PASSPHRASE)


LINK_CAUSES: dict[str, tuple[Callable[[FakeNas], object], str, str]] = {
    "wrong password": (lambda nas: share(nas, password="another"), "password of the share link", "--share-password"),
    "taken back": (take_back, "was taken back", "in a browser"),
    "expired": (expire, "has expired", "in a browser"),
    "invited only": (lambda nas: share(nas, privacy="private"), "those who were invited", "everybody who has the link"),
    "folder": (make_it_a_folders, "opens no album", "into an album"),
    "not a DSM": (fault(fakenas.html), "not a Synology NAS", "--share-link"),
    "not HTTP": (fault(lambda: fakenas.raw(b"SSH-2.0-x\r\n")), "does not speak HTTP", "--share-link"),
    "no Photos": (lambda nas: setattr(nas, "photos_installed", False), "not installed", "Package Center"),
    "redirect": (
        fault(lambda: fakenas.redirect(f"https://nas.example:5001/mo/sharing/{CANARY_PASSPHRASE}")),
        "redirects to https://nas.example:5001",
        "let --share-link begin with https://nas.example:5001",
    ),
    "empty album": (without_photos, "The album is empty", "Put photos into it"),
    "hanging": (fault(fakenas.hang), "within 1 seconds", "--share-link"),
}


@pytest.mark.parametrize("name", LINK_CAUSES)
def test_each_cause_is_told_with_its_next_step_in_the_words_of_a_link(by_link: LinkCommand, name: str) -> None:
    arrange, cause, step = LINK_CAUSES[name]
    arrange(by_link.nas)
    assert by_link.check("--timeout", "1") == 1
    failed = next(line for line in by_link.text.splitlines() if line.startswith("FAILED  "))
    advice = by_link.text.splitlines()[by_link.text.splitlines().index(failed) + 1]
    assert cause in failed
    assert advice.startswith("        ")
    assert step in advice
    assert not re.search("--(url|port|username|password)", failed + advice)


def test_a_password_that_is_missing_is_told(by_link: LinkCommand) -> None:
    by_link._secret.unlink()
    assert by_link.check() == 1
    assert "FAILED  The share link asks for a password, and none was given." in by_link.text
    assert "--share-password-file" in by_link.text


def test_a_link_whose_name_does_not_resolve_is_told(by_link: LinkCommand) -> None:
    assert by_link.check(url="http://nas.invalid:5000") == 1
    assert "FAILED  The name nas.invalid does not resolve" in by_link.text
    assert "Check the spelling in --share-link" in by_link.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "username is missing: give the NAS account by -u NAME, PHOTOS_SYNC_USERNAME, "),
        (
            ["--share-link", f"https://gofile.me/7xYzA/{CANARY_PASSPHRASE}"],
            "share-link (command line): it leads through",
        ),
        (["--share-link", f"http://nas/mo/request/{CANARY_PASSPHRASE}"], "request for photos"),
        (
            ["--share-link", f"http://nas/mo/sharing/{CANARY_PASSPHRASE}", "-u", "me"],
            "are both given: keep one of them.",
        ),
    ],
)
def test_account_or_link_and_nothing_else_is_asked_for(
    command: Command, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["--check", *arguments]) == 2
    text = capsys.readouterr().err
    assert told in text
    assert_no_secret(text)


# Certificates


@pytest.fixture
def encrypted(command: Command) -> Iterator[FakeNas]:
    with canary_nas(tls=True) as nas:
        command.nas = nas
        yield nas


class Relay:
    """Leads each connection to a port of its own, as far as `ports` goes, then to `last`."""

    def __init__(self, ports: Sequence[int], last: int) -> None:
        self._ports = [*ports]
        self._last = last
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets = contextlib.ExitStack()

    def __enter__(self) -> Relay:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        self._sockets.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._sockets.enter_context(self._server.accept()[0])
                port = self._ports.pop(0) if self._ports else self._last
                target = self._sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
                for pair in ((client, target), (target, client)):
                    thread = threading.Thread(target=_pump, args=pair, daemon=True)
                    self._threads.append(thread)
                    thread.start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def last_lines(command: Command, number: int) -> list[str]:
    return [line.removeprefix("        ") for line in command.text.splitlines()[-number:]]


def test_a_certificate_that_is_not_trusted_is_shown_with_the_option_that_pins_it(
    command: Command, encrypted: FakeNas
) -> None:
    assert command.check() == 1
    failed, step, says, compare, pins, option = last_lines(command, 6)
    assert failed == f"FAILED  The certificate of {encrypted.url} cannot be trusted (self-signed certificate)."
    assert step == "Trust exactly this certificate with --tls-fingerprint, or its authority with --ca-file."
    assert re.fullmatch(
        r"The certificate says that it is for synology, from synology, valid from [0-9-]{10} until [0-9-]{10}\.", says
    )
    assert "Control Panel > Security > Certificate" in compare
    assert pins.endswith("this trusts it, and no other:")
    assert option == f"--tls-fingerprint {encrypted.fingerprint}"
    assert encrypted.calls == []
    assert command.check(*option.split()) == 0
    assert re.search(
        rf"^ok      the certificate is the pinned one: for synology, .*, SHA-256 {encrypted.fingerprint}$",
        command.text,
        re.MULTILINE,
    )


def test_a_trusted_certificate_for_another_name_is_told_with_its_names(
    command: Command, encrypted: FakeNas, tmp_path: Path
) -> None:
    (tmp_path / "nas.pem").write_text(encrypted.certificate)
    assert command.check("--ca-file", str(tmp_path / "nas.pem")) == 1
    assert f"FAILED  The certificate of {encrypted.url} is for another name than 127.0.0.1." in command.text
    assert "says that it is for synology, from synology" in command.text
    assert f"--tls-fingerprint {encrypted.fingerprint}" in command.text
    assert encrypted.calls == []


def test_a_trusted_certificate_is_shown(command: Command, tmp_path: Path) -> None:
    with canary_nas(tls=Certificate(names=("127.0.0.1",))) as nas:
        command.nas = nas
        (tmp_path / "nas.pem").write_text(nas.certificate)
        assert command.check("--ca-file", str(tmp_path / "nas.pem")) == 0
    assert "ok      the certificate is trusted: for 127.0.0.1, from 127.0.0.1, valid from " in command.text
    assert f"SHA-256 {nas.fingerprint}\n" in command.text


def test_without_any_check_the_certificate_is_shown_with_a_warning(command: Command, encrypted: FakeNas) -> None:
    assert command.check("--insecure") == 0
    assert "anybody in your network could pass for the NAS" in command.text
    assert "ok      encrypted, but the certificate was not checked: for synology, " in command.text
    assert f"SHA-256 {encrypted.fingerprint}\n" in command.text


def test_a_certificate_that_has_changed_is_told_with_both_fingerprints(command: Command, encrypted: FakeNas) -> None:
    assert command.check("--tls-fingerprint", "AB" * 32) == 1
    expected = "AB:" * 31 + "AB"
    assert f"it has {encrypted.fingerprint}, and expected was {expected}." in command.text
    assert "somebody in between" in command.text
    assert last_lines(command, 1) == [f"--tls-fingerprint {encrypted.fingerprint}"]
    assert encrypted.calls == []


def test_the_pinned_certificate_is_compared_before_it_is_called_so(command: Command, encrypted: FakeNas) -> None:
    """Whoever answers the first connection is not who answers the next ones."""
    with canary_nas(tls=True) as impostor, Relay([encrypted.port], impostor.port) as relay:
        url = f"https://127.0.0.1:{relay.port}"
        assert command.check("--tls-fingerprint", encrypted.fingerprint, url=url) == 1
        assert impostor.calls == []
    assert "is the pinned one" not in command.text
    assert f"it has {impostor.fingerprint}, and expected was {encrypted.fingerprint}." in command.text
    assert encrypted.count("SYNO.API.Auth") == 0


@pytest.mark.parametrize(("year", "hint"), [(2099, "clock"), (2020, "Renew it")])
def test_a_certificate_out_of_its_time_is_told(command: Command, tmp_path: Path, year: int, hint: str) -> None:
    with canary_nas(tls=Certificate(names=("127.0.0.1",), valid_from=datetime(year, 1, 1, tzinfo=UTC))) as nas:
        command.nas = nas
        (tmp_path / "nas.pem").write_text(nas.certificate)
        assert command.check("--ca-file", str(tmp_path / "nas.pem")) == 1
    assert hint in command.text
    assert f"valid from {year}-01-01 until {year + 1}-01-" in command.text


# Where Photos lives


ELSEWHERE = "Synology Photos answers elsewhere. In place of --url and --port:"
UNENCRYPTED = (
    "Synology Photos answers elsewhere, but only without encryption: others can read along. "
    "In place of --url and --port:"
)


@pytest.fixture
def gone() -> str:
    """An address that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def rude() -> Iterator[str]:
    """An https address that hangs up on everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def assert_no_account(nas: FakeNas) -> None:
    """Nothing but the question which calls there are has come here."""
    for call in nas.calls:
        assert (call.http_method, call.api, call.body) == ("GET", "SYNO.API.Info", b"")
        assert not leaks(f"{call.path}?{call.query_string} {dict(call.headers)}")
        assert not {"Cookie", "X-Syno-Token", "Authorization"} & set(call.headers)
        assert "frame" not in call.query_string


@pytest.mark.parametrize("era", ["1.3", "1.9"])
@pytest.mark.parametrize(
    ("ways", "path"),
    [
        ({}, ""),
        ({"portal": True}, ""),
        ({"alias": "photo"}, ""),
        ({"alias": "photo", "alias_only": True}, "/photo"),
        ({"alias": "family", "alias_only": True}, "/family"),
        ({"alias": "photo", "alias_only": True, "tls": True}, "/photo"),
        ({"portal": True, "tls": True}, ""),
    ],
    ids=str,
)
def test_photos_is_found_at_another_port_of_the_host(
    command: Command, gone: str, monkeypatch: pytest.MonkeyPatch, ways: dict[str, Any], path: str, era: str
) -> None:
    with canary_nas(era=era, **ways) as nas:
        monkeypatch.setattr(check, "PORTS", (nas.port,))
        if ways.get("tls"):
            monkeypatch.setattr(elsewhere, "_HTTPS_PORTS", (nas.port,))
        given = gone + ("/family" if path == "/family" else "")
        assert command.check(url=given) == 1
        assert f"FAILED  Nothing answers at {given} (connection refused)." in command.text
        assert last_lines(command, 2) == [ELSEWHERE, f"--url {nas.url}{path}"]
        assert_no_account(nas)
        if not ways.get("tls"):
            command.nas = nas
            assert command.check(url=nas.url + path) == 0


def test_a_missing_alias_is_found(command: Command) -> None:
    with canary_nas(alias="photo", alias_only=True) as nas:
        assert command.check(url=nas.url) == 1
    assert "is not a Synology NAS" in command.text
    assert last_lines(command, 2) == [ELSEWHERE, f"--url {nas.url}/photo"]


def test_an_alias_that_is_not_there_is_found_out(command: Command) -> None:
    assert command.check(url=f"{command.nas.url}/photo") == 1
    assert last_lines(command, 2) == [ELSEWHERE, f"--url {command.nas.url}"]


@pytest.mark.parametrize("status", [401, 403])
def test_an_address_that_shuts_everybody_out_is_looked_around(command: Command, status: int) -> None:
    command.nas.fault(fakenas.status(status), times=1)
    assert command.check(url=f"{command.nas.url}/photo") == 1
    assert f"sent HTTP status {status}" in command.text
    assert last_lines(command, 2) == [ELSEWHERE, f"--url {command.nas.url}"]


def test_an_https_port_spoken_to_in_plain_is_found_out(command: Command, encrypted: FakeNas) -> None:
    assert command.check(url=encrypted.url.replace("https:", "http:")) == 1
    assert "is spoken to in plain http, but its port is for https." in command.text
    assert last_lines(command, 2) == [ELSEWHERE, f"--url {encrypted.url}"]


def test_a_plain_port_spoken_to_in_https_is_found_out(command: Command) -> None:
    assert command.check(url=command.nas.url.replace("http:", "https:")) == 1
    assert "does not speak https." in command.text
    assert last_lines(command, 2) == [UNENCRYPTED, f"--url {command.nas.url}"]


@pytest.mark.parametrize("alias", ["", "photo"])
def test_where_the_host_redirects_to_is_looked_at_without_the_account(command: Command, alias: str) -> None:
    with canary_nas(tls=True, alias=alias, alias_only=bool(alias)) as target:
        with canary_nas(redirect_to=target.url) as redirecting:
            assert command.check(url=redirecting.url) == 1
            assert_no_account(redirecting)
        assert f"FAILED  {redirecting.url} redirects to {target.url}." in command.text
        assert last_lines(command, 2) == [ELSEWHERE, f"--url {target.url}{alias and '/photo'}"]
        assert target.calls
        assert_no_account(target)


def test_a_redirect_to_another_host_is_told_and_not_looked_at(command: Command) -> None:
    target = command.nas.url.replace("127.0.0.1", "localhost")
    with canary_nas(redirect_to=target) as redirecting:
        assert command.check(url=redirecting.url) == 1
    assert last_lines(command, 1)[0].endswith(f"If that is your NAS, put this into the configuration: --url {target}")
    assert command.nas.calls == []


def test_photos_on_this_host_is_told_beside_a_redirect_to_another(command: Command) -> None:
    target = "https://nas.example:5001"
    command.nas.fault(fakenas.redirect(target), times=1)
    assert command.check(url=f"{command.nas.url}/photo") == 1
    step, *found = last_lines(command, 3)
    assert step == f"If that is your NAS, put this into the configuration: --url {target}"
    assert found == [ELSEWHERE, f"--url {command.nas.url}"]


def test_a_port_that_hangs_up_on_https_is_looked_around(
    command: Command, rude: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "PORTS", (command.nas.port,))
    assert command.check(url=rude) == 1
    assert last_lines(command, 2) == [UNENCRYPTED, f"--url {command.nas.url}"]


def test_who_chose_whom_to_trust_is_not_led_away_from_encryption(
    command: Command, rude: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "PORTS", (command.nas.port,))
    (tmp_path / "nas.pem").write_text(Certificate().make()[1])
    for trusted in (["--tls-fingerprint", "AB" * 32], ["--ca-file", str(tmp_path / "nas.pem")]):
        for url in (rude, command.nas.url.replace("http:", "https:")):
            assert command.check(*trusted, url=url) == 1
            assert "http://" not in command.text
    assert command.nas.calls == []


def test_what_is_encrypted_is_told_first_and_the_rest_with_a_warning(
    command: Command, rude: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with canary_nas(tls=True) as encrypted:
        monkeypatch.setattr(check, "PORTS", (command.nas.port, encrypted.port))
        monkeypatch.setattr(elsewhere, "_HTTPS_PORTS", (encrypted.port,))
        assert command.check(url=rude) == 1
    assert last_lines(command, 4) == [
        ELSEWHERE,
        f"--url {encrypted.url}",
        UNENCRYPTED.replace("elsewhere, but only", "also"),
        f"--url {command.nas.url}",
    ]


def test_a_redirect_away_from_encryption_is_not_recommended(command: Command, encrypted: FakeNas) -> None:
    encrypted.ways = replace(encrypted.ways, redirect_to="http://nas.example:5000")
    assert command.check("--tls-fingerprint", encrypted.fingerprint) == 1
    assert f"FAILED  {encrypted.url} redirects to http://nas.example:5000, which is not encrypted." in command.text
    assert "--url http:" not in command.text
    assert "Control Panel > Login Portal" in command.text


def test_a_login_at_another_applications_address_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command.nas.login_error = 405
    with canary_nas(portal=True) as nas:
        monkeypatch.setattr(check, "PORTS", (nas.port,))
        assert command.check() == 1
        assert_no_account(nas)
    assert "belongs to another application" in command.text
    assert last_lines(command, 2) == [ELSEWHERE, f"--url {nas.url}"]


def test_where_photos_is_nowhere_it_is_told_that_it_was_looked_for(command: Command, gone: str) -> None:
    assert command.check(url=gone) == 1
    (advice,) = last_lines(command, 1)
    assert advice.endswith("Its usual other ports were tried, and Photos is not there either.")
    assert "--check" not in advice


def test_a_host_that_hangs_does_not_hold_the_check_up(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_PROBE_SECONDS", 0.2)
    with canary_nas(alias="photo") as nas:
        monkeypatch.setattr(check, "PORTS", (nas.port,))
        command.nas.fault(fakenas.html(), times=1)
        command.nas.fault(fakenas.hang(), skip=1)
        assert command.check() == 1
    assert last_lines(command, 2) == [ELSEWHERE, f"--url {nas.url}"]
