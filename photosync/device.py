"""The device id, by which a NAS knows this machine and asks it for no second factor; used on every thread."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .dsm import is_session_text
from .secret import Secret, secret_in
from .state import keep

DEVICE_NAME = "photos-sync"
"""A NAS trusts an id together with the name that it was given out for."""


def device_path(named: str | None, state_dir: Path | None, config_file: Path | None) -> Path | None:
    """The file of the device id: the one that was named, or beside what there is."""
    if named:
        return Path(named)
    folder = state_dir or (config_file.absolute().parent if config_file else None)
    return folder / "device-id" if folder else None


def is_otp_code(text: str) -> bool:
    return re.fullmatch("[0-9]{6}", text) is not None


def device_in(path: Path) -> Secret | None:
    """The device id in a file, None if there is no such file; ValueError with the cause and the next step."""
    if not os.path.exists(path):  # which raises nothing
        return None
    try:
        device = secret_in(path, "the device id")
    except ValueError as error:
        raise ValueError(f"{str(error).rstrip('.')} (or run photos-sync --enrol again).") from None
    if not is_session_text(device.reveal()):
        raise ValueError(f"'{path}' holds no device id. Run photos-sync --enrol again.")
    return device


def keep_device(path: Path, device: Secret) -> None:
    """Raises OSError."""
    keep(path, [device.reveal() + "\n"])
