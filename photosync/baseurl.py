"""The NAS's base address from what people type or paste; pure, on every thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"[\w:][\w.:\-]*(%[\w.\-]+)?")
_PATH = re.compile(r"(/[\w.~%+\-]*)*")
_BROWSERS: Mapping[str, int] = {"http": 80, "https": 443}
_RELAYS = ("quickconnect.to", "gofile.me")


def base_url(text: str, port: int | None) -> str:
    """Scheme, host, port and path alias of the NAS; ValueError with the cause and the next step.

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
    name = parts.hostname or ""
    if not _HOST.fullmatch(name) or not _PATH.fullmatch(parts.path) or parts.query or parts.fragment:
        raise ValueError(f"'{text}' is not a host name, an IP address or an http(s) address.")
    if any(f".{name}".endswith(f".{relay}") for relay in _RELAYS):
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
    chosen = own_port or port or (_BROWSERS[parts.scheme] if pasted else None)
    scheme = parts.scheme or ("https" if chosen in (443, 5001) else "http")
    chosen = chosen or (5001 if scheme == "https" else 5000)
    host = f"[{name}]" if ":" in name else name
    return f"{scheme}://{host}:{chosen}{parts.path.rstrip('/')}"


def _is_pasted(parts: SplitResult) -> bool:
    """Whether it is an address as DSM's and Photos' own pages have, and a browser shows: …/?launchApp=…#/album/8"""
    query, fragment = parts.query, parts.fragment
    ours = query.startswith("launchApp=") or (not query and fragment.startswith("/"))
    return ours and parts.scheme in _BROWSERS


def _split(text: str) -> SplitResult:
    if "://" in text:
        return urlsplit(text)
    host, slash, path = text.partition("/")
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    return urlsplit(f"//{host}{slash}{path}")
