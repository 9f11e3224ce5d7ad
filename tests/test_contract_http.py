"""What two HTTP linters that know nothing of us say about the answers: redbot and httplint."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import CANARY_ACCESS, Running, canary_nas, settings_for
from httplint import HttpResponseLinter
from httplint.note import levels
from outside import talk

from photosync.fakenas import FakeNas
from photosync.guard import Access
from photosync.settings import Secret

REDBOT = Path(sys.executable).with_name("redbot")
PROBLEMS = (levels.BAD, levels.WARN)

_PUBLIC = (
    "A cache that several people share may keep an answer to a request with `Authorization` only if it says `public` "
    "(RFC 9111, section 3.5), and the proxy with a password in front of us is just where a photo should be kept."
)
ACCEPTED: Mapping[tuple[str, str], str] = {
    ("/files/<id>.jpg", "Cache-Control: public is probably not necessary."): _PUBLIC,
    ("/files/<filename>", "Cache-Control: public is probably not necessary."): _PUBLIC,
}
"""(path, the linter's words) of each complaint that is lived with, and the reason. The README explains each."""


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with canary_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        yield running


def addresses(running: Running) -> dict[str, str]:
    """What is looked at, by a name that does not change with the library."""
    photo = running.service.sync.catalog.photos[0]
    return {
        "/files/<id>.jpg": photo.url,
        "/files/<filename>": "/files/" + quote(photo.filename),
        "/files/list": "/files/list",
        "/files/list?details=1": "/files/list?details=1",
        "/files": "/files",
        "/files?format=json": "/files?format=json",
        "/cache/stats": "/cache/stats",
        "/healthz": "/healthz",
        "/readyz": "/readyz",
        "/metrics": "/metrics",
        "/nowhere": "/nowhere",
    }


NAMES = (
    "/files/<id>.jpg",
    "/files/<filename>",
    "/files/list",
    "/files/list?details=1",
    "/files",
    "/files?format=json",
    "/cache/stats",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nowhere",
)


def unaccepted(name: str, complaints: list[str]) -> list[str]:
    return [complaint for complaint in complaints if (name, complaint) not in ACCEPTED]


# redbot asks by itself: plain, conditional, by range, with content negotiation


def redbot(url: str) -> tuple[list[str], list[str]]:
    """The problems that redbot names at an address, and everything it says."""
    done = subprocess.run([REDBOT, "-o", "har", url], capture_output=True, text=True, timeout=60, check=True)
    entry = json.loads(done.stdout)["log"]["entries"][0]
    notes = entry["_red_messages"]
    for note in [*notes]:
        notes += note.get("subnotes") or []
    severe = {level.value for level in PROBLEMS} | {level.name.lower() for level in PROBLEMS}
    problems = [note["summary"] for note in notes if str(note["level"]).lower() in severe]
    return problems, [note["summary"] for note in notes]


@pytest.mark.parametrize("name", ["/files/<id>.jpg", "/files/list", "/files"])
def test_redbot_finds_nothing_to_complain_about(service: Running, name: str) -> None:
    problems, said = redbot(service.url + addresses(service)[name])
    assert problems == [complaint for where, complaint in ACCEPTED if where == name]
    assert "The Content-Length header is correct." in said
    if name != "/files":
        assert "If-None-Match conditional requests are supported." in said


# httplint judges what it is given


def lint(answer: bytes, method: str = "GET") -> tuple[list[str], list[str]]:
    """The problems that httplint names in an answer, and everything it says."""
    header, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = header.split(b"\r\n")
    version, code, phrase = first.split(b" ", 2)
    linter = HttpResponseLinter(start_time=time.time(), no_content=method == "HEAD")
    linter.process_response_topline(version.removeprefix(b"HTTP/"), code, phrase)
    linter.process_headers([(key, value) for key, _, value in (line.partition(b":") for line in lines)])
    if body:
        linter.feed_content(body)
    linter.finish_content(True)
    notes = list(linter.notes)
    for note in [*notes]:
        notes += note.subnotes
    return [str(note.summary) for note in notes if note.level in PROBLEMS], [str(note.summary) for note in notes]


def ask(running: Running, method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{running.service.port}", "Connection: close", *headers]
    return talk(running.service.port, "\r\n".join([*lines, "", ""]).encode())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", NAMES)
def test_httplint_finds_nothing_to_complain_about(service: Running, name: str, method: str) -> None:
    answer = ask(service, method, addresses(service)[name])
    problems, said = lint(answer, method)
    assert unaccepted(name, problems) == []
    assert said
    assert (method == "HEAD") == answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("name", ["/files/<id>.jpg", "/files/<filename>", "/files/list", "/files/list?details=1"])
def test_httplint_finds_nothing_to_complain_about_in_a_304(service: Running, name: str) -> None:
    answer = ask(service, "GET", addresses(service)[name], "If-None-Match: *")
    assert answer.startswith(b"HTTP/1.1 304 ")
    assert unaccepted(name, lint(answer)[0]) == []


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_httplint_finds_nothing_to_complain_about_in_a_405(service: Running, method: str) -> None:
    answer = ask(service, method, "/files", "Content-Length: 0")
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert unaccepted("/files", lint(answer)[0]) == []


def test_httplint_finds_nothing_to_complain_about_in_a_503() -> None:
    with canary_nas() as nas:
        settings = settings_for(nas)
    with Running(settings) as running:  # the NAS is off
        running.wait_for("/files", lambda response: "connection refused" in response.text)
        for path in ("/files", "/files/1.jpg", "/files/list", "/readyz"):
            for accept in ("image/*", "*/*"):
                answer = ask(running, "GET", path, f"Accept: {accept}")
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert unaccepted(path, lint(answer)[0]) == []


def test_httplint_finds_nothing_to_complain_about_in_stale_answers() -> None:
    with canary_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_for("/cache/stats", lambda answer: answer.json()["entries"] == answer.json()["photos"] > 0)
        nas.stop()
        running.look()
        for name in ("/files", "/files?format=json", "/files/list", "/files/<id>.jpg"):
            answer = ask(running, "GET", addresses(running)[name])
            assert b"Cache-Status: photos-sync; hit; detail=stale\r\n" in answer
            assert unaccepted(name, lint(answer)[0]) == []


BEARER = f"Authorization: Bearer {CANARY_ACCESS}"


@pytest.mark.parametrize(
    ("status", "path", "headers"),
    [
        (401, "/frames/files", ["Host: x"]),
        (421, "/frames/files", ["Host: evil.example"]),
        (303, f"/frames/?token={CANARY_ACCESS}", ["Host: x"]),
        (308, "/frames", ["Host: x", BEARER]),
        (404, "/files", ["Host: x", BEARER]),
        (200, "/frames/files/list", ["Host: x", BEARER, "Origin: http://a"]),
    ],
)
def test_httplint_finds_nothing_to_complain_about_where_not_everybody_may_look(
    nas: FakeNas, status: int, path: str, headers: list[str]
) -> None:
    access = Access(token=Secret(CANARY_ACCESS), origins=("http://a",), base_path="/frames")
    with Running(settings_for(nas, access=access)) as running:
        running.call(running.service.sync.refresh)
        lines = [f"GET {path} HTTP/1.1", "Connection: close", *headers, "", ""]
        answer = talk(running.service.port, "\r\n".join(lines).encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert lint(answer)[0] == []


@pytest.mark.parametrize(("name", "complaint"), list(ACCEPTED))
def test_what_is_accepted_is_really_complained_about(service: Running, name: str, complaint: str) -> None:
    assert complaint in lint(ask(service, "GET", addresses(service)[name]))[0]


def test_httplint_complains_about_an_answer_that_is_wrong() -> None:
    """The control: what these tests read does tell of problems."""
    bad = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nDate: yesterday\r\nContent-Length: 2\r\n\r\nhi"
    assert lint(bad)[0]
