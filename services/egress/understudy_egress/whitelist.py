"""Who may read an origin endpoint: networks in CIDR notation; none given means everybody."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import ip_network

from understudy_runtime.client_address import Address, Network

_log = logging.getLogger(__name__)


class Whitelist:
    """A block that cannot be read lets nobody in, rather than everybody."""

    def __init__(self, blocks: Iterable[str]) -> None:
        self.is_set = False
        """Whether anybody is kept out."""
        self._networks: list[Network] = []
        for block in blocks:
            self.is_set = True
            try:
                self._networks.append(ip_network(block, strict=False))
            except ValueError:
                _log.error("a whitelist holds %r, which is no network", block)

    def allows(self, client: Address | None) -> bool:
        """Whether a client of this address is let in; one without a readable address is not."""
        return not self.is_set or (client is not None and any(client in network for network in self._networks))
