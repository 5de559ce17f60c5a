"""What every service reads from the environment, prefix ``UNDERSTUDY_``. A service subclasses it and adds its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.nats_login import Login
from understudy_runtime.tls_files import TlsFiles, check_certificates, read_file

_HOST_AND_PORT = re.compile(r"(?:\[[0-9a-fA-F:.]*\]|[^:/?#]*)(?::[0-9]+)?")


class CommonSettings(BaseSettings):
    """Settings that all services share; each names its meaning, unit and why it has its default."""

    pairs: ClassVar[tuple[tuple[str, str], ...]] = (
        ("nats_user", "nats_password"),
        ("nats_tls_certificate_file", "nats_tls_key_file"),
        ("s3_access_key_id", "s3_secret_access_key"),
    )
    """What is of no use without the other."""

    model_config = SettingsConfigDict(env_prefix="UNDERSTUDY_", frozen=True, hide_input_in_errors=True)

    nats_url: str = "nats://127.0.0.1:4222"
    """Comma-separated URLs of the NATS servers; the default is a server's own."""
    nats_replicas: int = Field(default=1, ge=1, le=5)
    """Copies of each stream and bucket; 1 because a single server can hold no more, 3 in a cluster."""
    nats_timeout_seconds: float = Field(default=2.0, gt=0)
    """How long one publish or request may wait for its answer; below a segment's usual duration."""

    nats_credentials_file: Path | None = None
    """A user's ``.creds`` file (JWT and NKey seed), or a file with an NKey seed alone. Read at each connect, so that it
    can be exchanged under a running service."""
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    nats_token: SecretStr | None = None
    """Where NATS asks for a token instead of a user and a password."""
    nats_tls_ca_file: Path | None = None
    """Certificates (PEM) that the servers' are verified against; None: those that the system trusts. Like the two
    below it is read at each connect, and with any of them nothing is said to a server that offers no TLS."""
    nats_tls_certificate_file: Path | None = None
    """What this service shows, where the servers verify who connects."""
    nats_tls_key_file: Path | None = None
    """Its private key (PEM), without a passphrase."""
    nats_tls_server_name: str | None = None
    """The name that the servers' certificates must have, where it is another than the URL's."""

    s3_endpoint_url: str | None = None
    """The S3 service; None is AWS itself, by region."""
    s3_bucket: str = "media"
    s3_region: str = "us-east-1"
    s3_access_key_id: str | None = None
    """None: the environment's own credentials (an instance's or a pod's role)."""
    s3_secret_access_key: SecretStr | None = None
    s3_tls_ca_file: Path | None = None
    """Certificates (PEM) that are trusted besides those of the system. Read when the service starts."""
    s3_addressing_style: Literal["path", "virtual"] = "path"
    """Where the bucket's name stands in a request: in the path, which every S3 service takes, or before the host."""
    s3_timeout_seconds: float = Field(default=10.0, gt=0)
    """How long one request to the storage may take, its body included."""

    shards: int = Field(default=16, ge=1, le=1024)
    """Into how many parts channels are divided; every service of an installation must have the same."""

    listen_host: str = "0.0.0.0"
    listen_port: int = Field(default=8080, ge=0, le=65535)
    listen_fd: int | None = Field(default=None, ge=0)
    """A listening socket inherited from a supervisor; wins over host and port."""
    drain_delay_seconds: float = Field(default=0.0, ge=0)
    """How long to go on accepting after SIGTERM, while readiness is false and each answer ends its connection: until
    load balancers send nothing new, and clients that keep their connections have moved over. 0, as in the local stack,
    where nobody looks at readiness."""
    drain_seconds: float = Field(default=20.0, gt=0)
    """How long open requests may take to end after that: longer than a segment of 6 s that is sent while it is made,
    and then held (``hold_seconds`` of ingest)."""

    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")] = "us-east-1"
    """The region in ARNs. It means nothing here, but tools that parse ARNs compare it with their own."""
    account_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] = "000000000000"
    """The account in ARNs, 12 digits; the same remark."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"
    """``json`` for collectors, ``text`` for people."""
    traces: Literal["none", "otlp"] = "none"
    """Where traces go: ``otlp``, by OTLP over HTTP to where OpenTelemetry's own variables say (``OTEL_…``), or nowhere,
    which costs nothing. The harvester makes none."""

    @field_validator("nats_url")
    @classmethod
    def _are_urls_of_nats(cls, value: str) -> str:
        for url in value.split(","):
            scheme, separator, _ = url.strip().partition("://")
            if separator and scheme not in ("nats", "tls"):
                raise ValueError("URLs of NATS begin with nats:// or tls://")
        return value

    @field_validator("nats_credentials_file")
    @classmethod
    def _holds_credentials(cls, value: Path | None) -> Path | None:
        if value is not None:
            Login.read_file(value)
        return value

    @field_validator("nats_tls_ca_file", "s3_tls_ca_file")
    @classmethod
    def _holds_certificates(cls, value: Path | None) -> Path | None:
        if value is not None:
            check_certificates(value)
        return value

    @field_validator("nats_tls_certificate_file", "nats_tls_key_file")
    @classmethod
    def _is_readable(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_file(value)
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        for one, other in self.pairs:
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"{_named(one)} and {_named(other)} belong together: set both, or neither")
        self.nats_login.refuse_several()
        try:
            if self.nats_tls_certificate_file is not None:
                self.nats_tls.context()
        except ValueError as err:
            raise ValueError(f"{_named('nats_tls_certificate_file')}, {_named('nats_tls_key_file')}: {err}") from err
        return self

    @property
    def nats_login(self) -> Login:
        """Who this service is to NATS."""
        return Login(
            urls=tuple(url.strip() for url in self.nats_url.split(",")),
            credentials_file=self.nats_credentials_file,
            user=self.nats_user,
            password=self.nats_password,
            token=self.nats_token,
        )

    @property
    def nats_tls(self) -> TlsFiles:
        """How connections to NATS are secured."""
        return TlsFiles(
            ca_file=self.nats_tls_ca_file,
            certificate_file=self.nats_tls_certificate_file,
            key_file=self.nats_tls_key_file,
            server_name=self.nats_tls_server_name,
        )

    @property
    def nats_servers(self) -> str:
        """Hosts and ports of the NATS servers, to be told: the URLs may hold a password."""
        return ", ".join(_server(url) for url in self.nats_url.split(","))


class ProxiedSettings(CommonSettings):
    """Settings of a service that is asked through proxies, and has to know who asks, and to say so in a log."""

    trusted_proxies: str | None = None
    """Comma-separated networks (CIDR, IPv4 and IPv6) of proxies whose ``X-Forwarded-For`` is believed; none, because
    anybody can write that header."""

    access_log: Annotated[str, StringConstraints(min_length=1)] = "stdout"
    """Where the access logs of channels that have them go: ``stdout``, as other logs go to standard error, or a file's
    path."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str | None) -> str | None:
        TrustedProxies.parse(value)
        return value


def _named(field: str) -> str:
    return f"UNDERSTUDY_{field.upper()}"


def _server(url: str) -> str:
    # Read from its end: whatever a password holds, what is left of the last @ is not told.
    found = _HOST_AND_PORT.match(url.strip().rpartition("@")[2].rpartition("://")[2])
    return found[0] if found else ""


_Settings = TypeVar("_Settings", bound=CommonSettings)


def read_settings(kind: type[_Settings]) -> _Settings:
    """Read a service's settings from its environment.

    Raises:
        SystemExit: one does not parse, or some do not go together. What is printed names each, and what it must be,
            but not the value: it may be a secret in the wrong place.
    """
    try:
        return kind()
    except ValidationError as err:
        raise SystemExit("\n".join(map(_wrong, err.errors()))) from None


def _wrong(error: ErrorDetails) -> str:
    # What concerns several settings names them itself.
    names = [_named(str(part)) for part in error["loc"][:1]]
    return ": ".join([*names, error["msg"].removeprefix("Value error, ")])
