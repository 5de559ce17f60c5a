"""The ``Authorization`` header of Signature Version 4, and what a request must have signed; nothing secret yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from understudy_controller.authentication.refusal import Reason, RequestRefused

SERVICE: Final = "mediapackage"
SKEW_MAX: Final = timedelta(minutes=5)
"""As AWS allows. A request can be sent again for as long as that by whoever has seen it: serve the API with TLS."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_HEADER: Final = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<key>[^/,\s]+)/(?P<day>\d{{8}})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_INSTANT: Final = "%Y%m%dT%H%M%SZ"
_MUST_BE_SIGNED: Final = frozenset({"host", "x-amz-date"})
_MUST_BE_SIGNED_IF_SENT: Final = frozenset({"x-amz-content-sha256", "x-amz-security-token"})
"""Others that begin alike are added on the way, by CloudFront for instance, and mean nothing here."""
_SIGNED_HEADERS_MAX: Final = 64
"""Many more than any client signs: for each, botocore goes over all of them."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it was sent."""

    method: str
    path: str
    """Percent-encoded, as sent."""
    query: str
    """Percent-encoded, as sent, without the question mark."""
    headers: Sequence[tuple[str, str]]
    """Names in lower case."""

    def header(self, name: str) -> str | None:
        """The value of a header; None where it is not there.

        Raises:
            RequestRefused: it is there more than once, so that it is open which one counts.
        """
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise RequestRefused(Reason.MALFORMED, f"the header {name} came {len(values)} times")
        return values[0].strip() if values else None


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a request says about its signature."""

    access_key_id: str
    region: str
    signed_headers: frozenset[str]
    signature: str
    timestamp: str
    """``x-amz-date``."""


def authorization_of(request: HttpRequest, *, now: datetime) -> Authorization:
    """Read what ``request`` says about its signature, and check all of it that needs no key.

    Raises:
        RequestRefused: it is not signed, or not in this way; it leaves out what must be signed; it is too old.
    """
    if any(pair.partition("=")[0].lower() == "x-amz-signature" for pair in request.query.split("&")):
        raise RequestRefused(
            Reason.PRESIGNED, "presigned URLs are not taken: sign the request in its Authorization header"
        )
    sent = request.header("authorization")
    if sent is None:
        raise RequestRefused(
            Reason.MISSING_SIGNATURE,
            f"the request is not signed: sign it with Signature Version 4 ({_ALGORITHM}) for the service {SERVICE}, "
            "as AWS's clients do, and an access key of this installation",
        )
    found = _HEADER.fullmatch(sent)
    if found is None:
        raise RequestRefused(
            Reason.MALFORMED,
            f"the Authorization header is not of the form {_ALGORITHM} Credential=…/aws4_request, SignedHeaders=…, "
            "Signature=…",
        )
    if found["service"] != SERVICE:
        raise RequestRefused(
            Reason.WRONG_SERVICE, f"signed for the service {found['service']:.64}: sign for {SERVICE} instead"
        )
    signed = frozenset(found["headers"].lower().split(";"))
    if len(signed) > _SIGNED_HEADERS_MAX:
        raise RequestRefused(Reason.MALFORMED, f"SignedHeaders names more than {_SIGNED_HEADERS_MAX} headers")
    _check_headers(request, signed)
    timestamp = _check_time(request, found["day"], now)
    return Authorization(found["key"], found["region"], signed, found["signature"], timestamp)


def _check_headers(request: HttpRequest, signed: frozenset[str]) -> None:
    sent = {name for name, _ in request.headers}
    needed = _MUST_BE_SIGNED | (_MUST_BE_SIGNED_IF_SENT & sent)
    missing = sorted(needed - signed)
    if missing:
        raise RequestRefused(Reason.UNSIGNED_HEADER, f"the signature does not cover the header {missing[0]:.64}")
    absent = sorted(signed - sent)
    if absent:
        raise RequestRefused(
            Reason.UNSIGNED_HEADER,
            f"the signature covers the header {absent[0]:.64}, which did not arrive: does a proxy remove it?",
        )


def _check_time(request: HttpRequest, day: str, now: datetime) -> str:
    timestamp = request.header("x-amz-date") or ""
    try:
        signed_at = datetime.strptime(timestamp, _INSTANT).replace(tzinfo=UTC)
    except ValueError:
        raise RequestRefused(Reason.MALFORMED, "x-amz-date is no time such as 20270115T080000Z") from None
    if not timestamp.startswith(day):
        raise RequestRefused(Reason.MALFORMED, "x-amz-date is of another day than the credential's scope")
    if abs(signed_at - now) > SKEW_MAX:
        off = (signed_at - now).total_seconds()
        where = "ahead of" if off > 0 else "behind"
        raise RequestRefused(
            Reason.CLOCK_SKEW,
            f"signed at {timestamp}, {abs(off):.0f} s {where} this server's {now:{_INSTANT}}: set the client's clock, "
            f"at most {SKEW_MAX.total_seconds():.0f} s are allowed",
        )
    return timestamp
