"""CDN authorization: which secret an origin endpoint wants to see, and what the file of a secret holds.

MediaPackage reads secrets from AWS Secrets Manager. Here they are files in one directory, as Kubernetes mounts them.
Both rules are published (docs/operations/secrets.md, "CDN authorization"), and this is the one place that knows them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from understudy_domain.errors import InvalidResource, UnderstudyError

HEADER: Final = "X-MediaPackage-CDNIdentifier"
JSON_NAME: Final = "MediaPackageCDNIdentifier"
"""Of a secret that is written as JSON."""

IDENTIFIER_LENGTH_MIN: Final = 8
"""Characters of an identifier: shorter ones are tried out, and may be what is left of a longer one."""

_ARN = re.compile(r"arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(?P<name>[^:]+)")
_ARN_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}\Z")
"""Secrets Manager appends six random characters to the name of every secret."""
_SECRET_NAME = re.compile(r"[A-Za-z0-9_+=@-][A-Za-z0-9/_+=.@-]{0,252}")
_IDENTIFIER = re.compile(r"[!-~](?:[ -~]*[!-~])?")
"""What a header may carry as it is: printable ASCII, no space at either end."""


class MalformedSecret(UnderstudyError):
    """A secret's file holds no identifier that a request could carry; the message says what it should."""

    code = "malformed_secret"


@dataclass(frozen=True, slots=True)
class Authorization:
    """MediaPackage's Authorization: what a CDN has to show. Names of the secret and the role, never the secret."""

    cdn_identifier_secret: str
    secrets_role_arn: str
    """Stored and returned: nobody assumes a role to read a file."""

    def __post_init__(self) -> None:
        """Refuse what leads to no file.

        Raises:
            InvalidResource: as ``secret_file_name``; or there is no role.
        """
        secret_file_name(self.cdn_identifier_secret)
        if not self.secrets_role_arn:
            raise InvalidResource("authorization.secretsRoleArn: required, as is cdnIdentifierSecret")


def secret_file_name(cdn_identifier_secret: str) -> str:
    """The name of a secret's file: the secret's own, of an ARN without AWS's suffix, with ``.`` for every ``/``.

    Raises:
        InvalidResource: it is neither the ARN nor the name of a secret.
    """
    if cdn_identifier_secret.startswith("arn:"):
        match = _ARN.fullmatch(cdn_identifier_secret)
        name = _ARN_SUFFIX.sub("", match["name"]) if match else ""
    else:
        name = cdn_identifier_secret
    if not _SECRET_NAME.fullmatch(name):
        raise InvalidResource(
            "authorization.cdnIdentifierSecret: must be the ARN of a secret in Secrets Manager, or a name of 1 to 253 "
            "of A-Z a-z 0-9 / _ + = . @ - that begins with neither a dot nor a slash"
        )
    return name.replace("/", ".")


def parse_secret(content: bytes) -> tuple[bytes, ...]:
    """The identifiers that a secret's file holds, each as good as any other: mostly one, two during a rotation.

    JSON as in Secrets Manager, ``{"MediaPackageCDNIdentifier": "…"}`` or a list of several; or plain text, one a line.

    Raises:
        MalformedSecret: there is none, or something in its place.
    """
    try:
        text = content.decode().strip()
        found = _of_json(json.loads(text)) if text.startswith("{") else [line.strip() for line in text.splitlines()]
    except (ValueError, RecursionError):  # not chained: what does not parse would stand in it
        raise MalformedSecret(f"neither text nor a JSON object with {JSON_NAME}") from None
    identifiers = tuple(dict.fromkeys(identifier for identifier in found if identifier))
    if not identifiers or not all(map(_IDENTIFIER.fullmatch, identifiers)):
        raise MalformedSecret("no identifier, or one with other characters than printable ASCII")
    if min(map(len, identifiers)) < IDENTIFIER_LENGTH_MIN:
        raise MalformedSecret(f"an identifier has fewer than {IDENTIFIER_LENGTH_MIN} characters")
    return tuple(identifier.encode() for identifier in identifiers)


def _of_json(parsed: dict[str, object]) -> list[str]:
    value = parsed.get(JSON_NAME)
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise MalformedSecret(f"{JSON_NAME} is neither a string nor a list of strings")
    return [str(one) for one in values]
