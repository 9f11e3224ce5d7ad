"""What sockets and libraries raise, in words for somebody who runs a picture frame; pure, on worker threads."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.exceptions import ConnectTimeoutError, LocationValueError, NameResolutionError, NewConnectionError

from .address import URL_OPTION, AddressOption
from .errors import LOOK_AT_IT, LOOK_FOR_IT, NasBadAnswer, NasError, NasTimeout, NasUnreachable
from .sockets import AnotherCertificate

_NAME_TROUBLE = (NameResolutionError, socket.gaierror, LocationValueError, requests.exceptions.InvalidURL)
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_TLS_ALERT = "\x15\x03"
# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID, _CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH.
_NOT_YET_VALID, _EXPIRED = 9, 10
_ANOTHER_NAME = (62, 64)
_NO_CLOCK_BEFORE = 1_704_067_200  # 2024: what runs this is younger
_OUT_OF_TIME: Mapping[int, str] = {_NOT_YET_VALID: "is not valid yet", _EXPIRED: "has expired"}


def translate(error: Exception, base_url: str, timeout_seconds: float, option: AddressOption = URL_OPTION) -> NasError:
    """What an exchange with the NAS at this address failed of; `option` is where the address was given."""
    causes = _chain(error)
    for cause in causes:
        if isinstance(cause, _NAME_TROUBLE):
            return unresolved(urlsplit(base_url).hostname or "", option)
        if isinstance(cause, ssl.SSLError):
            return _tls_trouble(cause, base_url, option)
    for cause in causes:
        if (trouble := _no_connection(cause, base_url, option)) is not None:
            return trouble
    # To urllib3 a connection that could not be made is a time-out, whatever the reason.
    waits = [cause for cause in causes if not isinstance(cause, NewConnectionError)]
    if any(isinstance(cause, ConnectTimeoutError) for cause in waits):
        return NasUnreachable(
            "unreachable",
            f"Nothing answers at {base_url}, not even to refuse.",
            f"Check that the NAS is on, and its address and port ({option.both}). {LOOK_FOR_IT}",
        )
    if any(isinstance(cause, (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)) for cause in waits):
        return too_slow(base_url, timeout_seconds, option)
    return _broken_connection(causes, base_url, option)


def unresolved(host: str, option: AddressOption) -> NasUnreachable:
    return NasUnreachable(
        "dns",
        f"The name {host} does not resolve to an address.",
        f"Check the spelling in {option.name}, or use the NAS's IP address.",
    )


def too_slow(base_url: str, timeout_seconds: float, option: AddressOption) -> NasTimeout:
    return NasTimeout(
        "timeout",
        f"The NAS at {base_url} did not answer completely within {timeout_seconds:g} seconds.",
        f"Check that it is on and not overloaded, and that http or https and the port fit together ({option.both}); "
        "a larger --timeout gives it more time.",
    )


def tls_port(base_url: str, option: AddressOption) -> NasBadAnswer:
    """For a port that wants TLS and got plain HTTP."""
    return NasBadAnswer(
        "tls_port",
        f"{base_url} is spoken to in plain http, but its port is for https.",
        f"For https, {option.put} {base_url.replace('http:', 'https:', 1)}",
    )


def changed_certificate(base_url: str, seen: str, expected: str) -> NasBadAnswer:
    """For a certificate that is not the pinned one; both fingerprints as `fingerprint_of` writes them."""
    return NasBadAnswer(
        "tls_changed",
        f"The certificate of {base_url} is not the one that --tls-fingerprint names: "
        f"it has {seen}, and expected was {expected}.",
        "If the NAS's certificate was renewed or replaced, give the new fingerprint. "
        "If not, somebody in between may pose as the NAS: nothing was sent.",
    )


def clock_hint(verify_code: int, now: float) -> str:
    """What to say of this machine's clock when OpenSSL finds a certificate out of its time; "" if it seems right."""
    if verify_code == _NOT_YET_VALID or now < _NO_CLOCK_BEFORE:
        shown = time.strftime("%Y-%m-%d %H:%M", time.gmtime(now))
        return f"First look at this machine's clock, which says {shown} UTC: timedatectl tells whether it is set."
    return ""


def _tls_trouble(error: ssl.SSLError, base_url: str, option: AddressOption) -> NasError:
    if isinstance(error, AnotherCertificate):
        return changed_certificate(base_url, error.seen, error.expected)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrusted(error, base_url, option)
    if error.reason in _NOT_TLS:
        return NasBadAnswer(
            "http_port",
            f"What answers at {base_url} does not speak https.",
            f"Check the port ({option.both}): DSM usually has 5001 for https. {LOOK_FOR_IT}",
        )
    return NasUnreachable(
        "tls",
        f"No encrypted connection with {base_url} could be made ({error.reason or 'TLS error'}).",
        f"Check the port ({option.both}): DSM usually has 5001 for https. {LOOK_FOR_IT}",
    )


def _distrusted(error: ssl.SSLCertVerificationError, base_url: str, option: AddressOption) -> NasUnreachable:
    code, whose = error.verify_code, f"The certificate of {base_url}"
    if code in _ANOTHER_NAME:
        cause = f"{whose} is for another name than {urlsplit(base_url).hostname}."
        step = (
            f"Put a name that it is for into {option.name}, or trust exactly this certificate with --tls-fingerprint. "
            f"{LOOK_AT_IT}"
        )
    elif code in _OUT_OF_TIME:
        cause = f"{whose} {_OUT_OF_TIME[code]}."
        step = clock_hint(code, time.time()) or (
            "Renew it in DSM (Control Panel > Security > Certificate), or trust exactly this certificate, "
            f"whatever its date, with --tls-fingerprint. {LOOK_AT_IT}"
        )
    else:
        cause = f"{whose} cannot be trusted ({error.verify_message})."
        step = f"Trust exactly this certificate with --tls-fingerprint, or its authority with --ca-file. {LOOK_AT_IT}"
    return NasUnreachable("tls", cause, step)


def _no_connection(cause: BaseException, base_url: str, option: AddressOption) -> NasUnreachable | None:
    number = getattr(cause, "errno", None)
    if number == errno.ECONNREFUSED:
        return NasUnreachable(
            "refused",
            f"Nothing answers at {base_url} (connection refused).",
            f"Check the NAS's address and port ({option.both}) and that it is on. {LOOK_FOR_IT}",
        )
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN):
        return NasUnreachable(
            "unreachable",
            f"There is no way to {base_url} in the network.",
            "Check that the NAS is on and that both are in one network.",
        )
    return None


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


def _broken_connection(causes: list[BaseException], base_url: str, option: AddressOption) -> NasError:
    if any(isinstance(cause, (ConnectionError, NewConnectionError)) for cause in causes):
        https = base_url.replace("http:", "https:", 1)
        return NasUnreachable(
            "reset",
            f"The NAS at {base_url} closed the connection.",
            "It is tried again."
            if https == base_url
            else f"It is tried again. If that port is for https, {option.put} {https}",
        )
    if any(str(getattr(cause, "line", "")).startswith(_TLS_ALERT) for cause in causes):
        return tls_port(base_url, option)
    return NasBadAnswer(
        "protocol",
        f"What answers at {base_url} does not speak HTTP.",
        f"Check the port ({option.both}): DSM usually has 5000 for http and 5001 for https. {LOOK_FOR_IT}",
    )
