"""Certificates for tests, made by OpenSSL: an authority, and what it signs for servers and clients on this machine."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_DAYS = "2"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, both PEM."""

    certificate_file: Path
    key_file: Path


class Authority:
    """A certificate authority in a directory of its own."""

    def __init__(self, directory: Path, *, name: str = "authority") -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._own = self._new_key(name)
        _openssl(
            *("req", "-x509", "-new", "-key", str(self._own.key_file), "-out", str(self._own.certificate_file)),
            *("-days", _DAYS, "-subj", f"/CN={name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )

    @property
    def ca_file(self) -> Path:
        """What others verify with."""
        return self._own.certificate_file

    def issue(self, name: str, *, names: tuple[str, ...] = ("DNS:localhost", "IP:127.0.0.1")) -> Certificate:
        """A certificate for servers and clients alike, for these names."""
        issued = self._new_key(name)
        request = self._directory / f"{name}.csr"
        extensions = self._directory / f"{name}.cnf"
        extensions.write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth,clientAuth\n")
        _openssl("req", "-new", "-key", str(issued.key_file), "-out", str(request), "-subj", f"/CN={name}")
        _openssl(
            *("x509", "-req", "-in", str(request), "-out", str(issued.certificate_file), "-days", _DAYS),
            *("-CA", str(self._own.certificate_file), "-CAkey", str(self._own.key_file), "-CAcreateserial"),
            *("-extfile", str(extensions)),
        )
        return issued

    def _new_key(self, name: str) -> Certificate:
        key = self._directory / f"{name}.key"
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
        return Certificate(self._directory / f"{name}.pem", key)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
