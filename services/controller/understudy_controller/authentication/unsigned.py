"""Where requests need no signature: that no page in an operator's browser sends them, and that few can.

A browser sends simple requests to any address for any page, and a page can make its own name lead to ours (DNS
rebinding), by which it may read the answers too. Both show: in what the browser says of the page, and in ``Host``.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from understudy_controller.authentication.refusal import Reason, RequestRefused
from understudy_runtime.settings import CommonSettings

Headers = Sequence[tuple[bytes, bytes]]

_OWN_SITES: Final = (b"same-origin", b"none")
"""Of ``Sec-Fetch-Site``: a page of this very origin, or what a person typed. ``same-site`` is any port of this host."""


class UnsignedRequests:
    """Who may send requests without a signature: anybody but a page of somebody else's."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        """``hosts``: names by which the API is reached, besides ``localhost`` and addresses."""
        self._hosts = frozenset(host.lower() for host in hosts)

    def check(self, headers: Headers) -> None:
        """Let a request pass.

        Raises:
            RequestRefused: a page of another origin sends it, or it is meant for another host.
        """
        hosts = [value for name, value in headers if name == b"host"]
        for host in hosts:
            if not self._is_ours(_name(host)):
                raise RequestRefused(
                    Reason.FOREIGN_HOST,
                    "the host that the request names is neither an address, nor localhost, nor named in "
                    "UNDERSTUDY_API_HOSTS: without signatures, other names are not answered; add it there",
                )
        for name, value in headers:
            if (name == b"sec-fetch-site" and value.lower() not in _OWN_SITES) or (
                name == b"origin" and _authority(value) not in [host.lower() for host in hosts]
            ):
                raise RequestRefused(
                    Reason.FOREIGN_ORIGIN,
                    "a page of another origin sends this request: without signatures, none is taken from there",
                )

    def _is_ours(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def is_reached_from_elsewhere(settings: CommonSettings) -> bool:
    """Whether the process listens on an address that other machines reach, as far as it can tell."""
    host = settings.listen_host
    if settings.listen_fd is not None:
        with socket.socket(fileno=os.dup(settings.listen_fd)) as listening:
            address = listening.getsockname()
        if not isinstance(address, tuple):
            return False
        host = address[0]
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _name(host: bytes) -> str:
    """The name in a ``Host``, without the port; empty where it is none."""
    try:
        return (urlsplit(f"//{host.decode('ascii')}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _authority(origin: bytes) -> bytes:
    return origin.partition(b"://")[2].lower()
