"""The files under systemd/, and the service as the unit runs it, as far as that can be had without systemd."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from conftest import CANARY_LINK_PASSWORD, CANARY_PASSPHRASE, CANARY_PASSWORD, canary_nas, leaks, share
from outside import ROOT, Process
from sandbox import allowed_calls, settings_of
from served import write_certificate

from photosync.fakenas import FakeNas
from photosync.listen import listen
from photosync.options import OPTIONS

UNIT = ROOT / "systemd" / "photos-sync.service"
SOCKET = ROOT / "systemd" / "photos-sync.socket"
AVAHI = ROOT / "systemd" / "photos-sync.avahi.service"
DEFAULTS = {option.name: option.default for option in OPTIONS}
SIZED = ["/files?w=300"] if find_spec("PIL") else []  # there is no wheel of Pillow for every machine

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze (Debian's package systemd) is not installed"
)


def announcement() -> ElementTree.Element:
    return ElementTree.parse(AVAHI).getroot()  # noqa: S314 - our own file


class TestUnit:
    @needs_analyze
    def test_its_exposure_is_1_point_2_at_most(self) -> None:
        ended = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=12", str(UNIT)],
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout[-300:]

    @needs_analyze
    @pytest.mark.parametrize("name", ["photos-sync.service", "photos-sync.socket"])
    def test_systemd_has_nothing_against_it(self, name: str, tmp_path: Path) -> None:
        for file in (UNIT, SOCKET):
            program = "ExecStart=/opt/photos-sync/bin/photos-sync"
            (tmp_path / file.name).write_text(file.read_text("utf-8").replace(program, f"ExecStart={sys.executable}"))
        ended = subprocess.run(["systemd-analyze", "verify", str(tmp_path / name)], capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")

    def test_its_memory_is_enough_for_the_default_cache_by_the_rule_that_it_tells(self) -> None:
        text = UNIT.read_text("utf-8")
        factor, more = re.findall(r"^# ([\d.]+) times max-cache, and (\d+)M[:,]", text, re.MULTILINE)[0]
        assert settings_of(UNIT)["MemoryMax"] == [f"{float(factor) * float(DEFAULTS['max-cache']) + int(more):.0f}M"]

    def test_each_credential_has_a_file_that_make_install_makes_and_an_empty_default(self) -> None:
        settings = settings_of(UNIT)
        names = [line.partition(":")[0] for line in settings["LoadCredential"]]
        assert settings["LoadCredential"] == [f"{name}:/etc/photos-sync/{name}" for name in names]
        assert settings["SetCredential"] == [f"{name}:\\n" for name in names]
        made = re.search(r"for name in (.*?);", (ROOT / "Makefile").read_text("utf-8"))
        assert made is not None and made[1].split() == names
        assert {f"{name}-file" for name in names} <= set(DEFAULTS)

    def test_it_waits_for_no_network_and_is_started_again_for_ever(self) -> None:
        settings = settings_of(UNIT)
        assert "network-online" not in UNIT.read_text("utf-8")
        assert settings["Restart"] == ["always"]
        assert settings["StartLimitIntervalSec"] == ["0"]

    def test_socket_and_announcement_have_the_default_port(self) -> None:
        assert settings_of(SOCKET)["ListenStream"] == [DEFAULTS["server-port"]]
        assert announcement().findtext("service/port") == DEFAULTS["server-port"]

    def test_the_announcement_is_what_avahi_reads(self) -> None:
        """By avahi-service.dtd: a name, then services of a type, a port and texts."""
        group = announcement()
        assert group.tag == "service-group"
        assert [child.tag for child in group] == ["name", "service"]
        assert group[0].attrib == {"replace-wildcards": "yes"}
        assert [child.tag for child in group[1]] == ["type", "port", "txt-record"]
        assert group.findtext("service/type") == "_http._tcp"
        assert '<!DOCTYPE service-group SYSTEM "avahi-service.dtd">' in AVAHI.read_text("utf-8")


class TestInstall:
    @pytest.fixture
    def python(self, tmp_path: Path) -> Path:
        """In place of the interpreter, which would take its time to install: its pip writes down what it is to install,
        and builds it into the folder `built`. It knows no Pillow where there is a file `no-pillow`.
        """
        pip, program = tmp_path / "pip", tmp_path / "python"
        build = f"'{sys.executable}' -c 'import setuptools; setuptools.setup()' -q build --build-lib '{tmp_path}/built'"
        pip.write_text(
            f"""#!/bin/sh
for last; do :; done
echo "$last" >> '{tmp_path}/installed'
case $last in *images*) [ ! -e '{tmp_path}/no-pillow' ] || exit 1 ;; esac
[ ! -e '{tmp_path}/built' ] || {{ cd "${{last%%\\[*}}" && exec {build}; }}
"""
        )
        program.write_text('#!/bin/sh\n[ "$1 $2" = "-m venv" ] && mkdir -p "$3/bin" && cp "${0%/*}/pip" "$3/bin/pip"\n')
        for file in (pip, program):
            file.chmod(0o755)
        return program

    def make(self, target: str, root: Path, python: Path) -> str:
        command = ["make", target, f"DESTDIR={root}", f"PYTHON={python}"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    def test_it_is_built_from_a_copy_of_all_that_it_takes_with_sizes_and_json(
        self, tmp_path: Path, python: Path
    ) -> None:
        (tmp_path / "built").mkdir()
        self.make("install", tmp_path / "root", python)
        folder, _, extras = (tmp_path / "installed").read_text("utf-8").strip().partition("[")
        assert extras == "images,json-logs]"
        assert Path(folder).resolve() != ROOT
        assert not Path(folder).exists()
        for kind in ("*.py", "*.js", "*.html", "*.css", "*.jpg", "*.json"):
            sources = {path.relative_to(ROOT) for path in (ROOT / "photosync").rglob(kind)}
            assert sources
            assert sources == {path.relative_to(tmp_path / "built") for path in (tmp_path / "built").rglob(kind)}

    @pytest.mark.parametrize("has_pillow", [True, False])
    def test_demo_and_run_have_sizes_where_there_is_a_pillow(
        self, tmp_path: Path, python: Path, has_pillow: bool
    ) -> None:
        if not has_pillow:
            (tmp_path / "no-pillow").touch()
        for name in ("Makefile", "setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
        command = ["make", ".venv/installed", f"PYTHON={python}"]
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        installed = (tmp_path / "installed").read_text("utf-8").split()
        assert installed == ([".[images]"] if has_pillow else [".[images]", "."])
        assert ("\nInstalled without sizes" in told) != has_pillow

    def test_where_pillow_cannot_be_had_it_is_installed_without_sizes_and_says_so(
        self, tmp_path: Path, python: Path
    ) -> None:
        (tmp_path / "no-pillow").touch()
        told = self.make("install", tmp_path / "root", python)
        tried = (tmp_path / "installed").read_text("utf-8").splitlines()
        assert [one.partition("[")[2] for one in tried] == ["images,json-logs]", "json-logs]"]
        assert [line for line in told.splitlines() if line.startswith("Installed without sizes")]

    def test_secrets_are_for_root_alone_and_the_configuration_leads_to_the_state_directory(
        self, tmp_path: Path, python: Path
    ) -> None:
        root = tmp_path / "root"
        self.make("install", root, python)
        folder = root / "etc" / "photos-sync"
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes == {
            "config.ini": 0o644,
            "password": 0o600,
            "share-link": 0o600,
            "share-password": 0o600,
            "access-token": 0o600,
        }
        example = (ROOT / "config.example.ini").read_text("utf-8").splitlines()
        config = (folder / "config.ini").read_text("utf-8").splitlines()
        assert [(before, after) for before, after in zip(example, config, strict=True) if before != after] == [
            ("password-file = /etc/photos-sync/password", "#password-file = /etc/photos-sync/password"),
            ("#state-dir =", "state-dir = /var/lib/photos-sync"),
        ]
        for file in (UNIT, SOCKET):
            assert (root / "etc/systemd/system" / file.name).read_bytes() == file.read_bytes()

    def test_a_second_time_keeps_what_was_written(self, tmp_path: Path, python: Path) -> None:
        root = tmp_path / "root"
        self.make("install", root, python)
        folder = root / "etc" / "photos-sync"
        for name in ("config.ini", "password", "share-link"):
            (folder / name).write_text("mine\n")
        self.make("install", root, python)
        assert {(folder / name).read_text() for name in ("config.ini", "password", "share-link")} == {"mine\n"}
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600

    def test_uninstall_leaves_what_was_written_and_says_so(self, tmp_path: Path, python: Path) -> None:
        root = tmp_path / "root"
        self.make("install", root, python)
        told = self.make("uninstall", root, python)
        assert {path.name for path in root.rglob("*") if path.is_file()} == {
            "config.ini",
            "password",
            "share-link",
            "share-password",
            "access-token",
        }
        assert f"{root}/etc/photos-sync" in told


def in_a_sandbox(writable: Path) -> Sequence[str]:
    """A root that can't be written but for one folder, a user of no rights, and the unit's other limits."""
    mounts = 'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,ro,bind / && exec "$@"'
    as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    confined = [sys.executable, str(ROOT / "tests" / "sandbox.py"), str(UNIT)]
    return ["unshare", "--mount", "--", "sh", "-c", mounts, str(writable), *as_user, *confined]


def why_no_sandbox(folder: Path) -> str:
    if shutil.which("unshare") is None or shutil.which("systemd-analyze") is None:
        return "unshare and systemd-analyze are needed"
    ended = subprocess.run([*in_a_sandbox(folder), "true"], capture_output=True, text=True)
    return ended.stderr.strip()[-200:]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sequence[str]:
    if reason := why_no_sandbox(tmp_path):
        pytest.skip(f"no sandbox can be made here: {reason}")
    return in_a_sandbox(tmp_path)


class TestSandbox:
    def test_it_forbids_what_the_unit_forbids(self, sandbox: Sequence[str]) -> None:
        tries = """
import ctypes, mmap, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def fails(work):
    try:
        work()
    except OSError:
        return True
    return False
assert fails(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
assert fails(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC))
assert fails(lambda: os.chown("/etc/passwd", 0, 0))
assert fails(lambda: os.setpriority(os.PRIO_PROCESS, 0, 1))
assert fails(lambda: open("/etc/photos-sync-was-here", "w"))
assert libc.unshare(0x10000000) == -1
assert os.geteuid() == 1000
socket.socket(socket.AF_INET6).close()
print("as it should be")
"""
        ended = subprocess.run([*sandbox, sys.executable, "-c", tries], capture_output=True, text=True)
        assert (ended.stdout, ended.stderr) == ("as it should be\n", "")

    def test_the_service_does_everything_in_it(self, nas: FakeNas, tmp_path: Path, sandbox: Sequence[str]) -> None:
        environment = {"STATE_DIRECTORY": str(tmp_path / "state"), "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(tmp_path / "notify"))
            listener.settimeout(20)
            with Process(nas.url, tmp_path, under=sandbox, environment=environment) as process:
                assert listener.recv(4096).startswith(b"READY=1")
                process.wait_for("/cache/stats", lambda response: response.json()["disk"]["entries"] == 28)
                for path in ("/files", *SIZED, "/files/list?details=1", "/metrics", "/", "/healthz"):
                    assert process.get(path).status_code == 200
                process.signal(signal.SIGHUP)
                while not listener.recv(4096).startswith(b"RELOADING=1"):
                    pass
                process.signal()
                assert process.wait(10) == 0
                assert not [line for line in process.log if " WARNING " in line or " ERROR " in line]
        assert nas.sessions == []
        nas.stop()
        with Process(nas.url, tmp_path, under=sandbox, environment=environment) as process:
            assert process.get("/files").status_code == 200  # from the state directory

    def test_https_to_the_nas_works_in_it(self, tmp_path: Path, sandbox: Sequence[str]) -> None:
        with canary_nas(tls=True) as nas:
            fingerprint = nas.fingerprint
            flags = ["--tls-fingerprint", fingerprint]
            with Process(nas.url, tmp_path, *flags, under=sandbox) as process:
                process.wait_ready()

    @pytest.mark.skipif(shutil.which("strace") is None, reason="Debian's package strace is not installed")
    def test_the_service_makes_no_other_system_calls_than_the_unit_allows(
        self, nas: FakeNas, tmp_path: Path, sandbox: Sequence[str]
    ) -> None:
        calls = tmp_path / "calls"
        as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
        trace = [*as_user, "strace", "-f", "-qq", "-I", "2", "-e", "signal=none", "-o", str(calls)]
        with Process(
            nas.url, tmp_path, under=trace, environment={"STATE_DIRECTORY": str(tmp_path / "state")}
        ) as process:
            process.wait_for("/cache/stats", lambda response: response.json()["disk"]["entries"] == 28)
            for path in ("/files", *SIZED, "/files/list?details=1", "/metrics", "/"):
                assert process.get(path).status_code == 200
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            for name in ("-HUP", "-TERM"):
                subprocess.run(["kill", name, child], check=True)
            assert process.wait(30) == 0
        made = set(re.findall(r"^\d+ +(\w+)\(", calls.read_text("utf-8", "replace"), re.MULTILINE))
        assert {"accept4", "fsync", "rename"} <= made
        assert made - allowed_calls(UNIT) == set()


def seen_from_outside(pid: int) -> bytes:
    """What `ps` shows of it, and its environment."""
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))


class TestSecrets:
    def test_an_accounts_password_is_in_no_argument_and_no_variable(self, nas: FakeNas, tmp_path: Path) -> None:
        with Process(nas.url, tmp_path) as process:
            process.wait_ready()
            assert not leaks(seen_from_outside(process.pid))

    def test_nor_is_a_credential_of_systemd(self, nas: FakeNas, tmp_path: Path) -> None:
        folder = tmp_path / "credentials"
        folder.mkdir()
        (folder / "password").write_text(CANARY_PASSWORD)
        (folder / "share-link").write_text("\n")
        (folder / "share-password").write_text("\n")
        way_in = ["-U", nas.url, "-u", "frame"]
        with Process(nas.url, tmp_path, way_in=way_in, environment={"CREDENTIALS_DIRECTORY": str(folder)}) as process:
            process.wait_ready()
            assert b"CREDENTIALS_DIRECTORY" in seen_from_outside(process.pid)
            assert not leaks(seen_from_outside(process.pid))

    def test_https_comes_by_credentials_as_the_readme_says(self, nas: FakeNas, tmp_path: Path) -> None:
        (line,) = re.findall("^Environment=(.*TLS.*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
        folder = tmp_path / "credentials"
        folder.mkdir()
        cert, key = write_certificate(tmp_path)
        cert.rename(folder / "tls-cert")
        key.rename(folder / "tls-key")
        variables = dict(one.split("=") for one in line.replace("%d", str(folder)).split())
        environment = {"CREDENTIALS_DIRECTORY": str(folder), **variables}
        with Process(nas.url, tmp_path, environment=environment) as process:
            process.stdout.wait_for(rb"The next photo: https://localhost:\d+/files")
            assert not [line for line in process.log if " WARNING " in line]

    def test_nor_is_a_share_link_with_its_password(self, nas: FakeNas, tmp_path: Path) -> None:
        folder = tmp_path / "credentials"
        folder.mkdir()
        (folder / "password").write_text("\n")
        (folder / "share-link").write_text(share(nas, password=CANARY_LINK_PASSWORD))
        (folder / "share-password").write_text(CANARY_LINK_PASSWORD)
        environment = {"CREDENTIALS_DIRECTORY": str(folder)}
        with Process(nas.url, tmp_path, way_in=[], environment=environment) as process:
            process.wait_ready()
            assert len(process.get("/files/list").json()) == 28
            assert not leaks(seen_from_outside(process.pid))

    def test_nor_is_a_share_link_in_a_file_of_its_own(self, nas: FakeNas, tmp_path: Path) -> None:
        file = tmp_path / "share-link"
        file.write_text(share(nas))
        file.chmod(0o600)
        with Process(nas.url, tmp_path, way_in=["--share-link-file", str(file)]) as process:
            process.wait_ready()
            assert not leaks(seen_from_outside(process.pid))

    def test_the_search_finds_what_is_there(self, nas: FakeNas, tmp_path: Path) -> None:
        environment = {"PHOTOS_SYNC_SHARE_LINK": share(nas)}
        with Process(nas.url, tmp_path, way_in=[], environment=environment) as process:
            process.wait_ready()
            assert leaks(seen_from_outside(process.pid)) == [CANARY_PASSPHRASE]


class TestSocketActivation:
    """systemd opens the port and keeps it open; here the test does."""

    def passed(self, *sockets: socket.socket) -> dict[str, object]:
        moves = " && ".join(f"exec {place}<&{one.fileno()}" for place, one in enumerate(sockets, 3))
        command = f'{moves} && LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES=photos-sync.socket exec "$@"'
        return {"under": ["bash", "-c", command, "bash"], "pass_fds": [one.fileno() for one in sockets]}

    def test_a_restart_refuses_no_connection(self, nas: FakeNas, tmp_path: Path) -> None:
        (port_open,) = listen("127.0.0.1", 0)
        port = port_open.getsockname()[1]
        failed: list[object] = []
        answered = threading.Event()
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    response = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60)
                    if response.status_code != 200:
                        failed.append(response.status_code)
                except requests.RequestException as error:
                    failed.append(error)
                answered.set()

        asking = [threading.Thread(target=ask) for _ in range(3)]
        with port_open:
            for number in range(3):
                with Process(nas.url, tmp_path, **self.passed(port_open)) as process:  # type: ignore[arg-type]
                    assert process.port == port
                    process.wait_ready()
                    if number == 0:
                        for thread in asking:
                            thread.start()
                    answered.clear()
                    assert answered.wait(30)
                    if number == 2:
                        stop.set()
                        for thread in asking:
                            thread.join(60)
                    process.signal()
                    assert process.wait(15) == 0
        assert failed == []

    @pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
    def test_several_sockets_of_both_families_are_served_and_win_over_the_options(
        self, nas: FakeNas, tmp_path: Path
    ) -> None:
        (first,) = listen("127.0.0.1", 0)
        (second,) = listen("::1", 0)
        with first, second, Process(nas.url, tmp_path, **self.passed(first, second)) as process:  # type: ignore[arg-type]
            process.wait_ready()
            for address in (f"127.0.0.1:{first.getsockname()[1]}", f"[::1]:{second.getsockname()[1]}"):
                assert requests.get(f"http://{address}/files", timeout=10).status_code == 200
            assert [line for line in process.log if "server-port and listen-address have no effect" in line]
            process.signal(signal.SIGHUP)
            assert process.stderr is not None
            process.stderr.wait_for(rb"read anew")
            assert process.get("/files").status_code == 200

    def test_what_is_no_listening_tcp_socket_is_told(self, nas: FakeNas, tmp_path: Path) -> None:
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong,
            Process(nas.url, tmp_path, **self.passed(wrong)) as process,  # type: ignore[arg-type]
        ):
            assert process.wait(10) == 1
            (line,) = process.log
            assert "ListenStream=" in line

    @pytest.mark.skipif(
        shutil.which("systemd-socket-activate") is None, reason="systemd-socket-activate (systemd) is not installed"
    )
    def test_systemds_own_tool_hands_its_socket_over(self, nas: FakeNas, tmp_path: Path) -> None:
        (free,) = listen("127.0.0.1", 0)
        port = free.getsockname()[1]
        free.close()
        under = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "-E", "TMPDIR", "-E", "HOME"]
        with Process(nas.url, tmp_path, under=under) as process:
            assert process.stderr is not None
            process.stderr.wait_for(rb"Listening on")
            assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200
            assert process.port == port
