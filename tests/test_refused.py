"""RefusedLogins: a file that several programs share, and that may be anything."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from guest import MINUTE, Clock

from photosync.refused import RefusedLogins, since_start, this_start


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
        options = {"folder": self.folder, "start": self.start} | options
        return RefusedLogins(self.clock, subject=subject, **options)

    @property
    def file(self) -> Path:
        return self.folder / "logins"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "state")


def times(refused: RefusedLogins) -> list[float]:
    return [one.at for one in refused.recent()]


def test_the_next_program_knows_the_refusals_of_the_last_five_minutes(machine: Machine) -> None:
    first = machine.program()
    first.add("login_400", "Wrong.")
    machine.clock.now += MINUTE
    first.add("login_403", "A code.")
    assert [(one.kind, one.sentence) for one in machine.program().recent()] == [
        ("login_400", "Wrong."),
        ("login_403", "A code."),
    ]
    machine.clock.now += 4 * MINUTE - 1
    assert len(machine.program().recent()) == 2
    machine.clock.now += 1
    assert [one.kind for one in machine.program().recent()] == ["login_403"]
    machine.clock.now += MINUTE
    assert machine.program().recent() == []


def test_two_programs_see_each_others(machine: Machine) -> None:
    service, check = machine.program(), machine.program()
    service.add("login_400", "")
    machine.clock.now += 1
    check.add("login_400", "")
    assert times(service) == times(check) == [1000.0, 1001.0]
    machine.clock.now += 1
    service.add("login_400", "")
    assert len(times(check)) == 3


def test_each_nas_and_account_has_its_own(machine: Machine) -> None:
    machine.program("one").add("login_400", "")
    machine.program("two").add("login_407", "")
    assert [one.kind for one in machine.program("one").recent()] == ["login_400"]
    assert [one.kind for one in machine.program("two").recent()] == ["login_407"]
    assert machine.program("three").recent() == []


def test_those_of_another_start_count_from_the_first_moment_of_this_one(machine: Machine) -> None:
    for _ in range(3):
        machine.program().add("login_400", "")
    machine.restart(uptime=20.0)
    assert times(machine.program()) == [0.0, 0.0, 0.0]
    machine.program().add("login_400", "")
    machine.clock.now = 299.0
    assert times(machine.program()) == [0.0, 0.0, 0.0, 20.0]
    machine.clock.now = 300.0
    assert times(machine.program()) == [20.0]


def test_the_file_holds_no_more_than_it_has_to(machine: Machine) -> None:
    for number in range(50):
        machine.program(f"nas{number}").add("login_400", "x" * 10_000)
        machine.clock.now += MINUTE
    assert machine.file.stat().st_size < 5_000
    assert machine.file.stat().st_mode & 0o777 == 0o600
    assert machine.folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(machine.folder) == ["logins"]


BROKEN: list[bytes] = [
    b"",
    b"{",
    b"\xff\x00",
    b"null",
    b"[]",
    b"[" * 50_000,
    b'{"start": "first"}',
    b'{"start": "first", "refused": []}',
    b'{"start": "first", "refused": {"nas frame": 5}}',
    b'{"start": "first", "refused": {"nas frame": [5]}}',
    b'{"start": "first", "refused": {"nas frame": [[1000.0, 5, "x"]]}}',
    b'{"start": "first", "refused": {"nas frame": [["a", "b", "c"]]}}',
    b'{"start": "first", "refused": {"nas frame": [[1000.0, "login_400"]]}}',
    b'{"start": "first", "refused": {"nas frame": [[NaN, "a", "b"], [Infinity, "a", "b"], [9e99, "a", "b"]]}}',
    b" " * 200_000,
]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: repr(content[:40]))
def test_a_broken_file_is_ignored_and_replaced(machine: Machine, content: bytes) -> None:
    machine.folder.mkdir()
    machine.file.write_bytes(content)
    refused = machine.program()
    assert refused.recent() == []
    refused.add("login_400", "Wrong.")
    assert times(refused) == times(machine.program()) == [1000.0]
    assert json.loads(machine.file.read_text())["start"] == "first"


@pytest.mark.parametrize("place", ["/proc/nothing", "/dev/null", "a\0b"])
def test_where_nothing_can_be_written_the_program_remembers_its_own(machine: Machine, place: str) -> None:
    refused = machine.program(folder=Path(place))
    refused.add("login_400", "")
    assert times(refused) == [1000.0]
    assert times(machine.program(folder=Path(place))) == []


def test_without_a_name_for_the_machines_start_nothing_is_written(machine: Machine) -> None:
    refused = machine.program(start="")
    refused.add("login_400", "")
    assert times(refused) == [1000.0]
    assert not machine.folder.exists()


def test_a_file_that_vanishes_takes_nothing_from_the_program_that_wrote_it(machine: Machine) -> None:
    refused = machine.program()
    refused.add("login_400", "")
    machine.file.unlink()
    machine.folder.rmdir()
    assert times(refused) == [1000.0]


class TestPrivateFolder:
    """Where everybody may make folders, it has to be this user's own."""

    def test_it_is_made_for_its_owner_alone(self, machine: Machine) -> None:
        machine.program(private=True).add("login_400", "")
        assert machine.folder.stat().st_mode & 0o777 == 0o700
        assert times(machine.program(private=True)) == [1000.0]

    def test_one_that_others_may_open_is_not_used(self, machine: Machine) -> None:
        machine.program(private=True).add("login_400", "")
        machine.folder.chmod(0o750)
        before = machine.file.read_bytes()
        refused = machine.program(private=True)
        assert refused.recent() == []
        refused.add("login_400", "")
        assert machine.file.read_bytes() == before
        assert times(refused) == [1000.0]

    def test_a_link_is_not_followed(self, machine: Machine, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.mkdir(mode=0o700)
        machine.folder.symlink_to(target)
        refused = machine.program(private=True)
        refused.add("login_400", "")
        assert list(target.iterdir()) == []
        assert times(refused) == [1000.0]

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
    def test_one_of_another_user_is_not_used(self, machine: Machine) -> None:
        machine.folder.mkdir(mode=0o700)
        os.chown(machine.folder, 10001, 10001)
        machine.program(private=True).add("login_400", "")
        assert list(machine.folder.iterdir()) == []

    def test_a_file_in_its_place_is_left_alone(self, machine: Machine) -> None:
        machine.folder.write_text("mine")
        machine.program(private=True).add("login_400", "")
        assert machine.folder.read_text() == "mine"


def test_the_clock_goes_on_while_the_machine_sleeps_and_its_start_has_a_name() -> None:
    assert time.monotonic() <= since_start() <= since_start()
    assert this_start() == this_start() != ""
