"""The certificate that a NAS shows, looked at without trusting it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from outside import closed_port

from photosync.certificates import certificate_at
from photosync.fakenas import Certificate, FakeNas


@pytest.mark.parametrize("year", [2020, 2026, 2099])
def test_it_is_told_whatever_its_time(year: int) -> None:
    start, end = datetime(year, 1, 2, tzinfo=UTC), datetime(year + 1, 3, 4, tzinfo=UTC)
    with FakeNas(
        tls=Certificate(names=("synology", "nas.local", "192.168.1.2"), valid_from=start, valid_until=end)
    ) as nas:
        seen = certificate_at(nas.url)
        assert nas.calls == []
    assert seen is not None
    assert seen.fingerprint == nas.fingerprint
    assert seen.names == ("synology", "nas.local", "192.168.1.2")
    assert (seen.subject, seen.issuer) == ("synology", "synology")
    assert (seen.valid_from, seen.valid_until) == (start, end)
    assert seen.sentence == (
        f"for synology, nas.local, 192.168.1.2, from synology, valid from {year}-01-02 until {year + 1}-03-04"
    )


def test_its_issuer_is_told() -> None:
    with FakeNas(tls=Certificate(issuer="Synology Inc. CA")) as nas:
        seen = certificate_at(nas.url)
    assert seen is not None
    assert (seen.subject, seen.issuer) == ("synology", "Synology Inc. CA")


def test_where_nobody_speaks_tls_there_is_none(nas: FakeNas) -> None:
    assert certificate_at(nas.url.replace("http:", "https:")) is None


def test_where_nobody_answers_there_is_none() -> None:
    with closed_port() as port:
        assert certificate_at(f"https://127.0.0.1:{port}") is None
    assert certificate_at("https://nas.invalid:5001") is None
    assert certificate_at(f"https://{'ä' * 80}:5001") is None
