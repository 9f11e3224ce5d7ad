"""One HTTP exchange with the NAS, bounded in time and size; the only user of requests. Blocks: worker threads only."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from urllib3.util import Timeout

from .address import URL_OPTION, AddressOption, base_url_of_redirect
from .errors import LOOK_FOR_IT, NasBadAnswer, NasError, NasRedirects, NasUnreachable
from .sockets import DeadlineAdapter, tls_context
from .trouble import tls_port, too_slow, translate

CONNECT_SECONDS = 5.0
RETRY_AFTER_SECONDS = (1.0, 300.0)
_CHUNK_BYTES = 256 * 1024
_HEADERS: Mapping[str, str] = {"Accept-Encoding": "identity", "User-Agent": "photos-sync"}
_FORM: Mapping[str, str] = {"Content-Type": "application/x-www-form-urlencoded"}
_TOLD_PLAIN = re.compile(
    rb"plain HTTP request was sent to HTTPS|speaking plain HTTP to an SSL|HTTP request to an HTTPS"
)

Room = Callable[[int], None]
"""Told at every piece how many bytes an answer takes in all, as far as that is known; raises to give it up."""


class Answer(NamedTuple):
    """A complete answer with status 200 (or 404: `found` is False and the body was not read)."""

    content_type: str
    body: bytes
    announced: bool
    found: bool = True


class Wire:
    """A keep-alive connection pool to one address. Threads may share it.

    No `requests.Session` is behind it: nothing on the machine changes a call (`.netrc`, proxy variables), no redirect
    is followed, and no cookie is kept. `timeout_seconds` is the time for one exchange in total, connecting and retrying
    included. `ca_file`, `insecure` and `fingerprint` are as in `tls_context`; errors speak of the `option` that has the
    address.
    """

    def __init__(
        self,
        base_url: str,
        timeout_seconds: float,
        ca_file: Path | None,
        insecure: bool,
        fingerprint: str = "",
        option: AddressOption = URL_OPTION,
    ) -> None:
        self.base_url = base_url
        self.option = option
        self._timeout_seconds = timeout_seconds
        scheme = urlsplit(base_url).scheme
        context = tls_context(ca_file, insecure, fingerprint) if scheme == "https" else None
        unchecked = insecure or bool(fingerprint)  # by the library: the fingerprint is checked by the socket
        self._adapter = DeadlineAdapter(context, verify=False if unchecked else (str(ca_file) if ca_file else True))
        if unchecked:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def close(self) -> None:
        """Closes the connections that nobody uses, and the others once they are free."""
        self._adapter.close()

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
        once = partial(self._once, method, path, fields, headers, deadline, limit_bytes, room)
        try:
            return once()
        except NasError as error:
            if not retry or error.kind not in ("reset", "truncated", "protocol"):
                raise
        return once()

    def _once(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str],
        headers: Mapping[str, str],
        deadline: float,
        limit_bytes: int,
        room: Room | None,
    ) -> Answer:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise too_slow(self.base_url, self._timeout_seconds, self.option)
        try:
            with self._adapter.send(
                _request(method, f"{self.base_url}/{path}", fields, headers),
                timeout=Timeout(total=remaining, connect=min(CONNECT_SECONDS, remaining)),
                stream=True,
            ) as response:
                self._check_status(response, path)
                return self._read(response, limit_bytes, room)
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            # Their texts hold the address with its query, so only their kinds are told.
            raise translate(error, self.base_url, self._timeout_seconds, self.option) from None

    def _check_status(self, response: requests.Response, path: str) -> None:
        status = response.status_code
        if status == 400 and _told_plain(response):
            raise tls_port(self.base_url, self.option)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise NasBadAnswer("encoding", "The NAS sent a compressed answer, which was not asked for.")
        if 300 <= status < 400:
            raise self._redirected(response.headers.get("Location", ""), path)
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
                f"What answers at {self.base_url} sent HTTP status {status}, as no Synology NAS does here.",
                f"Check {self.option.both}: DSM or Synology Photos has to be there. {LOOK_FOR_IT}",
            )

    def _redirected(self, location: str, path: str) -> NasRedirects:
        """No redirect is followed: password and token would go along."""
        target = base_url_of_redirect(location, path)
        if not target:
            step = f"Correct the address in {self.option.name}: it has to be the NAS's final one."
            return NasRedirects("", f"{self.base_url} redirects to another address.", step)
        cause = f"{self.base_url} redirects to {urlsplit(target)._replace(path='').geturl()}"
        if self.base_url.startswith("https:") and target.startswith("http:"):
            step = "It is not gone there. Look in DSM for what leads there (Control Panel > Login Portal)."
            return NasRedirects("", f"{cause}, which is not encrypted.", step)
        return NasRedirects(target, f"{cause}.", f"If that is your NAS, {self.option.put} {target}")

    def _read(self, response: requests.Response, limit_bytes: int, room: Room | None) -> Answer:
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


def _request(method: str, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> requests.PreparedRequest:
    form = urlencode(fields)
    if method == "GET":
        return requests.Request(method, f"{url}?{form}", headers={**_HEADERS, **headers}).prepare()
    return requests.Request(method, url, data=form, headers={**_HEADERS, **_FORM, **headers}).prepare()


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


def _told_plain(response: requests.Response) -> bool:
    """Whether a server's page of status 400 says that its port is for https."""
    with suppress(OSError, urllib3.exceptions.HTTPError):
        return bool(_TOLD_PLAIN.search(response.raw.read(4096, decode_content=False)))
    return False


def _retry_after(text: str) -> float | None:
    if not (text.isascii() and text.isdigit()):
        return None
    shortest, longest = RETRY_AFTER_SECONDS
    return min(max(float(text[:9]), shortest), longest)
