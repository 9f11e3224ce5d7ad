"""Serving: where, by what certificate and to whom; checked before any thread starts."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from .credentials import Credentials
from .forwarded import Network
from .guard import Access
from .secret import Secret, others_can_read, secret_in
from .tls import load_tls

_NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)
_ORIGIN = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)
_TOKEN = re.compile(r"[!-~]{8,256}")
_BASE_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)


class Serving(Credentials):
    """Credentials, with the options of what is served."""

    def listen_address(self) -> str:
        address = self.raw["listen-address"] or "all"
        return "" if address == "all" else str(address)

    def access(self) -> Access:
        return Access(
            allowed_hosts=self.several("allowed-host", _NAME, "a host name such as *.example.org"),
            token=self.access_token(),
            origins=self.several("allow-origin", _ORIGIN, "an origin such as http://dashboard.local:8123"),
            trusted_proxies=self.trusted_proxies(),
            base_path=self.base_path(),
        )

    def several(self, name: str, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
        found = []
        for text in self.raw[name] or []:
            value = text.strip().lower().rstrip("./")  # as a browser shows it, or with the dot of a whole name
            if not pattern.fullmatch(value):
                self.mistakes.append(f"{self.source(name)}: '{text}' is not {what}.")
            found.append(value)
        return tuple(dict.fromkeys(found))

    def access_token(self) -> Secret | None:
        before = len(self.mistakes)
        found = self.password("access-token", "access token")
        token: Secret | None = found["password"]
        file: Path | None = found["password_file"]
        if file is not None and len(self.mistakes) == before:
            token = secret_in(file, guarded=self.is_guarded(file))
        if token is None or len(self.mistakes) > before:
            return None
        if not _TOKEN.fullmatch(token.reveal()):
            self.mistakes.append(
                f"{self.source('access-token' if file is None else 'access-token-file')}: it has to have 8 to 256 "
                "letters, digits or signs, and no blank. openssl rand -hex 16 makes one."
            )
        return token

    def trusted_proxies(self) -> tuple[Network, ...]:
        found = []
        for text in self.raw["trusted-proxy"] or []:
            try:
                found.append(ip_network(text.strip(), strict=False))
            except ValueError:
                self.mistakes.append(
                    f"{self.source('trusted-proxy')}: '{text}' is not an IP address or a network such as 10.0.0.0/8."
                )
        return tuple(found)

    def base_path(self) -> str:
        text = self.raw["base-path"] or "/"
        path = "/" + text.strip("/") if text.strip("/") else ""
        if path and (not _BASE_PATH.fullmatch(path) or {".", ".."} & set(path.split("/"))):
            self.mistakes.append(f"{self.source('base-path')}: '{text}' is not a path such as /frames.")
            return ""
        return path

    def tls_files(self) -> dict[str, Any]:
        given = {name: self.raw[name] for name in ("tls-cert", "tls-key")}
        if None in given.values():
            for name, other in (("tls-cert", "tls-key"), ("tls-key", "tls-cert")):
                if given[name] is not None:
                    self.mistakes.append(f"{self.source(name)} is of no use without {other}.")
            return {}
        cert, key = (Path(text) for text in given.values())
        try:
            warning = load_tls(cert, key).warning
        except ValueError as error:
            self.mistakes.append(f"{self.source('tls-cert')}, {self.source('tls-key')}: {error}")
            return {}
        if warning:
            self.warnings.append(f"{self.source('tls-cert')}: {warning}")
        if others_can_read(key) and not self.is_guarded(key):
            self.warnings.append(f"{self.source('tls-key')}: every user can read '{key}'. Run: chmod 600 {key}")
        return {"tls_cert": cert, "tls_key": key}
