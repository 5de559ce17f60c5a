"""The streams and KV buckets of the architecture: created or brought up to date by every service that starts."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from understudy_domain import keys, ticks
from understudy_domain.ownership import LEASE_TTL
from understudy_runtime.errors import BusRefused, BusUnavailable

if TYPE_CHECKING:
    from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_NANOSECONDS_PER_SECOND = 1_000_000_000
_HOUR_SECONDS = 3600
_DAY_SECONDS = 24 * _HOUR_SECONDS
_RETRY_SECONDS = 0.5

ARRIVALS_MAX_AGE_SECONDS = _HOUR_SECONDS
"""The replay margin: how far back a controller can read what inputs delivered."""
EVENTS_MAX_AGE_SECONDS = 14 * _DAY_SECONDS
DUPLICATE_WINDOW_SECONDS = 120
"""How long a message id is remembered: far longer than ingest tries again."""

HARVEST_MAX_AGE_SECONDS = 90 * _DAY_SECONDS
"""How long a harvest job is remembered after it was last written; by then it has ended, with no harvester too."""

DECLARED_MAX_AGE_SECONDS = 30
"""How long it counts what a controller has said its file declares: it says so every two seconds."""

WEBHOOKS_MAX_AGE_SECONDS = _DAY_SECONDS
"""How long it is remembered how far a webhook has come that no controller has in its file any more, or none runs."""

KV_BUCKETS = (
    keys.CONFIG_BUCKET,
    keys.ACTIVE_INPUT_BUCKET,
    keys.SNAPSHOTS_BUCKET,
    keys.LEASES_BUCKET,
    keys.HARVEST_BUCKET,
    keys.DECLARED_BUCKET,
    keys.WEBHOOKS_BUCKET,
)
_KV_MAX_AGE_SECONDS = {
    keys.LEASES_BUCKET: ticks.to_seconds(LEASE_TTL),
    keys.HARVEST_BUCKET: HARVEST_MAX_AGE_SECONDS,
    keys.DECLARED_BUCKET: DECLARED_MAX_AGE_SECONDS,
    keys.WEBHOOKS_BUCKET: WEBHOOKS_MAX_AGE_SECONDS,
}
"""How long a value lasts that nobody renews, in the buckets where it does not last for ever."""


def kv_stream(kv_bucket: str) -> str:
    """The stream behind a KV bucket."""
    return f"KV_{kv_bucket}"


def kv_subject(kv_bucket: str, key: str) -> str:
    """The subject of a key of a KV bucket."""
    return f"$KV.{kv_bucket}.{key}"


def stream_configs(*, replicas: int) -> list[dict[str, Any]]:
    """Every stream as the JetStream API takes it. Sync settings are the server's affair."""
    logs = [
        _log_config(keys.ARRIVALS_STREAM, keys.ARRIVALS_SUBJECTS, ARRIVALS_MAX_AGE_SECONDS, replicas),
        _log_config(keys.PROGRAM_STREAM, keys.PROGRAM_SUBJECTS, 0, replicas),
        _log_config(keys.EVENTS_STREAM, keys.EVENTS_SUBJECTS, EVENTS_MAX_AGE_SECONDS, replicas),
    ]
    return logs + [_kv_config(kv_bucket, replicas) for kv_bucket in KV_BUCKETS]


def _log_config(name: str, subjects: str, max_age_seconds: int, replicas: int) -> dict[str, Any]:
    return {
        "name": name,
        "subjects": [subjects],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": max_age_seconds * _NANOSECONDS_PER_SECOND,
        "max_msgs": -1,
        "max_bytes": -1,
        "duplicate_window": DUPLICATE_WINDOW_SECONDS * _NANOSECONDS_PER_SECOND,
        "num_replicas": replicas,
        "allow_direct": True,
    }


def _kv_config(kv_bucket: str, replicas: int) -> dict[str, Any]:
    max_age_seconds = _KV_MAX_AGE_SECONDS.get(kv_bucket, 0)
    # The server refuses a window that is longer than messages last.
    window_seconds = min(DUPLICATE_WINDOW_SECONDS, max_age_seconds or DUPLICATE_WINDOW_SECONDS)
    return {
        "name": kv_stream(kv_bucket),
        "subjects": [kv_subject(kv_bucket, ">")],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_msgs_per_subject": 1,
        "max_msgs": -1,
        "max_bytes": -1,
        "max_age": round(max_age_seconds * _NANOSECONDS_PER_SECOND),
        "duplicate_window": round(window_seconds * _NANOSECONDS_PER_SECOND),
        "num_replicas": replicas,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
    }


async def ensure_streams(bus: Bus, *, replicas: int, on_trouble: Callable[[str | None], None]) -> None:
    """Create each stream, or update it to the present settings; tries until it is done.

    ``on_trouble`` is told why it waits, in a sentence, and None when it does not any more.
    """
    for config in stream_configs(replicas=replicas):
        while True:
            try:
                await _ensure(bus, config)
            except (BusRefused, BusUnavailable) as err:
                name, why = config["name"], f"{err}{_hint(err)}"
                _log.warning("stream %s is not ready, trying again: %s", name, why, extra={"stream": name})
                on_trouble(f"stream {name} is not ready: {why}")
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                on_trouble(None)
                break


def _hint(err: Exception) -> str:
    return "; look at UNDERSTUDY_NATS_REPLICAS" if "replicas" in str(err) else ""


async def _ensure(bus: Bus, config: dict[str, Any]) -> None:
    name = config["name"]
    request = json.dumps(config).encode()
    try:
        await bus.api_request(f"STREAM.CREATE.{name}", request, repeatable=True)
    except BusRefused as refusal:
        # It exists with other settings (an earlier release's, or another number of replicas)...
        try:
            await bus.api_request(f"STREAM.UPDATE.{name}", request, repeatable=True)
        except BusUnavailable as err:
            raise refusal from err  # ... or it does not exist, and cannot be made as it is asked for
