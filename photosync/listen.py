"""The sockets that are served on; made before any thread starts, without loading the server, and by reloads on a worker
thread.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Collection, Mapping

from .errors import PhotosSyncError

SYSTEMD_LISTENS = "The socket unit of systemd says where to listen; server-port and listen-address have no effect."

_BACKLOG = 128
_TCP: Collection[int] = (socket.AF_INET, socket.AF_INET6)
_FIRST_PASSED = 3  # SD_LISTEN_FDS_START


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
        what = f"Port {port} of {address or 'this machine'}" if port else address or "This machine"
        raise PhotosSyncError(f"{what} {_trouble(error)}") from None
    listening.setblocking(False)
    return [listening]


def passed_sockets(environment: Mapping[str, str]) -> list[socket.socket]:
    """The listening sockets that systemd has opened for this process (sd_listen_fds(3)); none without a socket unit.

    Raises PhotosSyncError if one of them is not for TCP.
    """
    count = environment.get("LISTEN_FDS", "")
    if environment.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
        return []
    return [_passed(number) for number in range(_FIRST_PASSED, _FIRST_PASSED + int(count))]


def _passed(number: int) -> socket.socket:
    try:
        os.set_inheritable(number, False)
        listening = socket.socket(fileno=number)
        is_listening = bool(listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError as error:
        raise PhotosSyncError(
            f"Descriptor {number} of systemd's socket unit cannot be used ({error.strerror})."
        ) from None
    if not (is_listening and listening.type == socket.SOCK_STREAM and listening.family in _TCP):
        raise PhotosSyncError(
            f"Descriptor {number} of systemd's socket unit is no listening TCP socket. "
            "The unit may have ListenStream= alone, with a port or with an address and a port."
        )
    listening.setblocking(False)
    return listening


def _trouble(error: OSError) -> str:
    """The cause and the next step."""
    if error.errno == errno.EADDRINUSE:
        return "is already in use. Choose another one with --server-port (ss -tlnp shows who has it)."
    if error.errno == errno.EACCES:
        return "may only be listened on by root. Choose one above 1023 with --server-port."
    cause = str(error.strerror).partition(" (while")[0]
    return f"cannot be listened on ({cause}). --listen-address has to be an address of this machine."
