"""Runs on any thread: makes a NAS's own certificate with the openssl program."""

from __future__ import annotations

import hashlib
import re
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

_CONFIGURATION = """\
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = extensions
[any]
countryName = supplied
organizationName = supplied
commonName = supplied
[extensions]
basicConstraints = CA:FALSE
subjectAltName = {names}
[req]
distinguished_name = subject
prompt = no
[subject]
C = TW
O = Synology Inc.
CN = {subject}
"""
_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config cnf"
_REQUEST = f"req -new {_KEY} -keyout key.pem -out request.pem"
_AUTHORITY = f"req -x509 {_KEY} -keyout authority-key.pem -out authority.pem"
_SIGN = "ca -batch -notext -config cnf -in request.pem -out certificate.pem"


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate as a Synology box makes one at its first start: no address goes by its name.

    `names` are DNS names or IP addresses, the first of them the subject. With an `issuer` it is signed by an authority
    of that name, which nobody knows. Valid from a day ago for a year, unless told.
    """

    names: tuple[str, ...] = ("synology",)
    issuer: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def make(self) -> tuple[ssl.SSLContext, str]:
        """What a server needs, and the certificate as PEM text. RuntimeError without the openssl program."""
        with TemporaryDirectory() as folder:
            self.write(folder)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(Path(folder, "certificate.pem"), Path(folder, "key.pem"))
            return context, Path(folder, "certificate.pem").read_text()

    def write(self, folder: str) -> None:
        """Makes certificate.pem and key.pem in a folder, among files that were needed on the way."""
        start = self.valid_from or datetime.now(UTC) - timedelta(days=1)
        end = self.valid_until or start + timedelta(days=366)
        names = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in self.names)
        Path(folder, "cnf").write_text(_CONFIGURATION.format(names=names, subject=self.names[0]))
        Path(folder, "index.txt").touch()
        _openssl(_REQUEST, folder)
        signer = "-selfsign -keyfile key.pem"
        if self.issuer:
            _openssl(_AUTHORITY, folder, "-subj", f"/CN={self.issuer}")
            signer = "-cert authority.pem -keyfile authority-key.pem"
        _openssl(f"{_SIGN} {signer} -startdate {start:%Y%m%d%H%M%SZ} -enddate {end:%Y%m%d%H%M%SZ}", folder)


def fingerprint(pem: str) -> str:
    """SHA-256, as browsers and openssl show it."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(re.findall("..", digest))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _openssl(command: str, folder: str, *more: str) -> None:
    try:
        subprocess.run(["openssl", *command.split(), *more], cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise RuntimeError(
            "The simulated NAS makes its certificate with the openssl program, which is not there: apt install openssl"
        ) from None
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"openssl could not make a certificate: {error.stderr}") from None
