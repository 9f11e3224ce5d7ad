"""The file of the device id."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photosync.device import device_in, device_path, is_otp_code, keep_device
from photosync.secret import Secret

ID = "aB3_-." * 14


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device-id"


def test_what_was_kept_is_read_again_and_is_its_owners_alone(path: Path) -> None:
    keep_device(path, Secret(ID))
    assert device_in(path) == Secret(ID)
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_device(path: Path) -> None:
    assert device_in(path) is None


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty; it has to be the device id"),
        (b"\n" + ID.encode(), "is empty; it has to be the device id"),
        (b"\xff\xfe\x00binary", "is not a UTF-8 text file"),
        (b"a" * 100_000, "is far too large"),
        (b"a" * 257, "holds no device id"),
        (b"two words", "holds no device id"),
        ("größe".encode(), "holds no device id"),
        (b"id\r\nX-Header: 1".replace(b"\r\n", b"\r"), "holds no device id"),
        (b"id\x00", "holds no device id"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, bytes) else "",
)
def test_a_file_that_cannot_be_used_is_told_with_the_way_out_and_without_its_content(
    path: Path, content: bytes, cause: str
) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ValueError, match=cause) as caught:
        device_in(path)
    told = str(caught.value)
    assert str(path) in told
    assert "photos-sync --enrol again" in told
    assert not content or content[:9].decode("latin-1") not in told


def test_a_file_that_every_user_can_read_is_refused(path: Path) -> None:
    path.write_text(ID)
    path.chmod(0o644)
    with pytest.raises(ValueError, match="every user of this machine can read") as caught:
        device_in(path)
    assert f"chmod 600 {path}" in str(caught.value)
    assert ID not in str(caught.value)


def test_a_directory_is_no_device(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ValueError, match="Is a directory"):
        device_in(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_of_somebody_else_is_told(path: Path) -> None:
    path.write_text(ID)
    path.chmod(0o000)
    with pytest.raises(ValueError, match="Permission denied"):
        device_in(path)


def test_its_place_is_named_or_in_the_state_directory_or_beside_the_configuration() -> None:
    state, config = Path("/var/lib/photos-sync"), Path("/etc/photos-sync/config.ini")
    assert device_path("/srv/id", state, config) == Path("/srv/id")
    assert device_path(None, state, config) == state / "device-id"
    assert device_path(None, None, config) == Path("/etc/photos-sync/device-id")
    assert device_path(None, None, Path("config.ini")) == Path.cwd() / "device-id"
    assert device_path(None, None, None) is None


def test_a_code_is_six_digits_and_nothing_else() -> None:
    assert is_otp_code("012345")
    assert not any(map(is_otp_code, ("", "12345", "1234567", "12345a", "123456\n", "１２３４５６")))
