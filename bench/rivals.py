"""Starts the service and what one would use instead, on the same photo, each on one core.

`missing` tells what is not installed; that is left out, by name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import requests
from processes import CORES, HERE, free_port, pinned, service_command, started

from photosync.fakenas import FakeNas, Library

OURS = "photos-sync"
BARE = "Tornado handler"
FLASK = "Flask"
WAITRESS = "Flask, waitress"
THUMBOR = "thumbor"
NGINX = "nginx"
VARNISH = "Varnish"
PYTHON = HERE / ".venv" / "bin" / "python"
"""Of the rivals' own environment, so that they change no library of the service."""
SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"  # daemons are not on a user's path


@dataclass(frozen=True)
class Server:
    """`url` gives the photo, `tagged_url` a 304 for `tag`, `next_url` the next photo; "" where it has none."""

    pid: int
    url: str
    tagged_url: str = ""
    tag: str = ""
    next_url: str = ""


@dataclass(frozen=True)
class Scene:
    """The NAS, whose album holds only photos of `size` bytes, one of them as a file, and a folder for anything else."""

    nas: FakeNas
    photo: Path
    folder: Path


Start = Callable[[Scene], AbstractContextManager[Server]]


def missing(name: str) -> str:
    """What has to be installed before that rival can run; nothing if it can."""
    program = {NGINX: "nginx", VARNISH: "varnishd"}.get(name)
    if program is not None:
        return "" if find(program) else f"apt install {program.replace('varnishd', 'varnish')}"
    module = {FLASK: "flask", WAITRESS: "waitress", THUMBOR: "thumbor"}.get(name)
    return "" if module is None or has_module(module) else "make bench-tools"


def find(program: str) -> str | None:
    return shutil.which(program, path=SYSTEM_PATH)


def has_module(name: str) -> bool:
    command = [str(PYTHON), "-c", f"import {name}"]
    return PYTHON.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def scene_of(size: int, folder: Path, count: int = 4) -> Iterator[Scene]:
    library = Library.synthetic(count, photo_bytes=size)
    photo = folder / f"{size}.jpg"
    photo.write_bytes(library.album("kitchen-dash").items[0].data("xl"))
    photo.chmod(0o644)
    with FakeNas(library=library) as nas:
        nas.token_required = False
        yield Scene(nas, photo, folder)


def tagged(pid: int, url: str, tagged_url: str = "") -> Server:
    """With the tag that the server gives by itself, if it does."""
    tag = requests.get(tagged_url or url, timeout=10).headers.get("ETag", "")
    return Server(pid, url, (tagged_url or url) if tag else "", tag)


@contextlib.contextmanager
def ours(scene: Scene) -> Iterator[Server]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with started(pinned(CORES[-1], service_command(scene.nas, port)), f"{base}/readyz") as process:
        photo = requests.get(f"{base}/files/list?details=1", timeout=5).json()[0]["url"]
        assert len(requests.get(base + photo, timeout=10).content) == scene.photo.stat().st_size
        yield replace(tagged(process.pid, base + photo), next_url=f"{base}/files")


@contextlib.contextmanager
def bare(scene: Scene) -> Iterator[Server]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(HERE / "bare.py"), str(port), str(scene.photo)]
    with started(pinned(CORES[-1], command), f"{base}/photo") as process:
        yield tagged(process.pid, f"{base}/photo", f"{base}/tagged")


def flask_command(server: str, nas: FakeNas, port: int, cache_megabytes: int = 250, interval: int = 60) -> list[str]:
    return [
        *(str(PYTHON), str(HERE / "flask_app.py"), server, str(port), nas.url, nas.username, nas.password),
        *("kitchen-dash", str(cache_megabytes), str(interval)),
    ]


def flask(server: str) -> Start:
    @contextlib.contextmanager
    def start(scene: Scene) -> Iterator[Server]:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        command = flask_command(server, scene.nas, port)
        with started(pinned(CORES[-1], command), f"{base}/readyz") as process:
            number = requests.get(f"{base}/files/list", timeout=5).json()[0]
            yield replace(tagged(process.pid, f"{base}/files/{number}.jpg"), next_url=f"{base}/files")

    return start


NGINX_CONF = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user {user};
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; types {{ image/jpeg jpg; }}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    open_file_cache max=16;
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


@contextlib.contextmanager
def nginx(scene: Scene) -> Iterator[Server]:
    port = free_port()
    conf = scene.folder / "nginx.conf"
    user = "root" if os.getuid() == 0 else "nobody"  # who is not root is not asked
    conf.write_text(NGINX_CONF.format(folder=scene.folder, port=port, user=user))
    url = f"http://127.0.0.1:{port}/{scene.photo.name}"
    command = [find("nginx") or "", "-c", str(conf), "-p", str(scene.folder), "-e", f"{scene.folder}/nginx.log"]
    with started(pinned(CORES[-1], command), url) as process:
        yield tagged(process.pid, url)


@contextlib.contextmanager
def varnish(scene: Scene) -> Iterator[Server]:
    """In front of the bare handler, which it asks once."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/tagged"
    with bare(scene) as origin:
        command = [
            *(find("varnishd") or "", "-F", "-j", "none", "-a", f"127.0.0.1:{port}"),
            *("-b", origin.url.split("/")[2], "-s", "malloc,256M", "-n", str(scene.folder / "varnish")),
            *("-t", "86400", "-p", "thread_pools=1"),
        ]
        with started(pinned(CORES[-1], command), url) as process:
            yield tagged(process.pid, url)


THUMBOR_CONF = """LOADER = 'thumbor.loaders.file_loader'
FILE_LOADER_ROOT_PATH = '{folder}/source'
STORAGE = 'thumbor.storages.no_storage'
RESULT_STORAGE = 'thumbor.result_storages.file_storage'
RESULT_STORAGE_STORES_UNSAFE = True
RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = '{folder}/results'
ALLOW_UNSAFE_URL = True
SEND_IF_MODIFIED_HEADERS = True
"""
NOISE = """import os, sys
from random import randbytes
from PIL import Image
size, wanted = int(sys.argv[1]), sys.argv[2]
side = max(8, int((size / 1.1) ** 0.5))
for _ in range(4):
    Image.frombytes('RGB', (side, side), randbytes(side * side * 3)).save(wanted, quality=80)
    side = max(8, int(side * (size / os.path.getsize(wanted)) ** 0.5))
"""


@contextlib.contextmanager
def thumbor(scene: Scene) -> Iterator[Server]:
    """It encodes what it serves, so it has a picture of its own, of about the same size, and keeps the result."""
    (scene.folder / "source").mkdir(exist_ok=True)
    source = scene.folder / "source" / scene.photo.name
    subprocess.run([str(PYTHON), "-c", NOISE, str(scene.photo.stat().st_size), str(source)], check=True)
    conf = scene.folder / "thumbor.conf"
    conf.write_text(THUMBOR_CONF.format(folder=scene.folder))
    port = free_port()
    url = f"http://127.0.0.1:{port}/unsafe/{source.name}"
    command = [str(PYTHON), "-m", "thumbor.server", "-p", str(port), "-i", "127.0.0.1", "-c", str(conf)]
    with started(pinned(CORES[-1], [*command, "-l", "error"]), url) as process:
        length = len(requests.get(url, timeout=30).content)
        assert abs(length - scene.photo.stat().st_size) < scene.photo.stat().st_size * 0.2, length
        yield tagged(process.pid, url)


SERVERS: dict[str, Start] = {
    OURS: ours,
    BARE: bare,
    FLASK: flask("flask"),
    WAITRESS: flask("waitress"),
    THUMBOR: thumbor,
    NGINX: nginx,
    VARNISH: varnish,
}


@contextlib.contextmanager
def all_servers(scene: Scene) -> Iterator[dict[str, Server]]:
    """Every one that is installed."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(start(scene)) for name, start in SERVERS.items() if not missing(name)}
