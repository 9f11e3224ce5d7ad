"""Files that outlive the program."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from photosync import state
from photosync.state import keep, locked, prepare_folder, state_folder


def test_the_state_directory_is_the_one_that_is_named_or_systemds_first() -> None:
    environment = {"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}
    assert state_folder("/srv/state", environment) == Path("/srv/state")
    assert state_folder(None, environment) == Path("/var/lib/one")
    assert state_folder(None, {}) is None
    assert state_folder(None, {"STATE_DIRECTORY": ""}) is None


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert prepare_folder(folder) == ""
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert prepare_folder(tmp_path) == ""
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_folder_where_nothing_can_be_kept_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert "it is not a directory" in prepare_folder(file)
    for folder in (file / "below", Path("/proc/nothing"), Path("a\0b")):
        told = prepare_folder(folder)
        assert "cannot be written" in told
        assert "--state-dir" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_told() -> None:
    assert "Permission denied" in prepare_folder(Path("/"))


def test_a_kept_file_is_its_owners_alone_whatever_was_there_and_whatever_the_mask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("an old one, which is longer")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        keep(path, "new ö")
    finally:
        os.umask(before)
    assert path.read_text("utf-8") == "new ö"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_a_reader_sees_the_old_file_or_the_new_one_and_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    texts = ["a" * 50_000, "b" * 70_000]
    keep(path, texts[0])
    seen: set[str] = set()
    modes: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not (done.is_set() and seen):
            seen.add(path.read_text())
            modes.update(entry.stat().st_mode & 0o077 for entry in os.scandir(tmp_path) if entry.name == "file")

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        keep(path, texts[number % 2])
    done.set()
    reader.join()
    assert seen and seen <= set(texts)
    assert modes <= {0}


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        keep(path, "text")
    assert os.listdir(tmp_path) == ["directory"]
    with pytest.raises(FileNotFoundError):
        keep(tmp_path / "missing" / "file", "text")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_folders_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 10001, 10002)
    keep(tmp_path / "file", "text")
    found = (tmp_path / "file").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (10001, 10002, 0o600)


def test_a_lock_is_held_by_one_at_a_time_and_ends_with_its_holder(tmp_path: Path) -> None:
    line = (
        "import sys; from pathlib import Path; from photosync.state import locked\n"
        f"with locked(Path({str(tmp_path)!r}), 'lock'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with (tmp_path / "lock").open() as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        holder.kill()
        with locked(tmp_path, "lock"):
            pass


def test_a_lock_is_no_link_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("")
    for target in ("target", "missing"):
        (tmp_path / "lock").symlink_to(tmp_path / target)
        with pytest.raises(OSError, match="symbolic links"), locked(tmp_path, "lock"):
            raise AssertionError
        (tmp_path / "lock").unlink()
    assert os.listdir(tmp_path) == ["target"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_lock_that_root_makes_can_be_had_by_the_folders_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 10001, 10002)
    with locked(tmp_path, "lock"):
        found = (tmp_path / "lock").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (10001, 10002, 0o600)


def test_a_lock_that_is_never_given_back_is_waited_for_no_longer_than_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_LOCK_SECONDS", 0.05)
    with locked(tmp_path, "lock"), pytest.raises(BlockingIOError), locked(tmp_path, "lock"):
        pass
    with locked(tmp_path, "lock"):
        pass
