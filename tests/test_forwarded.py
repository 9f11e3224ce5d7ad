"""What proxies say of a request: believed from trusted ones, and from nobody else."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photosync.forwarded import Proxies, plain_address

NEAR = Proxies([ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def client(peer: str, forwarded: str, proxies: Proxies = NEAR) -> str:
    return proxies.client(peer, {"X-Forwarded-For": forwarded})


@pytest.mark.parametrize("peer", ["127.0.0.1", "::ffff:127.0.0.1", "10.9.8.7", "::ffff:10.0.0.1", "fd00::1"])
def test_a_proxy_is_trusted_by_address_or_network_however_it_came(peer: str) -> None:
    assert NEAR.trusts(peer)
    assert client(peer, "192.0.2.7") == "192.0.2.7"


@pytest.mark.parametrize("peer", ["127.0.0.2", "11.0.0.1", "fe80::1", "::1", "", "unix"])
def test_nobody_else_is_believed(peer: str) -> None:
    headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    for proxies in (NEAR, Proxies()):
        assert not proxies.trusts(peer)
        assert proxies.client(peer, headers) == peer
        assert proxies.protocol(peer, headers, "http") == "http"
        assert list(proxies.hosts(peer, headers)) == []


@pytest.mark.parametrize("proxies", [NEAR, Proxies()])
def test_an_ipv4_client_has_one_address_however_it_came(proxies: Proxies) -> None:
    assert client("::ffff:192.0.2.9", "", proxies) == client("192.0.2.9", "", proxies) == "192.0.2.9"


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("1.2.3.4, 192.0.2.7", "192.0.2.7"),  # the first was made up by the client
        ("127.0.0.1, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 10.0.0.5", "192.0.2.7"),  # two trusted proxies, one behind the other
        ("192.0.2.7,10.0.0.5 ,10.0.0.6", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::7%" + "x" * 9000, "fe80::7"),
        ("10.0.0.5", "10.0.0.5"),  # a client inside the trusted network
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("192.0.2.7, unknown", "127.0.0.1"),
        ("192.0.2.7, ", "127.0.0.1"),
        ("192.0.2.7, _hidden, 10.0.0.5", "10.0.0.5"),
        ("999.1.1.1", "127.0.0.1"),
        ("<script>", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_that_is_no_trusted_proxy(forwarded: str, found: str) -> None:
    assert client("127.0.0.1", forwarded) == found


@given(st.text(max_size=80))
def test_whatever_is_forwarded_gives_an_address(forwarded: str) -> None:
    assert plain_address(client("127.0.0.1", forwarded)) is not None


@pytest.mark.parametrize(
    ("told", "protocol"),
    [("https", "https"), ("HTTPS", "https"), ("http", "http"), ("https, http", "https"), ("ftp", "http"), ("", "http")],
)
def test_the_protocol_is_the_one_that_the_client_used(told: str, protocol: str) -> None:
    assert NEAR.protocol("127.0.0.1", {"X-Forwarded-Proto": told}, "http") == protocol


def test_all_forwarded_hosts_are_told() -> None:
    headers = {"X-Forwarded-Host": "a.example, b.example"}
    assert list(NEAR.hosts("127.0.0.1", headers)) == ["a.example", "b.example"]
    assert list(NEAR.hosts("127.0.0.1", {})) == []
