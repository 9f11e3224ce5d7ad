"""The sockets that are served on; made before any thread starts, without loading the server."""

from __future__ import annotations

import errno
import socket

from .errors import PhotosSyncError

_BACKLOG = 128


def listen(address: str, port: int) -> list[socket.socket]:
    """Listening sockets for this address ("" for all of them); 0 lets the system choose the port.

    Raises PhotosSyncError if the address or the port cannot be had.
    """
    try:
        found = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        dual = not address and socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else found[0][0]
        place = ("", port) if not address else found[0][4][:2]
        listening = socket.create_server(place, family=family, backlog=_BACKLOG, dualstack_ipv6=dual)
    except OSError as error:
        raise PhotosSyncError(f"Port {port} of {address or 'this machine'} {_trouble(error)}") from None
    listening.setblocking(False)
    return [listening]


def _trouble(error: OSError) -> str:
    """The cause and the next step."""
    if error.errno == errno.EADDRINUSE:
        return "is already in use. Choose another one with --server-port (ss -tlnp shows who has it)."
    if error.errno == errno.EACCES:
        return "may only be listened on by root. Choose one above 1023 with --server-port."
    return f"cannot be listened on ({error.strerror}). --listen-address has to be an address of this machine."
