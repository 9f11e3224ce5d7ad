"""The option table; before any thread starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

ENVIRONMENT_PREFIX = "PHOTOS_SYNC_"


class Option(NamedTuple):
    """One row of the option table; the flag, the environment variable and the file's key share the name.

    `default` is what `--help` shows; "" means that there is none. `flag` options take no value.
    """

    name: str
    help: str
    short: str = ""
    metavar: str = ""
    default: str = ""
    flag: bool = False
    repeatable: bool = False
    password: bool = False  # its value is taken as it stands: quotes, or nothing at all

    @property
    def dest(self) -> str:
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        return ENVIRONMENT_PREFIX + self.dest.upper()


OPTIONS = (
    Option("username", "NAS account", short="u", metavar="USER"),
    Option(
        "password",
        "its password; on the command line it can be seen by every user of this machine (ps), "
        "so prefer --password-file",
        short="p",
        metavar="PASS",
        password=True,
    ),
    Option(
        "password-file",
        "file whose first line is the password; $CREDENTIALS_DIRECTORY/password is used by itself "
        "when systemd provides it",
        metavar="FILE",
    ),
    Option(
        "share-link",
        "share link of one album, in place of an account: http://nas.local:5000/mo/sharing/...; "
        "it holds the address too, and whoever has it can see the album",
        metavar="LINK",
    ),
    Option(
        "share-link-file",
        "file whose first line is the share link; $CREDENTIALS_DIRECTORY/share-link is used by itself "
        "when systemd provides it",
        metavar="FILE",
    ),
    Option(
        "share-password",
        "password of the share link, if it has one; prefer --share-password-file",
        metavar="PASS",
        password=True,
    ),
    Option(
        "share-password-file",
        "file whose first line is the share link's password; $CREDENTIALS_DIRECTORY/share-password is used by itself "
        "when systemd provides it",
        metavar="FILE",
    ),
    Option(
        "device-file",
        "file of the device id that --enrol makes, for an account with a second factor (2FA); by default device-id in "
        "the state directory, or without one beside the configuration file",
        metavar="FILE",
    ),
    Option(
        "otp-code",
        "the six digits of the authenticator app, for --enrol where it cannot ask for them",
        metavar="CODE",
    ),
    Option(
        "url",
        "NAS host name, IP address or whole URL, with its path alias if there is one (https://nas.example/photo)",
        short="U",
        metavar="HOST",
    ),
    Option(
        "port",
        "NAS port; without a scheme in --url, 443 and 5001 mean https, anything else http",
        short="P",
        metavar="PORT",
        default="5000, 5001 for https",
    ),
    Option(
        "album",
        "album to show: its exact name, or id:NUMBER; may be given several times",
        short="a",
        metavar="NAME",
        default="kitchen-dash",
        repeatable=True,
    ),
    Option("max-cache", "megabytes of photos held in memory", short="m", metavar="MB", default="250"),
    Option(
        "max-disk",
        "megabytes of photos kept in the state directory, if there is one",
        metavar="MB",
        default="1000",
    ),
    Option("interval", "seconds between looks at the album", short="i", metavar="SECONDS", default="60"),
    Option("server-port", "port to serve on", short="s", metavar="PORT", default="5000"),
    Option("listen-address", "address to serve on", metavar="ADDRESS", default="all"),
    Option(
        "allowed-host",
        "name under which screens ask for this server, besides its addresses and names of the network at home; "
        "*.example.org for all below; may be given several times",
        metavar="NAME",
        repeatable=True,
    ),
    Option(
        "access-token",
        "show photos only to those who have this token, which has at least 8 characters; prefer --access-token-file",
        metavar="TOKEN",
        password=True,
    ),
    Option(
        "access-token-file",
        "file whose first line is the access token; $CREDENTIALS_DIRECTORY/access-token is used by itself "
        "when systemd provides it",
        metavar="FILE",
    ),
    Option(
        "allow-origin",
        "origin of a web page whose scripts may read the answers, such as http://dashboard.local:8123; "
        "may be given several times",
        metavar="ORIGIN",
        repeatable=True,
    ),
    Option("tls-cert", "serve https with the certificate (and those it follows from) in this PEM file", metavar="FILE"),
    Option("tls-key", "PEM file of the certificate's private key", metavar="FILE"),
    Option(
        "trusted-proxy",
        "address or network (10.0.0.0/8) of a proxy in front, whose X-Forwarded-For, -Proto and -Host are believed; "
        "may be given several times",
        metavar="ADDRESS",
        repeatable=True,
    ),
    Option("base-path", "serve everything below this path, such as /frames", metavar="PATH"),
    Option(
        "photo-size",
        "rendition to ask the NAS for: sm, m, xl (short side 240, 320, 1280 pixels) or original",
        metavar="SIZE",
        default="xl",
    ),
    Option("max-photo", "megabytes; a larger answer from the NAS is refused", metavar="MB", default="32"),
    Option("timeout", "seconds for one NAS call, all in all", metavar="SECONDS", default="30"),
    Option("ca-file", "trust the certificate authority or certificate in this PEM file", metavar="FILE"),
    Option(
        "tls-fingerprint",
        "trust exactly the certificate with this SHA-256 fingerprint, whatever its name, date and issuer; "
        "--check shows it",
        metavar="SHA256",
    ),
    Option("insecure", "do not check the NAS's certificate at all", flag=True),
    Option(
        "state-dir",
        "directory for what is kept over a restart; $STATE_DIRECTORY is used by itself when systemd provides it",
        metavar="DIR",
    ),
    Option("log-level", "one of debug, info, warning, error", metavar="LEVEL", default="info"),
    Option("log-format", "text, or json for programs that collect logs", metavar="FORMAT", default="text"),
)

COMMANDS: Mapping[str, str] = {
    "demo": "run on the simulated NAS with its sample photos",
    "check": "make the calls that the service will make, print a line for each, and exit with 0 or 1",
    "enrol": "make this device known to the NAS once, for an account with a second factor (2FA)",
    "list-albums": "print the albums that the account can see, and exit",
}
