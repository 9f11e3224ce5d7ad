"""Proxies: what those in front say of a request, and which of them are believed. Loop thread only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


class Proxies:
    """The trusted proxies (--trusted-proxy). Whatever anybody else says in X-Forwarded-* is not heard."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = networks
        self.trusts = lru_cache(maxsize=1024)(self._trusts) if networks else _trusts_nobody

    def _trusts(self, address: str) -> bool:
        found = plain_address(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, peer: str, headers: Mapping[str, str]) -> str:
        """The address of the client, plain: the last in X-Forwarded-For that is no trusted proxy's own.

        What stands before it came from the client, and may be made up.
        """
        client = str(plain_address(peer) or peer)
        for entry in reversed(headers.get("X-Forwarded-For", "").split(",")):
            if not self.trusts(client):
                break
            found = plain_address(entry.strip())
            if found is None:
                break
            client = str(found)
        return client

    def protocol(self, peer: str, headers: Mapping[str, str], own: str) -> str:
        """`http` or `https`: how the client came to the proxy, or else how this request came to us."""
        told = headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
        return told if told in ("http", "https") and self.trusts(peer) else own

    def hosts(self, peer: str, headers: Mapping[str, str]) -> Iterator[str]:
        """The names by which the proxies say they were asked."""
        told = headers.get("X-Forwarded-Host", "")
        if told and self.trusts(peer):
            yield from (name.strip() for name in told.split(","))


def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address in a text, without port, brackets and zone; None if it is none. IPv4 is IPv4, however it came."""
    inside = _WITH_PORT.fullmatch(text)
    try:
        found = ip_address(((inside[1] or inside[2]) if inside else text).partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _trusts_nobody(address: str) -> bool:
    return False
