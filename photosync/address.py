"""The NAS's address, as an option or an album's share link gives it; pure, used before any thread starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from .secret import Secret

_SHAPE = "http://nas.local:5000/mo/sharing/…"
_HOST = re.compile(r"[\w:][\w.:\-]*(%[\w.\-]+)?", re.ASCII)
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[\w.~+\-]*)*")
_LINK_PATH = re.compile(
    r"((?:/(?![a-z]{2}/sharing/)[\w.~%+\-]+)*)/([a-z]{2}/sharing)/([A-Za-z0-9_\-]{4,64})/?", re.ASCII
)
_LIKE_A_LINK = re.compile(r"/[a-z]{2}/(sharing|request)/", re.IGNORECASE)
_REQUEST = re.compile(r"/[a-z]{2}/request/")
# What is below direct.quickconnect.to is a name of the NAS's own address.
_RELAYED = re.compile(r"(.*\.)?(gofile\.me|(?<!\.direct\.)quickconnect\.(to|cn))")
_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


class AddressOption(NamedTuple):
    """How messages name what holds the NAS's address: `name` alone, `both` with the port, `put` before a base address
    that it ought to have.
    """

    name: str
    both: str
    put: str


URL_OPTION = AddressOption("--url", "--url and --port", "put this into the configuration: --url")
LINK_OPTION = AddressOption("--share-link", "--share-link", "let --share-link begin with")


def base_url(text: str, port: int | None) -> str:
    """Scheme, host, port and path alias of the NAS, all ASCII; ValueError with the cause and the next step.

    What a browser shows while it is in Synology Photos or DSM will do: the rest of it is left away.
    """
    if "@" in text:
        raise ValueError("leave the account out of the address, and use --username and --password-file.")
    parts = _split(text)
    if parts.scheme not in ("", "http", "https"):
        raise ValueError(f"'{parts.scheme}' is not http or https.")
    pasted = _is_pasted(parts)
    if pasted:
        parts = parts._replace(query="", fragment="")
    name, path = _ascii(parts.hostname or "").replace("%25", "%"), unquote(parts.path)
    if not _HOST.fullmatch(name) or not _PATH.fullmatch(path) or parts.query or parts.fragment:
        raise ValueError(f"'{text}' is not a host name, an IP address or an http(s) address.")
    if _RELAYED.fullmatch(name):
        raise ValueError(
            f"'{name}' leads through Synology's own servers (QuickConnect), which photos-sync does not do. "
            "Use the NAS's name or IP address in your network: DSM shows it in Control Panel > Info Center > Network."
        )
    try:
        own_port = parts.port
        if own_port == 0:
            raise ValueError
    except ValueError:
        raise ValueError(f"'{text}' holds a port that is not a number from 1 to 65535.") from None
    if own_port and port and own_port != port:
        raise ValueError(f"it says port {own_port}, and --port says {port}: keep one of them.")
    chosen = own_port or port or (_PORTS[parts.scheme] if pasted else None)
    scheme = parts.scheme or ("https" if chosen in (443, 5001) else "http")
    chosen = chosen or (5001 if scheme == "https" else 5000)
    host = f"[{name}]" if ":" in name else name
    return f"{scheme}://{host}:{chosen}{quote(path.rstrip('/'), safe='/+')}"


def _ascii(name: str) -> str:
    """A host name as the network has it (xn--…); "" if there are several ways to write it so."""
    if name.isascii():
        return name
    try:
        encoded = name.encode("idna")
        return encoded.decode("ascii") if encoded.decode("idna") == name else ""
    except UnicodeError:
        return ""


def _is_pasted(parts: SplitResult) -> bool:
    """Whether it is an address as DSM's and Photos' own pages have, and a browser shows: …/?launchApp=…#/album/8"""
    query, fragment = parts.query, parts.fragment
    ours = query.startswith("launchApp=") or (not query and fragment.startswith("/"))
    return ours and parts.scheme in _PORTS


def base_url_of_redirect(location: str, path: str) -> str:
    """Where a redirect of this path below the base address leads to, as `base_url`; "" if no NAS could be there."""
    try:
        parts = urlsplit(location)
        if parts.scheme not in _PORTS:
            return ""
        alias = parts.path.removesuffix(f"/{path}") if parts.path.endswith(f"/{path}") else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return base_url(f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}{alias}", None)
    except ValueError:
        return ""


def is_like_a_link(text: str) -> bool:
    """Whether it may be a share link: then whoever reads it could open it."""
    return _LIKE_A_LINK.search(unquote(text)) is not None


def split_link(text: str) -> tuple[str, str, Secret]:
    """The `base_url` of the NAS, the folder of share links below it ("mo/sharing"), and the album's passphrase.

    ValueError with the cause and the next step, and without the link: whoever reads it could open it.
    """
    try:
        parts = urlsplit(text.strip())
        host, has_port = parts.hostname or "", parts.port is not None
    except ValueError:
        raise ValueError(_not_a_link()) from None
    if _RELAYED.fullmatch(host):
        raise ValueError(
            "it leads through Synology's servers (gofile.me, QuickConnect), and photos-sync asks the NAS itself. Open "
            "it in a browser: the address then ends with /mo/sharing/…; put that behind the NAS's own address, as in "
            f"{_SHAPE}"
        )
    if _REQUEST.search(parts.path):
        raise ValueError(
            "it is a request for photos: others upload through it, and see nothing. In Synology Photos, share the "
            "album and give that link."
        )
    found = _LINK_PATH.fullmatch(parts.path)
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or found is None:
        raise ValueError(_not_a_link())
    port = "" if has_port else f":{_PORTS[parts.scheme]}"
    url = base_url(f"{parts.scheme}://{parts.netloc.removesuffix(':')}{port}{found[1]}", None)
    return url, found[2], Secret(found[3])


def _split(text: str) -> SplitResult:
    if "://" in text:
        return urlsplit(text)
    host, slash, path = text.partition("/")
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    return urlsplit(f"//{host}{slash}{path}")


def _not_a_link() -> str:
    return (
        f"it is not the link of an album, which looks like {_SHAPE} In Synology Photos, open the album, choose Share, "
        "and copy the link from there, with http:// or https:// in front."
    )
