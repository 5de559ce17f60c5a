"""What ingest reads from the environment, prefix ``UNDERSTUDY_``, besides the common settings."""

from __future__ import annotations

from pydantic import Field

from understudy_runtime.settings import ProxiedSettings

MEBIBYTE = 1 << 20


class IngestSettings(ProxiedSettings):
    """Bounds in memory and time of what is taken and held."""

    hold_seconds: float = Field(default=12.0, gt=0)
    """How long an upload is held, and tried again, while storage or bus are away, as encoders seldom send again: longer
    than a cluster of NATS takes to elect a leader in place of one that died, 4 to 9 s; below ``drain_seconds``."""
    body_size_max: int = Field(default=64 * MEBIBYTE, gt=0)
    """Bytes of one upload: a segment of 10 s at 50 Mbit/s."""
    held_size_max: int = Field(default=512 * MEBIBYTE, gt=0)
    """Bytes of all uploads in memory at once, received or being received; beyond it new ones are answered 503."""
    stall_seconds: float = Field(default=15.0, gt=0)
    """How long a body may make no progress: longer than the longest usual segment, for encoders that send a segment
    while they make it."""
    nonce_seconds: float = Field(default=30 * 86_400.0, gt=0)
    """How long a Digest nonce is accepted on a new connection. Long, because an encoder that keeps its connection never
    reads the 401 that tells it that its nonce is stale; on the connection that it was first used on it stays good."""
    probe_threads: int = Field(default=2, ge=1)
    """Threads that look into segments."""
