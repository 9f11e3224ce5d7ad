"""RefusedLogins: a file that several programs share, and that may be anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE_SECONDS
from guest import MINUTE, Clock

from photosync.refused import Refused, RefusedLogins, since_start, this_start


class Machine:
    """One start of a machine after the other, on one disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.start = "first"

    def restart(self, uptime: float = 20.0) -> None:
        self.start += "'"
        self.clock.now = uptime

    def program(self, subject: str = "nas frame", **options: Any) -> RefusedLogins:
        options = {"folder": self.folder, "start": self.start, "address": "nas"} | options
        return RefusedLogins(self.clock, subject=subject, **options)

    def private(self) -> RefusedLogins:
        return self.program(folder=None, private=[self.folder])

    @property
    def file(self) -> Path:
        return self.folder / "logins"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "state")


def recent(refused: RefusedLogins) -> list[Refused]:
    seen: list[Refused] = []

    def look(found: list[Refused]) -> list[Refused]:
        seen[:] = found
        return found

    refused.change(look)
    return seen


def times(refused: RefusedLogins) -> list[float]:
    return [one.at for one in recent(refused)]


def kinds(refused: RefusedLogins) -> list[str]:
    return [one.kind for one in recent(refused)]


def add(refused: RefusedLogins, kind: str = "login_400", cause: str = "") -> None:
    one = Refused(refused._clock(), kind, cause, refused.mark("secret"))
    refused.change(lambda found: [*found, one])


def test_the_next_program_knows_the_refusals_of_the_last_five_minutes(machine: Machine) -> None:
    first = machine.program()
    add(first, "login_400", "Wrong.")
    machine.clock.now += MINUTE
    add(first, "login_403", "A code.")
    assert [(one.kind, one.cause) for one in recent(machine.program())] == [
        ("login_400", "Wrong."),
        ("login_403", "A code."),
    ]
    machine.clock.now += 4 * MINUTE - 1
    assert len(recent(machine.program())) == 2
    machine.clock.now += 1
    assert kinds(machine.program()) == ["login_403"]
    machine.clock.now += MINUTE
    assert recent(machine.program()) == []


def test_two_programs_see_each_others(machine: Machine) -> None:
    service, check = machine.program(), machine.program()
    add(service)
    machine.clock.now += 1
    add(check)
    assert times(service) == times(check) == [1000.0, 1001.0]
    machine.clock.now += 1
    add(service)
    assert len(times(check)) == 3


def test_each_nas_and_account_has_its_own(machine: Machine) -> None:
    add(machine.program("one"), "login_400")
    add(machine.program("two"), "login_401")
    assert kinds(machine.program("one")) == ["login_400"]
    assert kinds(machine.program("two")) == ["login_401"]
    assert recent(machine.program("three")) == []


def test_that_a_nas_has_blocked_this_machine_counts_for_all_accounts_there(machine: Machine) -> None:
    add(machine.program("one"), "login_400")
    machine.clock.now += 1
    add(machine.program("two"), "login_407")
    assert kinds(machine.program("one")) == ["login_400", "login_407"]
    assert kinds(machine.program("three")) == ["login_407"]
    assert recent(machine.program("three", address="another")) == []
    machine.program("three").change(lambda found: [])
    assert kinds(machine.program("one")) == ["login_400"]


def test_a_secret_is_told_from_others_by_a_mark_that_fits_many(machine: Machine) -> None:
    secrets = [f"secret {number}" for number in range(2000)]
    marks = [machine.program().mark(secret) for secret in secrets]
    assert marks == [machine.program().mark(secret) for secret in secrets]
    assert set(marks) == set(range(256))
    assert marks != [machine.program("another").mark(secret) for secret in secrets]
    machine.restart()
    assert marks != [machine.program().mark(secret) for secret in secrets]


def test_marks_of_another_start_are_forgotten(machine: Machine) -> None:
    add(machine.program())
    assert isinstance(recent(machine.program())[0].mark, int)
    machine.restart()
    assert [one.mark for one in recent(machine.program())] == [None]


def test_an_edit_that_raises_leaves_all_as_it_was(machine: Machine) -> None:
    def refuse(_: list[Refused]) -> list[Refused]:
        raise LookupError

    refused = machine.program()
    add(refused)
    before = machine.file.read_bytes()
    with pytest.raises(LookupError):
        refused.change(refuse)
    assert machine.file.read_bytes() == before
    assert times(refused) == times(machine.program()) == [1000.0]


def test_what_is_taken_away_is_gone_for_all_and_an_empty_file_too(machine: Machine) -> None:
    first, second = machine.program(), machine.program()
    add(first)
    machine.clock.now += 1
    add(second)
    second.change(lambda found: found[:1])
    assert times(first) == times(second) == times(machine.program()) == [1000.0]
    first.change(lambda found: [])
    assert times(first) == times(second) == times(machine.program()) == []
    assert not machine.file.exists()


def test_programs_that_count_at_once_miss_nothing(tmp_path: Path) -> None:
    """Real processes, each of which reads, adds one and writes, again and again."""
    line = (
        "from pathlib import Path; from photosync.refused import *; from dataclasses import replace\n"
        f"refused = RefusedLogins(folder=Path({str(tmp_path)!r}), subject='nas', start='boot')\n"
        "one = Refused(since_start(), 'login_400', '', 0)\n"
        "for _ in range(25): refused.change(lambda found: [*found, one])"
    )
    programs = [subprocess.Popen([sys.executable, "-c", line]) for _ in range(4)]
    assert [program.wait(PATIENCE_SECONDS) for program in programs] == [0] * 4
    assert len(recent(RefusedLogins(folder=tmp_path, subject="nas", start="boot"))) == 100


def test_those_of_another_start_count_from_the_first_moment_of_this_one(machine: Machine) -> None:
    for _ in range(3):
        add(machine.program())
    machine.restart(uptime=20.0)
    assert times(machine.program()) == [0.0, 0.0, 0.0]
    add(machine.program())
    machine.clock.now = 299.0
    assert times(machine.program()) == [0.0, 0.0, 0.0, 20.0]
    machine.clock.now = 300.0
    assert times(machine.program()) == [20.0]


def test_the_file_holds_no_more_than_it_has_to(machine: Machine) -> None:
    for number in range(50):
        add(machine.program(f"nas{number}"), "login_400", "x" * 500)
        machine.clock.now += MINUTE
    assert machine.file.stat().st_size < 5_000
    assert machine.file.stat().st_mode & 0o777 == 0o600
    assert machine.folder.stat().st_mode & 0o777 == 0o700
    assert sorted(os.listdir(machine.folder)) == [".logins.lock", "logins"]
    assert (machine.folder / ".logins.lock").stat().st_mode & 0o777 == 0o600


BROKEN: list[bytes] = [
    b"",
    b"{",
    b"\xff\x00",
    b"null",
    b"[]",
    b"[" * 50_000,
    b'{"start": "first"}',
    b'{"start": "first", "logins": []}',
    b'{"start": "first", "logins": {"nas frame": 5}}',
    b'{"start": "first", "logins": {"nas frame": [5]}}',
    b'{"start": "first", "logins": {"nas frame": [[1000.0, 5, "x", 1]]}}',
    b'{"start": "first", "logins": {"nas frame": [["a", "b", "c", 1]]}}',
    b'{"start": "first", "logins": {"nas frame": [[1000.0, "login_400"]]}}',
    b'{"start": "first", "logins": {"nas frame": [[NaN, "a", "b", 1], [Infinity, "a", "b", 1], [9e99, "a", "b", 1]]}}',
    b'{"start": "first", "logins": {"nas frame": [[1000.0, "login_400", "", "mark"]]}}',
    b'{"start": "first", "logins": {"nas frame": [[1%s, "login_400", "", 1]]}}' % (b"0" * 400),
    b'{"start": "first", "logins": {"nas frame": [[1%s, "login_400", "", 1]]}}' % (b"0" * 5000),
    b" " * 200_000,
]


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("content", BROKEN, ids=lambda content: repr(content[:40]))
def test_a_broken_file_is_ignored_and_replaced(machine: Machine, content: bytes) -> None:
    machine.folder.mkdir()
    machine.file.write_bytes(content)
    refused = machine.program()
    assert recent(refused) == []
    add(refused, "login_400", "Wrong.")
    assert times(refused) == times(machine.program()) == [1000.0]
    assert json.loads(machine.file.read_text())["start"] == "first"


@pytest.mark.parametrize("place", ["/proc/nothing", "/dev/null", "a\0b"])
def test_where_nothing_can_be_written_the_program_remembers_its_own(machine: Machine, place: str) -> None:
    refused = machine.program(folder=Path(place))
    add(refused)
    assert times(refused) == [1000.0]
    assert times(machine.program(folder=Path(place))) == []


@pytest.mark.parametrize("name", ["logins", ".logins.lock"])
def test_no_kind_of_file_in_its_place_makes_it_wait_or_fail(machine: Machine, tmp_path: Path, name: str) -> None:
    add(machine.program(folder=tmp_path))
    target = tmp_path / "logins"
    before = target.read_bytes()
    machine.folder.mkdir()
    place = machine.folder / name
    for make in (os.mkfifo, os.mkdir, lambda path: path.symlink_to(target)):
        make(place)
        refused = machine.program()
        add(refused)
        assert times(refused) == [1000.0]
        assert target.read_bytes() == before
        shutil.rmtree(machine.folder)
        machine.folder.mkdir()


def test_the_first_folder_that_will_do_is_taken(machine: Machine, tmp_path: Path) -> None:
    private = [Path("/proc/nothing"), tmp_path / "private", tmp_path / "last"]
    for folder in (None, Path("/dev/null"), Path("a\0b")):
        add(machine.program(folder=folder, private=private))
    assert len(times(machine.program(folder=None, private=private))) == 3
    assert sorted(os.listdir(tmp_path)) == ["private"]


def test_that_no_folder_will_do_is_told_once(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    refused = machine.program(folder=Path("/proc/nothing"), private=[Path("/dev/null")])
    for _ in range(3):
        add(refused)
    assert [record.getMessage() for record in caplog.records] == [
        "Refused logins cannot be remembered over a restart: no folder for that can be used."
    ]
    assert len(times(refused)) == 3


def test_without_a_name_for_the_machines_start_nothing_is_written(machine: Machine) -> None:
    refused = machine.program(start="")
    add(refused)
    assert times(refused) == [1000.0]
    assert not machine.folder.exists()


def test_a_file_that_vanishes_takes_nothing_from_the_program_that_wrote_it(machine: Machine) -> None:
    refused = machine.program()
    add(refused)
    shutil.rmtree(machine.folder)
    assert times(refused) == [1000.0]


class TestPrivateFolder:
    """Where everybody may make folders, it has to be this user's own."""

    def test_it_is_made_for_its_owner_alone(self, machine: Machine) -> None:
        add(machine.private(), "login_400")
        assert machine.folder.stat().st_mode & 0o777 == 0o700
        assert times(machine.private()) == [1000.0]

    def test_one_that_others_may_open_is_shut(self, machine: Machine) -> None:
        machine.folder.mkdir(mode=0o755)
        add(machine.private())
        assert machine.folder.stat().st_mode & 0o777 == 0o700
        assert times(machine.private()) == [1000.0]

    def test_a_link_is_not_followed(self, machine: Machine, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.mkdir(mode=0o700)
        machine.folder.symlink_to(target)
        refused = machine.private()
        add(refused)
        assert list(target.iterdir()) == []
        assert times(refused) == [1000.0]

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
    def test_one_of_another_user_is_not_used(self, machine: Machine) -> None:
        machine.folder.mkdir(mode=0o700)
        os.chown(machine.folder, 10001, 10001)
        add(machine.private(), "login_400")
        assert list(machine.folder.iterdir()) == []

    def test_a_file_in_its_place_is_left_alone(self, machine: Machine) -> None:
        machine.folder.write_text("mine")
        add(machine.private(), "login_400")
        assert machine.folder.read_text() == "mine"


def test_the_clock_goes_on_while_the_machine_sleeps_and_its_start_has_a_name() -> None:
    assert time.monotonic() <= since_start() <= since_start()
    assert this_start() == this_start() != ""


def test_where_the_clock_that_counts_sleep_is_missing_the_other_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    before = time.monotonic()
    assert before <= since_start() <= time.monotonic()
