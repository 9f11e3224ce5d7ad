"""Guard: who may look, by the name that was asked for, the access token and the origin. Loop thread only."""

from __future__ import annotations

import hmac
import logging
import re
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network
from typing import NamedTuple

from .errors import TokenWanted, TooManyGuesses, WrongHost
from .forwarded import Network, Proxies, plain_address
from .secret import Secret

log = logging.getLogger(__name__)

COOKIE = "photos_sync"
MOST_GUESSES = 10
GUESS_SECONDS = 60.0

_MOST_GUESSERS = 1024
_TOLD_SECONDS = 3600.0
_LONGEST_HOST = 300
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+?)\.?(?::[0-9]*)?", re.ASCII)
_AT_HOME = (".localhost", ".local", ".lan", ".home.arpa", ".internal")
_COOKIE_VALUE = re.compile(rf"(?:^|[;,])\s*{COOKIE}=([0-9a-f]{{64}})(?=\s*(?:[;,]|$))")
_COOKIE_LABEL = b"photos-sync: the cookie for this token"
_MAY_BE_READ = "Content-Location, ETag, Retry-After, Cache-Status"


class Access(NamedTuple):
    """Who may look.

    `allowed_hosts` are in lower case, `*.example.org` means every name below. `origins` are as browsers send them.
    `base_path` is "" or like "/frames".
    """

    allowed_hosts: tuple[str, ...] = ()
    token: Secret | None = None
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    base_path: str = ""


class Guard:
    """Decides for every request, those that Direct answers and all others.

    A web page elsewhere can get a name of its own to lead here (DNS rebinding) and would then count as ours for the
    browser. It can't get an IP address, nor a name that only a network at home has: any other name must be allowed.
    """

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self.access = access
        self.base_path = access.base_path
        self.origins = frozenset(access.origins)
        self.proxies = Proxies(access.trusted_proxies)
        self._has_proxies = bool(access.trusted_proxies)
        self._allowed = access.allowed_hosts
        self._knows = lru_cache(maxsize=256)(self._knows_host)
        self._guesses = Guesses(clock)
        self._has_told = False
        self._open = frozenset({"/healthz", f"{access.base_path}/healthz"})
        token = access.token.reveal().encode() if access.token is not None else None
        self._digest = sha256(token).digest() if token is not None else None
        self.has_token = token is not None
        self.cookie = hmac.new(token, _COOKIE_LABEL, sha256).hexdigest() if token is not None else ""

    def admits(self, headers: Mapping[str, str], peer: str) -> bool:
        """Whether a request may be answered as it stands, which has to be found out quickly; nothing is counted."""
        host = headers.get("Host", "")
        if not host or len(host) > _LONGEST_HOST or not self._knows(host):
            return False
        if self._has_proxies and not all(map(self._is_known, self.proxies.hosts(peer, headers))):
            return False
        if self._digest is None or self._has_cookie(headers):
            return True
        token = _shown_token(headers)
        return bool(token) and not self._guesses.wait(self.proxies.client(peer, headers)) and self._is_right(token)

    def is_open(self, path: str) -> bool:
        """Whether the address answers everybody: it tells nothing, and those who watch over a service ask for it."""
        return path in self._open

    def check_hosts(self, hosts: Sequence[str]) -> None:
        """WrongHost unless each name may be that of this server."""
        for host in hosts:
            if not self._is_known(host):
                error = _wrong_host(host)
                if not self._has_told:  # once, since anybody can ask for any name
                    self._has_told = True
                    log.warning("A request was refused. %s", error.sentence)
                raise error

    def check_token(self, headers: Mapping[str, str], client: str, in_address: bytes | None) -> None:
        """TokenWanted or TooManyGuesses unless the access token is shown, or none is wanted.

        `in_address` is the token in the request's address, which then is the one that counts.
        """
        if self._digest is None or (in_address is None and self._has_cookie(headers)):
            return
        token = _shown_token(headers) if in_address is None else in_address
        if not token:
            raise TokenWanted(
                "These photos are shown to those who have the access token.",
                "Give it as a password (with any name), as 'Authorization: Bearer TOKEN', "
                f"or open {self.base_path}/?token=TOKEN once.",
            )
        wait = self._guesses.wait(client)
        if wait:
            if self._guesses.is_news(client):
                log.warning(
                    "%d wrong access tokens came from %s within a minute, so none from there counts until a minute "
                    "has passed. If it is a screen of yours, give it the right one. This is told once an hour.",
                    MOST_GUESSES,
                    client,
                )
            raise TooManyGuesses(
                "Too many wrong access tokens came from this address.",
                "Try again in a minute.",
                retry_after_seconds=wait,
            )
        if not self._is_right(token):
            self._guesses.add(client, token)
            raise TokenWanted("The access token is wrong.", "It is the one of --access-token or --access-token-file.")

    def cross_origin(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that let pages of the allowed origins, and no others, read an answer (CORS)."""
        if not self.origins:
            return {}
        origin = headers.get("Origin", "")
        if origin not in self.origins:
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _MAY_BE_READ,
        }

    def _is_known(self, host: str) -> bool:
        return len(host) <= _LONGEST_HOST and self._knows(host)

    def _knows_host(self, host: str) -> bool:
        """The port does not count: a name that is ours is so on each."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].lower()
        if name[0] == "[" or plain_address(name) is not None:
            return plain_address(name) is not None
        if "." not in name or name.endswith(_AT_HOME):
            return True
        return any(name == known or (known[0] == "*" and name.endswith(known[1:])) for known in self._allowed)

    def _has_cookie(self, headers: Mapping[str, str]) -> bool:
        cookies = headers.get("Cookie")
        return cookies is not None and any(
            hmac.compare_digest(value, self.cookie) for value in _COOKIE_VALUE.findall(cookies)
        )

    def _is_right(self, token: bytes) -> bool:
        return self._digest is not None and hmac.compare_digest(sha256(token).digest(), self._digest)


class Guesses:
    """Wrong tokens of the last minute for each address; a network of IPv6 counts as one.

    Only different ones count. A screen that goes on showing an old token guesses nothing, and locks out nobody who
    shares its address.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_guesser: OrderedDict[str, dict[bytes, float]] = OrderedDict()
        self._told: OrderedDict[str, float] = OrderedDict()  # the one that was told last is the last

    def wait(self, address: str) -> float:
        """The seconds until another guess from there is looked at; 0 if it is now."""
        if not self._by_guesser:
            return 0.0
        guesser = _guesser(address)
        guesses = self._by_guesser.get(guesser, {})
        now = self._clock()
        for guess in [guess for guess, at in guesses.items() if now - at >= GUESS_SECONDS]:
            del guesses[guess]
        if guesses:
            return max(0.0, min(guesses.values()) + GUESS_SECONDS - now) if len(guesses) >= MOST_GUESSES else 0.0
        self._by_guesser.pop(guesser, None)
        return 0.0

    def add(self, address: str, token: bytes) -> None:
        guesser = _guesser(address)
        self._by_guesser.setdefault(guesser, {}).setdefault(sha256(token).digest(), self._clock())
        self._by_guesser.move_to_end(guesser)
        if len(self._by_guesser) > _MOST_GUESSERS:
            self._by_guesser.popitem(last=False)

    def is_news(self, address: str) -> bool:
        """Whether the log has not been told of this address for an hour. It counts as told then."""
        guesser, now = _guesser(address), self._clock()
        if now - self._told.get(guesser, -_TOLD_SECONDS) < _TOLD_SECONDS:
            return False
        self._told[guesser] = now
        self._told.move_to_end(guesser)
        if len(self._told) > _MOST_GUESSERS:
            self._told.popitem(last=False)
        return True


def _guesser(address: str) -> str:
    found = plain_address(address)
    return str(IPv6Network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def _shown_token(headers: Mapping[str, str]) -> bytes:
    """The token of `Authorization: Bearer TOKEN`, or the password of Basic (RFC 6750, RFC 7617); b"" without one."""
    scheme, _, value = headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("utf-8", "replace")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(value.strip(), validate=True).partition(b":")[2]
    except (Base64Error, ValueError):
        return b""


def _wrong_host(host: str) -> WrongHost:
    found = _HOST.fullmatch(host[:_LONGEST_HOST])
    name = found[1].lower() if found else "NAME"
    told = f"'{name}'" if found else "the name that was asked for"
    return WrongHost(
        f"It is not known that {told} is a name of this server, and a page elsewhere could have made it up.",
        f"If it is one, start photos-sync with --allowed-host {name}; its IP address always works.",
    )
