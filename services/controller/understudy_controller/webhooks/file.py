"""The file of webhooks: YAML or JSON, as a mounted Kubernetes secret is one, for there are secrets in it."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from understudy_controller.webhooks.errors import WebhooksUnusable
from understudy_domain.event import Event, EventKind
from understudy_domain.webhooks import input_switch
from understudy_domain.webhooks.signature import parse_secret
from understudy_runtime import safe_yaml
from understudy_runtime.safe_yaml import YamlRefused

SIZE_MAX: Final = 256 << 10
"""Bytes of the file."""
WEBHOOKS_MAX: Final = 32
"""Each has a connection, a reader of the log and a record of its own."""
CHANNELS_MAX: Final = 1_000
HEADERS_MAX: Final = 32

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_HEADER_VALUE: Final = re.compile(r"[!-~](?:[ -~]{0,8190}[!-~])?")
_OWN_HEADERS: Final = frozenset(
    {"host", "content-type", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer"}
)
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_URL: Final = re.compile(r"[!-~]{1,2048}")


class Webhook(BaseModel):
    """One receiver. Its URL shows in no ``repr`` either: there may be a token in it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: str
    url: SecretStr
    secrets: Annotated[list[SecretStr], Field(min_length=1, max_length=2)]
    """What bodies are signed with; two while they are exchanged."""
    shape: Literal["cloudevents", "mediapackage"] = "cloudevents"
    kinds: Annotated[list[Annotated[EventKind, Field(strict=False)]], Field(min_length=1, max_length=99)] | None = None
    """Which events are sent; None: all that the shape has."""
    channels: (
        Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1, max_length=CHANNELS_MAX)]
        | None
    ) = None
    """Ids of the channels whose events are sent; None: all."""
    headers: Annotated[Mapping[str, SecretStr], Field(max_length=HEADERS_MAX)] = {}
    """Sent besides."""
    ca: str | None = None
    """Certificates (PEM) that the receiver's is verified against; None: those that the system trusts."""
    timeout_seconds: Annotated[float, Field(ge=1, le=30)] = 10.0
    """How long one request may take, from the look-up of the name to the status of the answer."""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if _NAME.fullmatch(name) is None:
            raise ValueError("should be 1 to 63 lower case letters, digits and hyphens, no hyphen first or last")
        return name

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        try:
            parts = urlsplit(text)
            is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_url = False
        if not is_url or _URL.fullmatch(text) is None:
            raise ValueError("should be a URL that begins with https:// or http://, in ASCII")
        if parts.username is not None or parts.password is not None:
            raise ValueError("should have no user and password in it: put them into headers, as Authorization")
        if parts.fragment:
            raise ValueError("should have no # in it: what stands behind it is sent to nobody")
        return url

    @field_validator("secrets")
    @classmethod
    def _are_secrets(cls, secrets: list[SecretStr]) -> list[SecretStr]:
        for secret in secrets:
            parse_secret(secret.get_secret_value())
        return secrets

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, value in headers.items():
            if _HEADER_NAME.fullmatch(name) is None:
                raise ValueError("there is one whose name is no name of a header")
            if name.lower() in _OWN_HEADERS or name.lower().startswith("webhook-"):
                raise ValueError(f"{name} is written by the sender itself")
            if _HEADER_VALUE.fullmatch(value.get_secret_value()) is None:
                raise ValueError(f"{name} should be printable ASCII without blanks around it")
        if len({name.lower() for name in headers}) < len(headers):
            raise ValueError("there is one twice, for a header's name is the same in capitals")
        return headers

    @field_validator("ca")
    @classmethod
    def _are_certificates(cls, ca: str | None) -> str | None:
        try:
            if ca is not None:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ca)
        except (ssl.SSLError, ValueError):
            raise ValueError("should be certificates in PEM") from None
        return ca

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.shape == "mediapackage" and self.kinds is not None and not set(self.kinds) <= set(input_switch.KINDS):
            known = ", ".join(input_switch.KINDS)
            raise ValueError(f"kinds: the shape mediapackage has one event, for {known}: leave out what else there is")
        if self.ca is not None and self.parts.scheme == "http":
            raise ValueError("ca: of no use with an http URL, which nobody verifies")
        return self

    @property
    def parts(self) -> SplitResult:
        """The URL's."""
        return urlsplit(self.url.get_secret_value())

    @property
    def receiver(self) -> str:
        """Scheme and host, to be told: whatever else a URL has may be secret."""
        parts = self.parts
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def keys(self) -> Sequence[bytes]:
        """What bodies are signed with."""
        return [parse_secret(secret.get_secret_value()) for secret in self.secrets]

    @property
    def wanted_kinds(self) -> Sequence[EventKind] | None:
        """Which kinds of events are sent; None: all."""
        return input_switch.KINDS if self.kinds is None and self.shape == "mediapackage" else self.kinds

    def wants(self, event: Event) -> bool:
        """Whether an event is sent, as far as the file says."""
        kinds = self.wanted_kinds
        if kinds is not None and event.kind not in kinds:
            return False
        return self.channels is None or event.channel_id in self.channels


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    webhooks: Annotated[list[Webhook], Field(max_length=WEBHOOKS_MAX)]


def parse_webhooks(content: bytes, *, name: str) -> Mapping[str, Webhook]:
    """The webhooks in a file, by name.

    Args:
        content: the file's bytes.
        name: the file's, for messages.

    Raises:
        WebhooksUnusable: it says something else. The message has none of its values but names.
    """
    try:
        node = safe_yaml.compose(content.decode())
        safe_yaml.refuse_doubled_keys(node)
        found: Any = None if node is None else safe_yaml.constructed(node)
    except YamlRefused as err:
        raise WebhooksUnusable(f"{name}, line {err.line}: neither YAML nor JSON: {err}") from None
    except UnicodeError:
        raise WebhooksUnusable(f"{name}: neither YAML nor JSON: it is not UTF-8") from None
    if not isinstance(found, dict):
        raise WebhooksUnusable(f"{name}: no list `webhooks` in it; to have none, write: webhooks: []")
    try:
        webhooks = _File.model_validate(found).webhooks
    except ValidationError as err:
        wrong = (_wrong(error["loc"], error["msg"], found) for error in err.errors(include_input=False)[:5])
        raise WebhooksUnusable(f"{name}: {'; '.join(wrong)}") from None
    twice = [one for one, count in Counter(webhook.name for webhook in webhooks).items() if count > 1]
    if twice:
        raise WebhooksUnusable(f"{name}: the webhook {twice[0]} is there more than once")
    return {webhook.name: webhook for webhook in webhooks}


def _wrong(location: Sequence[str | int], message: str, found: Mapping[str, Any]) -> str:
    """What is wrong, and where: a webhook by its name if it has one. Nothing else of the file is quoted."""
    words = list(location)
    if len(words) >= 2 and words[0] == "webhooks" and isinstance(words[1], int):
        entry = found["webhooks"][words[1]]
        name = entry.get("name") if isinstance(entry, dict) else None
        known = isinstance(name, str) and _NAME.fullmatch(name) is not None
        words[:2] = [f"webhook {name}" if known else f"webhooks.{words[1]}"]
    if "headers" in words:  # what stands behind it is a header's name, or what should be one
        words = words[: words.index("headers") + 1]
    return f"{'.'.join(map(str, words))}: {message.removeprefix('Value error, ')}"
