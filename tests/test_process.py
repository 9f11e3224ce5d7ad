"""Signals, and what systemd is told of them. Readiness, watchdog and the end are in test_service.py."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from outside import ROOT, Output, Process

from photosync.fakenas import FakeNas


@contextmanager
def notify_socket(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(20)
        yield listener


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_is_told_of_a_reload_from_its_start_to_its_end(nas: FakeNas, tmp_path: Path, kind: str) -> None:
    path = str(tmp_path / "notify") if kind == "path" else f"@photos-sync-{os.getpid()}"
    with (
        notify_socket(path if kind == "path" else "\0" + path[1:]) as listener,
        Process(nas.url, tmp_path, environment={"NOTIFY_SOCKET": path}) as process,
    ):
        assert listener.recv(4096) == b"READY=1\nSTATUS=starting"
        process.wait_ready()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        process.signal(signal.SIGHUP)
        reloading, moment = listener.recv(4096).split(b"\n")
        assert reloading == b"RELOADING=1"
        key, _, microseconds = moment.partition(b"=")
        assert key == b"MONOTONIC_USEC"
        assert before <= int(microseconds) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert listener.recv(4096) == b"READY=1\nSTATUS=ok"
        process.signal()
        assert listener.recv(4096) == b"STOPPING=1"
        assert process.wait(10) == 0


def test_a_configuration_that_cannot_be_read_is_told_and_the_service_goes_on(nas: FakeNas, tmp_path: Path) -> None:
    config = tmp_path / "config.ini"
    config.write_text(f"url = {nas.url}\nusername = frame\npassword-file = {tmp_path / 'password'}\n")
    with Process(nas.url, tmp_path, way_in=["-c", str(config)]) as process:
        process.wait_ready()
        config.write_text("urll = x\ninterval = soon\n")
        process.signal(signal.SIGHUP)
        assert process.stderr is not None
        process.stderr.wait_for(rb"stays in use: interval .*soon")
        told = [line.partition(" ERROR ")[2] for line in process.log if " ERROR " in line]
        assert len(told) == 5
        assert all(line.startswith("The configuration before stays in use: ") for line in told)
        assert process.get("/files").status_code == 200
        config.unlink()
        process.signal(signal.SIGHUP)
        process.stderr.wait_for(rb"stays in use: .*cannot be read")
        assert process.get("/files").status_code == 200


def test_the_log_level_changes_with_it(nas: FakeNas, tmp_path: Path) -> None:
    config = tmp_path / "config.ini"
    config.write_text(f"url = {nas.url}\nusername = frame\npassword-file = {tmp_path / 'password'}\n")
    with Process(nas.url, tmp_path, way_in=["-c", str(config)]) as process:
        process.wait_ready()
        assert not [line for line in process.log if " DEBUG " in line]
        with config.open("a") as stream:
            stream.write("log-level = debug\n")
        process.signal(signal.SIGHUP)
        assert process.stderr is not None
        process.stderr.wait_for(rb"Changed: log-level")
        process.get("/healthz")
        process.stderr.wait_for(rb" DEBUG .*healthz")


def start_on_terminal(terminal: int, nas: FakeNas, tmp_path: Path) -> subprocess.Popen[bytes]:
    secret = tmp_path / "password"
    secret.write_text(nas.password)
    secret.chmod(0o600)
    flags = ["-U", nas.url, "-u", "frame", "--password-file", str(secret), "--listen-address", "127.0.0.1", "-s", "0"]
    return subprocess.Popen(
        [sys.executable, "-m", "photosync", *flags],
        cwd=ROOT,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_terminal_that_is_closed_ends_it_as_every_program_there(nas: FakeNas, tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    with start_on_terminal(terminal, nas, tmp_path) as process:
        os.close(terminal)
        assert process.stdout is not None and process.stderr is not None
        stderr = Output(process.stderr)
        stderr.wait_for(rb"Listening on port")
        process.send_signal(signal.SIGHUP)
        stderr.wait_for(rb"The configuration was read anew")  # the terminal is still there
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 0
        stderr.thread.join(10)
    assert nas.sessions == []


def test_nohup_is_heeded(nas: FakeNas, tmp_path: Path) -> None:
    ignores = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with Process(nas.url, tmp_path, under=[sys.executable, "-c", ignores]) as process:
        process.wait_ready()
        status = Path(f"/proc/{process.pid}/status").read_text()
        (ignored,) = re.findall(r"^SigIgn:\s*([0-9a-f]+)$", status, re.MULTILINE)
        assert int(ignored, 16) >> (signal.SIGHUP - 1) & 1
