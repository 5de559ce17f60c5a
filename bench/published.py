"""What controller and control API would have written: an origin endpoint, its entries, its objects."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from bench.installation import Access
from support.program_entries import make_endpoint, make_entry, make_piece, make_video
from understudy_domain import codec, keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_runtime import clock

RENDITION = "v1"


@dataclass(frozen=True, slots=True)
class PublishedEndpoint:
    """An origin endpoint with all its segments listed."""

    media_playlist_path: str
    segment_paths: tuple[str, ...]
    object_keys: tuple[str, ...]


def endpoint_of(*, segments: int, segment_seconds: int, date_interval_seconds: int) -> OriginEndpoint:
    """A fresh origin endpoint whose window holds so many segments."""
    return make_endpoint(
        guid=secrets.token_hex(16),
        name=f"bench-{secrets.token_hex(4)}",
        window_seconds=segments * segment_seconds,
        segment_seconds=segment_seconds,
        date_interval_seconds=date_interval_seconds,
    )


async def publish_endpoint(
    access: Access,
    *,
    segments: int,
    body: bytes | None = None,
    segment_seconds: int = 2,
    date_interval_seconds: int = 0,
) -> PublishedEndpoint:
    """Publish one whose segments are all available. With ``body`` each has an object of its own with these bytes."""
    endpoint = endpoint_of(
        segments=segments, segment_seconds=segment_seconds, date_interval_seconds=date_interval_seconds
    )
    await access.config.create(endpoint)
    shard = keys.shard_of(endpoint.channel_guid, shards=access.settings.shards)
    duration = ticks.from_seconds(segment_seconds)
    begin = clock.now_ticks() - segments * duration
    object_keys, paths = [], []
    for number in range(segments):
        piece = replace(
            make_piece(number, duration=duration, size=len(body or b"x")),
            object_key=keys.media_object_key(
                endpoint.channel_guid, 1, received_milliseconds=number, upload=secrets.token_hex(8), suffix="ts"
            ),
        )
        if body is not None:
            await access.objects.put(piece.object_key, body)
        entry = replace(
            make_entry(
                number,
                slot_duration=duration,
                endpoint=endpoint,
                renditions=[make_video(piece, rendition=RENDITION)],
            ),
            program_date_time=begin + number * duration,
            available_at=begin + (number + 1) * duration,
        )
        await access.bus.publish(keys.program_subject(shard, endpoint.guid), codec.encode(entry))
        object_keys.append(piece.object_key)
        name = keys.segment_name(RENDITION, number, rendering_version=entry.rendering_version)
        paths.append(f"/out/v1/{endpoint.guid}/{name}")
    playlist = keys.media_playlist_name(endpoint.manifest_name, RENDITION)
    return PublishedEndpoint(f"/out/v1/{endpoint.guid}/{playlist}", tuple(paths), tuple(object_keys))
