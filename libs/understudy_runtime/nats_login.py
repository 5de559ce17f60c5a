"""Who a service is to NATS: a credentials file, a user and a password, or a token.

The library reads a credentials file as well, but does not end at one that is none. Here it is read at each connect, so
that it can be exchanged under a running service, and what is wrong with it is a sentence.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from understudy_runtime.tls_files import read_file

if TYPE_CHECKING:
    from pydantic import SecretStr

_JWT = re.compile(rb"-{3,}BEGIN NATS USER JWT-{3,}\s+(\S+)\s")
_SEED = re.compile(rb"-{3,}BEGIN USER NKEY SEED-{3,}\s+(\S+)\s")
_BARE_SEED = re.compile(rb"SU[A-Z2-7]{56}")


class UserCredentials(NamedTuple):
    """What a credentials file holds."""

    jwt: str | None
    """None: the file holds a seed alone, and the server knows the user by its public key."""
    seed: bytes

    def sign(self, nonce: str) -> bytes:
        """The server's challenge, signed, in base64."""
        pair = _key_pair(self.seed)
        signed: bytes = base64.b64encode(pair.sign(nonce.encode()))
        pair.wipe()
        return signed

    @property
    def public_key(self) -> str:
        """The user's public NKey (``U…``)."""
        return str(_key_pair(self.seed).public_key.decode())


def _is_seed(text: bytes) -> bool:
    if not _BARE_SEED.fullmatch(text):
        return False
    # Two bytes at its end tell a seed from one with a slip; the library does not look at them.
    raw = base64.b32decode(text + b"=" * (-len(text) % 8))
    return binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little") == raw[-2:]


def _key_pair(seed: bytes) -> Any:
    import nkeys  # noqa: PLC0415  # only where it is needed: it loads a library of its own

    return nkeys.from_seed(bytearray(seed))


@dataclass(frozen=True, slots=True)
class Login:
    """What a service shows."""

    urls: tuple[str, ...] = ()
    """Of the servers; they may hold a user and a password too."""
    credentials_file: Path | None = None
    user: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None

    @property
    def settings(self) -> str:
        """The settings that say it, to be named where NATS does not take it; empty where none does."""
        given = {
            "UNDERSTUDY_NATS_CREDENTIALS_FILE": self.credentials_file,
            "UNDERSTUDY_NATS_USER and UNDERSTUDY_NATS_PASSWORD": self.user,
            "UNDERSTUDY_NATS_TOKEN": self.token,
            "UNDERSTUDY_NATS_URL": self._user_info or None,
        }
        return ", ".join(name for name, value in given.items() if value is not None)

    def refuse_several(self) -> None:
        """Raises ValueError where there is more than one way to say who it is."""
        if "," in self.settings:
            raise ValueError(f"{self.settings}: NATS is told once who connects, so set one of these")

    def credentials(self) -> UserCredentials | None:
        """What the credentials file holds now; None where there is none.

        Raises:
            ValueError: it cannot be read, or holds something else.
        """
        return None if self.credentials_file is None else self.read_file(self.credentials_file)

    @staticmethod
    def read_file(path: Path) -> UserCredentials:
        """A ``.creds`` file, or a file with a user's NKey seed alone.

        Raises:
            ValueError: it cannot be read, or holds something else.
        """
        text = read_file(path) + b"\n"
        jwt, seed = _JWT.search(text), _SEED.search(text)
        if jwt is not None and seed is not None and _is_seed(seed[1]):
            return UserCredentials(jwt[1].decode("ascii", errors="replace"), seed[1])
        if jwt is None and _is_seed(text.strip()):
            return UserCredentials(None, text.strip())
        raise ValueError("the file holds neither a NATS user's JWT and NKey seed (.creds) nor an NKey seed (SU...)")

    @property
    def options(self) -> dict[str, str]:
        """For the library's ``connect``: everything that does not come from a file.

        What stands in a URL too: the library would not show it to the servers that it discovers by itself.
        """
        if self.user is not None and self.password is not None:
            return {"user": self.user, "password": self.password.get_secret_value()}
        if self.token is not None:
            return {"token": self.token.get_secret_value()}
        user, separator, password = self._user_info.partition(":")
        if separator:
            return {"user": user, "password": password}
        return {"token": user} if user else {}

    @property
    def _user_info(self) -> str:
        return next((found for url in self.urls if (found := url.rpartition("@")[0].rpartition("://")[2])), "")
