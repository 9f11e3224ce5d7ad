"""One HTTP exchange with the NAS, bounded in time and size; the only user of requests. Blocks: worker threads only."""

from __future__ import annotations

import errno
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.exceptions import ConnectTimeoutError, LocationValueError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from .errors import NasBadAnswer, NasError, NasTimeout, NasUnreachable
from .sockets import DeadlineAdapter, tls_context

CONNECT_SECONDS = 5.0
RETRY_AFTER_SECONDS = (1.0, 300.0)
_PERHAPS_HTTPS = "It is tried again. If that port is for https, write https:// in --url."
_CHUNK_BYTES = 256 * 1024
_NAME_TROUBLE = (NameResolutionError, socket.gaierror, LocationValueError, requests.exceptions.InvalidURL)

Room = Callable[[int], None]
"""Told at every piece how many bytes an answer takes in all, as far as that is known; raises to give it up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer with status 200 (or 404: `found` is False and the body was not read)."""

    content_type: str
    body: bytes
    announced: bool
    found: bool = True


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None, or else requests reads the whole body of a redirect, however large, that nobody follows."""
        return None


class Wire:
    """A keep-alive connection pool to one address. Threads may share it.

    Nothing on the machine changes a call (`.netrc`, proxy variables), no redirect is followed and no cookie
    is kept. `timeout_seconds` is the time for one exchange in total, connecting and retrying included.
    """

    def __init__(self, base_url: str, timeout_seconds: float, ca_file: Path | None, insecure: bool) -> None:
        self.base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers = {"Accept-Encoding": "identity", "User-Agent": "photos-sync"}
        self._session.mount(
            base_url, DeadlineAdapter(tls_context(ca_file, insecure) if base_url.startswith("https:") else None)
        )
        self._verify: bool | str = False if insecure else (str(ca_file) if ca_file else True)
        if insecure:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def exchange(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str],
        *,
        headers: Mapping[str, str],
        limit_bytes: int,
        room: Room | None = None,
        retry: bool = True,
    ) -> Answer:
        """Sends the fields (GET: in the query, POST: in the body) and reads the answer to its last byte.

        A kept-alive connection that dies under the call, and an answer cut short, are tried once more on a
        fresh connection unless `retry` is off. Raises NasUnreachable, NasTimeout or NasBadAnswer.
        """
        deadline = time.monotonic() + self._timeout_seconds
        arguments = {"params" if method == "GET" else "data": fields, "headers": headers}
        try:
            return self._once(method, path, arguments, deadline, limit_bytes, room)
        except NasError as error:
            if not retry or error.kind not in ("reset", "truncated", "protocol"):
                raise
        return self._once(method, path, arguments, deadline, limit_bytes, room)

    def _once(
        self,
        method: str,
        path: str,
        arguments: Mapping[str, Any],
        deadline: float,
        limit_bytes: int,
        room: Room | None,
    ) -> Answer:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise self._too_slow()
        try:
            with self._session.request(
                method,
                f"{self.base_url}/{path}",
                **arguments,
                timeout=Timeout(total=remaining, connect=min(CONNECT_SECONDS, remaining)),  # type: ignore[arg-type]
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(response, limit_bytes, room)
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            # Their texts hold the address with its query, so only their kinds are told.
            raise self._translate(error) from None

    def _read(self, response: requests.Response, limit_bytes: int, room: Room | None) -> Answer:
        _check_status(response, self.base_url)
        if response.status_code == 404:
            return Answer("", b"", announced=False, found=False)
        length = _content_length(response)
        if length is not None:
            _check_size(length, limit_bytes)
            if room is not None:
                room(length)
        body = io.BytesIO()
        try:
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
                body.write(chunk)
                _check_size(body.tell(), limit_bytes)
                if room is not None:
                    room(length or body.tell())
        except urllib3.exceptions.ProtocolError:
            raise _truncated() from None
        # A connection cut inside the header looks like a complete, empty answer.
        if body.tell() == 0 or (length is not None and body.tell() != length):
            raise _truncated()
        announced = length is not None or response.raw.chunked
        return Answer(response.headers.get("Content-Type", "").lower(), body.getvalue(), announced)

    def _translate(self, error: Exception) -> NasError:
        causes = list(_chain(error))
        for cause in causes:
            if isinstance(cause, _NAME_TROUBLE):
                host = urlsplit(self.base_url).hostname
                return NasUnreachable(
                    "dns",
                    f"The name {host} does not resolve to an address.",
                    "Check the spelling in --url, or use the NAS's IP address.",
                )
            if isinstance(cause, ssl.SSLError):
                return self._tls_trouble(cause)
        for cause in causes:
            number = getattr(cause, "errno", None)
            if number == errno.ECONNREFUSED:
                return NasUnreachable(
                    "refused",
                    f"Nothing answers at {self.base_url} (connection refused).",
                    "Check the NAS's address and port (--url, --port) and that it is on.",
                )
            if number in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN):
                return NasUnreachable(
                    "unreachable",
                    f"There is no way to {self.base_url} in the network.",
                    "Check that the NAS is on and that both are in one network.",
                )
        # To urllib3 a connection that could not be made is a time-out, whatever the reason.
        waits = [cause for cause in causes if not isinstance(cause, NewConnectionError)]
        if any(isinstance(cause, ConnectTimeoutError) for cause in waits):
            return NasUnreachable(
                "unreachable",
                f"Nothing answers at {self.base_url}, not even to refuse.",
                "Check that the NAS is on, and its address and port (--url, --port).",
            )
        if any(isinstance(cause, (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)) for cause in waits):
            return self._too_slow()
        return _broken_connection(causes, self.base_url)

    def _too_slow(self) -> NasTimeout:
        return NasTimeout(
            "timeout",
            f"The NAS at {self.base_url} did not answer completely within {self._timeout_seconds:g} seconds.",
            "Check that it is on and not overloaded, and that --port fits to http or https in --url; "
            "a larger --timeout gives it more time.",
        )

    def _tls_trouble(self, error: ssl.SSLError) -> NasError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return NasUnreachable(
                "tls",
                f"The certificate of {self.base_url} cannot be trusted ({error.verify_message}).",
                "Give its certificate with --ca-file, or turn the check off with --insecure.",
            )
        return NasUnreachable(
            "tls",
            f"No encrypted connection with {self.base_url} could be made ({error.reason or 'TLS error'}).",
            "Check that the port is the NAS's https port, or use http:// in --url.",
        )


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error and what it wraps, outermost first; requests and urllib3 keep causes in several places."""
    found: list[BaseException] = []
    queue = [error]
    while queue and len(found) < 20:
        current = queue.pop(0)
        if current is None or any(current is known for known in found):
            continue
        found.append(current)
        inner = [argument for argument in current.args if isinstance(argument, BaseException)]
        queue += [*inner, getattr(current, "reason", None), current.__cause__, current.__context__]
        queue = [item for item in queue if isinstance(item, BaseException)]
    return found


def _broken_connection(causes: list[BaseException], base_url: str) -> NasError:
    if any(isinstance(cause, (ConnectionError, NewConnectionError)) for cause in causes):
        return NasUnreachable("reset", f"The NAS at {base_url} closed the connection.", _PERHAPS_HTTPS)
    return NasBadAnswer(
        "protocol",
        f"What answers at {base_url} does not speak HTTP.",
        "Check the port (--port); DSM usually has 5000 for http and 5001 for https.",
    )


def _truncated() -> NasBadAnswer:
    return NasBadAnswer("truncated", "An answer of the NAS was cut short.", "It is tried again.")


def _check_size(size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise NasBadAnswer(
            "too_big",
            f"An answer of the NAS is larger than {limit_bytes / 1e6:g} MB.",
            "For a photo, --max-photo sets the limit.",
        )


def _content_length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _check_status(response: requests.Response, base_url: str) -> None:
    status = response.status_code
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NasBadAnswer("encoding", "The NAS sent a compressed answer, which was not asked for.")
    if 300 <= status < 400:
        raise _redirected(response.headers.get("Location", ""), base_url)
    if status == 429 or status >= 500:
        raise NasUnreachable(
            f"http_{status}",
            f"The NAS answered with HTTP status {status}.",
            "It is busy or starting; it is tried again.",
            retry_after_seconds=_retry_after(response.headers.get("Retry-After", "")),
        )
    if status not in (200, 404):
        raise NasBadAnswer(
            f"http_{status}",
            f"What answers at {base_url} sent HTTP status {status}, as no Synology NAS does here.",
            "Check --url and --port: they have to lead to DSM or to Synology Photos.",
        )


def _redirected(location: str, base_url: str) -> NasBadAnswer:
    """No redirect is followed: password and token would go along."""
    try:
        target = urlsplit(location)
        port = f":{target.port}" if target.port else {"http": ":80", "https": ":443"}.get(target.scheme, "")
        host = target.hostname or ""
    except ValueError:
        host, port, target = "", "", urlsplit("")
    if (
        target.scheme in ("http", "https")
        and host
        and host.isascii()
        and host.replace("-", "").replace(".", "").isalnum()
    ):
        alias = target.path.partition("/webapi")[0].rstrip("/") if "/webapi" in target.path else ""
        step = f"If that is your NAS, put it into the configuration: --url {target.scheme}://{host}{port}{alias}"
        return NasBadAnswer("redirect", f"{base_url} redirects to {target.scheme}://{host}{port}.", step)
    return NasBadAnswer(
        "redirect", f"{base_url} redirects to another address.", "Put the NAS's final address into --url."
    )


def _retry_after(text: str) -> float | None:
    if not (text.isascii() and text.isdigit()):
        return None
    shortest, longest = RETRY_AFTER_SECONDS
    return min(max(float(text[:9]), shortest), longest)
