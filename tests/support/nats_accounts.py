"""NATS's own kinds of keys and signed claims, for servers that know users by them: an operator, an account, users."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import nkeys


def _pair(prefix: int, number: int) -> Any:
    """A pair of keys that is the same in every run."""
    return nkeys.from_seed(bytearray(nkeys.encode_seed(hashlib.sha256(bytes([number])).digest(), prefix)))


def _name(pair: Any) -> str:
    return str(pair.public_key.decode())


def _signed(nats: dict[str, Any], *, subject: Any, issuer: Any) -> str:
    """A JWT as accounts and operators sign it."""
    claims = {"jti": "test", "iat": 1_700_000_000, "iss": _name(issuer), "sub": _name(subject), "name": _name(subject)}
    signed = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part({**claims, 'nats': {**nats, 'version': 2}})}"
    return f"{signed}.{_encoded(issuer.sign(signed.encode()))}"


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class User:
    """A user by number."""

    def __init__(self, number: int) -> None:
        self.pair = _pair(nkeys.PREFIX_BYTE_USER, number)

    @property
    def name(self) -> str:
        """The public key."""
        return _name(self.pair)

    @property
    def seed(self) -> str:
        """The private one."""
        return str(self.pair.seed.decode())


class Operator:
    """An operator with one account that may use JetStream; hands out credentials files."""

    def __init__(self) -> None:
        operator, system = _pair(nkeys.PREFIX_BYTE_OPERATOR, 1), _pair(nkeys.PREFIX_BYTE_ACCOUNT, 3)
        self._account = _pair(nkeys.PREFIX_BYTE_ACCOUNT, 2)
        limits = dict.fromkeys(("subs", "conn", "leaf", "imports", "exports", "data", "payload"), -1)
        storage = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
        accounts = {
            _name(system): _signed({"type": "account", "limits": limits}, subject=system, issuer=operator),
            _name(self._account): _signed(
                {"type": "account", "limits": {**limits, **storage}}, subject=self._account, issuer=operator
            ),
        }
        own = _signed({"type": "operator", "system_account": _name(system)}, subject=operator, issuer=operator)
        preload = "\n".join(f"{name}: {claims}" for name, claims in accounts.items())
        self.config = f"""
            operator: {own}
            system_account: {_name(system)}
            resolver: MEMORY
            resolver_preload: {{
            {preload}
            }}
        """
        """For the server."""

    def credentials(self, user: User) -> str:
        """A user's ``.creds`` file."""
        nats = {"type": "user", "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}}
        claims = _signed(nats, subject=user.pair, issuer=self._account)
        return (
            f"-----BEGIN NATS USER JWT-----\n{claims}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )
