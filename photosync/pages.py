"""The kiosk page and the page that sets it up, read once at start-up. Loop thread only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from . import __version__
from .handler import Handler

_FOLDER = Path(__file__).with_name("static")
_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_BUILD = b'data-build="BUILD"'
_HEADERS: Mapping[str, str] = {
    # Dashboards on other ports show the page in a frame of theirs, and nothing in it is changed by a click.
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), fullscreen=(self), screen-wake-lock=(self)"
    ),
}


class PageFile(NamedTuple):
    content: bytes
    content_type: str
    etag: str


class Pages:
    """`by_address` holds the files of the pages. `build` differs whenever one of them does, or the version of the
    program: a page that was made by another one loads itself anew.
    """

    def __init__(self) -> None:
        found = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
        self.build = _digest(__version__.encode(), *found.values())
        self.by_address = {_address(name): self._file(name, content) for name, content in found.items()}

    def _file(self, name: str, content: bytes) -> PageFile:
        content = content.replace(_BUILD, f'data-build="{self.build}"'.encode())
        return PageFile(content, _TYPES[Path(name).suffix], f'"{_digest(content)}"')


class Page(Handler):
    """GET / and /setup, and /static/<name> for what they load."""

    caching = "no-cache"
    file: PageFile

    async def answer(self, *path: str) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        if self.is_unchanged(self.file.etag):
            await self.complete()
        else:
            await self.send(self.file.content, self.file.content_type)


def _address(name: str) -> str:
    return {"index.html": "/", "setup.html": "/setup"}.get(name, f"/static/{name}")


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]
