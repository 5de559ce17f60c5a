"""Records as this release writes them: of every kind one with every field set, and what they are filed under.

``python -m support.record_samples`` files them under tests/data/records/<version>. docs/records.md says when.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

from support.newer_release import versions
from support.program_entries import make_entry
from understudy_domain import codec, keys
from understudy_domain.index_page import IndexPage

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "tests" / "data" / "records"
GUID, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32
_FIXED: Mapping[tuple[str, str], Any] = {
    # What has to fit together.
    ("OriginEndpoint", "startover_window_seconds"): 86_400,
    ("OriginEndpoint", "time_delay_seconds"): 30,
    ("StreamSelection", "max_video_bits_per_second"): 1 << 20,
    ("Authorization", "cdn_identifier_secret"): "cdn/secret",
}


def release() -> str:
    """The version of this release."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def payloads() -> Iterator[tuple[str, bytes]]:
    """File names, and what a record of each kind looks like."""
    for name in versions():
        if not name.startswith("test."):
            yield f"{name}.json", codec.encode(sample(codec.kinds()[name])) + b"\n"


def sample(cls: type) -> Any:
    """A record with every field set, the same each time."""
    return _value(cls, cls.__name__, count(1))


def index_page() -> IndexPage:
    """A page of three slots, with the second of which the programme began anew."""
    return IndexPage.of([make_entry(number) for number in range(5, 8)], begins={6})


def enumerations() -> dict[str, list[str]]:
    """The values of every enumeration that a record holds: a release that does not know one refuses the record."""
    found: dict[str, list[str]] = {}
    seen: set[Any] = set()
    waiting: list[Any] = [codec.kinds()[name] for name in versions() if not name.startswith("test.")]
    while waiting:
        hint = waiting.pop()
        if hint in seen:
            continue
        seen.add(hint)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            found[hint.__name__] = sorted(member.value for member in hint)
        elif dataclasses.is_dataclass(hint):
            waiting += typing.get_type_hints(hint).values()
        else:
            waiting += typing.get_args(hint)
    return dict(sorted(found.items()))


def forms() -> dict[str, dict[str, int]]:
    """By kind, the version that is written, and the newest that is read."""
    return {
        name: {"writes": version, "reads": codec._read_up_to[codec.kinds()[name]]}
        for name, version in sorted(versions().items())
        if not name.startswith("test.")
    }


def names() -> dict[str, str]:
    """Names on the wire and in the storage, as the records are filed under them, and URLs that others keep."""
    upload = "d" * 32
    return {
        "ARRIVALS": keys.ARRIVALS_STREAM,
        "PROGRAM": keys.PROGRAM_STREAM,
        "EVENTS": keys.EVENTS_STREAM,
        "shard": str(keys.shard_of(GUID, shards=16)),
        "facts of an input": keys.arrivals_subject(3, GUID, 2),
        "commands": keys.command_subject(3, GUID),
        "ticks": keys.clock_subject(3),
        "entries": keys.program_subject(3, OTHER),
        "events": keys.event_subject("failover", GUID, OTHER),
        "channel": f"{keys.CONFIG_BUCKET} {keys.channel_key('news')}",
        "origin endpoint": f"{keys.CONFIG_BUCKET} {keys.origin_endpoint_key('news-hls')}",
        "active input": keys.ACTIVE_INPUT_BUCKET,
        "snapshot of a channel": f"{keys.SNAPSHOTS_BUCKET} {keys.channel_snapshot_key(GUID)}",
        "snapshot's position": f"{keys.SNAPSHOTS_BUCKET} {keys.position_snapshot_key(3)}",
        "removed channel": f"{keys.SNAPSHOTS_BUCKET} {keys.removed_channel_key(GUID)}",
        "lease": f"{keys.LEASES_BUCKET} {keys.lease_key(3)}",
        "replica": f"{keys.LEASES_BUCKET} {keys.replica_key('one')}",
        "harvest job": f"{keys.HARVEST_BUCKET} {keys.harvest_job_key('job')}",
        "declared": keys.DECLARED_BUCKET,
        "webhooks": keys.WEBHOOKS_BUCKET,
        "media": keys.media_object_key(GUID, 2, received_milliseconds=1_800_000_000_000, upload=upload, suffix="ts"),
        "index page": index_page().key.render(),
        "input URL": keys.ingest_url_path(GUID, THIRD),
        "multivariant playlist": keys.multivariant_path(OTHER, "index"),
        "media playlist": keys.media_playlist_name("index", "v1"),
        "segment": keys.segment_name("v1", 7, rendering_version=1),
    }


def described() -> dict[str, Any]:
    """File names, and what is said beside the records."""
    return {"enumerations.json": enumerations(), "names.json": names(), "versions.json": forms()}


def write(folder: Path) -> None:
    """File everything under a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, payload in payloads():
        (folder / name).write_bytes(payload)
    (folder / "index_page.bin").write_bytes(index_page().encode())
    for file, value in described().items():
        (folder / file).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _value(hint: Any, name: str, numbers: Iterator[int]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _value(next(one for one in arguments if one is not type(None)), name, numbers)
    if origin in (tuple, list):
        return origin([_value(arguments[0], name, numbers)])
    if origin is not None and issubclass(origin, Mapping):
        return {"key": _value(arguments[1], name, numbers)}
    if dataclasses.is_dataclass(hint):
        cls = typing.cast(type, hint)
        hints = typing.get_type_hints(cls)
        return cls(
            **{
                field.name: _FIXED[cls.__name__, field.name]
                if (cls.__name__, field.name) in _FIXED
                else _value(hints[field.name], field.name, numbers)
                for field in dataclasses.fields(cls)
                if field.init
            }
        )
    if issubclass(hint, StrEnum):
        return next(iter(hint))
    if hint is bool:
        return True
    if hint is str:
        return f"{name} {next(numbers)}"
    return hint(next(numbers))


if __name__ == "__main__":
    write(RECORDS / release())
