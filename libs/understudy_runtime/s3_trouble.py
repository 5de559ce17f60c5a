"""What the storage's client means by an error, in a sentence. It tells what matters in a dump below its first line."""

from __future__ import annotations

import re
from typing import Final

_LENGTH_MAX: Final = 300
_CODE: Final = re.compile(r"<Code>(\w+)</Code>(?:.*?<Message>(.*?)</Message>)?", re.DOTALL)
_QUERY: Final = re.compile(r"\?\S*")
_CERTIFICATE: Final = re.compile(r"InvalidCertificate\(\s*([\w ]+)")
_TLS: Final = re.compile(r"InvalidMessage\(|AlertReceived\(\s*(\w+)")
_CAUSE: Final = re.compile(r'(?:message|error): "([^"]+)"')
_METADATA: Final = "169.254."

_HINTS: Final = {
    "NoSuchBucket": "look at UNDERSTUDY_S3_BUCKET; no service creates it",
    "InvalidAccessKeyId": "look at UNDERSTUDY_S3_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "look at UNDERSTUDY_S3_SECRET_ACCESS_KEY",
    "AuthorizationHeaderMalformed": "look at UNDERSTUDY_S3_REGION",
    "PermanentRedirect": "look at UNDERSTUDY_S3_REGION and UNDERSTUDY_S3_ENDPOINT_URL",
    "RequestTimeTooSkewed": "look at this machine's clock",
    "ExpiredToken": "look at the role of this machine or pod",
    "InvalidToken": "look at the role of this machine or pod",
}
"""What an answer of S3 says of the settings, for certain. ``AccessDenied`` does not: who may not list is told that of
a key that does not exist."""


def code_of(err: BaseException) -> str | None:
    """S3's own code, where it has answered."""
    found = _CODE.search(str(err))
    return None if found is None else found[1]


def hint_of(err: BaseException) -> str | None:
    """Which setting to look at, where the answer can come of nothing else."""
    return _HINTS.get(code_of(err) or "")


def sentence(err: BaseException) -> str:
    """What went wrong, in a line. Queries of URLs are left out: they may hold a pod's token."""
    text = str(err) or type(err).__name__
    if (answered := _CODE.search(text)) is not None:
        return f"S3 answers {answered[1]}{': ' + answered[2] if answered[2] else ''}"[:_LENGTH_MAX]
    if (untrusted := _CERTIFICATE.search(text)) is not None:
        return f"the certificate of S3 is not trusted ({untrusted[1].strip()}); look at UNDERSTUDY_S3_TLS_CA_FILE"
    if _TLS.search(text) is not None:
        return "S3 does not speak TLS as it should at this port; look at UNDERSTUDY_S3_ENDPOINT_URL"
    first = _QUERY.sub("", text.splitlines()[0])[:_LENGTH_MAX]
    if _METADATA in first:
        return f"no key is set and this machine or pod has no role: {first}"
    cause = _CAUSE.search(text)
    return first if cause is None else f"{first} ({cause[1]})"
