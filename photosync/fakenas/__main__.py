"""Runs on the main thread: the simulated NAS as a program of its own, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import NamedTemporaryFile

from .apis import ERAS
from .library import Library
from .server import FakeNas


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # a guest that does not trust the certificate hangs up, and Tornado tells it
    try:
        nas = _nas(options)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    # Blocked before the NAS's thread starts, so that the signal waits for this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        nas.start()
    except OSError as error:
        print(
            f"Port {options.port} cannot be listened on ({error.strerror}); --port 0 takes a free one.", file=sys.stderr
        )
        return 1
    with ExitStack() as stack:
        stack.callback(nas.stop)
        pem = stack.enter_context(NamedTemporaryFile("w", prefix="fakenas-", suffix=".pem"))
        print(f"simulated NAS at {nas.url}")
        if nas.certificate:
            pem.write(nas.certificate)
            pem.flush()
            print(f"certificate {pem.name}, SHA-256 {nas.fingerprint}")
        print(f"account {nas.username}, password {nas.password}")
        if nas.otp:
            print(f"second factor: code {nas.otp_code}, good once in every {nas.otp_window_seconds:.0f} seconds")
        for album in nas.library.albums:
            print(f"album {album.name!r}: {album.item_count} items", flush=True)
        if options.share:
            album = nas.library.albums[0]
            nas.library.share(album)
            print(f"share link {nas.share_url(album)}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


def _nas(options: argparse.Namespace) -> FakeNas:
    nas = FakeNas(
        options.port,
        host=options.host,
        username=options.username,
        password=options.password,
        era=options.era,
        latency=options.latency,
        library=Library.samples() if options.photos is None else Library.synthetic(options.photos),
        tls=options.tls,
        portal=options.portal,
        alias=options.alias,
        alias_only=options.alias_only,
        redirect_to=options.redirect_to,
    )
    nas.otp = options.otp
    return nas


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m photosync.fakenas", description="A simulated Synology NAS.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--username", default="demo")
    parser.add_argument("--password", default="demo")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    parser.add_argument("--era", choices=ERAS, default="1.9", help="the version of Photos to behave like")
    parser.add_argument("--share", action="store_true", help="make a share link of the first album, and print it")
    parser.add_argument("--otp", action="store_true", help="want a code of a second factor from unknown devices")
    parser.add_argument("--tls", action="store_true", help="speak https, with a self-signed certificate for 'synology'")
    parser.add_argument("--portal", action="store_true", help="be the port of Synology Photos alone")
    parser.add_argument("--alias", default="", metavar="NAME", help="answer below /NAME too")
    parser.add_argument("--alias-only", action="store_true", help="answer nowhere else")
    parser.add_argument("--redirect-to", default="", metavar="URL", help="send everybody to https://HOST:PORT")
    parser.add_argument("--photos", type=int, metavar="N", help="N synthetic photos in place of the samples")
    return parser


if __name__ == "__main__":
    sys.exit(main())
