"""photos-sync --enrol: the real command, at a terminal and without one, and what the service makes of its file."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import (
    CANARY_PASSWORD,
    CANARY_TOKEN,
    PATIENCE_SECONDS,
    Running,
    canary_nas,
    leaks,
    settings_for,
    wait_until,
)
from outside import Process

from photosync import fakenas
from photosync.__main__ import main
from photosync.account import Credentials
from photosync.connect import build_client
from photosync.errors import NasUnreachable
from photosync.fakenas import FakeNas
from photosync.log import Redactor
from photosync.refused import RefusedLogins, this_start
from photosync.secret import Secret

AUTH = "SYNO.API.Auth"
CODE = "471147"
NO_SECOND_FACTOR = "The account has no second factor (2FA): no code is wanted, and nothing needs to be done.\n"


@pytest.fixture
def nas() -> Iterator[FakeNas]:
    with canary_nas() as nas:
        nas.otp = True
        nas.otp_code = CODE
        yield nas


class Command:
    """The command line of one machine; whatever it prints is searched for secrets."""

    def __init__(self, nas: FakeNas, folder: Path) -> None:
        self.nas = nas
        self.folder = folder
        self.device_file = folder / "device-id"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}
        secret = folder / "password"
        secret.write_text(CANARY_PASSWORD + "\n", "utf-8")
        secret.chmod(0o600)
        account = ["-u", nas.username, "--password-file", str(secret), "-U", nas.url]
        self.line = [sys.executable, "-m", "photosync", *account, "--device-file", str(self.device_file)]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Without a terminal."""
        ended = subprocess.run(
            [*self.line, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment | variables,
            timeout=PATIENCE_SECONDS,
        )
        self._search(ended.stdout + ended.stderr)
        return ended

    def at_terminal(self, *lines: str, keys: bytes = b"") -> tuple[int, str]:
        """Types a line at each prompt, then some keys at the next; exit status and all that the terminal showed."""
        terminal, end = pty.openpty()
        answers = [line.encode() + b"\n" for line in lines] + ([keys] if keys else [])
        shown, answered = b"", 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        with subprocess.Popen(
            [*self.line, "--enrol"], stdin=end, stdout=end, stderr=end, env=self.environment
        ) as process:
            os.close(end)
            try:
                while piece := _read(terminal, deadline):
                    shown += piece
                    if answered < min(len(answers), shown.count(b"authenticator app shows: ")):
                        os.write(terminal, answers[answered])
                        answered += 1
            finally:
                if time.monotonic() >= deadline:
                    process.kill()
                os.close(terminal)
        text = shown.decode().replace("\r\n", "\n")
        self._search(text)
        return process.returncode, text

    def _search(self, text: str) -> None:
        assert not leaks(text)
        assert "Traceback" not in text

    def wrong_codes(self, count: int) -> list[str]:
        """Such as the memory of refused logins tells from each other and from the right one: it mistakes one in 256."""
        refused = RefusedLogins(subject=settings_for(self.nas).source, start=this_start())
        codes: dict[int, str] = {}
        for code in (CODE, *(str(number) for number in range(100_000, 100_100))):
            credentials = Credentials(Secret(CANARY_PASSWORD), otp_code=Secret(code))
            codes.setdefault(refused.mark(credentials.reveal()), code)
        assert len(codes) > count
        return list(codes.values())[1 : count + 1]

    @property
    def logins(self) -> list[str]:
        """What each login that arrived at the NAS brought with it."""
        marks = {"otp_code": "code", "device_id": "device"}
        sent = [call.params for call in self.nas.calls if (call.api, call.method) == (AUTH, "login")]
        return ["+".join(mark for name, mark in marks.items() if name in params) or "plain" for params in sent]


def _read(terminal: int, deadline: float) -> bytes:
    """What the terminal shows next; nothing once the program has gone."""
    while not select.select([terminal], [], [], 0.1)[0]:
        assert time.monotonic() < deadline
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux tells that nobody holds the other end any more
        return b""


@pytest.fixture
def command(nas: FakeNas, tmp_path: Path) -> Command:
    return Command(nas, tmp_path)


# At a terminal


def test_a_code_typed_at_the_prompt_makes_the_device_known(command: Command) -> None:
    status, text = command.at_terminal(CODE)
    assert status == 0, text
    assert text.startswith("The six digits that your authenticator app shows: ")
    assert (
        f"The NAS knows this device now, by the id in {command.device_file}: a login without a code has succeeded.\n"
        "Next: photos-sync --check with the same options. A service that runs uses the id at its next login.\n"
    ) in text
    assert command.logins == ["plain", "code", "device"]
    assert command.nas.sessions == []
    assert command.device_file.stat().st_mode & 0o777 == 0o600
    assert list(command.nas.devices) == [command.device_file.read_text().strip()]
    assert command.run("--check").returncode == 0


def test_a_code_may_be_typed_as_the_app_shows_it(command: Command) -> None:
    status, text = command.at_terminal("47114", "471 147 ")
    assert status == 0, text
    assert "That is not six digits.\n" in text
    assert command.logins == ["plain", "code", "device"]


def test_a_wrong_code_is_told_and_asked_for_again(command: Command) -> None:
    status, text = command.at_terminal(*command.wrong_codes(2), CODE)
    assert status == 0, text
    assert text.count("The code of the second factor (2FA) was wrong, or has been used already.") == 2
    assert command.nas.failed_logins == 2


def test_a_third_wrong_code_ends_it_and_the_next_run_is_held_back(command: Command) -> None:
    status, text = command.at_terminal(*command.wrong_codes(3))
    assert status == 1, text
    assert "photos-sync: The code of the second factor (2FA) was wrong" in text
    assert command.nas.failed_logins == 3
    status, text = command.at_terminal()
    assert status == 1, text
    assert "3 logins were refused within five minutes" in text
    assert command.nas.failed_logins == 3
    assert not command.device_file.exists()


def test_the_end_of_input_at_the_prompt_ends_it_and_keeps_nothing(command: Command) -> None:
    status, text = command.at_terminal(keys=b"\x04")
    assert status == 1, text
    assert text.endswith("photos-sync: No code was given. Run photos-sync --enrol again.\n")
    assert command.logins == ["plain"]
    assert not command.device_file.exists()


# Without a terminal


@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_code_may_be_given_beforehand(command: Command, way: str) -> None:
    ended = (
        command.run("--enrol", "--otp-code", CODE)
        if way == "option"
        else command.run("--enrol", PHOTOS_SYNC_OTP_CODE=CODE)
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert CODE not in ended.stdout
    assert command.logins == ["plain", "code", "device"]


def test_a_code_given_beforehand_is_tried_once(command: Command) -> None:
    ended = command.run("--enrol", "--otp-code", "000000")
    assert ended.returncode == 1
    assert ended.stderr == (
        "photos-sync: The code of the second factor (2FA) was wrong, or has been used already. "
        "Wait for the next code of the authenticator app, and run photos-sync --enrol again.\n"
    )
    assert command.nas.failed_logins == 1


def test_without_terminal_and_code_it_ends_with_2(command: Command) -> None:
    ended = command.run("--enrol")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0] == (
        "photos-sync: --enrol has to ask for a code and finds no terminal: "
        "give it by --otp-code or PHOTOS_SYNC_OTP_CODE."
    )


def test_without_a_place_for_the_device_id_it_ends_with_2(command: Command) -> None:
    command.line = command.line[: command.line.index("--device-file")]
    ended = command.run("--enrol")
    assert ended.returncode == 2
    assert "device-file is missing" in ended.stderr
    assert command.nas.calls == []


def test_an_account_without_a_second_factor_needs_nothing(command: Command) -> None:
    command.nas.otp = False
    ended = command.run("--enrol")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, NO_SECOND_FACTOR, "")
    assert command.logins == ["plain"]
    assert command.nas.sessions == []
    assert not command.device_file.exists()


@pytest.mark.parametrize(
    ("code", "cause", "step"),
    [
        (400, "does not accept", "Correct --username"),
        (401, "disabled", "Enable it"),
        (402, "may not use Synology Photos", "Applications"),
        (406, "none set up", "exempt the account"),
        (407, "blocked this machine", "Auto Block"),
    ],
)
def test_any_other_refusal_is_told_with_its_next_step_and_remembered(
    command: Command, capsys: pytest.CaptureFixture[str], code: int, cause: str, step: str
) -> None:
    command.nas.login_error = code
    for _ in range(6):
        assert main([*command.line[3:], "--enrol", "--otp-code", CODE]) == 1
    told = capsys.readouterr().err.splitlines()
    assert cause in told[0] and step in told[0]
    assert "refused within five minutes" in told[-1]
    assert len(command.logins) == (1 if code == 407 else 2)


def test_a_place_that_cannot_be_written_is_told_before_the_code_is_used(command: Command) -> None:
    command.device_file.mkdir()
    ways = {
        "it is a directory": [],
        "there is no such folder": ["--device-file", str(command.folder / "missing" / "id")],
    }
    for cause, arguments in ways.items():
        ended = command.run("--enrol", "--otp-code", CODE, *arguments)
        assert ended.returncode == 1
        assert ended.stderr.startswith("photos-sync: The device id cannot be kept in '")
        assert cause in ended.stderr
        assert "Correct --device-file" in ended.stderr
    assert set(command.logins) == {"plain"}


def test_a_nas_that_gives_no_device_id_is_told(command: Command) -> None:
    row = {"sid": "s" * 40, "synotoken": CANARY_TOKEN, "did": ""}
    command.nas.fault(fakenas.json_body({"success": True, "data": row}), api=AUTH, method="login", skip=1, times=1)
    ended = command.run("--enrol", "--otp-code", CODE)
    assert ended.returncode == 1
    assert "gave no device id" in ended.stderr
    assert not command.device_file.exists()


def test_an_old_device_file_of_any_kind_is_replaced(command: Command) -> None:
    command.device_file.write_bytes(b"\xff\x00")
    command.device_file.chmod(0o666)
    assert command.run("--check").returncode == 2
    assert command.run("--enrol", "--otp-code", CODE).returncode == 0
    assert command.device_file.stat().st_mode & 0o777 == 0o600
    assert command.run("--check").returncode == 0


# What comes of it


def test_the_way_out_that_check_tells_leads_out(command: Command) -> None:
    told = command.run("--check")
    assert told.returncode == 1
    assert (
        "FAILED  The account wants a code from a second factor (2FA), and this device is not enrolled." in told.stdout
    )
    assert "Run photos-sync --enrol once with the same options, or use an account without 2FA." in told.stdout
    assert command.run("--enrol", "--otp-code", CODE).returncode == 0
    assert command.run("--check").returncode == 0
    command.nas.forget_devices()
    command.nas.otp_window_seconds = 0.0
    told = command.run("--check")
    assert "FAILED  The NAS no longer knows this device" in told.stdout
    assert "Run photos-sync --enrol again." in told.stdout
    assert command.run("--enrol", "--otp-code", CODE).returncode == 0
    assert command.run("--check").returncode == 0


def test_a_running_service_uses_a_device_id_that_is_enrolled_later(command: Command) -> None:
    settings = settings_for(command.nas, device_file=command.device_file)
    with Running(settings) as running:
        running.wait_for("/readyz", lambda response: b"not enrolled" in response.content)
        assert command.run("--enrol", "--otp-code", CODE).returncode == 0
        running.look_again()
        running.wait_ready()
    assert command.logins == ["plain", "plain", "code", "device", "device"]


def test_thirty_restarts_of_an_enrolled_device_are_thirty_logins_without_a_code(
    command: Command, tmp_path: Path
) -> None:
    assert command.run("--enrol", "--otp-code", CODE).returncode == 0
    settings = settings_for(command.nas, device_file=command.device_file, state_dir=tmp_path)
    command.nas.calls.clear()
    for _ in range(30):
        client = build_client(settings, Redactor())
        assert client.list_albums()
        client.logout()
    assert command.logins == ["device"] * 30
    assert command.nas.failed_logins == 0
    assert not (tmp_path / "logins").exists()


def test_eight_restarts_of_the_real_service_with_a_wrong_password_are_two_logins(nas: FakeNas, tmp_path: Path) -> None:
    nas.password = "changed since"
    for _ in range(8):
        with Process(nas.url, tmp_path, "--state-dir", str(tmp_path / "state")) as process:
            assert process.stderr is not None
            process.stderr.wait_for(b"The album cannot be read: .*refuse|does not accept")
    assert nas.failed_logins == 2
    assert nas.count(AUTH, "login") == 2


def test_restarts_of_the_real_service_before_the_nas_has_answered_are_three_logins(
    nas: FakeNas, tmp_path: Path
) -> None:
    nas.password = "changed since"
    never = threading.Event()
    nas.fault(fakenas.hold(never), api=AUTH, method="login")
    for number in range(1, 7):
        with Process(nas.url, tmp_path, "--state-dir", str(tmp_path / "state")) as process:
            assert process.stderr is not None
            if number > 3:
                process.stderr.wait_for(b"The album cannot be read: 3 logins of the last five minutes have no answer")
            wait_until(lambda number=number: nas.count(AUTH, "login") >= min(number, 3))  # type: ignore[misc]
            process.signal(signal.SIGKILL)
            process.wait()
    never.set()
    assert nas.count(AUTH, "login") == 3


def test_twelve_checks_at_once_with_a_wrong_password_are_three_logins(command: Command) -> None:
    command.nas.password = "changed since"
    everyone = threading.Event()
    command.nas.fault(fakenas.hold(everyone), api=AUTH, method="login")
    programs = [
        subprocess.Popen([*command.line, "--check"], stdout=subprocess.PIPE, text=True, env=command.environment)
        for _ in range(12)
    ]
    wait_until(lambda: sum(program.poll() is not None for program in programs) >= 9)
    everyone.set()
    told = [program.communicate(timeout=PATIENCE_SECONDS)[0] for program in programs]
    assert command.nas.failed_logins == len(command.logins) == 3
    assert sum("logins of the last five minutes have no answer yet" in text for text in told) == 9
    assert sum("FAILED  The NAS does not accept" in text for text in told) == 3


def test_a_nas_that_answers_later_than_the_time_limit_gets_three_logins(nas: FakeNas) -> None:
    nas.password = "changed since"
    never = threading.Event()
    nas.fault(fakenas.hold(never), api=AUTH, method="login")
    settings = settings_for(nas, password=Secret("wrong"), timeout_seconds=1.0)
    kinds = []
    for _ in range(5):
        with pytest.raises(NasUnreachable) as caught:
            build_client(settings, Redactor()).login()
        kinds.append(caught.value.kind)
    never.set()
    assert kinds == ["timeout"] * 3 + ["login_brake"] * 2


def test_checks_before_enrolling_do_not_keep_it_from_enrolling(command: Command) -> None:
    assert [command.run("--check").returncode for _ in range(4)] == [1] * 4
    assert command.run("--enrol", "--otp-code", CODE).returncode == 0
    assert command.logins == ["plain"] * 5 + ["code", "device"]


def test_services_of_two_accounts_do_not_brake_each_other(nas: FakeNas, tmp_path: Path) -> None:
    nas.otp = False
    right = settings_for(nas, state_dir=tmp_path)
    wrong = settings_for(nas, state_dir=tmp_path, username="somebody", password=Secret("wrong"))
    for _ in range(5):
        with pytest.raises(Exception, match=r"refused|does not accept"):
            build_client(wrong, Redactor()).login()
    assert nas.failed_logins == 2
    build_client(right, Redactor()).login()
