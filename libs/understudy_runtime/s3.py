"""The media bucket as obstore knows it: what ``objectstore`` (bytes) and ``objectkeys`` (keys) stand on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.store import S3Store

from understudy_runtime.settings import CommonSettings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_CONNECT_TIMEOUT = timedelta(seconds=2)
_POOL_IDLE_TIMEOUT = timedelta(seconds=30)
_RETRIES_MAX = 1


def open_store(settings: CommonSettings) -> S3Store:
    """The media bucket by the settings; nothing is asked of it yet."""
    config: S3Config = {
        "bucket": settings.s3_bucket,
        "region": settings.s3_region,
        # The body is not hashed for the signature: TLS, or the local network, guards it, and hashing costs more
        # than sending.
        "unsigned_payload": True,
        "virtual_hosted_style_request": settings.s3_addressing_style == "virtual",
    }
    if settings.s3_endpoint_url is not None:
        config["endpoint"] = _endpoint(settings, settings.s3_endpoint_url)
    if settings.s3_access_key_id is not None and settings.s3_secret_access_key is not None:
        config["access_key_id"] = settings.s3_access_key_id
        config["secret_access_key"] = settings.s3_secret_access_key.get_secret_value()
    timeout = timedelta(seconds=settings.s3_timeout_seconds)
    client_options: ClientConfig = {
        "allow_http": True,
        "connect_timeout": _CONNECT_TIMEOUT,
        "timeout": timeout,
        "pool_idle_timeout": _POOL_IDLE_TIMEOUT,
    }
    if settings.s3_tls_ca_file is not None:
        client_options["root_certificate"] = settings.s3_tls_ca_file.read_bytes()
    retry_config: RetryConfig = {
        "max_retries": _RETRIES_MAX,
        "retry_timeout": timeout,
        "backoff": {
            "init_backoff": timedelta(milliseconds=50),
            "max_backoff": timedelta(milliseconds=200),
            "base": 2,
        },
    }
    return S3Store(config=config, client_options=client_options, retry_config=retry_config)


def _endpoint(settings: CommonSettings, url: str) -> str:
    # With an endpoint of its own the library leaves it to its caller to put the bucket before the host.
    if settings.s3_addressing_style == "path":
        return url
    scheme, separator, host = url.partition("://")
    return f"{scheme}{separator}{settings.s3_bucket}.{host}"
