"""OpenTelemetry's own environment variables, as far as a slip in them would be passed over in silence.

Most are checked here and read by its SDK, which goes on with a default where one is wrong: a collector that is asked
without its certificate, or a share that is taken for everything.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Sampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]
_Protocol = Literal["http/protobuf"]
_Compression = Literal["none", "gzip", "deflate"]
_HEADER: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-z|~]+[ \t]*=[ !#-+\-:<-\[\]-~\t/-9]*")
"""What the SDK takes; another it leaves out, and logs with the secret that it may be."""
_PRINTABLE: Final = re.compile(r"[ -~]*")
_TIMEOUT_SECONDS_MAX: Final = 300
_ATTRIBUTE_LENGTH_MAX: Final = 1_024


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _is_url(value: str) -> str:
    try:
        url = urlsplit(value)
        is_one = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise ValueError("OTLP over HTTP goes to a URL of http:// or https://, as http://collector:4318")
    return value


def _are_headers(value: str) -> str:
    for one in filter(None, (part.strip() for part in value.split(","))):
        if not _HEADER.fullmatch(one) or not _PRINTABLE.fullmatch(unquote(one)):
            raise ValueError("headers are written as name=value, separated by commas, and what is not plain as %20")
    return value


def _are_pairs(value: str) -> str:
    for one in filter(None, (part.strip() for part in value.split(","))):
        name, separator, _ = one.partition("=")
        if not separator or not name.strip():
            raise ValueError("attributes are written as name=value, separated by commas")
    return value


def _are_seconds(value: float) -> float:
    if not 0 < value <= _TIMEOUT_SECONDS_MAX:
        raise ValueError(
            f"seconds, as OpenTelemetry's SDK for Python has it: more than 0, and {_TIMEOUT_SECONDS_MAX} at most"
        )
    return value


_Url = Annotated[str, AfterValidator(_is_url)] | None
_Headers = Annotated[str, AfterValidator(_are_headers)] | None
_Pairs = Annotated[str, AfterValidator(_are_pairs)] | None
_Seconds = Annotated[float, AfterValidator(_are_seconds)] | None
_Count = Annotated[int, Field(ge=0)] | None


class OtlpSettings(BaseSettings):
    """Named as OpenTelemetry names them, prefix ``OTEL_``; an empty one counts as not set, as there."""

    model_config = SettingsConfigDict(env_prefix="OTEL_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    sdk_disabled: bool = False
    traces_sampler: Annotated[Sampler, BeforeValidator(_lower)] = "parentbased_always_on"
    traces_sampler_arg: float | None = Field(default=None, ge=0, le=1)
    """The share that is sampled, where the sampler goes by one."""
    resource_attributes: _Pairs = None
    attribute_value_length_limit: _Count = None
    span_attribute_value_length_limit: _Count = None
    traces_exporter: Literal["otlp"] = "otlp"
    exporter_otlp_protocol: _Protocol = "http/protobuf"
    exporter_otlp_traces_protocol: _Protocol = "http/protobuf"
    exporter_otlp_endpoint: _Url = None
    exporter_otlp_traces_endpoint: _Url = None
    exporter_otlp_headers: _Headers = None
    exporter_otlp_traces_headers: _Headers = None
    exporter_otlp_timeout: _Seconds = None
    exporter_otlp_traces_timeout: _Seconds = None
    exporter_otlp_compression: _Compression | None = None
    exporter_otlp_traces_compression: _Compression | None = None
    exporter_otlp_certificate: FilePath | None = None
    exporter_otlp_traces_certificate: FilePath | None = None
    exporter_otlp_client_certificate: FilePath | None = None
    exporter_otlp_traces_client_certificate: FilePath | None = None
    exporter_otlp_client_key: FilePath | None = None
    exporter_otlp_traces_client_key: FilePath | None = None
    bsp_max_queue_size: int = Field(default=8_192, ge=1, le=1_000_000)
    """Spans that may wait: half a minute of ten channels that are all traced. OpenTelemetry's own default is 2,048."""
    bsp_max_export_batch_size: int = Field(default=256, ge=1)
    """Spans in one request: what is encoded in one go keeps the process from anything else for some milliseconds.
    OpenTelemetry's own default is 512."""
    bsp_schedule_delay: int = Field(default=1_000, ge=1, le=60_000)
    """Milliseconds after which whatever waits is exported. OpenTelemetry's own default is 5,000."""

    @property
    def told_endpoint(self) -> str:
        """Where traces go, to be told: what stands before an ``@``, or after a ``?``, may be a password."""
        url = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint or "http://localhost:4318"
        scheme, separator, rest = url.partition("://")
        return scheme + separator + rest.rpartition("@")[2].partition("?")[0]

    @property
    def attribute_length_max(self) -> int:
        """Characters of an attribute, so that what encoders send costs no memory; further ones are cut off."""
        limits = (self.span_attribute_value_length_limit, self.attribute_value_length_limit, _ATTRIBUTE_LENGTH_MAX)
        return next(limit for limit in limits if limit is not None)

    @model_validator(mode="after")
    def _share_is_given(self) -> Self:
        if self.traces_sampler.endswith("traceidratio") and self.traces_sampler_arg is None:
            raise ValueError(
                f"OTEL_TRACES_SAMPLER={self.traces_sampler} samples everything unless OTEL_TRACES_SAMPLER_ARG says "
                "which share: set it, from 0 to 1"
            )
        return self


def read_otlp_settings() -> OtlpSettings:
    """Read them from the environment.

    Raises:
        SystemExit: one is wrong, or asks for what there is not; it is named, and what it must be.
    """
    try:
        return OtlpSettings()
    except ValidationError as err:
        raise SystemExit("\n".join(_wrong(one["loc"], one["msg"]) for one in err.errors())) from None


def _wrong(location: tuple[int | str, ...], message: str) -> str:
    names = [f"OTEL_{str(part).upper()}" for part in location[:1]]
    return ": ".join([*names, message.removeprefix("Value error, ")])
