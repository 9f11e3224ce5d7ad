"""The connection pool's deadline; what it means for an exchange is in test_wire.py."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

import pytest
import requests

from photosync import fakenas
from photosync.fakenas import Certificate, FakeNas
from photosync.sockets import AnotherCertificate, DeadlineAdapter, tls_context


def test_all_reads_of_an_answer_share_one_deadline(nas: FakeNas) -> None:
    nas.fault(fakenas.drip(every=0.05, header=True))
    with requests.Session() as session:
        session.mount("http://", DeadlineAdapter(tls_context(None, insecure=False), verify=True))
        started_at = time.monotonic()
        with pytest.raises(requests.RequestException):
            session.get(f"{nas.url}/webapi/query.cgi", timeout=0.5)
        assert time.monotonic() - started_at < 3


def test_a_connection_gives_up_on_a_peer_that_acknowledges_nothing(nas: FakeNas) -> None:
    with requests.Session() as session:
        adapter = DeadlineAdapter(tls_context(None, insecure=False), verify=True)
        session.mount("http://", adapter)
        with session.get(f"{nas.url}/webapi/query.cgi", timeout=5, stream=True) as answer:
            connection = answer.raw.connection.sock
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


def test_certificates_are_checked_unless_they_must_not_be() -> None:
    strict, lax = tls_context(None, insecure=False), tls_context(None, insecure=True)
    assert strict.verify_mode is ssl.CERT_REQUIRED
    assert strict.check_hostname
    assert lax.verify_mode is ssl.CERT_NONE
    assert not lax.check_hostname


def test_a_certificate_given_as_a_file_is_trusted_though_its_issuer_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "nas.pem").write_text(Certificate().make()[1])
    flags = tls_context(tmp_path / "nas.pem", insecure=False).verify_flags
    assert flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert not flags & ssl.VERIFY_X509_STRICT


def test_a_fingerprint_is_checked_by_the_handshake_itself() -> None:
    with FakeNas(tls=True) as nas, socket.create_connection((nas.host, nas.port), 5) as plain:
        context = tls_context(None, insecure=False, fingerprint="AB:CD")
        with pytest.raises(AnotherCertificate) as caught:
            context.wrap_socket(plain, server_hostname=nas.host)
        assert (caught.value.seen, caught.value.expected) == (nas.fingerprint, "AB:CD")
    with FakeNas(tls=True) as nas, socket.create_connection((nas.host, nas.port), 5) as plain:
        context = tls_context(None, insecure=False, fingerprint=nas.fingerprint)
        with context.wrap_socket(plain, server_hostname=nas.host) as connection:
            assert connection.version()
