"""HTTP Digest and Basic (RFC 7616, RFC 2617, RFC 7617) for one ingest endpoint, without state.

A nonce carries its time and a keyed hash of it. The key is derived from the endpoint's own password, which every pod
knows from the configuration: any pod accepts the nonce of any other, nothing is shared besides, and new credentials
end old nonces. The nonce count is not enforced, as that would need shared state: what stands against replay is TLS.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from understudy_domain.channel import IngestEndpoint
from understudy_ingest.errors import Unauthorized

REALM = "understudy"

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_NONCE = re.compile(r"([0-9a-f]{8,12})-([0-9a-f]{16})-([0-9a-f]{32})")
_CLOCK_SKEW_SECONDS = 60
_WRONG = "wrong user name or password for this input URL: each of a channel's two input URLs has its own"


def _path_of(uri: str) -> str | None:
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:
        return None


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """What credentials are checked against."""

    method: str
    path: str
    """Decoded."""
    authorization: str | None


class Credentials:
    """Checks requests against one ingest endpoint's user name and password."""

    def __init__(self, endpoint: IngestEndpoint, *, nonce_seconds: float) -> None:
        self._username = endpoint.username
        self._password = endpoint.password
        self._nonce_seconds = nonce_seconds
        self._nonce_key = hmac.digest(endpoint.password.encode(), b"nonce of " + endpoint.id.encode(), "sha256")
        self._first_hash = _md5(f"{endpoint.username}:{REALM}:{endpoint.password}")

    def challenges(self, *, now_seconds: float, stale: bool) -> tuple[str, str]:
        """The WWW-Authenticate headers of a 401: Digest, which encoders prefer, and Basic."""
        stamp = f"{int(now_seconds):08x}-{secrets.token_hex(8)}"
        digest = f'Digest realm="{REALM}", nonce="{stamp}-{self._seal(stamp)}", algorithm=MD5, qop="auth"'
        return digest + (", stale=true" if stale else ""), f'Basic realm="{REALM}", charset="UTF-8"'

    def check(self, request: Request, *, now_seconds: float, accepted_nonce: str | None = None) -> str | None:
        """Return where the credentials are right: the nonce that was used, None for Basic.

        ``accepted_nonce`` is one that was accepted on this connection before, and does not grow old on it.

        Raises:
            Unauthorized: there are none, they are wrong, or their nonce is too old.
        """
        scheme, _, rest = (request.authorization or "").partition(" ")
        match scheme.lower():
            case "digest":
                return self._check_digest(rest, request, now_seconds, accepted_nonce)
            case "basic":
                self._check_basic(rest)
                return None
            case _:
                pass
        raise Unauthorized("this input URL needs its user name and password, by HTTP Digest or Basic authentication")

    def _check_basic(self, encoded: str) -> None:
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError) as err:
            raise Unauthorized("the Basic credentials are malformed") from err
        if not hmac.compare_digest(given, f"{self._username}:{self._password}".encode()):
            raise Unauthorized(_WRONG)

    def _check_digest(self, text: str, request: Request, now_seconds: float, accepted_nonce: str | None) -> str:
        given = {match[1].lower(): match[2] if match[3] is None else match[3] for match in _PARAMETER.finditer(text)}
        nonce, uri = given.get("nonce", ""), given.get("uri", "")
        if _path_of(uri) != request.path:
            raise Unauthorized("the Digest credentials are for another path")
        expected = self._expected(given, nonce, uri, request.method)
        known = hmac.compare_digest(given.get("username", "").encode(), self._username.encode())
        if not hmac.compare_digest(expected, given.get("response", "").encode()) or not known:
            raise Unauthorized(_WRONG)
        if nonce != accepted_nonce and not self._is_fresh(nonce, now_seconds):
            raise Unauthorized("the nonce is too old, repeat with the new one", stale=True)
        return nonce

    def _expected(self, given: dict[str, str], nonce: str, uri: str, method: str) -> bytes:
        first, second = self._first_hash, _md5(f"{method}:{uri}")
        algorithm, qop, cnonce = given.get("algorithm", "MD5").upper(), given.get("qop"), given.get("cnonce", "")
        if algorithm == "MD5-SESS":
            first = _md5(f"{first}:{nonce}:{cnonce}")
        elif algorithm != "MD5":
            raise Unauthorized("Digest authentication is with algorithm=MD5 here")
        if qop is None:
            return _md5(f"{first}:{nonce}:{second}").encode()
        if qop != "auth":
            raise Unauthorized("Digest authentication is with qop=auth here")
        return _md5(f"{first}:{nonce}:{given.get('nc', '')}:{cnonce}:{qop}:{second}").encode()

    def _is_fresh(self, nonce: str, now_seconds: float) -> bool:
        match = _NONCE.fullmatch(nonce)
        if match is None or not hmac.compare_digest(self._seal(f"{match[1]}-{match[2]}"), match[3]):
            return False
        age = now_seconds - int(match[1], 16)
        return -_CLOCK_SKEW_SECONDS <= age <= self._nonce_seconds

    def _seal(self, stamp: str) -> str:
        return hmac.digest(self._nonce_key, stamp.encode(), "sha256").hex()[:32]
