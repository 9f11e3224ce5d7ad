"""The one door for configuration: flags, environment, file become one frozen `Settings`, before any thread starts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .address import LINK_OPTION, URL_OPTION, AddressOption, base_url, is_like_a_link, split_link
from .device import device_in, device_path, is_otp_code
from .errors import ConfigError
from .guard import Access
from .secret import Secret, secret_in
from .serving import Serving
from .state import prepare_folder, state_folder

MEGABYTE = 1_000_000
RENDITIONS = ("sm", "m", "xl", "original")
LOG_LEVELS = ("debug", "info", "warning", "error")

_INSTEAD: Mapping[str, str] = {
    "username": "A share link needs no account.",
    "password": "A share link's password is share-password.",
    "password-file": "The file with a share link's password is share-password-file.",
    "url": "A share link holds the NAS's address.",
    "port": "A share link holds the NAS's port.",
    "album": "A share link leads to one album.",
}


@dataclass(frozen=True)
class Settings:
    """Checked configuration. Sizes in bytes, times in seconds; `command` is "run" or a key of `COMMANDS`.

    `url` is the NAS's base address with port and without a slash at its end.
    Exactly one of `username` and `share_link` (the passphrase in it; `share_folder` is what it lies in) is set.
    The password is the account's or the link's, in `password` or `password_file`; in neither if the link has none.
    `albums` is ("",) with a share link, which leads to one. `device_file` need not be there.
    `tls_fingerprint` is the NAS's, as browsers show it: AB:CD:…, or "". `tls_cert` and `tls_key`, both set or
    neither, are for what is served. `runtime_dir` is the user's, where systemd has made one.
    """

    url: str
    username: str = ""
    password: Secret | None = None
    password_file: Path | None = None
    password_file_guarded: bool = False
    share_link: Secret | None = None
    share_folder: str = "mo/sharing"
    device_file: Path | None = None
    otp_code: Secret | None = None
    albums: tuple[str, ...] = ("kitchen-dash",)
    max_cache_bytes: int = 250 * MEGABYTE
    max_disk_bytes: int = 1000 * MEGABYTE
    interval_seconds: float = 60.0
    server_port: int = 5000
    listen_address: str = ""
    access: Access = field(default_factory=Access)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    photo_size: str = "xl"
    max_photo_bytes: int = 32 * MEGABYTE
    timeout_seconds: float = 30.0
    ca_file: Path | None = None
    insecure: bool = False
    tls_fingerprint: str = ""
    state_dir: Path | None = None
    state_writable: bool = field(default=True, compare=False)
    runtime_dir: Path | None = None
    log_level: str = "info"
    log_format: str = "text"
    command: str = "run"
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def source(self) -> str:
        """Whose photos are shown: differs for another NAS, account or share link, and tells no secret."""
        if self.share_link is None:
            return f"{self.url} {self.username}"
        return f"{self.url} link {zlib.crc32(self.share_link.reveal().encode()):08x}"

    @property
    def address_option(self) -> AddressOption:
        return URL_OPTION if self.share_link is None else LINK_OPTION

    def read_password(self) -> Secret:
        """The password as it is now: a changed file counts without a restart. ConfigError if it can't be read."""
        if self.password is not None:
            return self.password
        if self.password_file is None:
            return Secret("")
        try:
            return secret_in(self.password_file, guarded=self.password_file_guarded)
        except ValueError as error:
            raise ConfigError([str(error)]) from None

    def read_device(self) -> Secret | None:
        """The device id as it is now, None if there is none. ConfigError if its file can't be used."""
        try:
            return device_in(self.device_file) if self.device_file else None
        except ValueError as error:
            raise ConfigError([str(error)]) from None


def load_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Reads the three sources; raises ConfigError with every mistake, SystemExit for --help and --version."""
    return _Loader(arguments, environment).settings()


class _Loader(Serving):
    """Checks and reports on the sources; all mistakes end up in one list."""

    def settings(self) -> Settings:
        state_dir = self.state_dir()
        if self.command == "demo":
            way_in: dict[str, Any] = {"url": "", "albums": self.albums()}
        else:
            link = self.given_link()
            way_in = self.account(state_dir) if link is None else self.share_link(link)
        if self.raw["insecure"]:
            self.warnings.append(
                f"{self.source('insecure')}: the NAS's certificate is not checked, so anybody in your network could "
                "pass for the NAS and get the password. Better trust its certificate alone with --tls-fingerprint: "
                "photos-sync --check shows how."
            )
        result = Settings(
            **way_in,
            max_cache_bytes=int(self.number("max-cache", 250, 1, 1_000_000) * MEGABYTE),
            max_disk_bytes=int(self.number("max-disk", 1000, 0, 10_000_000) * MEGABYTE),
            interval_seconds=self.number("interval", 60, 1, 86_400),
            server_port=self.whole("server-port", 5000, 0, 65_535),
            listen_address=self.listen_address(),
            access=self.access(),
            **self.tls_files(),
            photo_size=self.choice("photo-size", "xl", RENDITIONS),
            max_photo_bytes=int(self.number("max-photo", 32, 0.1, 1_000) * MEGABYTE),
            timeout_seconds=self.number("timeout", 30, 1, 600),
            ca_file=self.ca_file(),
            insecure=bool(self.raw["insecure"]),
            state_dir=state_dir,
            state_writable=self.state_writable,
            runtime_dir=self.runtime_dir(),
            tls_fingerprint=self.tls_fingerprint(way_in["url"]),
            log_level=self.choice("log-level", "info", LOG_LEVELS),
            log_format=self.log_format(),
            command=self.command,
            warnings=tuple(self.warnings),
        )
        if self.mistakes:
            raise ConfigError(self.mistakes)
        return result

    def account(self, state_dir: Path | None) -> dict[str, Any]:
        username = self.raw["username"] or ""
        if not username:
            self.missing("username", "the NAS account", "-u NAME", "A share link (--share-link) needs none.")
        for name in ("share-password", "share-password-file"):
            if self.raw[name] is not None:
                self.mistakes.append(f"{self.source(name)} is of no use without share-link.")
        found = self.password("password")
        if found["password"] is None and found["password_file"] is None and not self.given("password"):
            unit = "The systemd unit takes it from /etc/photos-sync/password."
            otherwise = unit if "CREDENTIALS_DIRECTORY" in self.environment else ""
            self.missing("password", "the password of the NAS account", "--password-file FILE (or -p PASS)", otherwise)
        second_factor = {"device_file": self.device_file(state_dir), "otp_code": self.otp_code()}
        return {"username": username, "url": self.url(), "albums": self.albums()} | second_factor | found

    def given_link(self) -> str | None:
        """The share link, as a text, in a file or by systemd; "" if there is something wrong with its file."""
        found = self.password("share-link", "share link")
        if found["password_file"] is None:
            return found["password"].reveal() if found["password"] else None
        self.sources["share-link"] = str(found["password_file"])
        with suppress(ValueError):
            return secret_in(found["password_file"], guarded=found["password_file_guarded"]).reveal()
        return ""

    def share_link(self, link: str) -> dict[str, Any]:
        """In place of an account, of the NAS's address and of the album's name."""
        if self.command == "enrol":
            self.mistakes.append(
                f"--enrol is for an account, and {self.source('share-link')} needs none: leave one of them out."
            )
        for name in ("username", "password", "password-file", "url", "port", "album"):
            if self.raw[name] is not None:
                self.mistakes.append(
                    f"{self.source(name)} and {self.source('share-link')} are both given: keep one of them. "
                    f"{_INSTEAD[name]}"
                )
        found: dict[str, Any] = {"albums": ("",)} | self.password("share-password")
        if not link:
            return found | {"url": ""}
        try:
            url, folder, passphrase = split_link(link)
            return found | {"url": url, "share_link": passphrase, "share_folder": folder}
        except ValueError as error:
            self.mistakes.append(f"{self.source('share-link')}: {error}")
            return found | {"url": ""}

    def albums(self) -> tuple[str, ...]:
        names = self.raw["album"] or ["kitchen-dash"]
        if "" in names:
            self.mistakes.append(f"{self.source('album')} is empty.")
        for name in names:
            if name.startswith("id:") and not re.fullmatch(r"id:[0-9]{1,18}", name):
                self.mistakes.append(f"{self.source('album')}: '{name}' is not id: followed by a number.")
        return tuple(dict.fromkeys(names))

    def log_format(self) -> str:
        found = self.choice("log-format", "text", ("text", "json"))
        if found == "json" and find_spec("pythonjsonlogger") is None:
            self.mistakes.append(
                f"{self.source('log-format')}: json wants a package that is not installed. In the environment of "
                "photos-sync, run: pip install 'python-json-logger>=3.1'"
            )
        return found

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
            self.mistakes.append(f"{source}: there is no certificate at {url}; the address has to begin with https://.")
        digits = text.rpartition("=")[2].replace(":", "").replace(" ", "").upper()
        if not re.fullmatch("[0-9A-F]{64}", digits):
            self.mistakes.append(
                f"{source}: '{text}' is not a SHA-256 fingerprint, which has 64 hexadecimal digits (AB:CD:…)."
            )
        return ":".join(re.findall("..", digits))

    def state_dir(self) -> Path | None:
        folder = state_folder(self.raw["state-dir"], self.environment)
        problem = prepare_folder(folder) if folder else ""
        self.warnings += [problem] if problem else []
        self.state_writable = not problem
        return folder

    def runtime_dir(self) -> Path | None:
        text = self.environment.get("XDG_RUNTIME_DIR")
        return Path(text) if text else None

    def device_file(self, state_dir: Path | None) -> Path | None:
        """What --enrol replaces need not be of any use."""
        path = device_path(self.raw["device-file"], state_dir, self.config_file)
        if self.command == "enrol":
            if path is None:
                self.missing("device-file", "the file for the device id", "--device-file FILE")
        elif path is not None:
            try:
                device_in(path)
            except ValueError as error:
                self.mistakes.append(f"device-file: {error}")
        return path

    def otp_code(self) -> Secret | None:
        text = self.raw["otp-code"]
        if text is None:
            return None
        if not is_otp_code(text):
            self.mistakes.append(f"{self.source('otp-code')}: it has to be the six digits of the authenticator app.")
        if self.command != "enrol":
            self.warnings.append(f"{self.source('otp-code')} is of use for --enrol alone.")
        return Secret(text)

    def url(self) -> str:
        port = self.whole("port", 0, 1, 65_535) if self.raw["port"] is not None else None
        text = (self.raw["url"] or "").strip()
        if not text:
            self.missing("url", "the NAS's host name or address", "-U HOST")
            return ""
        if is_like_a_link(text):  # not shown: whoever has it can see the album
            self.mistakes.append(f"{self.source('url')} is a share link: give it with --share-link, and no account.")
            return ""
        try:
            return base_url(text, port)
        except ValueError as error:
            self.mistakes.append(f"{self.source('url')}: {error}")
            return ""
