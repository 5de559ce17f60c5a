"""Whether a request is signed with a key: canonical request, string to sign and signature are botocore's.

Raw paths and raw queries are looked at, since ARNs and ids come percent-encoded. What botocore would leave unsigned,
such as ``user-agent``, other clients of AWS sign: the request that is built here has exactly the signed headers.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from pydantic import SecretStr
from typing_extensions import override

from understudy_controller.authentication.authorization import SERVICE, Authorization, HttpRequest
from understudy_controller.authentication.refusal import Reason, RequestRefused

_UNRESERVED: Final = "-._~"
_TAGS: Final = "/tags/"


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What botocore signs with; a secret in no ``repr``."""

    secret: SecretStr
    access_key: str
    token: None = None

    @property
    def secret_key(self) -> str:
        return self.secret.get_secret_value()


class _Signer(SigV4Auth):
    """botocore's, with all headers that the request has been given."""

    @override
    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        headers: HTTPHeaders = request.headers
        return headers


def check_signature(
    request: HttpRequest, body: bytes, authorization: Authorization, secret_access_key: SecretStr
) -> None:
    """Check that ``request`` with ``body`` was signed with this secret.

    Raises:
        RequestRefused: it was not.
    """
    _check_body_hash(request, body)
    credentials = _Credentials(secret_access_key, authorization.access_key_id)
    signer = _Signer(credentials, SERVICE, authorization.region)  # type: ignore[arg-type]  # its three names are used
    for path in _paths(request.path):
        expected = _signature(signer, request, path, body, authorization)
        if hmac.compare_digest(expected, authorization.signature):
            return
    raise RequestRefused(
        Reason.WRONG_SIGNATURE,
        f"the signature does not match: either the secret is not that of {authorization.access_key_id:.128}, or "
        "something between changed the request; a proxy must pass on the Host, the path and the query as they were",
    )


def _check_body_hash(request: HttpRequest, body: bytes) -> None:
    said = request.header("x-amz-content-sha256")
    if said is None:
        return  # botocore puts the body's own hash into what is signed
    if not hmac.compare_digest(said.encode(), hashlib.sha256(body).hexdigest().encode()):
        unsigned = said.startswith(("UNSIGNED", "STREAMING"))
        message = "the body must be signed as well" if unsigned else "the body is not the one that was signed"
        raise RequestRefused(Reason.WRONG_BODY, f"x-amz-content-sha256: {message}")


def _signature(signer: _Signer, request: HttpRequest, path: str, body: bytes, authorization: Authorization) -> str:
    url = f"http://{SERVICE}{path}" + (f"?{_canonical(request.query)}" if request.query else "")
    built = AWSRequest(request.method, url, data=body)
    for name, value in request.headers:
        if name in authorization.signed_headers:
            built.headers.add_header(name, value)
    built.context["timestamp"] = authorization.timestamp
    canonical_request = signer.canonical_request(built)
    return signer.signature(signer.string_to_sign(built, canonical_request), built)


def _paths(path: str) -> Iterator[str]:
    """The path as it came; and with its ARN encoded, since some proxies decode the slash in it, and routing does."""
    yield path
    if path.startswith(_TAGS):
        encoded = _TAGS + quote_from_bytes(unquote_to_bytes(path.removeprefix(_TAGS)), safe=_UNRESERVED)
        if encoded != path:
            yield encoded


def _canonical(query: str) -> str:
    """Every name and value encoded as AWS's rules say, in the meaning that the application gives them."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe=_UNRESERVED)
