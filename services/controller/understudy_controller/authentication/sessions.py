"""Who looks at the console: with an access key, once, for a session; or signed in at a proxy that is trusted to say so.

A session is a cookie that any controller can check: the id of its access key and when it ends, with an HMAC by that
key's secret. So a key that is taken away ends its sessions, and nothing is stored. Scripts cannot read the cookie, and
no other site's page sends it (``SameSite=Strict``). What writes is taken from pages of this very origin alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from understudy_controller.authentication.keys import AccessKeys
from understudy_controller.authentication.refusal import Reason, RequestRefused
from understudy_controller.settings import ControllerSettings
from understudy_runtime.access_keys import AccessKey
from understudy_runtime.client_address import TrustedProxies, parse_address
from understudy_runtime.log_limit import LogLimit

COOKIE: Final = "understudy_session"
LASTS: Final = timedelta(hours=12)
"""A shift: who is woken at night need not look for a key."""

_PURPOSE: Final = b"understudy console session\n"
"""No signature of a request, by the same secret, is ever one of a session."""
_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]{1,400})\.([0-9a-f]{64})")
_USER: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and whether they may do something too."""

    access_key_id: str
    """Empty for who is signed in at a proxy."""
    name: str
    read_only: bool


class Sessions:
    """Makes sessions and recognises them."""

    def __init__(self, keys: AccessKeys, *, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._now = now
        self.refusals = LogLimit()
        """Of the log: anybody can try to sign in as often as they like."""

    def begin(self, access_key_id: str, secret_access_key: str) -> str:
        """The cookie's value for who has this key.

        Raises:
            RequestRefused: there is no such key, or its secret is another.
        """
        key = self._keys.get(access_key_id)
        # Compared whether or not there is one: how long it takes does not tell which ids there are.
        secret = key.secret_access_key.get_secret_value() if key is not None else ""
        same = hmac.compare_digest(_digest(secret), _digest(secret_access_key))
        if key is None or not same:
            raise RequestRefused(Reason.WRONG_SIGNATURE, "no access key has this id and this secret")
        said = f"{access_key_id}\n{int((self._now() + LASTS).timestamp())}".encode()
        return f"{base64.urlsafe_b64encode(said).decode().rstrip('=')}.{_mac(key, said)}"

    def viewer(self, headers: Headers) -> Viewer | None:
        """Whose session a request belongs to; None where it has none, or one that is over."""
        found = _TOKEN.fullmatch(_cookie(headers))
        if found is None:
            return None
        try:
            said = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4))
            access_key_id, _, expires = said.decode("ascii").partition("\n")
            ends_at = int(expires)
        except (binascii.Error, ValueError):
            return None
        key = self._keys.get(access_key_id)
        if key is None or not hmac.compare_digest(_mac(key, said), found[2]):
            return None
        if self._now().timestamp() >= ends_at:
            return None
        return Viewer(key.access_key_id, key.name or key.access_key_id, key.read_only)


class ProxiedViewers:
    """Who is signed in at a reverse proxy, with OpenID Connect for instance, as that proxy says in headers."""

    def __init__(self, settings: ControllerSettings) -> None:
        self._proxies = TrustedProxies.parse(settings.console_trusted_proxies)
        self._user_header = settings.console_user_header.lower().encode()
        self._groups_header = settings.console_groups_header.lower().encode()
        self._operators = frozenset(
            word for part in (settings.console_operators or "").split(",") if (word := part.strip())
        )

    def viewer(self, peer: str | None, headers: Headers) -> Viewer | None:
        """Who asks; None unless the connection itself comes from a trusted proxy that names a user."""
        address = parse_address(peer or "")
        if address is None or not self._proxies.trusts(address):
            return None
        users = [value.decode("utf-8", "replace") for name, value in headers if name == self._user_header]
        if len(users) != 1 or _USER.fullmatch(users[0]) is None:
            return None
        groups = {
            group.strip()
            for name, value in headers
            if name == self._groups_header
            for group in value.decode("utf-8", "replace").split(",")
        }
        may_write = not self._operators.isdisjoint({users[0], *groups})
        return Viewer("", users[0], read_only=not may_write)


def check_same_origin(headers: Headers) -> None:
    """Let a write pass that a page of this very origin sends, and nobody else's.

    Raises:
        RequestRefused: another page sends it, or something that does not say which.
    """
    said = dict(headers)
    site, origin, host = said.get(b"sec-fetch-site"), said.get(b"origin"), said.get(b"host", b"")
    if site is not None and site != b"same-origin":
        raise RequestRefused(Reason.FOREIGN_ORIGIN, "a page of another origin sends this request")
    if origin is None or origin.partition(b"://")[2].lower() != host.lower():
        raise RequestRefused(
            Reason.FOREIGN_ORIGIN, "a session writes from the console's own pages alone: sign the request instead"
        )


def _cookie(headers: Headers) -> str:
    """The session's cookie, whatever others stand beside it: those of other programs on this host may be anything."""
    cookies = (part for name, value in headers if name == b"cookie" for part in value.decode("latin-1").split(";"))
    named = (part.strip().partition("=") for part in cookies)
    return next((value for name, _, value in named if name == COOKIE), "")


def _mac(key: AccessKey, said: bytes) -> str:
    secret = key.secret_access_key.get_secret_value().encode()
    return hmac.new(secret, _PURPOSE + said, hashlib.sha256).hexdigest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
