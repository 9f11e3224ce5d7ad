"""Dockerfile and compose.yaml, and the command as a container runs it: PID 1, no rights, a read-only root."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from outside import ROOT, Process, read_header

from photosync.fakenas import FakeNas
from photosync.fakenas.certificate import Certificate
from photosync.options import OPTIONS
from photosync.settings import load_settings

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICE: dict[str, Any] = COMPOSE["services"]["photos-sync"]
VARIABLES = {option.variable: option.name for option in OPTIONS}
SECRETS = {option.variable for option in OPTIONS if option.password or option.name in ("otp-code", "share-link")}
MEGABYTE = 1_000_000

# As compose.yaml has it: everything read-only but for the state directory, no rights, and no way to get any.
_CONTAINED = """\
mount --make-rprivate / && mount -t tmpfs tmpfs "$STATE" && mount -o remount,bind,ro / || exit 99
shift; exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@" """
_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of each line of the Dockerfile, continuation lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", "")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def healthcheck() -> list[str]:
    """The program and its arguments, with the Python of the tests."""
    command: list[str] = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])
    assert command[0] == "/opt/photos-sync/bin/python"
    return [sys.executable, *command[1:]]


def health(**variables: object) -> int:
    told = {name: str(value) for name, value in variables.items()}
    return subprocess.run(healthcheck(), env=told, capture_output=True, timeout=60).returncode


def may_unshare() -> bool:
    if not shutil.which("unshare") or not shutil.which("setpriv") or os.geteuid() != 0:
        return False
    trial = [*_UNSHARE, "sh", "-c", "mount --make-rprivate / && mount -o remount,bind,ro /"]
    return subprocess.run(trial, capture_output=True, timeout=60).returncode == 0


needs_namespaces = pytest.mark.skipif(not may_unshare(), reason="namespaces cannot be made here (it takes root)")


def answer_over_tls(listening: socket.socket) -> None:
    """One client gets a 200 for whatever it asks, if it speaks TLS."""
    context, _ = Certificate().make()
    connection, _ = listening.accept()
    with suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as encrypted:
        read_header(encrypted)
        encrypted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class TestDockerfile:
    def test_the_last_stage_has_no_compiler(self) -> None:
        last = DOCKERFILE.rpartition("\nFROM ")[2]
        installed = " ".join(re.findall(r"apt-get install ([^&]*)", last)).split()
        assert [name for name in installed if name[0] != "-"] == ["libjpeg62-turbo"]

    def test_both_stages_stand_on_one_image_that_is_pinned(self) -> None:
        one, two = (rest.split()[0] for rest in of("FROM"))
        assert one == two
        assert re.fullmatch(r"python:3\.1[1-4]-slim@sha256:[0-9a-f]{64}", one)

    def test_it_runs_as_a_number_that_is_not_root_and_owns_its_volume(self) -> None:
        assert of("USER") == ["10001:10001"]
        assert of("VOLUME") == ["/var/lib/photos-sync"]
        assert "install -d -m 700 -o 10001 -g 10001 /var/lib/photos-sync" in of("RUN")

    def test_it_has_every_extra_but_those_for_developers(self) -> None:
        setup = configparser.RawConfigParser()
        setup.read(ROOT / "setup.cfg")
        extras = re.findall(r"/source\[([a-z,-]+)\]", DOCKERFILE)[0].split(",")
        assert set(setup["options.extras_require"]) - {"test", "dev"} <= set(extras)

    def test_what_the_package_is_made_from_is_sent_to_the_builder(self) -> None:
        lines = (ROOT / ".dockerignore").read_text("utf-8").split()
        sent = {line[1:] for line in lines if line.startswith("!")}
        assert "*" in lines
        assert sent == {"photosync", "pyproject.toml", "setup.cfg", "README.md", "LICENSE"}


class TestHealthcheck:
    def test_it_is_well_while_the_service_runs_and_not_afterwards(self, nas: FakeNas, tmp_path: Path) -> None:
        with Process(nas.url, tmp_path / "process") as process:
            assert health(PHOTOS_SYNC_SERVER_PORT=process.port) == 0
            port = process.port
            process.signal()
            assert process.wait() == 0
        assert health(PHOTOS_SYNC_SERVER_PORT=port) != 0

    def test_it_heeds_no_proxy(self, nas: FakeNas, tmp_path: Path) -> None:
        with Process(nas.url, tmp_path / "process") as process:
            assert health(PHOTOS_SYNC_SERVER_PORT=process.port, http_proxy="http://127.0.0.1:9", all_proxy="x") == 0

    def test_an_answer_that_is_not_ours_is_not_well(self, nas: FakeNas) -> None:
        assert health(PHOTOS_SYNC_SERVER_PORT=nas.url.rpartition(":")[2]) != 0

    def test_it_speaks_tls_where_the_service_does(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            answering = threading.Thread(target=answer_over_tls, args=(listening,))
            answering.start()
            port = listening.getsockname()[1]
            assert health(PHOTOS_SYNC_SERVER_PORT=port, PHOTOS_SYNC_TLS_CERT="/tls/cert.pem") == 0
            answering.join(60)

    def test_its_only_variables_are_options(self) -> None:
        read = set(re.findall(r"PHOTOS_SYNC_[A-Z_]+", healthcheck()[2]))
        assert read - {"PHOTOS_SYNC_TLS_CERT"} <= set(VARIABLES)


class TestCompose:
    def test_its_variables_are_options_and_the_service_starts_with_them(self, tmp_path: Path) -> None:
        secret = tmp_path / "password"
        secret.write_text("open sesame\n")
        secret.chmod(0o600)
        variables = SERVICE["environment"] | {"PHOTOS_SYNC_PASSWORD_FILE": str(secret)}
        assert set(variables) <= set(VARIABLES)
        settings = load_settings([], variables)
        assert settings.warnings == ()
        assert settings.username == "frame"

    def test_the_secret_is_a_file_and_where_the_service_looks_for_it(self) -> None:
        assert SERVICE["environment"]["PHOTOS_SYNC_PASSWORD_FILE"] == f"/run/secrets/{SERVICE['secrets'][0]}"
        assert set(COMPOSE["secrets"]["password"]) == {"file"}

    def test_it_takes_away_what_the_service_does_not_need(self) -> None:
        assert SERVICE["read_only"] is True
        assert SERVICE["cap_drop"] == ["ALL"]
        assert SERVICE["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "cap_add", "network_mode", "pid", "user"} & set(SERVICE)

    def test_the_memory_limit_follows_from_that_of_the_cache(self) -> None:
        limit = int(SERVICE["mem_limit"].removesuffix("m")) * 1024 * 1024
        cache = int(SERVICE["environment"]["PHOTOS_SYNC_MAX_CACHE"]) * MEGABYTE
        assert 1.2 * cache + 400 * MEGABYTE <= limit <= 1.2 * cache + 450 * MEGABYTE
        assert SERVICE["memswap_limit"] == SERVICE["mem_limit"]

    def test_the_state_is_kept_in_a_volume(self) -> None:
        assert [f"state:{of('VOLUME')[0]}"] == SERVICE["volumes"]
        assert of("ENV") == [f"PHOTOS_SYNC_STATE_DIR={of('VOLUME')[0]}"]


def shown_in_the_open() -> Iterator[tuple[str, str]]:
    """(file, variable) of each variable that the documented ways put where "docker inspect" shows it."""
    for name in of("ENV") + of("ARG"):
        yield "Dockerfile", name.partition("=")[0]
    for name in SERVICE["environment"]:
        yield "compose.yaml", name
    for name in re.findall(r"(?:-e|--env|--build-arg)[ =]*(\w+)", README + DOCKERFILE):
        yield "README.md", name


def test_no_secret_is_where_docker_inspect_shows_it() -> None:
    assert [found for found in shown_in_the_open() if found[1] in SECRETS] == []


@needs_namespaces
class TestContained:
    def test_it_works_as_pid_1_without_rights_on_a_read_only_root_and_ends_with_0(
        self, nas: FakeNas, tmp_path: Path
    ) -> None:
        state = tmp_path / "state"
        state.mkdir()
        under = ("env", f"STATE={state}", *_UNSHARE, "sh", "-c", _CONTAINED, "sh", "--")
        with Process(nas.url, tmp_path / "process", "--state-dir", str(state), under=under) as process:
            process.wait_ready()
            assert process.get("/files").content[:3] == b"\xff\xd8\xff"
            assert process.get("/cache/stats").json()["disk"]["put_aside"] == 0
            assert health(PHOTOS_SYNC_SERVER_PORT=process.port) == 0
            (inside,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            status = Path(f"/proc/{inside}/status").read_text()
            assert re.search(r"^NSpid:\t\d+\t1$", status, re.MULTILINE)
            assert re.search(r"^CapBnd:\t0+$", status, re.MULTILINE)
            assert not Path(f"/proc/{inside}/task/{inside}/children").read_text()  # there is nothing to reap
            os.kill(int(inside), signal.SIGTERM)
            assert process.wait() == 0
        assert nas.count("SYNO.API.Auth", "logout") == 1
