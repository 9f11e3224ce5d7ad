"""nginx and Varnish in front of the service, each with the configuration in docs/, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import requests
from outside import ROOT

NAME = "photos.example.net"
_PATH = f"{os.environ['PATH']}:/usr/sbin"
_NGINX, _VARNISHD, _VARNISHADM = (str(shutil.which(name, path=_PATH)) for name in ("nginx", "varnishd", "varnishadm"))
_FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)

needs_nginx = pytest.mark.skipif(
    "None" in (_NGINX, str(_FAKETIME)), reason="Debian's packages nginx and faketime are not installed"
)
needs_varnish = pytest.mark.skipif(_VARNISHD == "None", reason="Debian's package varnish is not installed")


def configuration(name: str, *changes: tuple[str, str]) -> str:
    """A file of docs/, with each pattern, which has to be in it, replaced."""
    text = (ROOT / "docs" / name).read_text("utf-8")
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement.replace("\\", r"\\"), text, flags=re.MULTILINE)
        assert count, pattern
    return text


class _Proxy:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> requests.Response:
        named = {"Host": NAME, **(headers or {})}
        return self._session.request(method, self.url + path, headers=named, timeout=60, allow_redirects=False)

    def state(self, path: str) -> str:
        """What the cache did for a photo, which comes in any case: MISS, HIT, REVALIDATED, STALE."""
        response = self.get(path)
        assert (response.status_code, response.content[:3]) == (200, b"\xff\xd8\xff"), response.headers
        return response.headers["X-Cache-Status"]

    def close(self) -> None:
        self._session.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def _start(self, *command: str, environment: Mapping[str, str] | None = None, keep: Sequence[int] = ()) -> None:
        with (self.folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=keep,
                env={"PATH": _PATH, **(environment or {})},
            )


class Nginx(_Proxy):
    """nginx by docs/nginx.conf, with other addresses and after further changes; `tls_url` is where it speaks TLS."""

    def __init__(self, folder: Path, ports: Sequence[int], certificate: Path, *changes: tuple[str, str]) -> None:
        super().__init__(folder)
        self._certificate = certificate
        plain, encrypted = (socket.create_server(("127.0.0.1", 0), backlog=2048) for _ in range(2))
        with plain, encrypted:
            places = ["{}:{}".format(*listening.getsockname()) for listening in (plain, encrypted)]
            self.url, self.tls_url = f"http://{places[0]}", f"https://{places[1]}"
            site = configuration(
                "nginx.conf",
                *((rf"127\.0\.0\.1:500{number};", f"127.0.0.1:{port};") for number, port in enumerate(ports, 1)),
                (r"listen 80\b", f"listen {places[0]}"),
                (r"listen 443\b", f"listen {places[1]}"),
                ("/var/cache/nginx/photos-sync", str(folder / "cache")),
                (r"/etc/ssl/photos\.example\.net\.(pem|key)", str(certificate)),
                *changes,
            )
            (folder / "site.conf").write_text(site)
            (folder / "nginx.conf").write_text(self._around())
            self.put_forward(0)
            # As in an upgrade of its own, nginx takes over sockets that listen already: the port is never free.
            self._start(
                *(_NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"),
                environment={"NGINX": f"{plain.fileno()};{encrypted.fileno()};", **self._faked_time()},
                keep=(plain.fileno(), encrypted.fileno()),
            )

    def over_tls(self, name: str, path: str) -> bytes:
        """The whole answer; ssl.SSLError if it does not want to be called so."""
        context = ssl.create_default_context(cafile=self._certificate)
        place = ("127.0.0.1", int(self.tls_url.rpartition(":")[2]))
        with (
            socket.create_connection(place, timeout=60) as connection,
            context.wrap_socket(connection, server_hostname=name) as encrypted,
        ):
            encrypted.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: encrypted.recv(65536), b""))

    def put_forward(self, seconds: int) -> None:
        """Its wall clock is so much later than the machine's."""
        new = self.folder / "clock.new"
        new.write_text(f"+{seconds}\n")
        new.replace(self.folder / "clock")

    def close(self) -> None:
        super().close()
        if self._process is not None:
            for left_behind in Path("/dev/shm").glob(f"*faketime_s*_{self._process.pid}"):  # noqa: S108 - libfaketime's
                left_behind.unlink()

    def _around(self) -> str:
        parts = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return (
            f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {self.folder}/pid;"
            f"{''.join(f'env {name};' for name in self._faked_time())}"  # a worker has no other variables
            "events { worker_connections 4096; }"
            f"http {{ access_log off; {''.join(f'{part}_temp_path {self.folder}/{part};' for part in parts)}"
            f"include {self.folder}/site.conf; }}"
        )

    def _faked_time(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(_FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


class Varnish(_Proxy):
    """Varnish by docs/varnish.vcl, with other addresses and after further changes."""

    def __init__(self, folder: Path, ports: Sequence[int], *changes: tuple[str, str]) -> None:
        super().__init__(folder)
        addresses = ((rf'"500{number}"', f'"{port}"') for number, port in enumerate(ports, 1))
        (folder / "site.vcl").write_text(configuration("varnish.vcl", *addresses, *changes))
        self._start(
            *(_VARNISHD, "-F", "-j", "none", "-n", str(folder / "work"), "-a", "127.0.0.1:0"),
            *("-f", str(folder / "site.vcl"), "-s", "malloc,64m", "-p", "vsl_space=1m"),
        )
        self.url = self._address()

    def _address(self) -> str:
        """Where it listens, once it does; its configuration is compiled before."""
        command = [_VARNISHADM, "-n", str(self.folder / "work"), "-t", "5", "debug.listen_address"]
        deadline = time.monotonic() + 60
        while True:
            told = subprocess.run(command, capture_output=True, text=True, env={"PATH": _PATH}, timeout=60)
            if told.returncode == 0 and (found := re.search(r"^\S+ (127\.0\.0\.1) (\d+)$", told.stdout, re.MULTILINE)):
                return f"http://{found[1]}:{found[2]}"
            assert time.monotonic() < deadline, (self.folder / "output").read_text()
            time.sleep(0.02)
