"""The service seen from outside: as a process of its own, and as bytes on a socket."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import requests
from conftest import CANARY_PASSWORD, PATIENCE_SECONDS, asked_until, is_filled, leaks, wait_until

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 20.0  # it takes ten at most, and the calls to a NAS that hangs thirty


class Output:
    """Everything that a process writes to one pipe, read as it comes."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._arrived = threading.Condition()
        self._data = b""
        self._ended = False
        self._leaving = False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    @property
    def data(self) -> bytes:
        with self._arrived:
            return self._data

    @property
    def lines(self) -> list[str]:
        return self.data.decode().split("\n")[:-1]

    def wait_for(self, pattern: bytes) -> re.Match[bytes]:
        """The first match of the pattern, as soon as it is there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._arrived:
            while True:
                found = re.search(pattern, self._data)
                if found is not None:
                    return found
                assert not self._ended and time.monotonic() < deadline, self._data[-3000:]
                self._arrived.wait(0.1)

    def close(self) -> None:
        """Reads no more: the process finds its pipe broken."""
        self._leaving = True

    def _read(self) -> None:
        with self._pipe:
            while not self._leaving and (piece := os.read(self._pipe.fileno(), 65536)):
                with self._arrived:
                    self._data += piece
                    self._arrived.notify_all()
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()


class Process:
    """`photos-sync` as it is started in real life, with a free port and the canary password in a file; `under` another
    command, or by another `program` for Python, where a test needs that.

    Whatever it writes and answers is searched for the canaries when the test is done with it. `way_in` are flags in
    place of those for the account.
    """

    def __init__(
        self,
        nas_url: str,
        directory: Path,
        *arguments: str,
        password_in_file: bool = True,
        way_in: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        reads_stderr: bool = True,
        most_descriptors: int | None = None,
        under: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        program: Sequence[str] = ("-m", "photosync"),
    ) -> None:
        directory.mkdir(exist_ok=True)
        secret = directory / "password"
        secret.write_text(CANARY_PASSWORD + "\n", encoding="utf-8")
        secret.chmod(0o600)
        password = ["--password-file", str(secret)] if password_in_file else ["-p", CANARY_PASSWORD]
        account = ["-U", nas_url, "-u", "frame", *password] if way_in is None else way_in
        listening = ["--server-port", "0", "--listen-address", "127.0.0.1"]
        self._answers = b""
        self._read_end, write_end = os.pipe()
        limited = ["sh", "-c", f'ulimit -n {most_descriptors} && exec "$@"', "sh"] if most_descriptors else []
        self._popen = subprocess.Popen(
            [*under, *limited, sys.executable, *program, *account, *listening, *arguments],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(directory),
                "TMPDIR": str(directory),
                "LANG": "C.UTF-8",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=write_end,
            pass_fds=pass_fds,
        )
        os.close(write_end)
        assert self._popen.stdout is not None
        self.stdout = Output(self._popen.stdout)
        self.stderr = Output(os.fdopen(self._read_end, "rb", buffering=0)) if reads_stderr else None
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait(PATIENCE_SECONDS)
        self.session.close()
        written = b""
        for output in (self.stdout, self.stderr):
            if output is not None:
                output.thread.join(PATIENCE_SECONDS)
                written += output.data
        if self.stderr is None:
            with os.fdopen(self._read_end, "rb") as pipe:
                written += pipe.read()
        assert not leaks(written)
        assert not leaks(self._answers)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def port(self) -> int:
        return int(self.stdout.wait_for(rb"http://localhost:(\d+)/files")[1])

    @property
    def log(self) -> list[str]:
        assert self.stderr is not None
        return self.stderr.lines

    def get(self, path: str, **options: Any) -> requests.Response:
        response = self.session.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_SECONDS, **options)
        if response.headers.get("Content-Type") != "image/jpeg":
            self._answers += response.content
        self._answers += repr(dict(response.headers)).encode()
        return response

    def wait_for(self, path: str, fact: Callable[[requests.Response], object]) -> requests.Response:
        return asked_until(self.get, path, fact)

    def wait_ready(self) -> None:
        self.wait_for("/readyz", lambda response: response.status_code == 200)

    def wait_filled(self) -> None:
        """Until all photos of the catalog are in memory, and the NAS is asked for no more of them."""
        self.wait_for("/cache/stats", is_filled)

    def wait_until_it_accepts_no_more(self) -> None:
        """Returns once the port is closed: the service has begun to stop."""

        def is_closed() -> bool:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS).close()
            except (ConnectionRefusedError, ConnectionResetError):  # reset: it closed while this one was waiting
                return True
            return False

        wait_until(is_closed)

    def shrink_stderr(self) -> None:
        """Makes the pipe that nobody reads as small as the system lets it be."""
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # what is in it already may not fit
                fcntl.fcntl(self._read_end, fcntl.F_SETPIPE_SZ, 4096)

    def signal(self, number: int = signal.SIGTERM) -> None:
        self._popen.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit status, which has to come within so many seconds; then all output is there, too."""
        status = self._popen.wait(seconds)
        for output in (self.stdout, self.stderr):
            if output is not None:
                output.thread.join(PATIENCE_SECONDS)
        return status

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(port: int, *, receive_buffer: int = 0, source: str = "127.0.0.1") -> socket.socket:
    """A connection to the service; with a small receive buffer it takes little before it is read."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(PATIENCE_SECONDS)
    connection.bind((source, 0))
    connection.connect(("127.0.0.1", port))
    return connection


@contextmanager
def closed_port() -> Iterator[int]:
    """A port at which nobody listens, and which nobody else is given meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def dark_port() -> Iterator[int]:
    """A port whose backlog is full: the kernel answers no further connection, as a host without power does not."""
    with socket.socket() as dark, ExitStack() as fillers:
        dark.bind(("127.0.0.1", 0))
        dark.listen(0)
        for _ in range(3):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(dark.getsockname())
        yield dark.getsockname()[1]


def read_header(connection: socket.socket) -> bytes:
    """Reads to the empty line, and not a byte further."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        assert piece, data
        data += piece
    return data


def read_to_end(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection; a reset is an end, too. Raises TimeoutError if none comes."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def talk(port: int, request: bytes) -> bytes:
    """Sends bytes and gives every byte of the answer, up to the end of the connection."""
    with connect(port) as connection:
        connection.sendall(request)
        return read_to_end(connection)
