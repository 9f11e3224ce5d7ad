"""Who may look, over real sockets: every address, in both ways, with names, tokens, cookies, origins and proxies."""

from __future__ import annotations

import json
import logging
import re
import string
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest
import requests
from conftest import CANARY_ACCESS, Running, canary_nas, leaks, settings_for
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from outside import connect, read_header, read_to_end, talk
from tornado.routing import PathMatches

from photosync import web
from photosync.fakenas import FakeNas
from photosync.gate import at_the_gate
from photosync.guard import Access
from photosync.settings import Secret

TOKEN = Secret(CANARY_ACCESS)
BEARER = {"Authorization": f"Bearer {CANARY_ACCESS}"}
REBINDING = {"Host": "evil.example"}
DASHBOARD = "http://dashboard.local:8123"
PAGES = ("/", "/files", "/files?format=json", "/files/list", "/cache/stats", "/readyz", "/metrics", "/nowhere")


def guarded(nas: FakeNas, **access: Any) -> Running:
    """The service whose photos only a token opens, to which it is ready to serve and all photos are in memory."""
    running = Running(settings_for(nas, access=Access(**{"token": TOKEN} | access)))
    running.session.headers.update(BEARER)
    return running


def fill(running: Running, base_path: str = "") -> None:
    running.wait_for(f"{base_path}/cache/stats", lambda answer: answer.json()["entries"] == answer.json()["photos"] > 0)


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """With a token, an allowed origin and a trusted proxy at 127.0.0.3; without a token of its own, unlike others."""
    access: dict[str, Any] = {"origins": (DASHBOARD,), "trusted_proxies": (ip_network("127.0.0.3"),)}
    with canary_nas() as nas, guarded(nas, **access) as running:
        fill(running)
        running.session.headers.pop("Authorization")
        yield running


@pytest.fixture(scope="module")
def open_service() -> Iterator[Running]:
    """Without any of these options."""
    with canary_nas() as nas, Running(settings_for(nas)) as running:
        fill(running)
        yield running


def photo_of(running: Running) -> Any:
    return running.service.sync.catalog.photos[0]


def refused(answer: requests.Response) -> str:
    """The cause and the next step of an answer that says nothing else, and is never kept."""
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert "ETag" not in answer.headers
    found = answer.json()
    assert set(found) == {"error", "next_step"}
    assert found["error"]
    assert found["next_step"]
    return f"{found['error']} {found['next_step']}"


# every address


def patterns(running: Running) -> list[str]:
    rules = running.service.server.request_callback.wildcard_router.rules  # type: ignore[union-attr]
    return [rule.matcher.regex.pattern for rule in rules if isinstance(rule.matcher, PathMatches)]


def test_every_address_is_looked_at_here(service: Running) -> None:
    found = patterns(service)
    assert len(found) == len(service.service.server.request_callback.wildcard_router.rules)  # type: ignore[union-attr]
    for path in PAGES[:-1]:
        assert any(re.fullmatch(pattern, path.partition("?")[0]) for pattern in found)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_of_all_addresses_only_healthz_answers_without_the_token_or_by_a_strange_name(
    service: Running, data: st.DataObject
) -> None:
    letters = st.characters(codec="ascii", include_characters=string.ascii_letters + string.digits + "-._/")
    pattern = data.draw(st.sampled_from([*patterns(service), "/files/[1-9]{5}[.]jpg$", "/[a-z]{0,9}$"]))
    path = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True, alphabet=letters)).rstrip("\n")
    path = requests.utils.quote(path, safe="/%")
    method = data.draw(st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"]))
    is_open = path == "/healthz"
    answer = service.request(method, path, allow_redirects=False)
    assert (answer.status_code == 401) == (not is_open)
    strange = service.request(method, path, headers=REBINDING | BEARER, allow_redirects=False)
    assert (strange.status_code == 421) == (not is_open)


@pytest.mark.parametrize("path", PAGES)
def test_each_address_answers_with_the_token(service: Running, path: str) -> None:
    assert service.get(path, headers=BEARER).status_code == (404 if path == "/nowhere" else 200)
    assert "those who have the access token" in refused(service.get(path))


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "tag"}], ids=["photo", "304"])
def test_the_short_way_wants_token_and_name_as_the_long_one_does(service: Running, headers: dict[str, str]) -> None:
    photo = photo_of(service)
    headers = dict.fromkeys(headers, photo.etag)
    for query in ("", "?long"):
        url = photo.url + query
        assert service.get(url, headers=headers | BEARER).status_code == (304 if headers else 200)
        refused(service.get(url, headers=headers))
        assert service.get(url, headers=headers).status_code == 401
        assert service.get(url, headers=headers | {"Authorization": "Bearer wrong"}).status_code == 401
        assert service.get(url, headers=headers | BEARER | REBINDING).status_code == 421


def test_the_short_way_is_taken_where_it_may_be(open_service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the tests of both ways would go one of them twice."""
    gone_by: list[str] = []
    monkeypatch.setattr(
        web, "at_the_gate", lambda guard, request: (gone_by.append(request.path), at_the_gate(guard, request))[1]
    )
    photo = photo_of(open_service)
    open_service.get(photo.url)
    assert gone_by == []
    open_service.get(photo.url, headers=REBINDING)
    assert gone_by == [photo.url]


# names


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_another_name_gets_a_421_that_names_the_option(open_service: Running, path: str) -> None:
    answer = open_service.get(path, headers=REBINDING)
    assert answer.status_code == 421
    assert "--allowed-host evil.example" in refused(answer)


def ask(running: Running, request: str) -> bytes:
    return talk(running.service.port, request.replace("\n", "\r\n").encode("latin-1"))


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /files HTTP/1.0\n\n", 200),
        ("GET /files HTTP/1.1\nConnection: close\n\n", 400),
        ("GET /files HTTP/1.1\nHost: a\nHost: b\nConnection: close\n\n", 400),
        ("GET /files HTTP/1.1\nHost: localhost\nHost: evil.example\nConnection: close\n\n", 400),
        ("GET /files HTTP/1.0\nHost: evil.example\n\n", 421),
        ("GET http://localhost/files HTTP/1.1\nHost: localhost\nConnection: close\n\n", 200),
        ("GET http://evil.example/files HTTP/1.1\nHost: localhost\nConnection: close\n\n", 421),
        ("GET http://localhost/files HTTP/1.1\nHost: evil.example\nConnection: close\n\n", 421),
        ("GET http://localhost@evil.example/files HTTP/1.1\nHost: localhost\nConnection: close\n\n", 421),
        ("GET http://[::1/files HTTP/1.1\nHost: localhost\nConnection: close\n\n", 400),
        ("GET http:///files HTTP/1.1\nHost: localhost\nConnection: close\n\n", 421),
        ("GET /files HTTP/1.1\nHost: localhost\nX-Forwarded-Host: evil.example\nConnection: close\n\n", 200),
        ("GET /files HTTP/1.1\nHost: evil.example\nX-Forwarded-Host: localhost\nConnection: close\n\n", 421),
        ("OPTIONS /files HTTP/1.1\nHost: evil.example\nConnection: close\n\n", 421),
    ],
)
def test_the_name_counts_wherever_a_request_says_it(open_service: Running, request_text: str, status: int) -> None:
    assert ask(open_service, request_text).startswith(b"HTTP/1.1 %d " % status)


def test_an_allowed_name_is_answered(nas: FakeNas) -> None:
    with Running(settings_for(nas, access=Access(allowed_hosts=("photos.example.org",)))) as running:
        running.wait_ready()
        for host, status in (("photos.example.org", 200), ("Photos.Example.Org.:443", 200), ("example.org", 421)):
            for path in ("/files", photo_of(running).url):
                assert running.get(path, headers={"Host": host}).status_code == status


# the token


def test_a_browser_is_asked_for_it(service: Running) -> None:
    answer = service.get("/files")
    assert answer.headers["WWW-Authenticate"] == (
        'Basic realm="photos-sync", charset="UTF-8", Bearer realm="photos-sync"'
    )


def test_nobody_is_asked_for_it_over_the_photo_that_a_page_shows(service: Running) -> None:
    answer = service.get("/files", headers={"X-Requested-With": "XMLHttpRequest"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="photos-sync"')


@pytest.mark.parametrize("user", ["frame", "", "ö"])
def test_a_frame_that_only_takes_an_address_gives_it_as_a_password(service: Running, user: str) -> None:
    answer = service.get("/files", auth=(user.encode(), CANARY_ACCESS.encode()))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")


def test_photos_are_private_to_caches_once_a_token_guards_them(service: Running, open_service: Running) -> None:
    for running, word in ((service, "private"), (open_service, "public")):
        photo = photo_of(running)
        for query in ("", "?long"):
            for tag in ({}, {"If-None-Match": photo.etag}):
                answer = running.get(photo.url + query, headers=BEARER | tag)
                assert answer.headers["Cache-Control"] == (
                    f"{word}, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
                )


class TestAKiosk:
    @pytest.fixture
    def browser(self) -> Iterator[requests.Session]:
        with requests.Session() as session:
            session.trust_env = False
            yield session

    def enter(self, running: Running, browser: requests.Session, path: str = "/", **options: Any) -> requests.Response:
        """The answer to the address that the kiosk starts with."""
        joint = "&" if "?" in path else "?"
        url = f"{running.url}{path}{joint}token={CANARY_ACCESS}"
        return browser.get(url, allow_redirects=False, timeout=60, **options)

    def test_the_token_in_the_address_becomes_a_cookie_that_opens_everything(
        self, service: Running, browser: requests.Session
    ) -> None:
        assert browser.get(service.url + "/files", timeout=60).status_code == 401
        answer = self.enter(service, browser)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert not leaks(f"{answer.headers}{answer.text}")
        for path in (*PAGES[:-1], photo_of(service).url):
            assert browser.get(service.url + path, timeout=60).status_code == 200

    def test_no_script_and_no_other_site_gets_the_cookie(self, service: Running, browser: requests.Session) -> None:
        name, *attributes = self.enter(service, browser).headers["Set-Cookie"].split("; ")
        assert re.fullmatch("photos_sync=[0-9a-f]{64}", name)
        assert {one.lower() for one in attributes if not one.lower().startswith("expires")} == {
            "httponly",
            "samesite=strict",
            "path=/",
            "max-age=34560000",
        }

    def test_it_outlives_a_restart_and_opens_each_server_of_that_token(
        self, service: Running, browser: requests.Session, nas: FakeNas
    ) -> None:
        self.enter(service, browser)
        with guarded(nas) as other:
            other.wait_ready()
            assert browser.get(other.url + "/files", timeout=60).status_code == 200
        with guarded(nas, token=Secret("another-token")) as other:
            assert browser.get(other.url + "/files", timeout=60).status_code == 401

    def test_the_cookie_is_for_https_alone_where_the_client_came_by_it(
        self, service: Running, browser: requests.Session
    ) -> None:
        headers = {"X-Forwarded-Proto": "https"}
        assert "secure" not in self.enter(service, browser, headers=headers).headers["Set-Cookie"].lower()
        by_proxy = by(service, "127.0.0.3", f"/?token={CANARY_ACCESS}", "X-Forwarded-Proto: https")
        assert re.search(b"^Set-Cookie: .*; Secure", by_proxy, re.MULTILINE)

    @pytest.mark.parametrize(
        ("path", "location"),
        [
            ("/?screen=hall&x=", "/?screen=hall&x="),
            ("/files?client=a%20b%0d%0aX:y", "/files?client=a+b%0D%0AX%3Ay"),
            ("/files/list", "/files/list"),
            ("//evil.example/", "/"),
            ("///evil.example", "/"),
            ("/\\evil.example/", "/"),
            ("/%5cevil.example/", "/%5cevil.example/"),
            ("/a//b", "/"),
        ],
    )
    def test_it_is_led_on_to_the_same_address_without_the_token_and_never_to_another_host(
        self, service: Running, path: str, location: str
    ) -> None:
        joint = "&" if "?" in path else "?"
        answer = ask(service, f"GET {path}{joint}token={CANARY_ACCESS} HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert answer.startswith(b"HTTP/1.1 303 ")
        assert f"\r\nLocation: {location}\r\n".encode() in answer
        assert not leaks(answer)

    def test_a_wrong_one_gets_no_cookie(self, service: Running) -> None:
        for path in ("/?token=wrong", "/?token=", "/?token=a&token=b", "/files?token=%ff"):
            answer = service.get(path, allow_redirects=False)
            assert answer.status_code == 401
            refused(answer)

    def test_without_an_access_token_the_parameter_is_ignored(self, open_service: Running) -> None:
        assert open_service.get("/files?token=whatever").status_code == 200


def test_who_guesses_is_kept_waiting_and_others_are_not(nas: FakeNas) -> None:
    with guarded(nas, trusted_proxies=(ip_network("127.0.0.3"),)) as running:
        fill(running)
        guesses = [{"Authorization": f"Bearer guess{number}"} for number in range(12)]
        assert [running.get("/files", headers=guess).status_code for guess in guesses] == [401] * 10 + [429] * 2
        for path in ("/files", photo_of(running).url):  # even with the right one: it could be a guess
            answer = running.get(path)
            assert answer.status_code == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 60
            refused(answer)
            assert by(running, "127.0.0.2", path, f"Authorization: Bearer {CANARY_ACCESS}").startswith(b"HTTP/1.1 200 ")
            for client in ("192.0.2.1", "192.0.2.2"):
                told = by(
                    running, "127.0.0.3", path, f"Authorization: Bearer {CANARY_ACCESS}", f"X-Forwarded-For: {client}"
                )
                assert told.startswith(b"HTTP/1.1 200 ")
        cookie = f"photos_sync={running.service.guard.cookie}"
        assert running.get("/files", headers={"Cookie": cookie}).status_code == 200  # which nobody can guess
        running.session.headers.pop("Authorization")
        assert running.get("/files", headers={"Cookie": cookie}).status_code == 200
        assert running.get("/healthz").status_code == 200


def test_the_token_is_in_no_log_and_no_metric(nas: FakeNas, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), guarded(nas) as running:
        running.wait_ready()
        for path in ("/", "/files", "/nowhere"):
            running.get(path)
            running.get(f"{path}?token={CANARY_ACCESS}", allow_redirects=False)
            running.get(path, auth=("x", CANARY_ACCESS))
        assert 'handler="Exchange",status="303"' in running.get("/metrics").text
    told = "".join(record.getMessage() for record in caplog.records if record.name.startswith(("photosync", "tornado")))
    assert "/nowhere" in told
    assert not leaks(told)
    assert running.redactor(f"say {CANARY_ACCESS}") == "say (hidden)"


# origins and embedding


@pytest.mark.parametrize("path", ["/files", "/files/list", "PHOTO", "PHOTO?long", "/nowhere"])
def test_scripts_of_an_allowed_origin_may_read_and_no_others(service: Running, path: str) -> None:
    photo = photo_of(service)
    for tag in ({}, {"If-None-Match": photo.etag}):
        url = path.replace("PHOTO", photo.url)
        answer = service.get(url, headers=BEARER | {"Origin": DASHBOARD} | tag)
        assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            answer = service.get(url, headers=BEARER | headers | tag)
            assert answer.headers["Vary"] == "Origin"
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_page_of_an_allowed_origin_is_told_that_it_lacks_the_token(service: Running) -> None:
    answer = service.get("/files/list", headers={"Origin": DASHBOARD})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, DASHBOARD)


def test_a_preflight_is_answered_for_an_allowed_origin_alone(service: Running) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    answer = service.request("OPTIONS", "/files", headers=asked | {"Origin": DASHBOARD})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Vary"] == "Origin"
    for headers in ({"Origin": "http://evil.example"}, {}):
        answer = service.request("OPTIONS", "/files", headers=asked | headers)
        assert answer.status_code == 401
        answer = service.request("OPTIONS", "/files", headers=asked | headers | BEARER)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert "Access-Control-Allow-Origin" not in answer.headers
    without = service.request("OPTIONS", "/files", headers={"Origin": DASHBOARD} | BEARER)
    assert without.status_code == 405


def test_pictures_can_be_embedded_elsewhere_and_nothing_else(open_service: Running) -> None:
    photo = photo_of(open_service)
    for path in ("/files", photo.url, photo.url + "?long"):
        answer = open_service.get(path)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Vary" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers
    for path in ("/", "/files?format=json", "/files/list", "/cache/stats", "/metrics", "/readyz", "/healthz", "/no"):
        assert open_service.get(path).headers["Cross-Origin-Resource-Policy"] == "same-origin"
    for path in (photo.url, photo.url + "?long", "/files/list"):  # a copy keeps what it came with
        tag = open_service.get(path).headers["ETag"]
        answer = open_service.get(path, headers={"If-None-Match": tag})
        assert answer.status_code == 304
        assert "Cross-Origin-Resource-Policy" not in answer.headers


# proxies


def by(running: Running, source: str, path: str, *headers: str) -> bytes:
    """The answer to a request that comes from another address of this machine."""
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
    with connect(running.service.port, source=source) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return read_to_end(connection)


def test_a_trusted_proxy_says_which_screen_asks_and_nobody_else_can(service: Running) -> None:
    token = f"Authorization: Bearer {CANARY_ACCESS}"

    def next_ones(source: str, client: str) -> set[int]:
        answers = [
            by(service, source, "/files?format=json", token, f"X-Forwarded-For: {client}")
            for _ in service.service.sync.catalog.photos
        ]
        return {json.loads(answer.partition(b"\r\n\r\n")[2])["id"] for answer in answers}

    everything = set(service.service.sync.catalog.by_id)
    decks = service.service.screens.decks
    before = len(decks)
    assert next_ones("127.0.0.3", "192.0.2.7") == everything
    assert next_ones("127.0.0.3", "1.1.1.1, 192.0.2.8") == everything
    assert len(decks) == before + 2
    assert next_ones("127.0.0.4", "192.0.2.9") == everything
    assert next_ones("127.0.0.4", "192.0.2.10") == everything
    assert len(decks) == before + 3


def test_the_log_tells_the_client_that_a_trusted_proxy_names(
    service: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "photosync.web"):
        by(service, "127.0.0.3", "/healthz", "X-Forwarded-For: 192.0.2.7")
        by(service, "127.0.0.4", "/healthz", "X-Forwarded-For: 192.0.2.8")
        service.call(lambda: None)  # the line is written right after the answer
    told = [record.getMessage().split()[0] for record in caplog.records if "/healthz" in record.getMessage()]
    assert told == ["192.0.2.7", "127.0.0.4"]


def test_a_trusted_proxy_that_was_asked_for_a_strange_name_gets_a_421(service: Running) -> None:
    token = f"Authorization: Bearer {CANARY_ACCESS}"
    for path in ("/files", photo_of(service).url):
        told = by(service, "127.0.0.3", path, token, "X-Forwarded-Host: evil.example")
        assert told.startswith(b"HTTP/1.1 421 ")
        assert by(service, "127.0.0.3", path, token, "X-Forwarded-Host: pi.local").startswith(b"HTTP/1.1 200 ")
        assert by(service, "127.0.0.4", path, token, "X-Forwarded-Host: evil.example").startswith(b"HTTP/1.1 200 ")


# a base path


@pytest.fixture(scope="module")
def below() -> Iterator[Running]:
    with canary_nas() as nas, Running(settings_for(nas, access=Access(base_path="/frames"))) as running:
        fill(running, "/frames")
        yield running


def test_everything_is_below_the_base_path_and_says_so(below: Running) -> None:
    photo = below.get("/frames/files?format=json&client=a").json()
    assert photo["url"] == f"/frames/files/{photo['id']}.jpg"
    assert below.get(photo["url"]).status_code == 200
    assert below.get(photo["url"], headers={"If-None-Match": photo_of(below).etag}).status_code in (200, 304)
    assert below.get("/frames/files").headers["Content-Location"].startswith("/frames/files/")
    by_name = below.get(f"/frames/files/{requests.utils.quote(photo['filename'])}")
    photos = below.get("/frames/files/list?details=1").json()
    lowest = min(one["id"] for one in photos if one["filename"] == photo["filename"])  # two share a name
    assert by_name.headers["Content-Location"] == f"/frames/files/{lowest}.jpg"
    assert "Content-Location" not in below.get(photo["url"] + "?long").headers
    urls = {one["url"] for one in photos}
    assert photo["url"] in urls
    assert all(url.startswith("/frames/files/") for url in urls)
    for path in ("/frames/", "/frames/cache/stats", "/frames/readyz", "/frames/metrics", "/frames/healthz"):
        assert below.get(path).status_code == 200


def test_a_list_with_other_addresses_in_it_has_another_entity_tag(below: Running, open_service: Running) -> None:
    tags = {
        query: [
            running.get(f"{base_path}/files/list{query}").headers["ETag"]
            for running, base_path in ((below, "/frames"), (open_service, ""))
        ]
        for query in ("", "?details=1")
    }
    assert tags[""][0] == tags[""][1]
    assert tags["?details=1"][0] != tags["?details=1"][1]


@pytest.mark.parametrize("path", ["/", "/files", "/files/list", "/framesfiles", "/frames2/files", "//frames/files"])
def test_an_address_without_it_is_a_404_that_names_it(below: Running, path: str) -> None:
    answer = below.request("GET", path)
    assert answer.status_code == 404
    assert "/frames/" in refused(answer)


@pytest.mark.parametrize("path", ["/frames/files/0.jpg", "/frames/files?w=none"])
def test_next_steps_name_no_address_outside_it(below: Running, path: str) -> None:
    answer = below.get(path)
    assert answer.status_code in (400, 404)
    assert not re.search(r"(?<!/frames)/files", refused(answer))


def test_a_photo_without_it_is_a_404_in_the_short_way_too(below: Running) -> None:
    assert below.get(photo_of(below).url).status_code == 404
    assert below.get("/frames" + photo_of(below).url).status_code == 200


def test_the_base_path_without_its_slash_leads_to_the_page(below: Running) -> None:
    answer = below.get("/frames?screen=hall", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, "/frames/?screen=hall")
    page = below.get("/frames")
    assert page.url.endswith("/frames/")
    links = re.findall('(?:href|src)="([^":]*)"', page.text)
    assert links
    for link in links:
        assert below.get("/frames/" + link).status_code == 200


def test_those_who_watch_over_the_service_need_not_know_it(below: Running) -> None:
    assert below.get("/healthz").json() == {"status": "ok"}


def test_the_cookie_stays_below_it(nas: FakeNas) -> None:
    with guarded(nas, base_path="/frames") as running:
        answer = running.get(f"/frames/?token={CANARY_ACCESS}", allow_redirects=False)
        assert answer.headers["Location"] == "/frames/"
        assert "; path=/frames;" in answer.headers["Set-Cookie"].lower() + ";"
        assert running.get(f"//x/?token={CANARY_ACCESS}", allow_redirects=False).headers["Location"] == "/frames/"
        running.session.headers.pop("Authorization")
        assert running.get("/frames/healthz").status_code == running.get("/healthz").status_code == 200
        running.session.cookies.clear()
        assert running.get("/frames/files").status_code == running.get("/files").status_code == 401
        assert "open /frames/?token=TOKEN once" in refused(running.get("/frames/files"))


def test_a_trusted_proxy_may_open_more_connections_than_anybody_else(nas: FakeNas) -> None:
    with guarded(nas, trusted_proxies=(ip_network("127.0.0.3"),)) as running, ExitStack() as stack:
        running.service.server._limit = 9

        def answered(source: str, count: int) -> list[bytes]:
            found = []
            for _ in range(count):
                connection = stack.enter_context(connect(running.service.port, source=source))
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                found.append(read_header(connection).split()[1])
            return found

        assert answered("127.0.0.4", 5) == [b"200"] * 4 + [b"503"]
        assert answered("127.0.0.3", 6) == [b"200"] * 5 + [b"503"]
        assert answered("127.0.0.3", 1) == [b"503"]
    with guarded(nas, trusted_proxies=(ip_network("127.0.0.3"),)) as running, ExitStack() as stack:
        running.service.server._limit = 9
        assert answered("127.0.0.3", 10) == [b"200"] * 9 + [b"503"]


def test_what_varies_by_origin_and_type_says_both(nas: FakeNas) -> None:
    settings = settings_for(nas, access=Access(origins=(DASHBOARD,)))
    nas.stop()
    with Running(settings) as running:
        answer = running.wait_for("/files", lambda response: response.status_code == 503)
        assert answer.headers["Vary"] == "Origin, Accept"
