"""PhotoDisk on real files: whole photos or none, each written once, never more than the limit."""

from __future__ import annotations

import logging
import os
import resource
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from guest import Clock
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from photosync.disk import PhotoDisk
from photosync.models import PhotoKey
from photosync.state import StateTrouble

KEY: PhotoKey = (20001, "420001_1690020001", "xl")
JPEG = b"\xff\xd8\xff" + bytes(range(256)) + b"\xff\xd9"
SIZES = ("sm", "m", "xl", "original", "xl-800x480-cover-85-1", "sm-0x9-contain-1-1")
MEGABYTE = 1_000_000
HOUR = 3600.0


def disk_in(folder: Path, max_bytes: int = MEGABYTE, free_bytes: int = 0, clock: Clock | None = None) -> PhotoDisk:
    disk = PhotoDisk(folder, max_bytes, StateTrouble(folder), free_bytes=free_bytes, clock=clock or Clock())
    disk.open()
    return disk


def only_file(folder: Path) -> Path:
    (file,) = (path for path in folder.iterdir() if path.is_file())
    return file


def aside(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "aside").iterdir()) if (folder / "aside").exists() else []


def test_a_photo_comes_back_in_a_later_run(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "photos"
    first = disk_in(folder)
    assert (KEY in first, first.read(KEY)) == (False, None)
    first.write(KEY, JPEG)
    assert first.read(KEY) == JPEG
    second = disk_in(folder)
    assert (KEY in second, second.read(KEY), second.bytes, list(second)) == (True, JPEG, len(JPEG), [KEY])
    assert (second.size(KEY), second.size((1, "1_1", "xl"))) == (len(JPEG), 0)


def test_what_was_made_of_photos_takes_a_quarter_and_leaves_the_rest_to_them(tmp_path: Path) -> None:
    made = [(number, "1_1", "xl-800x480-cover-85-1") for number in range(1, 9)]
    photos = [(number, "1_1", "xl") for number in range(1, 9)]
    for _ in range(2):  # the second time in a later run
        disk = disk_in(tmp_path, max_bytes=8 * len(JPEG))
        for key in (*made, *photos):
            disk.write(key, JPEG)
        assert list(disk) == [*made[:2], *photos[:6]]
    disk.retain(lambda key: key not in made[:2])
    disk.write(made[5], JPEG)
    assert made[5] in disk


def test_sizes_that_nobody_asks_for_any_more_make_room_for_others(tmp_path: Path) -> None:
    def made(number: int, size: str) -> PhotoKey:
        return (number, "1_1", f"{size}-85-1")

    former = [made(number, f"{source}-800x480-cover") for source in ("sm", "m") for number in (1, 2)]
    for second, key in enumerate(former):
        disk_in(tmp_path).write(key, JPEG)
        os.utime(next(tmp_path.glob(f"{key[0]}-*-{key[2]}.*")), (second, second))
    clock = Clock()
    disk = disk_in(tmp_path, max_bytes=16 * len(JPEG), clock=clock)
    disk.write(KEY, JPEG)
    present = [made(number, "xl-1920x1080-cover") for number in range(1, 9)]
    disk.write(present[0], JPEG)
    assert list(disk) == [*former, KEY]  # which may be asked for again
    clock.now += HOUR
    disk.write(present[0], JPEG)
    assert list(disk) == [*former[1:], KEY, present[0]]
    assert disk.read(former[1]) == JPEG  # from now on that size is asked for, too
    disk.write(present[1], JPEG)
    assert list(disk) == [*former[1:], KEY, present[0]]
    assert len(list(tmp_path.glob("*.jpg"))) == 5 and disk.bytes == 5 * len(JPEG)
    clock.now += HOUR
    for key in present:
        disk.write(key, JPEG)
    assert list(disk) == [KEY, *present[:4]]


def test_the_generation_does_not_change_with_what_was_made_of_photos(tmp_path: Path) -> None:
    made = (1, "1_1", "xl-800x480-cover-85-1")
    disk = disk_in(tmp_path)
    seen = [disk.generation]
    for key in (made, KEY):
        disk.write(key, JPEG)
        seen.append(disk.generation)
    disk.retain(lambda key: key != made)
    seen.append(disk.generation)
    assert seen == [0, 0, 1, 1]
    disk.retain(lambda key: key != KEY)
    assert (disk.generation, len(disk)) == (2, 0)


def test_a_file_is_the_plain_jpeg_in_a_folder_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    disk_in(folder).write(KEY, JPEG)
    file = only_file(folder)
    assert file.read_bytes() == JPEG
    assert file.name.startswith("20001-420001_1690020001-xl.")
    assert file.suffix == ".jpg"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("version", ["a", "a-b-sm.00000000.jpg", "_.-", "x" * 80])
def test_every_version_that_a_photo_can_have_comes_back(tmp_path: Path, version: str) -> None:
    for size in SIZES:
        disk_in(tmp_path).write((7, version, size), JPEG + size.encode())
    disk = disk_in(tmp_path)
    assert {key: disk.read(key) for key in disk} == {(7, version, size): JPEG + size.encode() for size in SIZES}


def test_a_photo_is_written_once(tmp_path: Path) -> None:
    disk = disk_in(tmp_path)
    disk.write(KEY, JPEG)
    before = only_file(tmp_path).stat()
    disk.write(KEY, JPEG)
    disk_in(tmp_path).write(KEY, JPEG)
    after = only_file(tmp_path).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("kept", [0, 1, 100, len(JPEG) - 1, len(JPEG) + 1])
def test_a_torn_file_is_put_aside_and_never_given(tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture) -> None:
    disk_in(tmp_path).write(KEY, JPEG)
    file = only_file(tmp_path)
    file.write_bytes((JPEG + b"\xd9")[:kept])
    disk = disk_in(tmp_path)
    assert disk.read(KEY) is None
    assert (KEY in disk, disk.bytes, disk.put_aside, aside(tmp_path)) == (False, 0, 1, [file.name])
    assert file.name in caplog.text
    disk.write(KEY, JPEG)
    assert disk.read(KEY) == JPEG


def test_a_file_with_any_bit_turned_is_put_aside(tmp_path: Path) -> None:
    for place in range(0, len(JPEG), 13):
        disk = disk_in(tmp_path)
        disk.write(KEY, JPEG)
        broken = bytearray(JPEG)
        broken[place] ^= 1 << place % 8
        only_file(tmp_path).write_bytes(broken)
        assert disk.read(KEY) is None
        assert disk.put_aside == 1


def test_of_the_files_put_aside_the_newest_few_are_kept(tmp_path: Path) -> None:
    disk = disk_in(tmp_path)
    for number in range(1, 41):
        disk.write((number, "1_1", "xl"), JPEG)
    for number, file in enumerate(sorted(tmp_path.glob("*.jpg"), key=lambda path: int(path.name.split("-")[0]))):
        file.write_bytes(b"torn")
        os.utime(file, (number, number))
    assert [disk.read(key) for key in disk] == [None] * 40
    assert disk.put_aside == 40
    assert sorted(int(name.split("-")[0]) for name in aside(tmp_path)) == list(range(25, 41))


def test_what_was_not_finished_is_cleared_away(tmp_path: Path) -> None:
    disk_in(tmp_path).write(KEY, JPEG)
    torn = tmp_path / f"{only_file(tmp_path).name}.part"
    torn.write_bytes(JPEG[:50])
    disk = disk_in(tmp_path)
    assert not torn.exists()
    assert (disk.put_aside, disk.read(KEY)) == (0, JPEG)


def test_what_is_not_ours_is_put_aside_and_never_removed(tmp_path: Path) -> None:
    names = [
        "notes.txt",
        "20001-1_1-xl.jpg",
        "0-1_1-xl.00000000.jpg",
        "1-1_1-huge.00000000.jpg",
        "1-1_1-xl.ABCDEF01.jpg",
    ]
    for name in names:
        (tmp_path / name).write_bytes(JPEG)
    (tmp_path / "1-1_1-xl.00000000.jpg").symlink_to("/etc/hostname")
    (tmp_path / "folder").mkdir()
    disk = disk_in(tmp_path)
    assert list(disk) == []
    assert disk.put_aside == len(names) + 1
    assert aside(tmp_path) == sorted([*names, "1-1_1-xl.00000000.jpg"])
    assert (tmp_path / "folder").is_dir()


def test_the_limit_holds_and_photos_that_are_there_stay(tmp_path: Path) -> None:
    disk = disk_in(tmp_path, max_bytes=3 * len(JPEG) + 5)
    for number in range(1, 6):
        disk.write((number, "1_1", "xl"), JPEG)
    assert sorted(key[0] for key in disk) == [1, 2, 3]
    assert sum(path.stat().st_size for path in tmp_path.glob("*.jpg")) == disk.bytes == 3 * len(JPEG)
    disk.retain(lambda key: key[0] != 2)
    disk.write((5, "1_1", "xl"), JPEG)
    assert sorted(key[0] for key in disk) == [1, 3, 5]
    assert disk.bytes == 3 * len(JPEG)


def test_a_limit_that_was_lowered_holds_after_the_start(tmp_path: Path) -> None:
    large = disk_in(tmp_path)
    for number in range(1, 6):
        large.write((number, "1_1", "xl"), JPEG)
    small = disk_in(tmp_path, max_bytes=2 * len(JPEG))
    assert len(small) == len(list(tmp_path.glob("*.jpg"))) == 2
    assert all(small.read(key) == JPEG for key in small)


def test_a_file_that_somebody_removed_is_simply_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = disk_in(tmp_path)
    disk.write(KEY, JPEG)
    only_file(tmp_path).unlink()
    assert (disk.read(KEY), KEY in disk, disk.bytes, disk.put_aside) == (None, False, 0, 0)
    assert caplog.text == ""


def test_a_file_that_cannot_be_read_is_counted_and_tried_again_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    disk = disk_in(tmp_path, clock=clock)
    disk.write(KEY, JPEG)
    before = disk.generation
    name = only_file(tmp_path)
    file = name.rename(tmp_path / "photo")
    name.mkdir()
    assert (disk.read(KEY), KEY in disk, list(disk), disk.bytes) == (None, False, [], len(JPEG))
    assert disk.generation != before
    assert "cannot be read" in caplog.text
    disk.write((7, "1_1", "xl"), JPEG)
    assert disk.read((7, "1_1", "xl")) == JPEG  # one bad file keeps no other from being written
    disk.retain(lambda key: key == KEY)
    name.rmdir()
    file.rename(name)
    assert disk.read(KEY) is None  # not yet
    before = disk.generation
    clock.now += HOUR
    assert (KEY in disk, list(disk), disk.read(KEY)) == (True, [KEY], JPEG)
    assert disk.generation != before


def test_a_file_that_cannot_be_read_leaves_with_its_photo(tmp_path: Path) -> None:
    disk = disk_in(tmp_path)
    disk.write(KEY, JPEG)
    name = only_file(tmp_path)
    file = name.rename(tmp_path / "photo")
    name.mkdir()
    assert disk.read(KEY) is None
    name.rmdir()
    file.rename(name)
    disk.retain(lambda key: False)
    assert (disk.bytes, list(tmp_path.iterdir())) == (0, [])


def test_a_disk_that_cannot_be_written_is_told_once_and_tried_again_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder, clock = tmp_path / "photos", Clock()
    folder.write_text("a file where the folder should be")
    disk = disk_in(folder, clock=clock)
    for number in range(1, 4):
        disk.write((number, "1_1", "xl"), JPEG)
    assert (len(disk), disk.bytes) == (0, 0)
    assert len(caplog.records) == 1
    assert "--state-dir" in caplog.text
    folder.unlink()
    folder.mkdir()
    disk.write(KEY, JPEG)
    assert KEY not in disk  # not yet
    clock.now += HOUR
    folder.rmdir()
    disk.write(KEY, JPEG)
    assert len(caplog.records) == 1  # still the same trouble
    folder.mkdir()
    clock.now += HOUR
    disk.write(KEY, JPEG)
    assert disk.read(KEY) == JPEG
    assert len(caplog.records) == 2


def test_the_last_of_a_disk_is_left_to_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = disk_in(tmp_path, free_bytes=10**18)
    disk.write(KEY, JPEG)
    assert list(tmp_path.iterdir()) == []
    assert "nearly full" in caplog.text


def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = disk_in(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(JPEG) - 1, hard))  # Python ignores the signal that comes with it
    try:
        disk.write(KEY, JPEG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (KEY in disk, list(tmp_path.iterdir())) == (False, [])
    assert "can be kept" in caplog.text


class Model(RuleBasedStateMachine):
    """Any run of writes, reads, removals and restarts agrees with a plain dict."""

    LIMIT = 2000

    def __init__(self) -> None:
        super().__init__()
        self.holder = TemporaryDirectory()
        self.folder = Path(self.holder.name)
        self.disk = disk_in(self.folder, self.LIMIT)
        self.truth: dict[PhotoKey, bytes] = {}

    keys = st.tuples(st.integers(1, 6), st.sampled_from(["1_1", "2_2"]), st.just("xl"))

    @rule(key=keys, size=st.integers(1, 900))
    def write(self, key: PhotoKey, size: int) -> None:
        data = bytes([size % 256]) * size
        if key not in self.truth and sum(map(len, self.truth.values())) + size <= self.LIMIT:
            self.truth[key] = data
        self.disk.write(key, data)

    @rule(key=keys)
    def read(self, key: PhotoKey) -> None:
        assert self.disk.read(key) == self.truth.get(key)

    @rule(number=st.integers(1, 6))
    def remove(self, number: int) -> None:
        self.truth = {key: data for key, data in self.truth.items() if key[0] != number}
        self.disk.retain(lambda key: key[0] != number)

    @rule(key=keys)
    def tear(self, key: PhotoKey) -> None:
        for file in self.folder.glob(f"{key[0]}-{key[1]}-{key[2]}.*"):
            file.write_bytes(file.read_bytes() + b"?")
            self.truth.pop(key)
            assert self.disk.read(key) is None

    @rule()
    def restart(self) -> None:
        self.disk = disk_in(self.folder, self.LIMIT)

    @invariant()
    def the_accounts_agree(self) -> None:
        files = list(self.folder.glob("*.jpg"))
        assert set(self.disk) == set(self.truth)
        assert self.disk.bytes == sum(file.stat().st_size for file in files) <= self.LIMIT

    def teardown(self) -> None:
        self.holder.cleanup()


TestModel = Model.TestCase
TestModel.settings = hypothesis_settings(max_examples=25, stateful_step_count=25)
