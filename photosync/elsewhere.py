"""Where else on the same host Photos may live: alias, portal port, https. Main and worker threads; blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from urllib.parse import urlsplit

PORTS: Sequence[int] = (5000, 5001, 80, 443, 5080, 5443)
"""DSM's, those of a login portal, and those that Synology proposes for Photos alone."""

SECONDS = 8.0
_AT_ONCE = 4
_HTTPS_PORTS = (443, 5001, 5443)
_ALIAS = "/photo"


def candidates(url: str, ports: Iterable[int], target: str = "") -> list[str]:
    """Other base addresses on the host of `url`, likely ones first; a redirect's `target` counts if it is there too."""
    parts, sent_to = urlsplit(url), urlsplit(target)
    ways = [("https", parts.port), ("http", parts.port)]
    if sent_to.hostname == parts.hostname:
        ways.insert(0, (sent_to.scheme, sent_to.port))
    ways += [("https" if port in _HTTPS_PORTS else "http", port) for port in ports]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    bases = [f"{scheme}://{host}:{port}{path}" for path in ("", parts.path, _ALIAS) for scheme, port in ways]
    return [base for base in dict.fromkeys(bases) if base != url]


def find(bases: Sequence[str], answers: Callable[[str], bool], seconds: float = SECONDS) -> list[str]:
    """Those of the addresses that answer in time, the first of each port; four are asked at once, in this order."""
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="look")
    asked = {pool.submit(answers, base): base for base in bases}
    done, _ = wait(asked, timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    found: dict[str, str] = {}
    for future, base in asked.items():
        if future in done and future.result():
            found.setdefault(urlsplit(base)._replace(path="").geturl(), base)
    return list(found.values())
