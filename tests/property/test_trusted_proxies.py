"""No client chooses its own address, whatever it writes."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from understudy_runtime.client_address import TrustedProxies, parse_address

PROXIES = TrustedProxies(("10.0.0.0/8",))
PROXY = st.integers(0, 2**24 - 1).map(lambda number: str(IPv4Address(0x0A000000 + number)))
CLIENT = st.ip_addresses().filter(lambda address: not PROXIES.trusts(parse_address(str(address)) or address)).map(str)
INVENTED = st.one_of(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60), PROXY)


@given(invented=st.lists(INVENTED, max_size=4), client=CLIENT, proxies=st.lists(PROXY, min_size=1, max_size=4))
def test_what_a_client_wrote_before_its_proxy_appended_its_address_changes_nothing(
    invented: list[str], client: str, proxies: list[str]
) -> None:
    *forwarding, peer = proxies
    header = ",".join([*invented, client, *forwarding]).encode("latin-1")
    assert PROXIES.client(peer, [(b"x-forwarded-for", header)]) == parse_address(client)


@given(header=INVENTED, client=CLIENT)
def test_a_client_that_is_no_proxy_is_who_it_is(header: str, client: str) -> None:
    assert PROXIES.client(client, [(b"x-forwarded-for", header.encode("latin-1"))]) == parse_address(client)
