"""The command: what it prints, and the status it ends with."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from conftest import CANARY_PASSWORD, leaks, wait_until

from photosync import __version__, fakenas
from photosync.__main__ import main
from photosync.fakenas import FakeNas

ROOT = Path(__file__).parents[1]
MODULE = [sys.executable, "-m", "photosync"]
SCRIPT = [sys.executable, str(ROOT / "filesync.py")]


@pytest.fixture(autouse=True)
def _no_variables_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("PHOTOS_SYNC_") or name in ("CREDENTIALS_DIRECTORY", "INVOCATION_ID", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name)


@pytest.fixture
def account(nas: FakeNas, tmp_path: Path) -> list[str]:
    """The flags that lead to the simulated NAS."""
    secret = tmp_path / "password"
    secret.write_text(CANARY_PASSWORD, "utf-8")
    secret.chmod(0o600)
    return ["-u", nas.username, "--password-file", str(secret), "-U", nas.url]


def run(*arguments: str, command: list[str] = MODULE) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert not leaks(ended.stdout + ended.stderr)
    assert "Traceback" not in ended.stderr
    return ended


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, and the address of /files that it printed."""
    with subprocess.Popen(
        [*MODULE, "-s", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            url = ""
            while not url:
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                found = re.search(r"http://localhost:\d+/files", line)
                url = found[0] if found else ""
            yield process, url.replace("localhost", "127.0.0.1")
        finally:
            process.kill()


class TestAllWaysToStartIt:
    @pytest.mark.parametrize("command", [MODULE, SCRIPT, [str(Path(sys.executable).with_name("photos-sync"))]])
    def test_they_do_the_same(self, command: list[str]) -> None:
        ended = run("--version", command=command)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"photos-sync {__version__}\n", "")

    def test_the_script_is_three_lines(self) -> None:
        assert len((ROOT / "filesync.py").read_text("utf-8").splitlines()) == 3


class TestExitStatus:
    def test_help_ends_with_0(self) -> None:
        ended = run("--help")
        assert ended.returncode == 0
        assert ended.stdout.startswith("usage: photos-sync")

    def test_a_configuration_that_cannot_be_used_ends_with_2(self) -> None:
        ended = run("--port", "none", command=SCRIPT)
        assert ended.returncode == 2
        assert "port (command line): 'none'" in ended.stderr or "url is missing" in ended.stderr
        assert ended.stdout == ""

    def test_each_mistake_is_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["-U", "nas", "-P", "x", "-m", "y"]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 5
        assert all(line.startswith("photos-sync: ") for line in lines[:-1])
        assert lines[-1] == "photos-sync --help shows every option."

    def test_a_port_that_is_taken_ends_with_1_and_says_what_to_do(self, account: list[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ended = run(*account, "--listen-address", "127.0.0.1", "-s", str(taken.getsockname()[1]))
        assert ended.returncode == 1
        assert "is already in use" in ended.stderr and "--server-port" in ended.stderr

    def test_a_check_that_succeeds_ends_with_0(self, account: list[str]) -> None:
        ended = run(*account, "--check")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "All is well" in ended.stdout

    def test_a_check_that_fails_ends_with_1_cause_and_next_step(self, account: list[str]) -> None:
        ended = run(*account, "--check", "-a", "kitchen-bash")
        assert ended.returncode == 1
        assert "FAILED" in ended.stdout and "'kitchen-dash'" in ended.stdout and "--list-albums" in ended.stdout

    def test_a_list_of_albums_ends_with_0(self, account: list[str]) -> None:
        ended = run(*account, "--list-albums")
        assert ended.returncode == 0
        assert re.search(r"id:\d+  kitchen-dash  \(\d+ items, own\)", ended.stdout)

    def test_a_list_of_albums_without_a_nas_ends_with_1(self, account: list[str], nas: FakeNas) -> None:
        nas.stop()
        ended = run(*account, "--list-albums")
        assert ended.returncode == 1
        assert ended.stderr.startswith("photos-sync: ")

    def test_ctrl_c_ends_a_list_of_albums_whatever_the_nas_does(self, account: list[str], nas: FakeNas) -> None:
        hanging = [nas.fault(fakenas.hang(), api=api) for api in ("SYNO.Foto.Browse.Album", "SYNO.Foto.Sharing.Misc")]
        flags = [*account, "--list-albums", "--timeout", "300"]
        with subprocess.Popen([*MODULE, *flags], stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
            try:
                wait_until(lambda: all(fault.hits for fault in hanging))
                process.send_signal(signal.SIGINT)
                assert process.wait(60) == 1
            finally:
                process.kill()
            assert process.stderr is not None
            assert not process.stderr.read()


class TestServing:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_with_0_and_it_logs_out(
        self, number: signal.Signals, account: list[str], nas: FakeNas
    ) -> None:
        with serving(*account) as (process, url):
            wait_ready(url)
            assert requests.get(url, timeout=60).content[:3] == b"\xff\xd8\xff"
            process.send_signal(number)
            output = "".join(process.communicate(timeout=60))
        assert process.returncode == 0
        assert nas.count("SYNO.API.Auth", "logout") == 1
        assert not leaks(output)
        assert "Traceback" not in output

    def test_the_demo_serves_the_sample_photos(self) -> None:
        with serving("--demo") as (process, url):
            wait_ready(url)
            names = requests.get(url + "/list", timeout=60).json()
            assert len(names) >= 24
            assert requests.get(url, timeout=60).headers["Content-Type"] == "image/jpeg"
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0

    def test_without_a_nas_it_starts_and_says_why_there_is_no_photo(self, account: list[str], nas: FakeNas) -> None:
        nas.stop()
        with serving(*account) as (process, url):
            response = requests.get(url, timeout=60)
            assert response.status_code == 503
            assert "Retry-After" in response.headers
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0

    def test_a_password_on_the_command_line_is_warned_about_and_not_shown(self, nas: FakeNas) -> None:
        with serving("-u", nas.username, "-p", CANARY_PASSWORD, "-U", nas.url) as (process, url):
            wait_ready(url)
            process.send_signal(signal.SIGTERM)
            output = "".join(process.communicate(timeout=60))
        assert "The password is on the command line" in output
        assert not leaks(output)


def wait_ready(url: str) -> None:
    """Asks until the first listing is there; the server answers every time."""
    ready = url.removesuffix("/files") + "/readyz"
    wait_until(lambda: requests.get(ready, timeout=60).status_code == 200)
