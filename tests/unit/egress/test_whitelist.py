"""Who may read an origin endpoint."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from understudy_egress.whitelist import Whitelist


@pytest.mark.parametrize(
    ("blocks", "client", "allowed"),
    [
        ((), "192.0.2.1", True),
        ((), None, True),
        (("192.0.2.0/24",), "192.0.2.1", True),
        (("192.0.2.0/24",), "198.51.100.1", False),
        (("192.0.2.0/24", "198.51.100.1/32"), "198.51.100.1", True),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("192.0.2.0/24",), None, False),
        (("nonsense",), "192.0.2.1", False),
        (("0.0.0.0/0",), "192.0.2.1", True),
    ],
)
@pytest.mark.compatibility("OriginEndpoint.whitelist")
def test_clients_are_let_in_by_address(blocks: tuple[str, ...], client: str | None, allowed: bool) -> None:
    assert Whitelist(blocks).allows(ip_address(client) if client else None) is allowed
