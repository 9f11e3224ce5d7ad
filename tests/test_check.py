"""photos-sync --check and --list-albums: every step and every cause told to somebody at a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CANARY_PASSWORD, canary_nas, leaks

from photosync import fakenas
from photosync.__main__ import main
from photosync.fakenas import FakeNas, Library

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
        return [*account, "--timeout", "5", *arguments]

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
    secret = tmp_path / "secret"
    secret.write_text(f"{CANARY_PASSWORD}\n")
    secret.chmod(0o600)
    return Command(nas, secret, capsys)


def run_apart(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own with nothing of this one's environment."""
    environment = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(
        [sys.executable, "-m", "photosync", *arguments], capture_output=True, text=True, env=environment, timeout=20
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


def test_a_failed_check_ends_with_status_1_as_a_process(command: Command, tmp_path: Path) -> None:
    command.nas.login_error = 400
    ended = run_apart("--check", *command.flags(), home=tmp_path)
    assert ended.returncode == 1
    assert "FAILED  The NAS does not accept the account name or the password." in ended.stdout


@pytest.mark.parametrize("host", ["nas.invalid", "a" * 64 + ".example", "ä" * 80])
def test_a_name_that_does_not_resolve_is_told(command: Command, host: str) -> None:
    assert command.check(url=f"http://{host}:5000") == 1
    assert f"FAILED  The name {host} does not resolve to an address." in command.text
    assert "--url" in command.text


def test_a_refused_connection_is_told(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    assert command.check(url=url) == 1
    assert f"FAILED  Nothing answers at {url} (connection refused)." in command.text
    assert "--port" in command.text


def test_a_dark_host_is_told_within_the_time(command: Command) -> None:
    with socket.socket() as dark, contextlib.ExitStack() as fillers:
        dark.bind(("127.0.0.1", 0))
        dark.listen(0)
        for _ in range(3):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(dark.getsockname())
        assert command.check("--timeout", "1", url=f"http://127.0.0.1:{dark.getsockname()[1]}") == 1
    assert "FAILED  Nothing answers at" in command.text
    assert "is on" in command.text


def test_an_https_address_of_a_plain_port_is_told(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def plain() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=plain)
        thread.start()
        status = command.check(url=f"https://127.0.0.1:{port}")
        thread.join()
    assert status == 1
    assert "FAILED  No encrypted connection" in command.text
    assert "http://" in command.text


def test_a_failing_check_leaves_no_session_behind(command: Command) -> None:
    without_photos(command.nas)
    assert command.check() == 1
    assert command.nas.count(AUTH, "login") == 1
    assert command.nas.sessions == []


def test_a_wrong_password_is_tried_once(command: Command) -> None:
    command.nas.password = "another"
    assert command.check() == 1
    assert command.nas.failed_logins == 1


def test_a_huge_album_is_checked_in_seconds(command: Command) -> None:
    with canary_nas(library=Library.synthetic(3000)) as nas:
        command.nas = nas
        assert command.check() == 0
    assert "3000 photos can be shown" in command.text
