"""The sockets that are served on."""

from __future__ import annotations

import os
import socket

import pytest

from photosync.errors import PhotosSyncError
from photosync.listen import listen, passed_sockets


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", ""])
def test_a_free_port_is_listened_on(address: str) -> None:
    (listening,) = listen(address, 0)
    with listening, socket.create_connection(("127.0.0.1", listening.getsockname()[1]), 5) as client:
        assert client.getpeername()[0] == "127.0.0.1"


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_all_addresses_means_both_families() -> None:
    (listening,) = listen("", 0)
    with listening, socket.create_connection(("::1", listening.getsockname()[1]), 5) as client:
        assert client.family == socket.AF_INET6


def test_a_taken_port_is_told_with_a_way_out() -> None:
    (listening,) = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    with listening, pytest.raises(PhotosSyncError, match=f"Port {port} of 127.0.0.1") as caught:
        listen("127.0.0.1", port)
    assert "--server-port" in str(caught.value)


@pytest.mark.parametrize("address", ["192.0.2.1", "no-such-name.invalid"])
def test_an_address_of_another_machine_is_told(address: str) -> None:
    with pytest.raises(PhotosSyncError, match=address):
        listen(address, 0)


# What systemd passes; test_systemd.py has the rest.


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_sockets_of_another_process_are_left_alone(environment: dict[str, str]) -> None:
    assert passed_sockets(environment) == []
