"""What may be declared: the requests that create resources, and besides what pins their names and secrets."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from understudy_controller.api.models import AccessLogsRequest, CreateChannelRequest, CreateOriginEndpointRequest
from understudy_controller.api.models_understudy import PutPolicyRequest
from understudy_controller.api.wire_models import WireRequest


def _matching(pattern: str, words: str) -> AfterValidator:
    """What a text must be, said in words: a value may be a secret, and a pattern says nothing to most people."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise PydanticCustomError("not_matching", "{words}", {"words": words})
        return value

    return AfterValidator(check)


Guid = Annotated[str, _matching(r"[0-9a-f]{32}", "must be 32 hexadecimal digits, in lower case")]
Username = Annotated[
    str, _matching(r"[!#-9;-\[\]-~]{1,256}", "must be printable ASCII without blanks, colons, quotes and backslashes")
]
"""Without what HTTP authentication gives a meaning."""
Password = Annotated[str, _matching(r"[!-~]{1,256}", "must be printable ASCII without blanks")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]


class DeclaredIngestEndpoint(WireRequest):
    """``hlsIngest.ingestEndpoints``: a pair of credentials, here or in files beside this one, or none."""

    id: Guid | None = None
    username: Username | None = Field(default=None, repr=False)
    username_file: FileName | None = None
    password: Password | None = Field(default=None, repr=False)
    password_file: FileName | None = None


class DeclaredHlsIngest(WireRequest):
    """``hlsIngest``."""

    ingest_endpoints: Annotated[list[DeclaredIngestEndpoint], Field(min_length=2, max_length=2)]


class DeclaredChannel(CreateChannelRequest):
    """A channel."""

    guid: Guid | None = None
    hls_ingest: DeclaredHlsIngest | None = None
    ingress_access_logs: AccessLogsRequest | None = None
    egress_access_logs: AccessLogsRequest | None = None


class DeclaredOriginEndpoint(CreateOriginEndpointRequest):
    """An origin endpoint, with its policy."""

    guid: Guid | None = None
    policy: PutPolicyRequest | None = None


class DeclaredFile(WireRequest):
    """The file: lists whose items are validated one by one, so that each tells what is wrong with it."""

    channels: list[Any] | None = None
    origin_endpoints: list[Any] | None = None
