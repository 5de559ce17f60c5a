"""Who may have anything of an origin endpoint: its origination, its whitelist and its CDN authorization, in this order.

The protocol's fast path checks what it can check in a moment, a CDN's identifier; everything else goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable

from understudy_domain import cdn_authorization
from understudy_domain.channel import OriginEndpoint
from understudy_egress.cdn_secrets import CdnSecret, CdnSecrets
from understudy_egress.errors import CdnNotAuthorized, ClientNotWhitelisted, OriginationDenied
from understudy_egress.whitelist import Whitelist
from understudy_runtime.client_address import Address

CDN_IDENTIFIER = cdn_authorization.HEADER.lower().encode()
"""The request header, as requests have it here: in lower case."""

Admits = Callable[[bytes | None], bool]
"""Whether a request with this value of the header, None without it, is let in."""


class Access:
    """What one configuration of an origin endpoint says."""

    def __init__(self, endpoint: OriginEndpoint, secrets: CdnSecrets) -> None:
        self._is_denied = endpoint.origination == "DENY"
        self._whitelist = Whitelist(endpoint.whitelist)
        named = endpoint.authorization
        self.secret: CdnSecret | None = None if named is None else secrets.get(named.cdn_identifier_secret)
        """What a CDN has to show; None: nothing."""

    @property
    def needs_the_long_way(self) -> bool:
        """More has to be looked at than the header."""
        return self._is_denied or self._whitelist.is_set

    @property
    def admits(self) -> Admits | None:
        """What the fast path has to ask; None: nothing."""
        return None if self.secret is None else self.secret.admits

    def check(self, client: Address | None, *, cdn_identifier: bytes | None = None) -> None:
        """Let a request in, by its client's address and the value of its header.

        Raises:
            OriginationDenied: nobody is.
            ClientNotWhitelisted: not this client.
            CdnNotAuthorized: the header is missing or holds another value.
        """
        if self._is_denied:
            raise OriginationDenied("this origin endpoint does not originate: its origination is DENY")
        if not self._whitelist.allows(client):
            seen = "has no address that can be read" if client is None else f"comes from {client}"
            raise ClientNotWhitelisted(f"this request {seen}, which this origin endpoint's whitelist does not hold")
        if self.secret is not None and not self.secret.admits(cdn_identifier):
            how = "is missing" if cdn_identifier is None else "has another value"
            raise CdnNotAuthorized(
                f"the header {cdn_authorization.HEADER} {how}: this origin endpoint answers CDNs that show its secret"
            )
