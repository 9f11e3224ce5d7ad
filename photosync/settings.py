"""The one door for configuration: flags, environment, file become one frozen `Settings`, before any thread starts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import configargparse

from .baseurl import base_url
from .errors import ConfigError
from .options import COMMANDS, ENVIRONMENT_PREFIX, OPTIONS, ConfigFile, build_parser, is_yes_or_no, nearest, spell_out
from .secret import Secret, others_can_read, secret_in

MEGABYTE = 1_000_000
RENDITIONS = ("sm", "m", "xl", "original")
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Settings:
    """Checked configuration. Sizes in bytes, times in seconds; `command` is "run" or a key of `COMMANDS`.

    `url` is the NAS's base address with port and without a slash at its end.
    Exactly one of `password` and `password_file` is set. `tls_fingerprint` is as browsers show it: AB:CD:…, or "".
    """

    url: str
    username: str = ""
    password: Secret | None = None
    password_file: Path | None = None
    password_file_guarded: bool = False
    albums: tuple[str, ...] = ("kitchen-dash",)
    max_cache_bytes: int = 250 * MEGABYTE
    interval_seconds: float = 60.0
    server_port: int = 5000
    listen_address: str = ""
    photo_size: str = "xl"
    max_photo_bytes: int = 32 * MEGABYTE
    timeout_seconds: float = 30.0
    ca_file: Path | None = None
    insecure: bool = False
    tls_fingerprint: str = ""
    log_level: str = "info"
    command: str = "run"
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def read_password(self) -> Secret:
        """The password as it is now: a changed file counts without a restart. ConfigError if it can't be read."""
        if self.password is not None:
            return self.password
        assert self.password_file is not None
        try:
            return secret_in(self.password_file, guarded=self.password_file_guarded)
        except ValueError as error:
            raise ConfigError([str(error)]) from None


def load_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Reads the three sources; raises ConfigError with every mistake, SystemExit for --help and --version."""
    return _Loader(arguments, environment).settings()


class _Loader:
    """One reading of the sources, so that all mistakes end up in one list."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.mistakes: list[str] = []
        self.warnings: list[str] = []
        self.lines: dict[str, str] = {}
        self.environment = environment
        variables = {option.variable for option in OPTIONS}
        reading = type("Reading", (ConfigFile,), {"mistakes": self.mistakes, "lines": self.lines})
        parser = build_parser(reading, default_file=not any(map(_names_a_file, arguments)))
        try:
            parsed, unknown = parser.parse_known_args(spell_out(arguments), env_vars=self._variables())
        except OSError as error:
            raise ConfigError([f"{error.filename} cannot be read ({error.strerror})."]) from None
        except ConfigError as error:
            raise ConfigError([*self.mistakes, *error.mistakes]) from None
        self.raw: dict[str, Any] = {option.name: getattr(parsed, option.dest) for option in OPTIONS}
        commands = [name for name in COMMANDS if getattr(parsed, name.replace("-", "_"))]
        self.command = commands[0] if commands else "run"
        if len(commands) > 1:
            self.mistakes.append(f"{' and '.join(commands)} (command line) contradict each other: keep one of them.")
        self.sources = self._sources(parser)
        self._tell_unknown(unknown)
        for name in sorted(environment):
            if name.startswith(ENVIRONMENT_PREFIX) and name not in variables:
                self.warnings.append(
                    f"The environment variable {name} is not an option and has no effect."
                    f"{nearest(name, sorted(variables))}"
                )

    def _variables(self) -> dict[str, str]:
        """The options among the environment variables; an empty one counts as not given."""
        known: dict[str, str] = {}
        for option in OPTIONS:
            value = self.environment.get(option.variable, "")
            if option.flag and value and not is_yes_or_no(value):
                self.mistakes.append(f"{option.name} (environment {option.variable}): '{value}' is not yes or no.")
            elif value:
                known[option.variable] = _as_list(value) if option.repeatable else value
        return known

    def _tell_unknown(self, arguments: Sequence[str]) -> None:
        """A word without a flag may be a password, behind a flag that was spelled wrong: it is not shown."""
        flags = [f"--{name}" for name in (*(option.name for option in OPTIONS), *COMMANDS, "config", "version", "help")]
        names = [argument.partition("=")[0] for argument in arguments if argument.startswith("-")]
        for name in names:
            if name.startswith("--"):
                self.mistakes.append(f"{name} (command line) is not an option.{nearest(name, flags)}")
            else:
                self.mistakes.append(f"{name[:2]} (command line) is not an option.")
        if arguments and not names:
            self.mistakes.append(
                "Command line: there is a value without an option before it (not shown: it could be a password)."
            )

    def _sources(self, parser: configargparse.ArgumentParser) -> dict[str, str]:
        """Where each value came from, for messages: the flag, the variable, or the file and its line."""
        told: dict[str, str] = {}
        for source, settings in parser.get_source_to_settings_dict().items():
            for key in settings:
                if source == "environment_variables":
                    told[key.removeprefix(ENVIRONMENT_PREFIX).replace("_", "-").lower()] = f"environment {key}"
                elif source.startswith("config_file"):
                    told[key] = self.lines.get(key, "file")
        return told

    def rank(self, name: str) -> int:
        """Which source beats which: 2 the command line, 1 the environment, 0 the file."""
        source = self.sources.get(name)
        return 2 if source is None else 1 if source.startswith("environment ") else 0

    def source(self, name: str) -> str:
        return f"{name} ({self.sources.get(name, 'command line')})"

    def settings(self) -> Settings:
        demo = self.command == "demo"
        username = self.raw["username"] or ""
        if not username and not demo:
            self.missing("username", "the NAS account", "-u NAME")
        password, password_file = (None, None) if demo else self.password()
        url = "" if demo else self.url()
        if self.raw["insecure"]:
            self.warnings.append(
                f"{self.source('insecure')}: the NAS's certificate is not checked, so anybody in your network could "
                "pass for the NAS and get the password. Better trust its certificate alone with --tls-fingerprint: "
                "photos-sync --check shows how."
            )
        result = Settings(
            url=url,
            username=username,
            password=password,
            password_file=password_file,
            password_file_guarded=password_file is not None and self.is_guarded(password_file),
            albums=self.albums(),
            max_cache_bytes=int(self.number("max-cache", 250, 1, 1_000_000) * MEGABYTE),
            interval_seconds=self.number("interval", 60, 1, 86_400),
            server_port=self.whole("server-port", 5000, 0, 65_535),
            listen_address=self.listen_address(),
            photo_size=self.choice("photo-size", "xl", RENDITIONS),
            max_photo_bytes=int(self.number("max-photo", 32, 0.1, 1_000) * MEGABYTE),
            timeout_seconds=self.number("timeout", 30, 1, 600),
            ca_file=self.ca_file(),
            insecure=bool(self.raw["insecure"]),
            tls_fingerprint=self.tls_fingerprint(url),
            log_level=self.choice("log-level", "info", LOG_LEVELS),
            command=self.command,
            warnings=tuple(self.warnings),
        )
        if self.mistakes:
            raise ConfigError(self.mistakes)
        return result

    def missing(self, name: str, what: str, example: str) -> None:
        variable = ENVIRONMENT_PREFIX + name.replace("-", "_").upper()
        self.mistakes.append(
            f"{name} is missing: give {what} by {example}, {variable}, or '{name} = …' in the configuration file."
        )

    def number(self, name: str, default: float, lowest: float, highest: float) -> float:
        text = self.raw[name]
        if text is None:
            return default
        try:
            value = float(text)
            if lowest <= value <= highest:
                return value
        except ValueError:
            pass
        self.mistakes.append(f"{self.source(name)}: '{text}' is not a number from {lowest:,g} to {highest:,.0f}.")
        return default

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        text = self.raw[name]
        if text is None:
            return default
        if re.fullmatch(r"[0-9]{1,9}", text) and lowest <= int(text) <= highest:
            return int(text)
        self.mistakes.append(f"{self.source(name)}: '{text}' is not a whole number from {lowest} to {highest}.")
        return default

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        text = self.raw[name]
        if text is None:
            return default
        value: str = text.lower()
        if value not in choices:
            self.mistakes.append(f"{self.source(name)}: '{text}' is not one of {', '.join(choices)}.")
        return value

    def albums(self) -> tuple[str, ...]:
        names = self.raw["album"] or ["kitchen-dash"]
        if "" in names:
            self.mistakes.append(f"{self.source('album')} is empty.")
        for name in names:
            if name.startswith("id:") and not re.fullmatch(r"id:[0-9]{1,18}", name):
                self.mistakes.append(f"{self.source('album')}: '{name}' is not id: followed by a number.")
        return tuple(dict.fromkeys(names))

    def listen_address(self) -> str:
        address = self.raw["listen-address"] or "all"
        return "" if address == "all" else str(address)

    def ca_file(self) -> Path | None:
        text = self.raw["ca-file"]
        if text is None:
            return None
        if self.raw["insecure"]:
            self.mistakes.append(
                f"{self.source('ca-file')} and {self.source('insecure')} contradict each other: keep one of them."
            )
        path = Path(text)
        try:
            with path.open("rb") as stream:
                if b"-----BEGIN" not in stream.read(MEGABYTE):
                    self.mistakes.append(f"{self.source('ca-file')}: '{text}' holds no PEM certificate.")
        except (OSError, ValueError) as error:  # a path that holds a NUL is a ValueError
            self.mistakes.append(
                f"{self.source('ca-file')}: '{text}' cannot be read ({getattr(error, 'strerror', error)})."
            )
        return path

    def tls_fingerprint(self, url: str) -> str:
        text = self.raw["tls-fingerprint"]
        if text is None:
            return ""
        source = self.source("tls-fingerprint")
        for other in ("ca-file", "insecure"):
            if self.raw[other]:
                self.mistakes.append(f"{source} and {self.source(other)} contradict each other: keep one of them.")
        if url.startswith("http:"):
            self.mistakes.append(f"{source}: there is no certificate at {url}; write https:// in --url.")
        digits = text.rpartition("=")[2].replace(":", "").replace(" ", "").upper()
        if not re.fullmatch("[0-9A-F]{64}", digits):
            self.mistakes.append(
                f"{source}: '{text}' is not a SHA-256 fingerprint, which has 64 hexadecimal digits (AB:CD:…)."
            )
        return ":".join(re.findall("..", digits))

    def password(self) -> tuple[Secret | None, Path | None]:
        text, file = self.raw["password"], self.raw["password-file"]
        if text is not None and file is not None:
            rank, file_rank = self.rank("password"), self.rank("password-file")
            if rank != file_rank:  # the command line beats the environment, which beats the file
                text, file = (text, None) if rank > file_rank else (None, file)
        if text is not None and file is not None:
            self.mistakes.append(
                f"{self.source('password')} and {self.source('password-file')} are both given: keep one of them."
            )
            return None, None
        if text is not None:
            return self.plain_password(text), None
        directory = self.environment.get("CREDENTIALS_DIRECTORY")
        credential = Path(directory) / "password" if directory else None
        if file is None and credential is not None and credential.is_file():
            file, self.sources["password-file"] = credential, "CREDENTIALS_DIRECTORY"
        if file is None:
            self.missing("password", "the password of the NAS account", "--password-file FILE (or -p PASS)")
            return None, None
        return None, self.checked_password_file(Path(file))

    def plain_password(self, text: str) -> Secret:
        if not text:
            self.mistakes.append(f"{self.source('password')} is empty.")
        source = self.sources.get("password", "command line")
        if source == "command line":
            self.warnings.append(
                "The password is on the command line, where every user of this machine can read it (ps). "
                "Put it into a file and use --password-file."
            )
        elif source in self.lines.values() and others_can_read(Path(source.rpartition(":")[0])):
            path = source.rpartition(":")[0]
            self.warnings.append(f"{path} holds a password and every user can read it. Run: chmod 600 {path}")
        return Secret(text)

    def checked_password_file(self, path: Path) -> Path:
        try:
            secret_in(path, guarded=self.is_guarded(path))
        except ValueError as error:
            self.mistakes.append(f"{self.source('password-file')}: {error}")
        return path

    def is_guarded(self, path: Path) -> bool:
        """Whether it lies where systemd puts credentials or Docker puts secrets."""
        credentials = self.environment.get("CREDENTIALS_DIRECTORY")
        folders = [Path("/run/secrets"), *([Path(credentials)] if credentials else [])]
        return any(folder in path.parents for folder in folders)

    def url(self) -> str:
        text = (self.raw["url"] or "").strip()
        if not text:
            self.missing("url", "the NAS's host name or address", "-U HOST")
            return ""
        port = self.whole("port", 0, 1, 65_535) if self.raw["port"] is not None else None
        try:
            return base_url(text, port)
        except ValueError as error:
            self.mistakes.append(f"{self.source('url')}: {error}")
            return ""


def _names_a_file(argument: str) -> bool:
    return argument.startswith(("-c", "--config=")) or argument == "--config"


def _as_list(value: str) -> str:
    """A variable holds one value as it is, or several as a JSON list of texts; here as a JSON list in any case."""
    try:
        values = json.loads(value)
    except ValueError:
        values = None
    is_list = isinstance(values, list) and all(isinstance(one, str) for one in values)
    return value if is_list else json.dumps([value])
