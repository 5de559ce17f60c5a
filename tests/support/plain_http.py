"""Requests over plain HTTP, each on a connection of its own, as ``httpx.get`` makes them.

That one reads the certificates of this machine for every request, which takes twenty times as long as the request: too
long for what is asked several times a second.
"""

from __future__ import annotations

import ssl

import httpx

_CLIENT = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), limits=httpx.Limits(max_keepalive_connections=0))


def get(url: str, *, timeout: float = 5.0, params: dict[str, str | int] | None = None) -> httpx.Response:
    """The answer, whatever its status.

    Raises:
        httpx.TransportError: there is none.
    """
    return _CLIENT.get(url, timeout=timeout, params=params)
