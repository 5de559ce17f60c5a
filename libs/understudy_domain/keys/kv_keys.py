"""KV buckets, and the keys in them."""

from __future__ import annotations

from typing import Final

from understudy_domain.errors import MalformedKey
from understudy_domain.keys.identifiers import GUID, checked_id

CONFIG_BUCKET: Final = "CONFIG"
ACTIVE_INPUT_BUCKET: Final = "ACTIVE_INPUT"
LEASES_BUCKET: Final = "LEASES"
SNAPSHOTS_BUCKET: Final = "SNAPSHOTS"
HARVEST_BUCKET: Final = "HARVEST"
DECLARED_BUCKET: Final = "DECLARED"
"""What each controller's file declares, for as long as it says so again: by a name of the process."""
WEBHOOKS_BUCKET: Final = "WEBHOOKS"
"""How far each webhook has come: by its name, for a day after a controller last had it in its file."""


def channel_key(channel_id: str) -> str:
    """The CONFIG key of a channel."""
    return f"channel.{checked_id(channel_id)}"


def origin_endpoint_key(origin_endpoint_id: str) -> str:
    """The CONFIG key of an origin endpoint."""
    return f"origin_endpoint.{checked_id(origin_endpoint_id)}"


HARVEST_JOBS: Final = "job.*"
"""The HARVEST keys of all harvest jobs."""


def harvest_job_key(job_id: str) -> str:
    """The HARVEST key of a harvest job."""
    return f"job.{checked_id(job_id)}"


def channel_snapshot_key(channel_guid: str) -> str:
    """The SNAPSHOTS key of what the decision core knows of a channel."""
    return f"channel.{channel_guid}"


def position_snapshot_key(shard: int) -> str:
    """The SNAPSHOTS key of how far a shard's log is contained in its channels' snapshots."""
    return f"position.{shard}"


def lease_key(shard: int) -> str:
    """The LEASES key of a shard: which controller decides for it."""
    return str(shard)


def replica_key(replica: str) -> str:
    """The LEASES key by which a controller says that it is there."""
    return f"replica.{replica}"


def parse_lease_key(key: str) -> int | str:
    """The shard of a shard's LEASES key, or the name of the replica of a replica's.

    Raises:
        MalformedKey: it is neither.
    """
    match key.split("."):
        case [shard] if shard.isdecimal():
            return int(shard)
        case ["replica", replica]:
            return replica
        case _:
            raise MalformedKey(f"not a key of the leases: {key!r:.200}")


def removed_channel_key(channel_guid: str) -> str:
    """The SNAPSHOTS key that says that what is left of a deleted channel is being removed."""
    return f"removed.{channel_guid}"


def channel_of_snapshot_key(key: str) -> str | None:
    """The channel (guid) that a SNAPSHOTS key is about; None for a shard's position."""
    match key.split("."):
        case ["channel" | "removed", guid] if GUID.fullmatch(guid):
            return guid
        case _:
            return None
