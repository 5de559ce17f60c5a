"""One request at a time, each over a connection of its own, with Digest where a server asks for it."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from understudy_controller.smoke_test.errors import SmokeTestFailed

_REQUEST_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is: ``http://host:port``."""

    url: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address in a command line's word.

        Raises:
            ValueError: it is none.
        """
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{text} is no http:// or https:// URL")
        return cls(text.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked."""
        return http.client.OK <= self.status < http.client.MULTIPLE_CHOICES

    def words(self) -> str:
        """For messages."""
        return f"{self.status} {self.body[:300].decode(errors='replace')}".strip()


@dataclass(frozen=True, slots=True)
class Pair:
    """Credentials for Digest."""

    username: str
    password: str


def request(
    method: str,
    url: str,
    body: bytes | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    credentials: Pair | None = None,
) -> Answer:
    """Send one request.

    Raises:
        SmokeTestFailed: no answer came.
    """
    # Addresses inside a cluster: whatever proxy the environment names is for others.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if credentials is not None:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, credentials.username, credentials.password)
        handlers.append(urllib.request.HTTPDigestAuthHandler(passwords))
    opener = urllib.request.build_opener(*handlers)
    asked = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))  # noqa: S310  # Address
    try:
        with opener.open(asked, timeout=_REQUEST_SECONDS) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, refused.read())
    except (OSError, http.client.HTTPException) as err:
        raise SmokeTestFailed(f"{method} {url} got no answer: {err}; is that service ready?") from err
