"""What may be declared: the requests that create resources, and besides what pins their names and secrets."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from understudy_controller.api.models import AccessLogsRequest, CreateChannelRequest, CreateOriginEndpointRequest
from understudy_controller.api.models_understudy import PutPolicyRequest
from understudy_controller.api.wire_models import WireRequest

Guid = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{32}\z")]
Username = Annotated[str, StringConstraints(pattern=r"\A[!#-9;-\[\]-~]{1,256}\z")]
"""Printable ASCII without what HTTP authentication gives a meaning: blanks, colons, quotes and backslashes."""
Password = Annotated[str, StringConstraints(pattern=r"\A[!-~]{1,256}\z")]
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
