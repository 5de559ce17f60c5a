"""nginx in front of the storage: it cannot sign, so requests come signed in their query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

from understudy_runtime.settings import CommonSettings

_VALID = timedelta(hours=1)


def presigned_paths(settings: CommonSettings, method: Literal["GET", "PUT"], keys: Sequence[str]) -> list[str]:
    """Path and query with which each object may be read or written."""
    secret = settings.s3_secret_access_key
    assert secret is not None
    store = S3Store(
        settings.s3_bucket,
        endpoint=settings.s3_endpoint_url,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=secret.get_secret_value(),
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    parts = [urlsplit(url) for url in obstore.sign(store, method, list(keys), expires_in=_VALID)]
    return [f"{part.path}?{part.query}" for part in parts]


def proxy_directives(upstream_port: int, *, further: str = "") -> tuple[str, str]:
    """``http`` and ``server`` directives: kept connections to the storage, and the host that was signed."""
    http = f"upstream storage {{ server 127.0.0.1:{upstream_port}; keepalive 32; keepalive_requests 100000000; }}"
    server = f"""
        location / {{
            proxy_pass http://storage;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host 127.0.0.1:{upstream_port};
            {further}
        }}"""
    return http, server
