"""The certificate that a NAS shows, looked at without trusting it. Any thread; blocks."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .sockets import fingerprint_of

_SECONDS = 5.0
_NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name


class Certificate(NamedTuple):
    """What a certificate says; `fingerprint` is its SHA-256, as browsers show it."""

    fingerprint: str
    names: tuple[str, ...]
    subject: str
    issuer: str
    valid_from: datetime
    valid_until: datetime

    @property
    def sentence(self) -> str:
        names = ", ".join(self.names) or self.subject
        return (
            f"for {names}, from {self.issuer}, valid from {self.valid_from:%Y-%m-%d} until {self.valid_until:%Y-%m-%d}"
        )


def certificate_at(url: str) -> Certificate | None:
    """What an https address shows to anybody who connects, None if nothing can be seen. No request is made."""
    parts = urlsplit(url)
    address = parts.hostname or "", parts.port or 443
    try:
        anybody = _context()
        anybody.verify_mode = ssl.CERT_NONE
        seen, _ = _shown(address, anybody)
        # Only a certificate that is trusted is put into words: now it is, and nothing else.
        seen, words = _shown(address, _only(seen))
    except (OSError, ValueError):
        return None
    return _certificate(seen, words)


def seen_through(context: ssl.SSLContext, pem: str) -> Certificate:
    """The certificate that a server with this context shows: the first in `pem`. ssl.SSLError if it cannot be used."""
    end = "-----END CERTIFICATE-----"
    first = pem[pem.index("-----BEGIN CERTIFICATE-----") : pem.index(end) + len(end)]
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(ours, theirs, server_side=True)
    client = _only(ssl.PEM_cert_to_DER_cert(first)).wrap_bio(theirs, ours)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return _certificate(client.getpeercert(binary_form=True) or b"", client.getpeercert())


def _only(der: bytes) -> ssl.SSLContext:
    """A client that trusts this certificate alone, whatever its name, date and issuer."""
    context = _context()
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(der))
    context.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    return context


def _shown(address: tuple[str, int], context: ssl.SSLContext) -> tuple[bytes, Any]:
    with (
        socket.create_connection(address, _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b"", connection.getpeercert()


def _certificate(der: bytes, words: Any) -> Certificate:
    return Certificate(
        fingerprint=fingerprint_of(der),
        names=tuple(name for _, name in words.get("subjectAltName", ())),
        subject=_common_name(words["subject"]),
        issuer=_common_name(words["issuer"]),
        valid_from=_moment(words["notBefore"]),
        valid_until=_moment(words["notAfter"]),
    )


def _common_name(parts: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """The common name, or whatever comes last where there is none."""
    pairs = dict(pair for part in parts for pair in part)
    return pairs.get("commonName") or next(reversed(pairs.values()), "nobody")


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
