"""Who may read an origin endpoint: networks in CIDR notation; none given means everybody."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_log = logging.getLogger(__name__)


class Whitelist:
    """A block that cannot be read lets nobody in, rather than everybody."""

    def __init__(self, blocks: Iterable[str]) -> None:
        self.is_set = False
        """Whether anybody is kept out."""
        self._networks: list[IPv4Network | IPv6Network] = []
        for block in blocks:
            self.is_set = True
            try:
                self._networks.append(ip_network(block, strict=False))
            except ValueError:
                _log.error("a whitelist holds %r, which is no network", block)

    def allows(self, client: str | None) -> bool:
        """Whether a client of this address is let in; one without a readable address is not."""
        if not self.is_set:
            return True
        try:
            address = ip_address(client or "")
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
