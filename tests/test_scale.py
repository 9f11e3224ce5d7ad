"""nginx and Varnish in front of two servers of one album, as docs/scale.md says it."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from conftest import Running, settings_for, wait_until
from guest import TEAM_THUMBNAIL, THUMBNAIL
from outside import Process, read_header
from proxies import NAME, Nginx, Varnish, needs_nginx, needs_varnish

from photosync import fakenas
from photosync.fakenas import FakeNas
from photosync.options import OPTIONS

SCREENS = 1000
WEEK = 7 * 86400
NEVER_KEPT = ("/files", "/files/list", "/cache/stats", "/readyz", "/metrics", "/")
FRESH_FOR_A_SECOND = (r"^    set beresp\.grace = 30d;", "    set beresp.ttl = 1s;\n    set beresp.grace = 30d;")
"""Varnish's clock, unlike nginx's, cannot be put forward."""


def serve(nas: FakeNas) -> Running:
    return Running(settings_for(nas))


@pytest.fixture
def servers(nas: FakeNas) -> Iterator[list[Running]]:
    """Two servers of one NAS."""
    with serve(nas) as one, serve(nas) as two:
        one.wait_ready()
        two.wait_ready()
        yield [one, two]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key, in one file."""
    place = tmp_path_factory.mktemp("tls") / "both.pem"
    names = f"-subj /CN={NAME} -addext subjectAltName=DNS:{NAME},DNS:evil.example"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 {names}"
    subprocess.run([*command.split(), "-keyout", str(place), "-out", "cert.pem"], cwd=place.parent, check=True)
    place.write_text(place.read_text() + (place.parent / "cert.pem").read_text())
    return place


@pytest.fixture
def start_nginx(certificate: Path, tmp_path: Path) -> Iterator[Callable[..., Nginx]]:
    started: list[Nginx] = []

    def start(ports: list[int], *changes: tuple[str, str]) -> Nginx:
        started.append(Nginx(tmp_path / "nginx", ports, certificate, *changes))
        return started[0]

    yield start
    for nginx in started:
        nginx.close()


@pytest.fixture
def nginx(start_nginx: Callable[..., Nginx], servers: list[Running]) -> Nginx:
    return start_nginx(ports(servers))


@pytest.fixture
def start_varnish(tmp_path: Path) -> Iterator[Callable[..., Varnish]]:
    started: list[Varnish] = []

    def start(ports: list[int], *changes: tuple[str, str]) -> Varnish:
        started.append(Varnish(tmp_path / "varnish", ports, *changes))
        return started[0]

    yield start
    for varnish in started:
        varnish.close()


@pytest.fixture
def varnish(start_varnish: Callable[..., Varnish], servers: list[Running]) -> Varnish:
    return start_varnish(ports(servers))


@pytest.fixture
def forgetful_varnish(start_varnish: Callable[..., Varnish], servers: list[Running]) -> Varnish:
    return start_varnish(ports(servers), FRESH_FOR_A_SECOND)


def ports(servers: list[Running]) -> list[int]:
    return [server.service.port for server in servers]


def photo_url(servers: list[Running]) -> str:
    return servers[0].service.sync.catalog.photos[0].url


def asked(servers: list[Running]) -> tuple[int, int]:
    """How often the servers were asked for a photo by its address: answered with 200, and with 304."""
    wait_until(lambda: not any(server.service.traffic.active for server in servers))  # it is counted once it is sent
    responses = [server.service.traffic.responses for server in servers]
    return sum(one["OnePhoto", 200] for one in responses), sum(one["OnePhoto", 304] for one in responses)


def wait_for_state(proxy: Nginx | Varnish, path: str, state: str) -> list[str]:
    """The other states that there were until then."""
    seen: list[str] = []
    deadline = time.monotonic() + 60
    while (now := proxy.state(path)) != state:
        seen.append(now)
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
    return seen


def ask_at_once(url: str, path: str, let_go: Callable[[], None]) -> list[bytes]:
    """What 1,000 screens get that have all asked for the same before `let_go` is called."""
    host, port = url.removeprefix("http://").split(":")
    request = f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()

    async def ask() -> list[bytes]:
        connections = await asyncio.gather(*(asyncio.open_connection(host, int(port)) for _ in range(SCREENS)))
        for _, writer in connections:
            writer.write(request)
        await asyncio.to_thread(let_go)
        answers = await asyncio.gather(*(reader.read() for reader, _ in connections))
        for _, writer in connections:
            writer.close()
        return answers

    return asyncio.run(ask())


def crowd(nas: FakeNas, start: Callable[[list[int]], Nginx | Varnish]) -> None:
    """1,000 screens ask for a photo while the NAS keeps the first of them waiting for it: one request comes of it."""
    go = threading.Event()
    for api in (THUMBNAIL, TEAM_THUMBNAIL):
        nas.fault(fakenas.hold(go), api=api)
    with serve(nas) as one, serve(nas) as two:
        servers = [one, two]

        def let_go() -> None:
            wait_until(lambda: any(server.service.traffic.active for server in servers))
            go.set()

        try:
            wait_until(lambda: all(server.service.sync.has_synced for server in servers))
            answers = ask_at_once(start(ports(servers)).url, photo_url(servers), let_go)
        finally:
            go.set()
        assert [answer.partition(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 200 OK"] * SCREENS
        assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 1
        assert asked(servers) == (1, 0)


def deals_each_photo_once(proxy: Nginx | Varnish, servers: list[Running]) -> bool:
    photos = servers[0].service.sync.catalog.photos
    drawn = [proxy.get("/files?client=hall").headers["Content-Location"] for _ in photos]
    return sorted(drawn) == sorted(photo.url for photo in photos)


def stop_the_server_of(proxy: Nginx | Varnish, servers: list[Running]) -> None:
    """Stops the one that the screen in the hall gets its photos from."""
    assert proxy.get("/files?client=hall").status_code == 200
    counts = [server.service.traffic.responses for server in servers]
    wait_until(lambda: any(count["NextPhoto", 200] for count in counts))
    next(server for server, count in zip(servers, counts, strict=True) if count["NextPhoto", 200]).stop()


def break_photo(nas: FakeNas, servers: list[Running], url: str) -> None:
    """The photo has changed, and the NAS gives it no more."""
    nas.library.edit(nas.library.items[number(url)])
    for api in (THUMBNAIL, TEAM_THUMBNAIL):
        nas.fault(fakenas.status(500), api=api)
    for server in servers:
        server.look()


def delete_photo(nas: FakeNas, servers: list[Running], url: str) -> None:
    nas.library.delete(nas.library.items[number(url)])
    for server in servers:
        server.look()
        assert server.get(url).status_code == 404


def number(url: str) -> int:
    return int(re.findall(r"\d+", url)[0])


def test_two_servers_of_one_album_send_the_same_tags_and_bytes(servers: list[Running]) -> None:
    for photo in servers[0].service.sync.catalog.photos:
        one, two = (server.get(photo.url) for server in servers)
        assert one.headers["ETag"] == two.headers["ETag"]
        assert one.content == two.content


@needs_nginx
class TestNginx:
    def test_a_photo_is_kept_and_asked_about_when_its_time_is_over(self, nginx: Nginx, servers: list[Running]) -> None:
        url = photo_url(servers)
        assert [nginx.state(url) for _ in range(3)] == ["MISS", "HIT", "HIT"]
        assert asked(servers) == (1, 0)
        nginx.put_forward(301)
        assert [nginx.state(url) for _ in range(3)] == ["REVALIDATED", "HIT", "HIT"]
        assert asked(servers) == (1, 1)

    def test_photos_are_shown_for_weeks_while_all_servers_are_down(self, nginx: Nginx, servers: list[Running]) -> None:
        url = photo_url(servers)
        assert nginx.state(url) == "MISS"
        for server in servers:
            server.stop()
        assert nginx.state(url) == "HIT"
        for later in (301, 2 * WEEK):
            nginx.put_forward(later)
            assert nginx.state(url) == "STALE"

    def test_a_photo_is_shown_that_no_server_can_get(self, nginx: Nginx, servers: list[Running], nas: FakeNas) -> None:
        url = photo_url(servers)
        assert nginx.state(url) == "MISS"
        break_photo(nas, servers, url)
        nginx.put_forward(301)
        assert nginx.state(url) == "STALE"

    def test_a_deleted_photo_is_gone_when_its_time_is_over(
        self, nginx: Nginx, servers: list[Running], nas: FakeNas
    ) -> None:
        url = photo_url(servers)
        assert nginx.state(url) == "MISS"
        delete_photo(nas, servers, url)
        nginx.put_forward(301)
        assert [nginx.get(url).status_code for _ in range(3)] == [404, 404, 404]

    def test_1000_screens_on_one_photo_cost_one_request(self, start_nginx: Callable[..., Nginx], nas: FakeNas) -> None:
        crowd(nas, start_nginx)

    def test_a_screen_has_one_deck_among_several_servers(self, nginx: Nginx, servers: list[Running]) -> None:
        assert deals_each_photo_once(nginx, servers)

    def test_a_screen_goes_on_when_its_server_stops(self, nginx: Nginx, servers: list[Running]) -> None:
        stop_the_server_of(nginx, servers)
        assert [nginx.get("/files?client=hall").status_code for _ in range(5)] == [200] * 5

    def test_asking_for_the_headers_of_the_next_photo_does_not_use_it_up(self, nginx: Nginx) -> None:
        ahead = nginx.get("/files?client=hall", method="HEAD").headers["Content-Location"]
        assert nginx.get("/files?client=hall").headers["Content-Location"] == ahead

    def test_what_is_no_photo_is_always_asked_for(self, nginx: Nginx) -> None:
        for path in NEVER_KEPT:
            answer = nginx.get(path)
            assert (answer.status_code, answer.headers.get("X-Cache-Status")) == (200, None), path

    @pytest.mark.skipif("base-path" not in {option.name for option in OPTIONS}, reason="there is no --base-path yet")
    def test_it_serves_below_a_path(self, start_nginx: Callable[..., Nginx], nas: FakeNas, tmp_path: Path) -> None:
        options = ("--base-path", "/frames", "--trusted-proxy", "127.0.0.1")
        with Process(nas.url, tmp_path / "process", *options) as process:
            port = int(process.stdout.wait_for(rb":(\d+)/frames/files")[1])
            nginx = start_nginx([port, port], (r"\^/files/", "^/frames/files/"))
            wait_until(lambda: nginx.get("/frames/readyz").status_code == 200)
            url = nginx.get("/frames/files").headers["Content-Location"]
            assert re.fullmatch(r"/frames/files/\d+\.jpg", url)
            assert [nginx.state(url) for _ in range(2)] == ["MISS", "HIT"]

    def test_under_another_name_there_is_nothing(self, nginx: Nginx) -> None:
        with pytest.raises(requests.ConnectionError):
            nginx.get("/files/list", headers={"Host": "evil.example"})
        with pytest.raises(ssl.SSLError):
            nginx.over_tls("evil.example", "/files/list")

    def test_it_speaks_tls(self, nginx: Nginx, servers: list[Running]) -> None:
        header, _, body = nginx.over_tls(NAME, photo_url(servers)).partition(b"\r\n\r\n")
        assert header.startswith(b"HTTP/1.1 200 OK")
        assert body.startswith(b"\xff\xd8\xff")

    def test_the_password_is_asked_for_and_kept_from_the_servers(
        self, start_nginx: Callable[..., Nginx], tmp_path: Path
    ) -> None:
        users = tmp_path / "users"
        users.write_text("family:{PLAIN}open-sesame\n")
        word = base64.b64encode(b"family:open-sesame").decode()
        got: list[bytes] = []
        with upstream(got) as port:
            nginx = start_nginx(
                [port, port], ("^    #auth_basic", "    auth_basic"), (r"/etc/nginx/photos-sync\.htpasswd", str(users))
            )
            assert nginx.get("/files").status_code == 401
            forged = {"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https"}
            answer = nginx.get("/files", headers={"Authorization": f"Basic {word}", **forged})
        assert answer.status_code == 204
        lines = got[0].decode().split("\r\n")
        assert "Host: photos-sync" in lines
        assert "X-Forwarded-For: 127.0.0.1" in lines
        assert "X-Forwarded-Proto: http" in lines
        assert "authorization" not in got[0].decode().lower()


@contextmanager
def upstream(got: list[bytes]) -> Iterator[int]:
    """A server in place of ours, which keeps the headers of its one request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                got.append(read_header(connection))
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(60)


@needs_varnish
class TestVarnish:
    def test_a_photo_is_kept(self, varnish: Varnish, servers: list[Running]) -> None:
        url = photo_url(servers)
        assert [varnish.state(url) for _ in range(3)] == ["MISS", "HIT", "HIT"]
        assert asked(servers) == (1, 0)

    def test_a_photo_is_asked_about_when_its_time_is_over(
        self, forgetful_varnish: Varnish, servers: list[Running]
    ) -> None:
        assert set(wait_for_state(forgetful_varnish, photo_url(servers), "REVALIDATED")) <= {"MISS", "HIT"}
        assert asked(servers) == (1, 1)

    def test_photos_are_shown_while_all_servers_are_down(
        self, forgetful_varnish: Varnish, servers: list[Running]
    ) -> None:
        url = photo_url(servers)
        assert forgetful_varnish.state(url) == "MISS"
        for server in servers:
            server.stop()
        wait_for_state(forgetful_varnish, url, "STALE")
        assert forgetful_varnish.state(url) == "STALE"

    def test_a_photo_is_shown_that_no_server_can_get(
        self, forgetful_varnish: Varnish, servers: list[Running], nas: FakeNas
    ) -> None:
        url = photo_url(servers)
        assert forgetful_varnish.state(url) == "MISS"
        break_photo(nas, servers, url)
        wait_for_state(forgetful_varnish, url, "STALE")
        assert forgetful_varnish.state(url) == "STALE"

    def test_a_deleted_photo_is_gone_when_its_time_is_over(
        self, forgetful_varnish: Varnish, servers: list[Running], nas: FakeNas
    ) -> None:
        url = photo_url(servers)
        assert forgetful_varnish.state(url) == "MISS"
        delete_photo(nas, servers, url)
        wait_until(lambda: forgetful_varnish.get(url).status_code == 404)
        assert forgetful_varnish.get(url).status_code == 404

    def test_1000_screens_on_one_photo_cost_one_request(
        self, start_varnish: Callable[..., Varnish], nas: FakeNas
    ) -> None:
        crowd(nas, start_varnish)

    def test_a_screen_has_one_deck_among_several_servers(self, varnish: Varnish, servers: list[Running]) -> None:
        assert deals_each_photo_once(varnish, servers)

    def test_a_screen_goes_on_when_its_server_stops(self, varnish: Varnish, servers: list[Running]) -> None:
        stop_the_server_of(varnish, servers)
        assert [varnish.get("/files?client=hall").status_code for _ in range(5)] == [200] * 5

    def test_asking_for_the_headers_of_the_next_photo_does_not_use_it_up(self, varnish: Varnish) -> None:
        ahead = varnish.get("/files?client=hall", method="HEAD").headers["Content-Location"]
        assert varnish.get("/files?client=hall").headers["Content-Location"] == ahead

    def test_what_is_no_photo_is_always_asked_for(self, varnish: Varnish) -> None:
        for path in NEVER_KEPT:
            answer = varnish.get(path)
            assert (answer.status_code, answer.headers.get("X-Cache-Status")) == (200, None), path

    def test_under_another_name_there_is_nothing(self, varnish: Varnish) -> None:
        assert varnish.get("/files/list", headers={"Host": "evil.example"}).status_code == 421
