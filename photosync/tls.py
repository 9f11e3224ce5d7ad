"""The certificate that is served, from its two files. For worker threads; blocks."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from .certificates import Certificate, seen_through

_MOST_BYTES = 1_000_000


class ServedTls(NamedTuple):
    """`warning` is a sentence if clients are going to refuse the certificate, otherwise ""."""

    context: ssl.SSLContext
    warning: str


def load_tls(cert: Path, key: Path) -> ServedTls:
    """What a server needs to speak TLS, 1.2 or newer as Python has it. ValueError with the cause and the next step."""
    pem = _text(cert)
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise ValueError(f"'{cert}' holds no PEM certificate.")
    private = _text(key)
    if "PRIVATE KEY-----" not in private:
        raise ValueError(f"'{key}' holds no PEM private key.")
    if "ENCRYPTED" in private:
        raise ValueError(f"'{key}' is encrypted. Decrypt it: openssl pkey -in {key} -out FILE")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key)
        certificate = seen_through(context, pem)
    except (OSError, ValueError) as error:
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            raise ValueError(f"the key in '{key}' does not belong to the certificate in '{cert}'.") from None
        reason = getattr(error, "reason", None) or error
        raise ValueError(f"'{cert}' and '{key}' cannot be used ({reason}).") from None
    return ServedTls(context, _warning(cert, certificate, datetime.now(UTC)))


def stamp(*files: Path) -> tuple[tuple[int, int, int], ...]:
    """Differs once a file was changed or replaced. OSError if it is not there."""
    return tuple((found.st_mtime_ns, found.st_ino, found.st_size) for found in map(os.stat, files))


def _warning(cert: Path, certificate: Certificate, now: datetime) -> str:
    if now >= certificate.valid_until:
        return f"the certificate in '{cert}' ended on {certificate.valid_until:%Y-%m-%d}: clients refuse it. Renew it."
    if now < certificate.valid_from:
        return (
            f"the certificate in '{cert}' is not valid before {certificate.valid_from:%Y-%m-%d}: clients refuse it. "
            "Is the clock of this machine right (timedatectl)?"
        )
    return ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError) as error:  # a path that holds a NUL is a ValueError
        raise ValueError(f"'{path}' cannot be read ({getattr(error, 'strerror', error)}).") from None
