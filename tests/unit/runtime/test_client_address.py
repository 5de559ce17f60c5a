"""Who a request comes from, with proxies in between."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from understudy_runtime.client_address import TrustedProxies, parse_address

PROXIES = TrustedProxies(("10.0.0.0/8", "192.0.2.53", "2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        # Who is no proxy of ours may write what it likes.
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("198.51.100.7", "10.0.0.1", "198.51.100.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", " 203.0.113.1 ", "203.0.113.1"),
        # What stands left of the client is its own invention.
        ("10.0.0.1", "198.51.100.99, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "nonsense, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "198.51.100.99, 203.0.113.1, 10.2.0.1, 192.0.2.53", "203.0.113.1"),
        ("10.0.0.1", "10.2.0.1, 10.3.0.1", "10.2.0.1"),
        # The search ends where it cannot go on, with the last that was believed.
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.1, unknown, 10.2.0.1", "10.2.0.1"),
        ("10.0.0.1", "203.0.113.1,", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.1, 999.0.0.1", "10.0.0.1"),
        # With ports, in brackets, IPv6, and IPv4 written as IPv6.
        ("10.0.0.1", "203.0.113.1:4711", "203.0.113.1"),
        ("10.0.0.1", "[2001:db8:2::1]:4711, 10.0.0.2:80", "2001:db8:2::1"),
        ("2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::1"),
        ("2001:db8:2::1", "203.0.113.1", "2001:db8:2::1"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.1", "203.0.113.1"),
        ("::ffff:198.51.100.7", "203.0.113.1", "198.51.100.7"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str | None, client: str) -> None:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    assert PROXIES.client(peer, headers) == ip_address(client)


def test_the_header_may_come_in_several_lines_and_others_are_not_read() -> None:
    headers = [
        (b"forwarded", b"for=203.0.113.9"),
        (b"x-real-ip", b"203.0.113.9"),
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"x-forwarded-for", b"203.0.113.1"),
        (b"x-forwarded-for", b"10.0.0.2"),
    ]
    assert PROXIES.client("10.0.0.1", headers) == ip_address("203.0.113.1")


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert TrustedProxies.parse(" ").client("10.0.0.1", [(b"x-forwarded-for", b"203.0.113.1")]) == ip_address(
        "10.0.0.1"
    )


@pytest.mark.parametrize("peer", [None, "", "somebody", "/run/socket"])
def test_a_peer_without_an_address_has_none(peer: str | None) -> None:
    assert PROXIES.client(peer, [(b"x-forwarded-for", b"203.0.113.1")]) is None


def test_networks_may_be_written_as_ipv4_in_ipv6() -> None:
    proxies = TrustedProxies.parse("::ffff:10.0.0.0/104, fd00::/8")
    assert proxies.trusts(ip_address("10.200.0.1"))
    assert proxies.trusts(ip_address("fd12::1"))
    assert not proxies.trusts(ip_address("11.0.0.1"))


def test_what_is_no_network_is_named_by_its_place() -> None:
    with pytest.raises(ValueError, match="place 2"):
        TrustedProxies.parse("10.0.0.0/8, nginx")


@pytest.mark.parametrize("text", ["", "[]", "[10.0.0.1", "10.0.0.1:", "10.0.0.1:http", "1", "::1:80:", "²001::1", "%"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_address(text) is None
