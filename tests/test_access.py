"""The access log: NCSA's common log format, at --log-level debug alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from outside import Process, talk

from photosync.fakenas import FakeNas

LINE = re.compile(
    r"[-0-9]{10} [:0-9]{8} DEBUG 127\.0\.0\.1 - - "
    r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
)


@pytest.fixture
def process(nas: FakeNas, tmp_path: Path) -> Process:
    with Process(nas.url, tmp_path, "--log-level", "debug") as process:
        process.wait_ready()
        yield process  # type: ignore[misc]


def requests_of(process: Process) -> list[tuple[str, str, str]]:
    """Request, status and bytes of each line, once the last one is there."""
    process.get("/the-last-one")
    assert process.stderr is not None
    process.stderr.wait_for(rb"GET /the-last-one HTTP/1.1")
    found = [match for line in process.log if (match := LINE.fullmatch(line))]
    assert len(found) == sum("HTTP/1." in line for line in process.log)
    return [(match["request"], match["status"], match["bytes"]) for match in found]


def test_each_answer_is_a_line_with_its_bytes(process: Process) -> None:
    photo = process.get("/files?format=json").json()["url"]
    answer = process.get(photo)
    process.get(photo, headers={"If-None-Match": answer.headers["ETag"]})
    process.session.head(f"http://127.0.0.1:{process.port}/healthz")
    process.session.post(f"http://127.0.0.1:{process.port}/files")
    told = requests_of(process)
    assert (f"GET {photo} HTTP/1.1", "200", str(len(answer.content))) in told
    assert (f"GET {photo} HTTP/1.1", "304", "-") in told
    assert ("HEAD /healthz HTTP/1.1", "200", "-") in told
    assert [status for request, status, _ in told if request == "POST /files HTTP/1.1"] == ["405"]


def test_an_ipv4_address_is_told_as_such_on_a_socket_for_all_addresses(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path, "--log-level", "debug", "--listen-address", "") as process:
        process.get("/healthz")
        assert ("GET /healthz HTTP/1.1", "200", "16") in requests_of(process)


def test_no_query_is_told(process: Process) -> None:
    process.get("/files?token=canarytoken99&client=hall")
    process.get("/files?format=json&token=canarytoken99")
    assert [request for request, _, _ in requests_of(process) if "/files" in request] == ["GET /files HTTP/1.1"] * 2


def test_what_would_end_the_quotation_is_spelled_out(process: Process) -> None:
    talk(process.port, b'GET /a"b\\c\xff%22 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert ('GET /a\\"b\\\\c\\u00ff%22 HTTP/1.1', "404") in [entry[:2] for entry in requests_of(process)]


def test_a_long_address_is_cut(process: Process) -> None:
    process.get("/" + "x" * 5000)
    assert f"GET /{'x' * 255} HTTP/1.1" in [request for request, _, _ in requests_of(process)]


def test_there_is_none_at_any_other_level(nas: FakeNas, tmp_path: Path) -> None:
    with Process(nas.url, tmp_path) as process:
        process.wait_ready()
        process.get("/files")
        process.signal()
        assert process.wait() == 0
        assert not [line for line in process.log if "HTTP/1." in line]
