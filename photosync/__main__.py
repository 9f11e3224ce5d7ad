"""main(): settings, logging, one of run / demo / check / enrol / list-albums; errors become exit codes. Main thread."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from .errors import ConfigError, PhotosSyncError
from .log import harmless
from .secret import Secret
from .settings import Settings, load_settings

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit status: 0, 1 (it failed) or 2 (the configuration cannot be used)."""
    try:
        return _command(load_settings(sys.argv[1:] if arguments is None else arguments, os.environ))
    except ConfigError as error:
        for mistake in error.mistakes:
            print(f"photos-sync: {mistake}", file=sys.stderr)
        print("photos-sync --help shows every option.", file=sys.stderr)
        return EXIT_CONFIGURATION
    except PhotosSyncError as error:
        print(f"photos-sync: {harmless(error.sentence)}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED


def _command(settings: Settings) -> int:
    if settings.command == "demo":
        return _demo(settings)
    if settings.command == "run":
        return _run(settings)
    from . import check, enrol

    for warning in settings.warnings:
        print(f"photos-sync: {harmless(warning)}", file=sys.stderr)
    steps = {"check": check.check, "enrol": enrol.enrol, "list-albums": check.list_albums}[settings.command]
    return EXIT_FAILED if not steps(settings) else 0


def _demo(settings: Settings) -> int:
    from .fakenas import FakeNas

    with FakeNas(password="open-sesame") as nas:
        print(f"The simulated NAS: {nas.url} (account {nas.username}, password {nas.password})", flush=True)
        found = replace(settings, url=nas.url, username=nas.username, password=Secret(nas.password), state_dir=None)
        return _run(found)


def _run(settings: Settings) -> int:
    import logging

    from .allocator import tune_allocator
    from .connect import build_client, log_in_early
    from .listen import listen
    from .log import Logging, Redactor

    gc.disable()  # what is being loaded stays, and need not be looked through meanwhile
    tune_allocator()
    sockets = listen(settings.listen_address, settings.server_port)
    redactor = Redactor()
    client = build_client(settings, redactor)
    log_in_early(client)
    # Loading the server takes about as long as the login: both at once.
    from .service import Service, run

    gc.freeze()
    gc.enable()
    formatter = None
    if settings.log_format == "json":
        from .json_lines import JsonLines

        formatter = JsonLines(redactor)
    lines = Logging(settings.log_level, redactor, formatter=formatter)
    lines.start()
    try:
        for warning in settings.warnings:
            logging.getLogger(__name__).warning("%s", warning)
        service = Service(settings, client, sockets)
        run(service, os.environ, partial(_announce, settings))
    finally:
        lines.stop()
    return 0


def _announce(settings: Settings, port: int) -> None:
    if sys.stdout.isatty() or not os.environ.get("INVOCATION_ID"):
        scheme = "http" if settings.tls_cert is None else "https"
        print(f"The next photo: {scheme}://localhost:{port}{settings.access.base_path}/files", flush=True)


def console() -> None:
    """The command: `main`, without waiting for worker threads that may still be waiting for a NAS.

    SIGABRT, which systemd sends when its watchdog is not fed, tells where each thread stands.
    """
    faulthandler.enable()
    status = main()
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    console()
