"""Runs on its own thread: a Synology NAS with Photos, simulated over real HTTP on a real socket.

It shares nothing with the rest of the package, so that a misunderstanding cannot be shared either.
"""

from .certificate import Certificate
from .faults import (
    Fault,
    InstalledFault,
    bytes_body,
    close_delimited,
    close_on_reuse,
    cut,
    delay,
    drip,
    edit_rows,
    endless,
    error,
    gzip_bomb,
    hang,
    hold,
    html,
    json_body,
    raw,
    redirect,
    reset,
    status,
)
from .items import Album, Item
from .library import Library
from .server import FakeNas
from .wire import Call

__all__ = [
    "Album",
    "Call",
    "Certificate",
    "FakeNas",
    "Fault",
    "InstalledFault",
    "Item",
    "Library",
    "bytes_body",
    "close_delimited",
    "close_on_reuse",
    "cut",
    "delay",
    "drip",
    "edit_rows",
    "endless",
    "error",
    "gzip_bomb",
    "hang",
    "hold",
    "html",
    "json_body",
    "raw",
    "redirect",
    "reset",
    "status",
]
