"""A renewed certificate is served to new connections, and one that cannot be used changes nothing."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

import pytest
from conftest import Running, canary_nas, settings_for
from outside import connect
from served import NAME, trusting, write_certificate

from photosync.errors import ConfigError
from photosync.renewal import Renewal


def issuer(running: Running, cert: Path) -> str:
    """Who has signed the certificate that a new connection is shown; it is trusted if it is in `cert`."""
    context = trusting(cert)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with connect(running.service.port) as plain, context.wrap_socket(plain, server_hostname=NAME) as connection:
        shown = connection.getpeercert()
    assert shown is not None
    return dict(pair for part in shown["issuer"] for pair in part)["commonName"]


def test_new_files_are_served_at_the_next_look(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cert, key = write_certificate(tmp_path)
    with canary_nas() as nas, Running(settings_for(nas, tls_cert=cert, tls_key=key)) as running:
        renewal = running.service.renewal
        assert renewal is not None
        first = issuer(running, cert)
        write_certificate(tmp_path, issuer="Another authority")
        with caplog.at_level(logging.INFO, "photosync.renewal"):
            running.call(renewal.look)
            running.call(renewal.look)
        assert (first, issuer(running, cert)) == (NAME, "Another authority")
        assert [record.getMessage().strip() for record in caplog.records] == ["A renewed certificate is served."]


def test_files_that_cannot_be_used_change_nothing_and_are_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = write_certificate(tmp_path)
    with canary_nas() as nas, Running(settings_for(nas, tls_cert=cert, tls_key=key)) as running:
        renewal = running.service.renewal
        assert renewal is not None
        kept = tmp_path / "kept.pem"
        kept.write_text(cert.read_text())
        with caplog.at_level(logging.INFO, "photosync.renewal"):
            cert.write_text("half a certif")
            for _ in range(3):
                running.call(renewal.look)
            key.unlink()
            running.call(renewal.look)
            assert issuer(running, kept) == NAME
            (told,) = [record.getMessage() for record in caplog.records]
            assert told.endswith(f"'{cert}' holds no PEM certificate.")
            write_certificate(tmp_path, issuer="Another authority")
            running.call(renewal.look)
        assert issuer(running, cert) == "Another authority"


def test_it_looks_by_itself(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    served: list[ssl.SSLContext] = []
    renewed = asyncio.Event()

    def use(context: ssl.SSLContext) -> None:
        served.append(context)
        if len(served) == 2:
            renewed.set()

    async def renew() -> None:
        renewal = Renewal(cert, key, use, seconds=0.01)
        await renewal.load()
        renewal.start()
        assert len(served) == 1
        write_certificate(tmp_path, issuer="Another authority")
        await asyncio.wait_for(renewed.wait(), 20)
        renewal.stop()

    asyncio.run(renew())
    assert served[0] is not served[1]


def test_a_look_under_way_when_it_is_stopped_changes_nothing(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    served: list[ssl.SSLContext] = []

    async def stop_meanwhile() -> None:
        renewal = Renewal(cert, key, served.append)
        await renewal.load()
        renewal.start()
        write_certificate(tmp_path, issuer="Another authority")
        looking = asyncio.ensure_future(renewal.look())
        await asyncio.sleep(0)
        renewal.stop()
        await looking

    asyncio.run(stop_meanwhile())
    assert len(served) == 1


def test_it_does_not_start_with_files_that_cannot_be_used(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    key.unlink()
    with pytest.raises(ConfigError, match=r"^tls-cert, tls-key: .*No such file"):
        asyncio.run(Renewal(cert, key, lambda context: None).load())
