"""HTTP Digest and Basic (RFC 7616, RFC 2617, RFC 7617) for one ingest endpoint, without state.

A nonce carries its time and a keyed hash of it. The key is derived from the endpoint's own password, which every pod
knows from the configuration: any pod accepts the nonce of any other, nothing is shared besides, and new credentials
end old nonces, once the grace of the pair before them is over. The nonce count is not enforced, as that would need
shared state: what stands against replay is TLS.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from understudy_domain import ticks
from understudy_domain.channel import IngestEndpoint
from understudy_ingest.errors import Unauthorized

REALM = "understudy"

# Nothing is given back and no name is begun in its middle: anybody may send this, and it must cost what it is long.
_PARAMETER = re.compile(r'(?<![A-Za-z0-9_-])([A-Za-z0-9_-]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,]+))')
_AUTHORIZATION_SIZE_MAX = 4 << 10
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


class _Pair:
    """A user name and its password, as far as a check needs them."""

    def __init__(self, endpoint_id: str, username: str, password: str, *, until_seconds: float = math.inf) -> None:
        self.username = username.encode()
        self.basic = f"{username}:{password}".encode()
        self.first_hash = _md5(f"{username}:{REALM}:{password}")
        self.nonce_key = hmac.digest(password.encode(), b"nonce of " + endpoint_id.encode(), "sha256")
        self.until_seconds = until_seconds
        """By the clock; from then on it opens nothing."""

    def seal(self, stamp: str) -> str:
        return hmac.digest(self.nonce_key, stamp.encode(), "sha256").hex()[:32]


class Credentials:
    """Checks requests against one ingest endpoint's user name and password, and the pair before it while that works.

    Within that time a nonce is good for either pair, whichever sealed it: an encoder that still has the former one
    keeps the nonce that it has, and one that connects anew is challenged with one of the new pair's.
    """

    def __init__(self, endpoint: IngestEndpoint, *, nonce_seconds: float) -> None:
        self._nonce_seconds = nonce_seconds
        self._present = _Pair(endpoint.id, endpoint.username, endpoint.password)
        self._pairs = [self._present]
        former = endpoint.former
        if former is not None:
            until_seconds = former.until / ticks.TICKS_PER_SECOND
            self._pairs.append(_Pair(endpoint.id, former.username, former.password, until_seconds=until_seconds))

    def challenges(self, *, now_seconds: float, stale: bool) -> tuple[str, str]:
        """The WWW-Authenticate headers of a 401: Digest, which encoders prefer, and Basic."""
        stamp = f"{int(now_seconds):08x}-{secrets.token_hex(8)}"
        digest = f'Digest realm="{REALM}", nonce="{stamp}-{self._present.seal(stamp)}", algorithm=MD5, qop="auth"'
        return digest + (", stale=true" if stale else ""), f'Basic realm="{REALM}", charset="UTF-8"'

    def check(self, request: Request, *, now_seconds: float, accepted_nonce: str | None = None) -> str | None:
        """Return where the credentials are right: the nonce that was used, None for Basic.

        ``accepted_nonce`` is one that was accepted on this connection before, and does not grow old on it.

        Raises:
            Unauthorized: there are none, they are wrong or longer than any, or their nonce is too old.
        """
        if len(request.authorization or "") > _AUTHORIZATION_SIZE_MAX:
            raise Unauthorized(f"an Authorization header is read up to {_AUTHORIZATION_SIZE_MAX} bytes")
        scheme, _, rest = (request.authorization or "").partition(" ")
        pairs = [pair for pair in self._pairs if now_seconds < pair.until_seconds]
        match scheme.lower():
            case "digest":
                nonce = _check_digest(rest, request, pairs)
            case "basic":
                _check_basic(rest, pairs)
                return None
            case _:
                raise Unauthorized(
                    "this input URL needs its user name and password, by HTTP Digest or Basic authentication"
                )
        if nonce != accepted_nonce and not self._is_fresh(nonce, pairs, now_seconds):
            raise Unauthorized("the nonce is too old, repeat with the new one", stale=True)
        return nonce

    def _is_fresh(self, nonce: str, pairs: Sequence[_Pair], now_seconds: float) -> bool:
        match = _NONCE.fullmatch(nonce)
        if match is None:
            return False
        stamp = f"{match[1]}-{match[2]}"
        if not any(hmac.compare_digest(pair.seal(stamp), match[3]) for pair in pairs):
            return False
        age = now_seconds - int(match[1], 16)
        return -_CLOCK_SKEW_SECONDS <= age <= self._nonce_seconds


def _check_basic(encoded: str, pairs: Sequence[_Pair]) -> None:
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError) as err:
        raise Unauthorized("the Basic credentials are malformed") from err
    if not any(hmac.compare_digest(given, pair.basic) for pair in pairs):
        raise Unauthorized(_WRONG)


def _check_digest(text: str, request: Request, pairs: Sequence[_Pair]) -> str:
    """The nonce that one of ``pairs`` was given with."""
    given = {match[1].lower(): match[2] if match[3] is None else match[3] for match in _PARAMETER.finditer(text)}
    nonce, uri = given.get("nonce", ""), given.get("uri", "")
    if _path_of(uri) != request.path:
        raise Unauthorized("the Digest credentials are for another path")
    username, response = given.get("username", "").encode(), given.get("response", "").encode()
    matches = [
        hmac.compare_digest(username, pair.username)
        & hmac.compare_digest(_response(pair.first_hash, given, nonce, uri, request.method), response)
        for pair in pairs
    ]
    if not any(matches):
        raise Unauthorized(_WRONG)
    return nonce


def _response(first: str, given: dict[str, str], nonce: str, uri: str, method: str) -> bytes:
    """What a client that knows the password answers; ``first`` is the hash of the two."""
    second = _md5(f"{method}:{uri}")
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
