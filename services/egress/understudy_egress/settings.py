"""What egress reads from the environment, prefix ``UNDERSTUDY_``, besides what all services read."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from understudy_runtime.settings import ProxiedSettings


class EgressSettings(ProxiedSettings):
    """Settings of egress."""

    segment_cache_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    """How many bytes of segments are kept in memory: what every viewer near the live edge asks for within seconds."""
    storage_reads_max: int = Field(default=32, ge=1)
    """Segments read from the storage at a time; each holds its bytes in memory until it is sent."""
    startover_cache_bytes: int = Field(default=128 * 1024 * 1024, ge=0)
    """How many bytes are kept in memory of index pages and of start-over playlists: a day is about 20 MB."""
    secrets_directory: Path | None = None
    """Where the secrets are that origin endpoints with an ``authorization`` name, one a file; None: there are none, and
    such an origin endpoint answers nobody."""
    first_request_wait_seconds: float = Field(default=2.0, gt=0)
    """How long the first request for an origin endpoint waits for its entries before it is answered 503."""
