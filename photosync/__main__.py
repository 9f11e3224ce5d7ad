"""main(): settings, logging, one of run / demo / check / enrol / list-albums; errors become exit codes. Main thread."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from .errors import ConfigError, PhotosSyncError
from .log import harmless
from .secret import Secret
from .settings import Settings, load_settings

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2

_SWITCH_SECONDS = 0.001  # how long a thread that computes lets the others wait: the loop must not stand still


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit status: 0, 1 (it failed) or 2 (the configuration cannot be used)."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        return _command(partial(load_settings, given, os.environ))
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


def _command(load: Callable[[], Settings]) -> int:
    settings = load()
    if settings.command == "demo":
        return _demo(load)
    if settings.command == "run":
        return _run(settings, load)
    from . import check, enrol

    for warning in settings.warnings:
        print(f"photos-sync: {harmless(warning)}", file=sys.stderr)
    steps = {"check": check.check, "enrol": enrol.enrol, "list-albums": check.list_albums}[settings.command]
    return EXIT_FAILED if not steps(settings) else 0


def _demo(load: Callable[[], Settings]) -> int:
    from .fakenas import FakeNas

    with FakeNas(password="open-sesame") as nas:
        print(f"The simulated NAS: {nas.url} (account {nas.username}, password {nas.password})", flush=True)

        def load_for_demo() -> Settings:
            password = Secret(nas.password)
            return replace(load(), url=nas.url, username=nas.username, password=password, state_dir=None)

        return _run(load_for_demo(), load_for_demo)


def _run(settings: Settings, load: Callable[[], Settings]) -> int:
    """Serves by these settings, until they are loaded anew."""
    import logging

    from .allocator import tune_allocator
    from .connect import ask_early, build_client
    from .listen import SYSTEMD_LISTENS, listen, passed_sockets
    from .log import Logging, Redactor

    gc.disable()  # what is being loaded stays, and need not be looked through meanwhile
    tune_allocator()
    sys.setswitchinterval(_SWITCH_SECONDS)
    passed = passed_sockets(os.environ)
    sockets = passed or listen(settings.listen_address, settings.server_port)
    redactor = Redactor()
    formatter = None
    if settings.log_format == "json":
        from .json_lines import JsonLines

        formatter = JsonLines(redactor)
    lines = Logging(settings.log_level, redactor, formatter=formatter)
    lines.start()  # before any thread that may have something to say
    try:
        client = build_client(settings, redactor)
        # Loading the server takes about as long as the first calls to the NAS: both at once.
        first_look = ask_early(client, settings)
        from .process import run
        from .reload import Reload
        from .service import Service

        gc.freeze()
        gc.enable()
        for warning in settings.warnings:
            logging.getLogger(__name__).warning("%s", warning)
        if passed:
            logging.getLogger(__name__).info(SYSTEMD_LISTENS)
        service = Service(settings, client, sockets, first_look=first_look)
        reload = Reload(
            service,
            settings,
            load=load,
            build=lambda settings, calls: build_client(settings, redactor, calls),
            listen=None if passed else listen,
            set_level=lines.set_level,
        )
        run(service, os.environ, partial(_announce, settings), reload)
    finally:
        lines.stop()
    return 0


def _announce(settings: Settings, port: int) -> None:
    if sys.stdout.isatty() or not os.environ.get("INVOCATION_ID"):
        scheme = "http" if settings.tls_cert is None else "https"
        page = f"{scheme}://localhost:{port}{settings.access.base_path}/"
        print(f"The picture frame: {page}\nThe next photo: {page}files", flush=True)


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
