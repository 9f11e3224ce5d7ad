"""Certificates for the service itself, in files as its options name them."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from photosync.fakenas.certificate import Certificate

NAME = "raspberrypi.local"


@cache
def pems(**options: Any) -> tuple[str, str]:
    """Certificate and key, made once."""
    with TemporaryDirectory() as folder:
        Certificate((NAME, "127.0.0.1"), **options).write(folder)
        return Path(folder, "certificate.pem").read_text(), Path(folder, "key.pem").read_text()


def write_certificate(folder: Path, name: str = "served", **options: Any) -> tuple[Path, Path]:
    """Certificate and key as two files of that name."""
    cert, key = folder / f"{name}-cert.pem", folder / f"{name}-key.pem"
    for path, text in zip((cert, key), pems(**options), strict=True):
        path.write_text(text)
        path.chmod(0o600)
    return cert, key


def trusting(cert: Path) -> ssl.SSLContext:
    """A client that trusts this certificate."""
    return ssl.create_default_context(cafile=str(cert))
