"""Access keys for tests of the control API, and requests signed with them by botocore, or by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials


@dataclass(frozen=True, slots=True)
class Key:
    """An access key as a client has it."""

    access_key_id: str
    secret: str


WRITER = Key("AKIATESTWRITER", "writer-secret-0123456789/+abcdefghijklmn")
READER = Key("AKIATESTREADER", "reader-secret-0123456789/+abcdefghijklmn")
STRANGER = Key("AKIATESTSTRANGER", "stranger-secret-0123456789/+abcdefghijk")


def write_keys(path: Path, *keys: Key) -> None:
    """A file with these keys, replaced at once; READER may only read."""
    content = [
        {
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret,
            "name": key.access_key_id.removeprefix("AKIATEST").lower(),
            "read_only": key is READER,
        }
        for key in keys
    ]
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({"keys": content}))
    beside.replace(path)


def signed(
    method: str,
    url: str,
    body: bytes = b"",
    *,
    key: Key = WRITER,
    service: str = "mediapackage",
    region: str = "us-east-1",
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a request, signed now by botocore; with the host."""
    request = AWSRequest(method, url, headers=headers, data=body)
    SigV4Auth(ReadOnlyCredentials(key.access_key_id, key.secret, None), service, region).add_auth(request)
    return {"host": url.split("/")[2], **dict(request.headers.items())}


def signed_by_hand(
    canonical_request: Sequence[str], *, key: Key, timestamp: str, signed_headers: str, region: str = "eu-west-1"
) -> str:
    """An ``Authorization`` header, by the five lines of AWS's documentation: of no library's making."""
    scope = f"{timestamp[:8]}/{region}/mediapackage/aws4_request"
    digest = hashlib.sha256("\n".join(canonical_request).encode()).hexdigest()
    secret = b"AWS4" + key.secret.encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}".encode(), "sha256").hex()
    return (
        f"AWS4-HMAC-SHA256 Credential={key.access_key_id}/{scope}, SignedHeaders={signed_headers}, "
        f"Signature={signature}"
    )
