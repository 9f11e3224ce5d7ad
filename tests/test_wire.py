"""One HTTP exchange with a NAS that misbehaves in every way, on real sockets."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import CANARIES, CANARY_PASSWORD, PATIENCE_SECONDS, canary_nas, leaks, wait_until
from guest import client_of
from outside import closed_port, dark_port

from photosync import fakenas
from photosync.account import Account
from photosync.errors import NasBadAnswer, NasError, NasTimeout, NasUnreachable
from photosync.fakenas import Certificate, FakeNas, Fault, Library, certificate
from photosync.models import Photo
from photosync.nas import SynologyClient
from photosync.settings import Secret
from photosync.wire import CONNECT_SECONDS, Answer, Wire

INFO = {"api": "SYNO.API.Info", "version": "1", "method": "query", "query": "all"}
LIMIT = 1_000_000


def wire_to(
    url: str,
    timeout_seconds: float = 20.0,
    ca_file: Path | None = None,
    insecure: bool = False,
    fingerprint: str = "",
) -> Wire:
    return Wire(url, timeout_seconds, ca_file, insecure, fingerprint)


def ask(wire: Wire, method: str = "POST", **options: Any) -> Answer:
    """A harmless question, to any NAS."""
    options = {"headers": {}, "limit_bytes": LIMIT} | options
    return wire.exchange(method, "webapi/query.cgi", INFO, **options)


def trouble(wire: Wire, **options: Any) -> NasError:
    """The error that the question ends with; there is no other kind of failure."""
    with pytest.raises(NasError) as caught:
        ask(wire, **options)
    return caught.value


def client_to(nas: FakeNas, timeout_seconds: float = 20.0) -> SynologyClient:
    return client_of(nas, timeout_seconds=timeout_seconds, max_photo_bytes=LIMIT)


def only_photo(client: SynologyClient) -> Photo:
    (album,) = client.list_albums()
    (photo,) = client.list_photos(album).photos
    return photo


def own_photo(client: SynologyClient) -> Photo:
    """A photo of the sample library that is not in the shared space."""
    listing = client.list_photos(client.list_albums()[0])
    return next(photo for photo in listing.photos if not photo.access)


class Listener:
    """A bare TCP server: each connection is given to a function on a thread of its own, and counted."""

    def __init__(self, serve: Callable[[socket.socket, int], None] | None = None) -> None:
        self.received: list[bytes] = []
        self._serve = serve or self._listen_only
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Listener:
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread that waits in accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._socket.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connection in self._connections:
            connection.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def connections(self) -> int:
        return len(self._connections)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._guarded, args=(connection, len(self._connections)))
            self._threads.append(thread)
            thread.start()

    def _guarded(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            self._serve(connection, number)

    def _listen_only(self, connection: socket.socket, number: int) -> None:
        while data := connection.recv(65536):
            self.received.append(data)


def read_request(connection: socket.socket) -> bytes:
    """One request, body included; b"" at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def error_chain(error: BaseException | None) -> list[BaseException]:
    """The error and everything it drags along, shown or not."""
    found: list[BaseException] = []
    queue = [error]
    while queue:
        current = queue.pop()
        if current is None or current in found:
            continue
        found.append(current)
        queue += [current.__cause__, current.__context__, getattr(current, "reason", None)]
        queue += [part for part in current.args if isinstance(part, BaseException)]
        queue = [part for part in queue if isinstance(part, BaseException)]
    return found


# Time


@pytest.mark.parametrize("header", [True, False], ids=["header", "body"])
def test_a_dripped_answer_ends_at_the_total_deadline(nas: FakeNas, header: bool) -> None:
    nas.fault(fakenas.drip(0.05, header=header))
    error = trouble(wire_to(nas.url, 0.4))  # which would be no error if it waited for each byte
    assert isinstance(error, NasTimeout)
    assert error.kind == "timeout"
    assert "0.4 seconds" in str(error)


def test_a_hanging_answer_ends_at_the_total_deadline(nas: FakeNas) -> None:
    nas.fault(fakenas.hang())
    started_at = time.monotonic()
    assert isinstance(trouble(wire_to(nas.url, 0.3)), NasTimeout)
    assert 0.25 < time.monotonic() - started_at < 10


def test_a_retry_gets_only_what_is_left_of_the_time(nas: FakeNas) -> None:
    nas.fault(fakenas.delay(1.2))
    nas.fault(fakenas.reset(100), times=1)
    nas.fault(fakenas.hang())
    started_at = time.monotonic()
    assert isinstance(trouble(wire_to(nas.url, 2.0)), NasTimeout)
    assert time.monotonic() - started_at < 3.0  # and not 3.2
    assert len(nas.calls) == 2


def test_a_connection_that_went_silent_costs_one_time_out_and_the_next_call_gets_a_fresh_one() -> None:
    def serve(connection: socket.socket, number: int) -> None:
        assert read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        # As after a power cut: the connection stands, and nothing comes any more.
        while connection.recv(65536):
            pass

    with Listener(serve) as half_open:
        wire = wire_to(f"http://{half_open.address}", 1.0)
        assert ask(wire).body == b"{}"
        assert isinstance(trouble(wire), NasTimeout)
        assert half_open.connections == 1
        assert ask(wire).body == b"{}"
        assert half_open.connections == 2


# Size


def test_an_announced_length_over_the_limit_is_refused_before_the_body_is_read(nas: FakeNas) -> None:
    nas.fault(fakenas.bytes_body(b"x", headers={"Content-Length": str(LIMIT + 1)}))
    told: list[int] = []
    error = trouble(wire_to(nas.url), room=told.append)
    assert (type(error), error.kind) == (NasBadAnswer, "too_big")
    assert told == []


def test_an_answer_of_exactly_the_limit_is_taken(nas: FakeNas) -> None:
    nas.fault(fakenas.bytes_body(b"x" * LIMIT))
    assert len(ask(wire_to(nas.url)).body) == LIMIT


def test_an_endless_answer_is_given_up_at_the_limit(nas: FakeNas) -> None:
    nas.fault(fakenas.endless())
    told: list[int] = []
    error = trouble(wire_to(nas.url), room=told.append)
    assert error.kind == "too_big"
    assert told
    assert max(told) <= LIMIT


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: ",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 ",
        b"",
    ],
    ids=["chunk size", "trailer", "header line", "status line", "nothing"],
)
def test_a_line_without_end_is_given_up_long_before_it_fills_the_memory(start: bytes) -> None:
    sent = [0]

    def serve(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(start)
        while sent[0] < 200_000_000:
            sent[0] += connection.send(b"0" * 65536)

    with Listener(serve) as endless:
        error = trouble(wire_to(f"http://{endless.address}", 5.0))
        assert error.kind in ("protocol", "truncated", "too_big")
    # What the kernels hold between the two is counted, too.
    assert sent[0] < 30_000_000


def test_an_endless_number_of_headers_is_refused() -> None:
    def serve(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-Header: value\r\n" * 100)

    with Listener(serve) as endless:
        assert trouble(wire_to(f"http://{endless.address}")).kind == "protocol"


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/json"])
def test_a_compressed_answer_is_refused_unread(nas: FakeNas, content_type: str) -> None:
    nas.fault(fakenas.gzip_bomb(1, content_type))
    error = trouble(wire_to(nas.url))
    assert (type(error), error.kind) == (NasBadAnswer, "encoding")
    assert nas.calls[0].headers["Accept-Encoding"] == "identity"


# Cut answers


@pytest.fixture
def small_nas() -> Iterator[FakeNas]:
    """One photo, whose reply has about a thousand bytes."""
    with canary_nas(library=Library.synthetic(1, photo_bytes=500)) as nas:
        yield nas


def length_on_the_wire(nas: FakeNas, client: SynologyClient, photo: Photo) -> int:
    """How many bytes the reply with the picture has, headers included."""
    lengths: list[int] = []

    async def measure(exchange: Any) -> None:
        lengths.append(len(exchange.reply.head() + exchange.reply.framed_body()))

    measuring = nas.fault(Fault(measure))
    client.fetch(photo)
    measuring.remove()
    return lengths[0]


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_a_reply_cut_at_any_byte_gives_the_whole_picture_or_an_error(small_nas: FakeNas, chunked: bool) -> None:
    client = client_to(small_nas)
    photo = only_photo(client)
    picture = small_nas.library.units[photo.unit_id].data("xl")
    small_nas.chunked = chunked
    length = length_on_the_wire(small_nas, client, photo)
    assert 700 < length < 2000
    outcomes: dict[int, str] = {}
    # All cuts of the header are tried with the announced length; but for one line it is the same.
    for offset in range(length - len(picture) - 20 if chunked else 0, length + 1):
        cutting = small_nas.fault(fakenas.cut(offset))
        try:
            assert client.fetch(photo) == picture
            outcomes[offset] = "whole"
        except NasError as error:
            outcomes[offset] = error.kind
        cutting.remove()
    assert outcomes.pop(length) == "whole"
    status_line = {outcomes.pop(offset, "reset") for offset in range(12)}
    assert status_line <= {"reset", "protocol"}
    # The last chunk may end where the connection does: the picture is whole then.
    assert [offset for offset, outcome in outcomes.items() if outcome == "whole" and offset < length - 4] == []
    assert set(outcomes.values()) - ({"whole"} if chunked else set()) == {"truncated"}


def test_a_reply_cut_once_at_any_byte_is_healed_by_the_retry(small_nas: FakeNas) -> None:
    client = client_to(small_nas)
    photo = only_photo(client)
    picture = small_nas.library.units[photo.unit_id].data("xl")
    length = length_on_the_wire(small_nas, client, photo)
    unhealed: list[int] = []
    for offset in range(0, length, 7):
        cutting = small_nas.fault(fakenas.cut(offset), times=1)
        try:
            assert client.fetch(photo) == picture
        except NasError:
            unhealed.append(offset)
        assert cutting.hits == 1
        cutting.remove()
    assert unhealed == []


@pytest.mark.parametrize("missing", [1, 2, 300, 490])
def test_a_close_delimited_picture_counts_only_with_its_end_marker(small_nas: FakeNas, missing: int) -> None:
    client = client_to(small_nas)
    photo = only_photo(client)
    picture = small_nas.library.units[photo.unit_id].data("xl")
    whole = small_nas.fault(fakenas.close_delimited())
    assert client.fetch(photo) == picture
    whole.remove()
    small_nas.fault(fakenas.close_delimited(len(picture) - missing))
    with pytest.raises(NasBadAnswer) as caught:
        client.fetch(photo)
    assert caught.value.kind in ("not_jpeg", "truncated")


def test_a_body_longer_than_announced_gives_the_announced_bytes(nas: FakeNas) -> None:
    nas.fault(fakenas.bytes_body(b"abcdef", headers={"Content-Length": "3"}))
    assert ask(wire_to(nas.url)).body == b"abc"


# Connections that die


def test_the_keep_alive_race_is_retried_once_on_a_fresh_connection(nas: FakeNas) -> None:
    nas.fault(fakenas.close_on_reuse())
    wire = wire_to(nas.url)
    ask(wire)
    assert ask(wire).found
    ports = [call.peer_port for call in nas.calls]
    assert len(ports) == 3
    assert ports[0] == ports[1] != ports[2]


def test_the_retry_does_not_take_another_stale_connection(nas: FakeNas) -> None:
    wire = wire_to(nas.url)
    go = threading.Event()
    held = nas.fault(fakenas.hold(go))
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(ask, wire) for _ in range(3)]
        wait_until(lambda: nas.answering == 3)
        go.set()
        assert all(answer.result(PATIENCE_SECONDS).found for answer in answers)
    held.remove()
    nas.fault(fakenas.close_on_reuse())
    assert ask(wire).found


def test_a_login_is_never_sent_twice(nas: FakeNas) -> None:
    nas.fault(fakenas.reset(), api="SYNO.API.Auth")
    with pytest.raises(NasUnreachable):
        client_to(nas).login()
    assert nas.count("SYNO.API.Auth", "login") == 1


@pytest.mark.parametrize(("length", "kind"), [(0, "reset"), (1000, "truncated")])
def test_a_reset_is_retried_once_and_then_told(nas: FakeNas, length: int, kind: str) -> None:
    once = nas.fault(fakenas.reset(length), times=1)
    assert ask(wire_to(nas.url)).found
    assert (once.hits, len(nas.calls)) == (1, 2)
    nas.fault(fakenas.reset(length))
    assert trouble(wire_to(nas.url)).kind in (kind, "reset")
    assert len(nas.calls) == 4
    assert trouble(wire_to(nas.url), retry=False).kind in (kind, "reset")
    assert len(nas.calls) == 5


def test_a_refused_connection_is_told_at_once() -> None:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        error = trouble(wire_to(url))
    assert (type(error), error.kind) == (NasUnreachable, "refused")
    assert url in str(error)
    assert "--port" in error.next_step


def test_a_host_that_is_dark_is_away_and_not_slow() -> None:
    with dark_port() as port:
        started_at = time.monotonic()
        error = trouble(wire_to(f"http://127.0.0.1:{port}", 0.4))
        assert time.monotonic() - started_at < CONNECT_SECONDS
    assert isinstance(error, NasUnreachable)
    # A time-out may be the fault of the one photo that was asked for; this one cannot.
    assert not isinstance(error, NasTimeout)
    assert error.kind == "unreachable"


@pytest.mark.parametrize("host", ["nas.invalid", "a" * 64, "xn--.invalid"])
def test_a_name_that_does_not_resolve_is_named(host: str) -> None:
    error = trouble(wire_to(f"http://{host}:5000"))
    assert (type(error), error.kind) == (NasUnreachable, "dns")
    assert host in str(error)
    assert "--url" in error.next_step


@pytest.mark.parametrize(
    "greeting",
    [b"SSH-2.0-x\r\n", b"220 ftp ready\r\n", b"\0" * 4000, b"HTTP/1.1 2\r\n"],
    ids=["ssh", "ftp", "zeros", "short status"],
)
def test_what_does_not_speak_http_is_told_apart(nas: FakeNas, greeting: bytes) -> None:
    nas.fault(fakenas.raw(greeting))
    error = trouble(wire_to(nas.url))
    assert (type(error), error.kind) == (NasBadAnswer, "protocol")
    assert "--port" in error.next_step


@pytest.mark.parametrize("api", ["SYNO.API.Info", "SYNO.API.Auth"])
def test_a_page_of_html_is_no_nas(nas: FakeNas, api: str) -> None:
    nas.fault(fakenas.html(), api=api)
    with pytest.raises(NasBadAnswer) as caught:
        client_to(nas).login()
    assert caught.value.kind == "not_dsm"


# Statuses


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_nas_is_unreachable(nas: FakeNas, status: int) -> None:
    nas.fault(fakenas.status(status))
    error = trouble(wire_to(nas.url))
    assert (type(error), error.kind) == (NasUnreachable, f"http_{status}")
    assert error.retry_after_seconds is None


@pytest.mark.parametrize("status", [204, 206, 400, 401, 403, 410])
def test_any_other_status_is_a_bad_answer(nas: FakeNas, status: int) -> None:
    nas.fault(fakenas.status(status))
    error = trouble(wire_to(nas.url))
    assert (type(error), error.kind) == (NasBadAnswer, f"http_{status}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("0", 1), ("99999999", 300), ("9" * 400, 300), ("-1", None), ("1.5", None), ("soon", None), ("", None)],
)
def test_the_wait_that_a_nas_asks_for_is_clamped(nas: FakeNas, text: str, seconds: float | None) -> None:
    nas.fault(fakenas.status(503, headers={"Retry-After": text}))
    assert trouble(wire_to(nas.url)).retry_after_seconds == seconds


# Redirects


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_and_names_the_address(nas: FakeNas, code: int) -> None:
    with Listener() as elsewhere:
        address = elsewhere.address
        nas.fault(fakenas.redirect(f"http://{address}/webapi/entry.cgi?api=x", code), api="SYNO.API.Auth")
        with pytest.raises(NasBadAnswer) as caught:
            client_to(nas).login()
        # A connection made behind our back would be there by the time this one is.
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as last:
            last.sendall(b"end")
            wait_until(lambda: elsewhere.received == [b"end"], told=lambda: elsewhere.received)
        assert elsewhere.connections == 1
    assert caught.value.kind == "redirect"
    assert caught.value.next_step.endswith(f"--url http://{address}")
    assert nas.count("SYNO.API.Auth") == 1


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_the_body_of_a_redirect_is_not_read(encoding: str) -> None:
    sent = [0]

    def serve(connection: socket.socket, number: int) -> None:
        read_request(connection)
        head = "HTTP/1.1 302 Found\r\nLocation: http://nas.example/\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(f"{head}Content-Encoding: {encoding}\r\n\r\n".encode())
        while sent[0] < 200_000_000:
            sent[0] += connection.send(b"8000\r\n" + b"0" * 32768 + b"\r\n")

    with Listener(serve) as endless:
        assert trouble(wire_to(f"http://{endless.address}")).kind in ("redirect", "encoding")
    assert sent[0] < 30_000_000


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://nas.example/", "https://nas.example:443"),
        ("https://nas.example:5001/", "https://nas.example:5001"),
        ("https://nas.example/photo/webapi/query.cgi?a=b", "https://nas.example:443/photo"),
        ("https://user:canary-pass@nas.example/", "https://nas.example:443"),
        ("https://[fe80::1]/webapi/query.cgi", "https://[fe80::1]:443"),
        ("https://nas.example/photo/", "https://nas.example:443"),
    ],
)
def test_a_redirect_tells_the_option_that_cures_it(nas: FakeNas, location: str, url: str) -> None:
    nas.fault(fakenas.redirect(location))
    error = trouble(wire_to(nas.url))
    assert error.next_step.endswith(f"--url {url}")
    assert not leaks(error.sentence)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/elsewhere",
        "ftp://nas.example/",
        "http://[::1",
        "http://na;s/",
        "http://nas:99999/",
        "http://ä/",
        "http://me.quickconnect.to/",
    ],
)
def test_a_redirect_to_nowhere_in_particular_is_told_without_it(nas: FakeNas, location: str) -> None:
    nas.fault(fakenas.redirect(quote(location, safe="/:[;")))
    error = trouble(wire_to(nas.url))
    assert error.kind == "redirect"
    assert error.next_step == "Correct the address in --url: it has to be the NAS's final one."


# The machine around


def test_proxies_and_netrc_of_the_machine_change_nothing(
    nas: FakeNas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Listener() as proxy:
        (tmp_path / ".netrc").write_text("default login mallory password stolen\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.address}")
            monkeypatch.setenv(name.lower(), f"http://{proxy.address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        client = client_to(nas)
        client.fetch(own_photo(client))
        assert proxy.connections == 0
    assert {"SYNO.API.Auth", "SYNO.Foto.Thumbnail"} <= {call.api for call in nas.calls}
    assert [call for call in nas.calls if "Authorization" in call.headers] == []
    assert base64.b64encode(b"mallory:stolen").decode() not in repr([dict(call.headers) for call in nas.calls])


def test_no_cookie_of_the_nas_is_kept(nas: FakeNas) -> None:
    nas.fault(fakenas.status(200, "{}", {"Set-Cookie": "id=other; path=/"}), times=1)
    wire = wire_to(nas.url)
    ask(wire)
    ask(wire)
    assert "Cookie" not in nas.calls[1].headers


# Secrets


FAULTS: dict[str, Callable[[], Fault]] = {
    "reset": fakenas.reset,
    "reset in the body": lambda: fakenas.reset(400),
    "hang": fakenas.hang,
    "cut": lambda: fakenas.cut(100),
    "redirect": lambda: fakenas.redirect(f"http://mallory.example/?passwd={quote(CANARY_PASSWORD)}"),
    "status": lambda: fakenas.status(500, CANARY_PASSWORD),
    "html": fakenas.html,
    "garbage": lambda: fakenas.raw(b"\0garbage"),
    "echo": lambda: fakenas.json_body({"success": False, "error": {"code": 400, "errors": CANARY_PASSWORD}}),
    "bad session": lambda: fakenas.json_body({"success": True, "data": {"sid": f"{CANARIES[1]} x", "synotoken": 5}}),
    "busy": lambda: fakenas.error(498),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("api", ["SYNO.API.Auth", "SYNO.Foto.Browse.Album", "SYNO.Foto.Thumbnail"])
def test_no_error_holds_a_secret_in_any_of_its_texts(nas: FakeNas, api: str, name: str) -> None:
    client = client_to(nas, 0.3)
    photo = None
    if api == "SYNO.Foto.Thumbnail":
        photo = own_photo(client_to(nas))
    nas.fault(FAULTS[name](), api=api)
    with pytest.raises(NasError) as caught:
        client.fetch(photo) if photo else client.list_albums()
    error = caught.value
    texts = [error.sentence, error.kind, "".join(traceback.format_exception(error)), repr(client), repr(vars(client))]
    for link in error_chain(error):
        texts += [str(link), repr(link), repr(link.args)]
    assert not leaks("\n".join(texts))
    assert quote(CANARY_PASSWORD) not in "\n".join(texts)


# TLS


LOCAL = Certificate(names=("localhost", "127.0.0.1"))


@pytest.fixture
def encrypted() -> Iterator[FakeNas]:
    """A NAS whose certificate fits its address."""
    with canary_nas(tls=LOCAL) as nas:
        yield nas


@pytest.fixture
def pem(encrypted: FakeNas, tmp_path: Path) -> Path:
    path = tmp_path / "nas.pem"
    path.write_text(encrypted.certificate)
    return path


def test_a_certificate_that_nobody_vouches_for_is_told_with_the_way_out(encrypted: FakeNas) -> None:
    error = trouble(wire_to(encrypted.url))
    assert (type(error), error.kind) == (NasUnreachable, "tls")
    assert "self-signed" in str(error)
    assert "--tls-fingerprint" in error.next_step
    assert "--check" in error.next_step
    assert "--insecure" not in error.next_step
    assert encrypted.calls == []


@pytest.mark.parametrize("issuer", ["", "Synology Inc. CA"])
def test_a_certificate_given_as_ca_file_is_trusted_whoever_signed_it(issuer: str, tmp_path: Path) -> None:
    with FakeNas(tls=replace(LOCAL, issuer=issuer)) as nas:
        assert trouble(wire_to(nas.url)).kind == "tls"
        (tmp_path / "nas.pem").write_text(nas.certificate)
        assert ask(wire_to(nas.url, ca_file=tmp_path / "nas.pem")).found
        assert len(nas.calls) == 1


def test_a_trusted_certificate_for_another_name_is_refused(encrypted: FakeNas, pem: Path) -> None:
    # The same address by another number: it connects, and the certificate does not name it.
    error = trouble(wire_to(encrypted.url.replace("127.0.0.1", "[::ffff:127.0.0.1]"), ca_file=pem))
    assert error.kind == "tls"
    assert "is for another name than ::ffff:127.0.0.1." in str(error)
    assert "--tls-fingerprint" in error.next_step
    assert encrypted.calls == []


def test_insecure_trusts_any_certificate(encrypted: FakeNas) -> None:
    assert ask(wire_to(encrypted.url, insecure=True)).found


@pytest.mark.parametrize("header", [True, False], ids=["header", "body"])
def test_the_total_deadline_holds_for_encrypted_answers(encrypted: FakeNas, pem: Path, header: bool) -> None:
    encrypted.fault(fakenas.drip(0.05, header=header))
    assert isinstance(trouble(wire_to(encrypted.url, 0.5, ca_file=pem)), NasTimeout)


def test_an_encrypted_answer_that_is_cut_is_an_error(encrypted: FakeNas, pem: Path) -> None:
    encrypted.fault(fakenas.cut(500))
    assert trouble(wire_to(encrypted.url, ca_file=pem)).kind in ("truncated", "tls")
    assert len(encrypted.calls) == 2


@pytest.mark.parametrize("year", [2020, 2099])
def test_a_certificate_out_of_its_time_is_told_as_such(year: int, tmp_path: Path) -> None:
    with FakeNas(tls=replace(LOCAL, valid_from=datetime(year, 1, 1, tzinfo=UTC))) as nas:
        (tmp_path / "nas.pem").write_text(nas.certificate)
        error = trouble(wire_to(nas.url, ca_file=tmp_path / "nas.pem"))
    assert error.kind == "tls"
    assert ("has expired." if year == 2020 else "is not valid yet.") in str(error)
    assert ("clock" in error.next_step) == (year == 2099)
    assert ("Renew it" in error.next_step) == (year == 2020)


@pytest.mark.parametrize(
    "certificate",
    [Certificate(), Certificate(valid_from=datetime(2020, 1, 1, tzinfo=UTC))],
    ids=["another name", "expired"],
)
def test_the_pinned_certificate_is_trusted_whatever_it_says(certificate: Certificate) -> None:
    with FakeNas(tls=certificate) as nas:
        assert ask(wire_to(nas.url, fingerprint=nas.fingerprint)).found


@pytest.mark.parametrize("era", ["1.3", "1.9"])
def test_photos_come_from_a_pinned_nas_with_an_alias(era: str) -> None:
    with canary_nas(tls=True, alias="photo", alias_only=True, era=era) as nas:
        wire = wire_to(f"{nas.url}/photo", fingerprint=nas.fingerprint)
        client = SynologyClient(
            wire,
            Account(nas.username, lambda: Secret(nas.password), lambda text: None),
            hide=lambda text: None,
            max_photo_bytes=LIMIT,
        )
        assert client.fetch(own_photo(client)).startswith(b"\xff\xd8\xff")


def test_another_certificate_than_the_pinned_one_gets_nothing() -> None:
    context, text = Certificate().make()
    received: list[bytes] = []

    def serve(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
            received.append(encrypted.recv(65536))

    expected = Certificate().make()[1]
    with Listener(serve) as impostor:
        error = trouble(wire_to(f"https://{impostor.address}", fingerprint=certificate.fingerprint(expected)))
    assert (type(error), error.kind) == (NasBadAnswer, "tls_changed")
    assert f"it has {certificate.fingerprint(text)}, and expected was {certificate.fingerprint(expected)}" in str(error)
    assert received in ([], [b""])


def test_a_pin_holds_for_every_connection() -> None:
    with FakeNas(tls=True) as nas:
        wire = wire_to(nas.url, fingerprint=nas.fingerprint)
        ask(wire)
        nas.stop()
        with FakeNas(nas.port, tls=True) as impostor:
            assert trouble(wire).kind == "tls_changed"
            assert impostor.calls == []
        nas.start()
        assert ask(wire).found


# Addresses that requests rewrites before it looks for the adapter that is to send it.
REWRITTEN = ["/./photo", "/%70hoto", "/photö", "/x/../photo"]


@pytest.mark.parametrize("path", REWRITTEN)
def test_a_pin_holds_however_the_address_is_written(path: str) -> None:
    with canary_nas(tls=True, alias="photo") as nas:
        for url in (nas.url, nas.url.replace("https:", "HTTPS:"), nas.url.replace("1:", "1:0")):
            assert trouble(wire_to(url + path, fingerprint="AB:" * 31 + "AB")).kind == "tls_changed"
        assert nas.calls == []


@pytest.mark.parametrize("path", REWRITTEN)
def test_the_total_deadline_holds_however_the_address_is_written(nas: FakeNas, path: str) -> None:
    nas.fault(fakenas.drip(0.05))
    assert trouble(wire_to(nas.url + path, 0.3)).kind == "timeout"


@pytest.mark.parametrize("fingerprint", ["", "AB:" * 31 + "AB"])
def test_https_on_a_port_that_speaks_http_is_told(nas: FakeNas, fingerprint: str) -> None:
    error = trouble(wire_to(nas.url.replace("http:", "https:") + "/photo", fingerprint=fingerprint))
    assert (type(error), error.kind) == (NasBadAnswer, "http_port")
    assert error.next_step.startswith("Check the port (--url and --port): DSM usually has 5001 for https.")
    assert "http:" not in error.next_step


def test_http_on_a_port_that_speaks_https_is_told(encrypted: FakeNas) -> None:
    error = trouble(wire_to(encrypted.url.replace("https:", "http:") + "/photo"))
    assert (type(error), error.kind) == (NasBadAnswer, "tls_port")
    assert error.next_step.endswith(f"--url {encrypted.url}/photo")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 48\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\nYou're speaking plain HTTP to an SSL-enabled server port.",
    ],
    ids=["alert", "Go", "Apache"],
)
def test_other_servers_words_for_it_are_known(nas: FakeNas, answer: bytes) -> None:
    nas.fault(fakenas.raw(answer))
    assert trouble(wire_to(nas.url)).kind == "tls_port"
    assert len(nas.calls) == 1


def test_a_port_that_hangs_up_on_a_tls_hello_is_told() -> None:
    with Listener(lambda connection, number: connection.close()) as rude:
        error = trouble(wire_to(f"https://{rude.address}"))
    assert (type(error), error.kind) in ((NasUnreachable, "tls"), (NasUnreachable, "reset"))
