"""The ways in to the simulated NAS: https with its own certificate, path alias, portal port, redirect."""

from __future__ import annotations

import hashlib
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
import requests

from photosync import fakenas
from photosync.fakenas import Certificate, FakeNas

INFO = {"api": "SYNO.API.Info", "version": "1", "method": "query", "query": "SYNO.API.Auth"}
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
LOGIN = {"api": "SYNO.API.Auth", "version": "6", "method": "login", "account": "demo", "passwd": "demo"}


def get(url: str, fields: dict[str, str] | None = INFO, method: str = "GET", **options: Any) -> requests.Response:
    with requests.Session() as http:
        http.trust_env = False
        return http.request(method, url, params=fields, timeout=60, allow_redirects=False, **options)


def certificate_seen(nas: FakeNas, context: ssl.SSLContext) -> bytes:
    name = nas.host
    with (
        socket.create_connection((nas.host, nas.port), 5) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


def trusting(nas: FakeNas) -> ssl.SSLContext:
    """Trusts this certificate, whatever its name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=nas.certificate)
    return context


class TestHttps:
    def test_calls_are_answered_with_the_certificate_that_is_told(self, tmp_path: Path) -> None:
        with FakeNas(tls=Certificate(names=("nas.example", "127.0.0.1"))) as nas:
            pem = tmp_path / "nas.pem"
            pem.write_text(nas.certificate)
            assert nas.url == f"https://127.0.0.1:{nas.port}"
            assert get(f"{nas.url}/webapi/query.cgi", verify=str(pem)).json()["success"]
            seen = certificate_seen(nas, trusting(nas))
        assert hashlib.sha256(seen).hexdigest().upper() == nas.fingerprint.replace(":", "")

    def test_the_certificate_of_a_new_nas_fits_no_address(self) -> None:
        with FakeNas(tls=True) as nas:
            assert certificate_seen(nas, trusting(nas))
            context = trusting(nas)
            context.check_hostname = True
            with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
                certificate_seen(nas, context)

    @pytest.mark.parametrize(
        ("certificate", "trouble"),
        [
            (Certificate(valid_from=datetime(2020, 1, 1, tzinfo=UTC)), "certificate has expired"),
            (Certificate(valid_from=datetime(2099, 1, 1, tzinfo=UTC)), "certificate is not yet valid"),
        ],
    )
    def test_a_certificate_may_be_out_of_its_time(self, certificate: Certificate, trouble: str) -> None:
        with FakeNas(tls=certificate) as nas, pytest.raises(ssl.SSLCertVerificationError, match=trouble):
            certificate_seen(nas, trusting(nas))

    def test_a_certificate_may_be_signed_by_an_authority_that_nobody_knows(self) -> None:
        with FakeNas(tls=Certificate(issuer="Synology Inc. CA")) as nas:
            context = trusting(nas)
            with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
                certificate_seen(nas, context)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            assert certificate_seen(nas, context)

    def test_each_nas_has_a_certificate_of_its_own(self) -> None:
        assert FakeNas(tls=True).fingerprint != FakeNas(tls=True).fingerprint

    def test_without_the_openssl_program_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(RuntimeError, match="apt install openssl"):
            FakeNas(tls=True)

    def test_a_name_that_openssl_does_not_take_is_told(self) -> None:
        with pytest.raises(RuntimeError, match="openssl could not make a certificate"):
            FakeNas(tls=Certificate(names=("nas,other",)))

    def test_plain_http_is_told_so_as_nginx_does(self) -> None:
        with FakeNas(tls=True) as nas:
            answer = get(f"http://127.0.0.1:{nas.port}/webapi/query.cgi")
            assert answer.status_code == 400
            assert "The plain HTTP request was sent to HTTPS port" in answer.text
            assert nas.calls == []

    def test_a_tls_hello_at_the_plain_port_gets_a_page_in_plain(self) -> None:
        with FakeNas() as nas, socket.create_connection((nas.host, nas.port), 5) as connection:
            connection.sendall(b"\x16\x03\x01\x00\x05hello")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"<html>" in answer

    def test_faults_work_on_encrypted_connections(self) -> None:
        with FakeNas(tls=True) as nas:
            nas.fault(fakenas.raw(b"gibberish\r\n"))
            with pytest.raises(requests.ConnectionError):
                get(f"{nas.url}/webapi/query.cgi", verify=False)

    @pytest.mark.parametrize("tls", [False, True])
    def test_stopping_cuts_those_that_have_not_said_a_word(self, tls: bool) -> None:
        with FakeNas(tls=tls) as nas, socket.create_connection((nas.host, nas.port), 5) as silent:
            get(nas.url, verify=False)  # by then the silent one has been let in
            nas.stop()
            assert silent.recv(1) == b""

    def test_those_that_say_nothing_are_let_go(self) -> None:
        nas = FakeNas()
        nas.keep_alive_seconds = 0.05
        with nas, socket.create_connection((nas.host, nas.port), 5) as silent:
            assert silent.recv(1) == b""


@pytest.mark.parametrize("era", ["1.3", "1.9"])
class TestAlias:
    def test_photos_answers_below_the_alias_too(self, era: str) -> None:
        with FakeNas(alias="photo", era=era) as nas:
            for base in (nas.url, f"{nas.url}/photo"):
                for path in ("webapi/query.cgi", "webapi/entry.cgi", "webapi/entry.cgi/SYNO.API.Info"):
                    assert get(f"{base}/{path}").json()["success"]
            assert get(f"{nas.url}/photos/webapi/query.cgi").status_code == 404
            assert [call.path for call in nas.calls][3] == "/photo/webapi/query.cgi"

    def test_pictures_have_the_alias_as_well(self, era: str) -> None:
        with FakeNas(alias="photo", era=era) as nas:
            answer = get(f"{nas.url}/photo/synofoto/api/v2/p/Thumbnail/get", {"id": "1"})
            assert nas.calls[-1].api == "SYNO.Foto.Thumbnail"
        assert answer.status_code == (200 if era == "1.9" else 404)
        if era == "1.9":
            assert answer.json()["error"]["code"] == 119

    def test_without_one_there_is_a_page_of_html(self, era: str) -> None:
        with FakeNas(era=era) as nas:
            answer = get(f"{nas.url}/photo/webapi/query.cgi")
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")

    def test_where_there_is_the_alias_alone_the_root_is_a_page_of_html(self, era: str) -> None:
        with FakeNas(alias="photo", alias_only=True, era=era) as nas:
            assert get(f"{nas.url}/photo/webapi/query.cgi").json()["success"]
            for path in ("/", "/webapi/query.cgi"):
                answer = get(nas.url + path)
                assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("era", ["1.3", "1.9"])
@pytest.mark.parametrize("portal", [True, False])
def test_a_login_tells_whether_the_port_is_of_photos_alone(era: str, portal: bool) -> None:
    with FakeNas(portal=portal, era=era) as nas:
        assert get(f"{nas.url}/webapi/entry.cgi", LOGIN, "POST").json()["data"]["is_portal_port"] is portal


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_sends_everybody_to_the_other_port(method: str) -> None:
    with FakeNas(redirect_to="https://nas.example:5001") as nas:
        answer = get(f"{nas.url}/webapi/query.cgi", {"query": "all"}, method)
        assert answer.status_code == 301
        assert answer.headers["Location"] == "https://nas.example:5001/webapi/query.cgi?query=all"
        assert get(f"{nas.url}/", None, method).headers["Location"] == "https://nas.example:5001/"


@contextmanager
def program(*arguments: str) -> Iterator[IO[str]]:
    """What it prints, line by line; at the end it is asked to stop."""
    with subprocess.Popen(
        [sys.executable, "-m", "photosync.fakenas", *arguments], stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        try:
            yield started.stdout
        finally:
            started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0


class TestProgram:
    def test_it_tells_where_the_certificate_is(self) -> None:
        with program("--tls", "--alias", "photo", "--alias-only", "--portal") as lines:
            url = lines.readline().split()[-1]
            _, pem, _, fingerprint = lines.readline().split()
            pem = pem.rstrip(",")
            der = ssl.PEM_cert_to_DER_cert(Path(pem).read_text())
            assert fingerprint.replace(":", "").lower() == hashlib.sha256(der).hexdigest()
            assert get(f"{url}/photo/webapi/query.cgi", verify=False).json()["success"]
            assert get(f"{url}/webapi/query.cgi", verify=False).status_code == 404
            login = get(f"{url}/photo/webapi/entry.cgi", LOGIN, "POST", verify=False).json()
            assert login["data"]["is_portal_port"] is True
        assert not Path(pem).exists()

    def test_it_redirects(self) -> None:
        with program("--redirect-to", "https://nas.example:5001") as lines:
            url = lines.readline().split()[-1]
            assert get(f"{url}/", None).headers["Location"] == "https://nas.example:5001/"

    def test_without_openssl_it_ends_with_the_cause(self) -> None:
        ended = subprocess.run(
            [sys.executable, "-m", "photosync.fakenas", "--tls"], capture_output=True, text=True, env={"PATH": ""}
        )
        assert ended.returncode == 1
        assert "apt install openssl" in ended.stderr
        assert "Traceback" not in ended.stderr
