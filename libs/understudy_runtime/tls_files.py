"""Certificates and keys in files, as Kubernetes mounts them: read when needed, so that they can be exchanged."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a client verifies servers with, and what it shows them."""

    ca_file: Path | None = None
    """Certificates (PEM) that servers' are verified against; None: those that the system trusts."""
    certificate_file: Path | None = None
    """What the client shows; None: nothing."""
    key_file: Path | None = None
    server_name: str | None = None
    """The name that a server's certificate must have; None: the one it was reached by."""

    @property
    def are_given(self) -> bool:
        """Whether anything is, so that a connection without TLS is none."""
        return any((self.ca_file, self.certificate_file, self.server_name))

    def context(self) -> ssl.SSLContext:
        """The files as they are now.

        Raises:
            ValueError: one cannot be read, or holds something else; the sentence has nothing of what it holds.
        """
        context = ssl.create_default_context(cadata=None if self.ca_file is None else _certificates(self.ca_file))
        if self.certificate_file is None or self.key_file is None:
            return context
        read_file(self.certificate_file)  # OpenSSL does not say which of the two it could not read
        read_file(self.key_file)
        try:
            # A key with a passphrase would have OpenSSL ask for it at the terminal.
            context.load_cert_chain(self.certificate_file, self.key_file, password="")
        except (ssl.SSLError, ValueError) as err:
            raise ValueError(
                "they are no certificate and its private key, both PEM, the key without a passphrase"
            ) from err
        return context


def _certificates(path: Path) -> str:
    text = read_file(path).decode("ascii", errors="replace")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as err:  # ValueError: it is empty
        raise ValueError("the file holds no certificates in PEM") from err
    return text


def check_certificates(path: Path) -> None:
    """Raises ValueError, in a sentence, where a file cannot be read or holds no certificates."""
    _certificates(path)


def read_file(path: Path) -> bytes:
    """What a file that a setting names holds.

    Raises:
        ValueError: it cannot be read; the sentence leaves its name out, which may be a secret in the wrong place.
    """
    try:
        return path.read_bytes()
    except OSError as err:
        raise ValueError(f"the file cannot be read: {err.strerror}") from err
