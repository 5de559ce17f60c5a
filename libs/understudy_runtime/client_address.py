"""Who is at the other end of a request, where trusted proxies stand in between.

Rules:

1. The client is the peer of the connection, unless that is a trusted proxy.
2. A trusted proxy is believed about its own peer, which it has appended to ``X-Forwarded-For``: from the right, the
   first address there that is no trusted proxy is the client.
3. What cannot be read ends the search: the client is then the last proxy that was believed. So nobody gains anything by
   writing nonsense, and nothing left of an untrusted address counts, since its sender may have invented it.
4. An IPv4 address written as IPv6 (``::ffff:192.0.2.1``) is that IPv4 address, on both sides of every comparison.

No other header is read: a proxy passes on those that it does not write, as the client wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDED_FOR = b"x-forwarded-for"

_WITH_PORT = re.compile(r"(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?")
"""Some proxies append the port: ``192.0.2.1:4711``, ``[2001:db8::1]:4711``."""
_MAPPED_BITS = 96


class TrustedProxies:
    """The networks whose word on clients is taken."""

    def __init__(self, blocks: Iterable[str] = ()) -> None:
        """``blocks``: in CIDR notation, IPv4 and IPv6.

        Raises:
            ValueError: one is none; the message says which.
        """
        self._networks = tuple(_network(block, number) for number, block in enumerate(blocks, start=1))

    @classmethod
    def parse(cls, blocks: str | None) -> TrustedProxies:
        """From blocks separated by commas, or none; raises ValueError as the constructor."""
        return cls(block for block in map(str.strip, (blocks or "").split(",")) if block)

    def trusts(self, address: Address) -> bool:
        """Whether it is a proxy's."""
        return any(address in network for network in self._networks)

    def client(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> Address | None:
        """The client's address; None where the connection has none that can be read.

        ``peer``: the connection's, as the socket tells it. ``headers``: of the request, names in lower case.
        """
        believed = parse_address(peer or "")
        if believed is None or not self._networks or not self.trusts(believed):
            return believed
        forwarded = b",".join(value for name, value in headers if name == FORWARDED_FOR).decode("latin-1")
        for written in reversed(forwarded.split(",")):
            address = parse_address(written.strip())
            if address is None:
                return believed
            if not self.trusts(address):
                return address
            believed = address
        return believed


def parse_address(text: str) -> Address | None:
    """An address, with or without brackets and port; None where it is none."""
    match = _WITH_PORT.fullmatch(text)
    if match is not None:
        text = match[1] or match[2] or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network(block: str, number: int) -> Network:
    try:
        network = ip_network(block, strict=False)
    except ValueError as err:
        raise ValueError(f"the network at place {number} is none; one is written as 10.0.0.0/8 or fd00::/8") from err
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network
