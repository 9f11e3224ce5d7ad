"""The certificate that is served: loaded or refused with the cause, and spoken over a real socket."""

from __future__ import annotations

import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from conftest import CANARY_ACCESS, PATIENCE_SECONDS, Running, canary_nas, settings_for
from outside import Process, connect, read_to_end
from served import NAME, trusting, write_certificate

from photosync.fakenas import FakeNas
from photosync.guard import Access
from photosync.settings import Secret
from photosync.tls import load_tls, stamp


def refusal(cert: Path, key: Path) -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # its text is the test's subject
        load_tls(cert, key)
    return str(refused.value)


def test_a_certificate_and_its_key_are_fine(tmp_path: Path) -> None:
    assert load_tls(*write_certificate(tmp_path)).warning == ""


def test_one_that_an_authority_has_signed_is_fine_too(tmp_path: Path) -> None:
    assert load_tls(*write_certificate(tmp_path, issuer="An authority")).warning == ""


def test_a_chain_begins_with_the_own_certificate(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    other, _ = write_certificate(tmp_path, "other", issuer="An authority")
    own, foreign = cert.read_text(), other.read_text()
    cert.write_text("a comment\n" + own + foreign)
    assert load_tls(cert, key).warning == ""
    cert.write_text(foreign + own)
    assert "does not belong to the certificate" in refusal(cert, key)


def test_files_that_cannot_be_used_are_refused_with_the_cause(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    _, other_key = write_certificate(tmp_path, "other", issuer="An authority")
    empty, missing = tmp_path / "empty", tmp_path / "missing"
    empty.touch()
    assert refusal(missing, key) == f"'{missing}' cannot be read (No such file or directory)."
    assert refusal(cert, missing) == f"'{missing}' cannot be read (No such file or directory)."
    assert refusal(cert, Path("nul\0byte")).endswith("cannot be read (embedded null byte).")
    assert refusal(empty, key) == f"'{empty}' holds no PEM certificate."
    assert refusal(cert, empty) == f"'{empty}' holds no PEM private key."
    assert refusal(key, cert) == f"'{key}' holds no PEM certificate."
    assert refusal(cert, other_key) == f"the key in '{other_key}' does not belong to the certificate in '{cert}'."
    text = cert.read_text()
    cert.write_text(text[:200] + "\n-----END CERTIFICATE-----\n")
    assert refusal(cert, key).startswith(f"'{cert}' and '{key}' cannot be used (")
    cert.write_text(text[:200])
    assert refusal(cert, key).startswith(f"'{cert}' and '{key}' cannot be used (")


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    locked = tmp_path / "locked.pem"
    command = ["openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    assert refusal(cert, locked) == f"'{locked}' is encrypted. Decrypt it: openssl pkey -in {locked} -out FILE"


def test_one_out_of_its_time_is_fine_with_a_warning(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    past, future = now - timedelta(days=9), now + timedelta(days=9)
    ended = load_tls(*write_certificate(tmp_path, valid_from=past - timedelta(days=9), valid_until=past))
    assert f"ended on {past:%Y-%m-%d}: clients refuse it" in ended.warning
    to_come = load_tls(*write_certificate(tmp_path, valid_from=future, valid_until=future + timedelta(days=9)))
    assert f"not valid before {future:%Y-%m-%d}: clients refuse it" in to_come.warning


def test_the_stamp_differs_once_a_file_has_changed(tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    before = stamp(*files)
    assert stamp(*files) == before
    files[1].write_text(files[1].read_text() + "\n")
    assert stamp(*files) != before


# served


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def service(files: tuple[Path, Path]) -> Iterator[Running]:
    access = Access(token=Secret(CANARY_ACCESS))
    with canary_nas() as nas, Running(settings_for(nas, tls_cert=files[0], tls_key=files[1], access=access)) as running:
        yield running


def speak(port: int, context: ssl.SSLContext) -> bytes:
    with connect(port) as plain, context.wrap_socket(plain, server_hostname=NAME) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: pi.local\r\nConnection: close\r\n\r\n")
        return read_to_end(connection)


def test_everything_is_served_by_https(service: Running, files: tuple[Path, Path]) -> None:
    url = f"https://127.0.0.1:{service.service.port}"
    with requests.Session() as browser:
        browser.trust_env = False
        browser.verify = str(files[0])
        assert browser.get(f"{url}/files", timeout=60).status_code == 401
        entered = browser.get(f"{url}/?token={CANARY_ACCESS}", timeout=60)
        assert (entered.status_code, entered.url) == (200, f"{url}/")
        assert entered.history[0].headers["Set-Cookie"].lower().count("; secure") == 1
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := browser.get(f"{url}/files", timeout=60)).status_code != 200:
            assert time.monotonic() < deadline
        assert answer.content.startswith(b"\xff\xd8\xff")
        assert browser.get(url + answer.headers["Content-Location"], timeout=60).content == answer.content


def test_no_window_that_opened_the_page_can_reach_into_it(service: Running, files: tuple[Path, Path]) -> None:
    url, token = f"https://127.0.0.1:{service.service.port}", {"Authorization": f"Bearer {CANARY_ACCESS}"}
    page = service.session.get(f"{url}/", verify=str(files[0]), headers=token, timeout=20)
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert (
        "Cross-Origin-Opener-Policy"
        not in service.session.get(f"{url}/healthz", verify=str(files[0]), timeout=20).headers
    )


def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(service: Running, files: tuple[Path, Path]) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting(files[0])
        context.minimum_version = context.maximum_version = version
        assert b'{"status":"ok"}' in speak(service.service.port, context)
    assert service.service.server.ssl_options.minimum_version == ssl.TLSVersion.TLSv1_2  # type: ignore[union-attr]


def test_who_speaks_something_else_is_let_go_and_fills_no_log(
    nas: FakeNas, files: tuple[Path, Path], tmp_path: Path
) -> None:
    token = tmp_path / "access-token"
    token.write_text(CANARY_ACCESS)
    token.chmod(0o600)
    options = ["--tls-cert", str(files[0]), "--tls-key", str(files[1]), "--access-token-file", str(token)]
    stranger = ssl.create_default_context()
    with Process(nas.url, tmp_path / "home", *options, "--base-path=/frames") as process:
        url = process.stdout.wait_for(rb"(https://localhost:(\d+)/frames)/files\n")
        port = int(url[2])
        for _ in range(3):
            with connect(port) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b"HTTP" not in read_to_end(plain)
            with pytest.raises(ssl.SSLCertVerificationError):
                speak(port, stranger)
        assert b'{"status":"ok"}' in speak(port, trusting(files[0]))
        process.signal()
        assert process.wait() == 0
        assert "SSL" not in "".join(process.log)
        assert any("Stopping." in line for line in process.log)


def test_half_a_handshake_is_let_go(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photosync.server._HEADER_SECONDS", 0.25)
    with canary_nas() as nas, Running(settings_for(nas, tls_cert=files[0], tls_key=files[1])) as running:
        for sent in (b"", b"\x16\x03\x01\x02\x00"):
            with connect(running.service.port) as client:
                client.sendall(sent)
                assert read_to_end(client) == b""


def test_a_slow_client_of_a_large_answer_gets_all_of_it(service: Running, files: tuple[Path, Path]) -> None:
    context = trusting(files[0])
    with (
        connect(service.service.port, receive_buffer=4096) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        connection.sendall(
            f"GET /files HTTP/1.0\r\nAuthorization: Bearer {CANARY_ACCESS}\r\nAccept: image/jpeg\r\n\r\n".encode()
        )
        answer = read_to_end(connection)
    header, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in header
